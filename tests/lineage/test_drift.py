"""Drift: each class by labels that are in it and in no other, and the snapshot recounted by hand."""

import json
from collections import Counter

import pytest
from sqlalchemy import Engine

from lineage.drift import DRIFT, DriftRow, drift, drift_of
from lineage.licenses.labels import Declared, clarified, declared
from tests.families import api_row, save


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ([], ["apache-2.0"], "omitted"),
        ([], ["who-knows"], "omitted"),
        (["who-knows"], ["apache-2.0"], "cannot be told"),
        (["apache-2.0"], ["who-knows"], "cannot be told"),
        (["llama3.1"], ["llama3.1"], "same"),
        (["apache-2.0", "mit"], ["mit", "apache-2.0"], "same"),
        (["apache-2.0"], ["qwen-research"], "contradicted"),
        (["apache-2.0"], ["gemma"], "contradicted"),
        (["llama3"], ["llama3.1"], "contradicted"),
        (["mit"], ["apache-2.0", "llama3.1"], "contradicted"),
        (["cc-by-nc-4.0"], ["apache-2.0"], "stricter"),
        (["gpl-3.0"], ["mit"], "stricter"),
        (["apache-2.0", "llama3.1"], ["apache-2.0"], "stricter"),
        (["mit"], ["apache-2.0"], "alike"),
        (["mit"], ["mpl-2.0"], "more permissive"),
        (["apache-2.0"], ["apache-2.0", "mpl-2.0"], "more permissive"),
        (["cc0-1.0"], ["mit"], "more permissive"),
    ],
)
def test_each_class_of_drift(mine: list[str], theirs: list[str], expected: str) -> None:
    assert drift_of(declared(mine), declared(theirs)) == expected


def test_edges_are_counted_by_relation_and_class(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("r/Root", license="llama3.1"),
            api_row("r/Bare"),
            api_row("a/Same", ["r/Root"], license="llama3.1"),
            api_row("a/None", ["r/Root"], "adapter"),
            api_row("a/Drops", ["r/Root"], "adapter", license="apache-2.0"),
            api_row("a/Mid", ["a/Drops"], "quantized", license="mit"),
            api_row("b/Of-bare", ["r/Bare"], license="mit"),
            api_row("b/Of-lost", ["gone/Lost"], license="mit"),
            api_row("b/Self", ["b/Self"], license="mit"),
        ],
    )
    found = drift(registry)
    assert found.bare == 2
    assert [row.relation for row in found.rows] == ["finetune", "adapter", "quantized", "all"]
    counted = {row.relation: {name: n for name, n in row.classes.items() if n} for row in found.rows}
    assert counted == {
        "finetune": {"same": 1},
        "adapter": {"omitted": 1, "contradicted": 1},
        "quantized": {"alike": 1},
        "all": {"omitted": 1, "same": 1, "contradicted": 1, "alike": 1},
    }
    assert found.rows[-1] == DriftRow("all", 4, dict.fromkeys(DRIFT, 0) | counted["all"])
    assert drift(registry, "a/Drops").rows[-1].edges == 1  # its family only


def test_classes_of_the_snapshot_recounted(snapshot_registry: Engine) -> None:
    """Edge by edge, from the rows as they are stored."""
    found = drift(snapshot_registry)
    with snapshot_registry.connect() as connection:
        rows = connection.exec_driver_sql(
            "select distinct d.child_key, d.parent_key, d.relation, c.licenses, c.license_name, c.license_link,"
            " p.repo_id, p.licenses, p.license_name, p.license_link from derivations d"
            " join models c on c.key = d.child_key join models p on p.key = d.parent_key"
            " where d.child_key != d.parent_key and d.relation = 'adapter'"
        ).all()
    counts = Counter[str]()
    for *_, licenses, name, link, parent, their_licenses, their_name, their_link in rows:
        theirs = declared(json.loads(their_licenses or "null"), their_name, their_link)
        if theirs.lacking and (known := clarified(parent, None)):
            theirs = Declared(frozenset({known.license}), "")
        if theirs.lacking is None:
            counts[drift_of(declared(json.loads(licenses), name, link), theirs)] += 1
    adapters = next(row for row in found.rows if row.relation == "adapter")
    assert counts["omitted"] > 500
    assert {name: adapters.classes[name] - counts[name] for name in ("contradicted", "stricter", "alike")} == {
        "contradicted": 0,
        "stricter": 0,
        "alike": 0,
    }
