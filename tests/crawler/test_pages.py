"""A page that another process reads is read the same."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from crawler import pages
from crawler.answers import CrawlError
from crawler.child import say
from crawler.crawl import resume
from crawler.pages import PageReader
from crawler.reading import PageRead, ReadPages
from registry.database import open_registry
from registry.fingerprints import Fingerprints
from registry.records import Defect, Records
from tests.conftest import SNAPSHOT
from tests.crawler.crawls import crawled, small_pages, small_world, token_of_the_tests, whole_digest
from tests.fakehub.server import FakeHub
from tests.families import api_row, models

ROWS = [
    api_row("me/M", ["Qwen/Base"], license="mit"),
    api_row("me/N") | {"observation": {"seen": None}, "downloads": 2**70, "author": "\ud800"},
    "no model",
]


@pytest.fixture(autouse=True)
def _two_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)
    monkeypatch.setattr(pages, "WORTHWHILE", 0)


def test_pages_and_what_is_none() -> None:
    deep = b'[{"id": "me/M"}, ' + b"[" * 20_000 + b"]" * 20_000 + b"]"
    alone = ReadPages()
    with PageReader() as two:
        for content in (json.dumps(ROWS).encode(), b"[]", b'{"error": "gone"}', b"5", b"null", deep):
            assert two.read(content) == alone.read(content)
        assert two.take(3) == alone.take(3)
        assert two.read(json.dumps(ROWS[::-1]).encode()) == PageRead(3)
        assert two.oldest() == "2025-06-01T00:00:00Z"
        for content in (b"<html>", b"", b"[1, 2", b"\xff", b"{" * 200_000):
            with pytest.raises(ValueError, match=r"."):
                two.read(content)
        assert two.read(b"[]") == PageRead(0)
        assert two.oldest() is None
        records, loose = two.take(2)
        assert ([record.repo_id for record in records], len(loose)) == (["me/M", "me/N"], 1)
        assert two.take(0) == alone.take(0)


def test_only_what_is_worth_it_and_one_process(
    monkeypatch: pytest.MonkeyPatch, begun: list[subprocess.Popen[bytes]]
) -> None:
    monkeypatch.setattr(pages, "WORTHWHILE", 5)
    with PageReader() as reader:
        assert [reader.read(b"[]") for _ in range(2)] == [PageRead(0)] * 2
        assert begun == []
        assert [reader.read(b"[1]").rows for _ in range(3)] == [1] * 3  # type: ignore[attr-defined]
        assert [len(reader.take(pages)[1]) for pages in (3, 2)] == [1, 2]
    assert [process.returncode for process in begun] == [-signal.SIGKILL]
    assert reader.read(b"[]") == PageRead(0)


def test_what_waits_in_a_process_that_is_killed_is_lost_in_one_line(begun: list[subprocess.Popen[bytes]]) -> None:
    with PageReader() as reader:
        for _ in range(2):
            reader.read(json.dumps(ROWS).encode())
        begun[0].kill()
        for _ in range(2):
            with pytest.raises(CrawlError, match=r"ended early \(status -9\): .* crawl resume"):
                reader.take(2)


def test_where_no_process_can_begin_this_one_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", fail)
    with PageReader() as reader:
        assert reader.read(json.dumps(ROWS).encode()) == PageRead(3)
        assert [len(said) for said in reader.take(1)] == [2, 1]


@pytest.mark.parametrize("module", ["crawler.pages", "crawler.ahead"])
def test_who_is_left_alone_leaves_without_a_word(module: str) -> None:
    command = [sys.executable, "-m", module]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as alone:
        assert alone.stdin
        assert alone.stdout
        assert alone.stderr
        alone.stdout.close()
        said = ("read", b"[]") if module == "crawler.pages" else (SNAPSHOT, Fingerprints.joined([]))
        say(said, alone.stdin)
        alone.stdin.close()
        assert alone.stderr.read() == b""
    assert alone.returncode == 0


def test_none_begins_when_the_crawl_is_over(begun: list[subprocess.Popen[bytes]]) -> None:
    with PageReader() as reader:
        pass
    assert reader.read(b"[]") == PageRead(0)
    assert begun == []
    with pytest.raises(CrawlError, match="ended"):
        reader.take(2)


def test_a_crawl_of_two_is_that_of_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch)
    digests = []
    for size in (0, 2**30):
        monkeypatch.setattr(pages, "WORTHWHILE", size)
        registry = open_registry(str(tmp_path / f"{size}.db"), create=True)
        with FakeHub(small_world()) as hub:
            hub.faults.truncate()
            hub.faults.html()
            assert crawled(registry, hub).saved.new == 250
        digests.append(whole_digest(registry))
        registry.dispose()
    assert digests[0] == digests[1]


def test_another_process_that_dies(registry: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch)
    with FakeHub(small_world()) as hub:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "executable", "/bin/false")
            patched.setattr(pages, "WORTHWHILE", 50_000)
            with pytest.raises(CrawlError, match=r"ended early \(status 1\): is there memory left\? .* crawl resume"):
                crawled(registry, hub)
        before = len(models(registry))
        assert 0 < before < 250
        crawled(registry, hub, resume)
    assert len(models(registry)) == 250
    assert whole_digest(registry)


def test_pages_that_are_lost_with_a_process_are_asked_for_again(
    registry: Engine, monkeypatch: pytest.MonkeyPatch, begun: list[subprocess.Popen[bytes]]
) -> None:
    small_pages(monkeypatch)
    take, taken = PageReader.take, list[int]()

    def kill_before_the_second(reader: PageReader, number: int) -> tuple[Records, list[Defect]]:
        taken.append(number)
        if len(taken) == 2:
            begun[-1].kill()
        return take(reader, number)

    with FakeHub(small_world()) as hub:
        with monkeypatch.context() as patched:
            patched.setattr(PageReader, "take", kill_before_the_second)
            with pytest.raises(CrawlError, match=r"ended early \(status -9\): .* crawl resume"):
                crawled(registry, hub)
        assert len(models(registry)) == 100
        crawled(registry, hub, resume)
    assert len(models(registry)) == 250
    assert whole_digest(registry)


@pytest.mark.parametrize("module", ["crawler.pages", "crawler.ahead"])
def test_the_other_process_needs_no_database(module: str) -> None:
    script = f"import sys, {module}, crawler.parquet; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout.split()
    assert {"sqlalchemy", "sqlmodel", "pydantic"}.isdisjoint(loaded)
