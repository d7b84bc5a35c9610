"""Edges on cycles: metadata is typed by people, and some of it goes round."""

import time
from collections.abc import Collection

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from registry.cycles import cyclic_edges, in_order
from tests.families import api_row, content, defects, edges, save


def cyclic(edges: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    return cyclic_edges(np.array(list(edges), np.int64).reshape(-1, 2))


def ring(length: int) -> list[tuple[int, int]]:
    return [(n, (n + 1) % length) for n in range(length)]


@pytest.mark.parametrize("length", [2, 3, 50, 5_000])
def test_a_ring_is_a_cycle_with_all_its_edges_and_nothing_beside_it(length: int) -> None:
    tails = [(0, length + 1), (length + 1, length + 2), (length + 3, 1)]
    assert cyclic([*ring(length), *tails]) == set(ring(length))


def test_two_rings_and_the_bridge_between_them() -> None:
    other = [(child + 10, parent + 10) for child, parent in ring(4)]
    assert cyclic([*ring(3), (0, 10), *other]) == {*ring(3), *other}


def test_no_edges_and_a_diamond_have_no_cycle() -> None:
    assert cyclic([]) == set()
    assert cyclic([(1, 2), (1, 3), (2, 4), (3, 4)]) == set()


def test_a_deep_chain_takes_no_recursion_and_little_time() -> None:
    start = time.perf_counter()
    assert cyclic([(n, n + 1) for n in range(100_000)]) == set()
    assert cyclic([(n + 1, n) for n in range(100_000)]) == set()
    deep = [*((n, n + 1) for n in range(100_000)), (100_000, 0)]
    assert len(cyclic(deep)) == 100_001
    assert time.perf_counter() - start < 10


@settings(max_examples=300)
@given(st.sets(st.tuples(st.integers(0, 12), st.integers(0, 12)).filter(lambda edge: edge[0] != edge[1]), max_size=40))
def test_the_answer_is_that_of_networkx(graph: set[tuple[int, int]]) -> None:
    whole: nx.DiGraph[int] = nx.DiGraph(list(graph))
    component = {node: n for n, part in enumerate(nx.strongly_connected_components(whole)) for node in part}
    assert cyclic(graph) == {(a, b) for a, b in graph if component[a] == component[b]}


@settings(max_examples=300)
@given(st.dictionaries(st.integers(0, 12), st.lists(st.integers(0, 14), max_size=3), max_size=12))
def test_all_come_after_their_parents_and_those_of_a_cycle_together(parents: dict[int, list[int]]) -> None:
    whole: nx.DiGraph[int] = nx.DiGraph((parent, child) for child, above in parents.items() for parent in above)
    whole.add_nodes_from(parents)
    parts = list(in_order(parents))
    assert sorted(parts) == sorted(tuple(sorted(part)) for part in nx.strongly_connected_components(whole))
    turn = {key: n for n, part in enumerate(parts) for key in part}
    assert all(turn[parent] <= turn[child] for parent, child in whole.edges)


@pytest.mark.parametrize("length", [2, 50])
def test_each_edge_of_a_cycle_is_kept_and_is_a_defect(registry: Engine, length: int) -> None:
    rows = [api_row(f"me/M{child}", [f"me/M{parent}"]) for child, parent in ring(length)]
    save(registry, [*rows, api_row("you/Below", ["me/M0"])])
    assert len(edges(registry)) == length + 1
    expected = {(f"me/M{child}", "cycle", f"me/M{parent}") for child, parent in ring(length)}
    assert defects(registry) == expected


def test_a_cycle_that_was_mended_is_no_defect_any_more(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["b/B"]), api_row("b/B", ["a/A"])])
    assert {row[1] for row in content(registry)["defects"]} == {"cycle"}
    save(registry, [api_row("b/B")], seen="2026-02-01T00:00:00Z")
    assert edges(registry) == {("a/A", "b/B"): "both"}
    assert defects(registry) == set()


def test_a_cycle_through_a_recovered_name(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["B/b"], tags=[]), api_row("b/B", ["a/A"])])
    assert defects(registry) == {("a/A", "cycle", "B/b"), ("b/B", "cycle", "a/A")}
