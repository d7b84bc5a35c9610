"""Raw rows from files: JSON and JSON Lines of Hub API objects (plain or gzip), and hub-stats Parquet.

What a file is, is read from its first bytes, not from its name.
"""

import codecs
import gzip
import io
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO

from registry.records import Defect, RegistryError, raw_text

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
#: So many lines without any JSON, and a file is taken for one of another kind.
_PATIENCE = 1_000
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)
_BETWEEN = re.compile(r"[\s,]*")


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
            with path.open("rb") as file:
                self._magic = file.read(4)
            self.size = path.stat().st_size
        except OSError as error:
            raise DumpError(f"cannot read {path} ({error.strerror}): check the file's name") from error
        if not self._magic:
            raise DumpError(f"{path} is empty: fetch it again")
        self.position = 0

    def rows(self) -> Iterator[object]:
        """The raw rows in the file's order, with Unreadable for lines that are no JSON."""
        with self.path.open("rb") as self._file:
            if self._magic == _PARQUET:
                yield from self._parquet_rows()
            elif self._magic[:2] == _GZIP:
                with gzip.open(self._file) as unpacked:
                    yield from self._guarded(unpacked)
            else:
                yield from self._guarded(self._file)

    def _guarded(self, stream: IO[bytes] | gzip.GzipFile) -> Iterator[object]:
        count = 0
        try:
            for row in self._worthwhile(self._json_rows(stream)):
                yield row
                count += 1
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DumpError(
                f"{self.path} is damaged after {count:,} rows ({error}): fetch it again; what came before is saved"
            ) from error

    def _worthwhile(self, rows: Iterator[object]) -> Iterator[object]:
        """The rows, if there is any JSON among the first of them: another kind of file makes no defects."""
        held: list[object] = []
        for row in rows:
            held.append(row)
            if not isinstance(row, Unreadable):
                yield from held
                yield from rows
                return
            if len(held) == _PATIENCE:
                break
        if held:
            raise DumpError(f"{self.path} holds no JSON: name a file of Hub API objects (JSON, JSON Lines) or Parquet")

    def _json_rows(self, stream: IO[bytes] | gzip.GzipFile) -> Iterator[object]:
        first = stream.readline(_LINE_LIMIT).removeprefix(codecs.BOM_UTF8)
        number = 1
        while first.isspace():
            first = stream.readline(_LINE_LIMIT)
            number += 1
        lines: Iterable[bytes] = chain([first] if first else [], iter(partial(stream.readline, _LINE_LIMIT), b""))
        if first.lstrip().startswith(b"["):
            yield from _list_rows(self._document(first, stream))
            return
        if first.lstrip().startswith(b"{") and isinstance(_json(first, ""), Unreadable):
            document = first + stream.read(_DOCUMENT_LIMIT) + stream.readline(_LINE_LIMIT)
            whole = _json(document, "")
            if not isinstance(whole, Unreadable):
                yield whole
                return
            lines = chain(io.BytesIO(document), iter(partial(stream.readline, _LINE_LIMIT), b""))
        for place, line in enumerate(lines, number):
            self.position = self._file.tell()
            if not line.isspace():
                yield _json(line, f"line {place}")

    def _document(self, first: bytes, stream: IO[bytes] | gzip.GzipFile) -> str:
        document = first + stream.read(_DOCUMENT_LIMIT)
        if len(document) >= _DOCUMENT_LIMIT:
            raise DumpError(f"{self.path} is one JSON list over 256 MB: write it as JSON Lines, a model a line")
        self.position = self.size
        # Bytes that are no UTF-8 become surrogates, which the parser notes as a defect of their row.
        return document.decode("utf-8", "surrogateescape")

    def _parquet_rows(self) -> Iterator[object]:
        try:
            import pyarrow.parquet  # noqa: PLC0415 - an extra of 150 MB that only Parquet files need
        except ModuleNotFoundError as error:
            raise DumpError("reading Parquet needs pyarrow: pip install 'finetune-lineage[parquet]'") from error
        try:
            file = pyarrow.parquet.ParquetFile(self._file)
        except (pyarrow.ArrowException, OSError) as error:
            raise DumpError(f"{self.path} is not a whole Parquet file ({_line(error)}): fetch it again") from error
        columns = [c for c in PARQUET_COLUMNS if c in file.schema_arrow.names]
        if "id" not in columns or not {"tags", "cardData", "baseModels"} & set(columns):
            raise DumpError(
                f"{self.path} is no table of models (it has no columns id and tags, cardData or baseModels): "
                "name a hub-stats models.parquet"
            )
        self.size = file.metadata.num_rows
        try:
            for batch in file.iter_batches(batch_size=_BATCH, columns=columns):
                rows = batch.to_pylist()
                self.position += len(rows)
                yield from rows
        except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
            raise DumpError(
                f"{self.path} is damaged after {self.position:,} rows ({_line(error)}): fetch it again; "
                "what came before is saved"
            ) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _json(text: bytes, place: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        return _unreadable(text.decode("utf-8", "replace"), place, error)


def _unreadable(text: str, place: str, error: Exception) -> Unreadable:
    return Unreadable(Defect("bad-json", place, raw_text(text.strip()), f"not JSON: {error}"[:200]))


def read_json(content: bytes) -> object:
    """One JSON document; ValueError where it is none. Items of a list that are nested too deep are Unreadable."""
    try:
        return json.loads(content)
    except RecursionError as error:
        text = content.decode("utf-8", "surrogateescape")
        if not text.lstrip().startswith("["):
            raise ValueError("nested too deep") from error
        return [_json(item.encode("utf-8", "surrogateescape"), "page") for item in _items(text)]


def _items(text: str) -> Iterator[str]:
    """The texts of a JSON list's items, however deep they are."""
    depth = start = 0
    for token in _TOKENS.finditer(text):
        mark = token[0]
        if mark in "[{":
            depth += 1
            start = token.end() if depth == 1 else start
        elif mark in "]}":
            depth -= 1
        if (mark == "," and depth == 1) or (mark == "]" and depth == 0):
            if item := text[start : token.start()].strip():
                yield item
            start = token.end()


def _list_rows(text: str) -> Iterator[object]:
    """The rows of a JSON list; from the first error on, what its lines hold each for themselves."""
    decoder = json.JSONDecoder()
    at = text.index("[") + 1
    closed = False
    while not closed:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # matches nothing at all, too
        if closed := text.startswith("]", at):
            at += 1
            continue
        try:
            row, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        yield row
    start = text.count("\n", 0, at) + 1
    for number, line in enumerate(text[at:].split("\n"), start):
        if line.strip(" \t\r,[]"):
            row = _json(line.strip().strip(",").encode("utf-8", "surrogateescape"), f"line {number}")
            yield from row if isinstance(row, list) else [row]  # a page of the API a line
    if not closed and not text.rstrip().endswith("]"):
        yield _unreadable(text[-200:], "end", ValueError("the list is cut off"))
