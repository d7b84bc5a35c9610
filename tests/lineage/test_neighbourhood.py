"""The relatives of a model: which are meant, what is said of each, and how they are folded and placed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine

from lineage.family import ancestors, descendants
from lineage.folding import Folding, fold
from lineage.inheritance import inheritance
from lineage.neighbourhood import Neighbourhood, Wish, neighbourhood
from lineage.tidy import spots
from registry.names import UnknownModel
from registry.records import RegistryError
from tests.families import api_row, emptied, family, save
from tests.lineage.calls import Graph, graph_rows, graphs, name

WORLD = """
Qwen/Base  apache-2.0
  me/Tuned  mit
    you/LoRA  adapter  apache-2.0
    you/GGUF  quantized
    x/Merged
  me/Other  gemma
    x/Merged
      z/Last
  me/Gone  gone
"""


def ids(found: Neighbourhood) -> set[str]:
    return {node.id for node in found.nodes}


def test_both_sides_and_all_edges_among_them(registry: Engine) -> None:
    family(registry, WORLD)
    found = neighbourhood(registry, "me/tuned")
    assert {node.id: node.depth for node in found.nodes} == {
        "me/Tuned": 0, "Qwen/Base": -1, "you/LoRA": 1, "you/GGUF": 1, "x/Merged": 1, "z/Last": 2,
    }  # fmt: skip
    assert (found.model, found.total) == ("me/Tuned", 6)
    assert {(e.parent, e.child, e.relation) for e in found.edges} == {
        ("Qwen/Base", "me/Tuned", "finetune"), ("me/Tuned", "you/LoRA", "adapter"),
        ("me/Tuned", "you/GGUF", "quantized"), ("me/Tuned", "x/Merged", "merge"), ("x/Merged", "z/Last", "finetune"),
    }  # fmt: skip
    whole = neighbourhood(registry, "Qwen/Base")
    assert ("me/Other", "x/Merged") in {(e.parent, e.child) for e in whole.edges}  # not only the edge it was met by


def test_what_is_said_is_what_the_licence_command_says(registry: Engine) -> None:
    family(registry, WORLD)
    for node in neighbourhood(registry, "Qwen/Base").nodes:
        told = inheritance(registry, node.id)
        if node.state == "gone":
            assert (node.said.grade, node.said.verdict) == ("absent", "")
            continue
        said = (node.said.declared, node.said.effective, node.said.verdict, node.said.grade)
        assert said == (told.declared, told.effective, told.verdict, told.grade)
        assert node.cause is None or node.cause in {finding.ancestor for finding in told.findings}


@pytest.mark.parametrize(
    ("wish", "expected"),
    [
        (Wish(down=False), {"me/Tuned", "Qwen/Base"}),
        (Wish(up=False), {"me/Tuned", "you/LoRA", "you/GGUF", "x/Merged", "z/Last"}),
        (Wish(depth=1), {"me/Tuned", "Qwen/Base", "you/LoRA", "you/GGUF", "x/Merged"}),
        (Wish(relations=("adapter",)), {"me/Tuned", "you/LoRA"}),
        (Wish(authors=("Z",)), {"me/Tuned", "Qwen/Base", "x/Merged", "z/Last"}),
        (Wish(authors=("nobody",)), {"me/Tuned", "Qwen/Base"}),
        (Wish(min_downloads=11), {"me/Tuned", "Qwen/Base"}),
        (Wish(limit=2), {"me/Tuned", "Qwen/Base"}),
    ],
)
def test_what_is_wanted(registry: Engine, wish: Wish, expected: set[str]) -> None:
    family(registry, WORLD)
    found = neighbourhood(registry, "me/Tuned", wish)
    assert ids(found) == expected
    assert found.total == (6 if wish.limit else len(expected))


def test_what_lies_between_a_model_and_an_ancestor(registry: Engine) -> None:
    family(registry, WORLD)
    found = neighbourhood(registry, "z/Last", Wish(why="me/other"))
    assert ids(found) == {"z/Last", "x/Merged", "me/Other"}
    assert ids(neighbourhood(registry, "z/Last", Wish(why="Qwen/Base"))) == {
        "z/Last", "x/Merged", "me/Other", "me/Tuned", "Qwen/Base",
    }  # fmt: skip
    with pytest.raises(RegistryError, match="z/Last is no ancestor of this model"):
        neighbourhood(registry, "me/Tuned", Wish(why="z/Last"))
    with pytest.raises(UnknownModel):
        neighbourhood(registry, "no/Such")


@given(graph=graphs(cyclic=True))
def test_the_relatives_are_those_of_the_other_commands(sqlite_registry: Engine, graph: Graph) -> None:
    save(emptied(sqlite_registry), graph_rows(graph))
    for number in graph:
        found = neighbourhood(sqlite_registry, name(number))
        expected = {m.id for family in (ancestors, descendants) for m in family(sqlite_registry, name(number)).members}
        assert ids(found) == expected
        check_folding(found, fold(found, 3))
        check_places(found, fold(found, 3))


def check_folding(found: Neighbourhood, folding: Folding) -> None:
    """Every model is drawn, or in one group, or beyond a member of one."""
    held = [folding.beyond[member] for group in folding.groups for member in group.members]
    assert len(folding.shown) + sum(held) == len(found.nodes)
    assert sum(group.models for group in folding.groups) == sum(held)
    assert all(group.models > 1 for group in folding.groups)
    assert all(folding.via[at] in folding.shown for at in folding.shown if at)


def check_places(found: Neighbourhood, folding: Folding) -> None:
    """No two stand at one place, and columns are steps."""
    drawn = spots(found, folding)
    assert len({(spot.column, spot.row) for spot in drawn}) == len(drawn)
    assert (drawn[0].column, drawn[0].row) == (0, 0)
    for spot in drawn[1:]:
        assert abs(spot.column - drawn[spot.via].column) == 1


@given(most=st.integers(1, 70))
def test_a_large_family_is_folded(sqlite_registry: Engine, most: int) -> None:
    rows = [api_row("a/Base")]
    rows += [api_row(f"b/M{n}", ["a/Base"], ("quantized", "adapter")[n % 2], downloads=n) for n in range(40)]
    rows += [api_row(f"c/M{n}", ["b/M7"]) for n in range(20)]
    save(emptied(sqlite_registry), rows)
    found = neighbourhood(sqlite_registry, "a/Base")
    folding = fold(found, most)
    check_folding(found, folding)
    check_places(found, folding)
    assert len(folding.shown) <= most + 4  # single ones need no more room than their group
    if most >= 2:  # the branch that leads to the most comes first
        assert "b/M7" in {found.nodes[at].id for at in folding.shown}
    if most >= 61:
        assert folding.groups == ()


def test_a_group_says_what_it_holds(registry: Engine) -> None:
    save(registry, [api_row("a/Base"), *(api_row(f"b/M{n}", ["a/Base"], "quantized") for n in range(9))])
    (group,) = fold(neighbourhood(registry, "a/Base"), 4).groups
    assert (group.at, group.side, group.relation, group.models, len(group.members)) == (0, 1, "quantized", 6, 6)


def test_what_hangs_on_a_cycle(registry: Engine) -> None:
    rows = [api_row("a/A", ["c/C"]), api_row("b/B", ["a/A"]), api_row("c/C", ["b/B"])]
    save(registry, [*rows, *(api_row(f"d/M{n}", ["b/B"]) for n in range(4))])
    for model in ("a/A", "b/B", "d/M0"):
        found = neighbourhood(registry, model)
        for most in (3, 60):
            check_folding(found, fold(found, most))
            check_places(found, fold(found, most))


def test_a_chain_of_thousands(registry: Engine) -> None:
    chain = [
        api_row("a/M0", license="mit"),
        *(api_row(f"a/M{n}", [f"a/M{n - 1}"], license="mit") for n in range(1, 3_000)),
    ]
    save(registry, chain)
    found = neighbourhood(registry, "a/M0")
    assert found.total == 3_000
    folding = fold(found)
    check_folding(found, folding)
    check_places(found, folding)
