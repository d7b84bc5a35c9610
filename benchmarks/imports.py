"""How fast models come in and questions are answered, as ratios to floors measured in the same run.

    python -m benchmarks.imports [OUTPUT.md] [MODELS ...]

The data is synthetic: the embedded snapshot again and again, each time under other owners, so that families, dirt and
licences keep their real shares. Machines are noisy: read the ratios.
"""

import gzip
import json
import os
import platform
import random
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter
from typing import Any

from sqlalchemy import Engine, select

from crawler.parse import parse
from lineage.cli.load import load as import_quietly
from lineage.family import ancestors, descendants
from registry.database import open_registry
from registry.read import most_children
from registry.resolve import resolve_names
from registry.tables import MODELS
from registry.write import writing

SNAPSHOT = Path(__file__).parents[1] / "crawler" / "data" / "snapshot.jsonl.gz"


def main() -> None:
    """Measure and print; write the page if a name is given."""
    sizes = [int(size) for size in sys.argv[2:]] or [200_000]
    tables = []
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            tables.append(table(measured(Path(folder), size)))
        print(tables[-1])
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text("\n".join([preface(), *tables]), encoding="utf-8")


def measured(folder: Path, wanted: int) -> list[tuple[str, str, str]]:
    """Rows of (what, figure, ratio)."""
    dump = folder / "synthetic.jsonl"
    count = 0
    with dump.open("w", encoding="utf-8") as file:
        for row in synthetic_rows(wanted):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
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
        *starts(engine),
    ]


def each_line(dump: Path, work: Callable[[str], Any]) -> None:
    """Do something with every line, and keep nothing."""
    with dump.open(encoding="utf-8") as lines:
        for line in lines:
            work(line)


def peak_memory() -> float:
    """The most memory this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def queries(engine: Engine) -> Iterator[tuple[str, str, str]]:
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


def starts(engine: Engine) -> Iterator[tuple[str, str, str]]:
    """Whole processes, against the time that importing sqlmodel alone takes."""
    engine.dispose()
    floor = ran("-c", "import sqlmodel")
    for what, arguments in (
        ("lineage --help", ["--help"]),
        ("lineage ancestors Qwen/Qwen3-8B", ["ancestors", "Qwen/Qwen3-8B"]),
    ):
        seconds = ran("-m", "lineage", *arguments, LINEAGE_DB=str(engine.url.database))
        yield f"`{what}`, whole process", f"{seconds * 1e3:.0f} ms", f"{seconds / floor:.2f} × `import sqlmodel`"


def ran(*arguments: str, **environment: str) -> float:
    """The median time of nine runs of Python with these arguments."""
    command = [sys.executable, *arguments]
    run = partial(subprocess.run, command, env=os.environ | environment, stdout=subprocess.DEVNULL, check=True)
    return statistics.median(timed(run)[0] for _ in range(9))


def synthetic_rows(wanted: int) -> Iterator[dict[str, Any]]:
    """The snapshot's rows, again and again; from the second time on every owner has a number."""
    with gzip.open(SNAPSHOT, "rt", encoding="utf-8") as lines:
        originals = [json.loads(line) for line in lines]
    made = 0
    turn = 0
    while made < wanted:
        for row in originals[: wanted - made]:
            yield (row if turn == 0 else renamed(row, f"{turn}-")) | {"_id": f"{made:024x}"}
            made += 1
        turn += 1


def renamed(row: dict[str, Any], prefix: str) -> dict[str, Any]:
    """The row under another owner; its parents are renamed alike, so that each turn is a world of its own."""
    copy = dict(row, id=prefix + row["id"])
    copy.pop("author", None)
    if "baseModels" in row:
        models = [{"id": prefix + model["id"]} for model in row["baseModels"]["models"]]
        copy["baseModels"] = dict(row["baseModels"], models=models)
    if "tags" in row:
        copy["tags"] = [renamed_tag(tag, prefix) for tag in row["tags"]]
    card = row.get("cardData", {})
    if isinstance(card.get("base_model"), list):
        copy["cardData"] = dict(card, base_model=[prefix + name for name in card["base_model"]])
    return copy


def renamed_tag(tag: str, prefix: str) -> str:
    """A tag with its base model under another owner."""
    if not tag.startswith("base_model:"):
        return tag
    head, _, name = tag.rpartition(":")
    return f"{head}:{prefix}{name}"


def load(engine: Engine, dump: Path) -> None:
    """Import as the command does, without a word."""
    import_quietly(engine, [dump], "2026-08-22T00:00:00Z", quiet=True)


def resolve(engine: Engine) -> None:
    """Resolve all names once more."""
    with writing(engine) as connection:
        resolve_names(connection)


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


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds that the work took, and what it returned."""
    start = perf_counter()
    result = work()
    return perf_counter() - start, result


def preface() -> str:
    """What the page says of itself and of the machine."""
    packages = ", ".join(f"{name} {version(name)}" for name in ("sqlalchemy", "sqlmodel"))
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    return (
        "# Benchmarks\n\n"
        "Made by `make bench` on synthetic data (the embedded snapshot repeated under other owners). Machines are\n"
        "noisy: read the ratios, each of which was measured in one run.\n\n"
        f"Machine: {machine}. Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}.\n"
    )


def table(rows: list[tuple[str, str, str]]) -> str:
    """The figures of one size."""
    lines = ["| work | figure | ratio |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(f"| {what} | {figure} | {ratio} |" for what, figure, ratio in rows)]) + "\n"


if __name__ == "__main__":
    main()
