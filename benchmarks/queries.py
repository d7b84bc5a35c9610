"""How fast questions are answered, as ratios to floors measured in the same run: in processor time, which other work of
the machine disturbs least."""

import os
import random
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from time import process_time

from sqlalchemy import Engine, select

from benchmarks.measures import Row
from lineage.family import ancestors
from registry.database import reading
from registry.numbers import most_children
from registry.tables import MODELS

_OWNER = "author:synthetic-hub"
_REACH = """
    WITH RECURSIVE reach(key) AS (
        SELECT key FROM models WHERE folded >= 'synthetic-hub/' AND folded < 'synthetic-hub0'
        UNION SELECT child_key FROM derivations JOIN reach ON parent_key = reach.key
    )
"""
#: What the floors do, by bare sqlite3 in a process of its own: all members of the largest family with their downloads;
#: all ids that hold a text; all facts that numbers about the registry are made of.
_BARE_FAMILY = f"{_REACH} SELECT m.repo_id, m.downloads FROM reach JOIN models m USING (key)"
_BARE_SEARCH = "SELECT key FROM models WHERE folded LIKE '%model-31%'"
_BARE_SCAN = "SELECT sum(length(author) + length(licenses) + length(created_at)) FROM models"


def queries(engine: Engine) -> Iterator[Row]:
    """Ancestors of random models, and whole processes that ask about the largest family, about all and for a text."""
    with reading(engine) as connection:
        count = connection.scalar(select(MODELS.c.key).order_by(MODELS.c.key.desc()).limit(1)) or 0
        keys = random.Random(1).sample(range(1, count + 1), min(1000, count))
        ids = connection.scalars(select(MODELS.c.repo_id).where(MODELS.c.key.in_(keys))).all()
    times = sorted(processor_time(partial(ancestors, engine, name)) for name in ids)
    middle, late = times[len(times) // 2], times[len(times) * 99 // 100]
    yield f"ancestors, {len(ids):,} random models", f"median {middle * 1e3:.1f} ms, p99 {late * 1e3:.1f} ms", ""
    engine.dispose()
    yield from _family(engine)
    yield from _whole_registry(engine)


def starts(engine: Engine) -> Iterator[Row]:
    """Whole processes that have little to read, against the time that importing sqlmodel alone takes."""
    with reading(engine) as connection:
        ((largest, _),), _ = most_children(connection, 1)
    engine.dispose()
    floor = ran("-c", "import sqlmodel")
    for what, arguments in (
        ("lineage --help", ["--help"]),
        ("lineage ancestors MODEL", ["ancestors", largest]),
    ):
        seconds = ran("-m", "lineage", *arguments, LINEAGE_DB=str(engine.url.database))
        yield f"`{what}`, whole process", f"{seconds * 1e3:.0f} ms", f"{seconds / floor:.2f} × `import sqlmodel`"


def _family(engine: Engine) -> Iterator[Row]:
    """The largest family: as a tree and as numbers."""
    members, floor = bare(engine, _BARE_FAMILY)
    for command, module in (("descendants", "families"), ("count", "numbers")):
        importing = ran("-c", f"import lineage.cli.{module}")
        seconds = ran("-m", "lineage", command, _OWNER, LINEAGE_DB=str(engine.url.database))
        ratio = seconds / (floor + importing)
        yield (
            f"`lineage {command}` of the largest family ({members:,} with its roots), whole process",
            f"{seconds:.2f} s",
            f"{ratio:.2f} × bare recursive query ({floor:.2f} s) and imports ({importing:.2f} s)",
        )


def _whole_registry(engine: Engine) -> Iterator[Row]:
    """Numbers about the whole registry, and a search through all of it."""
    importing = ran("-c", "import lineage.cli.numbers")
    for arguments, statement in ((["stats"], _BARE_SCAN), (["search", "model-31"], _BARE_SEARCH)):
        _, floor = bare(engine, statement)
        seconds = ran("-m", "lineage", *arguments, LINEAGE_DB=str(engine.url.database))
        yield (
            f"`lineage {' '.join(arguments)}`, whole process",
            f"{seconds:.2f} s, {seconds - importing:.2f} s beside imports",
            f"{seconds / (floor + importing):.2f} × bare scan ({floor:.2f} s) and imports ({importing:.2f} s)",
        )


def bare(engine: Engine, statement: str) -> tuple[int, float]:
    """The number of rows of a statement on a bare connection, and the median processor time of three reads of all."""
    connection = sqlite3.connect(str(engine.url.database))
    rows = connection.execute(statement).fetchall()
    read = partial(connection.execute, statement)
    return len(rows), statistics.median(processor_time(lambda: read().fetchall()) for _ in range(3))


def processor_time(work: Callable[[], object]) -> float:
    """Seconds of this process that the work took."""
    start = process_time()
    work()
    return process_time() - start


def ran(*arguments: str, **environment: str) -> float:
    """The median processor time, in seconds, of five runs of Python with these arguments."""
    command = [sys.executable, *arguments]
    times = []
    for _ in range(5):
        before = os.times()
        subprocess.run(command, env=os.environ | environment, stdout=subprocess.DEVNULL, check=True)
        after = os.times()
        times.append(sum(after[2:4]) - sum(before[2:4]))
    return statistics.median(times)
