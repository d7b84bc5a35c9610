"""The licence, notice and readme files of models, kept on disk by commit: what was read once is not asked for again."""

import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from crawler.absent import is_missing
from crawler.answers import Answer, CrawlError
from crawler.files import File, read_file
from crawler.hub import Hub

#: Files at the top of a repository that say under which terms it is, and to whom credit is due.
_RELEVANT = re.compile(r"(?:licen[sc]e|copying|notice|use[_-]policy)[^/]*|readme\.md", re.IGNORECASE)
#: So many of them are read of a model, and so many models asked for together.
_MOST, _BATCH = 12, 32
_SHA = re.compile(r"[0-9a-f]{40}")
_LARGEST_ENTRY = 40_000_000


@dataclass(frozen=True, slots=True)
class RepoFile:
    """A file: its path, text, and the SHA-256 of the bytes that were read (hex), `truncated` where there are more."""

    path: str
    text: str
    sha256: str
    truncated: bool = False


@dataclass(frozen=True, slots=True)
class RepoFiles:
    """The files of a model at a commit (`sha`); `problem` says, in words, why some or all of them could not be read."""

    model: str
    sha: str | None = None
    files: tuple[RepoFile, ...] = ()
    problem: str | None = None


def cache_folder() -> Path:
    """Where files are kept: the folder that LINEAGE_CACHE names, else one in the user's cache folder."""
    if named := os.environ.get("LINEAGE_CACHE"):
        return Path(named)
    from platformdirs import user_cache_path  # noqa: PLC0415 - 17 ms that a named folder need not pay

    return user_cache_path("finetune-lineage", appauthor=False) / "files"


def read_files(hub: Hub, models: Iterable[str], cache: Path) -> dict[str, RepoFiles]:
    """The files of these models: one request a model tells its commit and the names of its files; those of a commit
    that is kept in `cache` are not asked for again.

    Raises CrawlError where the Hub does not answer at all.
    """
    found: dict[str, RepoFiles] = {}
    asked = iter(dict.fromkeys(models))
    while batch := list(islice(asked, _BATCH)):
        answers = hub.gather((hub.model_url(name), {"expand": ["sha", "siblings"]}) for name in batch)
        wanted = {name: _listed(name, answer) for name, answer in zip(batch, answers, strict=True)}
        found |= {name: listed for name, listed in wanted.items() if isinstance(listed, RepoFiles)}
        listings = {name: listed for name, listed in wanted.items() if isinstance(listed, _Listing)}
        kept = {name: _kept(cache, listing) for name, listing in listings.items()}
        found |= {name: files for name, files in kept.items() if files is not None}
        found |= _fetched(hub, {name: listings[name] for name, files in kept.items() if files is None}, cache)
    return found


@dataclass(frozen=True, slots=True)
class _Listing:
    """What a model's answer says: its id now, the commit, and the names of the files that matter."""

    model: str
    sha: str | None
    paths: tuple[str, ...]


def _listed(name: str, answer: Answer | CrawlError) -> _Listing | RepoFiles:
    if isinstance(answer, CrawlError):
        return RepoFiles(name, problem=str(answer))
    if is_missing(answer):
        return RepoFiles(name, problem="not on the Hub, or private")
    if answer.status != 200 or not isinstance(answer.body, dict):
        return RepoFiles(name, problem=f"the Hub does not show it ({answer.status}: {answer.said})")
    siblings = answer.body.get("siblings")
    listed = siblings if isinstance(siblings, list) else []
    names = [entry.get("rfilename") for entry in listed if isinstance(entry, dict)]
    paths = sorted(path for path in names if isinstance(path, str) and _RELEVANT.fullmatch(path))
    sha = answer.body.get("sha")
    known = sha if isinstance(sha, str) and _SHA.fullmatch(sha) else None
    return _Listing(str(answer.body.get("id") or name), known, tuple(paths[:_MOST]))


def _fetched(hub: Hub, listings: Mapping[str, _Listing], cache: Path) -> dict[str, RepoFiles]:
    """Ask for the files of these models, several at once, and keep those whose commit is known."""
    asked = [(name, path) for name, listing in listings.items() for path in listing.paths]

    def read(one: tuple[str, str]) -> File:
        listing = listings[one[0]]
        return read_file(hub, listing.model, one[1], listing.sha or "main")

    answers: dict[str, list[File | CrawlError]] = {name: [] for name in listings}
    for (name, _), answer in zip(asked, hub.each(read, asked), strict=True):
        answers[name].append(answer)
    found = {}
    for name, listing in listings.items():
        found[name] = _files_of(listing, answers[name])
        if listing.sha and all(isinstance(answer, File) and answer.stays for answer in answers[name]):
            _keep(cache, listing, found[name])
    return found


def _files_of(listing: _Listing, answers: Sequence[File | CrawlError]) -> RepoFiles:
    files = [answer for answer in answers if isinstance(answer, File)]
    texts = tuple(RepoFile(f.path, f.text, f.sha256, f.truncated) for f in files if f.text is not None)
    problems = [f"{f.path}: {f.problem}" for f in files if f.problem]
    problems += [str(answer) for answer in answers if isinstance(answer, CrawlError)]
    return RepoFiles(listing.model, listing.sha, texts, "; ".join(dict.fromkeys(problems)) or None)


def _entry(cache: Path, listing: _Listing) -> Path:
    """The file of the cache for a commit. Names from the Hub make no path: their hash does."""
    name = hashlib.sha256(f"{listing.model}\n{listing.sha}".encode("utf-8", "surrogatepass")).hexdigest()
    return cache / name[:2] / f"{name}.json"


def _kept(cache: Path, listing: _Listing) -> RepoFiles | None:
    """What is kept of a commit; None where nothing is, or what is there cannot be read."""
    if listing.sha is None:
        return None
    try:
        path = _entry(cache, listing)
        if path.stat().st_size > _LARGEST_ENTRY:
            return None
        held: dict[str, Any] = json.loads(path.read_text("utf-8"))
        files = tuple(RepoFile(**{**entry}) for entry in held.pop("files"))
        kept = RepoFiles(**held, files=files)
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    return kept if (kept.model, kept.sha) == (listing.model, listing.sha) else None


def _keep(cache: Path, listing: _Listing, files: RepoFiles) -> None:
    """Keep the files of a commit, whole or not at all; a cache that cannot be written is done without."""
    path = _entry(cache, listing)
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, delete=False) as draft:
            json.dump(asdict(files), draft)
        Path(draft.name).replace(path)
