"""Fixtures of the tests of queries: as many registries as a test wants, and a chain longer than Python's stack."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from registry.database import open_registry
from tests.families import save
from tests.lineage.calls import chain

Fresh = Callable[[], Engine]


@pytest.fixture
def fresh(empty_registry: Path, tmp_path: Path) -> Iterator[Fresh]:
    """Makes registries without content, each a file of its own."""
    engines: list[Engine] = []

    def make() -> Engine:
        path = tmp_path / f"fresh-{len(engines)}.db"
        shutil.copyfile(empty_registry, path)
        engines.append(open_registry(str(path)))
        return engines[-1]

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture(scope="session")
def deep_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Twenty thousand models, each made from the one before: c/0 … c/19999."""
    engine = open_registry(str(tmp_path_factory.mktemp("deep") / "registry.db"), create=True)
    save(engine, chain(20_000))
    yield engine
    engine.dispose()
