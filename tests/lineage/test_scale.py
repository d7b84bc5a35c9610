"""Questions about much: each answer by another way, on graphs of any shape, on the snapshot, on hostile families."""

from collections import Counter

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select

from lineage.family import ancestors, descendants
from lineage.lists import search
from lineage.statistics import count_family, family_statistics, registry_statistics
from registry.tables import MODELS
from tests.families import api_row, emptied, save
from tests.lineage.calls import Graph, graph_rows, graphs, ids, name, upward


def numbers(engine: Engine, *roots: str) -> dict[str, int]:
    return {count.name: count.value for count in count_family(engine, *roots).counts}


@given(graph=graphs(cyclic=True), by_card=st.sets(st.integers(0, 6)), roots=st.sets(st.integers(0, 1), min_size=1))
def test_what_only_weak_edges_lead_to(registry: Engine, graph: Graph, by_card: set[int], roots: set[int]) -> None:
    engine = emptied(registry)
    # A model whose tags say nothing of its parents, and whose card has them in another letter case.
    weak = {child: [name(parent).upper() for parent in graph[child]] for child in by_card & graph.keys()}
    save(
        engine,
        [
            api_row(row["id"], weak[child], tags=[], downloads=10) if child in weak else row
            for child, row in enumerate(graph_rows(graph))
        ],
    )
    strong = upward({child: () if child in weak else parents for child, parents in graph.items()})
    starts = {name(root) for root in roots}
    vouched = set.union(*(nx.ancestors(strong, start) for start in starts)) - starts
    every = set.union(*(nx.ancestors(upward(graph), start) for start in starts)) - starts
    found = numbers(engine, *starts)
    assert (found["transitive"], found["by the Hub's tags"]) == (len(every), len(vouched))
    assert (found["as declared"], found["recovered"]) == (len(vouched), len(every) - len(vouched))


@given(graph=graphs(cyclic=True))
def test_steps_from_the_nearest_model_without_parents(registry: Engine, graph: Graph) -> None:
    engine = emptied(registry)
    save(engine, graph_rows(graph))
    roots = {name(child) for child, parents in graph.items() if not parents}
    away = nx.multi_source_dijkstra_path_length(upward(graph).reverse(), roots) if roots else {}
    expected = Counter(int(steps) for steps in away.values() if steps)
    (found,) = (s for s in registry_statistics(engine, limit=None).sections if s.name == "depth")
    assert [number for _, number in found.rows] == [expected[steps] for steps in sorted(expected)]


@pytest.mark.parametrize("limit", [1, 7, 20, None])
@pytest.mark.parametrize("text", ["", "e", "Qwen", "qwen/qwen3-8b", "gguf", "_", "%", "no such model"])
def test_a_search_finds_what_a_look_at_each_would(snapshot_registry: Engine, text: str, limit: int | None) -> None:
    with snapshot_registry.connect() as connection:
        models = connection.execute(select(MODELS.c.repo_id, MODELS.c.downloads)).all()
    held = [
        (id, -1 if downloads is None else downloads) for id, downloads in models if text.casefold() in id.casefold()
    ]
    held.sort(key=lambda model: (model[0].casefold() != text.casefold(), -model[1], model[0]))
    found = search(snapshot_registry, text, limit=limit)
    assert found.total == len(held)
    assert ids(found.models) == [id for id, _ in held[:limit]]


def test_models_that_few_download_are_found_too(registry: Engine) -> None:
    save(registry, [api_row("a/M", downloads=3), *(api_row(f"a/M{n}", downloads=n % 1001) for n in range(30_050))])
    found = search(registry, "a/m", limit=40)
    assert found.total == 30_051
    assert [model.downloads for model in found.models] == [3, *[1000] * 30, *[999] * 9]
    assert ids(search(registry, "A/m", limit=3).models) == ["a/M", "a/M1000", "a/M10009"]
    assert ids(search(registry, "A/m7", limit=2).models) == ["a/M7", "a/M7006"]


def test_a_model_of_ten_thousand_parents(registry: Engine) -> None:
    parents = [f"p/{n}" for n in range(10_000)]
    save(
        registry,
        [api_row("r/Root"), *(api_row(id, ["r/Root"], downloads=1) for id in parents), api_row("m/M", parents)],
    )
    below = descendants(registry, "r/Root", limit=2)
    assert (below.total, below.members[1].id, len(below.edges)) == (10_001, "p/0", 2)
    assert sum(below.hidden.values()) == 9_999
    assert ancestors(registry, "m/M", limit=1).hidden == {"m/M": 9_999, "p/0": 1}
    assert (numbers(registry, "r/Root")["edges"], numbers(registry, "author:p")["direct"]) == (20_000, 1)


def test_numbers_of_a_chain_longer_than_the_call_stack(deep_registry: Engine) -> None:
    assert numbers(deep_registry, "c/0")["by the Hub's tags"] == 19_999
    (branches,) = (s for s in family_statistics(deep_registry, "c/0").sections if s.name == "branches")
    assert branches.rows == (("c/1", 19_998),)
    (depth,) = (s for s in registry_statistics(deep_registry, limit=None).sections if s.name == "depth")
    assert depth.rows[-1] == ("19999 steps", 1)
