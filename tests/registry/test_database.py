"""Open, create and upgrade a registry: what goes wrong is said in one line that ends with the way out."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect, text
from sqlmodel import SQLModel

from registry import database
from registry.copy import copy
from registry.database import SCHEMA, default_url, open_for_upgrade, open_registry, parse_url, reading, upgrade
from registry.records import RegistryError
from registry.transfer import check
from registry.write import writing
from tests.families import api_row, content, models, save


def refusal(act: Callable[[], object]) -> str:
    """The error of `act`, which must be one line."""
    with pytest.raises(RegistryError) as caught:
        act()
    said = str(caught.value)
    assert "\n" not in said
    assert "Traceback" not in said
    assert ": " in said
    return said


def set_schema(engine: Engine, version: str | None) -> None:
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if version is not None:
            connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": version})


def name_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def file_of(engine: Engine) -> Path:
    return Path(engine.url.database or "")


def pragma(engine: Engine, name: str) -> object:
    with engine.connect() as connection:
        return connection.execute(text(f"PRAGMA {name}")).scalar()


#: On SQLite alone: PostgreSQL refuses to index texts as long as theirs may be.
FILES_ONLY = {"ix_models_author", "ix_models_labels"}


# SQLAlchemy does not read what an index of SQLite is made of if that is an expression.
@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection", "ignore:autogenerate skipping")
def test_migrations_make_exactly_the_tables_of_the_code(registry: Engine) -> None:
    with registry.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differing = compare_metadata(context, SQLModel.metadata)
        names = [index.name for what, index in differing if what == "add_index"]
        assert len(names) == len(differing)
        assert set(names) == (set() if registry.dialect.name == "sqlite" else FILES_ONLY)
        indexes = inspect(connection).get_indexes("derivations")
    assert {index["name"] for index in indexes} == {"ix_derivations_parent", "ix_derivations_claims"}


def test_partial_indexes_cover_what_they_are_for(sqlite_registry: Engine) -> None:
    """Autogenerate does not compare conditions, so they are looked at in the file."""
    connection = sqlite3.connect(file_of(sqlite_registry))
    wanted = {"ix_models_placeholders": "placeholder", "ix_derivations_claims": "tag-unresolved"}
    for name, words in wanted.items():
        [(sql,)] = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", [name])
        assert "WHERE" in sql
        assert words in sql
    connection.close()


def test_the_schema_this_code_knows_is_the_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", "registry:migrations")
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA


def test_a_new_registry_is_of_the_newest_schema_and_empty(registry: Engine) -> None:
    assert database.schema_version(registry) == SCHEMA
    assert all(rows == [] for rows in content(registry).values())


def test_pragmas(sqlite_registry: Engine) -> None:
    assert pragma(sqlite_registry, "foreign_keys") == 1
    assert pragma(sqlite_registry, "journal_mode") == "wal"
    assert pragma(sqlite_registry, "busy_timeout") == 30_000
    assert pragma(sqlite_registry, "synchronous") == 1
    assert pragma(sqlite_registry, "page_size") == 16_384
    assert pragma(sqlite_registry, "wal_autocheckpoint") == 64 * 2**20 // 16_384


def test_a_registry_with_smaller_pages(tmp_path: Path) -> None:
    """As versions before made them."""
    small, large = str(tmp_path / "small.db"), str(tmp_path / "large.db")
    open_registry(small, create=True).dispose()
    connection = sqlite3.connect(small)
    for statement in ("PRAGMA journal_mode=DELETE", "PRAGMA page_size=4096", "VACUUM", "PRAGMA journal_mode=WAL"):
        connection.execute(statement)
    connection.close()
    engine = open_registry(small)
    save(engine, [api_row("me/M")])
    assert (pragma(engine, "page_size"), pragma(engine, "journal_mode")) == (4096, "wal")
    copy(engine, large, lambda _done, _total: None)
    engine.dispose()
    engine = open_registry(large)
    assert (pragma(engine, "page_size"), list(models(engine))) == (16_384, ["me/M"])
    engine.dispose()


def test_a_registry_stays_what_it_is(tmp_path: Path) -> None:
    name = str(tmp_path / "new" / "folder" / "registry.db")
    engine = open_registry(name, create=True)
    save(engine, [api_row("me/M")])
    engine.dispose()
    for create in (True, False):
        engine = open_registry(name, create=create)
        assert list(models(engine)) == ["me/M"]
        engine.dispose()


def test_a_url_names_the_same_file(sqlite_registry: Engine) -> None:
    save(sqlite_registry, [api_row("me/M")])
    engine = open_registry(f"sqlite:///{file_of(sqlite_registry)}")
    assert list(models(engine)) == ["me/M"]
    engine.dispose()


@pytest.mark.parametrize("prepare", [lambda path: None, lambda path: path.touch()])
def test_a_missing_or_empty_file(tmp_path: Path, prepare: Callable[[Path], None]) -> None:
    path = tmp_path / "registry.db"
    prepare(path)
    before = path.exists()
    said = refusal(lambda: open_registry(str(path)))
    assert said.startswith(f"no registry at {path}")
    assert "lineage demo" in said
    assert path.exists() == before  # nothing was left behind
    engine = open_registry(str(path), create=True)
    assert database.schema_version(engine) == SCHEMA
    engine.dispose()


@pytest.mark.parametrize("create", [False, True])
@pytest.mark.parametrize("data", [b"x", b"hello " * 1_000, b"SQLite format 3\x00" + b"\xff" * 5_000])
def test_a_file_that_is_no_database(tmp_path: Path, data: bytes, create: bool) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(data)
    assert str(path) in refusal(lambda: open_registry(str(path), create=create))
    assert path.read_bytes() == data


@pytest.mark.parametrize("create", [False, True])
def test_somebody_elses_database(tmp_path: Path, create: bool) -> None:
    path = tmp_path / "theirs.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE songs (title TEXT)")
    connection.close()
    assert "is not a lineage registry" in refusal(lambda: open_registry(str(path), create=create))
    assert "is not a lineage registry" in refusal(lambda: open_for_upgrade(str(path)))
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("songs",)]
    connection.close()


def test_a_registry_whose_version_was_lost(registry: Engine) -> None:
    set_schema(registry, None)
    assert "is not a lineage registry" in refusal(lambda: open_registry(name_of(registry)))


@pytest.mark.parametrize("create", [False, True])
def test_a_newer_schema(registry: Engine, create: bool) -> None:
    set_schema(registry, "9999")
    said = refusal(lambda: open_registry(name_of(registry), create=create))
    assert f"has schema 9999, this version knows {SCHEMA}: upgrade finetune-lineage" in said


@pytest.mark.parametrize("create", [False, True])
def test_a_database_that_somebody_else_migrates(registry: Engine, create: bool) -> None:
    set_schema(registry, "ae1027a6acf4")
    said = refusal(lambda: open_registry(name_of(registry), create=create))
    assert "is not a lineage registry" in said


@pytest.mark.parametrize("create", [False, True])
def test_an_older_schema(registry: Engine, create: bool) -> None:
    set_schema(registry, "0000")
    said = refusal(lambda: open_registry(name_of(registry), create=create))
    assert said.endswith("has the older schema 0000: run `lineage db upgrade`")
    engine, version = open_for_upgrade(name_of(registry))
    assert version == "0000"
    engine.dispose()


def test_upgrading_a_registry_of_today_changes_nothing(registry: Engine) -> None:
    save(registry, [api_row("me/M", ["Qwen/Base"])])
    before = content(registry)
    engine, version = open_for_upgrade(name_of(registry))
    upgrade(engine)
    engine.dispose()
    assert version == SCHEMA
    assert content(registry) == before


def test_upgrading_what_is_not_there(tmp_path: Path) -> None:
    assert "no registry at" in refusal(lambda: open_for_upgrade(str(tmp_path / "missing.db")))


def test_places_where_nothing_can_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "registry.db", Path("/proc/no-such-process/registry.db")):
        said = refusal(lambda path=path: open_registry(str(path), create=True))  # type: ignore[misc]
        assert str(path) in said
        assert "--db" in said
        assert "no registry at" in refusal(lambda path=path: open_registry(str(path)))  # type: ignore[misc]


@pytest.mark.parametrize("create", [False, True])
def test_a_folder_is_no_registry(tmp_path: Path, create: bool) -> None:
    assert str(tmp_path) in refusal(lambda: open_registry(str(tmp_path), create=create))


@pytest.mark.parametrize("name", [":memory:", "sqlite://", "sqlite:///:memory:"])
def test_a_registry_in_memory_would_be_lost(name: str) -> None:
    assert "in memory" in refusal(lambda: open_registry(name, create=True))


@pytest.mark.parametrize(
    "name",
    [
        "://",
        "no driver://x",
        "oracle-of-delphi://x/y",
        "sqlite+abacus:///x.db",
        "sqlite:///x.db?timeout=abc",
        "postgresql://me@host:notaport/db",
        "postgresql+psycopg://[::1/db",
        "a" * 5_000,
        "nul\x00.db",
    ],
)
def test_a_url_of_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for create in (False, True):
        refusal(lambda create=create: open_registry(name, create=create))  # type: ignore[misc]


def test_a_server_that_is_not_there_is_named_without_its_password() -> None:
    name = "postgresql+psycopg://me:secret@127.0.0.1:1/lineage"
    said = refusal(lambda: open_registry(name))
    assert "postgresql+psycopg://me:***@127.0.0.1:1/lineage" in said
    assert "secret" not in said


def test_a_registry_that_another_process_writes(sqlite_registry: Engine) -> None:
    other = sqlite3.connect(file_of(sqlite_registry))
    other.execute("BEGIN IMMEDIATE")
    with sqlite_registry.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=0")
    said = refusal(lambda: save(sqlite_registry, [api_row("me/M")]))
    assert "is being written by another process" in said
    assert content(sqlite_registry)["models"] == []  # readers go on
    other.close()


def test_what_fails_midway_is_not_half_written(registry: Engine) -> None:
    def interrupted() -> None:
        with writing(registry) as connection:
            connection.execute(text("INSERT INTO models (repo_id, folded, state) VALUES ('a/A', 'a/a', 'listed')"))
            connection.execute(text("INSERT INTO names VALUES ('x', 'x', 999, 'case')"))

    assert "foreign key" in refusal(interrupted).lower()
    assert content(registry)["models"] == []


def test_a_damaged_registry(sqlite_registry: Engine) -> None:
    save(sqlite_registry, [api_row(f"me/M{n}") for n in range(500)])
    sqlite_registry.dispose()
    path = file_of(sqlite_registry)
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    assert "is damaged" in refusal(lambda: open_registry(str(path)))


@pytest.mark.parametrize("prepare", [lambda path: None, lambda path: path.touch()])
def test_the_log_of_a_registry_that_is_gone(
    sqlite_registry: Engine, tmp_path: Path, prepare: Callable[[Path], None]
) -> None:
    """As a killed command leaves it, whose registry was deleted then: SQLite would take it for the new one's."""
    save(sqlite_registry, [api_row("me/M")])  # the connection stays in the pool, and so does the log
    place, log = tmp_path / "new.db", tmp_path / "new.db-wal"
    shutil.copy(f"{file_of(sqlite_registry)}-wal", log)
    prepare(place)
    left = log.read_bytes()
    for act in (
        lambda: open_registry(str(place), create=True),
        lambda: copy(sqlite_registry, str(place), lambda done, total: None),
    ):
        said = refusal(act)
        assert f"{log} is left of a registry that is gone" in said
        assert log.read_bytes() == left
    log.unlink()
    engine = open_registry(str(place), create=True)
    assert models(engine) == {}
    with reading(engine) as connection:
        assert check(connection) == []
    engine.dispose()


def test_damage_is_told_in_a_line(sqlite_registry: Engine) -> None:
    save(sqlite_registry, [api_row(f"me/M{n}") for n in range(5_000)])
    sqlite_registry.dispose()
    connection = sqlite3.connect(file_of(sqlite_registry))
    connection.execute("PRAGMA writable_schema=ON")
    connection.execute("DELETE FROM sqlite_master WHERE name = 'ix_models_folded'")  # 40 pages are nobody's now
    connection.commit()
    connection.close()
    with reading(sqlite_registry) as here:
        (said,) = check(here)
    assert said.startswith("the file is damaged (")
    assert "is never used" in said
    assert "\n" not in said
    assert len(said) < 200


def test_the_variable_names_the_registry(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sqlite_registry: Engine
) -> None:
    monkeypatch.setenv("LINEAGE_DB", str(tmp_path / "named.db"))
    assert default_url() == str(tmp_path / "named.db")
    assert str(tmp_path / "named.db") in refusal(open_registry)
    engine = open_registry(str(file_of(sqlite_registry)))  # what is said outright comes first
    assert file_of(engine) == file_of(sqlite_registry)
    engine.dispose()


def test_without_a_name_the_registry_is_in_the_users_data_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("XDG_DATA_HOME", "HOME", "APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(variable, str(tmp_path))
    place = Path(default_url())
    assert place.name == "registry.db"
    assert place.parent.name == "finetune-lineage"
    engine = open_registry(create=True)
    assert file_of(engine) == place
    engine.dispose()


def test_an_empty_variable_names_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_DB", "")
    assert default_url().endswith("registry.db")


@pytest.mark.parametrize("name", ["registry.db", "./a b/ü.db", "C:\\data\\registry.db", "weird?name#.db", "100%.db"])
def test_a_path_is_taken_as_it_is(name: str) -> None:
    url = parse_url(name)
    assert (url.get_backend_name(), url.database) == ("sqlite", name)


def test_a_path_with_odd_letters_works(tmp_path: Path) -> None:
    path = tmp_path / "a b" / "ü?#100%.db"
    engine = open_registry(str(path), create=True)
    engine.dispose()
    assert path.is_file()
