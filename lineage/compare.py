"""What two registries say differently."""

import heapq
from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, Engine, select

from lineage.changes import Change, Changes, differences, told
from registry.database import reading
from registry.read import data_date
from registry.records import State
from registry.spans import Span, spans_now
from registry.tables import MODELS, SIGHTS, among

#: Models that are compared together.
_PAGE = 20_000


def compare(old: Engine, new: Engine, *, limit: int | None = None) -> Changes:
    """What changed from one registry to another: models are the same by their `_id`, else by their name.

    Models that only the older one holds are `missing`; new are those that only the newer one holds. Shows at most
    `limit` changes and new models.
    """
    with reading(old) as before, reading(new) as after:
        found: list[Change] = []
        met: set[int] = set()
        added: list[int] = []
        theirs_alone, mine_alone = _unlike(before, after)
        for page in _pages(mine_alone):
            spans = spans_now(after, page)
            held = _counterparts(before, after, spans)
            theirs = spans_now(before, list(held.values()))
            met.update(theirs)
            for key, span in spans.items():
                counterpart = theirs.get(held.get(key, 0))
                if counterpart is None:
                    added.append(key)
                else:
                    last = None if counterpart.silent else counterpart.until
                    found += differences(span.name, counterpart, span, last)
        day = data_date(before)
        found += _missing(before, [key for key in theirs_alone if key not in met])
        return told(after, found, since=(day or "")[:10], new=added, limit=limit)


def _unlike(before: Connection, after: Connection) -> tuple[list[int], list[int]]:
    """The models (keys) of the older registry and of the newer one, but for those that both have under one name by the
    very same row of a source. Of two registries of the whole Hub a week apart that leaves some 20,000 of 3 million."""
    left: tuple[list[int], list[int]] = ([], [])
    rows = heapq.merge(_fingerprints(before, 0), _fingerprints(after, 1))
    for _, group in groupby(rows, itemgetter(0)):
        alike = list(group)
        if len(alike) == 2 and alike[0][3] is not None and alike[0][3] == alike[1][3]:
            continue
        for _, side, key, _ in alike:
            left[side].append(key)
    return left


def _fingerprints(connection: Connection, side: int) -> Iterator[tuple[str, int, int, bytes | None]]:
    """The models that were ever seen, by name: name, side, key, and the fingerprint of the row that it is."""
    joined = MODELS.outerjoin(SIGHTS, SIGHTS.c.model_key == MODELS.c.key)
    rows = select(MODELS.c.repo_id, MODELS.c.key, SIGHTS.c.fingerprint).select_from(joined)
    rows = rows.where(MODELS.c.state != State.PLACEHOLDER).order_by(MODELS.c.repo_id)
    with connection.execute(rows, execution_options={"yield_per": _PAGE}) as result:
        for part in result.partitions():
            yield from ((row[0], side, row[1], row[2]) for row in part)


def _pages(keys: Sequence[int]) -> Iterator[Sequence[int]]:
    return (keys[at : at + _PAGE] for at in range(0, len(keys), _PAGE))


def _counterparts(before: Connection, after: Connection, spans: dict[int, Span]) -> dict[int, int]:
    """The keys that models of the newer registry have in the older one: by `_id`, else by name, unless that is
    another's there by its `_id`."""
    m = MODELS.c
    hub_ids = {row[0]: row[1] for row in after.execute(select(m.key, m.hub_id).where(among(after, m.key, spans)))}
    named = select(m.repo_id, m.key, m.hub_id).where(among(before, m.repo_id, {span.name for span in spans.values()}))
    by_name = {row.repo_id: row for row in before.execute(named)}
    known = select(m.hub_id, m.key).where(among(before, m.hub_id, {id for id in hub_ids.values() if id is not None}))
    by_hub_id = {row[0]: row[1] for row in before.execute(known)}
    found: dict[int, int] = {}
    for key, span in spans.items():
        mine, namesake = hub_ids[key], by_name.get(span.name)
        if mine in by_hub_id:
            found[key] = by_hub_id[mine]
        elif namesake is not None and (mine is None or namesake.hub_id is None):
            found[key] = namesake.key
    return found


def _missing(connection: Connection, keys: Sequence[int]) -> Iterator[Change]:
    for page in _pages(keys):
        for span in spans_now(connection, page).values():
            if span.state != State.GONE:
                yield Change(span.name, "missing", span.state, "not in the registry", span.until, None)
