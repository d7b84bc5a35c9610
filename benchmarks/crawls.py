"""How fast a crawl takes the pages of a Hub, which another process serves, to committed rows."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.measures import Row, alone, goal
from crawler.crawl import crawl_hub
from crawler.hub import Hub
from crawler.listings import SWEEP
from registry.database import open_registry


def crawled(folder: Path, db: str, models: int) -> Iterator[Row]:
    """Crawl all models into a new registry, and ask for the pages alone."""
    with served(folder / "hub.jsonl") as url:
        pages, _, _ = alone(partial(pages_only, url))
        whole, memory, _ = alone(partial(crawl, url, db))
    rate, least = models / whole, 10_000 if "://" in db else 20_000
    yield Row(
        f"crawl of {models:,} models, page to committed row",
        f"{whole:.1f} s, {rate:,.0f}/s",
        f"{pages / whole:.0%} of it HTTP and JSON alone",
        goal(f"≥ {least:,}/s", rate >= least),
    )
    yield Row("peak memory of the crawl", f"{memory:,.0f} MB")


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


def crawl(url: str, db: str) -> None:
    """Crawl as the command does, without a word."""
    with Hub(url) as hub:
        crawl_hub(open_registry(db, create=True), hub, lambda done, hub: None)
