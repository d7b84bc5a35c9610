"""What models and all that they were made from are now, to be kept in a file; and what has moved since."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

from sqlalchemy import Engine

from lineage.claims import Claims
from lineage.licenses.catalogue import catalogue
from lineage.policy import Policy
from lineage.verdicts import Verdicts
from registry.bulk import gathered
from registry.database import reading
from registry.names import UnknownModel, find_model
from registry.read import data_date, facts_of, walk
from registry.records import RegistryError

#: The file that a lock is kept in unless another is named, and the most bytes that are read of one.
LOCK_FILE, _LONGEST = "lineage.lock", 100_000_000


@dataclass(frozen=True, slots=True)
class Locked:
    """A model as it was: its commit (None where no source told it), its state, its label, the verdict on that, and its
    parents as `relation of id`, in the order in which it declares them."""

    id: str
    sha: str | None
    state: str
    license: str
    verdict: str
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lock:
    """Models (`asked`) and all that they were made from, by id."""

    SCHEMA: ClassVar[str] = "finetune-lineage/lock/1"

    asked: tuple[str, ...]
    models: tuple[Locked, ...]
    data_date: str | None
    catalogue: str


@dataclass(frozen=True, slots=True)
class Move:
    """A difference between a lock and the registry: `field` is one of Locked, or `model` where one is new above what
    was asked, or no longer there."""

    model: str
    field: str
    locked: str | None
    now: str | None


@dataclass(frozen=True, slots=True)
class Moves:
    """What has moved since a lock was written, whose data was of `locked_date`. Of `unpinned` of its models no commit
    is known, so that a change of their files is not seen."""

    SCHEMA: ClassVar[str] = "finetune-lineage/moves/1"

    asked: tuple[str, ...]
    moves: tuple[Move, ...]
    unpinned: int
    locked_date: str | None
    data_date: str | None


def lock(engine: Engine, names: Sequence[str]) -> Lock:
    """Look at models and their ancestry; UnknownModel for a name that means none."""
    with reading(engine) as connection:
        asked = {(found := find_model(connection, name)).key: found.revision for name in names}
        steps, briefs = walk(connection, list(asked), up=True)
        shas = {key: facts.sha for key, facts in facts_of(connection, briefs).items()}
        date = data_date(connection)
    for key, revision in asked.items():
        if revision is not None and not (shas[key] or "").startswith(revision.lower()):
            held = shas[key] or "a commit that nobody told"
            raise RegistryError(f"{briefs[key].id} is at {held} here, not at {revision}: lock it without one")
    parents: dict[int, list[str]] = {key: [] for key in briefs}
    for step in sorted(steps, key=lambda step: (step.child, step.position)):
        parents[step.child].append(f"{step.relation} of {briefs[step.parent].id}")
    columns = gathered(steps, briefs)
    verdicts = Verdicts(columns, Claims(columns))
    words = [Policy().overall(case.judgements)[1].word for case in verdicts.cases]
    models = []
    for place, key in enumerate(columns.keys.tolist()):
        label, verdict, brief = verdicts.claims.of(place).text, words[verdicts.case.item(place)], briefs[key]
        models.append(Locked(brief.id, shas[key], brief.state, label, verdict, tuple(parents[key])))
    models.sort(key=lambda one: one.id)
    return Lock(tuple(briefs[key].id for key in asked), tuple(models), date, catalogue().version)


def verify(engine: Engine, held: Lock) -> Moves:
    """Compare a lock with what is known now."""
    known, lost = [], []
    for name in held.asked:
        try:
            with reading(engine) as connection:
                find_model(connection, name)
            known.append(name)
        except UnknownModel:
            lost.append(Move(name, "model", "locked", None))
    now = lock(engine, known) if known else Lock((), (), None, catalogue().version)
    moves = (*lost, *_moves(held, now, {move.model for move in lost}))
    return Moves(held.asked, moves, sum(one.sha is None for one in held.models), held.data_date, now.data_date)


def _moves(held: Lock, now: Lock, lost: set[str]) -> Iterator[Move]:
    before, after = ({one.id: one for one in side.models} for side in (held, now))
    for id in sorted(before.keys() | after.keys()):
        old, new = before.get(id), after.get(id)
        if old is None or new is None:
            if id not in lost:
                yield Move(id, "model", "locked" if old else None, "made from it now" if new else None)
            continue
        for field in ("sha", "state", "license", "verdict", "parents"):
            was, is_now = _word(getattr(old, field)), _word(getattr(new, field))
            if was != is_now:
                yield Move(id, field, was, is_now)


def _word(value: str | tuple[str, ...] | None) -> str | None:
    return ", ".join(value) or "none" if isinstance(value, tuple) else value


def read_lock(file: Path) -> Lock:
    """The lock in a file. Raises RegistryError where it cannot be read, or is none."""
    hint = "write one with `lineage lock MODEL -o lineage.lock`"
    try:
        with file.open("rb") as opened:
            data = opened.read(_LONGEST + 1)
    except OSError as error:
        raise RegistryError(f"cannot read {file} ({error.strerror}): {hint}") from error
    if len(data) > _LONGEST:
        raise RegistryError(f"{file} is larger than {_LONGEST:,} bytes, and no lock: {hint}")
    try:
        said = json.loads(data)
        schema = said["schema"]
        if schema == Lock.SCHEMA:
            date = None if said["data_date"] is None else _text(said["data_date"])
            models = tuple(_locked(one) for one in said["models"])
            if not (models and said["asked"]):
                raise ValueError("it holds no model")
            return Lock(tuple(map(_text, said["asked"])), models, date, _text(said["catalogue"]))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise RegistryError(f"{file} is no lock: {hint}") from error
    raise RegistryError(f"{file} is a lock of another version of finetune-lineage ({str(schema)[:80]}): {hint}")


def _locked(said: dict[str, Any]) -> Locked:
    parents = tuple(map(_text, said["parents"]))
    sha = None if said["sha"] is None else _text(said["sha"])
    texts = [_text(said[field.name]) for field in fields(Locked) if field.name not in {"sha", "parents"}]
    id, state, license, verdict = texts
    return Locked(id, sha, state, license, verdict, parents)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value
