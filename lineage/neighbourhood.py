"""A model among its relatives: what it was made from, what was made from it, and what is said of each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from sqlalchemy import Connection, Engine

from lineage.claims import Claims
from lineage.family import Edge
from lineage.outline import outline
from lineage.sayings import Said, sayings
from lineage.verdicts import Verdicts
from registry.bulk import gathered
from registry.database import reading
from registry.families import DOWNLOADS, FACTS, FAR, NEAR, Link, links
from registry.names import find_model
from registry.read import briefs, data_date, steps_of, walk
from registry.records import RegistryError


@dataclass(frozen=True, slots=True)
class Node:
    """A model of a neighbourhood.

    `depth` counts steps from the model asked for, below 0 for ancestors; `via` is the neighbour nearer to it by which
    it was reached first. `downloads`: last 30 days; `created_at`: ISO 8601 in UTC. `said` is its licence verdict,
    `cause` the ancestor whose terms decide that.
    """

    id: str
    depth: int
    via: str | None
    state: str
    author: str | None
    downloads: int | None
    created_at: str | None
    said: Said
    cause: str | None


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """Models around `model`, nearest first: itself, its ancestors, its descendants; and all edges among them.

    `total` counts the models that were selected, of which those beyond a limit are not in `nodes`.
    """

    SCHEMA: ClassVar[str] = "finetune-lineage/graph/1"

    model: str
    asked: str
    total: int
    data_date: str | None
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


class Wish(NamedTuple):
    """Which relatives are wanted: ancestors (`up`), descendants (`down`), at most `depth` steps away, by edges of some
    `relations`; of descendants those with so many downloads, or by these authors, and what leads to them; the first
    `limit`, the model itself counted in; or only what lies between the model and its ancestor `why`."""

    up: bool = True
    down: bool = True
    depth: int | None = None
    relations: Sequence[str] = ()
    min_downloads: int = 0
    authors: Collection[str] = ()
    limit: int | None = None
    why: str | None = None


#: A model that was reached: its key, steps from the model asked for, and the key of the one it was reached from.
_Reached = tuple[int, int, int]


def neighbourhood(engine: Engine, model: str, wish: Wish = Wish()) -> Neighbourhood:  # noqa: B008 - a frozen value
    """The relatives of `model` that are wanted.

    Raises UnknownModel for a name that means no model, RegistryError where `wish.why` is no ancestor.
    """
    with reading(engine) as connection:
        found = find_model(connection, model)
        reached = list(_reached(connection, found.key, wish))
        shown = reached if wish.limit is None else reached[: wish.limit - 1]
        keys = [found.key, *(key for key, _, _ in shown)]
        near = {key: (depth, via) for key, depth, via in shown}
        among = set(keys)
        names = briefs(connection, keys)
        edges = [
            Edge(names[step.child].id, names[step.parent].id, step.relation, step.evidence, step.declared)
            for step in steps_of(connection, keys)
            if step.parent in among and (not wish.relations or step.relation in wish.relations)
        ]
        said, causes = _said(connection, keys)
        date = data_date(connection)
    nodes = []
    for key in keys:
        brief, (depth, via) = names[key], near.get(key, (0, None))
        nodes.append(
            Node(
                id=brief.id,
                depth=depth,
                via=None if via is None else names[via].id,
                state=brief.state,
                author=brief.author,
                downloads=brief.downloads,
                created_at=brief.created_at,
                said=said[key],
                cause=causes.get(key),
            )
        )
    return Neighbourhood(names[found.key].id, found.label, 1 + len(reached), date, tuple(nodes), tuple(edges))


def _reached(connection: Connection, start: int, wish: Wish) -> Iterable[_Reached]:
    """The relatives in order: ancestors first, each side nearest first."""
    met = {start}
    for up in (True, False):
        if not (up if wish.why is not None else wish.up if up else wish.down):
            continue
        found = links(connection, [start], up=up, relations=wish.relations, facts=("author",))
        levels = outline([start], found, up=up, depth=wish.depth).levels
        if wish.why is not None:
            levels = _kept(levels, _between(connection, start, wish.why, found))
        elif not up and (wish.min_downloads or wish.authors):
            levels = _kept(levels, _wanted(levels, wish))
        for steps, level in enumerate(levels, 1):
            for link in level:
                if link[FAR] not in met:
                    met.add(link[FAR])
                    yield link[FAR], -steps if up else steps, link[NEAR]


def _kept(levels: Sequence[Sequence[Link]], keys: Collection[int]) -> list[list[Link]]:
    return [[link for link in level if link[FAR] in keys] for level in levels]


def _between(connection: Connection, start: int, ancestor: str, found: Iterable[Link]) -> set[int]:
    """What stands between a model and an ancestor, by edges that lead up; the ancestor included."""
    end = find_model(connection, ancestor)
    below: dict[int, list[int]] = defaultdict(list)
    for link in found:
        below[link[FAR]].append(link[NEAR])
    if end.key not in below:
        raise RegistryError(f"{end.repo_id} is no ancestor of this model: see `lineage ancestors`")
    met, todo = {end.key}, [end.key]
    while todo:
        new = {key for key in below.get(todo.pop(), ()) if key not in met}
        met |= new
        todo += new
    return met


def _wanted(levels: Sequence[Sequence[Link]], wish: Wish) -> set[int]:
    """The descendants that are asked for, and what leads to them."""
    owners = {author.casefold() for author in wish.authors}
    wanted: set[int] = set()
    for level in reversed(levels):
        for link in level:
            mine = not owners or (link[FACTS] or "").casefold() in owners
            if link[FAR] in wanted or (mine and link[DOWNLOADS] >= wish.min_downloads):
                wanted |= {link[FAR], link[NEAR]}
    return wanted


def _said(connection: Connection, keys: Sequence[int]) -> tuple[dict[int, Said], dict[int, str]]:
    """What is said of models, and the ancestors (ids) that decide it, by key."""
    columns = gathered(*walk(connection, keys, up=True))
    places = columns.places(keys)
    number, said, about = sayings(Verdicts(columns, Claims(columns), some=places), places)
    pointed = np.flatnonzero(about >= 0)
    causes = columns.ids(about[pointed])
    return (
        {key: said[at] for key, at in zip(keys, number.tolist(), strict=True)},
        {keys[at]: cause for at, cause in zip(pointed.tolist(), causes, strict=True)},
    )
