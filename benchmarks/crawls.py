"""How fast a crawl takes the pages of a Hub, which another process serves, to committed rows."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import httpx2

from benchmarks.measures import Row, alone, goal, median
from crawler.crawl import crawl_hub
from crawler.hub import Hub
from crawler.listings import SWEEP
from registry.database import open_registry
from tests.fakehub.server import FakeHub
from tests.families import api_row


def crawled(folder: Path, models: int) -> Iterator[Row]:
    """Crawl all models, and ask for the pages alone."""
    with served(folder / "hub.jsonl") as url:
        pages, _, _ = alone(partial(pages_only, url))
        whole, memory, _ = alone(partial(crawl, url, folder / "crawled.db"))
    (folder / "crawled.db").unlink()
    rate = models / whole
    yield Row(
        f"crawl of {models:,} models, page to committed row",
        f"{whole:.1f} s, {rate:,.0f}/s",
        f"{pages / whole:.0%} of it HTTP and JSON alone",
        goal("≥ 20,000/s", rate >= 20_000),
    )
    yield Row("peak memory of the crawl", f"{memory:,.0f} MB")
    yield _fake_hub()


def _fake_hub() -> Row:
    """How fast the fake Hub of the tests gives out its pages; this process asks, and reads nothing of them."""
    rows = [api_row(f"org/m{number}", ["org/m0"], license="mit") for number in range(10_000)]
    with FakeHub(rows) as hub, httpx2.Client(trust_env=False) as client:

        def pages() -> int:
            served, address = 0, f"{hub.url}/api/models?sort=createdAt"
            while address:
                answer = client.get(address)
                served += answer.content.count(b'"modelId"')
                address = answer.links.get("next", {}).get("url", "")
            return served

        assert pages() == len(rows)
        rate = len(rows) / median(pages)
    return Row("pages of the fake Hub of the tests", f"{rate:,.0f}/s", "", goal("≥ 40,000/s", rate >= 40_000))


@contextmanager
def served(data: Path) -> Iterator[str]:
    """The listing of a file in a process of its own; yields its URL."""
    command = [sys.executable, "-m", "benchmarks.listing", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def pages_only(url: str) -> None:
    """Ask for all pages, and read their JSON."""
    with Hub(url) as hub:
        for _ in hub.pages(SWEEP):
            pass


def crawl(url: str, db: Path) -> None:
    """Crawl as the command does, without a word."""
    with Hub(url) as hub:
        crawl_hub(open_registry(str(db), create=True), hub, lambda done, hub: None)
