"""A code base on disk: which of its files are read, and the models that they name.

The files are anybody's. Nothing in them is run, links are not followed, and no more of a file is read than its limit.
"""

import json
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from crawler.commands import mentions_in_commands
from crawler.mentions import Lines, Mention, urls
from crawler.notebooks import read_notebook
from crawler.python_code import Found, read_python
from crawler.settings import expect_yaml, json_settings, mentions_in, toml_settings, yaml_settings
from registry.records import RegistryError

#: Bytes of a file; a notebook holds its pictures too.
FILE_LIMIT = 1_000_000
NOTEBOOK_LIMIT = 16_000_000
#: Mentions that are taken from one file.
_MOST_MENTIONS = 1_000
_MOST_FILES = 200_000
#: What others put into a code base: histories, packages, virtual environments (also those of other names), caches.
PASSED_OVER = set(
    ".git .hg .svn .venv venv node_modules site-packages __pycache__ .ipynb_checkpoints .mypy_cache .nox .pytest_cache "
    ".ruff_cache .tox".split()
)
_ENVIRONMENT = "pyvenv.cfg"
_AT_ONCE = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)


class CodeError(RegistryError):
    """A code base that cannot be read; the message is one line that ends with the way out."""


@dataclass(frozen=True, slots=True)
class CodeFile:
    """What one file says: the `mentions` in the order of its lines; `unnamed` calls name a model by what cannot be
    known without running them; `left_out` says in a few words why it was not read, or not whole."""

    path: str
    mentions: tuple[Mention, ...] = ()
    unnamed: int = 0
    left_out: str | None = None


def read_code(paths: Sequence[Path]) -> Iterator[CodeFile]:
    """The files of a code base that may name a model, each once, in the order of their paths.

    `paths` are folders and files; a path that is told is one of these, with the way from there on, with `/`. Of a
    folder Python files, notebooks, YAML, JSON, TOML, .env files, Dockerfiles and shell scripts are read; what is named
    itself is read whatever it is called. Raises CodeError where a path that was named cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    for path in paths:
        try:
            status = os.stat(path)
        except (OSError, ValueError) as error:
            raise CodeError(f"cannot read {path} ({_why(error)}): check the path") from error
        if stat.S_ISDIR(status.st_mode):
            yield from _read_folder(str(path), seen)
        elif (found := _read(str(path), seen, named=True)) is not None:
            yield found


def _why(error: OSError | ValueError) -> str:
    """What the system says of a path, in a few words."""
    return getattr(error, "strerror", None) or str(error)


def _read_folder(root: str, seen: set[tuple[int, int]]) -> Iterator[CodeFile]:
    """The files of a kind that is read, in the order of their paths; no link is followed."""
    waiting, count = [(root, True)], 0
    while waiting:
        path, is_folder = waiting.pop()
        count += 1
        if count > _MOST_FILES:
            raise CodeError(f"{root} holds over {_MOST_FILES:,} files and folders to read: name a folder within it")
        if not is_folder:
            if (found := _read(path, seen, named=False)) is not None:
                yield found
            continue
        try:
            waiting += reversed(_inside(path))
        except OSError as error:
            if path == root:
                raise CodeError(f"cannot read {root} ({_why(error)}): make it readable") from error
            yield CodeFile(PurePath(path).as_posix(), left_out=f"cannot be read ({_why(error)})")


def _inside(folder: str) -> list[tuple[str, bool]]:
    """The folders and files of a folder that are to be read, by name, and which of both each is."""
    with os.scandir(folder) as entries:
        held = sorted(entries, key=lambda entry: entry.name)
    if any(entry.name == _ENVIRONMENT for entry in held):
        return []
    folders = {entry.name for entry in held if entry.is_dir(follow_symlinks=False)}
    return [
        (entry.path, entry.name in folders)
        for entry in held
        if (entry.name in folders and entry.name not in PASSED_OVER)
        or (entry.is_file(follow_symlinks=False) and _reader(entry.name))
    ]


def _read(path: str, seen: set[tuple[int, int]], *, named: bool) -> CodeFile | None:
    """What a file says; None for one that was read already."""
    told = PurePath(path).as_posix()
    reader = _reader(path) or _text
    limit = NOTEBOOK_LIMIT if reader is read_notebook else FILE_LIMIT
    try:
        flags = _AT_ONCE & ~getattr(os, "O_NOFOLLOW", 0) if named else _AT_ONCE
        with open(path, "rb", opener=lambda name, how: os.open(name, how | flags)) as file:
            status = os.fstat(file.fileno())
            if (status.st_dev, status.st_ino) in seen:
                return None
            seen.add((status.st_dev, status.st_ino))
            data = file.read(limit + 1) if stat.S_ISREG(status.st_mode) else b"\0"
    except OSError as error:
        if named:
            raise CodeError(f"cannot read {path} ({_why(error)}): make it readable") from error
        return CodeFile(told, left_out=f"cannot be read ({_why(error)})")
    if len(data) > limit:
        return CodeFile(told, left_out=f"is larger than {limit:,} bytes")
    if b"\0" in data:
        return CodeFile(told, left_out="is no text")
    text = data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")
    found = reader(text).tidied()
    left_out = _fault(reader, text)
    if len(found.mentions) > _MOST_MENTIONS:
        left_out = f"names over {_MOST_MENTIONS:,} models"
    return CodeFile(told, tuple(found.mentions[:_MOST_MENTIONS]), found.unnamed, left_out)


def _fault(reader: Callable[[str], Found], text: str) -> str | None:
    """That a file is broken: what it names behind the fault may be missing. TOML is read to its end all the same."""
    try:
        if reader in (_json, read_notebook):
            json.loads(text)
        elif reader is _yaml:
            expect_yaml(text)
    except (ValueError, RecursionError):
        return "is broken: what it names may be missing"
    return None


def _text(text: str) -> Found:
    """Commands, variables and URLs."""
    return Found([*mentions_in_commands(text), *urls(text, Lines(text))])


def _yaml(text: str) -> Found:
    """Settings, and the commands that a workflow or a composition of containers runs."""
    return Found([*mentions_in(yaml_settings(text)), *_text(text).mentions])


def _json(text: str) -> Found:
    return Found([*mentions_in(json_settings(text)), *urls(text, Lines(text))])


def _toml(text: str) -> Found:
    return Found([*mentions_in(toml_settings(text)), *urls(text, Lines(text))])


#: What reads a file, by its name.
_READERS: tuple[tuple[re.Pattern[str], Callable[[str], Found]], ...] = (
    (re.compile(r".*\.pyw?", re.IGNORECASE | re.DOTALL), read_python),
    (re.compile(r".*\.ipynb", re.IGNORECASE | re.DOTALL), read_notebook),
    (re.compile(r".*\.ya?ml", re.IGNORECASE | re.DOTALL), _yaml),
    (re.compile(r".*\.json", re.IGNORECASE | re.DOTALL), _json),
    (re.compile(r".*\.toml", re.IGNORECASE | re.DOTALL), _toml),
    (
        re.compile(
            r".*\.(?:env|sh|bash|zsh|dockerfile)|\.env(?:\..*)?|(?:Dockerfile|Containerfile)(?:\..*)?",
            re.IGNORECASE | re.DOTALL,
        ),
        _text,
    ),
)


def _reader(path: str) -> Callable[[str], Found] | None:
    name = os.path.basename(path)
    return next((reader for pattern, reader in _READERS if pattern.fullmatch(name)), None)
