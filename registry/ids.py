"""What an id of the Hub looks like, in a URL too, and the short ids of its first years."""

import re
import tomllib
from functools import cache
from importlib.resources import files
from urllib.parse import unquote, urlsplit

#: What the Hub accepts as a repository id: huggingface_hub `validate_repo_id`. Its length limit of 96 is younger than
#: some repositories, so this one is wider.
ID = re.compile(r"(?:[A-Za-z0-9_][\w.-]{0,95}/)?[A-Za-z0-9_.][\w.-]{0,199}", re.ASCII)
_URL = re.compile(r"https?://|(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_HOSTS = {"huggingface.co", "www.huggingface.co", "hf.co"}
#: First path parts of Hub pages that are no organisation.
_NOT_OWNERS = {"api", "collections", "datasets", "docs", "models", "papers", "settings", "spaces"}
#: Pages of a model, which stand behind its id in a URL.
_PAGES = {"blob", "commit", "commits", "discussions", "raw", "resolve", "tree"}
_SHA = re.compile(r"[0-9a-f]{7,64}")


@cache
def legacy_names() -> dict[str, str]:
    """Short ids of the Hub's first years and the ids they redirect to (source: registry/legacy_names.toml)."""
    table = tomllib.loads(files("registry").joinpath("legacy_names.toml").read_text("utf-8"))
    return {name: f"{owner}/{name}" for owner, names in table.items() for name in names}


def split_url(text: str) -> tuple[str, str | None] | None:
    """The id and revision in a URL of a Hub model page, or None if `text` is not one.

    >>> split_url("https://huggingface.co/Qwen/Qwen3-8B/blob/b968826/README.md")
    ('Qwen/Qwen3-8B', 'b968826')
    """
    if not _URL.match(text):
        return None
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:
        return None
    parts = [unquote(part) for part in url.path.split("/") if part]
    if url.hostname not in _HOSTS or not parts or parts[0] in _NOT_OWNERS:
        return None
    short = len(parts) == 1 or parts[1] in _PAGES  # a model of the Hub's first years, without an owner
    repo_id, rest = ("/".join(parts[:1]), parts[1:]) if short else ("/".join(parts[:2]), parts[2:])
    revision = rest[1] if len(rest) > 1 and _SHA.fullmatch(rest[1]) else None
    return (repo_id, revision) if ID.fullmatch(repo_id) else None
