"""Where the models of a family stand on its map: a disc in a disc for each branch; deterministic, no simulation.

A model stands at the first of the parents it names that is nearer to a root. What nothing was made from lies around
its parent like the seeds of a sunflower (Vogel, https://doi.org/10.1016/0025-5564(79)90080-4), so that the area of a
cloud is its number of models; each branch is a disc of its own beside that cloud, and the circle around them all is
the disc of the parent.
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from lineage.packing import Point, packed
from registry.columns import Flags, Ints, beginnings

Floats = NDArray[np.float64]

_GOLDEN = pi * (3 - sqrt(5))
#: The area that a parent takes in the middle of its cloud, in leaves, and what a cloud leaves free at its edge.
_MIDDLE, _EDGE = 3.5, 0.9
#: The radius of a parent without a cloud; how far a parent and its only leaf stand from the middle between them.
_ALONE, _PAIR = 1.2, sqrt(_MIDDLE) / 2


@dataclass(frozen=True, eq=False, slots=True)
class Tree:
    """A family as a tree: its models in the order of depth, `order` being their places among those that came.

    `up` is where the parent of each stands in that order, -1 for a root; `edge` which of the edges leads there.
    """

    order: Ints
    up: Ints
    edge: Ints


@dataclass(frozen=True, eq=False, slots=True)
class Layout:
    """Where models stand, in units of which a leaf's neighbour is about two away; the middle of all is (0, 0).

    `hubs` are those with something made from them, in order; `centre_x`, `centre_y` and `radius` the disc that holds
    each with all below it, in that order. `extent` is the radius of the circle around everything.
    """

    x: Floats
    y: Floats
    hubs: Ints
    centre_x: Floats
    centre_y: Floats
    radius: Floats
    extent: float


def tree(size: int, roots: Ints, child: Ints, parent: Ints) -> Tree:
    """The tree of a family of models 0…size-1; edges in the order in which a child names its parents.

    Every model must be reached from a root; cycles and edges of a model to itself do no harm.
    """
    depth = _depths(size, roots, child, parent)
    onward = np.flatnonzero(depth[parent] < depth[child])
    edge = np.full(size, -1, np.int64)
    edge[child[onward][::-1]] = onward[::-1]  # the first edge of a child is written last
    order = np.argsort(depth, kind="stable")
    position = np.empty(size, np.int64)
    position[order] = np.arange(size)
    edge = edge[order]
    up = np.where(edge < 0, -1, position[parent[edge]] if len(parent) else -1)
    return Tree(order, up, edge)


def layout(up: Ints, rank: Ints) -> Layout:
    """Where the models of a tree stand; `up` as of a `Tree`, `rank` the order of leaves around a parent from within.

    Takes O(n log n) time for n models.
    """
    size = len(up)
    below = np.bincount(up[up >= 0], minlength=size)
    is_hub = below > 0
    hubs = np.flatnonzero(is_hub)
    leaf = ~is_hub & (up >= 0)
    clouds = np.bincount(up[leaf], minlength=size)
    own = np.sqrt(clouds - 1 + _MIDDLE) + _EDGE
    own[clouds == 0] = _ALONE
    own[clouds == 1] = _PAIR + _EDGE
    tops = np.flatnonzero(is_hub | (up < 0))
    discs = _Discs(up, tops, own)
    x, y = discs.middle_x, discs.middle_y
    x[clouds == 1] -= _PAIR
    _scatter(up, rank, leaf, x, y)
    return Layout(x, y, hubs, discs.x[hubs], discs.y[hubs], discs.radius[hubs], discs.extent)


class _Discs:
    """The disc of each model in `tops` (those with a disc, parents first), and where its own cloud lies in it."""

    def __init__(self, up: Ints, tops: Ints, own: Floats) -> None:
        size = len(up)
        self.x, self.y, self.middle_x, self.middle_y = np.zeros((4, size))
        self.radius = own.copy()
        self._own = own.tolist()
        radius = self._own.copy()
        branches: dict[int, list[int]] = {}
        for hub, above in zip(tops.tolist(), up[tops].tolist(), strict=True):
            branches.setdefault(above, []).append(hub)
        places: dict[int, list[Point]] = {}
        for hub in reversed(tops.tolist()):
            if hub in branches:
                places[hub], radius[hub] = _together([self._own[hub], *(radius[at] for at in branches[hub])])
        roots = branches.get(-1, [])
        tops_placed, self.extent = _together([radius[at] for at in roots])
        centre = dict(zip(roots, tops_placed, strict=True))
        for hub in tops.tolist():
            x, y = centre.pop(hub)
            self.x[hub], self.y[hub], self.radius[hub] = x, y, radius[hub]
            cloud, *beside = places.get(hub, [(0.0, 0.0)])
            self.middle_x[hub], self.middle_y[hub] = x + cloud[0], y + cloud[1]
            for at, (dx, dy) in zip(branches.get(hub, ()), beside, strict=True):
                centre[at] = x + dx, y + dy


def _together(radii: list[float]) -> tuple[list[Point], float]:
    """Discs side by side, each with a margin, and the radius of the circle around them."""
    return packed([r + _margin(r) for r in radii])


def _margin(radius: float) -> float:
    """What a disc leaves free around it. A share of the radius would grow beyond all bounds down a long chain."""
    return 0.1 + 0.12 * sqrt(radius)


def _scatter(up: Ints, rank: Ints, leaf: Flags, x: Floats, y: Floats) -> None:
    """Put the leaves around their parents."""
    leaves = np.flatnonzero(leaf)
    leaves = leaves[np.lexsort((rank[leaves], up[leaves]))]
    above = up[leaves]
    number = np.arange(len(leaves)) - np.searchsorted(above, above)
    distance, angle = np.sqrt(number + _MIDDLE), number * _GOLDEN
    x[leaves] = x[above] + distance * np.cos(angle)
    y[leaves] = y[above] + distance * np.sin(angle)


def _depths(size: int, roots: Ints, child: Ints, parent: Ints) -> Ints:
    """How many steps each model is from the nearest root."""
    along = np.argsort(parent, kind="stable")
    start = beginnings(np.bincount(parent, minlength=size)).tolist()
    made = child[along].tolist()
    depth = [-1] * size
    level = roots.tolist()
    for root in level:
        depth[root] = 0
    steps = 0
    while level:
        steps += 1
        beyond = []
        for place in level:
            for one in made[start[place] : start[place + 1]]:
                if depth[one] < 0:
                    depth[one] = steps
                    beyond.append(one)
        level = beyond
    return np.array(depth, np.int64)
