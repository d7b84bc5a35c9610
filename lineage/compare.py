"""What two registries say differently."""

from collections.abc import Iterator

from sqlalchemy import Connection, Engine, select

from lineage.changes import Change, Changes, differences, told
from registry.database import reading
from registry.insert import keys_of
from registry.read import data_date
from registry.records import State
from registry.spans import Span, spans_now
from registry.tables import MODELS, among

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
        for page in _pages(after):
            spans = spans_now(after, page)
            held = _counterparts(before, after, spans)
            theirs = spans_now(before, list(held.values()))
            met.update(theirs)
            for key, span in spans.items():
                counterpart = theirs.get(held.get(key, 0))
                if counterpart is None:
                    added.append(key)
                else:
                    found += differences(span.name, counterpart, span)
        day = data_date(before)
        found += _missing(before, met)
        return told(after, found, since=(day or "")[:10], new=added, limit=limit)


def _pages(connection: Connection) -> Iterator[list[int]]:
    keys = list(connection.scalars(select(MODELS.c.key).where(MODELS.c.state != State.PLACEHOLDER)))
    yield from (keys[at : at + _PAGE] for at in range(0, len(keys), _PAGE))


def _counterparts(before: Connection, after: Connection, spans: dict[int, Span]) -> dict[int, int]:
    """The keys that models of the newer registry have in the older one."""
    m = MODELS.c
    ids = select(m.key, m.hub_id).where(among(after, m.key, spans), m.hub_id.is_not(None))
    hub_ids = {row.key: row.hub_id for row in after.execute(ids)}
    held = select(m.hub_id, m.key).where(among(before, m.hub_id, hub_ids.values()))
    by_hub_id = {row.hub_id: row.key for row in before.execute(held)}
    by_name = keys_of(before, (span.name for span in spans.values()))
    found = {key: by_hub_id.get(hub_ids.get(key, ""), by_name.get(span.name)) for key, span in spans.items()}
    return {key: counterpart for key, counterpart in found.items() if counterpart is not None}


def _missing(connection: Connection, met: set[int]) -> Iterator[Change]:
    for page in _pages(connection):
        for span in spans_now(connection, [key for key in page if key not in met]).values():
            if span.state != State.GONE:
                yield Change(span.name, "missing", span.state, "not in the registry", span.until, None)
