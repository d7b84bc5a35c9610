"""Measure, and write the page: `python -m benchmarks [OUTPUT.md] [MODELS …]`. Machines are noisy: read the ratios."""

import sys
import tempfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from benchmarks.audits import judged
from benchmarks.crawls import crawled
from benchmarks.fakes import fake_hub
from benchmarks.generator import write_files
from benchmarks.histories import histories
from benchmarks.imports import before_of, imported
from benchmarks.maps import mapped
from benchmarks.measures import Row, goal, preface, table
from benchmarks.queries import most_asked, queries, starts
from benchmarks.relatives import related
from benchmarks.servers import bare_rows, new_database, postgresql, settled
from registry.database import open_registry

#: Seconds that a million models take to import, by database and by the number of models.
Paces = dict[str, dict[int, float]]

#: Why goals are missed or hardly met, as far as that is known; figures of a machine with two cores, 2026-11-29
#: and 30.
_LIMITS = """## What limits what

- The goals are set for 3.1 million models. With 180,000, what takes the same time however many there are weighs more:
  another process that begins, numpy, networkx and the catalogue that are loaded.
- Import: its floor is the insert itself, with the indexes made after the rows. On top come looking up who is known,
  foreign keys, and the indexes that keep names and `_id`s unique, which are written again with every 100,000 models:
  batches of 200,000 took no less time (130 s for 117 s), and half as much memory again. Another process reads and
  parses meanwhile, which takes about as long as saving.
- A week later: the fingerprint of every row is made and looked up in another process; of every model is noted that it
  was seen again, which writes a table of all models anew.
- Crawl: one process asks and saves, another one reads and parses, and the server of this benchmark is a third on the
  same two cores. The Hub gives out pages of 1,000 models one after the other: at half a second a page, 2,000 models a
  second.
- Search: a text may stand anywhere in an id, so every id is read, and that alone is the floor. On SQLite two threads
  read half of them each. `model-31` takes longer than most texts, since every synthetic id has its beginning. An index
  of all trigrams (SQLite's FTS5, without positions) would answer in 0.1 to 19 ms, and takes 33 s and 94 MB to build:
  the import would miss its goal.
- A verdict for each model: more than half of the pass is reading all models and edges, which SQLite makes texts of in a
  thread while Python makes numbers of these.
- PostgreSQL: the ancestors of a model take two statements within a transaction, each a trip to the server; statistics
  are two scans of a table of 764 MB. Both are asked right after the imports, and at rest. A bare COPY of the same rows,
  with the indexes after it, took 16 and 18 s in two other runs, an eighth of an import. A search has the server not
  hand its reads to other processes, as version 18 does: with both cores busy, that took 440 ms in place of 240.
"""


def main() -> None:
    """Measure and print; write the page if a name is given."""
    sizes = sorted(int(size) for size in sys.argv[2:]) or [180_000]
    parts = [preface()]
    paces: Paces = {"SQLite": {}, "PostgreSQL": {}}
    for size in sizes:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            figures = write_files(folder, size)
            for title, rows in chain(on_sqlite(folder, size, paces), on_a_server(folder, size, paces)):
                parts.append(f"## {size:,} models, {title}\n\n{table(rows)}")
                print(parts[-1], flush=True)
    if len(sizes) > 1:
        parts.append(f"## Growth\n\n{table(growth(paces))}")
    parts.append(f"## The fake Hub of the tests\n\n{table([fake_hub()])}")
    parts.append(_LIMITS)
    parts.append(f"## The synthetic data, at {sizes[-1]:,} models\n\n{figures.table()}\n")
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text("\n".join(parts), encoding="utf-8")


def on_sqlite(folder: Path, models: int, paces: Paces) -> Iterator[tuple[str, list[Row]]]:
    """All tables of a size that SQLite has a part in."""
    db, crawl = folder / "registry.db", folder / "crawled.db"
    rows = list(imported(folder, str(db), models))
    paces["SQLite"][models] = seconds(rows[0]) / models * 1e6
    yield "SQLite: what comes in", [*rows, *crawled(folder, str(crawl), models)]
    crawl.unlink()
    engine = open_registry(str(db))
    yield "SQLite: what is asked", [*queries(engine), *judged(engine), *starts(engine)]
    yield "SQLite: what was, and what is registered", list(histories(engine, before_of(folder), folder))
    yield "pages in a browser without a GPU", [*related(engine, folder), *mapped(engine, folder)]
    engine.dispose()


def on_a_server(folder: Path, models: int, paces: Paces) -> Iterator[tuple[str, list[Row]]]:
    """What of it is measured on PostgreSQL."""
    with postgresql(folder / "server") as url:
        rows = list(imported(folder, url, models))
        first = seconds(rows[0])
        paces["PostgreSQL"][models] = first / models * 1e6
        engine = open_registry(url)
        soon = [*most_asked(engine, ", right after the imports", seed=1), settled(engine)]
        own = folder / "on-a-server"
        own.mkdir()
        asked = [*soon, *queries(engine), *judged(engine), *histories(engine, None, own)]
        rows.insert(2, bare_rows(engine, first))
        yield "PostgreSQL: what comes in", [*rows, *crawled(folder, new_database(engine, "crawled"), models)]
        yield "PostgreSQL: what is asked, and what was", asked
        engine.dispose()


def seconds(row: Row) -> float:
    """What was measured, where a figure begins with seconds."""
    return float(row.figure.split()[0])


def growth(paces: Paces) -> Iterator[Row]:
    """Whether a model takes longer in a large registry."""
    for engine, measured in paces.items():
        (few, first), *_, (many, last) = sorted(measured.items())
        yield Row(
            f"import into {engine}, a million models: at {few:,} and at {many:,}",
            f"{first:.1f} s and {last:.1f} s",
            f"{last / first:.2f} ×",
            goal("≤ 1.3 ×", last <= 1.3 * first),
        )


if __name__ == "__main__":
    main()
