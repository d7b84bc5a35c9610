"""Commands that change a registry, to be disturbed at it; and what is to be asked of the registry afterwards."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

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
from torture.places import Places, older_registry

#: What a check says of a run that was killed; it is no damage, and goes with the next run.
_UNFINISHED = "imports or crawls that did not end"
_CARD = "---\nlicense: mit\nbase_model: {parent}\n---\n# Ours\n"
Arguments = Callable[[str], list[str]]


@dataclass(frozen=True)
class Work:
    """A command: its name, the registry that it begins with (None: none is there yet), and its arguments for one."""

    name: str
    before: str | None
    arguments: Arguments

    def placed(self, places: Places) -> str:
        """A registry for it to begin with."""
        return places.none() if self.before is None else places.like(self.before)


@contextmanager
def hub(models: int) -> Iterator[FakeHub]:
    """A Hub of so many models, on pages of which a crawl has to ask for several."""
    with FakeHub(small_world(models)) as running:
        running.hub.largest_page = 200
        yield running


def works(places: Places, folder: Path, endpoint: str, models: int) -> Iterator[Work]:
    """The commands; each registry that one begins with is made when its turn comes, and dumps in the folder."""
    empty, full, old = places.none(), places.none(), places.none()
    open_registry(empty, create=True).dispose()
    yield Work("crawl", empty, lambda db: ["crawl", "hub", "-q", "--endpoint", endpoint, "--db", db])
    for kind in ("jsonl", "parquet"):
        file = str(folder / f"hub.{kind}")
        if not Path(file).exists():
            write(Path(file), models)
        yield Work(f"import, {kind}", empty, lambda db, file=file: ["import", "-q", file, "--db", db])  # type: ignore[misc]
    _expect(lineage("import", "-q", str(folder / "hub.jsonl"), "--db", full).exit_code == 0)
    own = folder / f"own-{places.name}"
    own.mkdir(exist_ok=True)
    (own / "README.md").write_text(_CARD.format(parent="me/M1"))
    (own / "config.json").write_text('{"model_type": "llama"}')
    yield Work("register", full, lambda db: ["register", str(own), "--name", "team/ours", "--db", db])
    older_registry(old, models)
    yield Work("db upgrade", old, lambda db: ["db", "upgrade", "--db", db])
    yield Work("db copy", None, lambda db: ["db", "copy", full, db])


def digest_of(db: str, *, timeless: bool = True) -> str | None:
    """The digest of a registry, if `timeless` but for when versions were registered, which is another time when that is
    done again; None where there is none of this schema."""
    with opened(db) as engine:
        if engine is None:
            return None
        with reading(engine) as connection:
            broken = last_broken_off(connection) is not None
            if timeless:
                connection.execute(update(MODELS).where(MODELS.c.state == State.REGISTERED).values(created_at=None))
            return f"{digest(connection)}{' unfinished' if broken else ''}"


def recovered(work: Work, db: str, end: str | None) -> Iterator[str]:
    """Check what a disturbed command left, then resume or run it again; what is wrong with that, where all should come
    to the digest `end`."""
    yield from _problems(db)
    all_saved = digest_of(db) == end
    if not (work.name == "db copy" and all_saved):  # which would be told that there is a registry already
        arguments = work.arguments(db)
        if work.name == "crawl" and _broken_off(db):
            arguments = ["crawl", "resume", *arguments[2:]]
        done = lineage(*arguments)
        if done.exit_code != 0:
            yield f"run again, it says {done.stderr.strip()!r}"
    if digest_of(db) != end:
        yield "run again, the digest is another than undisturbed"
    yield from (f"run again, {problem}" for problem in _problems(db, whole=True))


def _problems(db: str, *, whole: bool = False) -> list[str]:
    """What a check finds; but for a run that did not end, unless all should be `whole`."""
    with opened(db) as engine:
        if engine is None:
            return []
        with reading(engine) as connection:
            return [problem for problem in check(connection) if whole or _UNFINISHED not in problem]


def _broken_off(db: str) -> bool:
    with opened(db) as engine:
        if engine is None:
            return False
        with reading(engine) as connection:
            return last_broken_off(connection) is not None


@contextmanager
def opened(db: str) -> Iterator[Engine | None]:
    """A registry; None where there is none of this schema."""
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
