"""Ancestors and descendants: order, bounds, cycles, several roots."""

import random
from operator import attrgetter

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from lineage.family import Family, ancestors, descendants
from lineage.formats.tree import tree
from registry.database import reading
from registry.names import UnknownModel, find_model
from registry.read import facts_of
from tests.families import api_row, emptied, family, save
from tests.lineage.calls import Graph, graph_rows, graphs, ids, name, upward

WORLD = """
    Qwen/Base  apache-2.0
      me/Tuned  mit
        you/Tuned-GGUF  quantized
        you/Tuned-LoRA  adapter
          they/Merged
      me/Other
        they/Merged
        me/Lost  gone
    """


def test_descendants_stand_by_depth_then_downloads_then_name(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("a/Root"),
            api_row("a/Rare", ["a/Root"], downloads=1),
            api_row("a/Untold", ["a/Root"], downloads=None),
            api_row("a/Popular", ["a/Root"], downloads=99),
            api_row("b/Same", ["a/Root"], downloads=5),
            api_row("a/Same", ["a/Root"], downloads=5),
            api_row("a/Deep", ["a/Rare"], downloads=100),
        ],
    )
    found = descendants(registry, "a/Root").members
    assert ids(found) == ["a/Root", "a/Popular", "a/Same", "b/Same", "a/Rare", "a/Untold", "a/Deep"]
    assert [m.depth for m in found] == [0, 1, 1, 1, 1, 1, 2]


def test_ancestors_stand_nearest_first_and_as_declared(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("x/Merged", ["x/Z", "x/A"], "merge"),
            api_row("x/Z", ["x/Far"], downloads=1),
            api_row("x/A", ["x/Early"], downloads=99),
            api_row("x/Far", downloads=1),
            api_row("x/Early", downloads=99),
        ],
    )
    found = ancestors(registry, "x/Merged").members
    assert ids(found) == ["x/Merged", "x/Z", "x/A", "x/Far", "x/Early"]
    assert [m.depth for m in found] == [0, 1, 1, 2, 2]


def test_a_member_says_how_it_was_reached_first(registry: Engine) -> None:
    family(registry, WORLD)
    members = {m.id: m for m in descendants(registry, "Qwen/Base").members}
    assert (members["Qwen/Base"].relation, members["Qwen/Base"].via, members["Qwen/Base"].evidence) == (None,) * 3
    lora = members["you/Tuned-LoRA"]
    assert (lora.depth, lora.relation, lora.via, lora.evidence) == (2, "adapter", "me/Tuned", "both")
    assert (members["they/Merged"].depth, members["they/Merged"].via) == (2, "me/Other")
    assert members["me/Lost"].state == "gone"
    assert (members["me/Tuned"].licenses, members["me/Tuned"].author) == (("mit",), "me")


def test_a_merge_is_one_member_with_an_edge_for_each_parent(registry: Engine) -> None:
    family(registry, WORLD)
    found = descendants(registry, "Qwen/Base")
    assert ids(found.members).count("they/Merged") == 1
    assert {e.parent for e in found.edges if e.child == "they/Merged"} == {"you/Tuned-LoRA", "me/Other"}
    assert (found.total, len(found.edges)) == (6, 7)


def test_an_edge_keeps_the_name_as_declared(registry: Engine) -> None:
    save(registry, [api_row("Qwen/Base"), api_row("me/Tuned", ["qwen/BASE"], tags=None)])
    (edge,) = ancestors(registry, "me/Tuned").edges
    assert (edge.child, edge.parent, edge.evidence) == ("me/Tuned", "Qwen/Base", "recovered-by-case")
    assert edge.declared == "qwen/BASE"


@pytest.mark.parametrize(("depth", "expected"), [(1, 2), (2, 6), (3, 6), (None, 6)])
def test_depth_bounds_the_steps(registry: Engine, depth: int | None, expected: int) -> None:
    family(registry, WORLD)
    found = descendants(registry, "Qwen/Base", depth=depth)
    assert found.total == expected
    assert len(found.members) == expected + 1
    assert max(m.depth for m in found.members) <= (depth or 2)


def test_depth_counts_upward_too(registry: Engine) -> None:
    family(registry, WORLD)
    assert ids(ancestors(registry, "they/Merged", depth=1).members)[1:] == ["you/Tuned-LoRA", "me/Other"]
    assert ancestors(registry, "they/Merged").total == 4


def test_relations_choose_the_edges_that_are_followed(registry: Engine) -> None:
    family(registry, WORLD)

    def below(*relations: str) -> set[str]:
        return set(ids(descendants(registry, "Qwen/Base", relations=relations).members)) - {"Qwen/Base"}

    assert below("finetune") == {"me/Tuned", "me/Other", "me/Lost"}
    assert below("quantized") == set()  # none is made from the root itself
    assert below("finetune", "quantized") == {"me/Tuned", "me/Other", "me/Lost", "you/Tuned-GGUF"}
    assert below("finetune", "merge") == {"me/Tuned", "me/Other", "me/Lost", "they/Merged"}
    assert ids(ancestors(registry, "you/Tuned-GGUF", relations=["quantized"]).members)[1:] == ["me/Tuned"]


def test_a_limit_leaves_out_the_farthest_and_says_below_which(registry: Engine) -> None:
    family(registry, WORLD)
    found = descendants(registry, "Qwen/Base", limit=2)
    assert ids(found.members) == ["Qwen/Base", "me/Other", "me/Tuned"]
    assert found.total == 6
    assert found.hidden == {"me/Other": 2, "me/Tuned": 2}
    assert {(e.child, e.parent) for e in found.edges} == {("me/Other", "Qwen/Base"), ("me/Tuned", "Qwen/Base")}


def test_what_hides_below_something_hidden_counts_at_the_last_that_is_shown(registry: Engine) -> None:
    family(registry, "a/0\n a/1\n  a/2\n   a/3\n    a/4\n")
    assert descendants(registry, "a/0", limit=2).hidden == {"a/2": 2}
    assert ancestors(registry, "a/4", limit=1).hidden == {"a/3": 3}
    assert descendants(registry, "a/0", limit=4).hidden == {}


def test_a_limit_does_not_count_the_roots(registry: Engine) -> None:
    family(registry, WORLD)
    found = descendants(registry, "me/Tuned", "me/Other", limit=1)
    assert ids(found.members) == ["me/Tuned", "me/Other", "me/Lost"]
    assert found.total == 4


def test_a_placeholder_has_a_family(registry: Engine) -> None:
    family(registry, "no/Base unseen\n me/One\n me/Two gone\n")
    found = descendants(registry, "no/base")
    assert [(m.id, m.state) for m in found.members] == [
        ("no/Base", "placeholder"), ("me/One", "listed"), ("me/Two", "gone"),
    ]  # fmt: skip
    above = ancestors(registry, "me/Two").members[-1]
    assert (above.id, above.state, above.downloads, above.licenses) == ("no/Base", "placeholder", None, None)


def test_members_have_the_facts_of_their_models(snapshot_registry: Engine) -> None:
    above = ancestors(snapshot_registry, "reaperdoesntknow/Dualmind-Qwen-1.7B-Thinking").members
    below = descendants(snapshot_registry, "Qwen/Qwen3-8B-Base").members
    assert len(above) > 8
    assert len(below) > 100
    told = attrgetter("id", "state", "author", "licenses", "license_name", "downloads", "created_at")
    with reading(snapshot_registry) as connection:
        keys = {member.id: find_model(connection, member.id).key for member in (*above, *below)}
        facts = facts_of(connection, keys.values())
    for member in (*above, *below):
        assert told(member) == told(facts[keys[member.id]])


def test_ancestors_are_asked_for_in_two_statements(registry: Engine) -> None:
    family(registry, WORLD)
    asked: list[str] = []
    event.listen(registry, "before_cursor_execute", lambda *args: asked.append(args[2]))
    assert ids(ancestors(registry, "they/Merged").members)[-1] == "Qwen/Base"
    assert (
        sum(statement.startswith(("SELECT", "WITH")) for statement in asked) == len(asked) - asked.count("BEGIN") == 2
    )


def test_a_cycle_ends_by_itself(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["a/C"]), api_row("a/B", ["a/A"]), api_row("a/C", ["a/B"]), api_row("b/D", ["a/C"])])
    below = descendants(registry, "a/A")
    assert ids(below.members) == ["a/A", "a/B", "a/C", "b/D"]
    assert ("a/A", "a/C") in {(e.child, e.parent) for e in below.edges}
    assert ids(ancestors(registry, "b/D").members) == ["b/D", "a/C", "a/B", "a/A"]
    assert descendants(registry, "a/A", depth=50).total == 3


def test_two_models_that_name_each_other(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["a/B"]), api_row("a/B", ["a/A"])])
    for found in (ancestors(registry, "a/A"), descendants(registry, "a/A")):
        assert ids(found.members) == ["a/A", "a/B"]
        assert len(found.edges) == 2
        assert found.total == 1


def test_several_roots_are_one_family_counted_once(registry: Engine) -> None:
    family(registry, WORLD)
    found = descendants(registry, "me/Tuned", "ME/other", "https://huggingface.co/me/Tuned", "me/Tuned@abc")
    assert found.asked == ("me/Tuned", "me/Other", "me/Tuned@abc")
    assert found.roots == ("me/Tuned@abc", "me/Other")
    assert sorted(ids(found.members)[2:]) == ["me/Lost", "they/Merged", "you/Tuned-GGUF", "you/Tuned-LoRA"]


def test_a_root_below_another_is_no_derivative(registry: Engine) -> None:
    family(registry, WORLD)
    found = descendants(registry, "me/Tuned", "Qwen/Base")
    assert found.total == 5
    assert [m.id for m in found.members if m.depth == 0] == ["me/Tuned", "Qwen/Base"]


def test_all_models_of_an_author_are_roots(registry: Engine) -> None:
    family(registry, WORLD)
    found = descendants(registry, "author:ME", "me/Other")
    assert found.asked == ("author:ME", "me/Other")
    assert found.roots == ("me/Lost", "me/Other", "me/Tuned")
    assert sorted(ids(found.members)[3:]) == ["they/Merged", "you/Tuned-GGUF", "you/Tuned-LoRA"]


def test_an_author_is_not_one_whose_name_begins_the_same(registry: Engine) -> None:
    save(registry, [api_row("me/A"), api_row("me-too/B"), api_row("me2/C"), api_row("me")])
    assert descendants(registry, "author:me").roots == ("me/A",)


def test_the_revision_stays_in_what_was_asked(registry: Engine) -> None:
    family(registry, WORLD)
    assert ancestors(registry, "ME/tuned@abc123").asked == ("me/Tuned@abc123",)


@pytest.mark.parametrize("asked", ["me/Unknown", "author:nobody", "", "author:"])
def test_an_unknown_name_is_refused(registry: Engine, asked: str) -> None:
    family(registry, WORLD)
    with pytest.raises(UnknownModel):
        descendants(registry, asked)


@given(graph=graphs(cyclic=True))
def test_what_is_below_has_its_root_above(registry: Engine, graph: Graph) -> None:
    engine = emptied(registry)
    save(engine, graph_rows(graph))
    drawn = upward(graph)
    above = {model: set(ids(ancestors(engine, name(model)).members)) for model in graph}
    below = {model: set(ids(descendants(engine, name(model)).members)) for model in graph}
    for model in graph:
        assert above[model] == nx.descendants(drawn, name(model)) | {name(model)}
        assert below[model] == {name(other) for other in graph if name(model) in above[other]}


@given(graph=graphs(cyclic=True), limit=st.integers(0, 6), up=st.booleans())
def test_what_is_shown_and_what_is_hidden_is_all(registry: Engine, graph: Graph, limit: int, up: bool) -> None:
    engine = emptied(registry)
    save(engine, graph_rows(graph))
    query = ancestors if up else descendants
    whole, cut = query(engine, name(0)), query(engine, name(0), limit=limit)
    assert cut.members == whole.members[: limit + 1]
    assert cut.total == whole.total == len(whole.members) - 1
    assert len(cut.members) - 1 + sum(cut.hidden.values()) == cut.total
    assert set(cut.hidden) <= set(ids(cut.members))
    assert whole.hidden == {}


@settings(max_examples=30)
@given(graph=graphs(cyclic=True), depth=st.integers(1, 4))
def test_depth_is_the_number_of_steps(registry: Engine, graph: Graph, depth: int) -> None:
    engine = emptied(registry)
    save(engine, graph_rows(graph))
    away = nx.single_source_shortest_path_length(upward(graph), name(1))
    found = ancestors(engine, name(1), depth=depth)
    assert {m.id: m.depth for m in found.members} == {node: n for node, n in dict(away).items() if n <= depth}


@settings(max_examples=30)
@given(
    graph=graphs(cyclic=True), downloads=st.lists(st.integers(0, 2), min_size=7, max_size=7), seed=st.integers(0, 99)
)
def test_the_order_of_rows_changes_nothing(
    registry: Engine, another: Engine, graph: Graph, downloads: list[int], seed: int
) -> None:
    rows = graph_rows(graph, downloads)
    shuffled = random.Random(seed).sample(rows, len(rows))
    one, other = emptied(registry), emptied(another)
    save(one, rows)
    save(other, shuffled)

    def answers(engine: Engine) -> list[Family]:
        return [
            ancestors(engine, name(0)),
            descendants(engine, name(0)),
            descendants(engine, "author:m"),
            descendants(engine, name(1), name(0), limit=2),
        ]

    assert answers(one) == answers(other)
    assert list(map(tree, answers(one))) == list(map(tree, answers(other)))


def test_a_chain_longer_than_the_call_stack(deep_registry: Engine) -> None:
    below = descendants(deep_registry, "c/0")
    above = ancestors(deep_registry, "c/19999")
    assert (below.total, below.members[-1].id, below.members[-1].depth) == (19_999, "c/19999", 19_999)
    assert (above.total, above.members[-1].id, above.members[-1].depth) == (19_999, "c/0", 19_999)
    assert descendants(deep_registry, "c/0", limit=100).hidden == {"c/100": 19_899}


def test_a_tree_deeper_than_the_call_stack(deep_registry: Engine) -> None:
    lines = tree(descendants(deep_registry, "c/0", depth=3_000)).split("\n")
    assert len(lines) == 3_001
    assert lines[-1] == "2,999: └─ finetune  c/3000  no licence declared"
