"""Copy a whole registry into another one, whichever databases the two are on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, Table, func, select
from sqlmodel import SQLModel

from registry.database import analyze, file_of, new_file, open_registry, parse_url, readable_errors, reading, shown
from registry.indexes import complete_indexes, leave_indexes
from registry.insert import insert_rows
from registry.records import RegistryError
from registry.write import writing

#: Called with the rows that are done, and how many there are.
Progress = Callable[[int, int], None]
#: Rows in memory at a time.
_BATCH = 10_000


def copy(source: Engine, name: str, progress: Progress) -> int:
    """Copy `source`, as it is at this moment, to the registry called `name` (a file or URL), which must not be there
    yet or be empty. Keys, runs and what crawls have still to ask come along. Returns the number of rows.
    """
    done, tables = 0, SQLModel.metadata.sorted_tables
    with reading(source) as there, filling(name) as here:
        total = sum(there.scalar(select(func.count()).select_from(table)) or 0 for table in tables)
        for table in tables:
            for batch in _batches(there, table):
                insert_rows(here, table, [column.name for column in table.columns], batch)
                done += len(batch)
                progress(done, total)
    return done


@contextmanager
def filling(name: str) -> Iterator[Connection]:
    """A write transaction on the registry called `name` (a file or URL), which must not be there yet or be empty.

    Nothing is half written: a new file is put there when it is whole. Raises RegistryError where the registry holds
    anything, or cannot be written.
    """
    url = parse_url(name)
    path = file_of(url)
    with ExitStack() as stack:
        if path is not None and not path.exists():
            stack.enter_context(readable_errors(url))
            engine = stack.enter_context(new_file(path))
        else:
            engine = open_registry(name, create=True)
            stack.callback(engine.dispose)
        with writing(engine) as connection:
            _expect_empty(connection)
            leave_indexes(connection)
            yield connection
            complete_indexes(connection)
            _after_load(connection)


def _expect_empty(connection: Connection) -> None:
    """Raises RegistryError where a registry holds anything."""
    if any(connection.execute(select(table).limit(1)).first() for table in SQLModel.metadata.sorted_tables):
        raise RegistryError(f"{shown(connection.engine.url)} holds data already: name a new file or an empty database")


def _after_load(connection: Connection) -> None:
    """On PostgreSQL: let new keys follow those that were loaded, and tell the planner what it has to do with."""
    if connection.dialect.name == "sqlite":
        return
    for table in SQLModel.metadata.sorted_tables:
        if (column := table.autoincrement_column) is not None:
            latest = select(func.coalesce(func.max(column), 0) + 1).scalar_subquery()
            sequence = func.pg_get_serial_sequence(table.name, column.name)
            connection.execute(select(func.setval(sequence, latest, False)))
    analyze(connection)


def _batches(connection: Connection, table: Table) -> Iterator[Sequence[tuple[Any, ...]]]:
    with connection.execute(select(table), execution_options={"yield_per": _BATCH}) as result:
        yield from (list(map(tuple, rows)) for rows in result.partitions())
