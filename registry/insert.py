"""Rows into tables, many at a time."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, func, select, text
from sqlalchemy.exc import DBAPIError

from registry.records import State, author_of
from registry.tables import MODELS, among


def insert_rows(
    connection: Connection,
    table: Table,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    *,
    missing: bool = False,
) -> None:
    """Insert rows, in the order of `columns`; with `missing` only those whose unique key is not taken yet.

    They go to the driver as they are: that SQLAlchemy looks at each value takes as long as SQLite's own insert.
    PostgreSQL gets them by COPY.
    """
    if not rows:
        return
    if connection.dialect.name == "postgresql" and not missing:
        _copy(connection, f"COPY {table.name} ({', '.join(columns)}) FROM STDIN", rows)
        return
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    values = ", ".join([mark] * len(columns))
    where_taken = " ON CONFLICT DO NOTHING" if missing else ""
    statement = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES ({values}){where_taken}"  # noqa: S608 - ours
    connection.exec_driver_sql(statement, rows)


def _copy(connection: Connection, statement: str, rows: Iterable[tuple[Any, ...]]) -> None:
    """COPY some rows. SQLAlchemy does not know of it, so that its errors have to be made SQLAlchemy's."""
    cursor: Any = connection.connection.cursor()  # psycopg's, which is more than Python's standard one
    try:
        with cursor, cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)
    except connection.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(statement, None, error) from error


def new_keys(connection: Connection, number: int) -> list[int]:
    """So many keys for new models, ascending; the caller holds the turn to write."""
    if connection.dialect.name == "sqlite":
        last = connection.scalar(select(func.coalesce(func.max(MODELS.c.key), 0))) or 0
        return list(range(last + 1, last + number + 1))
    drawn = text("SELECT nextval(pg_get_serial_sequence('models', 'key')) FROM generate_series(1, :number)")
    return sorted(connection.scalars(drawn, {"number": number}))


def insert_placeholders(connection: Connection, names: Iterable[str]) -> None:
    """Make a placeholder of every name that is no model's yet."""
    rows = [(name, name.casefold(), author_of(name), str(State.PLACEHOLDER)) for name in sorted(names)]
    insert_rows(connection, MODELS, ("repo_id", "folded", "author", "state"), rows, missing=True)


def keys_of(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """The keys of the models whose id is exactly one of `names`."""
    m = MODELS.c
    found = connection.execute(select(m.repo_id, m.key).where(among(connection, m.repo_id, names)))
    return {row[0]: row[1] for row in found.all()}
