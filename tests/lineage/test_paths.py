"""Paths from a model to an ancestor, and the ancestors that several models share."""

import random
import time
from itertools import pairwise

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from lineage.family import Edge, Paths, common_ancestors, paths
from lineage.formats.tree import tree
from registry.names import UnknownModel
from tests.families import api_row, emptied, family, save
from tests.lineage.calls import Graph, graph_rows, graphs, ladder, name, upward

DIAMOND = [
    api_row("x/Top", ["x/Long", "x/Left", "x/Right"], "merge"),
    api_row("x/Long", ["x/Left"]),
    api_row("x/Left", ["x/Base"]),
    api_row("x/Right", ["x/Base"], "adapter"),
    api_row("x/Base"),
]


def walked(path: tuple[Edge, ...]) -> tuple[str, ...]:
    """The models on a path; each edge goes on where the one before ended."""
    assert all(one.parent == other.child for one, other in pairwise(path))
    return (path[0].child, *(edge.parent for edge in path))


def shown(found: Paths) -> list[tuple[str, ...]]:
    return [walked(path) for path in found.paths]


def test_the_shortest_path_comes_first_then_as_declared(registry: Engine) -> None:
    save(registry, DIAMOND)
    found = paths(registry, "x/top", "x/base")
    assert (found.model, found.ancestor, found.total) == ("x/Top", "x/Base", 3)
    assert shown(found) == [
        ("x/Top", "x/Left", "x/Base"),
        ("x/Top", "x/Right", "x/Base"),
        ("x/Top", "x/Long", "x/Left", "x/Base"),
    ]
    assert [edge.relation for edge in found.paths[1]] == ["merge", "adapter"]


def test_a_limit_cuts_the_paths_but_not_their_number(registry: Engine) -> None:
    save(registry, DIAMOND)
    found = paths(registry, "x/Top", "x/Base", limit=1)
    assert (found.total, shown(found)) == (3, [("x/Top", "x/Left", "x/Base")])


def test_what_is_no_ancestor_has_no_paths(registry: Engine) -> None:
    save(registry, DIAMOND)
    assert paths(registry, "x/Base", "x/Top") == Paths("x/Base", "x/Top", 0, ())
    assert paths(registry, "x/Left", "x/Right").total == 0


def test_a_model_has_no_path_to_itself(registry: Engine) -> None:
    save(registry, DIAMOND)
    assert paths(registry, "x/Top", "X/TOP") == Paths("x/Top", "x/Top", 0, ())


def test_the_revision_asked_for_stays(registry: Engine) -> None:
    save(registry, DIAMOND)
    assert paths(registry, "x/Left@abc", "x/Base@def").model == "x/Left@abc"


@pytest.mark.parametrize("pair", [("x/Top", "x/No"), ("x/No", "x/Top")])
def test_unknown_names_are_refused(registry: Engine, pair: tuple[str, str]) -> None:
    save(registry, DIAMOND)
    with pytest.raises(UnknownModel, match="x/No"):
        paths(registry, *pair)


def test_paths_across_a_cycle_are_found_but_not_counted(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("x/Top", ["x/A"]),
            api_row("x/A", ["x/B", "x/Base"], "merge"),
            api_row("x/B", ["x/A", "x/Base"], "merge"),
            api_row("x/Base"),
        ],
    )
    found = paths(registry, "x/Top", "x/Base")
    assert found.total is None
    assert shown(found) == [("x/Top", "x/A", "x/Base"), ("x/Top", "x/A", "x/B", "x/Base")]


def test_a_cycle_elsewhere_does_not_keep_paths_from_being_counted(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("x/Top", ["x/Base", "x/Side"], "merge"),
            api_row("x/Base", ["x/A"]),
            api_row("x/Side", ["x/A"]),
            api_row("x/A", ["x/B"]),
            api_row("x/B", ["x/A"]),
        ],
    )
    assert paths(registry, "x/Top", "x/Base").total == 1


def test_a_trillion_paths_are_counted_and_the_first_ten_shown_at_once(registry: Engine) -> None:
    save(registry, ladder(40))
    start = time.monotonic()
    found = paths(registry, "x/Top", "x/Bottom", limit=10)
    assert time.monotonic() - start < 3
    assert found.total == 2**40
    assert len(set(shown(found))) == len(found.paths) == 10
    assert {len(path) for path in found.paths} == {82}


def test_a_path_longer_than_the_call_stack(deep_registry: Engine) -> None:
    found = paths(deep_registry, "c/3000", "c/0")
    assert (found.total, len(found.paths[0])) == (1, 3_000)
    assert len(tree(found).split("\n")) == 3_001


@given(graph=graphs(cyclic=False, most=8), limit=st.integers(1, 5))
def test_paths_are_those_that_networkx_finds(registry: Engine, graph: Graph, limit: int) -> None:
    engine = emptied(registry)
    save(engine, graph_rows(graph))
    last = name(len(graph) - 1)
    for other in map(name, range(len(graph) - 1)):
        expected = {tuple(path) for path in nx.all_simple_paths(upward(graph), last, other)}
        found = paths(engine, last, other, limit=None)
        assert set(shown(found)) == expected
        assert found.total == len(found.paths) == len(expected)
        assert [len(path) for path in found.paths] == sorted(map(len, found.paths))
        assert paths(engine, last, other, limit=limit).paths == found.paths[:limit]


@given(graph=graphs(cyclic=True, most=6))
def test_cycles_hide_no_path_and_invent_none(registry: Engine, graph: Graph) -> None:
    engine = emptied(registry)
    save(engine, graph_rows(graph))
    for other in map(name, range(1, len(graph))):
        expected = {tuple(path) for path in nx.all_simple_paths(upward(graph), name(0), other)}
        found = paths(engine, name(0), other, limit=None)
        assert set(shown(found)) == expected
        assert len(found.paths) == len(expected)
        assert found.total in {None, len(expected)}


@settings(max_examples=30)
@given(graph=graphs(cyclic=False, most=8), seed=st.integers(0, 99))
def test_the_order_of_rows_changes_no_path(registry: Engine, another: Engine, graph: Graph, seed: int) -> None:
    rows = graph_rows(graph)
    one, other = emptied(registry), emptied(another)
    save(one, rows)
    save(other, random.Random(seed).sample(rows, len(rows)))
    last = name(len(graph) - 1)
    assert paths(one, last, name(0)) == paths(other, last, name(0))
    assert common_ancestors(one, last, name(1)) == common_ancestors(other, last, name(1))


def shared(registry: Engine, *models: str) -> dict[str, tuple[bool, tuple[int, ...]]]:
    return {a.id: (a.nearest, a.depths) for a in common_ancestors(registry, *models).ancestors}


def test_common_ancestors_nearest_first(registry: Engine) -> None:
    family(registry, "a/Root\n a/Mid  mit\n  a/Left\n   a/Leaf\n  a/Right adapter\n a/Other\n")
    found = common_ancestors(registry, "a/leaf@abc", "a/Right")
    assert found.models == ("a/Leaf@abc", "a/Right")
    assert [a.id for a in found.ancestors] == ["a/Mid", "a/Root"]
    assert shared(registry, "a/Leaf", "a/Right") == {"a/Mid": (True, (2, 1)), "a/Root": (False, (3, 2))}
    assert (found.ancestors[0].licenses, found.ancestors[0].downloads) == (("mit",), 10)


def test_an_ancestor_of_the_other_is_the_nearest_they_share(registry: Engine) -> None:
    family(registry, "a/Root\n a/Mid\n  a/Leaf\n")
    assert shared(registry, "a/Mid", "a/Leaf") == {"a/Mid": (True, (0, 1)), "a/Root": (False, (1, 2))}
    assert shared(registry, "a/Leaf", "a/Root") == {"a/Root": (True, (2, 0))}


def test_two_ancestors_can_both_be_nearest(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("a/One"), api_row("b/Two"),
            api_row("x/M1", ["a/One", "b/Two"], "merge"), api_row("x/M2", ["b/Two", "a/One"], "merge"),
        ],
    )  # fmt: skip
    assert shared(registry, "x/M1", "x/M2") == {"a/One": (True, (1, 1)), "b/Two": (True, (1, 1))}


def test_an_ancestor_reached_around_a_nearer_one_is_not_nearest(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("a/Root"), api_row("a/Mid", ["a/Root"]),
            api_row("x/M1", ["a/Mid", "a/Root"], "merge"), api_row("x/M2", ["a/Mid"]),
        ],
    )  # fmt: skip
    assert shared(registry, "x/M1", "x/M2") == {"a/Mid": (True, (1, 1)), "a/Root": (False, (1, 2))}


def test_strangers_share_nothing(registry: Engine) -> None:
    family(registry, "a/Root\n a/Leaf\nb/Root\n b/Leaf\n")
    assert shared(registry, "a/Leaf", "b/Leaf") == {}


def test_what_three_models_share(registry: Engine) -> None:
    family(registry, "a/Root\n a/Mid\n  a/One\n  a/Two\n a/Three\n")
    assert shared(registry, "a/One", "a/Two", "a/Three") == {"a/Root": (True, (2, 2, 1))}


def test_one_model_shares_all_with_itself(registry: Engine) -> None:
    family(registry, "a/Root\n a/Mid\n")
    assert shared(registry, "a/Mid") == {"a/Mid": (True, (0,)), "a/Root": (False, (1,))}
    assert shared(registry, "a/Mid", "A/MID") == {"a/Mid": (True, (0, 0)), "a/Root": (False, (1, 1))}


@settings(max_examples=30)
@given(graph=graphs(cyclic=False, most=8))
def test_common_ancestors_are_those_of_networkx(registry: Engine, graph: Graph) -> None:
    engine = emptied(registry)
    save(engine, graph_rows(graph))
    drawn = upward(graph)
    one, other = name(len(graph) - 1), name(len(graph) // 2)
    both = (nx.descendants(drawn, one) | {one}) & (nx.descendants(drawn, other) | {other})
    found = shared(engine, one, other)
    assert found.keys() == both
    for ancestor, (nearest, depths) in found.items():
        away = tuple(nx.shortest_path_length(drawn, asked, ancestor) for asked in (one, other))
        assert depths == away
        assert nearest == (not nx.ancestors(drawn, ancestor) & both)
