"""A family as a networkx graph."""

import networkx as nx
from hypothesis import given
from sqlalchemy import Engine

from lineage.family import ancestors, descendants
from lineage.graph import family_graph
from tests.families import emptied, family, save
from tests.lineage.calls import Graph, graph_rows, graphs, ids, name

WORLD = "Qwen/Base  apache-2.0\n me/Tuned  mit\n  you/LoRA  adapter\n  x/Merged\n me/Other\n  x/Merged\n"


def test_edges_lead_from_parent_to_child(registry: Engine) -> None:
    family(registry, WORLD)
    graph = family_graph(registry, "qwen/base")
    assert set(graph.edges) == {
        ("Qwen/Base", "me/Tuned"), ("me/Tuned", "you/LoRA"), ("me/Tuned", "x/Merged"),
        ("Qwen/Base", "me/Other"), ("me/Other", "x/Merged"),
    }  # fmt: skip
    assert graph.edges["me/Tuned", "you/LoRA"] == {"relation": "adapter", "evidence": "both"}


def test_nodes_carry_the_facts(registry: Engine) -> None:
    family(registry, WORLD)
    assert family_graph(registry, "Qwen/Base").nodes["me/Tuned"] == {
        "depth": 1,
        "state": "listed",
        "author": "me",
        "licenses": ("mit",),
        "license_name": None,
        "downloads": 10,
        "created_at": "2025-01-01T00:00:00Z",
    }


def test_upward_the_edges_point_the_same_way(registry: Engine) -> None:
    family(registry, WORLD)
    graph = family_graph(registry, "x/Merged", up=True)
    assert nx.ancestors(graph, "x/Merged") == {"me/Tuned", "me/Other", "Qwen/Base"}
    assert "you/LoRA" not in graph


def test_several_roots_in_one_graph(registry: Engine) -> None:
    family(registry, WORLD)
    assert set(family_graph(registry, "me/Tuned", "me/Other")) == {"me/Tuned", "me/Other", "you/LoRA", "x/Merged"}
    assert set(family_graph(registry, "you/LoRA", "me/Other", up=True)) == {
        "you/LoRA", "me/Tuned", "Qwen/Base", "me/Other",
    }  # fmt: skip
    assert len(family_graph(registry, "author:me")) == 4


def test_a_model_alone_is_a_graph_of_one_node(registry: Engine) -> None:
    family(registry, "a/Alone\n")
    graph = family_graph(registry, "a/Alone")
    assert (list(graph.nodes), list(graph.edges)) == (["a/Alone"], [])


@given(graph=graphs(cyclic=True))
def test_ancestors_of_the_graph_are_those_of_the_query(registry: Engine, graph: Graph) -> None:
    engine = emptied(registry)
    save(engine, graph_rows(graph))
    drawn = family_graph(engine, name(0), up=True)
    assert nx.ancestors(drawn, name(0)) | {name(0)} == set(ids(ancestors(engine, name(0)).members))


def test_the_snapshots_graph_is_the_queries(snapshot_registry: Engine) -> None:
    graph = family_graph(snapshot_registry, "author:Qwen")
    found = descendants(snapshot_registry, "author:Qwen")
    assert len(graph) == len(found.members)
    assert graph.number_of_edges() == len(found.edges)
    deepest = found.members[-1]
    above = set(ids(ancestors(snapshot_registry, deepest.id).members)) - {deepest.id}
    assert nx.ancestors(graph, deepest.id) == above & set(graph)
