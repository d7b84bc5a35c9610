"""Times, memory, floors, and how they are shown."""

import os
import platform
import resource
import sqlite3
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import Engine

#: What was measured, the figure, and its ratio to something of the same run.
Row = tuple[str, str, str]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that the work took, and what it returned."""
    start = perf_counter()
    result = work()
    return perf_counter() - start, result


def peak_memory() -> float:
    """The most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def bare_insert(folder: Path, engine: Engine) -> float:
    """Seconds to insert the registry's own models and derivations into the same tables and indexes, and no more."""
    source = sqlite3.connect(str(engine.url.database))
    schema = source.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name != 'sqlite_sequence'")
    target = sqlite3.connect(folder / "bare.db")
    target.execute("PRAGMA journal_mode=WAL")
    target.execute("PRAGMA synchronous=NORMAL")
    for (statement,) in schema:
        target.execute(statement)
    rows = {table: source.execute(f"SELECT * FROM {table}").fetchall() for table in ("models", "derivations")}

    def insert() -> None:
        for table, values in rows.items():
            target.executemany(f"INSERT INTO {table} VALUES ({','.join('?' * len(values[0]))})", values)
        target.commit()

    return timed(insert)[0]


def preface() -> str:
    """What the page says of itself and of the machine."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("sqlalchemy", "sqlmodel"))
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    return (
        "# Benchmarks\n\n"
        "Made by `make bench` on synthetic data in the shape of the whole Hub (benchmarks/generator.py, calibrated\n"
        "below). Machines are noisy: read the ratios, each of which was measured in one run.\n\n"
        f"Machine: {machine}. Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}.\n"
    )


def table(rows: list[Row]) -> str:
    """The figures of one size."""
    lines = ["| work | figure | ratio |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {what} | {figure} | {ratio} |" for what, figure, ratio in rows)]) + "\n"
