"""Several at once on one registry, each a process of its own: two walks of families, an import, and 20 readers."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from registry.database import reading
from registry.tables import RUNS
from tests.conftest import CHECKOUT
from tests.crawler.crawls import token_of_the_tests, whole_digest
from tests.fakehub.server import FakeHub
from tests.families import Row, api_row, save
from tests.lineage.calls import database

#: How long they are at it, in seconds.
LENGTH = 60.0
READERS = 20
SEEN = "2026-01-01"
#: Asks its registry one question after the other until the time (on the system's clock) is over, and says what went
#: wrong; a process that only asked once would mostly be starting.
_READER = """
import itertools, sys, time
from click.testing import CliRunner
from lineage.cli.main import main

db, end = sys.argv[1], float(sys.argv[2])
questions = [
    ["descendants", "one/Root", "-f", "json"], ["ancestors", "two/Root"], ["count", "one/Root"], ["search", "m"],
    ["stats", "two/Root"], ["stats"], ["defects"], ["license", "one/Root"], ["audit", "--family", "two/Root"],
    ["db", "info"], ["db", "digest"],
]
first = int(sys.argv[3])
for asked, question in enumerate(itertools.cycle(questions[first:] + questions[:first])):
    if asked and time.time() >= end:
        break
    done = CliRunner().invoke(main, [*question, "--db", db])
    if done.exit_code not in ({0, 1} if question[0] in ("audit", "license") else {0}) or done.stderr:
        sys.exit(f"{question}: {done.exit_code} {done.output}")
print(asked)
"""


@pytest.fixture(autouse=True)
def _a_token_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)


def family_of(root: str, size: int) -> list[Row]:
    """A closed family in which every fifth model has children, some of them merges; its root comes first."""
    owner = root.partition("/")[0]
    rows = [api_row(root, license="apache-2.0")]
    for n in range(1, size):
        parents = sorted({rows[n // 5]["id"], rows[n // 7]["id"]})
        rows.append(api_row(f"{owner}/M{n}", parents, "merge" if len(parents) > 1 else "finetune", license="mit"))
    return rows


def world() -> tuple[list[Row], list[list[Row]]]:
    """What the Hub holds, two families, and dumps: of other models, some made from those, and of the families too."""
    families = [*family_of("one/Root", 400), *family_of("two/Root", 400)]
    others = [api_row(f"three/M{n}", [families[n % 800]["id"].swapcase()], tags=[]) for n in range(1_200)]
    return families, [[*others[n::12], *families[n::12]] for n in range(12)]


def lineage(*args: str) -> "subprocess.CompletedProcess[str]":
    """The command in a process of its own."""
    command = [sys.executable, "-m", "lineage", *args]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, timeout=600, check=False)


def crawls(root: str, url: str) -> list[str]:
    return ["crawl", "family", "--walk", "-q", root, "--endpoint", url]


def dumped(folder: Path, dumps: list[list[Row]]) -> Iterator[list[str]]:
    """The calls that import the dumps."""
    for number, rows in enumerate(dumps):
        path = folder / f"{number}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        yield ["import", "-q", "--seen", SEEN, str(path)]


def again_and_again(calls: list[list[str]], db: str, end: float) -> int:
    """Make all of the calls, and then from the beginning until the time is over; returns how many were made."""
    for made, call in enumerate(cycle(calls)):
        if made >= len(calls) and time.time() >= end:
            return made
        done = lineage(*call, "--db", db)
        assert (done.returncode, done.stderr) == (0, ""), (call, done.stderr)
    raise AssertionError("there is nothing to do")


def reader(db: str, end: float, first: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", _READER, db, str(end), str(first)]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_several_at_once(registry: Engine, another: Engine, tmp_path: Path) -> None:
    families, dumps = world()
    imports = list(dumped(tmp_path, dumps))
    for engine in (registry, another):  # so that there is something to ask about from the beginning
        save(engine, [families[0], families[400]], seen=f"{SEEN}T00:00:00Z")
    db, end = database(registry), time.time() + LENGTH
    with FakeHub(families) as hub, ThreadPoolExecutor(3) as writers:
        walks = [[crawls(root, hub.url)] for root in ("one/Root", "two/Root")]
        readers = [reader(db, end, number % 11) for number in range(READERS)]
        at_work = [writers.submit(again_and_again, calls, db, end) for calls in (*walks, imports)]
        said = [process.communicate(timeout=600) for process in readers]
        made = [future.result() for future in at_work]
        files = [call[-1] for call in imports]
        for call in (["import", "-q", "--seen", SEEN, *files], *(calls[0] for calls in walks)):  # one after the other
            assert lineage(*call, "--db", database(another)).returncode == 0
    assert [error for _, error in said if error] == []
    assert all(int(asked) >= 1 for asked, _ in said)
    assert whole_digest(registry) == whole_digest(another)
    with reading(registry) as connection:
        runs = connection.execute(select(RUNS.c.command, RUNS.c.finished_at)).all()
    assert len(runs) == sum(made)
    assert all(run.finished_at is not None for run in runs)
