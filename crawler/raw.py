"""Raw rows as a file holds them, a page at a time: their fingerprints first, what they say only if asked."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from registry.records import Defect, RegistryError, raw_text

#: Of what a row says, the parser keeps more with each version; what an older one read is read again.
PARSER = b"1"
#: A page is so many rows, or so many bytes of text.
PAGE_ROWS, PAGE_BYTES = 10_000, 32 * 1024 * 1024
#: Of a line that is no JSON so many bytes are looked at; of these a defect keeps less.
_SHOWN = 64 * 1024


class DumpError(RegistryError):
    """A file that cannot be read (further); rows that came before are good."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands in the stream of rows for one that is no JSON."""

    defect: Defect


class Line(NamedTuple):
    """The text of one row of a JSON file, where it stands, and why it is none, if that is known already."""

    text: bytes
    place: str
    fault: str | None = None

    def row(self) -> object:
        """What it says, or Unreadable."""
        try:
            if self.fault:
                raise ValueError(self.fault)
            return json.loads(self.text)
        except (ValueError, RecursionError) as error:
            shown = raw_text(self.text.strip()[:_SHOWN].decode("utf-8", "replace"))
            return Unreadable(Defect("bad-json", self.place, shown, f"not JSON: {error}"[:200]))


@dataclass(frozen=True, slots=True)
class JsonPage:
    """Some rows of a JSON file."""

    lines: Sequence[Line]

    def __len__(self) -> int:
        return len(self.lines)

    @property
    def size(self) -> int:
        """Bytes of text."""
        return sum(len(line.text) for line in self.lines)

    def fingerprints(self) -> list[bytes] | None:
        """A sum for each row."""
        return [fingerprint(line.text.strip()) for line in self.lines]

    def rows(self, wanted: Collection[int] | None = None) -> Iterator[object]:
        """What the rows say, or those at the wanted places."""
        lines = self.lines if wanted is None else (self.lines[place] for place in wanted)
        return (line.row() for line in lines)


def fingerprint(row: bytes) -> bytes:
    """The sum of a raw row: 16 bytes, so that nobody can make two rows of one sum."""
    return blake2b(row, digest_size=16, person=PARSER).digest()
