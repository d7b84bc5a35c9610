"""Numbers about the whole registry, each by one scan: 3 million models are read, and few of them told."""

from sqlalchemy import ColumnElement, Connection, Subquery, cast, func, literal_column, select

from registry.read import labels
from registry.records import Relation
from registry.tables import DERIVATIONS, MODELS

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


def most_children(connection: Connection, limit: int | None = None) -> Ranking:
    """The models from which others were made, by the number of those made directly."""
    d = DERIVATIONS.c
    number = func.count(d.child_key.distinct()).label("number")
    inner = select(d.parent_key, number).where(d.parent_key.is_not(None)).group_by(d.parent_key).subquery()
    least, total = _least(connection, inner, limit)
    rows = select(MODELS.c.repo_id, inner.c.number).join(inner, inner.c.parent_key == MODELS.c.key)
    ranked = rows.where(inner.c.number >= least).order_by(inner.c.number.desc(), MODELS.c.repo_id).limit(limit)
    return [(name, children) for name, children in connection.execute(ranked)], total


def _least(connection: Connection, counted: Subquery, limit: int | None) -> tuple[int, int]:
    """The number that the last of the first `limit` rows has, and how many rows there are: so that the names of a few
    models are looked up, not of half a million."""
    number = counted.c.number
    rows = connection.execute(select(number, func.count()).group_by(number).order_by(number.desc()))
    least, total = 0, 0
    for value, models in rows:
        if limit is None or total < limit:
            least = value
        total += models
    return least, total
