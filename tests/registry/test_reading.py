"""What is read is of one moment, by the indexes, and in any letter case."""

import sqlite3
from collections.abc import Sequence
from contextlib import ExitStack

import pytest
from sqlalchemy import Engine, delete, event, select, text

import registry.search
from lineage.family import ancestors, descendants, family_of, paths
from lineage.lists import search
from registry.database import reading, reading_twice
from registry.read import briefs, data_date, walk
from registry.tables import DERIVATIONS, MODELS, SIGHTS
from registry.transfer import check, digest
from registry.write import writing
from tests.families import api_row, defects, family, hub_id, names, save

T1, T2 = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def plans(engine: Engine, ask: object) -> list[str]:
    """How SQLite goes about each statement of a question."""
    asked: list[tuple[str, Sequence[object]]] = []

    def note(_conn: object, _cursor: object, statement: str, values: Sequence[object], *_: object) -> None:
        asked.append((statement, values))

    event.listen(engine, "before_cursor_execute", note)
    try:
        ask(engine)  # type: ignore[operator]
    finally:
        event.remove(engine, "before_cursor_execute", note)
    with engine.connect() as connection:
        return [
            row[3]
            for statement, values in asked
            if statement.lstrip().startswith(("SELECT", "WITH"))
            for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(values))
        ]


@pytest.mark.parametrize(
    "ask",
    [
        lambda engine: ancestors(engine, "you/Tuned"),
        lambda engine: descendants(engine, "Qwen/Base"),
        lambda engine: descendants(engine, "Qwen/Base", depth=1, relations=["finetune"]),
        lambda engine: descendants(engine, "author:me"),
        lambda engine: paths(engine, "you/Tuned", "Qwen/Base"),
    ],
)
def test_families_are_found_by_the_indexes(sqlite_registry: Engine, ask: object) -> None:
    family(sqlite_registry, "Qwen/Base\n me/Tuned\n  you/Tuned\n")
    steps = plans(sqlite_registry, ask)
    assert any("SEARCH derivations" in step for step in steps)
    assert [step for step in steps if step.startswith(("SCAN derivations", "SCAN models"))] == []


def test_what_is_read_is_of_one_moment(registry: Engine) -> None:
    family(registry, "Qwen/Base\n me/Tuned\n")
    with reading(registry) as connection:
        before = walk(connection, [1, 2], up=False)
        with writing(registry) as other:
            other.execute(delete(DERIVATIONS))
            other.execute(delete(SIGHTS))
            other.execute(delete(MODELS))
        assert walk(connection, [1, 2], up=False) == before
        assert len(briefs(connection, [1, 2])) == 2
    assert family_of_nothing(registry) == 0


def test_two_connections_are_of_one_moment(sqlite_registry: Engine) -> None:
    ids = select(MODELS.c.repo_id).order_by(MODELS.c.repo_id)
    names = ["a/A", "b/B", "c/C"]
    for known in (1, 2):
        save(sqlite_registry, [api_row(names[known - 1])])
        with reading_twice(sqlite_registry) as (one, other):
            save(sqlite_registry, [api_row(names[known])])
            assert other is not None
            assert one.scalars(ids).all() == other.scalars(ids).all() == names[:known]


def test_many_may_read_twice(sqlite_registry: Engine) -> None:
    with ExitStack() as all_of_them:
        pairs = [all_of_them.enter_context(reading_twice(sqlite_registry)) for _ in range(16)]
        assert all(other is not None for _, other in pairs)


@pytest.mark.parametrize("begun", ["SELECT 1", "BEGIN"])
def test_what_is_written_between_the_two_is_noticed(sqlite_registry: Engine, begun: str) -> None:
    save(sqlite_registry, [api_row("a/A")])
    met = 0

    def write(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        nonlocal met
        met += statement.startswith(begun)
        if statement.startswith(begun) and met == (1 if begun == "SELECT 1" else 2):  # the second one begins last
            with sqlite3.connect(str(sqlite_registry.url.database)) as another:
                another.execute("UPDATE models SET likes = 7")
            another.close()

    event.listen(sqlite_registry, "before_cursor_execute", write)
    with reading_twice(sqlite_registry) as (one, other):
        assert other is None
        assert (one.scalar(select(MODELS.c.likes)) == 7) == (begun == "SELECT 1")
    event.remove(sqlite_registry, "before_cursor_execute", write)


@pytest.mark.parametrize("asked", ["qwen", "8b", "a", "q_en", "Qwen/Qwen3-8B", "zz", "no such model", ""])
def test_a_search_by_two_finds_what_one_does(
    snapshot_registry: Engine, monkeypatch: pytest.MonkeyPatch, asked: str
) -> None:
    alone = search(snapshot_registry, asked, limit=50)
    monkeypatch.setattr(registry.search, "_MANY", 1_000)
    assert search(snapshot_registry, asked, limit=50) == alone
    monkeypatch.setattr(registry.search, "_FEW", 20)
    assert search(snapshot_registry, asked, limit=50) == alone


def family_of_nothing(registry: Engine) -> int:
    with reading(registry) as connection:
        return len(briefs(connection, [1, 2]))


def test_search_minds_no_letter_case(registry: Engine) -> None:
    card = {"license": "other", "license_name": "Qwen-Research"}
    save(
        registry, [api_row("a/A", license="apache-2.0", pipeline_tag="text-generation"), api_row("b/B", cardData=card)]
    )
    for asked in ("apache-2.0", "Apache-2.0", "APACHE-2.0"):
        assert [m.id for m in search(registry, "", license=asked).models] == ["a/A"]
    assert [m.id for m in search(registry, "", license="qwen-RESEARCH").models] == ["b/B"]
    assert [m.id for m in search(registry, "", pipeline="Text-Generation").models] == ["a/A"]
    assert [m.id for m in search(registry, "B/b").models] == ["b/B"]


def test_a_revision_stays_in_every_answer(registry: Engine) -> None:
    family(registry, "Qwen/Base\n me/Tuned\n")
    found = paths(registry, "me/Tuned@abc", "Qwen/Base@def")
    assert (found.model, found.ancestor) == ("me/Tuned@abc", "Qwen/Base@def")
    assert family_of(registry, ["me/Tuned@abc"], up=True).roots == ("me/Tuned@abc",)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_defects_of_a_row_that_says_nothing_of_parents_are_kept(registry: Engine, order: tuple[int, int]) -> None:
    good = ({"id": "a/b", "tags": ["license:mit"], "downloads": 5}, T1)
    junk = ({"id": "a/b", "tags": "junk", "downloads": "many", "likes": -3}, T2)
    for turn in order:
        row, seen = (good, junk)[turn]
        save(registry, [row], seen=seen)
    assert {field for _, kind, field in fields(registry) if kind == "bad-type"} == {"tags", "downloads", "likes"}


def fields(engine: Engine) -> set[tuple[str, str, str]]:
    with engine.connect() as connection:
        return {(m, k, f) for m, k, f in connection.execute(text("SELECT model_key, kind, field FROM defects"))}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1), (1, 2, 0)])
def test_a_name_that_is_taken_back_is_no_other_name(registry: Engine, order: tuple[int, ...]) -> None:
    _id = hub_id("the/same")
    sights = (("old/name", T1), ("new/name", T1), ("old/name", T2))
    for turn in order:
        name, seen = sights[turn]
        save(registry, [api_row(name, _id=_id)], seen=seen)
    assert names(registry) == {"new/name": ("old/name", "hub-id")}
    assert defects(registry) == set()


def test_a_name_that_is_a_models_own_is_a_fault(registry: Engine) -> None:
    family(registry, "Qwen/Base\n")
    with registry.begin() as connection:
        connection.execute(text("INSERT INTO names VALUES ('Qwen/Base', 'qwen/base', 1, 'hub-id')"))
    with reading(registry) as connection:
        assert check(connection) == ["1 old names that are a model's own by now: import any file again"]


def test_the_digest_minds_no_source_and_no_time(registry: Engine) -> None:
    save(registry, [api_row("a/A")], seen=T1, source="x")
    with reading(registry) as connection:
        before = digest(connection)
    save(registry, [api_row("a/A")], seen=T2, source="y")
    with reading(registry) as connection:
        assert digest(connection) == before
        assert data_date(connection) is None  # no run was noted
