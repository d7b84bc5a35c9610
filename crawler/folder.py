"""A folder of a model on disk: its content by its hashes, and what its files say of where the model comes from.

Nothing in it is run, unpickled or loaded: of weights the headers are read. What is no model folder is refused before
anything in it is opened.
"""

import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any, NoReturn

from crawler.clues import Clue, Findings
from registry.records import Defect, RegistryError

__all__ = ["Clue", "FolderError", "Hashed", "ModelFolder", "read_folder"]

_CHUNK = 1024 * 1024
_MOST_FILES = 100_000
#: What git, huggingface_hub (its notes on a download lie in `.cache`), Python and macOS put beside a model.
_PASSED_OVER = {".git", ".cache", "__pycache__", ".DS_Store"}
_SINGLE = (".gguf", ".safetensors")
_AT_ONCE = getattr(os, "O_NONBLOCK", 0)


class FolderError(RegistryError):
    """A folder that cannot be read as a model; the message is one line that ends with the way out."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """A file: its path from the folder on, with `/`, its size in bytes, and its SHA-256 in hexadecimal digits.

    In a path, a backslash and what is no printable text are written as Python writes them: `\\\\`, `\\n`, `\\xff`.
    """

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ModelFolder:
    """What is in a model folder, and what it says.

    `card` is the README's front matter as plain JSON values, None without one: crawler.parse reads base models and
    licences out of it, so `clues` holds what other files say, the surest first. `licenses` are the labels in headers of
    weights, each with its file. `facts` are what files say of format, architecture, quantization, quantized_by,
    library_name and peft_type. `files` stand by path. `digest` is the SHA-256 of the lines `sha256  path` in that
    order: of the same content, it is the same.
    """

    card: Mapping[str, Any] | None
    clues: tuple[Clue, ...]
    licenses: tuple[tuple[str, str], ...]
    facts: Mapping[str, str]
    files: tuple[Hashed, ...]
    digest: str
    defects: tuple[Defect, ...]


def _no_progress(done: int, total: int) -> None:
    """Whom nobody tells."""


def read_folder(
    path: Path, progress: Callable[[int, int], None] = _no_progress, *, hashing: bool = True
) -> ModelFolder:
    """Read a model folder, or one `.gguf` or `.safetensors` file as a folder that holds it alone.

    `progress` is told how many bytes are hashed, of how many. Without `hashing`, each file's head alone is read, and
    there are no sums (`sha256` and `digest` are empty). FolderError where the folder is none, leads out of itself
    by a link, holds what is no file, cannot be read, or changes meanwhile.
    """
    root, found = _find(path)
    total = sum(file.status.st_size for file in found)
    findings = Findings(root)
    files: list[Hashed] = []
    done = 0
    progress(done, total)
    for file in found:
        with _opened(file) as stream:
            with _explained(file.place):
                findings.read(file.path, stream, file.status.st_size)
                stream.seek(0)
            sha256 = hashlib.sha256()
            for chunk in _chunks(stream, file) if hashing else ():
                sha256.update(chunk)
                done += len(chunk)
                progress(done, total)
        files.append(Hashed(file.path, file.status.st_size, sha256.hexdigest() if hashing else ""))
    lines = "".join(f"{file.sha256}  {file.path}\n" for file in files)
    digest = hashlib.sha256(lines.encode()).hexdigest() if hashing else ""
    defects = tuple(dict.fromkeys(findings.notes.defects))
    return ModelFolder(findings.card, findings.clues, findings.licenses, findings.facts, tuple(files), digest, defects)


@dataclass(frozen=True, slots=True)
class _Found:
    """A regular file: its path as it is told, where it is opened, and what it was when it was found."""

    path: str
    place: str
    status: os.stat_result


def _find(path: Path) -> tuple[str, list[_Found]]:
    """The folder's place, and its files by their paths."""
    if "\0" in str(path):
        raise FolderError(f"{_told(path)} is no path: check it")
    with _explained(path, "check the path"):
        root = os.path.realpath(path, strict=True)
        status = os.stat(root)
    if stat.S_ISDIR(status.st_mode):
        found = sorted(_walk(root), key=lambda file: file.path)
        if not found:
            raise FolderError(f"{_told(path)} holds no files: give the folder that holds the model's")
        return root, found
    if not stat.S_ISREG(status.st_mode) or not path.name.lower().endswith(_SINGLE):
        raise FolderError(f"{_told(path)} is no folder: give a model's folder, or a .gguf or .safetensors file")
    return os.path.dirname(root), [_Found(_told(path.name), root, status)]


def _walk(root: str) -> Iterator[_Found]:
    """All files below; links to folders in the folder are not followed, for what they lead to is met anyway."""
    homes = _homes(root)
    folders = [""]
    count = 0
    while folders:
        inner = folders.pop()
        with _explained(os.path.join(root, inner)), os.scandir(os.path.join(root, inner)) as entries:
            for entry in entries:
                if entry.name in _PASSED_OVER:
                    continue
                count += 1
                if count > _MOST_FILES:
                    raise FolderError(
                        f"{_told(root)} holds over {_MOST_FILES:,} files and folders: give the folder of one model"
                    )
                path = os.path.join(inner, entry.name)
                if entry.is_dir(follow_symlinks=False):
                    folders.append(path)
                elif (file := _file(entry, path, homes)) is not None:
                    yield file


def _file(entry: os.DirEntry[str], path: str, homes: list[str]) -> _Found | None:
    """The file that an entry is or leads to; None for a link to a folder."""
    with _explained(entry.path):
        place = _target(entry, homes) if entry.is_symlink() else entry.path
        status = os.stat(place, follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        return None
    if not stat.S_ISREG(status.st_mode):
        raise FolderError(f"{_told(entry.path)} is a pipe, a socket or a device: move it out of the folder")
    return _Found(_told(path.replace(os.sep, "/")), place, status)


def _target(entry: os.DirEntry[str], homes: list[str]) -> str:
    """Where a link leads, if that is in the folder, or where huggingface_hub keeps the files of a snapshot."""
    try:
        place = os.path.realpath(entry.path, strict=True)
    except OSError as error:
        raise FolderError(f"the link {_told(entry.path)} leads nowhere: remove it, or fetch its file again") from error
    if not any(place == home or place.startswith(home.rstrip(os.sep) + os.sep) for home in homes):
        raise FolderError(
            f"the link {_told(entry.path)} leads out of the folder, to {_told(place)}: put its file in its place"
        )
    return place


def _homes(root: str) -> list[str]:
    """Where the links of a folder may lead: into itself; of a snapshot in huggingface_hub's cache, to its blobs too.

    Source: https://huggingface.co/docs/huggingface_hub/guides/manage-cache (`models--X/snapshots/<commit>`).
    """
    place = Path(root)
    caches = [up.parent.parent for up in (place, *place.parents) if up.parent.name == "snapshots"]
    return [root, *(str(cache / "blobs") for cache in caches[:1] if cache.name.startswith("models--"))]


@contextmanager
def _opened(file: _Found) -> Iterator[BufferedReader]:
    """The file, opened for reading; FolderError where it is not what was found, or is not so for as long as it is read.

    Opening does not block, should a pipe have taken the file's place.
    """
    with _explained(file.place):
        stream = open(file.place, "rb", opener=lambda path, flags: os.open(path, flags | _AT_ONCE))  # noqa: SIM115
    with stream:
        _compare(file, stream)
        yield stream
        _compare(file, stream)


def _compare(file: _Found, stream: BufferedReader) -> None:
    then = file.status
    with _explained(file.place):
        now, named = os.fstat(stream.fileno()), os.stat(file.place, follow_symlinks=False)
    same = all(getattr(now, part) == getattr(then, part) for part in ("st_size", "st_mtime_ns"))
    if not same or not os.path.samestat(now, then) or not os.path.samestat(named, then):
        _changed(file)


def _changed(file: _Found) -> NoReturn:
    raise FolderError(f"{_told(file.place)} changed while it was read: read it again when nothing writes to the folder")


def _chunks(stream: BufferedReader, file: _Found) -> Iterator[memoryview]:
    """The file's bytes, as many as were found: one that grows has no end."""
    buffer = bytearray(_CHUNK)
    left = file.status.st_size
    while True:
        with _explained(file.place):
            count = stream.readinto(buffer)
        left -= count
        if left < 0 or (left and not count):
            _changed(file)
        if not count:
            return
        yield memoryview(buffer)[:count]


@contextmanager
def _explained(path: str | Path, way_out: str = "read it again when nothing writes to the folder") -> Iterator[None]:
    """OSError as FolderError."""
    try:
        yield
    except OSError as error:
        out = "make it readable" if isinstance(error, PermissionError) else way_out
        raise FolderError(f"cannot read {_told(path)} ({error.strerror or error}): {out}") from error


def _told(path: str | Path) -> str:
    """A path as one line of text that can be stored, a different one for every path."""
    return re.sub(r"[^ -\[\]-~]", _escaped, str(path))


def _escaped(found: re.Match[str]) -> str:
    """One character: as it is if it is text, else as Python writes it; a byte that is no UTF-8 as that byte."""
    character = found[0]
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) - 0xDC00:02x}"
    if character != "\\" and character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
