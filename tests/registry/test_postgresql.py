"""What is about PostgreSQL itself; that it holds and answers the same as SQLite, the other tests see."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from lineage.audit import audit
from lineage.drift import drift
from lineage.family import ancestors, descendants, paths
from lineage.inheritance import inheritance
from lineage.lists import search
from lineage.selection import Selection
from lineage.statistics import count_family, family_statistics, registry_statistics
from registry.copy import copy
from registry.database import open_registry, reading
from registry.records import RegistryError
from registry.transfer import check
from tests.conftest import CHECKOUT
from tests.databases import Server
from tests.families import api_row, models, save


def url_of(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_the_answers_are_those_of_sqlite(snapshot_registry: Engine, postgresql: Server) -> None:
    """Of the same content, in the order in which the other database gives it."""
    model, root = "reaperdoesntknow/dualmind-qwen-1.7b-thinking", "Qwen/Qwen3-1.7B"
    with postgresql.registry() as other:
        copy(snapshot_registry, url_of(other), lambda done, total: None)
        for ask in (
            lambda engine: ancestors(engine, model),
            lambda engine: descendants(engine, root, depth=2, relations=["finetune", "merge"], limit=20),
            lambda engine: paths(engine, model, root),
            lambda engine: search(engine, "qwen3", descends_from=["author:Qwen"], license="apache-2.0"),
            lambda engine: search(engine, "E", limit=7),
            lambda engine: search(engine, "", limit=20_000),
            lambda engine: count_family(engine, "author:Qwen"),
            lambda engine: family_statistics(engine, root, limit=None),
            lambda engine: registry_statistics(engine, limit=3),
            lambda engine: registry_statistics(engine, limit=None),
            lambda engine: inheritance(engine, "WeiboAI/VibeThinker-3B"),
            drift,
            lambda engine: audit(engine, Selection(families=("Qwen/Qwen2.5-3B-Instruct",)), claim="any"),
            lambda engine: audit(engine, Selection(), claim="any"),
        ):
            assert ask(other) == ask(snapshot_registry)


@pytest.mark.parametrize(
    ("trouble", "line"),
    [
        (
            "RAISE disk_full USING MESSAGE = 'could not extend file \"x\": wrote only 4096 of 8192 bytes'",
            "has no room left",
        ),
        ("RAISE disk_full USING MESSAGE = 'could not write: No space left on device'", "has no room left"),
        ("PERFORM pg_terminate_backend(pg_backend_pid())", "ended the connection: was it stopped"),
        ("RAISE 'the like\nwas never seen'", "answered: the like: check --db"),
    ],
)
def test_trouble_in_the_middle_of_an_import_is_one_line(postgresql: Server, trouble: str, line: str) -> None:
    """Rows are sent by COPY, of which SQLAlchemy knows nothing, and not its errors either."""
    with postgresql.place() as url:
        engine = open_registry(url, create=True)
        with engine.begin() as connection:
            body = f"BEGIN {trouble}; RETURN NEW; END"
            connection.execute(text(f"CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"))
            when = "BEFORE INSERT ON models FOR EACH ROW"
            connection.execute(text(f"CREATE TRIGGER trouble {when} EXECUTE FUNCTION trouble()"))
        with pytest.raises(RegistryError, match=line) as error:
            save(engine, [api_row("me/M")])
        assert "\n" not in str(error.value)
        engine.dispose()


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"answered: .*check --db") as error:
        open_registry(f"postgresql+psycopg://me:secret@/db?host={tmp_path}")
    assert "secret" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_a_database_of_others_is_left_alone(postgresql: Server) -> None:
    with postgresql.registry() as engine:
        with engine.begin() as connection:
            connection.execute(text("DROP TABLE alembic_version"))
        for create in (False, True):
            with pytest.raises(RegistryError, match="is not a lineage registry"):
                open_registry(url_of(engine), create=create)


def test_a_registry_that_several_make_at_once_is_made_once(postgresql: Server, tmp_path: Path) -> None:
    (tmp_path / "rows").write_text('{"id": "me/M"}\n')
    with postgresql.place() as url:
        command = [sys.executable, "-m", "lineage", "import", "-q", "--db", url, str(tmp_path / "rows")]
        made = [subprocess.Popen(command, stderr=subprocess.PIPE, cwd=CHECKOUT) for _ in range(4)]
        assert [process.communicate(timeout=100)[1] for process in made] == [b""] * 4
        engine = open_registry(url)
        assert list(models(engine)) == ["me/M"]
        with engine.connect() as connection:
            assert check(connection) == []
        engine.dispose()


def test_a_schema_in_a_path_of_its_own(postgresql: Server) -> None:
    """Two teams may share a database, each with a schema."""
    with postgresql.place() as url:
        engine = open_registry(url, create=True)
        with engine.begin() as connection:
            connection.execute(text("CREATE SCHEMA theirs"))
        theirs = open_registry(f"{url}&options=-csearch_path%3Dtheirs", create=True)
        save(theirs, [api_row("their/M", ["their/Base"])])
        assert (list(models(engine)), sorted(models(theirs))) == ([], ["their/Base", "their/M"])
        theirs.dispose()
        engine.dispose()


def test_who_has_no_right_is_told_in_one_line(postgresql: Server) -> None:
    with postgresql.place() as url:
        engine = open_registry(url, create=True)
        save(engine, [api_row("me/M")])
        with engine.begin() as connection:
            connection.execute(text("CREATE ROLE lineage_reader"))
            connection.execute(text("GRANT SELECT ON alembic_version, models, sights TO lineage_reader"))
        reader = open_registry(f"{url}&options=-crole%3Dlineage_reader")
        try:
            assert list(models(reader)) == ["me/M"]
            with pytest.raises(RegistryError, match="refuses you that: ask who looks after the server"):
                save(reader, [api_row("me/Other")])
            with pytest.raises(RegistryError, match="refuses you that"), reading(reader) as connection:
                connection.execute(text("SELECT * FROM names"))
        finally:
            reader.dispose()
            with engine.begin() as connection:
                connection.execute(text("DROP OWNED BY lineage_reader"))
                connection.execute(text("DROP ROLE lineage_reader"))
            engine.dispose()
