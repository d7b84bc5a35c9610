"""What a model was seen as, and when: runs of sights that said the same of what is followed.

Followed are a model's name, whether it is there, its gating, its licence labels and its parents. A run is known by its
first and its last sight; what happened between two runs happened between the last sight of one and the first of the
next. What a sight does not say is taken to be as in the run that it falls into, and stays so when a dump of before is
imported later. The run that holds now stands in the model's own rows (`models`, `derivations`, `sights`), those before
in `past`.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, or_, select

from registry.insert import insert_rows
from registry.records import Defect, Parent, Relation, State
from registry.tables import DEFECTS, DERIVATIONS, MODELS, PAST, SIGHTS, among


class Span(NamedTuple):
    """A run of sights, the values as the tables hold them. Without a date, `since` and `until` are None."""

    since: str | None
    until: str | None
    name: str
    state: str
    gated: str | None
    disabled: bool | None
    licenses: str | None
    license_name: str | None
    license_link: str | None
    parents: tuple[Parent, ...]

    @property
    def values(self) -> tuple[Any, ...]:
        """What was seen."""
        return self[2:]


#: The kind of the defect that a model names itself, and the origin that such a parent has in a run.
SELF, ITSELF = "self-reference", "itself"
#: The facts of a model's row that are followed, in the order in which a `Span` has them.
FOLLOWED = Span._fields[3:-1]
_COLUMNS = ("model_key", *Span._fields)


def span_of(row: dict[str, Any], parents: tuple[Parent, ...], name: str | None = None) -> Span:
    """The run that holds now, from a model's row and its parents; `name` is what the model was called, if that is not
    the row's name."""
    when = row["since"] or row["first_seen"], row["last_seen"]
    return Span._make((*when, name or row["repo_id"], *(row[fact] for fact in FOLLOWED), parents))


def past_spans(connection: Connection, parents: dict[int, tuple[Parent, ...]]) -> dict[int, list[Span]]:
    """The runs of some models (keys) before the one that holds now, oldest first; `parents` are those of today."""
    p = PAST.c
    rows = select(*(p[column] for column in _COLUMNS)).where(among(connection, p.model_key, parents))
    found: dict[int, list[Span]] = {key: [] for key in parents}
    for key, *values in connection.execute(rows):
        found[key].append(Span(*values))
    for key, spans in found.items():
        spans.sort(key=_time)
        after = parents[key]
        for at in reversed(range(len(spans))):
            stored: Any = spans[at].parents
            after = after if stored is None else tuple(Parent(*one) for one in json.loads(stored))
            spans[at] = spans[at]._replace(parents=after)
    return found


def spans_now(connection: Connection, keys: Collection[int]) -> dict[int, Span]:
    """The run that holds now of those of some models (keys) that were ever seen."""
    columns = [MODELS.c[name] for name in ("key", "repo_id", *FOLLOWED)]
    seen = (SIGHTS.c.since, SIGHTS.c.first_seen, SIGHTS.c.last_seen)
    joined = select(*columns, *seen).join_from(MODELS, SIGHTS, SIGHTS.c.model_key == MODELS.c.key)
    known = joined.where(among(connection, MODELS.c.key, keys), MODELS.c.state != State.PLACEHOLDER)
    rows = {row["key"]: dict(row) for row in connection.execute(known).mappings()}
    parents = _parents_said(connection, rows)
    return {key: span_of(row, parents[key]) for key, row in rows.items()}


def all_spans(connection: Connection, keys: Collection[int]) -> dict[int, list[Span]]:
    """All runs of those models, oldest first; the last is the one that holds now."""
    now = spans_now(connection, keys)
    past = past_spans(connection, {key: span.parents for key, span in now.items()})
    return {key: [*past[key], span] for key, span in now.items()}


def changed_since(connection: Connection, time: str) -> list[int]:
    """The models (keys) of which a run began after `time` that is not their first."""
    again = select(PAST.c.model_key).where(PAST.c.since > time)
    return sorted(set(connection.scalars(select(SIGHTS.c.model_key).where(SIGHTS.c.since > time).union(again))))


def relabelled(connection: Connection) -> set[int]:
    """The models (keys) that once had other licence labels than today."""
    labels = ("licenses", "license_name", "license_link")
    differs = or_(*(PAST.c[name].is_distinct_from(MODELS.c[name]) for name in labels))
    joined = select(PAST.c.model_key).join_from(PAST, MODELS, MODELS.c.key == PAST.c.model_key)
    return set(connection.scalars(joined.where(differs)))


def save_spans(connection: Connection, spans: dict[int, Sequence[Span]]) -> None:
    """Add runs of models (keys); of each those given last up to the one that holds now."""
    rows: list[tuple[Any, ...]] = []
    for key, runs in spans.items():
        rows += [(key, *run[:-1], _stored(run, after)) for run, after in pairwise(runs)]
    insert_rows(connection, PAST, _COLUMNS, rows)


def stored_parents(connection: Connection, keys: Collection[int]) -> dict[int, tuple[Parent, ...]]:
    """The parents that some models (keys) declare today, in their order."""
    d = DERIVATIONS.c
    parents: dict[int, tuple[Parent, ...]] = dict.fromkeys(keys, ())
    rows = select(d.child_key, d.name, d.relation, d.origin, d.alias).order_by(d.child_key, d.position)
    for key, *parent in connection.execute(rows.where(among(connection, d.child_key, keys))):
        parents[key] += (Parent(*parent),)
    return parents


def as_said(parents: tuple[Parent, ...], defects: Iterable[Defect]) -> tuple[Parent, ...]:
    """Parents as a card has them: with the model itself, where it names that, which makes no parent but a defect."""
    own = sorted(defect.value for defect in defects if defect.kind == SELF)
    return (*parents, *(Parent(name, Relation.UNKNOWN, ITSELF) for name in own))


def _parents_said(connection: Connection, keys: Collection[int]) -> dict[int, tuple[Parent, ...]]:
    f = DEFECTS.c
    parents = stored_parents(connection, keys)
    rows = select(f.model_key, f.kind, f.field, f.value, f.reason).where(f.kind == SELF, f.stage == "parse")
    for key, *defect in connection.execute(rows.where(among(connection, f.model_key, keys)).order_by(f.value)):
        parents[key] = as_said(parents[key], [Defect(*defect)])
    return parents


def with_sight(spans: Sequence[Span], sight: Span) -> list[Span]:
    """The runs of a model, oldest first, with one more sight, which is older than the last.

    Of a run only the ends are known. A sight within it that says something else parts it, as far as is known: into its
    first sight and its last.
    """
    before = [span for span in spans if _time(span) <= _time(sight)]
    after = list(spans[len(before) :])
    if before and before[-1].values == sight.values:
        return [*before[:-1], _until(before[-1], sight.until), *after]
    if before and sight.until is not None and (before[-1].until or "") >= sight.until:
        last = before[-1]
        if last.since == last.until == sight.until and repr(sight.values) > repr(last.values):
            return [*before[:-1], sight, *after]
        if sight.until in {last.since, last.until}:
            return list(spans)  # of one time: what holds then was decided when they were saved
        return [*before[:-1], last._replace(until=last.since), sight, last._replace(since=last.until), *after]
    if after and after[0].values == sight.values:
        return [*before, after[0]._replace(since=sight.since), *after[1:]]
    return [*before, sight, *after]


def _time(span: Span) -> str:
    return span.since or ""


def _until(span: Span, time: str | None) -> Span:
    return span._replace(until=max(filter(None, (span.until, time)), default=None))


def _stored(run: Span, after: Span) -> str | None:
    return None if run.parents == after.parents else json.dumps(run.parents, ensure_ascii=False)
