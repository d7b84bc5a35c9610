"""The layout of a map: every model has a place, the same each time, and no disc lies over another."""

from time import perf_counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.layout import Layout, Tree, layout, tree
from lineage.packing import packed
from registry.columns import Ints
from tests.lineage.calls import Graph, graphs

_TINY = 1e-6


def placed(size: int, roots: list[int], edges: list[tuple[int, int]]) -> tuple[Tree, Layout]:
    """The layout of edges (child, parent)."""
    child, parent = np.array(sorted(edges), np.int64).reshape(-1, 2).T
    shape = tree(size, np.array(roots, np.int64), child, parent)
    return shape, layout(shape.up, np.arange(size))


def grown(size: int, seed: int = 7) -> list[tuple[int, int]]:
    """A family in which who has many children gets more."""
    random = np.random.default_rng(seed)
    parents: list[int] = [0]
    for n in range(1, size):
        chosen = int(random.integers(0, n))
        parents.append(parents[chosen] if random.random() < 0.75 else chosen)
    return [(n, parents[n]) for n in range(1, size)]


def discs_of(shape: Tree, where: Layout) -> list[tuple[int, float, float, float]]:
    """The branches: place of the parent, centre, radius."""
    columns = (shape.up[where.hubs], where.centre_x, where.centre_y, where.radius)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def check(radii: list[float]) -> float:
    """Check that no disc lies over another and that the circle holds them; the share of it that they fill."""
    centres, extent = packed(radii)
    xs, ys = np.array(centres).T
    rs = np.array(radii)
    apart = np.hypot(xs[:, None] - xs, ys[:, None] - ys) - (rs[:, None] + rs)
    np.fill_diagonal(apart, 0)
    assert apart.min() >= -_TINY * rs.max()
    assert (np.hypot(xs, ys) + rs).max() <= extent * (1 + _TINY)
    return float((rs**2).sum() / extent**2)


@given(st.lists(st.floats(0.5, 500), min_size=1, max_size=60))
def test_packed_discs_do_not_overlap_and_the_circle_holds_them(radii: list[float]) -> None:
    check(radii)


@pytest.mark.parametrize("size", [3, 4, 5, 7, 40, 1_500])
def test_discs_fill_much_of_their_circle(size: int) -> None:
    assert check([1.0] * size) > 0.5
    assert check((np.random.default_rng(3).pareto(1.5, size) + 1).tolist()) > 0.55


def test_a_large_disc_grows_by_no_more_than_small_ones_need() -> None:
    assert packed([1.0, 1_000.0])[1] == 1_001
    assert packed([1.0, 1_000.0, 2.0, 1.5])[1] < 1_004


@pytest.mark.parametrize("size", [1, 2, 3, 40, 3_000])
def test_branches_do_not_overlap_and_lie_within_their_parents(size: int) -> None:
    shape, where = placed(size, [0], grown(size))
    branches: dict[int, list[tuple[float, float, float]]] = {}
    around = {hub: disc[1:] for hub, disc in zip(where.hubs.tolist(), discs_of(shape, where), strict=True)}
    for above, *disc in discs_of(shape, where):
        branches.setdefault(above, []).append((disc[0], disc[1], disc[2]))
    for above, discs in branches.items():
        for n, (ax, ay, ar) in enumerate(discs):
            if above >= 0:
                x, y, r = around[above]
                assert np.hypot(ax - x, ay - y) + ar <= r + _TINY
            for bx, by, br in discs[n + 1 :]:
                assert np.hypot(ax - bx, ay - by) >= ar + br - _TINY
    assert (np.hypot(where.x, where.y) <= where.extent + _TINY).all()


def test_every_model_has_a_place_of_its_own_in_the_disc_of_its_parent() -> None:
    shape, where = placed(3_000, [0], grown(3_000))
    assert sorted(shape.order.tolist()) == list(range(3_000))
    assert len(set(zip(where.x.round(3).tolist(), where.y.round(3).tolist(), strict=True))) == 3_000
    hub = np.full(3_000, -1)
    hub[where.hubs] = np.arange(len(where.hubs))
    disc = hub[np.where(shape.up >= 0, shape.up, 0)]
    far = np.hypot(where.x - where.centre_x[disc], where.y - where.centre_y[disc])
    assert (far < where.radius[disc]).all()


def test_the_area_of_a_cloud_is_its_number_of_models() -> None:
    radii = [placed(n + 1, [0], [(k, 0) for k in range(1, n + 1)])[1].extent for n in (1_000, 4_000, 16_000)]
    assert radii[1] / radii[0] == pytest.approx(2, rel=0.05)
    assert radii[2] / radii[1] == pytest.approx(2, rel=0.05)


def test_the_same_family_gets_the_same_map() -> None:
    (_, one), (_, other) = (placed(2_000, [0], grown(2_000)) for _ in range(2))
    assert one.x.tobytes() == other.x.tobytes()
    assert one.y.tobytes() == other.y.tobytes()
    assert one.radius.tobytes() == other.radius.tobytes()


@given(graphs(cyclic=True, most=9))
def test_cycles_and_edges_to_oneself_do_no_harm(graph: Graph) -> None:
    size = len(graph)
    edges = [(child, parent) for child, parents in graph.items() for parent in (*parents, child)]
    reached = {0}
    while more := {child for child, parent in edges if parent in reached} - reached:
        reached |= more
    roots = [0, *(n for n in range(size) if n not in reached)]
    shape, where = placed(size, roots, edges)
    assert np.isfinite(where.x).all()
    assert np.isfinite(where.y).all()
    place: Ints = np.argsort(shape.order)
    assert all(shape.up[place[root]] == -1 for root in roots)
    above = np.flatnonzero(shape.up >= 0)
    assert (shape.up[above] < above).all()
    named = {(child, parent) for child, parent in edges if child != parent}
    assert {(shape.order.item(n), shape.order.item(shape.up.item(n))) for n in above.tolist()} <= named


def test_a_merge_stands_at_the_first_parent_that_is_nearer_to_a_root() -> None:
    child, parent = np.array([1, 2, 3, 3]), np.array([0, 0, 2, 1])
    shape = tree(4, np.array([0]), child, parent)
    assert shape.order.tolist() == [0, 1, 2, 3]
    assert shape.up.tolist() == [-1, 0, 0, 2]
    assert shape.edge.tolist() == [-1, 0, 1, 2]


def test_a_chain_longer_than_the_stack_is_laid_out() -> None:
    size = 100_000
    start = perf_counter()
    shape, where = placed(size, [0], [(n, n - 1) for n in range(1, size)])
    assert perf_counter() - start < 60
    assert shape.up.tolist() == list(range(-1, size - 1))
    assert np.isfinite(where.x).all()
    assert np.isfinite(where.extent)
