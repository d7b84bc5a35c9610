"""Crawls of a Hub that fails at every second request: what they bring must be what an undisturbed crawl brings.

Two registries look at one fake Hub: first one that nothing disturbs, then one that meets faults and goes on after each
error as a person would.
"""

import shutil
import tempfile
import threading
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from crawler.crawl import crawl_family, crawl_hub, reconcile, resume, update
from crawler.hub import Hub
from crawler.run import Crawled
from registry.database import open_registry, reading
from registry.records import RegistryError
from registry.runs import last_broken_off
from registry.transfer import check, digest
from tests.crawler import crawls
from tests.crawler.crawls import Command, silent
from tests.fakehub.faults import Seen
from tests.fakehub.server import FakeHub
from torture.chance import IN_VAIN, TROUBLE, Chance, changes, kinds_met
from torture.hurry import Clock, hurried
from torture.parts import Part, table

TOKEN = "hf_not_a_real_token"
#: Rows on a page, so that a small world has many pages.
_PAGE = 20
#: Runs after which a crawl counts as one that never ends.
_MOST_RUNS = 400
#: What a resumed walk may ask again is a round of 32; the other crawls ask for a page or two.
_AGAIN = 40


@dataclass
class Tally:
    """What came of some crawls."""

    faults: Counter[str] = field(default_factory=Counter)
    #: By crawl: crawls, faults, requests of the undisturbed ones, of those that met faults, errors after which they
    #: went on, and runs for models that could not be told about.
    crawls: dict[str, list[int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    #: The most requests beyond those of the undisturbed crawl, for each fault that was met.
    worst: float = 0.0


@dataclass(frozen=True)
class Course:
    """A world of so many models, a seed for it and for its faults, the most faults of each crawl, and whether the
    content of pages is at stake too: rows left out, and models that change between pages."""

    seed: int
    models: int
    most: int
    shifting: bool


def faults(brief: bool) -> Part:
    """Faults: crawls of `_COURSES` in full, of the last two with few faults each if `brief`."""
    courses = [Course(seed, 500, 100, seed % 2 == 0) for seed in range(1, 7)]
    return run([Course(1, 150, 12, False), Course(2, 150, 12, True)] if brief else courses)


def run(courses: Sequence[Course]) -> Part:
    """Run courses, and tell of them."""
    tally = Tally()
    with tempfile.TemporaryDirectory() as folder, _threads_that_fail() as lost:
        empty = Path(folder) / "empty.db"
        open_registry(str(empty), create=True).dispose()
        for course in courses:
            with hurried() as clock:
                _Course(course, empty, clock, tally).run()
        tally.failures += lost
    return Part("Faults", _told(tally, courses), tuple(tally.failures))


class _Course:
    """A course as it is run."""

    def __init__(self, course: Course, empty: Path, clock: Clock, tally: Tally) -> None:
        self.course = course
        self.tally = tally
        self._empty = empty
        self._chance = crawls.Chance(course.seed, course.models)
        self._clock = clock
        self._number = 0

    def run(self) -> None:
        world, seed = self._chance.world, self.course.seed
        with FakeHub(world, clock=self._clock.monotonic) as self.hub, FakeHub() as self.stranger:
            self.hub.hub.largest_page = _PAGE
            with self._registry() as whole, self._registry() as tried:
                self._step("crawl hub", crawl_hub, whole, tried)
                self._chance.change(30, "edit", "insert")
                self._step("crawl update", update, whole, tried)
                self._chance.change(30, "edit", "insert", "delete", "rename", "again", "hide")
                self._step("crawl reconcile", reconcile, whole, tried)
            roots = world.ids()[seed : 40 + seed : 20]
            with self._registry() as whole, self._registry() as tried:
                family = partial(crawl_family, roots=roots, insist=True)
                self._step("crawl family", family, whole, tried)
            if self.stranger.requests:
                self.tally.failures.append(f"another host was asked {len(self.stranger.requests)} times")
            if any(seen.authorization != f"Bearer {TOKEN}" for seen in self.hub.requests):
                self.tally.failures.append("a request carried another token, or none")

    def _step(self, name: str, command: Command, whole: Engine, tried: Engine) -> None:
        """A crawl undisturbed, then one with faults; both again in peace, where that is what the product promises."""
        undisturbed = len(self.hub.requests)
        self._crawl(command, whole)
        undisturbed = len(self.hub.requests) - undisturbed
        self.hub.faults.chance = self._faults(name)
        begun = len(self.hub.requests)
        errors, again = self._persist(name, command, tried)
        self.hub.faults.clear()
        asked = self.hub.requests[begun:]
        met = kinds_met(asked)
        self.tally.faults += met
        row = self.tally.crawls.setdefault(name, [0] * 6)
        counts = (1, met.total(), undisturbed, len(asked), errors, again)
        self.tally.crawls[name] = [before + count for before, count in zip(row, counts, strict=True)]
        self._bounded(name, len(asked) - undisturbed * (1 + again), errors, met.total())
        if self.course.shifting:
            for engine in (whole, tried):
                self._crawl(command if name == "crawl family" else reconcile, engine)
        self._compare(name, whole, tried)

    def _faults(self, name: str) -> Chance:
        kinds = TROUBLE
        if self.course.shifting:
            # What a walk was led to once stays, though it is led there no more: so nothing changes under a walk.
            kinds += ("missing",) if name == "crawl family" else ("missing", "changed") * 2
        seed = self.course.seed * 100 + len(self.tally.crawls)
        chance = Chance(seed, kinds, self.stranger.url, most=self.course.most)
        if self.course.shifting:
            chance.acts = changes(seed, self._chance.world, all_kinds=name != "crawl hub")
        return chance

    def _bounded(self, name: str, more: int, errors: int, met: int) -> None:
        """Each fault costs a request or a few: what is asked again after an error, and pages that were not saved."""
        pages = len(self._chance.world) // _PAGE + 1  # an update reads on where the clock was wrong
        self.tally.worst = max(self.tally.worst, more / max(met, 1))
        if more > 2 * met + _AGAIN * errors + 2 * pages:
            self.tally.failures.append(f"{name}: {more:,} requests more for {met} faults and {errors} errors")

    def _persist(self, name: str, command: Command, engine: Engine) -> tuple[int, int]:
        """Crawl, and resume after each error; once more where some models could not be told about. How often each."""
        errors = again = 0
        for _ in range(_MOST_RUNS):
            with reading(engine) as connection:
                broke_off = last_broken_off(connection) is not None
            begun = len(self.hub.requests)
            try:
                done = self._crawl(resume if broke_off else command, engine)
            except RegistryError as error:
                errors += 1
                if "\n" in str(error) or TOKEN in str(error):
                    self.tally.failures.append(f"{name}: not an error line: {str(error)!r}")
                continue
            except Exception as error:
                self.tally.failures.append(f"{name}: {''.join(traceback.format_exception_only(error)).strip()}")
                errors += 1
                continue
            self._check_summary(name, done, self.hub.requests[begun:])
            if not done.unclear:
                return errors, again
            again += 1
        self.tally.failures.append(f"{name}: does not end")
        return errors, again

    def _check_summary(self, name: str, done: Crawled, asked: Sequence[Seen]) -> None:
        """A crawl that ended well says how many requests it took, and how many of them were in vain: those that met
        what keeps an answer from coming, and others whose connection went with that of one of these, perhaps before
        they reached the Hub."""
        met = sum(seen.met is not None and seen.met.kind in IN_VAIN for seen in asked)
        told = sum(done.in_vain.values())
        lost = sum(count for problem, count in done.in_vain.items() if problem.startswith("cannot be reached"))
        if not 0 <= done.requests - len(asked) <= lost or told < met:
            said = f"told of {done.requests} requests, {told} of them in vain"
            self.tally.failures.append(f"{name}: {said}: there were {len(asked)}, and at least {met}")

    def _crawl(self, command: Command, engine: Engine) -> Crawled:
        with Hub(self.hub.url, token=TOKEN) as hub:
            return command(engine, hub, silent)

    def _compare(self, name: str, whole: Engine, tried: Engine) -> None:
        with reading(whole) as there, reading(tried) as here:
            problems = check(here)
            if digest(here) != digest(there):
                problems.append("the digest is another than after an undisturbed crawl")
        self.tally.failures += [f"{name} (seed {self.course.seed}): {problem}" for problem in problems]

    @contextmanager
    def _registry(self) -> Iterator[Engine]:
        self._number += 1
        path = self._empty.with_name(f"{self.course.seed}-{self._number}.db")
        shutil.copyfile(self._empty, path)
        engine = open_registry(str(path))
        yield engine
        engine.dispose()


@contextmanager
def _threads_that_fail() -> Iterator[list[str]]:
    """What would be a traceback of a thread."""
    lost: list[str] = []
    before, threading.excepthook = threading.excepthook, lambda told: lost.append(f"a thread died: {told.exc_value!r}")
    try:
        yield lost
    finally:
        threading.excepthook = before


_TEXT = """{courses} worlds of {models} models on pages of {page} (seeds {seeds}), each swept, updated, reconciled and
walked twice: for a registry that nothing disturbs, and for one whose every second request meets a fault, until each
crawl met its share.
{total:,} faults were injected:

{kinds}

A crawl that ended with its one line was resumed, and one that could not tell about some models run once more:

{crawls}

A fault cost {worst:.1f} requests beyond the undisturbed crawl's at most, taken over a crawl. What is promised, and was
compared by digest of the whole content:

- Where pages held what the Hub holds, the registry is that of an undisturbed crawl at once.
- Where rows were left out, or models changed between pages (every second world), it is so after the next undisturbed
  `crawl reconcile`; after a walk whose pages left rows out, after the same walk undisturbed. Until then, the registry
  holds what was seen. Nothing changes under a walk here: a model that a walk was led to once stays in the registry,
  though its card names another base by now, until `crawl update` meets it.

A crawl that ended well told how many requests it took, those that never reached the Hub too, and how many of them were
in vain and why: no fewer than had met what keeps an answer from coming. The token went to the Hub alone. A second host
was named by `Link` headers and redirects, and got no request at all.
"""


def _told(tally: Tally, courses: Sequence[Course]) -> str:
    columns = ("crawl", "crawls", "faults", "requests undisturbed", "requests", "errors, then resumed", "run again")
    return _TEXT.format(
        courses=len(courses),
        models=" or ".join(sorted({f"{course.models:,}" for course in courses})),
        page=_PAGE,
        seeds=", ".join(str(course.seed) for course in courses),
        total=tally.faults.total(),
        kinds=table(("fault", "injected"), sorted(tally.faults.items())),
        crawls=table(columns, [(name, *counts) for name, counts in tally.crawls.items()]),
        worst=tally.worst,
    ).strip()
