"""Everything that can go wrong on the way, as a client meets it; and the fake as a process."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx2
import pytest

from tests.conftest import CHECKOUT
from tests.fakehub.limits import RateLimit
from tests.fakehub.server import FakeHub
from tests.families import api_row


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub([api_row(f"org/m{number}") for number in range(30)]) as running:
        yield running


@pytest.fixture
def http(hub: FakeHub) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=hub.url, timeout=5, trust_env=False) as client:
        yield client


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_burst_passes(hub: FakeHub, http: httpx2.Client, status: int) -> None:
    hub.faults.status(status, times=2, skip=1, retry_after="1")
    answers = [http.get("/api/models") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, status, status, 200]
    assert answers[1].headers["retry-after"] == "1"
    assert all("ratelimit" in answer.headers for answer in answers)
    assert [seen.fault for seen in hub.requests] == [None, "status", "status", None]
    assert hub.faults.pending == 0


def test_faults_wait_for_the_requests_they_are_for(hub: FakeHub, http: httpx2.Client) -> None:
    hub.faults.status(500, path="/api/models/org/m7")
    hub.faults.deep(times=None)
    first = http.get("/api/models?limit=10")
    assert first.status_code == 200
    assert [http.get(first.links["next"]["url"]).status_code for _ in range(3)] == [504] * 3
    assert [http.get("/api/models/org/m7").status_code for _ in range(2)] == [500, 200]
    hub.faults.clear()
    assert http.get(first.links["next"]["url"]).status_code == 200


def test_pages_that_do_not_hold_what_they_should(hub: FakeHub, http: httpx2.Client) -> None:
    hub.hub.largest_page = 6
    whole = [row["id"] for row in http.get("/api/models").json()]
    assert len(whole) == 6
    hub.faults.twice(times=2)
    assert [row["id"] for row in http.get("/api/models").json()] == whole + whole[:5]
    assert [row["id"] for row in http.get("/api/models").json()] == whole[-5:] + whole + whole[:5]
    hub.faults.missing(times=2)
    assert [row["id"] for row in http.get("/api/models").json()] == [whole[n] for n in (0, 1, 3, 4)]
    assert http.get("/api/models/org/m7").json()["id"] == "org/m7"
    assert hub.requests[-1].fault is None  # it was no page
    hub.faults.changed(lambda: hub.world.delete("org/m7"))
    assert http.get("/api/models/org/m7").status_code == 401


def test_redirects_clocks_and_no_json(hub: FakeHub, http: httpx2.Client) -> None:
    hub.faults.redirect()
    hub.faults.redirect("http://elsewhere.example")
    hub.faults.garbage()
    hub.faults.clock(-90_000)
    answers = [http.get("/api/models?limit=1") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [307, 307, 200, 200]
    places = [answer.headers["location"] for answer in answers[:2]]
    assert places == ["/api/models?limit=1", "http://elsewhere.example/api/models?limit=1"]
    with pytest.raises(ValueError, match="Expecting value"):
        answers[2].json()
    assert answers[3].headers["ratelimit"] == '"api";r=0;t=0'
    late = parsedate_to_datetime(answers[2].headers["date"]) - parsedate_to_datetime(answers[3].headers["date"])
    assert 89_990 < late.total_seconds() < 90_010


def test_too_many_requests_in_every_style(hub: FakeHub, http: httpx2.Client) -> None:
    for style in ("window", "other", "retry-after", "html"):
        hub.faults.too_many(style, seconds=9)
    window, other, retry, html = (http.get("/api/models") for _ in range(4))
    assert [answer.status_code for answer in (window, other, retry, html)] == [429] * 4
    assert window.headers["ratelimit"] == '"api";r=0;t=9'
    assert ";r=0;" not in other.headers["ratelimit"]
    assert (retry.headers["retry-after"], "ratelimit" in retry.headers) == ("9", False)
    assert html.headers["content-type"].startswith("text/html")
    assert http.get("/api/models").status_code == 200


def test_the_rate_limit_is_told_and_kept(hub: FakeHub, http: httpx2.Client) -> None:
    now = [hub.quota.clock()]
    hub.quota.quota, hub.quota.clock = 2, lambda: now[0]
    now[0] = hub.quota.seconds + now[0]  # a new window
    first = http.get("/api/models")
    assert (first.status_code, first.headers["ratelimit"]) == (200, '"api";r=1;t=300')
    assert first.headers["ratelimit-policy"] == '"fixed window";"api";q=2;w=300'
    now[0] += 298
    assert http.get("/api/models/org/none").headers["ratelimit"] == '"api";r=0;t=2'
    window = http.get("/api/models")
    assert (window.status_code, window.headers["ratelimit"]) == (429, '"api";r=0;t=2')
    assert "hit the quota of 2 api requests per 5 minutes period" in window.json()["error"]
    hub.quota.style = "html"
    assert http.get("/api/models").text.startswith("<!DOCTYPE html>")
    hub.quota.style = "retry-after"
    assert http.get("/api/models").headers["retry-after"] == "2"
    hub.quota.style = "other"
    assert http.get("/api/models").headers["ratelimit"] == '"api";r=1;t=2'
    now[0] += 2
    assert http.get("/api/models").status_code == 200
    hub.quota.quota = 0
    assert http.get("/api/whoami-v2").status_code == 429
    assert [seen.status for seen in hub.requests] == [200, 401, 429, 429, 429, 429, 200, 429]
    assert '"resolvers"' in http.get("/org/m0/resolve/main/README.md").headers["ratelimit-policy"]


def test_a_limit_without_a_quota_refuses_nothing() -> None:
    limit = RateLimit(None)
    assert all(limit.take() for _ in range(100_001))
    assert limit.remaining == 0


def test_connections_are_reset(hub: FakeHub, http: httpx2.Client) -> None:
    hub.faults.reset()
    with pytest.raises(httpx2.ReadError):
        http.get("/api/models")
    hub.faults.reset(inside=True)
    got: list[bytes] = []
    with http.stream("GET", "/api/models") as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx2.ReadError):
            got.extend(answer.iter_bytes())
    assert b"".join(got).startswith(b'[{"_id":')
    assert sum(map(len, got)) < int(answer.headers["content-length"])
    assert http.get("/api/models").status_code == 200


def test_a_stalled_server_answers_late_or_never(hub: FakeHub, http: httpx2.Client) -> None:
    hub.faults.stall(0.1)
    started = time.monotonic()
    assert http.get("/api/models").status_code == 200
    assert time.monotonic() - started >= 0.1
    hub.faults.stall(600)
    with pytest.raises(httpx2.ReadTimeout):
        http.get("/api/models", timeout=0.1)
    assert http.get("/api/models").status_code == 200


def test_bodies_are_not_what_they_should_be(hub: FakeHub, http: httpx2.Client) -> None:
    hub.faults.truncate()
    with pytest.raises(json.JSONDecodeError):
        http.get("/api/models").json()
    hub.faults.html()
    answer = http.get("/api/models")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    hub.faults.elsewhere()
    assert (
        http.get("/api/models?limit=3").links["next"]["url"].startswith("https://elsewhere.example/api/models?limit=3&")
    )
    assert http.get("/api/models?limit=3").links["next"]["url"].startswith(hub.url)


def test_links_are_built_from_the_requests_host(hub: FakeHub, http: httpx2.Client) -> None:
    answer = http.get("/api/models?limit=3", headers={"Host": "hub.example:99"})
    assert answer.links["next"]["url"].startswith("http://hub.example:99/api/models?")


def test_a_fake_that_fails_says_so() -> None:
    def broken(page: int) -> None:
        raise LookupError("in the hook")

    def used() -> None:
        with FakeHub([api_row("a/b")]) as hub:
            hub.world.before_page.append(broken)
            assert httpx2.get(f"{hub.url}/api/models", trust_env=False).status_code == 500

    with pytest.raises(ExceptionGroup, match="the fake Hub failed") as caught:
        used()
    assert isinstance(caught.value.exceptions[0], LookupError)


def test_starts_and_stops_leave_nothing() -> None:
    before = threading.active_count()
    started = time.monotonic()
    for _ in range(20):
        with FakeHub([api_row("a/b")]) as hub:
            hub.faults.stall(600)
            waiting = socket.create_connection(("127.0.0.1", int(hub.url.rpartition(":")[2])))
            waiting.sendall(b"GET /api/models HTTP/1.1\r\nHost: x\r\n\r\n")
            while not hub.requests:
                time.sleep(0.001)
        waiting.close()
    assert threading.active_count() == before
    assert time.monotonic() - started < 5
    with pytest.raises(httpx2.ConnectError):
        httpx2.get(hub.url, trust_env=False)


def test_it_runs_as_a_command(tmp_path: Path) -> None:
    data = tmp_path / "rows.jsonl"
    data.write_text("\n".join(json.dumps(api_row(f"org/m{number}")) for number in range(3)))
    command = [sys.executable, "-m", "tests.fakehub", "--data", str(data), "--port", "0", "--quota", "1"]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        url = process.stdout.readline().strip()
        assert [len(httpx2.get(f"{url}/api/models", trust_env=False).json()) for _ in range(2)] == [3, 1]
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(10) == 0
        assert process.stdout.read() + process.stderr.read() == ""
    missing = subprocess.run([*command[:4], str(tmp_path / "no.jsonl")], cwd=CHECKOUT, capture_output=True, check=False)
    assert (missing.returncode, missing.stderr.count(b"\n")) == (1, 1)
