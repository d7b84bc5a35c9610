"""Save what was seen: a page of records is one transaction of set-based statements.

SQLModel defines the tables; writing goes through SQLAlchemy Core, since one ORM object a row is 20 times slower.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from registry.database import readable_errors, wait_for_writers
from registry.history import Turn, keep
from registry.identity import Row, match
from registry.insert import insert_placeholders, insert_rows, keys_of, new_keys
from registry.records import HUB_EVIDENCE, Defect, ModelRecord, Parent, Records, State
from registry.seen import save_sights
from registry.sights import MODEL_FACTS, Sight, Sights, rounds, sights_of
from registry.spans import as_said, last_told, stored_parents
from registry.tables import DEFECTS, DERIVATIONS, MODELS, among


@dataclass(slots=True)
class Saved:
    """What saving did: models seen; of these, new to the registry, with something new to say, gone by now, and alive
    again. A model is counted under one of these four at most. `renamed` are under another name than before.
    """

    models: int = 0
    new: int = 0
    changed: int = 0
    renamed: int = 0
    gone: int = 0
    returned: int = 0

    def add(self, other: "Saved") -> None:
        """Count another page's outcome in."""
        for field in fields(Saved):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction. Writers take turns: on SQLite by its write lock, taken at once so that a second one waits
    instead of failing midway; on PostgreSQL by a lock of our own, since two pages that hold the same models in another
    order would wait for each other."""
    with readable_errors(engine.url), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            wait_for_writers(connection)
        yield connection
        connection.commit()


def save_page(connection: Connection, page: Iterable[ModelRecord], *, seen: str, source: str) -> Saved:
    """Save a page of records in the transaction of `connection`.

    `seen` (ISO 8601) and `source` hold for records that do not carry their own. A model is known by its `hub_id`,
    else by its id. Of two sights of a model the later one holds (then the later `last_modified`); facts that only
    the earlier one states are kept. Saving the same page again changes nothing. Edges of card-only parents are
    made by `registry.resolve`, once all names are known.
    """
    saved = Saved()
    for sights in rounds(sights_of(Records.of(page), seen=seen, source=source)):
        saved.add(_save(connection, sights))
    return saved


def _save(connection: Connection, sights: Sights) -> Saved:
    fresh, met, renamed = match(connection, sights)
    known, others = _one_each(met)
    told = last_told(connection, [row["key"] for _, row in known if row["silent"]])
    for _, row in known:
        row["told"] = told.get(row["key"], "")
    after = _update_models(connection, known)
    keys, fresh = _insert_models(connection, fresh)
    lineage = _save_lineage(connection, keys, fresh, known)
    changed = after.keys() | lineage.changed
    turns = [
        Turn(sight, row, row | after[key] if key in after else row, lineage.held[key], lineage.parents[key])
        for sight, row in known
        for key in (row["key"],)
    ]
    save_sights(connection, keys, fresh, known, changed, lineage.outdone, keep(connection, turns))
    first_seen = {row["key"] for _, row in known if row["state"] == State.PLACEHOLDER}
    turned = [sight.state for sight, row in known if row["key"] not in first_seen and _turns(sight, row)]
    saved = Saved(
        models=len(sights) - len(others),
        new=len(fresh) + len(first_seen),
        changed=len((changed | renamed) - first_seen) - len(turned),
        renamed=len(renamed),
        gone=turned.count(State.GONE),
        returned=turned.count(State.LISTED),
    )
    if others:
        saved.add(_save(connection, Sights.of(others)))
    return saved


def _one_each(known: Sequence[tuple[Sight, Row]]) -> tuple[list[tuple[Sight, Row]], list[Sight]]:
    """One sight of each known model, the earliest; and the others, since a name of before may mean one that is here by
    its `_id` too."""
    if len({row["key"] for _, row in known}) == len(known):
        return list(known), []
    first: dict[int, tuple[Sight, Row]] = {}
    others = []
    for sight, row in sorted(known, key=lambda pair: pair[0].rank()):
        if first.setdefault(row["key"], (sight, row))[0] is not sight:
            others.append(sight)
    return list(first.values()), others


def _turns(sight: Sight, row: Row) -> bool:
    """Whether a model is gone by this sight, or alive again."""
    return sight.state != row["state"] and sight.compare(row) >= 0


def save_loose_defects(connection: Connection, defects: Iterable[Defect]) -> None:
    """Keep defects of rows that are no model at all; the same one is kept once."""
    wanted = {(d.kind, d.field, d.value, d.reason) for d in defects}
    if not wanted:
        return
    columns = DEFECTS.c
    held = connection.execute(
        select(columns.kind, columns.field, columns.value, columns.reason).where(
            columns.model_key.is_(None), columns.kind.in_({w[0] for w in wanted})
        )
    )
    missing = wanted - {tuple(row) for row in held}
    _insert_defects(connection, [(None, *row) for row in sorted(missing)], "parse")


def _insert_models(connection: Connection, fresh: Sights) -> tuple[list[int], Sights]:
    """Insert new models; returns their keys, and them in that order.

    They go in by name: the indexes of names are where the time goes, and neighbours share their pages. 1.5 million bare
    rows took 26 s in the order of the Hub, 20,000 at a time, and 14 s in this order, 100,000 at a time.
    """
    folded = [name.casefold() for name in fresh.records.column("repo_id")]
    order = sorted(range(len(fresh)), key=folded.__getitem__)
    if order != list(range(len(fresh))):
        fresh, folded = fresh.take(order), sorted(folded)
    keys = new_keys(connection, len(fresh))
    names = (fresh.records.column("repo_id"), folded, fresh.records.column("hub_id"))
    rows = list(zip(keys, *names, fresh.states(), *fresh.facts(), strict=True))
    insert_rows(connection, MODELS, ("key", "repo_id", "folded", "hub_id", "state", *MODEL_FACTS), rows)
    return keys, fresh


def _update_models(connection: Connection, known: Sequence[tuple[Sight, Row]]) -> dict[int, Row]:
    """Write what the sights add to their rows; returns the facts of the models for which they changed, by key."""
    columns = ("hub_id", "state", *MODEL_FACTS)
    changed: dict[int, Row] = {}
    for sight, row in known:
        if sight.record.hub_id in (None, row["hub_id"]) and sight.compare(row) == 0:
            continue  # the same sight once more
        after = _merged(sight, row)
        if any(after[c] != row[c] for c in columns):
            changed[row["key"]] = after
    if changed:
        values: dict[str, Any] = {c: bindparam(f"n_{c}") for c in columns}
        statements = [{"k": key, **{f"n_{c}": after[c] for c in columns}} for key, after in changed.items()]
        connection.execute(update(MODELS).where(MODELS.c.key == bindparam("k")).values(values), statements)
    return changed


#: What a sight says or is silent about together.
_TOLD = {"licenses", "license_name", "license_link", "new_version", "datasets", "tools"}


def _merged(sight: Sight, row: Row) -> Row:
    newer, tells = sight.compare(row) >= 0, sight.tells(row)
    after = {}
    for fact, mine in zip(MODEL_FACTS, sight.values[:-1], strict=True):
        # Of a model that is gone all facts are as told before.
        first = tells if fact in _TOLD or row["state"] == State.GONE else newer
        after[fact] = row[fact] if mine is None or (row[fact] is not None and not first) else mine
    after["hub_id"] = (sight.record.hub_id if newer else None) or row["hub_id"] or sight.record.hub_id
    after["state"] = sight.state if newer else row["state"]
    return after


class _Lineage(NamedTuple):
    """What the models that were known name as parents, before a page and after it, by key; the keys of those of which
    parents or defects changed, and of those that have others than their sight says."""

    held: dict[int, tuple[Parent, ...]]
    parents: dict[int, tuple[Parent, ...]]
    changed: set[int]
    outdone: set[int]


def _save_lineage(
    connection: Connection, keys: Sequence[int], fresh: Sights, known: Sequence[tuple[Sight, Row]]
) -> _Lineage:
    """Write parents and defects."""
    held, held_defects = _held(connection, [row["key"] for _, row in known])
    parents, defects, outdone = _differing(known, held, held_defects)
    f = DEFECTS.c
    if parents:
        connection.execute(delete(DERIVATIONS).where(among(connection, DERIVATIONS.c.child_key, parents)))
    if defects:
        connection.execute(delete(DEFECTS).where(among(connection, f.model_key, defects), f.stage == "parse"))
    declared = {key: said for key, said in zip(keys, fresh.records.column("parents"), strict=True) if said}
    found = {key: noted for key, noted in zip(keys, fresh.records.column("defects"), strict=True) if noted}
    _insert_parents(connection, declared | parents)
    _insert_defects(
        connection,
        [(key, d.kind, d.field, d.value, d.reason) for key, ds in (found | defects).items() for d in ds],
        "parse",
    )
    before = {key: as_said(held[key], held_defects[key]) for key in held}
    after = {
        key: as_said(parents.get(key, held[key]), defects.get(key, held_defects[key]))
        for key in parents.keys() | defects.keys()
    }
    return _Lineage(before, before | after, set(after), outdone)


def _differing(
    known: Sequence[tuple[Sight, Row]],
    held_parents: Mapping[int, tuple[Parent, ...]],
    held_defects: Mapping[int, frozenset[Defect]],
) -> tuple[dict[int, tuple[Parent, ...]], dict[int, tuple[Defect, ...]], set[int]]:
    """By key, the parents and the defects that known models have from now on, where they are not what is stored; and
    the keys of those for which it is not what their sight says."""
    parents: dict[int, tuple[Parent, ...]] = {}
    defects: dict[int, tuple[Defect, ...]] = {}
    outdone = set()
    for sight, row in known:
        key = row["key"]
        mine = (held_parents[key], held_defects[key])
        theirs = _said(sight, row, mine)
        if theirs[0] != mine[0]:
            parents[key] = theirs[0]
        if theirs[1] != mine[1]:
            defects[key] = tuple(sorted(theirs[1], key=repr))
        said = theirs[0] if sight.record.parents is None else sight.record.parents
        if theirs != (said, frozenset(sight.record.defects)):
            outdone.add(key)
    return parents, defects, outdone


_Said = tuple[tuple[Parent, ...], frozenset[Defect]]
#: Where a row speaks of parents.
_PARENT_FIELDS = {"tags", "base_model", "base_model_relation", "baseModels"}


def _said(sight: Sight, row: Row, mine: _Said) -> _Said:
    """The parents and defects that hold after a sight; `mine` are those held before."""
    order = sight.compare(row)
    said, found = sight.record.parents, frozenset(sight.record.defects)
    if said is None:  # says nothing of parents: what is known of them stands
        stands = {defect for defect in mine[1] if sight.record.gone or defect.field in _PARENT_FIELDS}
        return (mine[0], found | stands) if order >= 0 else mine
    theirs = (said, found)
    if order == 0:  # nothing but these tells the two apart
        return max(theirs, mine, key=lambda said: (repr(said[0]), sorted(map(repr, said[1]))))
    if order > 0:
        return theirs
    if not sight.tells(row):
        return mine
    stands = row["state"] != State.GONE
    return said, found | {d for d in mine[1] if not row["told"] or (stands and d.field not in _PARENT_FIELDS)}


def _held(
    connection: Connection, keys: Sequence[int]
) -> tuple[dict[int, tuple[Parent, ...]], dict[int, frozenset[Defect]]]:
    """The parents as declared, and the parser's defects, that are stored for these models."""
    defects: dict[int, frozenset[Defect]] = dict.fromkeys(keys, frozenset())
    f = DEFECTS.c
    found = select(f.model_key, f.kind, f.field, f.value, f.reason).where(f.stage == "parse")
    for key, *defect in connection.execute(found.where(among(connection, f.model_key, keys))):
        defects[key] |= {Defect(*defect)}
    return stored_parents(connection, keys), defects


def _insert_parents(connection: Connection, declared: dict[int, tuple[Parent, ...]]) -> None:
    vouched = {p.name for parents in declared.values() for p in parents if p.origin in HUB_EVIDENCE}
    keys = keys_of(connection, vouched)
    if missing := vouched - keys.keys():
        insert_placeholders(connection, missing)
        keys |= keys_of(connection, missing)
    rows = [
        (
            key,
            position,
            # A card's word alone waits for registry.resolve, which sees all names; so does a model's own name.
            keys.get(parent.name) if parent.origin in HUB_EVIDENCE and keys.get(parent.name) != key else None,
            parent.name,
            str(parent.relation),
            str(parent.origin),
            parent.alias,
        )
        for key, parents in declared.items()
        for position, parent in enumerate(parents)
    ]
    columns = ("child_key", "position", "parent_key", "name", "relation", "origin", "alias")
    insert_rows(connection, DERIVATIONS, columns, rows)


def _insert_defects(connection: Connection, rows: Sequence[tuple[int | None, str, str, str, str]], stage: str) -> None:
    if rows:
        names = ("model_key", "kind", "field", "value", "reason")
        connection.execute(insert(DEFECTS), [{"stage": stage, **dict(zip(names, row, strict=True))} for row in rows])


def replace_defects(
    connection: Connection, stage: str, wanted: Iterable[tuple[int, str, str, str, str]], model: int | None = None
) -> None:
    """Make `wanted` (model key, kind, field, value, reason) the defects of `stage`, of all models or of one, touching
    only what differs."""
    f = DEFECTS.c
    held: dict[tuple[Any, ...], int] = {}
    surplus = []
    columns = (f.model_key, f.kind, f.field, f.value, f.reason)
    tests = [f.stage == stage, *([] if model is None else [f.model_key == model])]
    for key, *row in connection.execute(select(f.key, *columns).where(*tests)):
        if held.setdefault(tuple(row), key) != key:
            surplus.append(key)
    target = set(wanted)
    surplus += [key for row, key in held.items() if row not in target]
    if surplus:
        connection.execute(delete(DEFECTS).where(among(connection, f.key, surplus)))
    _insert_defects(connection, sorted(target - held.keys()), stage)
