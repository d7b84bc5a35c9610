"""Which stored model a sight belongs to: by `_id`, else by name; and what follows when a model has another name now."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, exists, select, update

from registry.records import Records, State
from registry.sights import Sight, Sights
from registry.spans import Span, all_spans, save_spans
from registry.tables import DEFECTS, DERIVATIONS, MODELS, NAMES, PAST, SIGHTS, among

Row = dict[str, Any]
_COLUMNS = (*MODELS.c, *(column for column in SIGHTS.c if column.name != "model_key"))
_NAMES_OF_COLUMNS = [column.name for column in _COLUMNS]
_SEEN = MODELS.outerjoin(SIGHTS, SIGHTS.c.model_key == MODELS.c.key)


def match(connection: Connection, sights: Sights) -> tuple[Sights, list[tuple[Sight, Row]], set[int]]:
    """Sights of models that are new to the registry; the others with their rows, renamed where they had to be; and the
    keys of those that have another name now.

    No name and no `_id` may stand twice among `sights` (see `registry.sights.rounds`). A model keeps its `_id`
    through renames. A name whose model has another `_id` now was deleted and made again: to those who name it as
    their parent it is the same model.
    """
    by_name, by_hub_id = _stored(connection, sights)
    names, ids = sights.records.column("repo_id"), sights.records.column("hub_id")
    named = enumerate(zip(names, ids, strict=True))
    places = [at for at, (name, id) in named if id is None or id in by_hub_id or name in by_name]
    maybe = list(sights.take(places))
    with_id = [(s, by_hub_id[s.record.hub_id]) for s in maybe if s.record.hub_id in by_hub_id]
    moving = [(s, row) for s, row in with_id if row["repo_id"] != s.record.repo_id]
    leaving = {row["key"] for s, row in moving if s.compare(row) >= 0}
    known = {s.record.repo_id: row for s, row in with_id}
    for sight in maybe:
        namesake = by_name.get(sight.record.repo_id)
        if sight.record.repo_id not in known and namesake is not None and namesake["key"] not in leaving:
            known[sight.record.repo_id] = namesake
    known |= _by_old_name(connection, [s for s in maybe if s.record.hub_id is None and s.record.repo_id not in known])
    namesakes = {name: row for name, row in by_name.items() if row["key"] not in leaving}
    _rename(connection, moving, leaving, namesakes)
    fresh = sights.take([at for at, name in enumerate(names) if name not in known]) if known else sights
    return fresh, [(s, known[s.record.repo_id]) for s in maybe if s.record.repo_id in known], leaving


def keys_about(connection: Connection, records: Records) -> set[int]:
    """The models (keys) that these records may be about, or that have one of their names."""
    m, n = MODELS.c, NAMES.c
    names, hub_ids = set(records.column("repo_id")), set(records.column("hub_id")) - {None}
    queries = (
        select(m.key).where(among(connection, m.repo_id, names)),
        select(m.key).where(among(connection, m.hub_id, hub_ids)),
        select(n.model_key).where(among(connection, n.name, names)),
    )
    return {key for query in queries for key in connection.scalars(query)}


def is_another(connection: Connection, name: str, hub_id: str) -> bool:
    """Whether `name` is that of a stored model with another `_id`."""
    held = connection.scalar(select(MODELS.c.hub_id).where(MODELS.c.repo_id == name))
    return held is not None and held != hub_id


def redirect(connection: Connection, name: str, hub_id: str) -> bool:
    """Note that the Hub leads `name` to the model of this `_id`. What was stored by the name alone becomes one with it.

    Returns whether a model was listed under that name.
    """
    target = connection.execute(select(MODELS.c.key, MODELS.c.repo_id).where(MODELS.c.hub_id == hub_id)).one_or_none()
    if target is None or target.repo_id == name:  # what is stored of it was seen later
        return False
    held = connection.execute(select(MODELS.c.key, MODELS.c.state).where(MODELS.c.repo_id == name)).one_or_none()
    if held is not None:
        _absorb(connection, held.key, target.key)
    if name.casefold() != target.repo_id.casefold():  # another letter case needs no note
        _remember(connection, name, target.key)
    return held is not None and held.state == State.LISTED


def _stored(connection: Connection, sights: Sights) -> tuple[dict[str, Row], dict[str | None, Row]]:
    """The registry's rows of these models, by id and by hub_id; in each what it `was` called, which a rename leaves."""
    names = sights.records.column("repo_id")
    hub_ids = [hub_id for hub_id in sights.records.column("hub_id") if hub_id is not None]
    rows: dict[int, Row] = {}
    for column, wanted in ((MODELS.c.repo_id, names), (MODELS.c.hub_id, hub_ids)):
        stored = select(*_COLUMNS).select_from(_SEEN).where(among(connection, column, wanted))
        for row in connection.execute(stored):
            rows.setdefault(row[0], dict(zip(_NAMES_OF_COLUMNS, row, strict=True)))
    for held in rows.values():
        held["was"] = held["repo_id"]
    by_name = {row["repo_id"]: row for row in rows.values()}
    return by_name, {row["hub_id"]: row for row in rows.values() if row["hub_id"] is not None}


def _by_old_name(connection: Connection, sights: Sequence[Sight]) -> dict[str, Row]:
    """The models that had these sights' names at the time of the sight, by that name."""
    earlier = {sight.record.repo_id: sight for sight in sights}
    named = select(NAMES.c.name, *_COLUMNS).select_from(_SEEN.join(NAMES, NAMES.c.model_key == MODELS.c.key))
    renamed = (among(connection, NAMES.c.name, earlier), NAMES.c.evidence == "hub-id")
    rows = connection.execute(named.where(*renamed)).mappings()
    found = {row["name"]: dict(row) | {"was": row["repo_id"]} for row in rows}
    return {name: row for name, row in found.items() if earlier[name].compare(row) < 0}


def _rename(
    connection: Connection, moving: Sequence[tuple[Sight, Row]], leaving: set[int], namesakes: dict[str, Row]
) -> None:
    """Give models their new names, or remember that they once had another."""
    taken = {sight.record.repo_id for sight, _ in moving}
    renames = []
    for sight, row in moving:
        name, key = sight.record.repo_id, row["key"]
        namesake = namesakes.get(name)
        newer = key in leaving
        if namesake is not None:
            if not newer and namesake["state"] != State.PLACEHOLDER and namesake["hub_id"] is not None:
                continue  # an old sight, and the name is another model's by now
            row["since"] = _absorb(connection, namesake["key"], key)
        if newer:
            if row["repo_id"] not in taken:
                _remember(connection, row["repo_id"], key)
            row["repo_id"], row["folded"] = name, name.casefold()
            renames.append({"k": key, "name": name, "low": row["folded"], "parked": f"#{key}"})
        else:
            _remember(connection, name, key)
    if renames:
        # Parked first: two models may have swapped names.
        statement = update(MODELS).where(MODELS.c.key == bindparam("k"))
        connection.execute(statement.values(repo_id=bindparam("parked")), renames)
        connection.execute(statement.values(repo_id=bindparam("name"), folded=bindparam("low")), renames)


def _remember(connection: Connection, name: str, key: int) -> None:
    connection.execute(delete(NAMES).where(NAMES.c.name == name))
    connection.execute(NAMES.insert().values(name=name, folded=name.casefold(), model_key=key, evidence="hub-id"))


def _absorb(connection: Connection, lost: int, kept: int) -> str | None:
    """Move what points at one row to another, and delete the row; returns since when the other is as it is now."""
    runs = all_spans(connection, [lost, kept])
    d = DERIVATIONS.c
    connection.execute(update(DERIVATIONS).where(d.parent_key == lost).values(parent_key=kept))
    if connection.scalar(select(exists().where(d.child_key == kept))):
        connection.execute(delete(DERIVATIONS).where(d.child_key == lost))
        connection.execute(delete(DEFECTS).where(DEFECTS.c.model_key == lost))
    else:
        connection.execute(update(DERIVATIONS).where(d.child_key == lost).values(child_key=kept))
        connection.execute(update(DEFECTS).where(DEFECTS.c.model_key == lost).values(model_key=kept))
    # An edge that is now a model's own waits for registry.resolve, which finds the defect.
    connection.execute(update(DERIVATIONS).where(d.child_key == kept, d.parent_key == kept).values(parent_key=None))
    connection.execute(update(NAMES).where(NAMES.c.model_key == lost).values(model_key=kept))
    since = _join_runs(connection, runs, lost, kept)
    connection.execute(delete(SIGHTS).where(SIGHTS.c.model_key == lost))
    connection.execute(delete(MODELS).where(MODELS.c.key == lost))
    return since


def _join_runs(connection: Connection, runs: dict[int, list[Span]], lost: int, kept: int) -> str | None:
    """Let the runs of one model be another's, in the order of time: what that was seen as last stays the last."""
    s = SIGHTS.c
    since: str | None = connection.scalar(select(s.since).where(s.model_key == kept))
    if kept not in runs or not runs.get(lost):
        connection.execute(update(PAST).where(PAST.c.model_key == lost).values(model_key=kept))
        return since
    *before, now = runs[kept]
    joined: list[Span] = []
    for span in [*sorted([*runs[lost], *before], key=lambda span: span.since or ""), now]:
        if joined and joined[-1].values == span.values:
            joined[-1] = span._replace(since=joined[-1].since)
        else:
            joined.append(span)
    connection.execute(delete(PAST).where(PAST.c.model_key.in_((lost, kept))))
    save_spans(connection, {kept: joined})
    since = joined[-1].since if len(joined) > 1 else None
    connection.execute(update(SIGHTS).where(s.model_key == kept).values(since=since))
    return since
