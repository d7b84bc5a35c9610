"""Save what was seen: a page of records is one transaction of set-based statements.

SQLModel defines the tables; writing goes through SQLAlchemy Core, since one ORM object a row is 20 times slower.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from registry.database import readable_errors
from registry.records import HUB_EVIDENCE, Defect, ModelRecord, Parent, State, author_of
from registry.renames import follow_rename
from registry.tables import DEFECTS, DERIVATIONS, MODELS, chunks

#: Facts that a newer sight replaces where it says anything, and an older one fills where nothing is known.
FACTS = (
    "author created_at last_modified sha downloads likes pipeline_tag library_name gated private disabled licenses "
    "license_name license_link new_version datasets source"
).split()


@dataclass(slots=True)
class Saved:
    """What saving did: models seen, and how many of them were new to the registry or said something new."""

    models: int = 0
    new: int = 0
    changed: int = 0

    def add(self, other: "Saved") -> None:
        """Count another page's outcome in."""
        self.models += other.models
        self.new += other.new
        self.changed += other.changed


@dataclass(slots=True)
class _Sight:
    """One record with the values as the table holds them."""

    record: ModelRecord
    seen: str | None
    values: dict[str, Any]

    @property
    def state(self) -> str:
        return State.GONE if self.record.gone else State.LISTED


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """One write transaction. On SQLite it takes the write lock at once, so that it waits instead of failing midway."""
    with readable_errors(engine.url), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.commit()


def save_page(connection: Connection, page: Sequence[ModelRecord], *, seen: str, source: str) -> Saved:
    """Save a page of records in the transaction of `connection`.

    `seen` (ISO 8601) and `source` hold for records that do not carry their own. A model is known by its `hub_id`,
    else by its id. Of two sights of a model the later one holds (then the later `last_modified`); facts that only
    the earlier one states are kept. Saving the same page again changes nothing. Edges of card-only parents are
    made by `registry.resolve`, once all names are known.
    """
    sights = _one_each(_sight(record, seen, source) for record in page)
    by_name, by_hub_id = _stored(connection, sights)
    fresh: list[_Sight] = []
    known: list[tuple[_Sight, dict[str, Any]]] = []
    for sight in sights:
        row = by_name.get(sight.record.repo_id)
        namesake = row
        if sight.record.hub_id is not None and sight.record.hub_id in by_hub_id:
            row = by_hub_id[sight.record.hub_id]
        if row is None:
            fresh.append(sight)
            continue
        if row["repo_id"] != sight.record.repo_id:
            follow_rename(connection, row, namesake, sight.record.repo_id, newer=_is_newer(sight, row))
        known.append((sight, row))
    changed_facts = _update_models(connection, known)
    _insert_models(connection, fresh)
    changed_lineage = _save_lineage(connection, fresh, known)
    reborn = {row["key"] for _, row in known if row["state"] == State.PLACEHOLDER}
    return Saved(
        models=len(sights),
        new=len(fresh) + len(reborn),
        changed=len((changed_facts | changed_lineage) - reborn),
    )


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


def insert_missing(connection: Connection, table: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows whose unique key is not taken yet."""
    if rows:
        # Both databases have the same INSERT … ON CONFLICT; importing the one that is not used would cost 20 ms.
        dialect = import_module(f"sqlalchemy.dialects.{connection.dialect.name}")
        connection.execute(dialect.insert(table).on_conflict_do_nothing(), rows)


def insert_placeholders(connection: Connection, names: Iterable[str]) -> None:
    """Make a placeholder of every name that is no model's yet."""
    insert_missing(
        connection,
        MODELS,
        [
            {"repo_id": name, "folded": name.casefold(), "author": author_of(name), "state": State.PLACEHOLDER}
            for name in sorted(names)
        ],
    )


def keys_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The keys of the models whose id is exactly one of `names`."""
    keys: dict[str, int] = {}
    for chunk in chunks(names):
        found = connection.execute(select(MODELS.c.repo_id, MODELS.c.key).where(MODELS.c.repo_id.in_(chunk)))
        keys.update({row[0]: row[1] for row in found})
    return keys


def _sight(record: ModelRecord, seen: str, source: str) -> _Sight:
    values = {fact: getattr(record, fact) for fact in FACTS}
    for listed in ("licenses", "datasets"):
        if values[listed] is not None:
            values[listed] = _listed(values[listed])
    values["source"] = record.source or source
    return _Sight(record, (record.seen or seen) if record.dated else None, values)


@lru_cache(maxsize=4096)
def _listed(labels: tuple[str, ...]) -> str:
    return json.dumps(labels, ensure_ascii=False)


def _rank(seen: str | None, last_modified: str | None, values: dict[str, Any]) -> tuple[str, str, str]:
    """Which of two sights is the later one; the values themselves break a tie, so that order never matters."""
    return seen or "", last_modified or "", repr([values[fact] for fact in FACTS])


def _is_newer(sight: _Sight, row: dict[str, Any]) -> bool:
    if row["state"] == State.PLACEHOLDER:
        return True
    mine = (sight.seen or "", sight.values["last_modified"] or "")
    theirs = (row["last_seen"] or "", row["last_modified"] or "")
    if mine != theirs:
        return mine > theirs
    return _rank(None, None, sight.values) >= _rank(None, None, row)


def _one_each(sights: Iterable[_Sight]) -> list[_Sight]:
    """The latest sight of each model; the Hub's pages repeat a model when rows move between them."""
    latest: dict[str, _Sight] = {}
    for sight in sights:
        identity = sight.record.hub_id or sight.record.repo_id
        held = latest.get(identity)
        if held is None or _rank(held.seen, held.values["last_modified"], held.values) <= _rank(
            sight.seen, sight.values["last_modified"], sight.values
        ):
            latest[identity] = sight
    return list(latest.values())


def _stored(
    connection: Connection, sights: Sequence[_Sight]
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """The registry's rows of these models, by id and by hub_id."""
    names = [s.record.repo_id for s in sights]
    hub_ids = [s.record.hub_id for s in sights if s.record.hub_id is not None]
    rows: dict[int, dict[str, Any]] = {}
    for column, wanted in ((MODELS.c.repo_id, names), (MODELS.c.hub_id, hub_ids)):
        for chunk in chunks(wanted):
            for row in connection.execute(select(MODELS).where(column.in_(chunk))).mappings():
                rows.setdefault(row["key"], dict(row))
    by_name = {row["repo_id"]: row for row in rows.values()}
    by_hub_id = {row["hub_id"]: row for row in rows.values() if row["hub_id"] is not None}
    return by_name, by_hub_id


def _insert_models(connection: Connection, fresh: Sequence[_Sight]) -> None:
    insert_missing(
        connection,
        MODELS,
        [
            {
                "repo_id": sight.record.repo_id,
                "folded": sight.record.repo_id.casefold(),
                "hub_id": sight.record.hub_id,
                "state": sight.state,
                "first_seen": sight.seen,
                "last_seen": sight.seen,
                **sight.values,
            }
            for sight in fresh
        ],
    )


def _update_models(connection: Connection, known: Sequence[tuple[_Sight, dict[str, Any]]]) -> set[int]:
    """Write what the sights add to their rows; returns the keys of the models whose facts changed."""
    columns = ["hub_id", "state", "first_seen", "last_seen", *FACTS]
    statements = []
    changed = set()
    for sight, row in known:
        after = _merged(sight, row)
        if any(after[c] != row[c] for c in columns):
            statements.append({"k": row["key"], **{f"n_{c}": after[c] for c in columns}})
        if any(after[c] != row[c] for c in ("hub_id", "state", *FACTS)):
            changed.add(row["key"])
    if statements:
        values: dict[str, Any] = {c: bindparam(f"n_{c}") for c in columns}
        connection.execute(update(MODELS).where(MODELS.c.key == bindparam("k")).values(values), statements)
    return changed


def _merged(sight: _Sight, row: dict[str, Any]) -> dict[str, Any]:
    newer = _is_newer(sight, row)
    first, second = (sight.values, row) if newer else (row, sight.values)
    after = {fact: first[fact] if first[fact] is not None else second[fact] for fact in FACTS}
    after["hub_id"] = (sight.record.hub_id if newer else None) or row["hub_id"] or sight.record.hub_id
    after["state"] = sight.state if newer else row["state"]
    times = [time for time in (row["first_seen"], row["last_seen"], sight.seen) if time is not None]
    after["first_seen"] = min(times, default=None)
    after["last_seen"] = max(times, default=None)
    return after


def _save_lineage(
    connection: Connection, fresh: Sequence[_Sight], known: Sequence[tuple[_Sight, dict[str, Any]]]
) -> set[int]:
    """Write parents and defects; returns the keys of the known models for which they changed."""
    keys = keys_of(connection, [s.record.repo_id for s in fresh])
    records = {keys[s.record.repo_id]: s.record for s in fresh}
    newer = {row["key"]: sight.record for sight, row in known if _is_newer(sight, row)}
    new_parents, new_defects = _differing(connection, newer)
    for stale, table in ((new_parents, DERIVATIONS.c.child_key), (new_defects, DEFECTS.c.model_key)):
        for chunk in chunks(stale):
            statement = delete(table.table).where(table.in_(chunk))
            connection.execute(statement if table.table is DERIVATIONS else statement.where(DEFECTS.c.stage == "parse"))
    _insert_parents(connection, records | {key: newer[key] for key in new_parents})
    with_defects = records | {key: newer[key] for key in new_defects}
    _insert_defects(
        connection,
        [(key, d.kind, d.field, d.value, d.reason) for key, r in with_defects.items() for d in r.defects],
        "parse",
    )
    return new_parents | new_defects


def _differing(connection: Connection, records: dict[int, ModelRecord]) -> tuple[set[int], set[int]]:
    """Keys of models whose declared parents, or whose defects, are not what the registry holds."""
    parents: dict[int, list[Parent]] = {key: [] for key in records}
    defects: dict[int, set[Defect]] = {key: set() for key in records}
    for chunk in chunks(records):
        d = DERIVATIONS.c
        declared = select(d.child_key, d.name, d.relation, d.origin, d.alias).where(d.child_key.in_(chunk))
        for key, *parent in connection.execute(declared.order_by(d.child_key, d.position)):
            parents[key].append(Parent(*parent))
        f = DEFECTS.c
        found = select(f.model_key, f.kind, f.field, f.value, f.reason).where(f.model_key.in_(chunk))
        for key, *defect in connection.execute(found.where(f.stage == "parse")):
            defects[key].add(Defect(*defect))
    return (
        {key for key, r in records.items() if r.parents is not None and list(r.parents) != parents[key]},
        {key for key, r in records.items() if set(r.defects) != defects[key]},
    )


def _insert_parents(connection: Connection, records: dict[int, ModelRecord]) -> None:
    vouched = {p.name for r in records.values() for p in r.parents or () if p.origin in HUB_EVIDENCE}
    keys = keys_of(connection, vouched)
    if missing := vouched - keys.keys():
        insert_placeholders(connection, missing)
        keys |= keys_of(connection, missing)
    rows = [
        {
            "child_key": key,
            "position": position,
            # A card's word alone waits for registry.resolve, which sees all names.
            "parent_key": keys.get(parent.name) if parent.origin in HUB_EVIDENCE else None,
            "name": parent.name,
            "relation": parent.relation,
            "origin": parent.origin,
            "alias": parent.alias,
        }
        for key, record in records.items()
        for position, parent in enumerate(record.parents or ())
    ]
    if rows:
        connection.execute(insert(DERIVATIONS), rows)


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
    for chunk in chunks(surplus):
        connection.execute(delete(DEFECTS).where(f.key.in_(chunk)))
    _insert_defects(connection, sorted(target - held.keys()), stage)
