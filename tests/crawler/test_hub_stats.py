"""4,167 real rows in the hub-stats schema: our reading of tags against the Hub's own `baseModels` column."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from crawler.dumps import Dump
from crawler.load import import_files
from crawler.parse import parse
from registry.database import open_registry
from registry.records import ModelRecord
from tests.families import Content, content


@pytest.fixture(scope="module")
def frozen(shared: Path) -> Path:
    return shared / "hub_stats" / "hub_stats_frozen.parquet"


@pytest.fixture(scope="module")
def rows(frozen: Path) -> list[dict[str, Any]]:
    return [row for row in Dump(frozen).rows() if isinstance(row, dict)]


@pytest.fixture(scope="module")
def imported(frozen: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = open_registry(str(tmp_path_factory.mktemp("hub_stats") / "registry.db"), create=True)
    import_files(engine, [frozen], seen="2026-05-20T00:00:00Z", progress=lambda dump, models: None)
    yield engine
    engine.dispose()


def record(row: dict[str, Any]) -> ModelRecord:
    found, loose = parse(row)
    assert found is not None
    assert loose == ()
    return found


def of_the_hub(row: dict[str, Any]) -> set[tuple[str, str]]:
    """The edges of the `baseModels` column, as (parent, relation)."""
    column = row["baseModels"] or {"models": None}
    return {(model["id"], column["relation"]) for model in column["models"] or []}


def of_ours(row: dict[str, Any]) -> set[tuple[str, str]]:
    """The edges that we read from tags; a model that names itself is a defect with us and an edge on the Hub."""
    found = record(row)
    edges = {(p.name, p.relation) for p in found.parents or () if p.origin in ("tag", "both")}
    hubs = dict(of_the_hub(row))
    itself = [defect for defect in found.defects if defect.kind == "self-reference"]
    return edges | ({(row["id"], hubs[row["id"]])} if itself and row["id"] in hubs else set())


def test_the_edges_of_tags_are_the_hubs_own(rows: list[dict[str, Any]]) -> None:
    assert len(rows) == 4_167
    either = [row for row in rows if of_the_hub(row) or of_ours(row)]
    assert len(either) == 2_586
    assert [row["id"] for row in either if of_the_hub(row) != of_ours(row)] == []


def test_without_tags_the_column_says_the_same(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        with_tags = record(row | {"cardData": None})
        without = record(row | {"cardData": None, "tags": None})
        if row["baseModels"] is not None:
            assert set(without.parents or ()) == set(with_tags.parents or ()), row["id"]


def test_models_that_name_themselves(rows: list[dict[str, Any]]) -> None:
    on_the_hub = {row["id"] for row in rows if row["id"] in {name for name, _ in of_the_hub(row)}}
    assert len(on_the_hub) == 6
    flagged = {row["id"] for row in rows if any(d.kind == "self-reference" for d in record(row).defects)}
    assert on_the_hub <= flagged


def test_every_base_that_only_the_card_declares_is_an_edge_or_a_defect(
    rows: list[dict[str, Any]], imported: Engine
) -> None:
    found = content(imported)
    derivations = {(row[0], row[3]): row for row in found["derivations"]}
    explained = {(row[0], row[4]) for row in found["defects"]}
    only_declared = [
        (row["id"], parent.name) for row in rows for parent in record(row).parents or () if parent.origin == "card"
    ]
    assert len(only_declared) > 70
    unseen = {row[0] for row in found["models"] if "placeholder" in row} - named_by_the_hub(found)
    for child, name in only_declared:
        _, _, parent, _, _, origin, recovery, _ = derivations[child, name]
        assert origin == "card"
        if parent is None or (recovery is None and parent in unseen):
            assert (child, name) in explained


def named_by_the_hub(found: Content) -> set[str]:
    return {row[3] for row in found["derivations"] if row[5] in ("tag", "both")}


def test_wrong_letter_case_is_recovered(imported: Engine) -> None:
    found = content(imported)["derivations"]
    by_case = {(row[3], row[2]) for row in found if row[6] == "recovered-by-case" and row[2] is not None}
    assert len(by_case) > 20
    assert all(name != parent and name.casefold() == parent.casefold() for name, parent in by_case)


def test_importing_again_changes_nothing(frozen: Path, imported: Engine) -> None:
    before = content(imported)
    again = import_files(imported, [frozen], seen="2026-05-20T00:00:00Z", progress=lambda dump, models: None)
    assert (again.models, again.new, again.changed) == (4_167, 0, 0)
    assert content(imported) == before
