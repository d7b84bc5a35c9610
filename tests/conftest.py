"""What all tests share: registries of their own, the imported snapshot, the data beside the checkout.

What a registry holds and answers is tested on each database; `sqlite_registry` is for what is about its file.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine

from crawler.load import import_sample
from tests.databases import Database, Files, Server, server

CHECKOUT = Path(__file__).parents[1]
SNAPSHOT = CHECKOUT / "crawler" / "data" / "snapshot.jsonl.gz"

# What a shell starts in the background ignores Ctrl-C, and so would the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

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
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Where files of SQLite are made."""
    return Files(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    """A PostgreSQL server; it takes three seconds to start, so all tests of a process share it."""
    with server() as running:
        yield running


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> Database:
    """Each of the databases in turn."""
    found: Database = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def place(database: Database) -> Iterator[str]:
    """The URL of a registry that is not there yet."""
    with database.place() as url:
        yield url


@pytest.fixture
def registry(database: Database) -> Iterator[Engine]:
    """A registry of this test's own, without content."""
    with database.registry() as engine:
        yield engine


@pytest.fixture
def another(database: Database) -> Iterator[Engine]:
    """One more, to compare with."""
    with database.registry() as engine:
        yield engine


@pytest.fixture
def sqlite_registry(sqlite: Files) -> Iterator[Engine]:
    """A registry of this test's own in a file, without content."""
    with sqlite.registry() as engine:
        yield engine


@pytest.fixture(scope="session")
def snapshot_registry(database: Database) -> Iterator[Engine]:
    """The embedded snapshot in a registry. Read only: all tests share it."""
    with database.registry() as engine:
        import_sample(engine)
        yield engine


@pytest.fixture(scope="session")
def shared() -> Path:
    """The data sets that are not ours to ship; what is calibrated on them runs where they lie beside the checkout.

    Where they do not, these tests are skipped: a clone without them is whole, and its tests are to pass.
    """
    path = CHECKOUT.parent / "shared" / "data"
    if not path.is_dir():
        pytest.skip(f"the calibration data is not part of the repository and not at {path}")
    return path
