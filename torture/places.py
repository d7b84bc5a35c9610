"""Where registries are mistreated: files of SQLite, and databases of a PostgreSQL server."""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Protocol

from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine, make_url, text

from benchmarks.servers import postgresql
from registry.database import connect, parse_url

_NUMBERS = count()


class Places(Protocol):
    """Somewhere that registries are made."""

    #: What it is called in the report.
    name: str

    def none(self) -> str:
        """The name of a registry that is not there yet."""

    def like(self, template: str) -> str:
        """The name of a copy of a registry that nobody is connected to."""

    def remove(self, place: str) -> None:
        """Remove one of these; it need not be there."""


class Files:
    """SQLite."""

    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def none(self) -> str:
        """The name of no file, in a folder of its own."""
        folder = self._folder / str(next(_NUMBERS))
        folder.mkdir()
        return str(folder / "registry.db")

    def like(self, template: str) -> str:
        """A copy of a file."""
        place = self.none()
        shutil.copyfile(template, place)
        return place

    def remove(self, place: str) -> None:
        """Remove the folder of a file."""
        shutil.rmtree(Path(place).parent)


class Server:
    """PostgreSQL."""

    name = "PostgreSQL"

    def __init__(self, url: str) -> None:
        self._url = make_url(url)

    def none(self) -> str:
        """The URL of a database without tables."""
        return self._made("template0")

    def like(self, template: str) -> str:
        """A copy of a database."""
        return self._made(make_url(template).database or "")

    def remove(self, place: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._execute(f"DROP DATABASE IF EXISTS {make_url(place).database} WITH (FORCE)")

    def _made(self, template: str) -> str:
        name = f"torture_{next(_NUMBERS)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self._url.set(database=name).render_as_string(hide_password=False)

    def _execute(self, statement: str) -> None:
        engine = create_engine(self._url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@contextmanager
def both(folder: Path) -> Iterator[Sequence[Places]]:
    """Files in a folder, and a server that runs meanwhile."""
    files = folder / "files"
    files.mkdir()
    with postgresql(folder / "server") as url:
        yield Files(files), Server(url)


def older_registry(place: str, models: int) -> None:
    """A registry of the first schema, in which each model was made from the one before."""
    engine = connect(parse_url(place))
    config = Config()
    config.set_main_option("script_location", "registry:migrations")
    rows = [{"k": n + 1, "i": f"me/M{n}", "f": f"me/m{n}", "p": n, "n": f"me/M{n - 1}"} for n in range(models)]
    day = "'2026-01-01T00:00:00Z'"
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        columns = "key, repo_id, folded, state, licenses, source, first_seen, last_seen"
        values = f""":k, :i, :f, 'listed', '["mit"]', 'old.jsonl', {day}, {day}"""
        connection.execute(text(f"INSERT INTO models ({columns}) VALUES ({values})"), rows)
        columns = "child_key, position, parent_key, name, relation, origin"
        values = ":k, 0, :p, :n, 'finetune', 'both'"
        connection.execute(text(f"INSERT INTO derivations ({columns}) VALUES ({values})"), rows[1:])
    engine.dispose()
