"""Copies of whole registries, from any database to any other."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, insert, select, text
from sqlmodel import SQLModel

from crawler.crawl import crawl_family, resume
from crawler.hub import Hub
from registry import copy as copying
from registry.copy import copy
from registry.database import open_registry, reading
from registry.runs import last_broken_off
from registry.tables import MODELS, RUNS
from registry.transfer import check, digest
from tests.crawler.crawls import break_off_after, silent, small_world, whole_digest
from tests.databases import Database
from tests.fakehub.server import FakeHub
from tests.families import api_row, save
from tests.lineage.calls import database as name_of
from tests.lineage.calls import lineage, refusal


def quietly(_done: int, _total: int) -> None:
    """No progress."""


def rows_of(engine: Engine) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table, keys and all."""
    with engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=repr)
            for table in SQLModel.metadata.sorted_tables
        }


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest) -> Database:
    """Where the copy goes: each database in turn, for each that it comes from."""
    found: Database = request.getfixturevalue(request.param)
    return found


def test_a_copy_is_the_registry(snapshot_registry: Engine, elsewhere: Database) -> None:
    told: list[tuple[int, int]] = []
    with elsewhere.place() as place:
        rows = copy(snapshot_registry, place, lambda done, total: told.append((done, total)))
        copied = open_registry(place)
        assert rows_of(copied) == rows_of(snapshot_registry)
        with reading(copied) as here, reading(snapshot_registry) as there:
            assert digest(here) == digest(there)
            assert check(here) == []
        copied.dispose()
    assert rows == sum(map(len, rows_of(snapshot_registry).values()))
    assert told[-1] == (rows, rows)
    assert told == sorted(told)


def test_new_models_get_keys_of_their_own(registry: Engine, elsewhere: Database) -> None:
    save(registry, [api_row(f"me/M{n}", ["me/Base"]) for n in range(20)])
    with elsewhere.registry() as copied:
        copy(registry, name_of(copied), quietly)
        save(copied, [api_row("new/N", ["new/Base"]), {"id": 5}])
        save(registry, [api_row("new/N", ["new/Base"]), {"id": 5}])
        assert whole_digest(copied) == whole_digest(registry)


def test_a_walk_goes_on_in_the_copy(registry: Engine, elsewhere: Database) -> None:
    with FakeHub(small_world(30)) as hub, elsewhere.registry() as copied:
        with pytest.raises(KeyboardInterrupt):
            crawl_family(registry, Hub(hub.url), break_off_after(2), ["me/M0"])
        copy(registry, name_of(copied), quietly)
        for engine in (copied, registry):
            resume(engine, Hub(hub.url), silent)
            with reading(engine) as connection:
                assert last_broken_off(connection) is None
        assert whole_digest(copied) == whole_digest(registry)


TEXTS = [
    "",
    " ",
    "\\N",
    "\\.",
    "a\tb\nc\r\\n",
    '"quoted", {and} braced',
    "ü \u202e \U0001f999",
    "x" * 2048,
    "NULL",
    "%s :a ?",
]


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_through(registry: Engine, elsewhere: Database, text: str) -> None:
    row = {"repo_id": text, "folded": text, "state": "listed", "licenses": text, "author": None, "private": True}
    with registry.begin() as connection:
        connection.execute(insert(MODELS), [row, row | {"repo_id": f"{text}2", "private": False}])
        connection.execute(insert(MODELS).values(repo_id="none", folded="none", state="listed", downloads=2**62))
    with elsewhere.registry() as copied:
        copy(registry, name_of(copied), quietly)
        assert rows_of(copied) == rows_of(registry)


def note_a_run(engine: Engine) -> None:
    zeros = dict.fromkeys(("models", "new", "changed", "renamed", "gone", "returned"), 0)
    with engine.begin() as connection:
        connection.execute(insert(RUNS).values(command="import", source="", seen="", started_at="", **zeros))


@pytest.mark.parametrize("prepare", [lambda e: save(e, [api_row("a/A")]), note_a_run], ids=["model", "run"])
def test_what_holds_anything_is_left_alone(
    registry: Engine, another: Engine, prepare: Callable[[Engine], object]
) -> None:
    save(registry, [api_row("me/M")])
    prepare(another)
    before = rows_of(another)
    said = refusal("db", "copy", name_of(registry), name_of(another))
    assert said.endswith(" holds data already: name a new file or an empty database")
    assert rows_of(another) == before


@pytest.mark.parametrize("there", [False, True])
def test_what_breaks_off_leaves_nothing(
    registry: Engine, database: Database, monkeypatch: pytest.MonkeyPatch, there: bool
) -> None:
    save(registry, [api_row(f"me/M{n}", ["me/Base"]) for n in range(20)])

    def interrupt(done: int, _total: int) -> None:
        if done > 21:
            raise KeyboardInterrupt

    with database.place() as place:
        if there:
            open_registry(place, create=True).dispose()
        with pytest.raises(KeyboardInterrupt):
            copy(registry, place, interrupt)
        if database_is_a_file(place) and not there:
            assert list(Path(place).parent.iterdir()) == []
        else:
            found = open_registry(place)
            assert not any(rows_of(found).values())
            found.dispose()
        assert copy(registry, place, quietly) == sum(map(len, rows_of(registry).values()))


def database_is_a_file(place: str) -> bool:
    return "://" not in place


def test_the_command_says_what_it_did(registry: Engine, place: str) -> None:
    save(registry, [api_row("me/M", ["me/Base"])])
    done = lineage("db", "copy", name_of(registry), place)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "4 rows copied\n", "")
    assert lineage("db", "digest", "--db", place).stdout == lineage("db", "digest", "--db", name_of(registry)).stdout


def test_a_copy_of_nothing_or_to_nowhere(registry: Engine, tmp_path: Path) -> None:
    assert "no registry at" in refusal("db", "copy", str(tmp_path / "no.db"), str(tmp_path / "new.db"))
    (tmp_path / "notes.txt").write_text("to do\n" * 100)
    assert "is not a database" in refusal("db", "copy", name_of(registry), str(tmp_path / "notes.txt"))
    assert "name another place" in refusal("db", "copy", name_of(registry), str(tmp_path / "notes.txt" / "new.db"))
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]


def test_a_copy_is_of_one_moment(registry: Engine, another: Engine) -> None:
    save(registry, [api_row(f"me/M{n}", ["me/Base"]) for n in range(5)])
    before = whole_digest(registry)

    def write_meanwhile(_done: int, _total: int) -> None:
        save(registry, [api_row("new/N", ["new/Base"])])

    copy(registry, name_of(another), write_meanwhile)
    assert whole_digest(another) == before != whole_digest(registry)


def test_rows_are_copied_in_batches(registry: Engine, another: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "_BATCH", 7)
    save(registry, [api_row(f"me/M{n}") for n in range(50)])
    told: list[int] = []
    copy(registry, name_of(another), lambda done, _total: told.append(done))
    assert told == [*range(7, 50, 7), 50, *range(57, 100, 7), 100]  # models, then sights
    assert whole_digest(another) == whole_digest(registry)
    with another.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(MODELS)) == 50
        assert connection.scalar(text("SELECT count(*) FROM names")) == 0
