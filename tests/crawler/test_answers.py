"""What is read of an answer: no more than an answer can be, whatever it unpacks to."""

import gzip
import tracemalloc

import pytest

from crawler import answers
from crawler.answers import CrawlError
from crawler.hub import Hub
from tests.crawler.replies import server

PACKED = {"Content-Type": "application/json", "Content-Encoding": "gzip"}


def test_what_unpacks_to_more_than_an_answer_can_be_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "LONGEST", 1_000_000)
    bomb = gzip.compress(b"[" + b" " * 400_000_000 + b"]", 1)
    tracemalloc.start()
    with server(lambda path: (200, PACKED, bomb)) as url, Hub(url) as hub:
        with pytest.raises(CrawlError, match="an answer is larger than 1,000,000 bytes"):
            hub.get(f"{url}/api/models")
        assert hub.requests == 1  # to ask again would bring the same
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150_000_000


def test_of_an_error_its_words_are_read() -> None:
    bomb = gzip.compress(b"no " * 50_000_000, 1)
    with server(lambda path: (418, PACKED, bomb)) as url, Hub(url) as hub:
        said = hub.get(f"{url}/api/models").said
    assert said.startswith("no no no")
    assert len(said) <= 200


def test_of_a_refusal_for_the_quota_its_words_are_read() -> None:
    headers = {**PACKED, "RateLimit": '"api";r=7;t=100', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'}
    bomb = gzip.compress(b"slow " * 50_000_000, 1)
    with (
        server(lambda path: (429, headers, bomb)) as url,
        Hub(url) as hub,
        pytest.raises(CrawlError, match="another limit than that of requests \\(slow slow"),
    ):
        hub.get(f"{url}/api/models")
