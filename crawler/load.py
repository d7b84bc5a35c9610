"""Raw rows into the registry: many pages of rows are one transaction."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path

import numpy as np
from sqlalchemy import Connection, Engine

from crawler.dumps import Dump, RawPage
from crawler.parse import parse
from crawler.raw import DumpError, Unreadable
from registry.database import analyze, reading
from registry.identity import keys_about
from registry.records import Defect, ModelRecord, storable
from registry.resolve import resolve_names
from registry.runs import begin_run, end_run, now, save_position
from registry.seen import Fingerprints, saw_again
from registry.write import Saved, save_loose_defects, save_page, writing

#: Rows that are saved together: the more, the fewer pages of an index are written twice (1.5 million bare rows with
#: the indexes of models: 14 s, where transactions of 2,000 took 50 s). 200 MB hold so many records.
BATCH = 100_000

#: Called after each page with the file being read and the number of models read from it so far.
Progress = Callable[[Dump, int], None]


@dataclass(slots=True)
class Batch:
    """Pages that are saved together: their records; defects of rows that are no model; and pages with rows that
    are known already, with the place of each in its page, and its fingerprint, by the key of its model."""

    records: list[ModelRecord] = field(default_factory=list)
    loose: list[Defect] = field(default_factory=list)
    again: list[tuple[RawPage, dict[int, tuple[int, bytes]]]] = field(default_factory=list)
    size: int = 0

    def add(self, page: RawPage, known: Fingerprints) -> None:
        """Read the rows of a page that are not known."""
        sums = page.fingerprints()
        wanted = None
        keys = None if sums is None else known.keys(sums)
        if sums is not None and keys is not None and keys.any():
            wanted = np.flatnonzero(keys == 0).tolist()
            self.again.append((page, {int(keys[at]): (at, sums[at]) for at in np.flatnonzero(keys).tolist()}))
            sums = [sums[place] for place in wanted]
        records, loose = read_rows(page.rows(wanted), sums)
        self.records += records
        self.loose += loose
        self.size += len(page)

    def save(self, connection: Connection, *, seen: str, source: str) -> Saved:
        """Save all of it."""
        saved = Saved()
        # A model of which other rows have news is not passed over: which row is the later one is found out by reading.
        news = keys_about(connection, self.records) if self.again else set()
        for page, known in self.again:
            quiet = {key: fingerprint for key, (_, fingerprint) in known.items() if key not in news}
            same = saw_again(connection, quiet, seen=seen, source=source)
            saved.models += len(same)
            # Others were changed since the fingerprints were read, be it by this very file.
            records, loose = read_rows(page.rows([place for key, (place, _) in known.items() if key not in same]))
            self.records += records
            self.loose += loose
        saved.add(save_read(connection, self.records, self.loose, seen=seen, source=source))
        return saved


def import_files(engine: Engine, paths: Sequence[Path], *, seen: str | None = None, progress: Progress) -> Saved:
    """Import files of raw rows (see `crawler.dumps`), then lead all names to models.

    `seen` (ISO 8601, default now) is the date of the dumps. Rows that are no model, and lines that are no JSON, are
    kept as defects. A file that breaks off: what came before is saved, then DumpError is raised. Files that cannot
    be opened at all are refused before anything is saved. Rows that say what the registry has from them already are
    not read: the Hub's dump of a week later takes a fifth of the first one's time.
    """
    dumps = [Dump(path) for path in paths]
    total = Saved()
    broken: DumpError | None = None
    for dump in dumps:
        try:
            total.add(_import_dump(engine, dump, seen or now(), progress))
        except DumpError as error:
            broken = broken or error
    with writing(engine) as connection:
        resolve_names(connection)
        analyze(connection)
    if broken is not None:
        raise broken
    return total


def _import_dump(engine: Engine, dump: Dump, seen: str, progress: Progress) -> Saved:
    source = storable(dump.path.name)
    saved = Saved()
    run: int | None = None
    failure: DumpError | None = None
    with reading(engine) as connection:
        known = Fingerprints(connection, seen)
    for read in _batches(dump, known, progress):
        if isinstance(read, DumpError):
            failure = read
            break
        with writing(engine) as connection:
            run = begin_run(connection, "import", source, seen) if run is None else run
            saved.add(read.save(connection, seen=seen, source=source))
    if run is not None:
        with writing(engine) as connection:
            save_position(connection, run, saved)
            end_run(connection, run)
            if failure:
                save_loose_defects(connection, [Defect("broken-file", source, "", str(failure))])
    if failure:
        raise failure
    return saved


def _batches(dump: Dump, known: Fingerprints, progress: Progress) -> Iterator[Batch | DumpError]:
    """What a file says in batches; then the error that ended it, if one did."""
    batch = Batch()
    models = 0
    try:
        for page in dump.pages():
            batch.add(page, known)
            if batch.size >= BATCH:
                yield batch
                models, batch = models + batch.size, Batch()
            progress(dump, models + batch.size)
    except DumpError as error:
        if batch.size:
            yield batch
        yield error
        return
    if batch.size:
        yield batch


def save_rows(connection: Connection, rows: Iterable[object], *, seen: str, source: str) -> Saved:
    """Parse a page of raw rows and save it."""
    return save_read(connection, *read_rows(rows), seen=seen, source=source)


def save_read(
    connection: Connection, records: Sequence[ModelRecord], loose: Sequence[Defect], *, seen: str, source: str
) -> Saved:
    """Save what `read_rows` read."""
    save_loose_defects(connection, loose)
    return save_page(connection, records, seen=seen, source=source)


def read_rows(
    rows: Iterable[object], fingerprints: Iterable[bytes] | None = None
) -> tuple[list[ModelRecord], list[Defect]]:
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
