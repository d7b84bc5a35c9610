"""When and by whom models were seen, and which rows of a source say nothing but that.

A model keeps the fingerprint of the raw row that its facts and parents are. A row of the same fingerprint that was
seen later would change nothing else, so it need not even be read.
"""

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, select, update

from registry.columns import Ints, as_text, ints
from registry.fingerprints import Fingerprints
from registry.identity import Row
from registry.insert import insert_rows
from registry.sights import Sight, Sights
from registry.tables import SIGHTS, among

#: Keys whose rows are read at once.
_ROWS = 100_000
_COLUMNS = ("model_key", "first_seen", "last_seen", "source", "fingerprint", "since", "silent")


def save_sights(
    connection: Connection,
    keys: Sequence[int],
    fresh: Sights,
    known: Sequence[tuple[Sight, Row]],
    changed: set[int],
    outdone: set[int],
    since: Mapping[int, str | None],
) -> None:
    """Note when and by whom models were seen: those that are new, with their keys, and those known with their rows of
    before.

    `changed` are the keys of which anything changed, `outdone` those whose parents are not the sight's; `since` says
    of some since when they are as they are now.
    """
    sums = fresh.records.column("fingerprint")
    new = zip(keys, fresh.seen, fresh.seen, fresh.sources, sums, repeat(None), fresh.silent(), strict=False)
    insert_rows(connection, SIGHTS, _COLUMNS, list(new))
    after = [
        (
            row,
            (
                *_seen(sight, row, row["key"] in changed, row["key"] in outdone),
                since.get(row["key"], row["since"]),
                sight.silent if sight.compare(row) >= 0 else bool(row["silent"]),
            ),
        )
        for sight, row in known
    ]
    again = [now for row, now in after if now[1:] != tuple(row[column] for column in _COLUMNS[1:])]
    if again:
        connection.execute(delete(SIGHTS).where(among(connection, SIGHTS.c.model_key, [row[0] for row in again])))
    insert_rows(connection, SIGHTS, _COLUMNS, again)


def _seen(sight: Sight, row: Row, changed: bool, outdone: bool) -> tuple[Any, ...]:
    """What is to be kept of a sight of a known model, as the table has it."""
    order = sight.compare(row)
    times = [time for time in (row["first_seen"], row["last_seen"], sight.seen) if time is not None]
    # What an earlier sight, or one of the same time, has added is in no single row.
    fingerprint = None if changed else row["fingerprint"]
    if order > 0 or (order == 0 and not outdone):
        fingerprint = sight.record.fingerprint or (fingerprint if order == 0 else None)
    source = sight.values[-1] if order >= 0 else row["source"] or sight.values[-1]
    return row["key"], min(times, default=None), max(times, default=None), source, fingerprint


def fingerprints(connection: Connection, seen: str) -> Fingerprints:
    """Those of models that nobody saw later than `seen`."""
    s = SIGHTS.c
    last = connection.scalar(select(func.max(s.model_key))) or 0
    pages = ((s.model_key > after, s.model_key <= after + _ROWS) for after in range(0, last, _ROWS))
    return Fingerprints.joined([_held(connection, seen, *page) for page in pages])


def saw_again(connection: Connection, rows: Fingerprints, *, seen: str, source: str) -> Ints:
    """Note that models were seen once more, by rows of these fingerprints; returns those of which that is true.

    Others have changed, or were seen later, since the fingerprints were read.
    """
    s = SIGHTS.c
    same = rows.alike(_held(connection, seen, among(connection, s.model_key, rows.keys.tolist())))
    if not len(same):
        return same
    touched = update(SIGHTS).where(among(connection, s.model_key, same.tolist()), s.last_seen < seen)
    connection.execute(
        touched.values(last_seen=bindparam("seen"), source=bindparam("by")), {"seen": seen, "by": source}
    )
    return same


def _held(connection: Connection, seen: str, *where: ColumnElement[bool]) -> Fingerprints:
    """The fingerprints of some models that nobody saw later than `seen`."""
    s = SIGHTS.c
    digits = func.hex(s.fingerprint) if connection.dialect.name == "sqlite" else func.encode(s.fingerprint, "hex")
    asked = select(as_text(s.model_key), as_text(digits, "")).where(s.fingerprint.is_not(None), s.last_seen <= seen)
    keys, sums = connection.execute(asked.where(*where)).one()
    return Fingerprints.of(ints(keys), bytes.fromhex(sums))
