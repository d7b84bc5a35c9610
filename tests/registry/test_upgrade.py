"""A registry of an older schema: told, upgraded, nothing lost."""

import sqlite3
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import event, text

from registry.database import SCHEMA, connect, open_for_upgrade, open_registry, parse_url, schema_version, upgrade
from registry.records import RegistryError
from registry.transfer import check
from tests.families import edges, family


def old_registry(path: Path, version: str) -> None:
    """A registry as an earlier version of the product made it."""
    engine = connect(parse_url(str(path)))
    config = Config()
    config.set_main_option("script_location", "registry:migrations")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, version)
        connection.execute(text("INSERT INTO models (repo_id, folded, state) VALUES ('a/Old', 'a/old', 'listed')"))
    engine.dispose()


def test_an_older_registry_is_told_and_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    old_registry(path, "0001")
    with pytest.raises(RegistryError, match=r"older schema 0001: run `lineage db upgrade`"):
        open_registry(str(path))
    engine, before = open_for_upgrade(str(path))
    assert before == "0001"
    upgrade(engine)
    engine.dispose()
    engine = open_registry(str(path))
    family(engine, "a/Old\n me/New\n")
    assert edges(engine) == {("me/New", "a/Old"): "both"}
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) == SCHEMA
        assert check(connection) == []
    engine.dispose()


@pytest.mark.parametrize("pages", [1, 4, 8, 13])
def test_an_upgrade_that_has_no_room_changes_nothing(tmp_path: Path, pages: int) -> None:
    path = tmp_path / "registry.db"
    old_registry(path, "0001")
    engine, _ = open_for_upgrade(str(path))

    @event.listens_for(engine, "connect")
    def limit(connection: sqlite3.Connection, _record: object) -> None:
        (size,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={size + pages}")

    engine.dispose()  # the connection that there is knows no limit
    with pytest.raises(RegistryError, match="has no room left on its disk"):
        upgrade(engine)
    engine.dispose()
    engine, before = open_for_upgrade(str(path))
    assert before == "0001"
    upgrade(engine)
    assert schema_version(engine) == SCHEMA
    engine.dispose()
