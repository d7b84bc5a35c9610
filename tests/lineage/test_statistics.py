"""Numbers: every definition by a family in which each number is another, and recounted on the snapshot."""

from collections import Counter
from functools import partial

import networkx as nx
import pytest
from sqlalchemy import Engine

from lineage.family import descendants
from lineage.statistics import (
    FamilyCount,
    Section,
    Statistics,
    count_family,
    family_statistics,
    license_label,
    registry_statistics,
)
from tests.families import Row, api_row, family, save

GONE = {"gone": True}


def by_card(id: str, parent: str, relation: str | None = None) -> Row:
    """A model whose parent the Hub did not resolve."""
    card = {"base_model": parent, "base_model_relation": relation}
    return api_row(id, tags=[], cardData={key: value for key, value in card.items() if value})


#: Thirty derivatives of r/Root; no two of the family's numbers are the same.
FAMILY: list[Row] = [
    api_row("r/Root", license="mit"),
    *(api_row(f"r/F{n}", ["r/Root"], license="mit", createdAt=f"2025-0{n + 1}-09T00:00:00.000Z") for n in range(8)),
    *(by_card(f"a/C{n}", "R/ROOT", "finetune") for n in range(3)),
    *(api_row(f"b/F{n}", ["r/F0"], license="apache-2.0", createdAt="2025-12-31T23:59:59.000Z") for n in range(5)),
    *(by_card(f"c/U{n}", "r/F1") for n in range(2)),
    *(api_row(f"d/A{n}", ["r/F2"], "adapter", license="other", createdAt=None) for n in range(4)),
    api_row("e/Q0", ["r/Root"], "quantized"),
    *(api_row(f"e/Q{n}", ["b/F0"], "quantized", observation=GONE if n < 6 else None) for n in range(1, 7)),
    api_row("b/M", ["b/F0", "b/F1", "b/F2", "b/F3"], "merge"),
    api_row("z/Stranger", ["z/Else"]),
]


def numbers(found: FamilyCount) -> dict[str, int]:
    return {count.name: count.value for count in found.counts}


def section(found: Statistics, name: str) -> Section:
    (wanted,) = (section for section in found.sections if section.name == name)
    return wanted


def test_each_number_of_a_family(registry: Engine) -> None:
    save(registry, FAMILY)
    found = count_family(registry, "R/root@abc")
    assert (found.asked, found.roots) == (("r/Root@abc",), 1)
    assert numbers(found) == {
        "roots": 1,
        "transitive": 30,
        "direct": 12,
        "transitive, finetune": 16,
        "transitive, adapter": 4,
        "transitive, quantized": 7,
        "transitive, merge": 1,
        "transitive, unknown": 2,
        "without quantizations": 23,
        "by others": 22,
        "authors": 6,
        "edges": 33,
        "by the Hub's tags": 25,
        "as declared": 27,
        "recovered": 3,
        "gone": 5,
    }
    below = [count.value for count in found.counts if count.name != "roots"]
    assert len(set(below)) == len(below)


def test_each_number_says_what_it_counts(registry: Engine) -> None:
    save(registry, FAMILY)
    counts = count_family(registry, "r/Root").counts
    definitions = {count.name: count.definition for count in counts}
    assert len(set(definitions.values())) == len(counts)
    assert all(len(text) > 20 for text in definitions.values())
    assert definitions["edges"].endswith("(here 3 more)")


def test_what_stands_below_a_recovered_edge_is_recovered_too(registry: Engine) -> None:
    save(registry, [api_row("r/Root"), by_card("a/C", "R/ROOT"), api_row("a/D", ["a/C"]), by_card("a/E", "r/Root")])
    found = numbers(count_family(registry, "r/Root"))
    assert (found["transitive"], found["by the Hub's tags"], found["as declared"], found["recovered"]) == (3, 0, 1, 2)


def test_a_second_way_that_the_hub_vouches_for_is_enough(registry: Engine) -> None:
    save(registry, [api_row("r/Root"), by_card("a/C", "R/ROOT"), api_row("a/M", ["a/C", "r/Root"], "merge")])
    found = numbers(count_family(registry, "r/Root"))
    assert (found["direct"], found["by the Hub's tags"], found["recovered"]) == (2, 1, 1)


def test_several_roots_are_counted_once(registry: Engine) -> None:
    save(registry, FAMILY)
    found = count_family(registry, "r/F0", "b/F0", "r/F0", "B/f0")
    assert (found.asked, found.roots) == (("r/F0", "b/F0"), 2)
    assert numbers(found)["transitive"] == 4 + 6 + 1
    assert numbers(found)["direct"] == 4 + 6 + 1
    assert numbers(count_family(registry, "author:r"))["transitive"] == 22


def test_a_cycle_is_counted_once(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["a/B"]), api_row("a/B", ["a/A"])])
    found = numbers(count_family(registry, "a/A"))
    assert (found["transitive"], found["direct"], found["edges"]) == (1, 1, 1)


def test_a_model_alone_counts_nothing(registry: Engine) -> None:
    save(registry, FAMILY)
    found = numbers(count_family(registry, "e/Q0"))
    assert found.pop("roots") == 1
    assert set(found.values()) == {0}


def test_the_count_of_a_real_family_by_another_way(snapshot_registry: Engine) -> None:
    with snapshot_registry.connect() as connection:
        everyone = connection.exec_driver_sql("SELECT key, repo_id, author, state FROM models")
        models = {key: row for key, *row in everyone}
        rows = connection.exec_driver_sql(
            "SELECT parent_key, child_key, relation, coalesce(recovery, origin) FROM derivations "
            "WHERE parent_key IS NOT NULL"
        ).all()

    def below(*evidence: str) -> set[int]:
        graph: nx.DiGraph[int] = nx.DiGraph()
        graph.add_edges_from((parent, child) for parent, child, _, said in rows if said in evidence or not evidence)
        return set().union(*(nx.descendants(graph, root) for root in roots if root in graph)) - roots

    roots = {key for key, (id, *_) in models.items() if id.startswith("Qwen/")}
    family = below()
    edges = [row for row in rows if row[0] in family | roots and row[1] in family | roots]
    found = numbers(count_family(snapshot_registry, "author:qwen"))
    assert found["transitive"] == len(family) > 1000
    assert found["direct"] == len({child for parent, child, *_ in edges if parent in roots and child not in roots})
    assert found["edges"] == len([child for _, child, *_ in edges if child not in roots])
    assert found["roots"] == len(roots)
    assert found["by others"] == sum(models[key][1] != "Qwen" for key in family)
    assert found["authors"] == len({models[key][1] for key in family})
    assert found["gone"] == sum(models[key][2] == "gone" for key in family)
    assert found["by the Hub's tags"] == len(below("tag", "both"))
    assert found["as declared"] == len(below("tag", "both", "card", "tag-unresolved"))
    assert found["recovered"] == found["transitive"] - found["as declared"]
    ways = Counter(relation for child in family for relation in {row[2] for row in edges if row[1] == child})
    kinds = ("finetune", "adapter", "quantized", "merge", "unknown")
    assert sum(found[f"transitive, {kind}"] for kind in kinds) == len(family)
    assert all(found[f"transitive, {kind}"] <= ways[kind] for kind in kinds)
    assert found["without quantizations"] == len(family) - found["transitive, quantized"]


def test_the_sections_of_a_family(registry: Engine) -> None:
    save(registry, FAMILY)
    found = family_statistics(registry, "r/root", limit=None)
    rows = {section.name: section.rows for section in found.sections}
    assert rows["totals"] == (("roots", 1), ("derivatives", 30), ("edges", 33))
    assert rows["relations"] == (("finetune", 16), ("quantized", 7), ("adapter", 4), ("unknown", 2), ("merge", 1))
    assert rows["depth"] == (("1 step", 12), ("2 steps", 11), ("3 steps", 7))
    assert rows["licenses"] == (("none declared", 13), ("mit", 8), ("apache-2.0", 5), ("other", 4))
    assert rows["authors"] == (("r", 8), ("e", 7), ("b", 6), ("d", 4), ("a", 3), ("c", 2))
    assert rows["months"][:2] == (("2025-12", 5), ("2025-08", 1))
    assert dict(rows["months"])["2025-01"] == 1 + 3 + 2 + 7 + 1
    assert rows["branches"] == (("r/F0", 5 + 7), ("r/F2", 4), ("r/F1", 2))


def test_the_sections_of_a_family_sum_up_on_the_snapshot(snapshot_registry: Engine) -> None:
    found = family_statistics(snapshot_registry, "author:Qwen", limit=None)
    total = dict(section(found, "totals").rows)["derivatives"]
    for name in ("relations", "depth", "licenses", "authors"):
        assert sum(number for _, number in section(found, name).rows) == total, name
    members = descendants(snapshot_registry, "author:Qwen").members
    dated = sum(member.created_at is not None for member in members if member.depth)
    assert sum(number for _, number in section(found, "months").rows) == dated
    deeper = sum(member.depth > 1 for member in members)
    assert sum(number for _, number in section(found, "branches").rows) == deeper


def test_the_sections_of_the_registry(registry: Engine) -> None:
    save(registry, FAMILY)
    found = registry_statistics(registry, limit=None)
    rows = {section.name: dict(section.rows) for section in found.sections}
    assert (found.asked, found.roots) == ((), 0)
    assert rows["totals"] == {"models gone": 5, "models listed": 27, "models placeholder": 1, "edges": 34}
    assert rows["relations"] == {"finetune": 17, "quantized": 7, "adapter": 4, "merge": 4, "unknown": 2}
    assert rows["depth"] == {"1 step": 13, "2 steps": 11, "3 steps": 7}
    assert rows["licenses"] == {"none declared": 14, "mit": 9, "apache-2.0": 5, "other": 4}
    assert rows["authors"] == {"r": 9, "e": 7, "b": 6, "d": 4, "a": 3, "c": 2, "z": 1}
    assert rows["families"] == {
        "r/Root": 12, "b/F0": 7, "r/F0": 5, "r/F2": 4, "r/F1": 2, "b/F1": 1, "b/F2": 1, "b/F3": 1, "z/Else": 1,
    }  # fmt: skip


def test_the_sections_of_the_registry_sum_up_on_the_snapshot(snapshot_registry: Engine) -> None:
    found = registry_statistics(snapshot_registry, limit=None)
    totals = dict(section(found, "totals").rows)
    seen = totals["models listed"] + totals["models gone"]
    for name, total in (("relations", totals["edges"]), ("licenses", seen), ("authors", seen)):
        assert sum(number for _, number in section(found, name).rows) == total, name
    assert sum(number for _, number in section(found, "families").rows) == totals["edges"]


def test_a_limit_cuts_each_section_and_says_how_much(registry: Engine) -> None:
    save(registry, FAMILY)
    for query in (partial(family_statistics, registry, "r/Root"), partial(registry_statistics, registry)):
        whole, cut = query(limit=None), query(limit=2)
        assert section(cut, "totals") == section(whole, "totals")
        for before, after in zip(whole.sections[1:], cut.sections[1:], strict=True):
            assert after.rows == before.rows[:2]
            assert (after.more, before.more) == (max(len(before.rows) - 2, 0), 0)


def test_numbers_carry_the_date_of_the_data(snapshot_registry: Engine, registry: Engine) -> None:
    assert count_family(snapshot_registry, "Qwen/Qwen3-8B").data_date == "2026-08-22T00:00:00Z"
    assert registry_statistics(snapshot_registry).data_date == "2026-08-22T00:00:00Z"
    family(registry, "a/A\n")
    assert count_family(registry, "a/A").data_date is None


def test_an_empty_registry_has_empty_sections(registry: Engine) -> None:
    found = registry_statistics(registry)
    assert section(found, "totals").rows == (("edges", 0),)
    assert all(section.rows == () and section.more == 0 for section in found.sections[1:])


def test_branches_count_each_model_once(registry: Engine) -> None:
    family(registry, "a/R\n a/One\n  a/Leaf\n  a/Both\n a/Two\n  a/Both\n")
    found = section(family_statistics(registry, "a/R"), "branches")
    assert found.rows == (("a/One", 2),)


@pytest.mark.parametrize(
    ("licenses", "license_name", "label"),
    [
        (None, None, "not known"),
        ((), None, "none declared"),
        (("mit",), None, "mit"),
        (("mit",), "ignored", "mit"),
        (("other",), None, "other"),
        (("other",), "tongyi-qianwen", "other (tongyi-qianwen)"),
        (("apache-2.0", "other"), "mine", "apache-2.0 + other (mine)"),
    ],
)
def test_license_labels(licenses: tuple[str, ...] | None, license_name: str | None, label: str) -> None:
    assert license_label(licenses, license_name) == label
