"""Which models are on the Hub, as far as is known."""

from collections.abc import Iterable

from sqlalchemy import Connection, func, or_, select

from registry.records import State
from registry.tables import MODELS, among


def count_listed(connection: Connection) -> int:
    """How many models are on the Hub, as far as is known."""
    return connection.scalar(select(func.count()).select_from(MODELS).where(MODELS.c.state == State.LISTED)) or 0


def not_seen_since(connection: Connection, time: str) -> list[tuple[str, str | None, str | None]]:
    """The id, `_id` and gating of all models that are on the Hub as far as is known, but were not seen since `time`."""
    m = MODELS.c
    earlier = or_(m.last_seen.is_(None), m.last_seen < time)
    rows = select(m.repo_id, m.hub_id, m.gated).where(m.state == State.LISTED, earlier).order_by(m.repo_id)
    return [(name, hub_id, gated) for name, hub_id, gated in connection.execute(rows)]


def listed_among(connection: Connection, names: Iterable[str]) -> dict[str, tuple[str | None, str | None]]:
    """The `_id` and gating of those of these models that are on the Hub as far as is known."""
    m = MODELS.c
    rows = select(m.repo_id, m.hub_id, m.gated).where(among(connection, m.repo_id, names), m.state == State.LISTED)
    return {name: (hub_id, gated) for name, hub_id, gated in connection.execute(rows)}
