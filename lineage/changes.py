"""What changed: in one model, and in a registry or a family since a day.

A change happened between two sights: after the last one that saw the old value, and by the first that saw the new one.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice, pairwise
from typing import ClassVar

from sqlalchemy import Connection, Engine

from lineage.licenses.labels import declared
from registry.as_of import end_of
from registry.database import reading
from registry.ever import Ever
from registry.names import find_model, find_roots
from registry.news import New, count_new, new_models
from registry.read import data_date, labels, model_facts
from registry.records import Relation, State
from registry.spans import ITSELF, Span, all_spans, changed_since

#: What may change, in the order in which it is told; `missing` is what only the older of two registries holds.
FIELDS = ("gone", "missing", "returned", "name", "license", "base_model", "gated", "disabled")
#: Models whose history is read together.
_PAGE = 20_000


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a model: `field` is one of FIELDS, `old` and `new` its values in words.

    It happened after `after` (ISO 8601; None where no date is known) and by `by`.
    """

    model: str
    field: str
    old: str
    new: str
    after: str | None
    by: str | None


@dataclass(frozen=True, slots=True)
class History:
    """All that is known to have changed in a model, oldest first; between `first_seen` and `last_seen` it was looked
    at."""

    SCHEMA: ClassVar[str] = "finetune-lineage/history/1"

    asked: str
    model: str
    first_seen: str | None
    last_seen: str | None
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new since a day, in a registry or in families (`asked`).

    `new` counts models that were seen first since then, `weeks` the same by the week (its Monday) in which they were
    made, `added` are the most downloaded of them; `counts` holds the number of changes of each field, `changes` them,
    and `more` how many of either are not shown.
    """

    SCHEMA: ClassVar[str] = "finetune-lineage/changes/1"

    asked: tuple[str, ...]
    since: str
    data_date: str | None
    new: int
    weeks: dict[str, int]
    counts: dict[str, int]
    changes: tuple[Change, ...]
    added: tuple[New, ...]
    more: dict[str, int]


def history(engine: Engine, model: str) -> History:
    """What changed in `model`; raises UnknownModel where the name means none."""
    with reading(engine) as connection:
        found = find_model(connection, model)
        facts = model_facts(connection, found.key)
        spans = all_spans(connection, [found.key]).get(found.key, [])
        changes = tuple(_changes(found.repo_id, spans))
        return History(found.label, found.repo_id, facts.first_seen, facts.last_seen, changes)


def changes(
    engine: Engine, since: str, *, families: Sequence[str] = (), models: Sequence[str] = (), limit: int | None = None
) -> Changes:
    """What changed after the day `since` (or time): in the whole registry, or in all that was ever made from the roots
    `families`, and in `models` and all they were ever made from.

    Shows at most `limit` changes of each field and new models. Raises UnknownModel for a name that means no model.
    """
    time = end_of(since)
    with reading(engine) as connection:
        asked, roots = find_roots(connection, families)
        named, own = find_roots(connection, models)
        members = None
        if families or models:
            ever = Ever(connection)
            members = ever.below({root.key for root in roots}) | ever.above({model.key for model in own})
        found = _all_changes(connection, time, members)
        return told(connection, found, asked=(*named, *asked), since=since, time=time, new=members, limit=limit)


def told(
    connection: Connection, found: Sequence[Change], *, since: str, new: Collection[int] | None, limit: int | None,
    asked: tuple[str, ...] = (), time: str | None = None,
) -> Changes:  # fmt: skip
    """Changes in their order, and what is new: of the models (keys) `new`, or of all, those first seen after `time`."""
    days = count_new(connection, time, new)
    added = new_models(connection, time, new, limit)
    counts = Counter(change.field for change in found)
    ordered = sorted(found, key=lambda change: (change.by or "", change.model, change.new))
    shown = [c for field in FIELDS for c in islice((c for c in ordered if c.field == field), limit)]
    return Changes(
        asked=asked,
        since=since,
        data_date=data_date(connection),
        new=days.total(),
        weeks=_by_week(days),
        counts={field: counts[field] for field in FIELDS if counts[field]},
        changes=tuple(shown),
        added=tuple(added),
        more={"changes": len(found) - len(shown), "new": days.total() - len(added)},
    )


def _all_changes(connection: Connection, time: str, members: set[int] | None) -> list[Change]:
    """All changes after a time."""
    keys = [key for key in changed_since(connection, time) if members is None or key in members]
    found: list[Change] = []
    for at in range(0, len(keys), _PAGE):
        for spans in all_spans(connection, keys[at : at + _PAGE]).values():
            found += (change for change in _changes(spans[-1].name, spans) if (change.by or "") > time)
    return found


def _changes(model: str, spans: Iterable[Span]) -> Iterable[Change]:
    told = None
    for before, after in pairwise(spans):
        told = told if before.silent else before.until
        yield from differences(model, before, after, told)


def differences(model: str, before: Span, after: Span, told: str | None) -> Iterable[Change]:
    """What changed between two runs of a model, of which licence and parents were last told at the time `told`."""
    for field, old, new in _words(before, after):
        yield Change(model, field, old, new, told if field in _TOLD else before.until, after.since)


#: What a sight may be silent about.
_TOLD = ("license", "base_model")


def _words(before: Span, after: Span) -> Iterable[tuple[str, str, str]]:
    if before.state != after.state:
        yield "gone" if after.state == State.GONE else "returned", before.state, after.state
    # What was not known before did not change when it got known.
    words = [("name", before.name, after.name)]
    if before.licenses is not None:
        words.append(("license", _license(before), _license(after)))
    if before.licenses is not None or not before.silent:
        words.append(("base_model", _parents(before), _parents(after)))
    words += [
        (field, _word(old), _word(new))
        for field, old, new in (("gated", before.gated, after.gated), ("disabled", before.disabled, after.disabled))
        if old is not None
    ]
    yield from ((field, old, new) for field, old, new in words if old != new)


def _license(span: Span) -> str:
    """The label in words, with the link that goes with `other`."""
    text = declared(labels(span.licenses), span.license_name, span.license_link).text
    return f"{text}, {span.license_link}" if span.license_link else text


def _parents(span: Span) -> str:
    words = {ITSELF: "itself"}
    how = [(parent.name, words.get(parent.origin, parent.relation)) for parent in span.parents]
    return ", ".join(name if word == Relation.UNKNOWN else f"{name} ({word})" for name, word in how) or "none"


def _word(value: str | bool | None) -> str:
    return "not known" if value is None else "true" if value is True else "false" if value is False else value


def _by_week(days: Counter[str | None]) -> dict[str, int]:
    weeks: Counter[str] = Counter()
    for day, number in days.items():
        if day is None:  # nobody knows when they were made, or seen
            continue
        year, week, _ = date.fromisoformat(day).isocalendar()
        weeks[date.fromisocalendar(year, week, 1).isoformat()] += number
    return dict(sorted(weeks.items()))
