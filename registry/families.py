"""Families by recursive queries: the models that can be reached from some, and the edges that lead there."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import CTE, BindParameter, Connection, Integer, Select, bindparam, func, literal, select

from registry.database import plain_rows, read_in_place
from registry.records import State
from registry.tables import DERIVATIONS, MODELS, listed, one_of

RELATIONS: BindParameter[Any] = bindparam("relations", expanding=True)
DEPTH: BindParameter[Any] = bindparam("depth", type_=Integer)
EVIDENCE = func.coalesce(DERIVATIONS.c.recovery, DERIVATIONS.c.origin)

#: An edge as a plain row, since a family can have hundreds of thousands: the keys of the model it leads on from and of
#: the one it leads to, the parent's position among those that the child declares, downloads (0 where not known) and id
#: of the model it leads to; then the facts that were asked for.
Link = tuple[Any, ...]
NEAR, FAR, POSITION, DOWNLOADS, ID, FACTS = range(6)


def links(
    connection: Connection,
    roots: Sequence[int],
    *,
    up: bool,
    depth: int | None = None,
    relations: Sequence[str] = (),
    facts: tuple[str, ...] = (),
) -> Sequence[Link]:
    """The edges onward from `roots`, in no order: what a family's shape and its numbers follow from.

    `facts` name columns of the model that an edge leads to, the edge's `relation`, `evidence` or name as `declared`, or
    whether that model is `gone`; `depth` and `relations` as in `registry.read.walk`.
    """
    dialect = connection.dialect.name
    statement = _links(dialect, up=up, bounded=depth is not None, related=bool(relations), facts=facts)
    values = listed(dialect, roots) | {"depth": depth, "relations": list(relations)}
    if not up:
        read_in_place(connection)
    return plain_rows(connection, statement, values)


@cache
def _links(dialect: str, *, up: bool, bounded: bool, related: bool, facts: tuple[str, ...]) -> Select[Any]:
    """The statement of `links`; building it takes longer than a short answer to it."""
    d, m = DERIVATIONS.c, MODELS.c
    here, there = (d.child_key, d.parent_key) if up else (d.parent_key, d.child_key)
    known = {"relation": d.relation, "evidence": EVIDENCE, "declared": d.name, "gone": m.state == State.GONE}
    columns = [known[fact] if fact in known else m[fact] for fact in facts]
    cte = reach(dialect, up=up, bounded=bounded, related=related)
    statement = (
        select(here, there, d.position, func.coalesce(m.downloads, 0), m.repo_id, *columns)
        .join_from(DERIVATIONS, MODELS, m.key == there)
        .where(here.in_(within(cte, bounded=bounded)), there.is_not(None))
    )
    return statement.where(d.relation.in_(RELATIONS)) if related else statement


def reached(connection: Connection, roots: Sequence[int], *, up: bool = False) -> Sequence[int]:
    """The keys of `roots` and of all that was made from them, or (`up`) that they were made from, in no order."""
    dialect = connection.dialect.name
    return connection.execute(_reached(dialect, up=up), listed(dialect, roots)).scalars().all()


@cache
def _reached(dialect: str, *, up: bool) -> Select[int]:
    return select(reach(dialect, up=up).c.key)


def within(cte: CTE, *, bounded: bool) -> Select[Any]:
    """The keys of `reach` from which an edge leads on. To be used with IN: in a join SQLite would scan all derivations
    and look each up among the keys."""
    return select(cte.c.key).where(cte.c.depth < DEPTH) if bounded else select(cte.c.key)


def reach(dialect: str, *, up: bool, bounded: bool = False, related: bool = False) -> CTE:
    """The keys that can be reached from some, these included, as a recursive query: executed with what `listed` makes
    of those. Cycles end by themselves."""
    d = DERIVATIONS.c
    here, there = (d.child_key, d.parent_key) if up else (d.parent_key, d.child_key)
    start = one_of(dialect, MODELS.c.key)
    if bounded:
        cte = select(MODELS.c.key, literal(0).label("depth")).where(start).cte("reach", recursive=True)
        onward = select(there, cte.c.depth + 1).where(here == cte.c.key, there.is_not(None), cte.c.depth < DEPTH)
    else:
        cte = select(MODELS.c.key).where(start).cte("reach", recursive=True)
        onward = select(there).where(here == cte.c.key, there.is_not(None))
    if related:
        onward = onward.where(d.relation.in_(RELATIONS))
    return cte.union(onward)
