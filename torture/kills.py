"""Commands that are killed, `kill -9`, at moments all over the time that they take; then run again, or resumed."""

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from sqlalchemy import Engine, update

from benchmarks.generator import write
from registry.database import open_registry, reading
from registry.records import RegistryError, State
from registry.runs import last_broken_off
from registry.tables import MODELS
from registry.transfer import check, digest
from tests.crawler.crawls import small_world
from tests.fakehub.server import FakeHub
from tests.lineage.calls import lineage
from torture.child import Child
from torture.parts import Part, table
from torture.places import Places, both, older_registry

#: What a check says of a run that was killed; it is no damage, and goes with the next run.
_UNFINISHED = "imports or crawls that did not end"
_SEED = 1
_CARD = "---\nlicense: mit\nbase_model: {parent}\n---\n# Ours\n"
Arguments = Callable[[str], list[str]]


@dataclass(frozen=True)
class Work:
    """A command: its name, the registry that it begins with (None: none is there yet), and its arguments for one."""

    name: str
    before: str | None
    arguments: Arguments


@dataclass
class Outcome:
    """Where kills hit: after the command had ended, or before, with nothing, a part, or all of it in the registry."""

    seconds: float = 0.0
    hits: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def kills(brief: bool) -> Part:
    """Kills: 8 of each command on each database (112); if `brief`, one each in registries of an eighth of the size."""
    return run(models=1_000, times=1) if brief else run(models=8_000, times=8)


def run(models: int, times: int, only: Sequence[str] = ()) -> Part:
    """Kill each of the commands (of `only` these names, if any) so often, in registries of so many models."""
    rows: list[tuple[object, ...]] = []
    failures: list[str] = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        # PostgreSQL runs as another user than root.
        Path(folder).chmod(0o755)
        with FakeHub(small_world(models)) as hub, both(Path(folder)) as databases:
            hub.hub.largest_page = 200
            for kind in ("jsonl", "parquet"):
                write(Path(folder) / f"hub.{kind}", models)
            for places in databases:
                for work in _works(places, Path(folder), hub.url, models):
                    if only and work.name not in only:
                        continue
                    done = _killed(work, places, times)
                    counts = [done.hits[where] for where in _WHERE]
                    rows.append((f"{work.name}, {places.name}", f"{done.seconds:.2f}", *counts))
                    failures += [f"{work.name}, {places.name}: {failure}" for failure in done.failures]
    columns = ("command", "seconds", *_WHERE)
    text = _TEXT.format(models=models, total=times * len(rows), seed=_SEED, table=table(columns, rows)).strip()
    return Part("Kills", text, tuple(failures))


_WHERE = ("nothing saved", "a part saved", "all saved", "ended before")
_TEXT = """{total} times a command of a process of its own was ended by `kill -9`, at moments drawn (seed {seed}) from
equal shares of the time that it takes undisturbed and a tenth more, in registries of {models:,} models. The registry
was opened again and checked; then the command was run again, or `crawl resume`, and the digest compared with that of
the undisturbed run (but for the time at which a version was registered). What the kill left:

{table}

What is one transaction (register, upgrade, copy) is there as a whole or not at all; a copy to a new file that is killed
leaves a folder `.lineage-*` beside it, which nothing reads and anybody may remove.

A power cut was not tried. SQLite is set to `synchronous=NORMAL` with a write-ahead log: SQLite waits for the disk
before a page goes from the log into the file, so that no cut can tear the file, but not after each transaction. A cut
may cost the transactions of the last moments (as a whole, latest first); a kill costs none of those that ended, as the
system holds what was written. It is so because all content can be brought in again: a crawl goes on from an earlier
page, an import is repeated. What people did (`register`, `alias`, `tag`, `note`) they would have to do again.
PostgreSQL waits for its disk at each commit, unless its own settings say otherwise.
"""


def _works(places: Places, folder: Path, hub: str, models: int) -> Iterator[Work]:
    """The commands; each registry that one begins with is made when its turn comes."""
    empty, full, old = places.none(), places.none(), places.none()
    open_registry(empty, create=True).dispose()
    yield Work("crawl", empty, lambda db: ["crawl", "hub", "-q", "--endpoint", hub, "--db", db])
    for kind in ("jsonl", "parquet"):
        file = str(folder / f"hub.{kind}")
        yield Work(f"import, {kind}", empty, lambda db, file=file: ["import", "-q", file, "--db", db])  # type: ignore[misc]
    _expect(lineage("import", "-q", str(folder / "hub.jsonl"), "--db", full).exit_code == 0)
    own = folder / f"own-{places.name}"
    own.mkdir()
    (own / "README.md").write_text(_CARD.format(parent="me/M1"))
    (own / "config.json").write_text('{"model_type": "llama"}')
    yield Work("register", full, lambda db: ["register", str(own), "--name", "team/ours", "--db", db])
    older_registry(old, models)
    yield Work("db upgrade", old, lambda db: ["db", "upgrade", "--db", db])
    yield Work("db copy", None, lambda db: ["db", "copy", full, db])


def _killed(work: Work, places: Places, times: int) -> Outcome:
    outcome, chance = Outcome(), Random(f"{_SEED} {work.name} {places.name}")

    def place() -> str:
        return places.none() if work.before is None else places.like(work.before)

    whole = place()
    outcome.seconds = Child(work.arguments(whole)).end()
    end, begin = _digest(whole), _digest(place())
    for number in range(times):
        db = place()
        moment = outcome.seconds * 1.1 * (number + chance.random()) / times
        child = Child(work.arguments(db))
        ended = child.kill(moment)
        if child.left_over():
            outcome.failures.append("a process was left behind")
        left = _digest(db)
        where = _WHERE[3] if ended else _WHERE[2] if left == end else _WHERE[0] if left == begin else _WHERE[1]
        outcome.hits[where] += 1
        said = f"killed after {moment:.2f} s"
        outcome.failures += [f"{said}: {problem}" for problem in [*_problems(db), *_again(work, db, left == end)]]
        if _digest(db) != end:
            outcome.failures.append(f"{said}, then run again: the digest is another than undisturbed")
        outcome.failures += [f"{said}, then run again: {problem}" for problem in _problems(db, whole=True)]
    return outcome


def _digest(db: str) -> str | None:
    """The digest of a registry; None where there is none of this schema."""
    with _opened(db) as engine:
        if engine is None:
            return None
        with reading(engine) as connection:
            broken = last_broken_off(connection) is not None
            # A version says when it was registered, which is another time when that is done again.
            connection.execute(update(MODELS).where(MODELS.c.state == State.REGISTERED).values(created_at=None))
            return f"{digest(connection)}{' unfinished' if broken else ''}"


def _problems(db: str, *, whole: bool = False) -> list[str]:
    """What a check finds; but for a run that did not end, unless all should be `whole`."""
    with _opened(db) as engine:
        if engine is None:
            return []
        with reading(engine) as connection:
            return [problem for problem in check(connection) if whole or _UNFINISHED not in problem]


def _again(work: Work, db: str, all_saved: bool) -> Iterator[str]:
    """Resume, or run the command again; what is wrong with that."""
    if work.name == "db copy" and all_saved:
        return  # it would be told that there is a registry already
    with _opened(db) as engine:
        broken = False
        if engine is not None:
            with reading(engine) as connection:
                broken = last_broken_off(connection) is not None
    arguments = work.arguments(db)
    if work.name == "crawl" and broken:
        arguments = ["crawl", "resume", *arguments[2:]]
    done = lineage(*arguments)
    if done.exit_code != 0:
        yield f"run again, it says {done.stderr.strip()!r}"


@contextmanager
def _opened(db: str) -> Iterator[Engine | None]:
    try:
        engine = open_registry(db)
    except RegistryError:
        yield None
        return
    yield engine
    engine.dispose()


def _expect(it_is: bool) -> None:
    if not it_is:
        raise RuntimeError("what is to be mistreated could not be made")
