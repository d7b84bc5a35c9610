"""Numbers about the whole registry, each by one scan: 3 million models are read, and few of them told."""

from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, cast, func, literal_column, select

from registry.read import labels
from registry.records import Relation
from registry.tables import DERIVATIONS, MODELS, among

if TYPE_CHECKING:
    from registry.columns import Ints

# Written out as the indexes have them: with bound values SQLite could not tell that an index holds what is asked for.
_SEEN: ColumnElement[bool] = literal_column("state != 'placeholder'")
_MONTH: ColumnElement[str] = literal_column("substr(created_at, 1, 7)")

#: The first rows of a ranking, and how many rows it has in all.
Ranking = tuple[list[tuple[str, int]], int]


def models_alike(connection: Connection) -> list[tuple[str, tuple[str, ...] | None, str | None, str | None, int]]:
    """How many models are alike in state, licences, license_name and month of creation (`YYYY-MM`): these, and the
    number."""
    m = MODELS.c
    columns = (m.licenses, m.license_name, _MONTH, m.state)
    rows = connection.execute(select(*columns, func.count()).group_by(*columns))
    return [(state, labels(stored), name, month, number) for stored, name, month, state, number in rows]


def models_by_author(connection: Connection, limit: int | None) -> Ranking:
    """How many models that were seen each author has, the most first."""
    m = MODELS.c
    inner = select(m.author, func.count().label("number")).where(_SEEN).group_by(m.author).subquery()
    author, number = func.coalesce(inner.c.author, "not known"), inner.c.number
    rows = select(author, number, func.count().over()).order_by(number.desc(), cast(author, m.repo_id.type))
    found = connection.execute(rows.limit(limit)).all()
    return [(name, models) for name, models, _ in found], found[0][2] if found else 0


def edges_by_relation(connection: Connection) -> dict[str, int]:
    """Edges by relation."""
    d = DERIVATIONS.c
    numbers = [func.count().filter(d.relation == relation) for relation in Relation]
    row = connection.execute(select(*numbers).where(d.parent_key.is_not(None))).one()
    return {str(relation): number for relation, number in zip(Relation, row, strict=True) if number}


def most_children(connection: Connection, edges: "Ints", limit: int | None = None) -> Ranking:
    """The models from which others were made, by the number of those made directly; `edges` are all there are, as
    rows of child key and parent key.

    Counted here in 0.1 s for 3.1 million models, where SQLite takes 0.3 s and PostgreSQL 1.5 s. Only the ids of the few
    that may be among the first are looked up, not of half a million.
    """
    import numpy as np  # noqa: PLC0415 - 100 ms that other numbers need not pay

    from registry.columns import distinct  # noqa: PLC0415 - it needs numpy

    pairs = distinct(edges[:, 1] << 32 | edges[:, 0])  # keys have 31 bits: on a server they are integers
    parents, children = np.unique(pairs >> 32, return_counts=True)
    shown = children.size if limit is None else min(limit, children.size)
    least = np.sort(children)[children.size - shown] if shown else np.inf
    likely = children >= least
    keys, numbers = parents[likely].tolist(), children[likely].tolist()
    rows = connection.execute(select(MODELS.c.key, MODELS.c.repo_id).where(among(connection, MODELS.c.key, keys)))
    ids = {row[0]: row[1] for row in rows}
    ranked = sorted((-number, ids[key]) for key, number in zip(keys, numbers, strict=True))
    return [(id, -number) for number, id in ranked[:shown]], children.size
