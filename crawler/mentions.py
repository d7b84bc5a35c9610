"""What names a model in a code base: ids, the names of arguments and settings that hold them, and URLs of the Hub.

A mention is what stands there as it is written. What cannot be known without running the code is never guessed.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from registry.ids import ID, legacy_names, split_url
from registry.services import of_service


@dataclass(frozen=True, slots=True)
class Mention:
    """A model's id as a line of a file names it, from 1 on.

    `revision` is the branch, tag or commit that stands beside it, None where none does. `how` says what names it: a
    call (`from_pretrained()`), a setting (`model_id`), a command (`hf download`) or `URL`.
    """

    name: str
    revision: str | None
    line: int
    how: str


#: Settings, arguments, constants and keys that hold a model's id, in any letter case, with `-` or `_`: those whose last
#: words are these, as `model_id`, `EMBEDDING_MODEL` and `baseModelName` are.
_KEY = re.compile(
    r"(?:.*_)?(?:model|models|checkpoint|pretrained)(?:_(?:id|ids|name|names|path|name_or_path|repo|repo_id|checkpoint))?"
    r"|_?name_or_path|(?:hf_)?repo_id|hf_repo"
)
#: Those that name what a program writes, not what it uses (transformers, `TrainingArguments`).
_OUTPUT_KEYS = {"hub_model_id"}
REVISION_KEYS = ("revision", "model_revision")
TYPE_KEYS = ("repo_type",)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_LONGEST_KEY = 100
#: What begins a path on somebody's disk where a setting may hold an id or a path.
_FOLDERS = set("checkpoint checkpoints ckpt ckpts output outputs results runs saved_models weights".split())
#: How files end that a setting names in place of a model.
_FILE = re.compile(r"\.(?:bin|ckpt|csv|gguf|h5|json|jsonl|onnx|pb|pkl|pt|pth|py|safetensors|tflite|txt|ya?ml)$", re.I)
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,99}", re.ASCII)

_URL = re.compile(
    r"(?<![\w.@-])(?:https?://)?(?:www\.)?(?:huggingface\.co|hf\.co)/[^\s\"'<>()\[\]\\`|,;]{1,500}", re.IGNORECASE
)
#: Pages of the Hub with two parts in their address that are no model's, beside those that registry.ids knows.
_NO_OWNERS = set(
    "blog brand changelog chat course enterprise inference inference-endpoints join learn login new notifications "
    "organizations posts pricing privacy search storage support tasks terms-of-service".split()
)
#: What an owner cannot be called, as the Hub has pages there.
_RESERVED = {"api", "collections", "datasets", "docs", "models", "papers", "settings", "spaces"}


def names_model(key: str) -> bool:
    """Whether a setting, argument or constant of this name holds the id of a model that is used.

    >>> [names_model(key) for key in ("model_id", "--base-model", "rewardModelName", "dataset", "hub_model_id")]
    [True, True, True, False, False]
    """
    if len(key) > _LONGEST_KEY:
        return False
    words = _CAMEL.sub("_", key.lstrip("-")).casefold().replace("-", "_")
    return words not in _OUTPUT_KEYS and _KEY.fullmatch(words) is not None


def called_model(text: str) -> tuple[str, str | None] | None:
    """The id and revision in a text that a call gives for a model: an id, a URL, a short id of the first years, or the
    name of a model that another service runs."""
    text = text.strip()
    if url := split_url(text):
        return url if _is_id(url[0]) else None
    if _is_id(text) or text in legacy_names() or of_service(text):
        return text, None
    return None


def set_model(text: str) -> tuple[str, str | None] | None:
    """The same in a setting, which may hold the path of a folder or file as well: that is no id, nor is a short one."""
    found = called_model(text)
    if found is None or _FILE.search(found[0]) or not ("/" in found[0] or of_service(found[0])):
        return None
    return None if found[0].partition("/")[0].casefold() in _FOLDERS else found


def _is_id(text: str) -> bool:
    """Whether it is `owner/name` (huggingface_hub, `validate_repo_id`: neither `--` nor `..` in it)."""
    if "/" not in text or ".." in text or "--" in text or ID.fullmatch(text) is None:
        return False
    return text.partition("/")[0].casefold() not in _RESERVED and not text.endswith((".", "-"))


def pin(text: object) -> str | None:
    """A revision that is stated as text, as it stands."""
    return text if isinstance(text, str) and _REVISION.fullmatch(text) else None


def urls(text: str, lines: "Lines") -> Iterator[Mention]:
    """The models whose pages or files URLs in a text name; a URL that is put together of parts is not one."""
    for found in _URL.finditer(text):
        address = found[0].rstrip(".:!?*_~")
        if text[found.end() : found.end() + 1] in {"<", "["} and text[found.end() + 1 : found.end() + 2] != "/":
            continue
        url = split_url(address)
        if url is None or url[0].partition("/")[0].casefold() in _NO_OWNERS:
            continue
        name = url[0].removesuffix(".git")
        if _is_id(name):
            yield Mention(name, url[1], lines.at(found.start()), "URL")


class Lines:
    """Which line of a text, from 1 on, a place in it is on."""

    def __init__(self, text: str) -> None:
        self._begins = [0, *(found.end() for found in re.finditer("\n", text))]

    def at(self, place: int) -> int:
        """The line of a character."""
        return bisect_right(self._begins, place)
