"""Raw rows into the registry: many pages of rows are one transaction."""

from collections.abc import Callable, Iterable, Sequence
from importlib.resources import as_file, files
from pathlib import Path

from sqlalchemy import Connection, Engine

from crawler.ahead import read_ahead
from crawler.dumps import Dump
from crawler.raw import DumpError
from crawler.reading import Batch, read_rows
from registry.database import analyze, reading
from registry.identity import keys_about
from registry.indexes import complete_indexes, leave_indexes
from registry.records import Defect, ModelRecord, Records, storable
from registry.resolve import resolve_names
from registry.runs import begin_run, end_run, now, save_position
from registry.seen import fingerprints, saw_again
from registry.write import Saved, save_loose_defects, save_page, writing

#: The date of most of the sample's rows; those of other dates carry their own (crawler/data/README.md).
SAMPLE_DATE = "2026-08-22T00:00:00Z"

#: Called after each batch with the file being read and the number of models saved from it so far.
Progress = Callable[[Dump, int], None]


def import_files(engine: Engine, paths: Sequence[Path], *, seen: str | None = None, progress: Progress) -> Saved:
    """Import files of raw rows (see `crawler.dumps`), then lead all names to models.

    `seen` (ISO 8601, default now) is the date of the dumps. Rows that are no model, and lines that are no JSON, are
    kept as defects. A file that breaks off: what came before is saved, then DumpError is raised. Files that cannot
    be opened at all are refused before anything is saved. Rows that say what the registry has from them already are
    not read: on SQLite the Hub's dump of a week later takes less than a quarter of the first one's time.
    """
    dumps = [Dump(path) for path in paths]
    total = Saved()
    runs: list[int] = []
    broken: DumpError | None = None
    for dump in dumps:
        try:
            total.add(_import_dump(engine, dump, seen or now(), progress, runs))
        except DumpError as error:
            broken = broken or error
    with writing(engine) as connection:
        complete_indexes(connection)
    with writing(engine) as connection:
        resolve_names(connection)
        for run in runs:  # not before: what is killed until then is told as a run that did not end
            end_run(connection, run)
        analyze(connection)
    if broken is not None:
        raise broken
    return total


def import_sample(engine: Engine) -> Saved:
    """Import the sample that comes with the product: 16,491 models of August 2026 (see crawler/data/README.md)."""
    with as_file(files("crawler") / "data" / "snapshot.jsonl.gz") as snapshot:
        return import_files(engine, [snapshot], seen=SAMPLE_DATE, progress=lambda dump, models: None)


def _import_dump(engine: Engine, dump: Dump, seen: str, progress: Progress, runs: list[int]) -> Saved:
    """Import a file as a run, noted among `runs`, that has still to end."""
    source = storable(dump.path.name)
    saved = Saved()
    models = 0
    run: int | None = None
    failure: DumpError | None = None
    with reading(engine) as connection:
        known = fingerprints(connection, seen)
    try:
        for batch in read_ahead(dump, known):
            with writing(engine) as connection:
                if run is None:
                    run = begin_run(connection, "import", source, seen)
                    leave_indexes(connection)
                saved.add(_save_batch(connection, batch, seen=seen, source=source))
            models += batch.size
            progress(dump, models)
    except DumpError as error:
        failure = error
    if run is not None:
        runs.append(run)
        with writing(engine) as connection:
            save_position(connection, run, saved)
            if failure:
                save_loose_defects(connection, [Defect("broken-file", source, "", str(failure))])
    if failure:
        raise failure
    return saved


def _save_batch(connection: Connection, batch: Batch, *, seen: str, source: str) -> Saved:
    # A model of which other rows have news is not passed over: which row is the later one is found out by reading.
    quiet = batch.again.without(keys_about(connection, batch.records) if len(batch.again) else ())
    same = saw_again(connection, quiet, seen=seen, source=source)
    # Others were changed since the fingerprints were read, be it by this very file.
    again, loose = batch.reread({fingerprint for _, fingerprint in batch.again.without(same).pairs()})
    records = Records.joined([batch.records, Records.of(again)])
    saved = save_read(connection, records, batch.loose + loose, seen=seen, source=source)
    saved.models += len(same)
    return saved


def save_rows(connection: Connection, rows: Iterable[object], *, seen: str, source: str) -> Saved:
    """Parse a page of raw rows and save it."""
    return save_read(connection, *read_rows(rows), seen=seen, source=source)


def save_read(
    connection: Connection, records: Iterable[ModelRecord], loose: Sequence[Defect], *, seen: str, source: str
) -> Saved:
    """Save what `read_rows` read."""
    save_loose_defects(connection, loose)
    return save_page(connection, records, seen=seen, source=source)
