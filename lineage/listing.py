"""Lists of models, one a line: as people write them, and as `lineage scan -f list` does for `lineage audit -r`.

What follows `#` in a line is a comment. Scan writes two spaces, `# ` and where the code names the model:

    Qwen/Qwen3-8B@b968826d9c46dd6066d109eabc6255188de91218  # src/app.py:12

In its path, whatever is no visible character, and `%`, is written as in a URL (`%20`). A model that such a line names
need not be in the registry: somebody's code names it all the same, so that an audit tells it instead of ending.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from registry.records import RegistryError

#: A list is read up to this size, in bytes.
LONGEST_LIST = 16_000_000
#: The name of a list that is read from standard input.
STDIN = Path("-")
#: How a list that scan wrote begins; such a list may be empty, since code need not name a model.
_HEADER = "# lineage scan: "
#: What a scan could not tell, in its first line: a number and our words.
_REMARK = re.compile(r"[1-9][0-9,]* [a-z ]{1,100}")
_SCANNED = re.compile(r"(\S+)  # (\S+):([1-9][0-9]{0,8})")
_PINNED = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a file, from 1 on."""

    file: str
    line: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A name in a list, and the `line` of the list on which it stands; `place` is where code names it, if scan said."""

    line: int
    name: str
    place: Place | None = None


def read_list(file: Path) -> bytes:
    """The content of a list; RegistryError where it cannot be read."""
    try:
        with file.open("rb") as opened:
            return opened.read(LONGEST_LIST + 1)
    except OSError as error:
        raise RegistryError(f"cannot read {file} ({error.strerror}): name a list of models, one a line") from error


def listed(content: bytes, file: str) -> list[Listed]:
    """The names in a list; RegistryError for what is none, or names none and is not from scan."""
    if len(content) > LONGEST_LIST:
        raise RegistryError(f"{file} is larger than {LONGEST_LIST:,} bytes: split it, or use --all")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RegistryError(f"{file} is not UTF-8: it should be a list of models, one a line") from error
    found = [one for number, line in enumerate(text.splitlines(), 1) if (one := _read(number, line)) is not None]
    if not found and not text.startswith(_HEADER):
        raise RegistryError(f"{file} names no model: write one a line")
    return found


def _read(number: int, line: str) -> Listed | None:
    if scanned := _SCANNED.fullmatch(line.rstrip()):
        path = unquote(scanned[2], errors="surrogateescape")
        return Listed(number, scanned[1], Place(path, int(scanned[3])))
    name = line.partition("#")[0].strip()
    return Listed(number, name) if name else None


def header(summary: str, remarks: Iterable[str]) -> str:
    """The first line of a list that scan writes: words of ours without `;`, but for one in `summary`."""
    return "; ".join([f"{_HEADER}{summary}", *remarks])


def remarks(content: bytes) -> tuple[str, ...]:
    """What the scan that wrote a list could not tell, by its first line."""
    first = content.partition(b"\n")[0].decode("utf-8-sig", "replace").rstrip()
    said = first.split("; ")[2:] if first.startswith(_HEADER) else []
    return tuple(one for one in said if _REMARK.fullmatch(one))


def list_line(name: str, revision: str | None, place: Place) -> str:
    """The line of such a list that names a model; of revisions, commits alone are kept."""
    pinned = f"{name}@{revision}" if revision and _PINNED.fullmatch(revision) else name
    path = "".join(c if c.isprintable() and c not in " %" else _quoted(c) for c in place.file)
    return f"{pinned}  # {path}:{place.line}"


def _quoted(character: str) -> str:
    return quote(character, safe="", errors="surrogateescape")
