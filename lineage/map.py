"""A whole family as columns: where each model stands on the map, and what the map says of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Connection, Engine

from lineage.claims import Claims
from lineage.layout import Layout, Tree, layout, tree
from lineage.sayings import Said, sayings
from lineage.selection import Selection, select_models
from lineage.verdicts import Verdicts
from registry.bulk import Columns
from registry.columns import Ints
from registry.database import reading
from registry.names import find_roots
from registry.read import data_date


@dataclass(frozen=True, eq=False, slots=True)
class FamilyMap:
    """A family, each column in the order of depth, so that a model stands after its parent.

    `up` is the place of the parent at which a model stands, -1 for a root; `relation` that to it, by its number in
    `registry.bulk.RELATIONS`, -1 for a root. `day` counts from 1970-01-01, 0 where not known; `downloads` are those of
    the last 30 days, 0 where not known. `author` and `said` number what `authors` and `sayings` hold; -1 stands for no
    author. `about` is the ancestor whose terms decide the
    verdict, by its number among `ids` and then `others` (ancestors outside the family), -1 for none. `merges` holds
    the edges to all other parents: child, parent, relation.
    """

    asked: tuple[str, ...]
    data_date: str | None
    ids: list[str]
    up: Ints
    relation: Ints
    day: Ints
    downloads: Ints
    author: Ints
    authors: list[str]
    said: Ints
    sayings: list[Said]
    about: Ints
    others: list[str]
    merges: Ints
    layout: Layout

    def members(self) -> Ints:
        """How many models stand in the disc of each, itself included."""
        count = np.ones(len(self.up), np.int64).tolist()
        for at, above in zip(range(len(count) - 1, -1, -1), self.up[::-1].tolist(), strict=True):
            if above >= 0:
                count[above] += count[at]
        return np.array(count, np.int64)


def family_map(engine: Engine, *roots: str) -> FamilyMap:
    """Place the family of `roots` (names, or `author:NAME` for all models of an author), however large it is.

    Raises UnknownModel for a name that means no model.
    """
    with reading(engine) as connection:
        return _mapped(connection, roots)


def _mapped(connection: Connection, roots: Sequence[str]) -> FamilyMap:
    asked = find_roots(connection, roots)[0]
    selected = select_models(connection, Selection(families=tuple(roots)))
    columns = selected.columns
    places = np.sort(selected.family)
    child, parent, relation = _inner(columns, places)
    days = _days(columns.texts(places, "created_at"))
    tops = np.searchsorted(places, np.sort(np.fromiter(selected.roots, np.int64)))
    shape = tree(len(places), tops, child, parent)
    places, days = places[shape.order], days[shape.order]
    of_edge = np.append(relation, -1)[shape.edge]
    author, authors = _numbered(columns.texts(places, "author"))
    ids = columns.ids(places)
    said, found, about, others = _judged(Verdicts(columns, Claims(columns)), places)
    return FamilyMap(
        asked=asked,
        data_date=data_date(connection),
        ids=ids,
        up=shape.up,
        relation=of_edge,
        day=days,
        downloads=columns.downloads[places],
        author=author,
        authors=authors,
        said=said,
        sayings=found,
        about=about,
        others=others,
        merges=_merges(shape, child, parent, relation),
        layout=layout(shape.up, _rings(of_edge, days)),
    )


def _inner(columns: Columns, places: Ints) -> tuple[Ints, Ints, Ints]:
    """The edges among some models: child, parent (by their numbers among `places`), relation."""
    among = np.zeros(len(columns.keys), np.bool_)
    among[places] = True
    inner = among[columns.child] & among[columns.parent]
    number = np.cumsum(among) - 1
    return number[columns.child[inner]], number[columns.parent[inner]], columns.relation[inner]


def _merges(shape: Tree, child: Ints, parent: Ints, relation: Ints) -> Ints:
    """The edges that the tree leaves out, by places in its order."""
    left = np.ones(len(child), np.bool_)
    left[shape.edge[shape.edge >= 0]] = False
    position = np.empty(len(shape.order), np.int64)
    position[shape.order] = np.arange(len(shape.order))
    return np.stack([position[child[left]], position[parent[left]], relation[left]])


def _rings(relation: Ints, days: Ints) -> Ints:
    """The order of leaves around a parent: relation by relation, and in each the oldest innermost, as a tree grows."""
    order = np.lexsort((days, relation))
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _days(times: Iterable[str | None]) -> Ints:
    """Days since 1970-01-01, 0 where a time is not known."""
    return np.array([time[:10] if time else "1970-01-01" for time in times], "datetime64[D]").astype(np.int64)


def _numbered(texts: Sequence[str | None]) -> tuple[Ints, list[str]]:
    """Numbers of texts, -1 for none, and the texts in order."""
    known = {text: number for number, text in enumerate(sorted({text for text in texts if text}))}
    return np.array([known[text] if text else -1 for text in texts], np.int64), list(known)


def _judged(verdicts: Verdicts, places: Ints) -> tuple[Ints, list[Said], Ints, list[str]]:
    """What the rules say of some models, and which ancestor decides that (see FamilyMap)."""
    columns = verdicts.columns
    said, found, ancestors = sayings(verdicts, places)
    number = np.full(len(columns.keys) + 1, -1, np.int64)
    number[places] = np.arange(len(places))
    outside = np.unique(ancestors[(ancestors >= 0) & (number[ancestors] < 0)])
    number[outside] = np.arange(len(places), len(places) + len(outside))
    return said, found, number[ancestors], columns.ids(outside)
