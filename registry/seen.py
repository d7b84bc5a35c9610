"""When and by whom models were seen, and which rows of a source say nothing but that.

A model keeps the fingerprint of the raw row that its facts and parents are. A row of the same fingerprint that was
seen later would change nothing else, so it need not even be read.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update

from registry.database import plain_rows
from registry.fingerprints import Fingerprints
from registry.identity import Row
from registry.insert import insert_rows
from registry.sights import Sight, Sights
from registry.tables import SIGHTS, among

#: Rows that are read at once.
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
    return Fingerprints(_by_key(connection, seen))


def _by_key(connection: Connection, seen: str) -> Iterator[Sequence[tuple[Any, ...]]]:
    s = SIGHTS.c
    known = (s.model_key > bindparam("after"), s.fingerprint.is_not(None), s.last_seen <= seen)
    held = select(s.model_key, s.fingerprint).where(*known).order_by(s.model_key).limit(_ROWS)
    after = -1
    while part := plain_rows(connection, held, {"after": after}):
        yield part
        after = part[-1][0]


def saw_again(connection: Connection, rows: Mapping[int, bytes], *, seen: str, source: str) -> set[int]:
    """Note that models (keys) were seen once more, by rows of these fingerprints; returns those of which that is true.

    Others have changed, or were seen later, since the fingerprints were read.
    """
    s = SIGHTS.c
    held = select(s.model_key, s.fingerprint, s.last_seen).where(among(connection, s.model_key, rows))
    same = {
        key: last_seen
        for key, fingerprint, last_seen in plain_rows(connection, held)
        if fingerprint == rows[key] and last_seen is not None and last_seen <= seen
    }
    if older := [key for key, last_seen in same.items() if last_seen < seen]:
        touched = update(SIGHTS).where(among(connection, s.model_key, older))
        connection.execute(
            touched.values(last_seen=bindparam("seen"), source=bindparam("by")), {"seen": seen, "by": source}
        )
    return set(same)
