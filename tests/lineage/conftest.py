"""A registry that the tests of queries share: a chain longer than Python's stack."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.databases import Database
from tests.families import save, settle
from tests.lineage.calls import chain


@pytest.fixture(scope="session")
def deep_registry(database: Database) -> Iterator[Engine]:
    """Twenty thousand models, each made from the one before: c/0 … c/19999."""
    with database.registry() as engine:
        save(engine, chain(20_000))
        settle(engine)
        yield engine
