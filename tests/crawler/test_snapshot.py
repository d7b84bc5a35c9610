"""The embedded snapshot, counted plainly from its raw rows, and what the registry makes of it."""

import gzip
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from crawler.load import import_files
from registry.copy import copy
from registry.database import open_registry
from registry.read import totals
from registry.tables import DEFECTS, DERIVATIONS, MODELS
from tests.conftest import CHECKOUT, SNAPSHOT
from tests.families import content

RELATIONS = ("finetune", "quantized", "adapter", "merge")

Edge = tuple[str, str, str]


@pytest.fixture(scope="module")
def raw() -> list[dict[str, Any]]:
    with gzip.open(SNAPSHOT, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def radar(raw: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in raw if row["observation"]["source"] == "radar"]


def relation_tags(rows: list[dict[str, Any]]) -> list[Edge]:
    """(model, relation, name) of each relation tag, by the plainest reading there is."""
    return [
        (row["id"], relation, tag.split(":", 2)[2])
        for row in rows
        for tag in row.get("tags", [])
        for relation in RELATIONS
        if tag.startswith(f"base_model:{relation}:")
    ]


def is_path(name: str) -> bool:
    return re.fullmatch(r"[\w.-]+(/[\w.-]+)?", name, re.ASCII) is None


def test_the_rows_of_radar(radar: list[dict[str, Any]]) -> None:
    assert len(radar) == 15_904
    assert len({row["id"] for row in radar}) == 15_904
    assert sum(row["observation"].get("gone", False) for row in radar) == 748


def test_the_relation_tags_of_radar(radar: list[dict[str, Any]]) -> None:
    tags = relation_tags(radar)
    counts = Counter(relation for _, relation, _ in tags)
    assert counts == {"finetune": 3_702, "quantized": 2_887, "adapter": 1_652, "merge": 225}
    assert sum(model == name for model, _, name in tags) == 23
    assert sum(is_path(name) for _, _, name in tags) == 47


def test_every_row_is_a_model(raw: list[dict[str, Any]], snapshot_registry: Engine) -> None:
    with snapshot_registry.connect() as connection:
        found = totals(connection)
        seen = set(connection.scalars(select(MODELS.c.repo_id).where(MODELS.c.state != "placeholder")))
    assert seen == {row["id"] for row in raw}
    assert found.models["gone"] == 748
    assert found.models["listed"] == len(raw) - 748


def test_the_registry_has_each_relation_tag_as_an_edge_or_a_defect(
    radar: list[dict[str, Any]], snapshot_registry: Engine
) -> None:
    declared = relation_tags(radar)
    good = {edge for edge in declared if edge[0] != edge[2] and not is_path(edge[2])}
    d = DERIVATIONS.c
    by_tag = select(MODELS.c.repo_id, d.relation, d.name, d.parent_key).join(MODELS, MODELS.c.key == d.child_key)
    with snapshot_registry.connect() as connection:
        rows = connection.execute(by_tag.where(d.origin.in_(("tag", "both", "tag-unresolved")))).all()
    ids = {row["id"] for row in radar}
    ours = {(row.repo_id, row.relation, row.name) for row in rows if row.repo_id in ids and row.relation != "unknown"}
    assert ours == good
    assert len(ours) == len(declared) - 23 - 47
    edges = {(row.repo_id, row.name) for row in rows if row.parent_key is not None}
    repeated = {(row[0], row[4]) for row in content(snapshot_registry)["defects"] if row[2] == "duplicate-parent"}
    assert {(model, name) for model, _, name in good} <= edges | repeated
    assert len(edges) > 8_000


def test_what_is_no_edge_is_a_defect(radar: list[dict[str, Any]], snapshot_registry: Engine) -> None:
    declared = relation_tags(radar)
    f = DEFECTS.c
    query = select(MODELS.c.repo_id, f.kind, f.field, f.value).join(MODELS, MODELS.c.key == f.model_key)
    with snapshot_registry.connect() as connection:
        found = connection.execute(query.where(f.stage == "parse")).all()
    selves = sorted(row.repo_id for row in found if row.kind == "self-reference")
    assert selves == sorted(model for model, _, name in declared if model == name)
    paths = {(row.repo_id, row.value) for row in found if row.kind == "local-path" and row.field == "tags"}
    assert paths == {(model, f"base_model:{relation}:{name}") for model, relation, name in declared if is_path(name)}
    assert len(paths) == 47


def test_every_parent_that_only_the_card_names_is_an_edge_or_a_defect(
    radar: list[dict[str, Any]], snapshot_registry: Engine
) -> None:
    found = content(snapshot_registry)
    edges = {(row[0], row[3]) for row in found["derivations"] if row[2] is not None}
    edges |= {(row[0], row[7]) for row in found["derivations"] if row[2] is not None}  # the card's spelling
    known = edges | {(row[0], row[4]) for row in found["defects"]}
    missing = [
        (row["id"], name)
        for row in radar
        for name in row["cardData"].get("base_model", [])
        if (row["id"], name) not in known
    ]
    assert missing == []


def test_letter_case_recovers_parents_and_none_of_them_is_a_guess(snapshot_registry: Engine) -> None:
    found = content(snapshot_registry)
    by_case = [row[2:4] for row in found["derivations"] if row[6] == "recovered-by-case" and row[2] is not None]
    assert len(by_case) >= 41
    assert len(set(by_case)) >= 41
    ids = Counter(row[1] for row in found["models"])
    for parent, name in by_case:
        assert parent != name
        assert parent.casefold() == name.casefold()
        assert ids[name.casefold()] == 1, name


def test_a_chain_of_ancestors(snapshot_registry: Engine) -> None:
    parents: dict[str, list[str]] = {}
    for child, _, parent, *_ in content(snapshot_registry)["derivations"]:
        parents.setdefault(child, []).append(parent)
    assert ancestors(parents, "reaperdoesntknow/Dualmind-Qwen-1.7B-Thinking") == [
        "reaperdoesntknow/DualMinded-Qwen3-1.7B",
        "reaperdoesntknow/DualMind",
        "reaperdoesntknow/DiStil-Qwen3-1.7B-uncensored",
        "reaperdoesntknow/TopologicalQwen",
        "reaperdoesntknow/Qwen3-1.7B-Distilled-30B-A3B-SFT",
        "reaperdoesntknow/Qwen3-1.7B-Distilled-30B-A3B",
        "Qwen/Qwen3-1.7B",
        "Qwen/Qwen3-1.7B-Base",
    ]


def ancestors(parents: dict[str, list[str]], model: str) -> list[str]:
    """All ancestors, nearest first."""
    found = [model]
    for name in found:
        found += [parent for parent in parents.get(name, []) if parent not in found]
    return found[1:]


def test_importing_the_snapshot_again_changes_nothing(
    raw: list[dict[str, Any]], snapshot_registry: Engine, place: str
) -> None:
    before = content(snapshot_registry)
    copy(snapshot_registry, place, lambda done, total: None)
    engine = open_registry(place)
    again = import_files(engine, [SNAPSHOT], seen="2026-08-22T00:00:00Z", progress=lambda dump, models: None)
    assert (again.models, again.new, again.changed) == (len(raw), 0, 0)
    assert content(engine) == before
    engine.dispose()


def test_the_snapshot_can_be_made_again_byte_for_byte(shared: Path, tmp_path: Path) -> None:
    made = tmp_path / "snapshot.jsonl.gz"
    tool = CHECKOUT / "tools" / "make_snapshot.py"
    subprocess.run([sys.executable, str(tool), str(shared), str(made)], check=True, capture_output=True, timeout=120)
    assert made.read_bytes() == SNAPSHOT.read_bytes()
