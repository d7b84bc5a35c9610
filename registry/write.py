"""Save what was seen: a page of records is one transaction of set-based statements.

SQLModel defines the tables; writing goes through SQLAlchemy Core, since one ORM object a row is 20 times slower.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Engine, Table, bindparam, delete, insert, select, text, update

from registry.database import readable_errors
from registry.identity import Row, match
from registry.records import HUB_EVIDENCE, Defect, ModelRecord, Parent, State, author_of
from registry.sights import FACTS, Sight, rounds, sight_of
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


#: Any number that no other program on the server is likely to take.
_WRITER = 0x6C696E65616765


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction. Writers take turns: on SQLite by its write lock, taken at once so that a second one waits
    instead of failing midway; on PostgreSQL by a lock of our own, since two pages that hold the same models in another
    order would wait for each other."""
    with readable_errors(engine.url), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _WRITER})
        yield connection
        connection.commit()


def save_page(connection: Connection, page: Sequence[ModelRecord], *, seen: str, source: str) -> Saved:
    """Save a page of records in the transaction of `connection`.

    `seen` (ISO 8601) and `source` hold for records that do not carry their own. A model is known by its `hub_id`,
    else by its id. Of two sights of a model the later one holds (then the later `last_modified`); facts that only
    the earlier one states are kept. Saving the same page again changes nothing. Edges of card-only parents are
    made by `registry.resolve`, once all names are known.
    """
    saved = Saved()
    for sights in rounds([sight_of(record, seen=seen, source=source) for record in page]):
        saved.add(_save(connection, sights))
    return saved


def _save(connection: Connection, sights: Sequence[Sight]) -> Saved:
    fresh, known, renamed = match(connection, sights)
    changed = _update_models(connection, known)
    _insert_models(connection, fresh)
    changed |= _save_lineage(connection, fresh, known)
    first_seen = {row["key"] for _, row in known if row["state"] == State.PLACEHOLDER}
    turned = [sight.state for sight, row in known if row["key"] not in first_seen and _turns(sight, row)]
    return Saved(
        models=len(sights),
        new=len(fresh) + len(first_seen),
        changed=len((changed | renamed) - first_seen) - len(turned),
        renamed=len(renamed),
        gone=turned.count(State.GONE),
        returned=turned.count(State.LISTED),
    )


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


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    missing: bool = False,
) -> None:
    """Insert rows, in the order of `columns`; with `missing` only those whose unique key is not taken yet.

    They go to the driver as they are: that SQLAlchemy looks at each value takes as long as SQLite's own insert.
    """
    if rows:
        mark = "?" if connection.dialect.name == "sqlite" else "%s"
        values = ", ".join([mark] * len(columns))
        where_taken = " ON CONFLICT DO NOTHING" if missing else ""
        statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({values}){where_taken}"  # noqa: S608 - ours
        connection.exec_driver_sql(statement, rows)


def insert_placeholders(connection: Connection, names: Iterable[str]) -> None:
    """Make a placeholder of every name that is no model's yet."""
    rows = [(name, name.casefold(), author_of(name), str(State.PLACEHOLDER)) for name in sorted(names)]
    insert_rows(connection, MODELS, ("repo_id", "folded", "author", "state"), rows, missing=True)


def keys_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The keys of the models whose id is exactly one of `names`."""
    m = MODELS.c
    found = connection.execute(select(m.repo_id, m.key).where(among(connection, m.repo_id, names)))
    return {row[0]: row[1] for row in found.all()}


def _insert_models(connection: Connection, fresh: Sequence[Sight]) -> None:
    rows = [
        (
            sight.record.repo_id,
            sight.record.repo_id.casefold(),
            sight.record.hub_id,
            str(sight.state),
            sight.seen,
            sight.seen,
            *sight.values.values(),
        )
        for sight in fresh
    ]
    columns = ("repo_id", "folded", "hub_id", "state", "first_seen", "last_seen", *FACTS)
    insert_rows(connection, MODELS, columns, rows, missing=True)


def _update_models(connection: Connection, known: Sequence[tuple[Sight, Row]]) -> set[int]:
    """Write what the sights add to their rows; returns the keys of the models whose facts changed."""
    columns = ["hub_id", "state", "first_seen", "last_seen", *FACTS]
    statements = []
    changed = set()
    for sight, row in known:
        if sight.record.hub_id in (None, row["hub_id"]) and sight.compare(row) == 0:
            continue  # the same sight once more
        after = _merged(sight, row)
        if any(after[c] != row[c] for c in columns):
            statements.append({"k": row["key"], **{f"n_{c}": after[c] for c in columns}})
        # Another source that says the same is no change.
        if any(after[c] != row[c] for c in ("hub_id", "state", *FACTS) if c != "source"):
            changed.add(row["key"])
    if statements:
        values: dict[str, Any] = {c: bindparam(f"n_{c}") for c in columns}
        connection.execute(update(MODELS).where(MODELS.c.key == bindparam("k")).values(values), statements)
    return changed


def _merged(sight: Sight, row: Row) -> Row:
    newer = sight.compare(row) >= 0
    first, second = (sight.values, row) if newer else (row, sight.values)
    after = {fact: first[fact] if first[fact] is not None else second[fact] for fact in FACTS}
    after["hub_id"] = (sight.record.hub_id if newer else None) or row["hub_id"] or sight.record.hub_id
    after["state"] = sight.state if newer else row["state"]
    times = [time for time in (row["first_seen"], row["last_seen"], sight.seen) if time is not None]
    after["first_seen"] = min(times, default=None)
    after["last_seen"] = max(times, default=None)
    return after


def _save_lineage(connection: Connection, fresh: Sequence[Sight], known: Sequence[tuple[Sight, Row]]) -> set[int]:
    """Write parents and defects; returns the keys of the known models for which they changed."""
    said = {s.record.repo_id: s.record for s in fresh if s.record.parents or s.record.defects}
    records = {key: said[name] for name, key in keys_of(connection, said).items()}
    parents, defects = _differing(connection, known)
    f = DEFECTS.c
    if parents:
        connection.execute(delete(DERIVATIONS).where(among(connection, DERIVATIONS.c.child_key, parents)))
    if defects:
        connection.execute(delete(DEFECTS).where(among(connection, f.model_key, defects), f.stage == "parse"))
    _insert_parents(connection, {key: record.parents or () for key, record in records.items()} | parents)
    found = {key: record.defects for key, record in records.items()} | defects
    _insert_defects(
        connection, [(key, d.kind, d.field, d.value, d.reason) for key, ds in found.items() for d in ds], "parse"
    )
    return parents.keys() | defects.keys()


def _differing(
    connection: Connection, known: Sequence[tuple[Sight, Row]]
) -> tuple[dict[int, tuple[Parent, ...]], dict[int, tuple[Defect, ...]]]:
    """By key, the parents and the defects that known models have from now on, where they are not what is stored."""
    held_parents, held_defects = _held(connection, [row["key"] for _, row in known])
    parents: dict[int, tuple[Parent, ...]] = {}
    defects: dict[int, tuple[Defect, ...]] = {}
    for sight, row in known:
        key = row["key"]
        mine = (held_parents[key], held_defects[key])
        theirs = _said(sight, row, mine)
        if theirs[0] != mine[0]:
            parents[key] = theirs[0]
        if theirs[1] != mine[1]:
            defects[key] = tuple(sorted(theirs[1], key=repr))
    return parents, defects


_Lineage = tuple[tuple[Parent, ...], frozenset[Defect]]
#: Where a row speaks of parents.
_PARENT_FIELDS = {"tags", "base_model", "base_model_relation", "baseModels"}


def _said(sight: Sight, row: Row, mine: _Lineage) -> _Lineage:
    """The parents and defects that hold after a sight; `mine` are those held before."""
    order = sight.compare(row)
    said, found = sight.record.parents, frozenset(sight.record.defects)
    if said is None:  # says nothing of parents: what is known of them stands
        stands = {defect for defect in mine[1] if sight.record.gone or defect.field in _PARENT_FIELDS}
        return (mine[0], found | stands) if order >= 0 else mine
    theirs = (said, found)
    if order == 0:  # nothing but these tells the two apart
        return max(theirs, mine, key=lambda lineage: (repr(lineage[0]), sorted(map(repr, lineage[1]))))
    if order > 0:
        return theirs
    # A row that says nothing of licences holds neither tags nor card: so far no source spoke of parents.
    return (said, mine[1] | found) if row["licenses"] is None and not mine[0] else mine


def _held(
    connection: Connection, keys: Sequence[int]
) -> tuple[dict[int, tuple[Parent, ...]], dict[int, frozenset[Defect]]]:
    """The parents as declared, and the parser's defects, that are stored for these models."""
    parents: dict[int, tuple[Parent, ...]] = dict.fromkeys(keys, ())
    defects: dict[int, frozenset[Defect]] = dict.fromkeys(keys, frozenset())
    d, f = DERIVATIONS.c, DEFECTS.c
    declared = select(d.child_key, d.name, d.relation, d.origin, d.alias).order_by(d.child_key, d.position)
    found = select(f.model_key, f.kind, f.field, f.value, f.reason).where(f.stage == "parse")
    for key, *parent in connection.execute(declared.where(among(connection, d.child_key, keys))):
        parents[key] += (Parent(*parent),)
    for key, *defect in connection.execute(found.where(among(connection, f.model_key, keys))):
        defects[key] |= {Defect(*defect)}
    return parents, defects


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
            # A card's word alone waits for registry.resolve, which sees all names.
            keys.get(parent.name) if parent.origin in HUB_EVIDENCE else None,
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


def replace_defects(connection: Connection, stage: str, wanted: Iterable[tuple[int, str, str, str, str]]) -> None:
    """Make `wanted` (model key, kind, field, value, reason) the defects of `stage`, touching only what differs."""
    f = DEFECTS.c
    held: dict[tuple[Any, ...], int] = {}
    surplus = []
    columns = (f.model_key, f.kind, f.field, f.value, f.reason)
    for key, *row in connection.execute(select(f.key, *columns).where(f.stage == stage)):
        if held.setdefault(tuple(row), key) != key:
            surplus.append(key)
    target = set(wanted)
    surplus += [key for row, key in held.items() if row not in target]
    if surplus:
        connection.execute(delete(DEFECTS).where(among(connection, f.key, surplus)))
    _insert_defects(connection, sorted(target - held.keys()), stage)
