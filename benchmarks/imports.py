"""How fast files come in and questions are answered, as ratios to floors measured in the same run."""

import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from benchmarks.audits import judged
from benchmarks.generator import write
from benchmarks.measures import Row, bare_insert, peak_memory, timed
from crawler.parse import parse
from lineage.cli.load import load as import_quietly
from lineage.family import ancestors, descendants
from registry.database import open_registry
from registry.read import most_children
from registry.resolve import resolve_names
from registry.tables import MODELS
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


def queries(engine: Engine) -> Iterator[Row]:
    """Ancestors of random models and descendants of the largest family, against a bare recursive query."""
    with engine.connect() as connection:
        ids = list(connection.scalars(select(MODELS.c.repo_id).where(MODELS.c.state == "listed")))
        largest = most_children(connection)[0][0]
    times = sorted(timed(partial(ancestors, engine, name))[0] for name in random.Random(1).sample(ids, 1000))
    yield "ancestors, 1,000 random models", f"median {times[500] * 1e3:.1f} ms, p99 {times[990] * 1e3:.1f} ms", ""
    whole = statistics.median(timed(lambda: descendants(engine, largest))[0] for _ in range(5))
    bare = statistics.median(timed(lambda: bare_descendants(engine, largest))[0] for _ in range(5))
    size = descendants(engine, largest).total
    yield f"descendants of the largest family ({size:,})", f"{whole * 1e3:.0f} ms", f"{whole / bare:.1f} × bare query"


def starts(engine: Engine) -> Iterator[Row]:
    """Whole processes, against the time that importing sqlmodel alone takes."""
    with engine.connect() as connection:
        largest = most_children(connection)[0][0]
    engine.dispose()
    floor = ran("-c", "import sqlmodel")
    for what, arguments in (
        ("lineage --help", ["--help"]),
        ("lineage ancestors MODEL", ["ancestors", largest]),
    ):
        seconds = ran("-m", "lineage", *arguments, LINEAGE_DB=str(engine.url.database))
        yield f"`{what}`, whole process", f"{seconds * 1e3:.0f} ms", f"{seconds / floor:.2f} × `import sqlmodel`"


def ran(*arguments: str, **environment: str) -> float:
    """The median time of nine runs of Python with these arguments."""
    command = [sys.executable, *arguments]
    run = partial(subprocess.run, command, env=os.environ | environment, stdout=subprocess.DEVNULL, check=True)
    return statistics.median(timed(run)[0] for _ in range(9))


def load(engine: Engine, dump: Path) -> None:
    """Import as the command does, without a word."""
    import_quietly(engine, [dump], "2026-08-22T00:00:00Z", quiet=True)


def resolve(engine: Engine) -> None:
    """Resolve all names once more."""
    with writing(engine) as connection:
        resolve_names(connection)


def bare_descendants(engine: Engine, root: str) -> int:
    """The number of descendants by plain SQL on a bare connection."""
    connection = sqlite3.connect(str(engine.url.database))
    statement = """
        WITH RECURSIVE reach(key) AS (
            SELECT key FROM models WHERE repo_id = ?
            UNION SELECT child_key FROM derivations JOIN reach ON parent_key = reach.key
        ) SELECT m.repo_id, m.downloads FROM reach JOIN models m USING (key)
    """
    return len(connection.execute(statement, (root,)).fetchall())
