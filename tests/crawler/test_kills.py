"""Crawls that are killed: SIGKILL, of a process of its own, at random moments; what is left goes on to the same end."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, func, select

from crawler.crawl import crawl_hub, reconcile, resume
from registry.database import open_registry, reading
from registry.runs import last_broken_off
from registry.tables import MODELS
from tests.conftest import CHECKOUT
from tests.crawler.crawls import Command, crawled, models_asked, small_world, token_of_the_tests, whole_digest
from tests.fakehub.server import FakeHub
from tests.fakehub.world import World

#: A process that waits for a line when all is imported, then crawls; so that no time is lost between two kills.
_CHILD = """
import sys
from crawler import crawl
from crawler.hub import Hub
from registry.database import open_registry

command, endpoint, db = sys.argv[1:]
print(flush=True)
if not sys.stdin.readline():  # the test is over
    sys.exit()
getattr(crawl, command)(open_registry(db), Hub(endpoint), lambda done, hub: None)
print(flush=True)
"""


@pytest.fixture(autouse=True)
def _a_token_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)


@dataclass
class Crawler:
    """A process that crawls into a registry of its own."""

    command: Command
    hub: FakeHub
    db: Path

    def __post_init__(self) -> None:
        arguments = [sys.executable, "-c", _CHILD, self.command.__name__, self.hub.url, str(self.db)]
        self.process = subprocess.Popen(arguments, cwd=CHECKOUT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def start(self, begun: Callable[[], bool]) -> None:
        """Let it crawl, and wait until it has begun."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdout.readline()
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        while not begun():
            assert self.process.poll() is None
            time.sleep(0.001)

    def kill(self, requests: int, seconds: float) -> None:
        """End it without a word, so many seconds after the Hub got so many requests in all."""
        while len(self.hub.requests) < requests and self.process.poll() is None:
            time.sleep(0.001)
        time.sleep(seconds)
        self.process.kill()
        self.process.communicate()

    def end(self) -> None:
        """Wait until it has crawled."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == b"\n"
        self.process.communicate()


@contextmanager
def opened(db: Path) -> Iterator[Engine]:
    engine = open_registry(str(db))
    yield engine
    engine.dispose()


def count_models(engine: Engine) -> int:
    with reading(engine) as connection:
        return connection.scalar(select(func.count()).select_from(MODELS)) or 0


def broke_off(engine: Engine) -> bool:
    with reading(engine) as connection:
        return last_broken_off(connection) is not None


def killed_again_and_again(
    command: Command, hub: FakeHub, before: Path, begun: Callable[[int], bool], times: int, seed: int
) -> Iterator[Engine]:
    """First the registry of an undisturbed crawl, then so many of killed ones, as each kill left them.

    The moments are spread at random over the requests that a crawl makes once it has `begun` (given the number of
    requests before it): other processes may slow it down as they like.
    """
    dbs = [before.with_name(f"{number}.db") for number in range(times + 1)]
    for db in dbs:
        shutil.copyfile(before, db)
    undisturbed = Crawler(command, hub, dbs[0])
    waiting = Crawler(command, hub, dbs[1])
    asked = len(hub.requests)
    undisturbed.start(lambda: begun(asked))
    first, start = len(hub.requests) - asked, time.monotonic()
    undisturbed.end()
    last = len(hub.requests) - asked
    between = (time.monotonic() - start) / (last - first + 1)
    with opened(dbs[0]) as engine:
        yield engine
    chance = Random(seed)
    for number, db in enumerate(dbs[1:], 1):
        child = waiting
        asked = len(hub.requests)
        child.start(lambda asked=asked: begun(asked))  # type: ignore[misc]
        child.kill(asked + chance.randint(first, last), chance.uniform(0, between))
        if number < times:
            waiting = Crawler(command, hub, dbs[number + 1])
        with opened(db) as engine:
            yield engine


def test_killed_at_random_points_and_resumed(sqlite_registry: Engine, tmp_path: Path) -> None:
    before = tmp_path / "empty.db"
    shutil.copyfile(sqlite_registry.url.database or "", before)
    with FakeHub(small_world(6_000)) as hub:
        hub.hub.largest_page = 200

        def begun(asked: int) -> bool:
            return len(hub.requests) > asked

        registries = killed_again_and_again(crawl_hub, hub, before, begun, times=8, seed=1)
        whole = whole_digest(next(registries))
        depths = []
        for engine in registries:
            depth = count_models(engine)
            if broke_off(engine):
                depths.append(depth)
                crawled(engine, hub, resume)
            elif depth == 0:
                crawled(engine, hub)
            assert whole_digest(engine) == whole
            assert count_models(engine) == 6_000
    assert len(depths) >= 5, "the kills came too early or too late"
    assert len(set(depths)) >= 3, "the kills came all at one point"


def test_killed_among_the_absent_and_resumed(sqlite_registry: Engine, tmp_path: Path) -> None:
    before = tmp_path / "crawled.db"
    shutil.copyfile(sqlite_registry.url.database or "", before)
    world = World(small_world(700))
    with FakeHub(world) as hub:
        with opened(before) as engine:
            crawled(engine, hub)
        for n in range(0, 600, 2):
            world.delete(f"me/M{n}")

        def begun(asked: int) -> bool:
            return any(seen.path.startswith("/api/models/") for seen in hub.requests[asked:])

        registries = killed_again_and_again(reconcile, hub, before, begun, times=5, seed=2)
        whole = whole_digest(next(registries))
        hits = 0
        for engine in registries:
            if broke_off(engine):
                asked = len(models_asked(hub))
                crawled(engine, hub, resume)
                names = models_asked(hub)[asked:]
                assert len(names) == len(set(names))
                hits += 0 < len(names) < 300
            assert whole_digest(engine) == whole
    assert hits >= 2, "the kills came too early or too late"
