"""Indexes that a registry does without while it is filled for the first time."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, text

from crawler.answers import CrawlError
from crawler.dumps import Dump
from crawler.load import import_files
from registry.database import reading
from registry.names import find_model
from tests.crawler.crawls import crawled, small_pages, small_world, token_of_the_tests
from tests.fakehub.server import FakeHub
from tests.families import api_row

ONLY_QUESTIONS = {f"ix_models_{name}" for name in ("author", "folded", "labels", "placeholders", "popular")}


def indexes(engine: Engine) -> dict[str, str]:
    """The indexes of models that no constraint needs, by name."""
    with reading(engine) as connection:
        if connection.dialect.name == "sqlite":
            made = (
                "SELECT name, sql FROM sqlite_master WHERE tbl_name = 'models' AND type = 'index' AND sql IS NOT NULL"
            )
            return {name: " ".join(sql.split()) for name, sql in connection.execute(text(made))}
        held = {str(row["name"]): repr(row) for row in inspect(connection).get_indexes("models")}
        return {name: row for name, row in held.items() if name.startswith("ix_")}


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(api_row("me/Derivative", ["me/base"])) + "\n" + json.dumps(api_row("me/Base")))
    return path


def test_the_first_import_has_them_in_the_end(registry: Engine, dump: Path) -> None:
    before, met = indexes(registry), []

    def look(_dump: Dump, _models: int) -> None:
        met.append(indexes(registry))
        with reading(registry) as connection:
            assert find_model(connection, "ME/derivative").repo_id == "me/Derivative"

    for _ in range(2):
        import_files(registry, [dump], progress=look)
        assert indexes(registry) == before
    left = ONLY_QUESTIONS if registry.dialect.name == "sqlite" else set()
    assert met == [{name: made for name, made in before.items() if name not in left}, before]
    assert left <= before.keys()


def test_an_import_that_is_killed_and_made_again(registry: Engine, dump: Path) -> None:
    def kill(_dump: Dump, _models: int) -> None:
        raise KeyboardInterrupt

    before = indexes(registry)
    with pytest.raises(KeyboardInterrupt):
        import_files(registry, [dump], progress=kill)
    assert (indexes(registry) == before) == (registry.dialect.name == "postgresql")
    import_files(registry, [dump], progress=lambda dump, models: None)
    assert indexes(registry) == before


def test_a_crawl_that_breaks_off_has_them(registry: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)
    small_pages(monkeypatch)
    before = indexes(registry)
    with FakeHub(small_world()) as hub:
        hub.faults.status(400, deep=True)
        with pytest.raises(CrawlError):
            crawled(registry, hub)
        assert indexes(registry) == before
        crawled(registry, hub)
        assert indexes(registry) == before
