"""Imports and crawls: what each did, and where one that broke off goes on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, exists, func, insert, or_, select, update

from registry.records import iso_time
from registry.tables import RUNS, TASKS
from registry.write import Saved


@dataclass(frozen=True, slots=True)
class Position:
    """A run and where it stands: the stage, the URL of its next page (None: its first), the URL of the last page by
    creation, the time until which all changes are in the registry, and how many models it saved."""

    key: int
    command: str
    source: str
    seen: str
    stage: str | None
    cursor: str | None
    tail: str | None
    watermark: str | None
    models: int


@dataclass(slots=True)
class Asking:
    """Something that a walk asks the Hub: `kind` and `name` say what, `cursor` is the URL of the next page of it."""

    kind: str
    name: str
    cursor: str | None = None
    done: bool = False


_POSITION = [RUNS.c[field.name] for field in fields(Position)]


def now() -> str:
    """The time as the registry writes it."""
    return iso_time(datetime.now(UTC))


def crawl_time(connection: Connection) -> str:
    """The time for what a new crawl sees: the next second, and later than all that earlier crawls saw."""
    latest = connection.scalar(select(func.max(RUNS.c.seen)).where(RUNS.c.command.startswith("crawl "))) or ""
    return iso_time(datetime.fromisoformat(max(latest, now())) + timedelta(seconds=1))


def begin_run(connection: Connection, command: str, source: str, seen: str, **position: str | None) -> int:
    """Note a run that has something to save, and return its key; one that is never finished was broken off."""
    values = {"command": command, "source": source, "seen": seen, "started_at": now(), **position, **asdict(Saved())}
    key: int = connection.execute(insert(RUNS).values(values).returning(RUNS.c.key)).scalar_one()
    return key


def save_position(connection: Connection, run: int, saved: Saved, **position: str | None) -> None:
    """Count what a page did, and note where to go on; together with the page, in one transaction."""
    counts: dict[str, Any] = {name: RUNS.c[name] + count for name, count in asdict(saved).items()}
    connection.execute(update(RUNS).where(RUNS.c.key == run).values(**counts, **position))


def end_run(connection: Connection, run: int) -> None:
    """Note that a run is finished."""
    connection.execute(delete(TASKS).where(TASKS.c.run_key == run))
    connection.execute(update(RUNS).where(RUNS.c.key == run).values(finished_at=now(), stage=None, cursor=None))


def add_tasks(connection: Connection, run: int, tasks: Sequence[Asking]) -> None:
    """Note what a walk has found to ask."""
    if tasks:
        connection.execute(insert(TASKS), [{"run_key": run, **asdict(task)} for task in tasks])


def save_tasks(connection: Connection, run: int, tasks: Sequence[Asking]) -> None:
    """Note how far tasks have come."""
    t = TASKS.c
    statement = update(TASKS).where(t.run_key == run, t.kind == bindparam("k"), t.name == bindparam("n"))
    values = [{"k": task.kind, "n": task.name, "c": task.cursor, "d": task.done} for task in tasks]
    connection.execute(statement.values(cursor=bindparam("c"), done=bindparam("d")), values)


def tasks_of(connection: Connection, run: int) -> list[Asking]:
    """All that a walk has asked, or has still to ask."""
    t = TASKS.c
    rows = connection.execute(select(t.kind, t.name, t.cursor, t.done).where(t.run_key == run).order_by(t.kind, t.name))
    return [Asking(*row) for row in rows]


def last_complete(connection: Connection, source: str | None = None) -> Position | None:
    """The latest finished crawl of all of `source` (of anything, if None), from which an update can go on."""
    complete = (RUNS.c.finished_at.is_not(None), RUNS.c.watermark.is_not(None), RUNS.c.tail.is_not(None))
    return _latest(connection, *complete, *([] if source is None else [RUNS.c.source == source]))


def note_watch(connection: Connection, followed: str, seen: str) -> None:
    """Note that what was `followed` has been told of up to the time `seen`."""
    connection.execute(delete(RUNS).where(*_watch_of(followed)))
    end_run(connection, begin_run(connection, "watch", followed, seen))


def last_watched(connection: Connection, followed: str) -> str | None:
    """Up to which time what is `followed` was told of; None where it never was."""
    told: str | None = connection.scalar(select(RUNS.c.seen).where(*_watch_of(followed)))
    return told


def _watch_of(followed: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return RUNS.c.command == "watch", RUNS.c.source == followed


def last_broken_off(connection: Connection, source: str | None = None) -> Position | None:
    """The latest crawl (of `source`, if given) that broke off, and that no later one makes needless."""
    tests = [RUNS.c.command.startswith("crawl "), broken_off()]
    return _latest(connection, *tests, *([] if source is None else [RUNS.c.source == source]))


def broken_off() -> ColumnElement[bool]:
    """Whether a row of runs broke off, and no later run of its source that was finished did as much.

    The same command does, but for a walk, whose roots may be others; and a whole crawl does what any but a
    reconciliation does.
    """
    later = RUNS.alias("later")
    same = and_(later.c.command == RUNS.c.command, RUNS.c.command != "crawl family")
    whole = and_(later.c.command.in_(("crawl hub", "crawl reconcile")), RUNS.c.command.startswith("crawl "))
    does_as_much = or_(same, and_(whole, RUNS.c.command != "crawl reconcile"))
    finished = (later.c.source == RUNS.c.source, later.c.key > RUNS.c.key, later.c.finished_at.is_not(None))
    return and_(RUNS.c.finished_at.is_(None), ~exists().where(*finished, does_as_much))


def _latest(connection: Connection, *tests: ColumnElement[bool]) -> Position | None:
    row = connection.execute(select(*_POSITION).where(*tests).order_by(RUNS.c.key.desc()).limit(1)).one_or_none()
    return None if row is None else Position(*row)
