"""How fast files come in and questions are answered, as ratios to floors measured in the same run."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from benchmarks.audits import judged
from benchmarks.generator import write
from benchmarks.measures import Row, bare_insert, peak_memory, timed
from benchmarks.queries import queries, starts
from crawler.parse import parse
from lineage.cli.load import load as import_quietly
from registry.database import open_registry
from registry.resolve import resolve_names
from registry.write import writing


def measured(folder: Path, wanted: int) -> list[Row]:
    """Import so many models twice, and ask about them."""
    dump = folder / "synthetic.jsonl"
    count = write(dump, wanted).models
    engine = open_registry(str(folder / "registry.db"), create=True)
    before = peak_memory()
    first, _ = timed(lambda: load(engine, dump))
    peak = peak_memory()
    again, _ = timed(lambda: load(engine, dump))
    resolving, _ = timed(lambda: resolve(engine))
    reading, _ = timed(lambda: each_line(dump, json.loads))
    both, _ = timed(lambda: each_line(dump, lambda line: parse(json.loads(line))))
    parsing = both - reading
    floor = bare_insert(folder, engine)
    saving = first - reading - parsing
    return [
        (f"models imported ({count:,}, JSON Lines)", f"{first:.1f} s, {count / first:,.0f}/s", ""),
        ("of that, reading JSON (floor: json.loads alone)", f"{reading:.1f} s", f"{reading / first:.0%} of the import"),
        ("of that, parsing", f"{parsing:.1f} s", f"{parsing / first:.0%}, {parsing / reading:.1f} × reading"),
        (
            "of that, saving and resolving",
            f"{saving:.1f} s",
            f"{saving / first:.0%}, {saving / floor:.1f} × bare insert",
        ),
        ("floor: the same rows by bare sqlite3 executemany", f"{floor:.1f} s", f"import is {first / floor:.1f} ×"),
        ("imported again, nothing new", f"{again:.1f} s", f"{again / first:.0%} of the first import"),
        ("resolving names, nothing new", f"{resolving:.2f} s", f"{resolving / first:.1%} of the import"),
        ("peak memory of the import", f"{peak:,.0f} MB", f"{before:,.0f} MB before it"),
        *queries(engine),
        *judged(engine),
        *starts(engine),
    ]


def each_line(dump: Path, work: Callable[[str], Any]) -> None:
    """Do something with every line, and keep nothing."""
    with dump.open(encoding="utf-8") as lines:
        for line in lines:
            work(line)


def load(engine: Engine, dump: Path) -> None:
    """Import as the command does, without a word."""
    import_quietly(engine, [dump], "2026-08-22T00:00:00Z", quiet=True)


def resolve(engine: Engine) -> None:
    """Resolve all names once more."""
    with writing(engine) as connection:
        resolve_names(connection)
