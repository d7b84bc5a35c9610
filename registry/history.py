"""Keep what models were seen as before, when a sight says something else."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, delete

from registry.identity import Row
from registry.records import Parent, State
from registry.sights import FACTS, Sight
from registry.spans import FOLLOWED, Span, as_said, filled, past_spans, save_spans, span_of, with_sight
from registry.tables import PAST, among

_STATE, *_FACTS = FOLLOWED
_PLACES = [FACTS.index(fact) for fact in _FACTS]


@dataclass(frozen=True, slots=True)
class Turn:
    """A sight of a model that was known, the model's row before and after it, and its parents before and after."""

    sight: Sight
    before: Row
    after: Row
    held: tuple[Parent, ...]
    parents: tuple[Parent, ...]


def keep(connection: Connection, turns: Sequence[Turn]) -> dict[int, str | None]:
    """Keep what models were before these sights; returns since when those that changed are as they are now, by key."""
    spans: dict[int, Sequence[Span]] = {}
    since: dict[int, str | None] = {}
    older = []
    for turn in turns:
        key = turn.before["key"]
        if turn.before["state"] == State.PLACEHOLDER:
            continue  # it was never seen
        if turn.sight.compare(turn.before) < 0:
            older.append(turn)
            continue
        before, after = span_of(turn.before, turn.held, turn.before["was"]), span_of(turn.after, turn.parents)
        after = after._replace(silent=turn.sight.silent)
        if before.values != after.values and before.since != turn.sight.seen:
            spans[key], since[key] = (before, after), turn.sight.seen
    save_spans(connection, spans)
    return since | _keep_older(connection, [turn for turn in older if _says_otherwise(turn)])


def _keep_older(connection: Connection, turns: Sequence[Turn]) -> dict[int, str | None]:
    """The same of sights that are older than what is known."""
    runs = past_spans(connection, {turn.before["key"]: turn.held for turn in turns}) if turns else {}
    changed: dict[int, Sequence[Span]] = {}
    for turn in turns:
        key = turn.before["key"]
        spans = [*runs[key], span_of(turn.before, turn.held, turn.before["was"])]
        *past, last = with_sight(spans, _seen(turn.sight, spans))
        now = span_of(turn.after, turn.parents)._replace(since=last.since, until=last.until, silent=last.silent)
        if (after := filled([*past, now])) != spans:
            changed[key] = after
    if changed:
        connection.execute(delete(PAST).where(among(connection, PAST.c.model_key, changed)))
    save_spans(connection, changed)
    return {key: spans[-1].since for key, spans in changed.items() if len(spans) > 1}


def _says_otherwise(turn: Turn) -> bool:
    """Whether an older sight may be news: the model has a past, or the sight says something else than what holds."""
    said, row = turn.sight, turn.before
    facts = ((said.values[place], row[fact]) for place, fact in zip(_PLACES, _FACTS, strict=True))
    return (
        row["since"] is not None
        or row["silent"]
        or said.silent
        or said.state != row[_STATE]
        or said.record.repo_id != row["repo_id"]
        or _parents(said) not in (None, turn.held)
        or any(mine not in (None, held) for mine, held in facts)
    )


def _parents(sight: Sight) -> tuple[Parent, ...] | None:
    """The parents that a sight names; None where it does not speak of them."""
    parents = sight.record.parents
    return None if parents is None else as_said(parents, sight.record.defects)


def _seen(sight: Sight, spans: Sequence[Span]) -> Span:
    """An older sight as a run of its own; what it does not say is as in the run it falls into."""
    within = next((span for span in reversed(spans) if (span.since or "") <= (sight.seen or "")), spans[0])
    facts = [
        given if (given := sight.values[place]) is not None else getattr(within, fact)
        for place, fact in zip(_PLACES, _FACTS, strict=True)
    ]
    parents = _parents(sight)
    parents = within.parents if parents is None else parents
    values = (sight.record.repo_id, str(sight.state), *facts, parents, sight.silent)
    return Span._make((sight.seen, sight.seen, *values))
