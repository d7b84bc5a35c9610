"""How fast a dump of the whole Hub comes in, as a ratio to a bare insert of the same rows."""

import json
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from benchmarks.measures import Row, alone, bare_insert, goal
from crawler.dumps import Dump
from crawler.reading import read_rows
from lineage.cli.load import load
from registry.database import open_registry
from registry.resolve import resolve_names
from registry.write import writing

#: The dates of the two dumps.
FIRST, LATER = "2026-09-25T00:00:00Z", "2026-10-02T00:00:00Z"


def imported(folder: Path, db: str, models: int) -> Iterator[Row]:
    """Import a dump into a new registry, then one of a week later into the same."""
    dump, later = folder / "hub.parquet", folder / "later.parquet"
    first, memory, _ = alone(partial(imports, db, dump, FIRST))
    yield Row(
        f"import of {models:,} models, Parquet", f"{first:.1f} s, {models / first:,.0f}/s", "", _seconds(db, first)
    )
    yield Row("peak memory of it", f"{memory:,.0f} MB", "", goal("≤ 1.5 GB", memory <= 1_500))
    if "://" not in db:
        yield from _shares(dump, Path(db), first)
        shutil.copyfile(db, before_of(folder))
    again, memory, _ = alone(partial(imports, db, later, LATER))
    yield Row(
        f"import a week later: {models // 1_033:,} new, {models // 155:,} changed",
        f"{again:.1f} s, {memory:,.0f} MB",
        f"{again / first:.0%} of the first import",
        goal("≤ 25 %", again <= first / 4) if "://" not in db else goal("≤ 50 %", again <= first / 2),
    )


def before_of(folder: Path) -> Path:
    """The registry as it was before the later dump came in."""
    return folder / "before.db"


def _seconds(db: str, seconds: float) -> str:
    most = 240 if "://" in db else 120
    return goal(f"≤ {most} s", seconds <= most)


def _shares(dump: Path, db: Path, whole: float) -> Iterator[Row]:
    """Where the time of an import goes, and what a bare insert takes."""
    _, _, floor = alone(partial(bare_insert, db))
    yield Row(
        "floor: the same rows by bare sqlite3 executemany",
        f"{floor:.1f} s",
        f"the import takes {whole / floor:.1f} ×",
        goal("≤ 4 ×", whole <= 4 * floor),
    )
    reading, _, _ = alone(partial(reads, dump))
    both, _, _ = alone(partial(parses, dump))
    resolving, _, _ = alone(partial(resolves, str(db)))
    text, _, _ = alone(partial(lines, dump.with_suffix(".jsonl")))
    yield Row("of the import, resolving names", f"{resolving:.1f} s", f"{resolving / whole:.0%}")
    saving = whole - resolving
    yield Row("of it, saving, while another process reads", f"{saving:.1f} s", f"{saving / floor:.1f} × bare insert")
    yield Row("what that process does: reading and fingerprints", f"{reading:.1f} s", f"{reading / whole:.0%}")
    yield Row("and parsing", f"{both - reading:.1f} s", f"{(both - reading) / whole:.0%}")
    yield Row("beside it: the same models as JSON, read by json.loads alone", f"{text:.1f} s", f"{text / whole:.0%}")


def imports(db: str, dump: Path, seen: str) -> None:
    """Import as the command does, without a word."""
    load(open_registry(db, create=True), [dump], seen, quiet=True)


def reads(dump: Path) -> None:
    """Read every row, and keep nothing."""
    for page in Dump(dump).pages():
        page.fingerprints()
        for _ in page.rows():
            pass


def parses(dump: Path) -> None:
    """Read and parse every row, and keep nothing."""
    for page in Dump(dump).pages():
        read_rows(page.rows(), page.fingerprints())


def lines(dump: Path) -> None:
    """Read every line as JSON."""
    with dump.open("rb") as text:
        for line in text:
            json.loads(line)


def resolves(db: str) -> None:
    """Resolve all names once more."""
    with writing(open_registry(db)) as connection:
        resolve_names(connection)
