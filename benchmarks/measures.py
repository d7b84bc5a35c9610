"""Times, memory, floors, and how they are shown."""

import os
import platform
import resource
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

from sqlalchemy import Engine

from lineage.cli.main import collect_seldom

#: Those that hold nearly all rows of a registry.
TABLES = "models", "sights", "derivations"
CHUNK = 100_000


class Row(NamedTuple):
    """What was measured, the figure, its ratio to something of the same run, and how it stands to a goal."""

    what: str
    figure: str
    ratio: str = ""
    goal: str = ""


def goal(words: str, met: bool) -> str:
    """A goal, and whether it was reached."""
    return f"{words}: {'met' if met else '**missed**'}"


def allowance(engine: Engine) -> int:
    """How many times as long a database may take as SQLite."""
    return 1 if engine.dialect.name == "sqlite" else 2


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that the work took, and what it returned."""
    start = perf_counter()
    result = work()
    return perf_counter() - start, result


def alone(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """Seconds and peak memory (MB) of work in a fresh process, and what it returned.

    A process that it starts is counted in, as if both were at their peaks at the same time.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_alone, work).result()


def _alone(work: Callable[[], Any]) -> tuple[float, float, Any]:
    collect_seldom()  # as the commands do
    seconds, result = timed(work)
    return seconds, (_peak() + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 1024, result


def _peak() -> int:
    """The most memory (KiB) that this process held.

    What `getrusage` says of it begins with what the process held that started it.
    """
    said = Path("/proc/self/status").read_text(encoding="ascii")
    return int(said.partition("VmHWM:")[2].split()[0])


def median(work: Callable[[], object]) -> float:
    """The median time, in seconds, of nine runs after one that warms up."""
    work()
    return statistics.median(timed(work)[0] for _ in range(9))


def ran(*arguments: str, times: int = 5, **environment: str) -> float:
    """The median time, in seconds, of some runs of Python with these arguments."""
    return statistics.median(_once(arguments, environment) for _ in range(times))


def compared(command: Sequence[str], *floors: Sequence[str], **environment: str) -> tuple[float, list[float], float]:
    """The median seconds of five runs of Python with the arguments of a command, those of its floors, and the median
    ratio of the command to all floors together. They take turns: what slows the machine down slows all of them."""
    rounds = [[_once(arguments, environment) for arguments in (*floors, command)] for _ in range(5)]
    *least, seconds = map(statistics.median, zip(*rounds, strict=True))
    return seconds, least, statistics.median(took / sum(rest) for *rest, took in rounds)


def _once(arguments: Sequence[str], environment: Mapping[str, str]) -> float:
    command = [sys.executable, *arguments]
    run = partial(subprocess.run, command, env=os.environ | environment, stdout=subprocess.DEVNULL, check=True)
    return timed(run)[0]


def bare_insert(db: Path) -> float:
    """Seconds to insert a registry's own rows into the same tables in one transaction, then make the same indexes."""
    source, place = sqlite3.connect(db), db.with_name("bare.db")
    schema = source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
    tables: list[str] = []
    indexes: list[str] = []
    for (statement,) in schema:
        (indexes if " INDEX " in statement else tables).append(statement)
    target = sqlite3.connect(place)
    for setting in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-65536"):  # as a registry's
        target.execute(f"PRAGMA {setting}")
    target.executescript(";".join(tables))
    spent = 0.0
    for table in TABLES:
        rows = source.execute(f"SELECT * FROM {table}")
        mark = ",".join("?" * len(rows.description))
        while chunk := rows.fetchmany(CHUNK):
            spent += timed(lambda: target.executemany(f"INSERT INTO {table} VALUES ({mark})", chunk))[0]  # noqa: B023
    for statement in indexes:
        spent += timed(partial(target.execute, statement))[0]
    spent += timed(target.commit)[0]
    target.close()
    place.unlink()
    return spent


def preface() -> str:
    """What the page says of itself and of the machine."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("sqlalchemy", "sqlmodel", "numpy", "pyarrow"))
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    return (
        "# Benchmarks\n\n"
        "Made by `make bench` on synthetic data in the shape of the whole Hub (benchmarks/generator.py, calibrated\n"
        "below; every owner is called synthetic). Machines are noisy: read the ratios, each of which was measured in\n"
        "one run. Imports, crawls and audits each have a process of their own. Goals are those for 3.1 million models\n"
        "on two cores.\n\n"
        f"Machine: {machine}. Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}.\n"
    )


def table(rows: Iterable[Row]) -> str:
    """The figures as Markdown."""
    lines = ["| work | figure | ratio | goal |", "| --- | --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]) + "\n"
