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
from functools import partial
from itertools import chain
from pathlib import Path
from typing import IO, TYPE_CHECKING, TypeAlias

from crawler.raw import PAGE_BYTES, PAGE_ROWS, DumpError, JsonPage, Line, Unreadable

if TYPE_CHECKING:
    from crawler.parquet import TablePage

#: A page of whichever kind of file.
RawPage: TypeAlias = "JsonPage | TablePage"

_LINE_LIMIT = 64 * 1024 * 1024
_DOCUMENT_LIMIT = 256 * 1024 * 1024
#: What unpacks to more than so many bytes is no dump if that is over so many times its size: rows of the Hub shrink to
#: a tenth, and gzip can make a thousandth of what says nothing.
_SUSPICIOUS, _MOST_TIMES = 64 * 1024 * 1024, 200
_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
#: So many lines without any JSON, or a document of them, and a file is taken for one of another kind.
_PATIENCE = 1_000
_TOKENS = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{},]', re.DOTALL)
_BETWEEN = re.compile(r"[\s,]*")


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
        for page in self.pages():
            yield from page.rows()

    def pages(self) -> Iterator[RawPage]:
        """The same by pages, of which the rows are not read yet. DumpError after the last page that could be had."""
        with self.path.open("rb") as self._file:
            if self._magic == _PARQUET:
                yield from self._tables()
            elif self._magic[:2] == _GZIP:
                with io.BufferedReader(_Unpacked(self._file, self.path)) as unpacked:
                    yield from _paged(self._guarded(unpacked))
            else:
                yield from _paged(self._guarded(self._file))

    def _guarded(self, stream: IO[bytes]) -> Iterator[Line]:
        count = 0
        try:
            for line in self._worthwhile(self._lines(stream)):
                yield line
                count += 1
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DumpError(
                f"{self.path} is damaged after {count:,} rows ({error}): fetch it again; what came before is saved"
            ) from error

    def _worthwhile(self, lines: Iterator[Line]) -> Iterator[Line]:
        """The lines, if there is any JSON among the first of them: another kind of file makes no defects."""
        held: list[Line] = []
        size = 0
        for line in lines:
            held.append(line)
            size += len(line.text)
            if not isinstance(line.row(), Unreadable):
                yield from held
                yield from lines
                return
            if len(held) == _PATIENCE or size > _DOCUMENT_LIMIT:
                break
        if held:
            raise DumpError(f"{self.path} holds no JSON: name a file of Hub API objects (JSON, JSON Lines) or Parquet")

    def _lines(self, stream: IO[bytes]) -> Iterator[Line]:
        first = stream.readline(_LINE_LIMIT).removeprefix(codecs.BOM_UTF8)
        number = 1
        while first.isspace():
            first = stream.readline(_LINE_LIMIT)
            number += 1
        lines: Iterable[bytes] = chain([first] if first else [], iter(partial(stream.readline, _LINE_LIMIT), b""))
        if first.lstrip().startswith(b"["):
            yield from _items_of(self._document(first, stream))
            return
        if first.lstrip().startswith(b"{") and isinstance(Line(first, "").row(), Unreadable):
            document = first + stream.read(_DOCUMENT_LIMIT) + stream.readline(_LINE_LIMIT)
            whole = Line(document, "")
            if not isinstance(whole.row(), Unreadable):
                yield whole
                return
            lines = chain(io.BytesIO(document), iter(partial(stream.readline, _LINE_LIMIT), b""))
        for place, line in enumerate(lines, number):
            self.position = self._file.tell()
            if not line.isspace():
                yield Line(line, f"line {place}")

    def _document(self, first: bytes, stream: IO[bytes]) -> str:
        document = first + stream.read(_DOCUMENT_LIMIT)
        if len(document) >= _DOCUMENT_LIMIT:
            raise DumpError(f"{self.path} is one JSON list over 256 MB: write it as JSON Lines, a model a line")
        self.position = self.size
        # Bytes that are no UTF-8 become surrogates, which the parser notes as a defect of their row.
        return document.decode("utf-8", "surrogateescape")

    def _tables(self) -> "Iterator[TablePage]":
        try:
            from crawler import parquet  # noqa: PLC0415 - pyarrow is an extra that only these files need
        except ModuleNotFoundError as error:
            raise DumpError("reading Parquet needs pyarrow: pip install 'finetune-lineage[parquet]'") from error
        table, columns = parquet.open_table(self._file, self.path)
        self.size = table.metadata.num_rows
        try:
            for page in parquet.pages(table, columns):
                self.position += len(page)
                yield page
        except parquet.ERRORS as error:
            raise DumpError(
                f"{self.path} is damaged after {self.position:,} rows ({parquet.one_line(error)}): fetch it again; "
                "what came before is saved"
            ) from error


class _Unpacked(io.RawIOBase):
    """What a gzip file holds, while that is in proportion to its size; then DumpError."""

    def __init__(self, packed: IO[bytes], path: Path) -> None:
        self._packed, self._path = packed, path
        self._unpacked = gzip.GzipFile(fileobj=packed)
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self._unpacked.read1(len(buffer))
        buffer[: len(part)] = part
        self._size += len(part)
        if self._size > max(_SUSPICIOUS, _MOST_TIMES * self._packed.tell()):
            raise DumpError(
                f"{self._path} unpacks to over {_MOST_TIMES} times its size, as no rows of the Hub do: fetch it again, "
                "or unpack it yourself; what came before is saved"
            )
        return len(part)


def _paged(lines: Iterator[Line]) -> Iterator[JsonPage]:
    """The lines in pages; an error ends them after the page of what came before it."""
    page: list[Line] = []
    size = 0
    failure: DumpError | None = None
    try:
        for line in lines:
            page.append(line)
            size += len(line.text)
            if len(page) == PAGE_ROWS or size > PAGE_BYTES:
                yield JsonPage(page)
                page, size = [], 0
    except DumpError as error:
        failure = error
    if page:
        yield JsonPage(page)
    if failure is not None:
        raise failure


def read_json(content: bytes) -> object:
    """One JSON document; ValueError where it is none. Items of a list that are nested too deep are Unreadable."""
    try:
        return json.loads(content)
    except RecursionError as error:
        text = content.decode("utf-8", "surrogateescape")
        if not text.lstrip().startswith("["):
            raise ValueError("nested too deep") from error
        return [Line(item.encode("utf-8", "surrogateescape"), "page").row() for item in _items(text)]


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


def _items_of(text: str) -> Iterator[Line]:
    """The items of a JSON list; from the first error on, what its lines hold each for themselves."""
    decoder = json.JSONDecoder()
    at = text.index("[") + 1
    closed = False
    while not closed:
        at = _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # matches nothing at all, too
        if closed := text.startswith("]", at):
            at += 1
            continue
        start = at
        try:
            _, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            break
        yield _line(text[start:at], "item")
    start = text.count("\n", 0, at) + 1
    for number, part in enumerate(text[at:].split("\n"), start):
        if part.strip(" \t\r,[]"):
            line = _line(part.strip().strip(","), f"line {number}")
            row = line.row()
            # A page of the API a line.
            yield from (_line(json.dumps(item), line.place) for item in row) if isinstance(row, list) else [line]
    if not closed and not text.rstrip().endswith("]"):
        yield _line(text[-200:], "end")._replace(fault="the list is cut off")


def _line(text: str, place: str) -> Line:
    return Line(text.encode("utf-8", "surrogatepass"), place)  # json.loads reads surrogates so, too
