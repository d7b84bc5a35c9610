"""Which models are on the Hub, as far as is known."""

from collections.abc import Iterable

from sqlalchemy import Connection, exists, func, select

from registry.records import ModelRecord, State
from registry.tables import MODELS, SIGHTS, among

_HELD = select(MODELS.c.repo_id, MODELS.c.hub_id, MODELS.c.gated)


def count_listed(connection: Connection) -> int:
    """How many models are on the Hub, as far as is known."""
    return connection.scalar(select(func.count()).select_from(MODELS).where(MODELS.c.state == State.LISTED)) or 0


def not_seen_since(connection: Connection, time: str) -> list[ModelRecord]:
    """All models that are on the Hub as far as is known, but were not seen since `time`: name, `_id` and gating."""
    m = MODELS.c
    later = exists().where(SIGHTS.c.model_key == m.key, SIGHTS.c.last_seen >= time)
    rows = connection.execute(_HELD.where(m.state == State.LISTED, ~later).order_by(m.repo_id))
    return [ModelRecord(name, hub_id=hub_id, gated=gated) for name, hub_id, gated in rows]


def listed_among(connection: Connection, names: Iterable[str]) -> dict[str, ModelRecord]:
    """Those of these models that are on the Hub as far as is known: name, `_id` and gating."""
    rows = connection.execute(_HELD.where(among(connection, MODELS.c.repo_id, names), MODELS.c.state == State.LISTED))
    return {name: ModelRecord(name, hub_id=hub_id, gated=gated) for name, hub_id, gated in rows}


def was_seen(connection: Connection, name: str) -> bool:
    """Whether a model of this id was ever seen."""
    seen = exists().where(MODELS.c.repo_id == name, MODELS.c.state != State.PLACEHOLDER)
    return bool(connection.scalar(select(seen)))
