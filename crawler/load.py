"""Raw rows into the registry: a page of rows is parsed and saved in one transaction."""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection, Engine

from crawler.dumps import Dump, DumpError, Unreadable
from crawler.parse import parse
from registry.records import Defect, ModelRecord, storable
from registry.resolve import resolve_names
from registry.runs import begin_run, end_run, now, save_position
from registry.write import Saved, save_loose_defects, save_page, writing

_PAGE = 2_000

#: Called after each page with the file being read and the number of models saved from it so far.
Progress = Callable[[Dump, int], None]


def import_files(engine: Engine, paths: Sequence[Path], *, seen: str | None = None, progress: Progress) -> Saved:
    """Import files of raw rows (see `crawler.dumps`), then lead all names to models.

    `seen` (ISO 8601, default now) is the date of the dumps. Rows that are no model, and lines that are no JSON, are
    kept as defects. A file that breaks off: what came before is saved, then DumpError is raised. Files that cannot
    be opened at all are refused before anything is saved.
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
    if broken is not None:
        raise broken
    return total


def _import_dump(engine: Engine, dump: Dump, seen: str, progress: Progress) -> Saved:
    source = storable(dump.path.name)
    saved = Saved()
    run: int | None = None
    rows = iter(dump.rows())
    failure: DumpError | None = None
    while failure is None:
        page, failure = _page(rows)
        if not page:
            break
        with writing(engine) as connection:
            run = begin_run(connection, "import", source, seen) if run is None else run
            saved.add(save_rows(connection, page, seen=seen, source=source))
        progress(dump, saved.models)
    if run is not None:
        with writing(engine) as connection:
            save_position(connection, run, saved)
            end_run(connection, run)
            if failure:
                save_loose_defects(connection, [Defect("broken-file", source, "", str(failure))])
    if failure:
        raise failure
    return saved


def _page(rows: Iterable[object]) -> tuple[list[object], DumpError | None]:
    """The next rows, and the error that ended them, if one did."""
    page: list[object] = []
    try:
        for row in islice(rows, _PAGE):
            page.append(row)  # noqa: PERF402 - what came before an error is kept
    except DumpError as error:
        return page, error
    return page, None


def save_rows(connection: Connection, rows: Iterable[object], *, seen: str, source: str) -> Saved:
    """Parse a page of raw rows and save it."""
    return save_read(connection, *read_rows(rows), seen=seen, source=source)


def save_read(
    connection: Connection, records: Sequence[ModelRecord], loose: Sequence[Defect], *, seen: str, source: str
) -> Saved:
    """Save what `read_rows` read."""
    save_loose_defects(connection, loose)
    return save_page(connection, records, seen=seen, source=source)


def read_rows(rows: Iterable[object]) -> tuple[list[ModelRecord], list[Defect]]:
    """The records in a page of raw rows, and the defects of rows that are no model."""
    records: list[ModelRecord] = []
    loose: list[Defect] = []
    for row in rows:
        if isinstance(row, Unreadable):
            loose.append(row.defect)
            continue
        record, defects = parse(row)
        loose.extend(defects)
        if record is not None:
            records.append(record)
    return records, loose
