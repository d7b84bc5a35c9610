"""What a registry has seen for the first time since a day."""

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, func, select

from registry.records import State
from registry.tables import MODELS, SIGHTS, among


@dataclass(frozen=True, slots=True)
class New:
    """A model that was seen first after a day; `downloads`: last 30 days."""

    id: str
    author: str | None
    created_at: str | None
    first_seen: str | None
    downloads: int | None


def count_new(connection: Connection, time: str | None, keys: Collection[int] | None = None) -> Counter[str | None]:
    """How many models that are there were first seen after `time` (if given; and of those with some keys, if
    given), by the day of their creation, else of the sight; None where neither is known."""
    day = func.substr(func.coalesce(MODELS.c.created_at, SIGHTS.c.first_seen), 1, 10)
    rows = select(day, func.count()).join_from(MODELS, SIGHTS, SIGHTS.c.model_key == MODELS.c.key)
    found = connection.execute(rows.where(*_new(connection, time, keys)).group_by(day))
    return Counter({row[0]: row[1] for row in found})


def new_models(
    connection: Connection, time: str | None, keys: Collection[int] | None = None, limit: int | None = None
) -> list[New]:
    """Those models, the most downloaded first."""
    m = MODELS.c
    columns = (m.repo_id, m.author, m.created_at, SIGHTS.c.first_seen, m.downloads)
    rows = select(*columns).join_from(MODELS, SIGHTS, SIGHTS.c.model_key == m.key)
    ranked = rows.order_by(func.coalesce(m.downloads, -1).desc(), m.repo_id).limit(limit)
    return [New(*row) for row in connection.execute(ranked.where(*_new(connection, time, keys)))]


def _new(connection: Connection, time: str | None, keys: Collection[int] | None) -> list[ColumnElement[bool]]:
    tests = [
        MODELS.c.state.in_((State.LISTED, State.REGISTERED)),
        *([] if time is None else [SIGHTS.c.first_seen > time]),
    ]
    return tests if keys is None else [*tests, among(connection, MODELS.c.key, keys)]
