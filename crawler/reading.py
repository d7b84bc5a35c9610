"""Rows as records: of files in batches, where those that the registry has from the very same row are only told; of the
Hub by pages."""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, compress, repeat
from typing import NamedTuple, TypeAlias

import numpy as np

from crawler.dumps import Dump, RawPage, read_json
from crawler.parse import parse
from crawler.raw import DumpError, Unreadable
from registry.fingerprints import Fingerprints, Known
from registry.records import Defect, ModelRecord, Records

#: Rows that are saved together: the more, the fewer pages of an index are written twice (1.5 million bare rows with
#: the indexes of models: 14 s, where transactions of 2,000 took 50 s). 200 MB hold so many records. The first batch is
#: smaller, and each twice the one before it: nothing can be saved until one is read, and next to no indexes are there.
FIRST, BATCH = 20_000, 100_000
#: Rows of so many bytes are saved together, however few they are: memory does not grow with the size of rows.
_BATCH_BYTES = 512 * 1024 * 1024

#: The records in some raw rows, and the defects of rows that are no model.
Read: TypeAlias = tuple[list[ModelRecord], list[Defect]]


@dataclass(slots=True)
class Batch:
    """Some pages of a file, read: their number of rows; their records; defects of rows that are no model; and for rows
    that are known already the fingerprint of each, by the key of its model. `reread`, to be called once, reads those of
    them that have one of some fingerprints."""

    reread: Callable[[Collection[bytes]], Read]
    size: int
    records: Records
    loose: list[Defect]
    again: Fingerprints


def read_batches(dump: Dump, known: Known) -> Iterator[Batch]:
    """What a file says; rows that are known are not read. Raises DumpError where the file ends before its end."""
    pages: list[RawPage] = []
    size, most = 0, FIRST
    failure: DumpError | None = None
    try:
        for page in dump.pages():
            pages.append(page)
            size += page.size
            if sum(map(len, pages)) >= most or size >= _BATCH_BYTES:
                yield _batch(pages, known)
                pages, size, most = [], 0, min(2 * most, BATCH)
    except DumpError as error:
        failure = error
    if pages:
        yield _batch(pages, known)
    if failure:
        raise failure


def _batch(pages: list[RawPage], known: Known) -> Batch:
    records: list[ModelRecord] = []
    loose: list[Defect] = []
    keys, sums_again = [np.empty(0, np.int64)], b""
    for page in pages:
        sums = page.fingerprints()
        wanted = None
        if sums is not None and (found := known.models(sums)).any():
            keys.append(found[found != 0])
            sums_again += b"".join(compress(sums, found))
            wanted = np.flatnonzero(found == 0).tolist()
            sums = [sums[at] for at in wanted]
        read = read_rows(page.rows(wanted), sums)
        records += read[0]
        loose += read[1]
    again = Fingerprints.of(np.concatenate(keys), sums_again)
    return Batch(partial(_these, pages), sum(map(len, pages)), Records.by_name(records), loose, again)


def _these(pages: Sequence[RawPage], wanted: Collection[bytes]) -> Read:
    """The rows that have one of the wanted fingerprints."""
    records: list[ModelRecord] = []
    loose: list[Defect] = []
    for page in pages if wanted else ():
        read = read_rows(page.rows([at for at, found in enumerate(page.fingerprints() or ()) if found in wanted]))
        records += read[0]
        loose += read[1]
    return records, loose


def read_rows(rows: Iterable[object], fingerprints: Iterable[bytes] | None = None) -> Read:
    """The records in a page of raw rows, and the defects of rows that are no model; each with its fingerprint."""
    records: list[ModelRecord] = []
    loose: list[Defect] = []
    for row, fingerprint in zip(rows, repeat(None) if fingerprints is None else fingerprints, strict=False):
        if isinstance(row, Unreadable):
            loose.append(row.defect)
            continue
        record, defects = parse(row, fingerprint)
        loose.extend(defects)
        if record is not None:
            records.append(record)
    return records, loose


def read_page(rows: Sequence[object]) -> Read:
    """What the Hub's rows say; it says nothing of who saw them, and when."""
    for row in rows:
        if isinstance(row, dict):
            row.pop("observation", None)
    return read_rows(rows)


class PageRead(NamedTuple):
    """What is told of a page of the Hub at once: how many rows it has."""

    rows: int


class ReadPages:
    """Pages that were read, until they are taken."""

    def __init__(self) -> None:
        self._raw: deque[list[object]] = deque()
        self._parsed: deque[Read] = deque()

    def __len__(self) -> int:
        return len(self._raw) + len(self._parsed)

    def read(self, content: bytes) -> object:
        """What the bytes of a page say (PageRead); other JSON as it is. ValueError for what is none."""
        body = read_json(content)
        if not isinstance(body, list):
            return body
        self._raw.append(body)
        return PageRead(len(body))

    def parse(self) -> None:
        """Parse what is not parsed yet: the longer part of the work, which nobody has to wait for."""
        while self._raw:
            self._parsed.append(read_page(self._raw.popleft()))

    def oldest(self) -> str | None:
        """The oldest change of a model of the page that was read last, which is still here; None without a date."""
        self.parse()
        records, _ = self._parsed[-1]
        return min((record.last_modified for record in records if record.last_modified is not None), default=None)

    def take(self, pages: int) -> tuple[Records, list[Defect]]:
        """The records in so many pages, the first that are still here, and defects of rows that are no model."""
        self.parse()
        taken = [self._parsed.popleft() for _ in range(pages)]
        records = chain.from_iterable(records for records, _ in taken)
        return Records.by_name(records), [defect for _, loose in taken for defect in loose]
