"""What a model was seen as, and when: runs of sights that said the same of what is followed.

Followed are a model's name, whether it is there, its gating, its licence labels and its parents. A run is known by its
first and its last sight; what happened between two runs happened between the last sight of one and the first of the
next. Sights that say nothing of licence and parents (of a model that is gone, or in a bare listing) are runs of their
own, silent ones: they have these as they were told before, and take them anew when a dump of before comes in later. The
run that holds now stands in the model's own rows (`models`, `derivations`, `sights`), those before in `past`.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, or_, select

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
    silent: bool = False

    @property
    def values(self) -> tuple[Any, ...]:
        """What was seen, and whether that was said or is as told before."""
        return self[2:]


#: The kind of the defect that a model names itself, and the origin that such a parent has in a run.
SELF, ITSELF = "self-reference", "itself"
#: The facts of a model's row that are followed, in the order in which a `Span` has them.
FOLLOWED = Span._fields[3:-2]
_LABEL = ("licenses", "license_name", "license_link")
_COLUMNS = ("model_key", *Span._fields)


def span_of(row: dict[str, Any], parents: tuple[Parent, ...], name: str | None = None) -> Span:
    """The run that holds now, from a model's row and its parents; `name` is what the model was called, if that is not
    the row's name."""
    when = row["since"] or row["first_seen"], row["last_seen"]
    return Span._make((*when, name or row["repo_id"], *(row[fact] for fact in FOLLOWED), parents, bool(row["silent"])))


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
    seen = (SIGHTS.c.since, SIGHTS.c.first_seen, SIGHTS.c.last_seen, SIGHTS.c.silent)
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


def last_told(connection: Connection, keys: Collection[int]) -> dict[int, str]:
    """When the licences and parents of some models (keys) were told last, before the run that holds now; without those
    of which nobody told them."""
    p = PAST.c
    told = select(p.model_key, func.max(func.coalesce(p.until, ""))).where(p.silent.is_(False))
    rows = connection.execute(told.where(among(connection, p.model_key, keys)).group_by(p.model_key))
    return {row[0]: row[1] for row in rows}


def changed_since(connection: Connection, time: str) -> list[int]:
    """The models (keys) of which a run began after `time` that is not their first."""
    again = select(PAST.c.model_key).where(PAST.c.since > time)
    return sorted(set(connection.scalars(select(SIGHTS.c.model_key).where(SIGHTS.c.since > time).union(again))))


def relabelled(connection: Connection) -> set[int]:
    """The models (keys) that once had other licence labels than today."""
    differs = or_(*(PAST.c[name].is_distinct_from(MODELS.c[name]) for name in _LABEL))
    joined = select(PAST.c.model_key).join_from(PAST, MODELS, MODELS.c.key == PAST.c.model_key)
    return set(connection.scalars(joined.where(differs)))


def save_spans(connection: Connection, spans: Mapping[int, Sequence[Span]]) -> None:
    """Add runs of models (keys); of each those given last up to the one that holds now."""
    rows: list[tuple[Any, ...]] = []
    for key, runs in spans.items():
        rows += [(key, *run[:-2], _stored(run, after), run.silent) for run, after in pairwise(runs)]
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
        return [*before[:-1], *_parted(before[-1], sight), *after]
    if after and after[0].values == sight.values:
        return [*before, after[0]._replace(since=sight.since), *after[1:]]
    return [*before, sight, *after]


def _parted(run: Span, sight: Span) -> list[Span]:
    """A run with a sight within it that says something else."""
    if sight.silent and run._replace(silent=True).values == sight.values:
        return [run]  # it says nothing
    if run.since == run.until == sight.until and repr(sight.values) > repr(run.values):
        return [sight]
    if sight.until in {run.since, run.until}:
        return [run]  # of one time: what holds then was decided when they were saved
    return [run._replace(until=run.since), sight, run._replace(since=run.until)]


def filled(spans: Sequence[Span]) -> list[Span]:
    """The runs of a model, oldest first, each with what it does not say as in the one before."""
    done: list[Span] = []
    for span in spans:
        before = done[-1] if done else span._replace(licenses=None, license_name=None, license_link=None, parents=())
        now = span._replace(**{fact: getattr(before, fact) for fact in _unsaid(span)})
        if not done or now.values != before.values:
            done.append(now)
    return done


def _unsaid(span: Span) -> set[str]:
    """What the sights of a run did not say."""
    gone = span.state == State.GONE
    found = {fact for fact in ("gated", "disabled") if gone or getattr(span, fact) is None}
    if span.silent:
        found.add("parents")
    return found | set(_LABEL) if span.silent or span.licenses is None else found


def _time(span: Span) -> str:
    return span.since or ""


def _until(span: Span, time: str | None) -> Span:
    return span._replace(until=max(filter(None, (span.until, time)), default=None))


def _stored(run: Span, after: Span) -> str | None:
    return None if run.parents == after.parents else json.dumps(run.parents, ensure_ascii=False)
