"""Read models, families and defects. Values are plain and frozen; keys stay inside the packages."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    exists,
    func,
    or_,
    select,
)

from registry.families import EVIDENCE, RELATIONS, reach, within
from registry.records import State
from registry.tables import DEFECTS, DERIVATIONS, MODELS, NAMES, PAST, RUNS, SIGHTS, listed, one_of


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What the registry knows of a model. None means that no source said; units as in `registry.records`."""

    id: str
    state: str
    hub_id: str | None
    author: str | None
    created_at: str | None
    last_modified: str | None
    sha: str | None
    downloads: int | None
    likes: int | None
    pipeline_tag: str | None
    library_name: str | None
    gated: str | None
    private: bool | None
    disabled: bool | None
    licenses: tuple[str, ...] | None
    license_name: str | None
    license_link: str | None
    new_version: str | None
    datasets: tuple[str, ...] | None
    tools: tuple[str, ...] | None
    source: str | None
    first_seen: str | None
    last_seen: str | None


class Labelled(NamedTuple):
    """The licence labels of a card, and the first and the last sight of them: ISO 8601, None without a date."""

    since: str | None
    until: str | None
    licenses: tuple[str, ...] | None
    license_name: str | None
    license_link: str | None


class Brief(NamedTuple):
    """The few facts that lists and trees show of a model."""

    key: int
    id: str
    state: str
    author: str | None
    licenses: tuple[str, ...] | None
    license_name: str | None
    downloads: int | None
    created_at: str | None
    license_link: str | None
    tools: tuple[str, ...] | None
    past: tuple[Labelled, ...] = ()
    """The labels that it had before, where any was another one; told by `walk` upwards, else none."""


class Said(NamedTuple):
    """What a card says of its model's licence, and the model's state. Millions of models say a few thousand things."""

    licenses: tuple[str, ...] | None
    license_name: str | None
    license_link: str | None
    state: str


class Step(NamedTuple):
    """One edge: `child` was made from `parent` (keys), and what that rests on."""

    child: int
    parent: int
    position: int
    relation: str
    evidence: str
    declared: str


@dataclass(frozen=True, slots=True)
class DefectFacts:
    """A piece of metadata that was refused or repaired; `model` is None where the row was no model at all."""

    model: str | None
    kind: str
    field: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Totals:
    """What the registry holds: models by state, edges by evidence, defects by kind, names; the newest sight."""

    models: dict[str, int]
    edges: dict[str, int]
    defects: dict[str, int]
    names: int
    data_date: str | None


@dataclass(frozen=True, slots=True)
class RunFacts:
    """One import or crawl; `finished_at` is None where it did not end."""

    command: str
    source: str
    seen: str
    started_at: str
    finished_at: str | None
    models: int
    new: int
    changed: int


#: The columns of `Brief`.
BRIEF = tuple(MODELS.c[name] for name in ("key", "repo_id", *Brief._fields[2:-1]))
_STEP = (
    DERIVATIONS.c.child_key,
    DERIVATIONS.c.parent_key,
    DERIVATIONS.c.position,
    DERIVATIONS.c.relation,
    EVIDENCE,
    DERIVATIONS.c.name,
)


@lru_cache(maxsize=4096)
def labels(stored: str | None) -> tuple[str, ...] | None:
    """A list of labels as the tables hold it."""
    return None if stored is None else tuple(json.loads(stored))


def model_facts(connection: Connection, key: int) -> ModelFacts:
    """All facts of one model."""
    return facts_of(connection, [key])[key]


def facts_of(connection: Connection, keys: Iterable[int]) -> dict[int, ModelFacts]:
    """All facts of some models, by key."""
    dialect = connection.dialect.name
    names = [f.name for f in fields(ModelFacts)]
    found = {}
    for held in connection.execute(_all_facts(dialect), listed(dialect, keys)).mappings():
        row = {**held, "id": held["repo_id"]}
        for name in ("licenses", "datasets", "tools"):
            row[name] = labels(row[name])
        found[row["key"]] = ModelFacts(**{name: row[name] for name in names})
    return found


@cache
def _all_facts(dialect: str) -> Select[Any]:
    seen = [column for column in SIGHTS.c if column.name != "model_key"]
    joined = MODELS.outerjoin(SIGHTS, SIGHTS.c.model_key == MODELS.c.key)
    return select(MODELS, *seen).select_from(joined).where(one_of(dialect, MODELS.c.key))


def other_names(connection: Connection, key: int) -> dict[str, str]:
    """The other names of a model, each with how it is known: hub-id, hub-tag, legacy or case."""
    rows = select(NAMES.c.name, NAMES.c.evidence).where(NAMES.c.model_key == key).order_by(NAMES.c.name)
    return {row[0]: row[1] for row in connection.execute(rows)}


def briefs(connection: Connection, keys: Iterable[int]) -> dict[int, Brief]:
    """The short facts of some models."""
    wanted, dialect = list(keys), connection.dialect.name
    return briefs_of(connection, _of_models(dialect)[0], listed(dialect, wanted)) if wanted else {}


def walk(
    connection: Connection,
    roots: Sequence[int],
    *,
    up: bool,
    depth: int | None = None,
    relations: Sequence[str] | None = None,
) -> tuple[list[Step], dict[int, Brief]]:
    """The edges that lead from `roots` up to ancestors or down to descendants, and the models on them.

    `depth` bounds the number of steps, `relations` the edges that are followed. Cycles end by themselves.
    """
    dialect = connection.dialect.name
    steps, reached = _walk_statements(dialect, up=up, bounded=depth is not None, related=bool(relations))
    values = listed(dialect, roots) | {"depth": depth, "relations": list(relations or ())}
    found = briefs_of(connection, reached, values)
    for key, past in _past_labels(connection, found).items() if up else ():
        found[key] = found[key]._replace(past=past)
    return [Step(*row) for row in connection.execute(steps, values)], found


def _past_labels(connection: Connection, now: Mapping[int, Brief]) -> dict[int, tuple[Labelled, ...]]:
    """The labels that models had before, where any is another one than today's; oldest first, those alike as one."""
    found: dict[int, list[Labelled]] = {}
    dialect = connection.dialect.name
    for key, since, until, *label in connection.execute(_past(dialect), listed(dialect, now)):
        one, known = Labelled(since, until, labels(label[0]), *label[1:]), found.setdefault(key, [])
        if known and known[-1][2:] == one[2:]:
            known[-1] = known[-1]._replace(until=until)
        else:
            known.append(one)
    today = {key: (now[key].licenses, now[key].license_name, now[key].license_link) for key in found}
    return {key: tuple(known) for key, known in found.items() if any(one[2:] != today[key] for one in known)}


@cache
def _past(dialect: str) -> Select[Any]:
    p = PAST.c
    rows = select(p.model_key, p.since, p.until, p.licenses, p.license_name, p.license_link)
    return rows.where(one_of(dialect, p.model_key), p.silent.is_(False)).order_by(
        p.model_key, func.coalesce(p.since, "")
    )


@cache
def _walk_statements(dialect: str, *, up: bool, bounded: bool, related: bool) -> tuple[Select[Any], Select[Any]]:
    """The edges and the models that `walk` asks for; building a statement takes longer than a short answer to it."""
    cte = reach(dialect, up=up, bounded=bounded, related=related)
    d = DERIVATIONS.c
    here, there = (d.child_key, d.parent_key) if up else (d.parent_key, d.child_key)
    steps = select(*_STEP).where(here.in_(within(cte, bounded=bounded)), there.is_not(None))
    if related:
        steps = steps.where(d.relation.in_(RELATIONS))
    return steps, select(*BRIEF).where(MODELS.c.key.in_(select(cte.c.key)))


def steps_of(connection: Connection, children: Iterable[int]) -> list[Step]:
    """The edges from some models to their parents."""
    dialect = connection.dialect.name
    return [Step(*row) for row in connection.execute(_of_models(dialect)[1], listed(dialect, children))]


@cache
def _of_models(dialect: str) -> tuple[Select[Any], Select[Any]]:
    """The statements of `briefs` and `steps_of`: building one takes longer than a short answer to it."""
    d = DERIVATIONS.c
    steps = select(*_STEP).where(one_of(dialect, d.child_key), d.parent_key.is_not(None))
    return select(*BRIEF).where(one_of(dialect, MODELS.c.key)), steps


def declared_parents(connection: Connection, key: int) -> list[Step]:
    """A model's parents in the order it declares them."""
    d = DERIVATIONS.c
    rows = select(*_STEP).where(d.child_key == key, d.parent_key.is_not(None)).order_by(d.position)
    return [Step(*row) for row in connection.execute(rows)]


def children_by_relation(connection: Connection, key: int) -> dict[str, int]:
    """How many models were made directly from this one, by relation."""
    d = DERIVATIONS.c
    rows = select(d.relation, func.count(d.child_key.distinct())).where(d.parent_key == key)
    return _counts(connection, rows.group_by(d.relation))


def find_defects(
    connection: Connection, *, kinds: Sequence[str] = (), model: int | None = None, limit: int | None = None
) -> tuple[list[DefectFacts], int]:
    """Defects, by kind and model, and how many there are in all."""
    f = DEFECTS.c
    tests: list[ColumnElement[bool]] = []
    if kinds:
        tests.append(f.kind.in_(kinds))
    if model is not None:
        tests.append(f.model_key == model)
    total = connection.scalar(select(func.count()).select_from(DEFECTS).where(*tests)) or 0
    joined = DEFECTS.outerjoin(MODELS, MODELS.c.key == f.model_key)
    rows = select(MODELS.c.repo_id, f.kind, f.field, f.value, f.reason).select_from(joined).where(*tests)
    rows = rows.order_by(f.kind, MODELS.c.repo_id, f.field, f.value).limit(limit)
    return [DefectFacts(*row) for row in connection.execute(rows)], total


def totals(connection: Connection) -> Totals:
    """What the registry holds."""
    edges = select(EVIDENCE, func.count()).where(DERIVATIONS.c.parent_key.is_not(None)).group_by(EVIDENCE)
    return Totals(
        models=_counts(connection, select(MODELS.c.state, func.count()).group_by(MODELS.c.state)),
        edges=_counts(connection, edges),
        defects=_counts(connection, select(DEFECTS.c.kind, func.count()).group_by(DEFECTS.c.kind)),
        names=connection.scalar(select(func.count()).select_from(NAMES)) or 0,
        data_date=data_date(connection),
    )


def data_date(connection: Connection) -> str | None:
    """The date of the newest data: of the latest dump or crawl, not of its import."""
    latest: str | None = connection.scalar(select(func.max(RUNS.c.seen)).where(RUNS.c.models > 0))
    return latest


def last_runs(connection: Connection, limit: int = 5) -> list[RunFacts]:
    """The latest imports and crawls, newest first."""
    columns = [RUNS.c[field.name] for field in fields(RunFacts)]
    data = select(*columns).where(RUNS.c.command != "watch").order_by(RUNS.c.key.desc()).limit(limit)
    return [RunFacts(*row) for row in connection.execute(data)]


def unneeded_placeholder() -> ColumnElement[bool]:
    """Whether a row of models is a placeholder that no declaration and no name needs."""
    m, d = MODELS.c, DERIVATIONS.c
    needed = or_(
        exists().where(d.parent_key == m.key),
        exists().where(d.child_key == m.key),
        exists().where(NAMES.c.model_key == m.key),
    )
    return and_(m.state == State.PLACEHOLDER, ~needed)


def _counts(connection: Connection, statement: Select[Any, int]) -> dict[str, int]:
    return dict(sorted((row[0], row[1]) for row in connection.execute(statement)))


def briefs_of(
    connection: Connection, statement: Select[Any], values: Mapping[str, Any] | None = None
) -> dict[int, Brief]:
    """The models of a statement that selects BRIEF, in its order."""
    return {row[0]: brief_of(row) for row in connection.execute(statement, values)}


def brief_of(row: Sequence[Any]) -> Brief:
    """The short facts of a model, from the columns of BRIEF."""
    key, id, state, author, licenses, license_name, downloads, created_at, license_link, tools = row
    return Brief(
        key, id, state, author, labels(licenses), license_name, downloads, created_at, license_link, labels(tools)
    )
