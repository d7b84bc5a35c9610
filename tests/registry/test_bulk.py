"""The columns hold what the tables hold, whatever it is, and on both sides of where a page ends."""

from collections.abc import Sequence

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, select

from registry.bulk import RELATIONS, Columns, everything, gathered
from registry.columns import beginnings, distinct, places_of, rows_of
from registry.database import reading
from registry.read import Brief, Said, Step, walk
from registry.tables import DERIVATIONS, MODELS

HOSTILE = 'a "quoted", name\nof two lines \\ and\ttwo\u2028separators, \N{PILE OF POO}'


def edges_of(columns: Columns) -> list[tuple[int, int, str]]:
    keys = columns.keys.tolist()
    ends = zip(columns.child.tolist(), columns.parent.tolist(), columns.relation.tolist(), strict=True)
    return [(keys[child], keys[parent], RELATIONS[relation]) for child, parent, relation in ends]


def said_by(columns: Columns) -> dict[int, Said]:
    said = zip(columns.keys.tolist(), columns.said.tolist(), strict=True)
    return {key: columns.sayings[number] for key, number in said}


def edges_in(connection: Connection) -> list[tuple[int, int, str]]:
    d = DERIVATIONS.c
    rows = select(d.child_key, d.parent_key, d.relation).where(d.parent_key.is_not(None), d.parent_key != d.child_key)
    return [(row[0], row[1], row[2]) for row in connection.execute(rows.order_by(d.child_key, d.position))]


def test_the_columns_of_the_snapshot_are_its_rows(snapshot_registry: Engine) -> None:
    with reading(snapshot_registry) as connection:
        columns = everything(connection)
        facts = columns.source.briefs(columns.keys.tolist())
        assert edges_of(columns) == edges_in(connection)
        assert len(facts) == len(columns.keys) > 16_000
        said = said_by(columns)
        assert all(said[b.key] == (b.licenses, b.license_name, b.license_link, b.state) for b in facts.values())
        assert columns.downloads.tolist() == [facts[key].downloads or 0 for key in columns.keys.tolist()]
        assert len(columns.sayings) < 2_000


def test_what_is_in_memory_reads_as_from_the_database(snapshot_registry: Engine) -> None:
    with reading(snapshot_registry) as connection:
        stored = everything(connection)
        held = gathered(*walk(connection, stored.keys.tolist(), up=True))
        assert edges_of(stored) == edges_of(held)
        assert said_by(stored) == said_by(held)
        places = stored.places(stored.keys[::7].tolist())
        for column in ("repo_id", "author", "created_at"):
            assert stored.texts(places, column) == held.texts(places, column)
        assert stored.source.called(["qwen/QWEN3-8b", "no/such"]) == held.source.called(["qwen/QWEN3-8b", "no/such"])


def test_keys_with_gaps_and_on_both_sides_of_a_page_are_read(registry: Engine) -> None:
    keys = [1, 49_999, 50_000, 50_001, 100_000, 100_001, 250_000]
    models = [
        {
            "key": key,
            "repo_id": f"x/{key}",
            "folded": f"x/{key}",
            "state": "listed",
            "license_name": HOSTILE,
            "author": HOSTILE if key % 2 else None,
        }
        for key in keys
    ]
    edges = [
        {"child_key": child, "position": 0, "parent_key": parent, "name": "x", "relation": "merge", "origin": "tag"}
        for child, parent in [(50_000, 250_000), (50_001, 1), (250_000, 250_000)]
    ]
    with registry.begin() as connection:
        connection.execute(insert(MODELS), models)
        connection.execute(insert(DERIVATIONS), edges)
    with reading(registry) as connection:
        columns = everything(connection)
        assert columns.texts(np.arange(7)[::-1], "author") == [HOSTILE if key % 2 else None for key in keys[::-1]]
        assert columns.texts(np.arange(0), "author") == []
    assert columns.keys.tolist() == keys
    assert columns.sayings == [Said(None, HOSTILE, None, "listed")]
    assert edges_of(columns) == [(50_000, 250_000, "merge"), (50_001, 1, "merge")]


def test_a_registry_without_models_has_empty_columns(registry: Engine) -> None:
    with reading(registry) as connection:
        columns = everything(connection)
    assert (len(columns.keys), len(columns.child), columns.sayings) == (0, 0, [])


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 9, None])
def test_the_first_by_numbers_then_by_id(snapshot_registry: Engine, limit: int | None) -> None:
    with reading(snapshot_registry) as connection:
        columns = everything(connection)
        places = distinct(columns.places(columns.keys[:2_000].tolist()))
        ranks = columns.downloads[places] // 1_000, columns.said[places]
        rows = sorted(zip(ranks[0].tolist(), ranks[1].tolist(), columns.ids(places), places.tolist(), strict=True))
        assert columns.first(limit, places, *ranks).tolist() == [row[-1] for row in rows[:limit]]


def columns_of(edges: Sequence[tuple[int, int]], size: int) -> Columns:
    """Models 0, 1, … and these edges, from child to parent."""
    facts = {key: Brief(key, f"m/{key}", "listed", "m", None, None, None, None, None, None) for key in range(size)}
    return gathered([Step(child, parent, n, "finetune", "hub", "") for n, (child, parent) in enumerate(edges)], facts)


_KEY = st.integers(0, 11)


@given(st.lists(st.tuples(_KEY, _KEY), max_size=30, unique=True), st.lists(_KEY, max_size=4))
def test_ancestors_and_descendants_are_those_that_networkx_finds(edges: list[tuple[int, int]], some: list[int]) -> None:
    columns = columns_of(edges, 12)
    graph: nx.DiGraph[int] = nx.DiGraph(edges)
    graph.add_nodes_from(range(12))
    above = set(some).union(*(nx.descendants(graph, key) for key in some))
    below = set(some).union(*(nx.ancestors(graph, key) for key in some))
    assert columns.with_ancestors(np.array(some, np.int64)).tolist() == sorted(above)
    assert columns.with_descendants(np.array(some, np.int64)).tolist() == sorted(below)


@given(st.sets(st.integers(0, 40), min_size=1), st.sampled_from([1, 10, 10**9]), st.data())
def test_places_are_found_by_a_table_and_by_halves(numbers: set[int], apart: int, data: st.DataObject) -> None:
    known = np.array(sorted(numbers), np.int64) * apart
    asked = np.array(data.draw(st.lists(st.sampled_from(known.tolist()))), np.int64)
    assert places_of(asked, known).tolist() == np.searchsorted(known, asked).tolist()


def test_of_no_numbers_there_are_no_places() -> None:
    assert places_of(np.arange(0), np.arange(0)).tolist() == []


@given(st.lists(_KEY, max_size=30), st.lists(_KEY, max_size=4))
def test_the_rows_of_some_groups_are_told_group_by_group(groups: list[int], some: list[int]) -> None:
    groups = sorted(groups)
    begin = beginnings(np.bincount(np.array(groups, np.int64), minlength=12))
    expected = [row for group in some for row, of in enumerate(groups) if of == group]
    assert rows_of(np.array(some, np.int64), begin).tolist() == expected
    assert begin.tolist()[-1] == len(groups)
