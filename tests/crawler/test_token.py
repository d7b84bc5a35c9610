"""The token goes to the endpoint that was named, and is written nowhere: neither to registry or cache, nor in words."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.crawler.crawls import TOKEN, small_world, token_of_the_tests
from tests.fakehub.server import FakeHub
from tests.fakehub.world import World
from tests.lineage.calls import lineage


def unharmed(hub: FakeHub) -> None:
    """Let nothing go wrong."""


#: What goes wrong on the way; each is told in one line, and each line may quote what was sent or answered.
TROUBLE: dict[str, Callable[[FakeHub], None]] = {
    "none": unharmed,
    "refused": lambda hub: hub.faults.status(403, times=None),
    "elsewhere": lambda hub: hub.faults.elsewhere(times=None),
    "html": lambda hub: hub.faults.html(),
    "server": lambda hub: hub.faults.status(400, times=None),
}


@pytest.mark.parametrize("trouble", TROUBLE)
def test_the_token_is_written_nowhere(trouble: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path / "cache"))
    db = tmp_path / "registry.db"
    with FakeHub(World(small_world(30))) as hub:
        TROUBLE[trouble](hub)
        said: list[Result] = [
            lineage("--debug", *call, "--endpoint", hub.url, "--db", db)
            for call in (
                ("crawl", "hub"), ("crawl", "family", "me/M1"), ("crawl", "update"), ("crawl", "reconcile"),
                ("crawl", "resume"), ("audit", "--all", "--claim", "any", "--evidence", "--exit-zero"),
                ("license", "me/M1", "--fetch"), ("notice", "me/M1", "--fetch"), ("dossier", "me/M1", "--evidence"),
                ("watch", "me/M1"),
            )
        ]  # fmt: skip
        said.append(lineage("--debug", "crawl", "probe", "--endpoint", hub.url))
        assert any(seen.authorized for seen in hub.requests)
    assert all(TOKEN not in done.output for done in said)
    assert {done.exit_code for done in said} <= {0, 1, 2}
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert db in written
    assert [file for file in written if TOKEN.encode() in file.read_bytes()] == []
