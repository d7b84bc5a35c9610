"""Open, create and upgrade a registry: SQLite by default, any SQLAlchemy URL."""

import os
import re
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from registry.records import RegistryError

#: Bytes of a page of a SQLite registry. Names go into the indexes all over, and a larger page takes more of them at
#: once: 3.1 million bare rows of models, 100,000 a transaction, took 65 s with pages of SQLite's own size (4,096) and
#: 49 s so; twice as large ones were no faster.
_PAGE = 16_384
#: The newest schema this code knows; equals the head of registry/migrations (a test compares).
SCHEMA = "0008"
_OUR_VERSIONS = re.compile(r"\d{4}")
_PASSWORD = re.compile(r"(://[^:/@]*):[^@]*@")

_HINT_DEMO = "load one with `lineage demo` or `lineage import FILE`"


def default_url() -> str:
    """The registry named by LINEAGE_DB, else a SQLite file in the platform's user data folder."""
    if named := os.environ.get("LINEAGE_DB"):
        return named
    from platformdirs import user_data_path  # noqa: PLC0415 - 17 ms that a named registry need not pay

    return str(user_data_path("finetune-lineage", appauthor=False) / "registry.db")


def parse_url(name: str) -> URL:
    """A SQLAlchemy URL from `name`, which is one or the path of a SQLite file."""
    try:
        url = make_url(name) if "://" in name else URL.create("sqlite", database=name)
    except (ArgumentError, ValueError) as error:
        place = _PASSWORD.sub(r"\1:***@", name)[:200]
        raise RegistryError(f"not a database URL: {place}: name a file or a URL like sqlite:///registry.db") from error
    if url.get_backend_name() not in {"sqlite", "postgresql"}:
        raise RegistryError(
            f"no registry on {url.get_backend_name()}: name a SQLite file or a postgresql+psycopg:// URL"
        )
    if url.get_backend_name() == "sqlite" and url.database in {None, "", ":memory:"}:
        raise RegistryError("a registry in memory would be lost at once: name a file with --db")
    return url


def file_of(url: URL) -> Path | None:
    """The file of a registry on SQLite; None for another database."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def open_registry(name: str | None = None, *, create: bool = False) -> Engine:
    """Open the registry called `name` (a file or SQLAlchemy URL; default: `default_url()`).

    With `create`, a registry that does not exist yet is made. Raises RegistryError where there is none, the file is
    no registry, the schema is older or newer than this code's, or the place cannot be read.
    """
    url = parse_url(name or default_url())
    path = file_of(url)
    with readable_errors(url), _readable_options(url):
        missing = path is not None and (not path.exists() or path.stat().st_size == 0)
        if missing and not create:
            raise RegistryError(f"no registry at {url.database}: {_HINT_DEMO}")
        if path is not None and missing:
            _make_file(path)
        engine = connect(url)
    try:
        _expect_schema(engine, create=create)
    except RegistryError:
        engine.dispose()
        raise
    return engine


def _expect_schema(engine: Engine, *, create: bool) -> None:
    """Refuse what is no registry of this version; with `create`, make one of an empty database."""
    place = shown(engine.url)
    with readable_errors(engine.url), _readable_options(engine.url):
        # Looked at first: a registry that another process makes meanwhile has tables, and a version then.
        taken = engine.dialect.name == "sqlite" or (create and bool(inspect(engine).get_table_names()))
        version = schema_version(engine)
    if version is None:
        if not create or taken:
            raise RegistryError(f"{place} is not a lineage registry: name another with --db, or {_HINT_DEMO}")
        upgrade(engine)
    elif version > SCHEMA:
        raise RegistryError(f"{place} has schema {version}, this version knows {SCHEMA}: upgrade finetune-lineage")
    elif version < SCHEMA:
        raise RegistryError(f"{place} has the older schema {version}: run `lineage db upgrade`")


def open_for_upgrade(name: str | None = None) -> tuple[Engine, str]:
    """The registry called `name` whatever its schema, and that schema's version."""
    url = parse_url(name or default_url())
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise RegistryError(f"no registry at {url.database}: {_HINT_DEMO}")
    with readable_errors(url):
        engine = connect(url)
        version = schema_version(engine)
    if version is None:
        engine.dispose()
        raise RegistryError(f"{shown(url)} is not a lineage registry: name another with --db")
    return engine, version


@contextmanager
def _readable_options(url: URL) -> Iterator[None]:
    """Turn what a driver raises on a URL's options, or a file's name, into one line."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise RegistryError(f"cannot use {shown(url)[:200]} ({error}): check the URL given with --db") from error


def connect(url: URL) -> Engine:
    """An engine for `url`; on SQLite with foreign keys on and a writer's wait of 30 s."""
    options: dict[str, Any] = {}
    if url.drivername == "postgresql+psycopg":
        # No column is an hstore; else the first connection looks for that type, which takes half as long as all else
        # of it.
        options["use_native_hstore"] = False
    elif (path := file_of(url)) is not None:
        options["max_overflow"] = -1  # who reads twice must not wait for others that do
        if _is_at_rest(path):
            options["creator"] = partial(_open_at_rest, path)
    try:
        engine = create_engine(url, **options)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise RegistryError(
            f"no driver for {url.drivername} ({error}): try pip install 'finetune-lineage[postgres]' and a URL that "
            "begins postgresql+psycopg://"
        ) from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _set_pragmas)
    return engine


def _is_at_rest(path: Path) -> bool:
    """Whether a file stands where this process can write nothing, and nobody writes to it now (it has no log).

    SQLite keeps who reads in a file beside it, and without that refuses to read one that has ever had a log.
    https://www.sqlite.org/wal.html#read_only_databases
    """
    return path.exists() and not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists()


def _open_at_rest(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)


def schema_version(engine: Engine) -> str | None:
    """The schema's version as Alembic wrote it, read by plain SQL (Alembic takes 0.3 s to import).

    None where there is none, or where it is another product's.
    """
    with engine.connect() as connection:
        try:
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            return version if isinstance(version, str) and _OUR_VERSIONS.fullmatch(version) else None
        except DBAPIError as error:
            if "alembic_version" in str(error.orig):  # no such table / relation does not exist
                return None
            raise


def upgrade(engine: Engine) -> None:
    """Bring the schema to the newest version. The only way a schema is made or changed."""
    from alembic import command  # noqa: PLC0415 - 0.3 s that a query must not pay
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "registry:migrations")
    with readable_errors(engine.url), engine.begin() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN IMMEDIATE")  # the driver begins none by itself for what changes tables
        else:
            wait_for_writers(connection)  # two may want to make the same registry
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise RegistryError(f"cannot upgrade {shown(engine.url)} ({error}): restore a copy") from error


#: Any number that no other program on the server is likely to take.
_WRITER = 0x6C696E65616765


def wait_for_writers(connection: Connection) -> None:
    """Be the only writer on a PostgreSQL database until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _WRITER})


def analyze(connection: Connection) -> None:
    """Tell PostgreSQL's planner how much the tables hold: a server finds out by itself, but a minute after an import,
    and until then takes long chains of models for a second each thousand. SQLite plans well without."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("ANALYZE"))


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection on which everything read is of one moment, whatever is written meanwhile.

    Raises RegistryError where the database fails.
    """
    with readable_errors(engine.url), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("BEGIN")  # the driver begins none by itself for SELECT
        else:
            connection.execution_options(isolation_level="REPEATABLE READ")  # sets it on this very connection
        yield connection


@contextmanager
def reading_twice(engine: Engine) -> Iterator[tuple[Connection, Connection | None]]:
    """Two connections on which everything read is of one moment, for two threads that share what takes long.

    None instead of the second where somebody wrote just then, and on PostgreSQL, which shares a query among processes
    by itself. Raises RegistryError where the database fails.
    """
    with reading(engine) as connection:
        if engine.dialect.name != "sqlite":
            yield connection, None
            return
        with engine.connect() as beside:
            before = _writes(beside)
            connection.exec_driver_sql("SELECT 1 FROM sqlite_master LIMIT 1")  # the moment is that of the first look
            beside.exec_driver_sql("BEGIN")
            yield connection, beside if _writes(beside) == before else None


def _writes(connection: Connection) -> object:
    """A number that is another one once any other connection has written.

    https://www.sqlite.org/pragma.html#pragma_data_version
    """
    return connection.exec_driver_sql("PRAGMA data_version").scalar_one()


def plain_rows(
    connection: Connection, statement: Select[Any], values: Mapping[str, Any] | None = None
) -> Sequence[tuple[Any, ...]]:
    """All rows of a statement as the driver gives them: SQLAlchemy's own take half the time again. It does not see what
    goes wrong on the way then, so that the driver's errors have to be made its."""
    cursor = connection.execute(statement, values).cursor
    try:
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(str(statement), None, error) from error
    return rows


def read_in_place(connection: Connection) -> None:
    """Have the database read what the system holds of its files without a detour, for queries that look up models all
    over them, or read all of a table or index.

    SQLite saves a copy of each page: a quarter of the time for a family of 200,000 in a registry of 3.1 million. What
    is read counts as memory of this process, so this is not for every connection. https://www.sqlite.org/mmap.html
    PostgreSQL 18 hands its reads to other processes: with two cores, a search takes 440 ms so, and 240 ms else.
    https://www.postgresql.org/docs/18/runtime-config-resource.html#GUC-EFFECTIVE-IO-CONCURRENCY
    """
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA mmap_size={2**31}")  # what it was built for, if that is less
    else:
        connection.exec_driver_sql("SET LOCAL effective_io_concurrency = 0")


@contextmanager
def readable_errors(url: URL) -> Iterator[None]:
    """Turn a database's or file system's error into one line for a person."""
    try:
        yield
    except SQLAlchemyError as error:
        raise explain(error, shown(url)) from error
    except OSError as error:
        raise RegistryError(
            f"cannot use {shown(url)[:200]} ({error.strerror}): name another place with --db or LINEAGE_DB"
        ) from error


_NO_ROOM = "has no room left on its disk: make room, then run the command again (nothing was half-written)"
_ENDED = "ended the connection: was it stopped, or is its disk full? run the command again when it is up"
#: What databases say, and what a person can do about it.
_DATABASES_SAY = {
    "not a database": "is not a database: name another with --db",
    "readonly database": "is read-only: copy it to a folder you can write to, or name another with --db",
    "read-only transaction": "is read-only to you: ask who looks after the server, or name another with --db",
    "permission denied for": "refuses you that: ask who looks after the server for the right to read, or write",
    "unable to open": "cannot be opened: is its folder read-only? copy it, or name another with --db",
    "database is locked": "is being written by another process: wait for it to end, then try again",
    "No space left on device": _NO_ROOM,
    "could not extend file": _NO_ROOM,
    "disk is full": _NO_ROOM,
    # SQLite says so of a log that could not grow.
    "disk I/O error": "cannot be written or read: is its disk full? make room, then run the command again",
    "malformed": "is damaged: restore a copy, or import the data again into a new file with --db",
    "connection is lost": _ENDED,
    "closed the connection": _ENDED,
    "terminating connection": _ENDED,
}


def explain(error: SQLAlchemyError, place: str) -> RegistryError:
    """One line for `error`, ending with the way out."""
    said = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
    for words, advice in _DATABASES_SAY.items():
        if words in said:
            return RegistryError(f"{place} {advice}")
    return RegistryError(f"{place} answered: {said}: check --db or LINEAGE_DB")


def readable(error: Exception) -> str | None:
    """The line for an error of a database that broke in the middle of a query; None for any other error."""
    return str(explain(error, "the registry")) if isinstance(error, DBAPIError) else None


def shown(url: URL) -> str:
    """What a person calls a registry; without its password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ""
    return url.render_as_string(hide_password=True)


def _make_file(path: Path) -> None:
    if path.exists():  # an empty file
        path.unlink()
    with suppress(FileExistsError), new_file(path):  # another process was faster, and its registry is as good
        pass


@contextmanager
def new_file(path: Path) -> Iterator[Engine]:
    """Makes a registry beside `path`, to be put there when it is whole: nobody meets one without its tables or content.

    Raises FileExistsError where there is a file by then, and RegistryError where the log of another one lies there.
    """
    _refuse_a_log_without_its_file(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".lineage-", dir=path.parent) as folder:
        made = Path(folder) / path.name
        connection = sqlite3.connect(made)
        # Both are properties of the file and stay set.
        connection.execute(f"PRAGMA page_size={_PAGE}")
        # WAL lets readers go on while a crawl writes.
        connection.execute("PRAGMA journal_mode=WAL")
        connection.close()
        engine = connect(URL.create("sqlite", database=str(made)))
        try:
            upgrade(engine)
            yield engine
            _into_the_file(engine)
        finally:
            engine.dispose()
        try:
            os.link(made, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            made.rename(path)


def _refuse_a_log_without_its_file(path: Path) -> None:
    """SQLite would take the log that was left of a file for that of a new one, and damage it.

    https://www.sqlite.org/howtocorrupt.html
    """
    log = path.with_name(f"{path.name}-wal")
    if log.exists() and not path.exists():  # in this order: no new file has a log before it is there
        raise RegistryError(f"{log} is left of a registry that is gone: put {path.name} back beside it, or delete it")


def _into_the_file(engine: Engine) -> None:
    """Bring all from the log into the file, which goes on without it. Closing would try the same, but not tell that the
    disk is full."""
    with engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


def _set_pragmas(connection: sqlite3.Connection, _record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=30000")
    # With WAL, NORMAL cannot tear the file; a power cut may cost the last pages, which a repeated import brings back.
    # https://www.sqlite.org/pragma.html#pragma_synchronous
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA cache_size=-65536")
    # Pages of the indexes are written again and again by a crawl: with 64 MB of log instead of 4 that is 15 % faster.
    cursor.execute(f"PRAGMA wal_autocheckpoint={64 * 2**20 // _PAGE}")
    cursor.close()
