"""How fast questions are answered, as ratios to floors measured in the same run."""

import random
import sqlite3
import statistics
import subprocess
import sys
from collections.abc import Iterator, Sequence
from functools import partial

import networkx as nx
from sqlalchemy import Engine, func, select

from benchmarks.measures import Row, allowance, alone, compared, goal, median, ran, timed
from lineage.family import ancestors
from lineage.lists import search
from lineage.statistics import registry_statistics
from registry.database import reading
from registry.tables import MODELS

#: The largest family of the synthetic Hub: its eight hubs, and all that was made from them.
_OWNER = "author:synthetic-hub"
#: What the floor does, by bare sqlite3: all members of that family with their downloads.
_BARE_FAMILY = """
    WITH RECURSIVE reach(key) AS (
        SELECT key FROM models WHERE folded >= 'synthetic-hub/' AND folded < 'synthetic-hub0'
        UNION SELECT child_key FROM derivations JOIN reach ON parent_key = reach.key
    )
    SELECT m.repo_id, m.downloads FROM reach JOIN models m USING (key)
"""


def queries(engine: Engine) -> Iterator[Row]:
    """Ancestors of random models; the largest family, in whole processes; numbers about all, and a search in all."""
    yield from most_asked(engine)
    for what, text in (("search for `model-31`", "model-31"), ("search for what is not there", "no-such-model")):
        yield _search(engine, what, text)
    engine.dispose()
    yield from _whole_processes(engine)


def most_asked(engine: Engine, when: str = "", seed: int = 0) -> Iterator[Row]:
    """Ancestors of random models, and numbers about all; `when` follows what was asked."""
    yield _ancestors(engine, 2 * allowance(engine), when, seed)
    seconds, most = median(partial(registry_statistics, engine)), 2.0 * allowance(engine)
    yield Row(f"statistics of the whole registry{when}", f"{seconds * 1e3:,.0f} ms", "", _within(seconds, most))


def _search(engine: Engine, what: str, text: str) -> Row:
    """A search and its floor, which take turns: what slows the machine down slows both."""
    floor, ask, most = partial(_every_name, engine), partial(search, engine, text), 0.2 * allowance(engine)
    floor()
    ask()
    rounds = [(timed(floor)[0], timed(ask)[0]) for _ in range(9)]
    least, seconds = map(statistics.median, zip(*rounds, strict=True))
    ratio = statistics.median(took / bare for bare, took in rounds)
    words = f"{ratio:.1f} × reading every id ({least * 1e3:,.0f} ms)"
    return Row(what, f"{seconds * 1e3:,.0f} ms", words, _within(seconds, most))


def _every_name(engine: Engine) -> object:
    """The least that the database has to do to find a text anywhere in an id."""
    with engine.connect() as connection:
        return connection.scalar(select(func.sum(func.length(MODELS.c.folded))))


def _within(seconds: float, most: float) -> str:
    return goal(f"≤ {most * 1e3:,.0f} ms", seconds <= most)


def _ancestors(engine: Engine, most: int, when: str, seed: int) -> Row:
    """Three rounds, each of 1,000 other models. (Of 20 rounds on a quiet server two met a stall of the machine.)"""
    with reading(engine) as connection:
        count = connection.scalar(select(MODELS.c.key).order_by(MODELS.c.key.desc()).limit(1)) or 0
        keys = random.Random(seed).sample(range(1, count + 1), min(3_000, count))
        ids = connection.scalars(select(MODELS.c.repo_id).where(MODELS.c.key.in_(keys))).all()
    middles, lates = zip(*(_round(engine, ids[at::3]) for at in range(3)), strict=True)
    middle, late = statistics.median(middles), statistics.median(lates)
    return Row(
        f"ancestors of {len(ids[::3]):,} random models{when}: the middle of three rounds",
        f"median {middle:.1f} ms, p99 {late:.1f} ms (of the rounds {min(lates):.1f} to {max(lates):.1f})",
        "",
        goal(f"p99 ≤ {most} ms", late <= most),
    )


def _round(engine: Engine, ids: Sequence[str]) -> tuple[float, float]:
    """The median and the 99th of 100 of what the ancestors of models take, in milliseconds."""
    times = sorted(timed(partial(ancestors, engine, id))[0] * 1e3 for id in ids)
    return times[len(times) // 2], times[len(times) * 99 // 100]


def _whole_processes(engine: Engine) -> Iterator[Row]:
    """Commands as a person types them, with all that Python has to load."""
    url = engine.url.render_as_string(hide_password=False)
    bare = _bare(url)
    members = int(subprocess.run([sys.executable, *bare], capture_output=True, check=True).stdout)
    most = 1.5 * allowance(engine)
    for command, module in (("descendants", "families"), ("count", "numbers")):
        imports = "-c", f"import lineage.cli.{module}"
        asked = "-m", "lineage", command, _OWNER
        seconds, (floor, importing), ratio = compared(asked, bare, imports, LINEAGE_DB=url)
        yield Row(
            f"`lineage {command}` of the largest family, whole process ({members:,} members)",
            f"{seconds:.2f} s",
            f"{ratio:.2f} × bare recursive query ({floor:.2f} s) and imports ({importing:.2f} s)",
            goal(f"≤ {most} ×", ratio <= most),
        )
    if engine.dialect.name == "sqlite":
        seconds, memory, _ = alone(partial(by_networkx, url.removeprefix("sqlite:///")))
        yield Row("floor: the same family by networkx, with all edges", f"{seconds:.1f} s, {memory:,.0f} MB")
    for arguments in (["stats"], ["search", "model-31"]):
        seconds = ran("-m", "lineage", *arguments, LINEAGE_DB=url)
        yield Row(f"`lineage {' '.join(arguments)}`, whole process", f"{seconds:.2f} s")


def starts(engine: Engine) -> Iterator[Row]:
    """Whole processes that have little to read, against the time that importing sqlmodel alone takes."""
    url = engine.url.render_as_string(hide_password=False)
    for what, arguments in (
        ("lineage --help", ["--help"]),
        ("lineage ancestors MODEL", ["ancestors", "synthetic-hub/base-1"]),
    ):
        seconds, _, ratio = compared(("-m", "lineage", *arguments), ("-c", "import sqlmodel"), LINEAGE_DB=url)
        yield Row(f"`{what}`, whole process", f"{seconds * 1e3:.0f} ms", f"{ratio:.2f} × `import sqlmodel`")


def _bare(url: str) -> tuple[str, ...]:
    """What has Python read the largest family with nothing but the driver, and say how many models that has."""
    file = url.removeprefix("sqlite:///")
    driver, place = ("sqlite3", file) if file != url else ("psycopg", url.replace("+psycopg", ""))
    program = f"import {driver}, sys; c = {driver}.connect(sys.argv[1]); print(len(c.execute(sys.argv[2]).fetchall()))"
    return "-c", program, place, _BARE_FAMILY


def by_networkx(file: str) -> int:
    """Load all edges into a graph, and walk down from the hubs; returns the members of the family."""
    connection = sqlite3.connect(file)
    edges = connection.execute("SELECT parent_key, child_key FROM derivations WHERE parent_key IS NOT NULL")
    graph: nx.DiGraph[int] = nx.DiGraph(edges.fetchall())
    roots = connection.execute("SELECT key FROM models WHERE folded >= 'synthetic-hub/' AND folded < 'synthetic-hub0'")
    return len(set().union(*(nx.descendants(graph, key) for (key,) in roots if key in graph)))
