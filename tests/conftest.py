"""What all tests share: fresh registries, the imported snapshot, the data beside the checkout."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from crawler.load import import_files
from registry.database import open_registry

CHECKOUT = Path(__file__).parents[1]
SNAPSHOT = CHECKOUT / "crawler" / "data" / "snapshot.jsonl.gz"

settings.register_profile(
    "finetune-lineage",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture],
)
settings.load_profile("finetune-lineage")


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LINEAGE_DB", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a registry without content, to be copied: making one takes Alembic 70 ms."""
    path = tmp_path_factory.mktemp("empty") / "registry.db"
    open_registry(str(path), create=True).dispose()
    return path


@pytest.fixture
def registry(empty_registry: Path, tmp_path: Path) -> Iterator[Engine]:
    """A registry of this test's own, without content."""
    path = tmp_path / "registry.db"
    shutil.copyfile(empty_registry, path)
    engine = open_registry(str(path))
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def snapshot_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The embedded snapshot in a registry. Read only: all tests share it."""
    engine = open_registry(str(tmp_path_factory.mktemp("snapshot") / "registry.db"), create=True)
    import_files(engine, [SNAPSHOT], seen="2026-08-22T00:00:00Z", progress=lambda dump, models: None)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data sets that are not ours to ship; what is calibrated on them runs where they lie beside the checkout."""
    path = CHECKOUT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"the calibration data is not part of the repository and not at {path}")
    return path
