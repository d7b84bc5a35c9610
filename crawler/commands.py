"""Commands in shell scripts, Dockerfiles, .env files and YAML: downloads, options and variables that name a model.

Lines are read as words and never run; what a variable holds is not guessed.
"""

import re
from collections.abc import Iterator, Sequence

from crawler.mentions import Lines, Mention, called_model, names_model, pin, set_model

#: One command: a line, with those that a backslash joins to it.
_COMMAND = re.compile(r"(?:[^\n\\]|\\.|\\\n)++", re.DOTALL)
#: Words, with quotes around them or around parts of them; `;`, `|` and `&` stand between commands. Brackets and commas
#: stand between words: a Dockerfile's `CMD ["vllm", "serve", …]`.
_WORD = re.compile(r"""(?:[^\s"';|&()\[\],\\]|"[^"\n]*+"|'[^'\n]*+'|\\[^\n])++|[;|&()]""")
_LONGEST_COMMAND = 20_000
_ASSIGNED = re.compile(r"(-{0,2}[A-Za-z_][\w-]{0,99})=(.*)", re.DOTALL)
#: Commands whose first argument is a model.
_DOWNLOADS = {
    ("huggingface-cli", "download"),
    ("hf", "download"),
    ("vllm", "serve"),
    ("transformers", "serve"),
    ("transformers", "chat"),
}
_SPLITS = set(";|&()")
#: Options of a download that take no value (huggingface_hub, `hf download --help`).
_FLAGS = {"--quiet", "--force-download", "--dry-run", "--resume-download"}


def mentions_in_commands(text: str) -> Iterator[Mention]:
    """The models that commands, options and variables of a text name."""
    lines = Lines(text)
    for found in _COMMAND.finditer(text):
        if found[0].lstrip().startswith("#") or len(found[0]) > _LONGEST_COMMAND:
            continue
        command: list[tuple[str, int]] = []
        for word in _WORD.finditer(found[0]):
            if word[0] in _SPLITS:
                yield from _of_command(command)
                command = []
            elif word[0].startswith("#"):
                break
            else:
                command.append((re.sub(r"[\"']", "", word[0]), lines.at(found.start() + word.start())))
        yield from _of_command(command)


def _of_command(command: Sequence[tuple[str, int]]) -> Iterator[Mention]:
    words = [word for word, _ in command]
    options = _options(words)
    if options.get("--repo-type", "model") != "model":
        return
    revision = pin(options.get("--revision"))
    for at, (word, line) in enumerate(command):
        pair = (word.rpartition("/")[2], words[at + 1]) if at + 1 < len(words) else None
        if pair in _DOWNLOADS and (first := _first_argument(words, at + 2)) is not None:
            if found := called_model(words[first]):
                yield Mention(found[0], revision or found[1], command[first][1], " ".join(pair))
        elif said := _assigned(words, at):
            key, value, on = said
            if names_model(key) and (found := set_model(value)):
                yield Mention(found[0], revision or found[1], command[on][1] if on != at else line, key)


def _options(words: Sequence[str]) -> dict[str, str]:
    """The options of a command that have a value."""
    pairs = (_assigned(words, at) for at in range(len(words)))
    return {pair[0]: pair[1] for pair in pairs if pair}


def _first_argument(words: Sequence[str], at: int) -> int | None:
    """Where the first word stands that is no option and no option's value."""
    while at < len(words):
        if not words[at].startswith("-"):
            return at
        at += 1 if "=" in words[at] or words[at] in _FLAGS else 2
    return None


def _assigned(words: Sequence[str], at: int) -> tuple[str, str, int] | None:
    """A name and its value, and where that stands: `NAME=value`, `--name=value`, `--name value` or `ENV NAME value`."""
    if found := _ASSIGNED.fullmatch(words[at]):
        return found[1], found[2], at
    if at + 1 < len(words) and words[at].startswith("--"):
        return words[at], words[at + 1], at + 1
    if at == 0 and len(words) == 3 and words[0].upper() == "ENV":
        return words[1], words[2], 2
    return None
