"""What the tests of queries and pages share: a chain longer than Python's stack, the snapshot in a file, a browser."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Engine

from crawler.load import import_sample
from tests.databases import Database, Files
from tests.families import save, settle
from tests.lineage.calls import chain

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="session")
def deep_registry(database: Database) -> Iterator[Engine]:
    """Twenty thousand models, each made from the one before: c/0 … c/19999."""
    with database.registry() as engine:
        save(engine, chain(20_000))
        settle(engine)
        yield engine


@pytest.fixture(scope="session")
def sqlite_snapshot(sqlite: Files) -> Iterator[Engine]:
    """The embedded snapshot in a file. Read only: all tests share it."""
    with sqlite.registry() as engine:
        import_sample(engine)
        yield engine


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A browser. It occupies the thread's event loop, so no other module may meet it."""
    from tests.browsers import browser_running  # noqa: PLC0415 - half a second that most modules need not pay

    with browser_running() as running:
        yield running
