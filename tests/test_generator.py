"""The synthetic Hub of the benchmarks: the same for a seed, near to the real one, and readable by the real crawler."""

import gzip
import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from benchmarks.generator import CASE_ERRORS, EDGES, HUBS, LICENSES, MODELS, RELATIONS, Figures, Generator, write
from crawler.load import import_files
from registry.columns import all_edges
from registry.database import open_registry, reading
from registry.read import totals
from registry.transfer import check, digest

SIZE = 60_000


@pytest.fixture(scope="module")
def figures() -> Figures:
    """Those of a Hub of some size."""
    generator = Generator(SIZE)
    ids = [row["id"] for row in generator.rows()]
    assert len(set(ids)) == len(ids) == SIZE
    assert all(id.startswith("synthetic") for id in ids)
    return generator.figures


def test_the_same_seed_gives_the_same_rows_and_another_others() -> None:
    first, again, other = (list(Generator(500, seed).rows()) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("name", RELATIONS)
def test_relations_have_the_shares_of_the_hub(figures: Figures, name: str) -> None:
    assert figures.relations[name] / figures.edges == pytest.approx(RELATIONS[name] / EDGES, abs=0.012)


@pytest.mark.parametrize("name", [name for name, n in LICENSES.items() if n > 30_000])
def test_licences_have_the_shares_of_the_hub(figures: Figures, name: str) -> None:
    assert figures.licenses[name] / SIZE == pytest.approx(LICENSES[name] / MODELS, rel=0.15)


def test_other_shares_are_those_of_the_hub(figures: Figures) -> None:
    assert figures.with_parent / SIZE == pytest.approx(0.2813, abs=0.006)
    assert figures.with_license / SIZE == pytest.approx(0.3634, abs=0.006)
    assert figures.edges / SIZE == pytest.approx(EDGES / MODELS, abs=0.008)
    assert figures.odd["missing"] / figures.edges == pytest.approx(0.0189, abs=0.004)
    assert figures.odd["younger"] / figures.edges == pytest.approx(0.0042, abs=0.002)
    assert figures.odd["case"] / figures.edges == pytest.approx(CASE_ERRORS / EDGES, abs=0.002)
    assert figures.odd["self"] > 10
    for hub in range(4):
        assert figures.children[hub] / figures.edges == pytest.approx(HUBS[hub] / EDGES, rel=0.15)
    assert max(figures.depths) >= 4


def test_the_table_names_each_share_beside_that_of_the_hub(figures: Figures) -> None:
    said = figures.table()
    assert "| models with a parent | 28." in said
    assert "| 28.1300% |" in said
    assert "models by steps up to a root: 0: " in said


def test_every_format_holds_the_same_lineage(tmp_path: Path) -> None:
    digests = set()
    for name in ("hub.jsonl", "hub.jsonl.gz", "hub.parquet"):
        write(tmp_path / name, 3_000)
        engine = imported(tmp_path, name)
        with reading(engine) as connection:
            assert check(connection) == []
            digests.add(digest(connection, "lineage"))
        engine.dispose()
    assert len(digests) == 1
    with gzip.open(tmp_path / "hub.jsonl.gz", "rt", encoding="utf-8") as lines:
        assert [json.loads(line) for line in lines] == list(Generator(3_000).rows())


def test_what_was_made_is_what_a_registry_then_holds(tmp_path: Path) -> None:
    made = write(tmp_path / "hub.jsonl", 20_000)
    with reading(imported(tmp_path, "hub.jsonl")) as connection:
        held = totals(connection)
        edges = all_edges(connection).tolist()
    assert held.models["listed"] == 20_000
    assert held.defects == {"cycle": 2, "self-reference": made.odd["self"]}
    assert sum(held.edges.values()) == len(edges) == made.edges
    assert held.edges["recovered-by-case"] == made.odd["case"]
    pairs = {(child, parent) for child, parent in edges}
    mutual = {edge for edge in pairs if edge[::-1] in pairs}
    assert len(mutual) == made.odd["cycle"] == 2


def imported(folder: Path, name: str) -> Engine:
    """A registry with what a file holds."""
    engine = open_registry(str(folder / f"{name}.db"), create=True)
    import_files(engine, [folder / name], seen="2026-09-25T00:00:00Z", progress=lambda dump, models: None)
    return engine
