"""How fast a crawl takes the pages of a fake Hub, which runs in another process, to committed rows."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks.generator import write
from benchmarks.measures import Row, bare_insert, peak_memory, timed
from crawler.crawl import crawl_hub
from crawler.hub import Hub
from crawler.listings import SWEEP
from crawler.load import read_rows
from lineage.cli.load import collect_seldom
from registry.database import open_registry


def measured(folder: Path, wanted: int) -> list[Row]:
    """Crawl so many models, and a quarter of them, each in a process of its own."""
    quarter, whole = folder / "quarter.jsonl", folder / "whole.jsonl"
    few = write(quarter, wanted // 4).models
    count = write(whole, wanted).models
    with fake_hub(quarter) as url:
        alone(partial(pages_only, url))
        _, little = alone(partial(crawled, url, folder / "quarter.db"))
    with fake_hub(whole) as url:
        alone(partial(pages_only, url))  # the fake Hub keeps what it has served
        reading, _ = alone(partial(pages_only, url))
        both, _ = alone(partial(pages_and_parsing, url))
        first, much = alone(partial(crawled, url, folder / "whole.db"))
        again, _ = alone(partial(crawled, url, folder / "whole.db"))
    floor = bare_insert(folder, open_registry(str(folder / "whole.db")))
    parsing, saving = both - reading, first - both
    windows = -(-3_300 // 1_000)
    return [
        (f"models crawled ({count:,}), page to committed row", f"{first:.1f} s, {count / first:,.0f}/s", ""),
        ("of that, HTTP and JSON: the pages alone", f"{reading:.1f} s", f"{reading / first:.0%} of the crawl"),
        ("of that, parsing", f"{parsing:.1f} s", f"{parsing / first:.0%}"),
        (
            "of that, saving and resolving",
            f"{saving:.1f} s",
            f"{saving / first:.0%}, {saving / floor:.1f} × bare insert",
        ),
        ("floor: the same rows by bare sqlite3 executemany", f"{floor:.1f} s", f"the crawl is {first / floor:.1f} ×"),
        ("crawled again, nothing new", f"{again:.1f} s, {count / again:,.0f}/s", f"{again / first:.0%} of the first"),
        ("peak memory of the crawl", f"{much:,.0f} MB", f"{little:,.0f} MB for {few:,} models"),
        (
            "the whole Hub (3,300 pages) at this pace",
            f"{3_300_000 / count * first / 60:.1f} min",
            f"its quota allows it {(windows - 1) * 5} to {windows * 5} min (1,000 requests in 5)",
        ),
    ]


@contextmanager
def fake_hub(data: Path) -> Iterator[str]:
    """A fake Hub in a process of its own; yields its URL."""
    command = [sys.executable, "-m", "tests.fakehub", "--data", str(data), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def alone(work: Callable[[], None]) -> tuple[float, float]:
    """Seconds and peak memory (MB) of work in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_timed, work).result()


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    collect_seldom()  # as the command does
    return timed(work)[0], peak_memory()


def pages_only(url: str) -> None:
    """Ask for all pages, and read their JSON."""
    with Hub(url) as hub:
        for _ in hub.pages(SWEEP):
            pass


def pages_and_parsing(url: str) -> None:
    """The same, and parse each row."""
    with Hub(url) as hub:
        for page in hub.pages(SWEEP):
            read_rows(page.body)


def crawled(url: str, db: Path) -> None:
    """Crawl as the command does, without a word."""
    with Hub(url) as hub:
        crawl_hub(open_registry(str(db), create=True), hub, lambda done, hub: None)
