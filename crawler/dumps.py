"""Raw rows from files: JSON and JSON Lines of Hub API objects (plain or gzip), and hub-stats Parquet.

What a file is, is read from its first bytes, not from its name.
"""

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from registry.records import Defect, RegistryError

#: The columns of a hub-stats file that say something we keep. Its schema: `cardData` is JSON text, `baseModels` a
#: struct, times have no zone; there is no `sha`, `gated` or `private`.
PARQUET_COLUMNS = (
    "_id id author createdAt lastModified sha downloads likes tags cardData baseModels pipeline_tag library_name "
    "gated private disabled"
).split()
_LINE_LIMIT = 64 * 1024 * 1024
_DOCUMENT_LIMIT = 256 * 1024 * 1024
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_BATCH = 2_000


class DumpError(RegistryError):
    """A file that cannot be read (further); rows that came before are good."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands in the stream of rows for one that is no JSON."""

    defect: Defect


class Dump:
    """One file of raw rows. `size` and `position` are in one unit, so that their ratio is how far reading got."""

    def __init__(self, path: Path) -> None:
        """Open `path`; DumpError where it is missing or nothing we can read."""
        self.path = path
        try:
            self._file: IO[bytes] = path.open("rb")
            self.size = path.stat().st_size
            self._magic = self._file.read(4)
            self._file.seek(0)
        except OSError as error:
            raise DumpError(f"cannot read {path} ({error.strerror}): check the file's name") from error
        if not self._magic:
            raise DumpError(f"{path} is empty: fetch it again")
        self.position = 0

    def rows(self) -> Iterator[object]:
        """The raw rows in the file's order, with Unreadable for lines that are no JSON."""
        with self._file:
            if self._magic == _PARQUET:
                yield from self._parquet_rows()
            elif self._magic[:2] == _GZIP:
                with gzip.open(self._file) as unpacked:
                    yield from self._guarded(unpacked)
            else:
                yield from self._guarded(self._file)

    def _guarded(self, stream: Any) -> Iterator[object]:
        count = 0
        try:
            for count, row in enumerate(self._json_rows(stream), 1):  # noqa: B007 - used in the message
                yield row
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DumpError(
                f"{self.path} is damaged after {count:,} rows ({error}): fetch it again; what came before is saved"
            ) from error

    def _json_rows(self, stream: IO[bytes]) -> Iterator[object]:
        first = stream.readline(_LINE_LIMIT)
        while first.isspace():
            first = stream.readline(_LINE_LIMIT)
        if first.lstrip(b"\xef\xbb\xbf \t").startswith(b"[") or not _is_json(first):
            document = first + stream.read(_DOCUMENT_LIMIT)
            if len(document) >= _DOCUMENT_LIMIT:
                raise DumpError(f"{self.path} is one JSON document over 256 MB: write it as JSON Lines, a model a line")
            yield from _document_rows(document)
            self.position = self.size
            return
        line = first
        number = 1
        while line:
            self.position = self._file.tell()
            if not line.isspace():
                yield _line_row(line, number)
            line = stream.readline(_LINE_LIMIT)
            number += 1

    def _parquet_rows(self) -> Iterator[object]:
        try:
            import pyarrow.parquet  # noqa: PLC0415 - an extra of 150 MB that only Parquet files need
        except ModuleNotFoundError as error:
            raise DumpError("reading Parquet needs pyarrow: pip install 'finetune-lineage[parquet]'") from error
        try:
            file = pyarrow.parquet.ParquetFile(self._file)
        except (pyarrow.ArrowException, OSError) as error:
            raise DumpError(f"{self.path} is not a whole Parquet file ({error}): fetch it again") from error
        columns = [c for c in PARQUET_COLUMNS if c in file.schema_arrow.names]
        if "id" not in columns or not {"tags", "cardData", "baseModels"} & set(columns):
            raise DumpError(
                f"{self.path} is no table of models (it has no columns id and tags, cardData or baseModels): "
                "name a hub-stats models.parquet"
            )
        self.size = file.metadata.num_rows
        try:
            for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
                self.position += batch.num_rows
                yield from batch.to_pylist()
        except (pyarrow.ArrowException, OSError) as error:
            raise DumpError(
                f"{self.path} is damaged after {self.position:,} rows ({error}): fetch it again; "
                "what came before is saved"
            ) from error


def _is_json(line: bytes) -> bool:
    return not isinstance(_line_row(line, 1), Unreadable)


def _line_row(line: bytes, number: int) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        shown = line[:2048].decode("utf-8", "replace").replace("\x00", "\ufffd").strip()
        return Unreadable(Defect("bad-json", f"line {number}", shown, f"not JSON: {error}"[:200]))


def _document_rows(document: bytes) -> Iterator[object]:
    """The rows of a whole JSON document; where it is none, its lines, each for itself."""
    whole = _line_row(document, 1)
    if isinstance(whole, list):
        yield from whole
    elif not isinstance(whole, Unreadable):
        yield whole
    else:
        lines = document.splitlines()
        yield from (_line_row(line, number) for number, line in enumerate(lines, 1) if line.strip())
