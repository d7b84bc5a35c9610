"""Hubs, mirrors and things in between that misbehave: what a crawl must not believe, and where it must end."""

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from huggingface_hub.utils._http import http_stream_backoff
from sqlalchemy import Engine

from crawler.absent import save_answer
from crawler.answers import Answer, CrawlError
from crawler.crawl import crawl_family, crawl_hub, reconcile, resume, update
from crawler.dumps import read_json
from crawler.hub import Hub
from crawler.raw import Unreadable
from crawler.run import Crawled, Page
from registry.records import ModelRecord
from registry.write import writing
from tests.conftest import CHECKOUT
from tests.crawler.crawls import break_off_after, crawled, silent, small_pages, small_world, whole_digest
from tests.crawler.replies import Reply, server
from tests.fakehub.server import FakeHub
from tests.fakehub.world import World
from tests.families import api_row, content, edges, models, save
from tests.lineage.calls import database, lineage, refusal


def page(*rows: object, **headers: str) -> Reply:
    return 200, headers, json.dumps(rows).encode()


REFUSALS: list[tuple[int, dict[str, str], object]] = [
    (401, {}, {"error": 'User Access Token "mine" is expired'}),
    (401, {}, "<html><h1>401 Authorization Required</h1></html>"),
    (401, {}, {"error": "login required"}),
    (403, {}, {"error": "blocked"}),
    (404, {}, {"error": "no such route"}),
    (500, {}, {"error": "Internal Error"}),
]


@pytest.mark.parametrize(("status", "headers", "body"), REFUSALS, ids=[str(body)[:40] for _, _, body in REFUSALS])
def test_only_the_hubs_own_word_makes_a_model_gone(
    registry: Engine, status: int, headers: dict[str, str], body: object
) -> None:
    save(registry, [api_row("me/M")])
    with writing(registry) as connection:
        told = Page(connection, 1, "2027-01-01T00:00:00Z", "hub")
        if status == 401:
            with pytest.raises(CrawlError, match="does not let us in"):
                save_answer(told, Answer("", status, body, headers, 0, None), ModelRecord("me/M"))
        else:
            assert save_answer(told, Answer("", status, body, headers, 0, None), ModelRecord("me/M")) is None
            assert (told.unclear, told.saved.models) == (1, 0)
    assert models(registry)["me/M"]["state"] == "listed"


def test_a_mirror_that_holds_little_makes_nothing_gone(registry: Engine) -> None:
    with FakeHub(small_world(30)) as hub, FakeHub(small_world(3)) as mirror:
        crawled(registry, hub)
        with pytest.raises(CrawlError, match=f"was crawled from {hub.url}, not from {mirror.url}"):
            crawled(registry, mirror, reconcile)
        assert mirror.requests == []


def test_a_listing_that_breaks_off_is_not_believed(registry: Engine) -> None:
    world = World(small_world(2_500))
    with FakeHub(world) as hub:
        crawled(registry, hub)
        kept = set(world.ids()[:1_000])
        for name in world.ids():
            if name not in kept:
                world.set_private(name)
        with pytest.raises(CrawlError, match="does not list 1,500 of 2,500 models: see whether it lists all"):
            crawled(registry, hub, reconcile)
        assert {row["state"] for row in models(registry).values()} == {"listed"}
        done = crawled(registry, hub, resume)  # it is right
        assert done.saved.gone == 1_500


def test_one_model_that_cannot_be_asked_for_holds_nothing_up(registry: Engine) -> None:
    rows = [api_row(f"me/M{n}") for n in range(4)]
    save(registry, rows)

    def reply(path: str) -> Reply:
        if path.startswith("/api/models?"):
            return page(rows[0])
        if path.startswith("/api/models/me/M1"):
            return 307, {"Location": "/api/models/me/M1"}, b""
        return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"

    with server(reply) as url, Hub(url) as hub:
        done = reconcile(registry, hub, silent)
    assert (done.saved.gone, done.unclear) == (2, 1)
    assert models(registry)["me/M1"]["state"] == "listed"


def test_children_that_cannot_be_listed_keep_no_others_from_being_found(
    registry: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.hub._TRIES", 1)
    healed = False

    def reply(path: str) -> Reply:
        if path.startswith("/api/models/me/Root"):
            return 200, {}, json.dumps(api_row("me/Root")).encode()
        if "base_model%3Aa%2FM7" in path and not healed:
            return 504, {}, b"{}"
        if "base_model%3Ame%2FRoot" in path:
            return page(*(api_row(f"a/M{n}", ["me/Root"]) for n in range(40)))
        if "base_model%3Aa%2FM" in path:
            number = path.partition("base_model%3Aa%2FM")[2].partition("&")[0]
            return page(api_row(f"b/N{number}", [f"a/M{number}"]))
        return page()

    with server(reply) as url:
        with Hub(url) as hub, pytest.raises(CrawlError, match=r"fails \(504\)"):
            crawl_family(registry, hub, silent, ["me/Root"])
        assert len(models(registry)) == 1 + 40 + 39
        healed = True
        with Hub(url) as hub:
            resume(registry, hub, silent)
    assert len(models(registry)) == 81


def test_a_model_that_cannot_be_asked_for_is_asked_for_again_by_a_walk_that_goes_on(
    registry: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.hub._TRIES", 1)
    with FakeHub([api_row("me/Base", license="mit"), api_row("me/M", ["me/Base"])]) as hub:
        hub.faults.status(504, path="/api/models/me/Base", times=None)
        family = partial(crawl_family, roots=["me/M"])

        def break_off(done: Crawled, _hub: Hub) -> None:
            if done.unclear:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            crawled(registry, hub, family, break_off)
        assert models(registry)["me/Base"]["state"] == "placeholder"
        hub.faults.clear()
        assert crawled(registry, hub, resume).unclear == 0
    assert models(registry)["me/Base"]["state"] == "listed"


def test_a_page_that_leads_back_ends_the_crawl(registry: Engine) -> None:
    asked = []

    def reply(path: str) -> Reply:
        asked.append(path)
        url = f"http://127.0.0.1:{port}/api/models?cursor={len(asked) % 2}"
        return page(api_row("me/M"), Link=f'<{url}>; rel="next"')

    with server(reply) as url:
        port = url.rpartition(":")[2]
        with Hub(url) as hub, pytest.raises(CrawlError, match="in circles from page to page"):
            crawl_hub(registry, hub, silent)
        with Hub(url) as hub, pytest.raises(CrawlError, match="in circles from page to page"):
            crawl_family(registry, hub, silent, ["author:me"])
    assert len(asked) < 12


def test_a_card_that_is_nested_too_deep_is_a_defect_of_its_own(registry: Engine) -> None:
    deep = json.dumps(api_row("me/Deep")).replace('"cardData": {}', f'"cardData": {"[" * 100_000}{"]" * 100_000}')
    body = f"[{json.dumps(api_row('me/One'))}, {deep}, {json.dumps(api_row('me/Two', ['me/One']))}]".encode()
    with server(lambda path: (200, {}, body)) as url, Hub(url) as hub:
        crawl_hub(registry, hub, silent)
    assert set(models(registry)) == {"me/One", "me/Two"}
    assert set(edges(registry)) == {("me/Two", "me/One")}
    (defect,) = content(registry)["defects"]
    assert defect[2:4] == ("bad-json", "page")


def test_items_are_told_apart_whatever_they_hold() -> None:
    deep = "[" * 5_000 + "]" * 5_000
    items = read_json(f'[{deep}, {{"a": "],[ \\" }}{{"}}, [1, [2]], "x,y", 7]'.encode())
    assert isinstance(items, list)
    assert isinstance(items[0], Unreadable)
    assert items[1:] == [{"a": '],[ " }{'}, [1, [2]], "x,y", 7]
    with pytest.raises(ValueError, match="nested too deep"):
        read_json(b'{"a": ' + deep.encode() + b"}")


@pytest.mark.parametrize(
    "headers",
    [
        {"Retry-After": "100000000000"},
        {"RateLimit": '"api";r=0;t=100000000000', "RateLimit-Policy": '"fixed window";"api";q=500;w=300'},
        {"RateLimit": f'"api";r=0;t={"9" * 400}'},
    ],
    ids=["long", "window", "400 digits"],
)
def test_nobody_waits_for_ever(tmp_path: Path, headers: dict[str, str]) -> None:
    with server(lambda path: (429, headers, b"{}")) as url:
        command = [sys.executable, "-m", "lineage", "crawl", "hub", "--endpoint", url, "--db", str(tmp_path / "r.db")]
        done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert done.stderr.startswith("lineage: ")
    assert done.stderr.count("\n") == 1


def test_a_hub_that_fails_is_told_in_one_line(tmp_path: Path) -> None:
    with FakeHub(small_world(3)) as hub:
        hub.faults.status(400)
        command = [sys.executable, "-m", "lineage", "crawl", "hub", "-q", "--endpoint", hub.url, "--db"]
        done = subprocess.run(
            [*command, str(tmp_path / "r.db")], cwd=CHECKOUT, capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("rows", [5, "x", {"a": 1}, [5, {"createdAt": []}, {"createdAt": "2024"}, {"disabled": {}}]])
def test_a_probe_makes_something_of_any_answer(rows: object) -> None:
    with server(lambda path: (200, {}, json.dumps(rows).encode())) as url:
        said = lineage("crawl", "probe", "--endpoint", url)
    assert said.exit_code == 0
    assert "does it ascend by creation: no" in said.stdout
    assert f"page size without a limit: {4 if isinstance(rows, list) else 'no list'}" in said.stdout


def test_an_end_waits_for_no_answer(tmp_path: Path) -> None:
    with FakeHub(small_world(10)) as hub:
        hub.faults.stall(40)
        command = [sys.executable, "-m", "lineage", "crawl", "hub", "--endpoint", hub.url, "--db", str(tmp_path / "r")]
        process = subprocess.Popen(command, cwd=CHECKOUT, stderr=subprocess.PIPE)
        while not hub.requests:
            time.sleep(0.05)
        start = time.monotonic()
        process.send_signal(2)
        process.communicate(timeout=30)
        assert process.returncode == 130
        assert time.monotonic() - start < 10


@pytest.mark.parametrize(
    "endpoint", ["http://[bad", "http://host:abc", "https://host/?token=hf_x", "https://host/#x", "http://127.0.0.1:1"]
)
def test_an_endpoint_that_is_none_is_one_line(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.hub._TRIES", 1)
    said = refusal("crawl", "probe", "--endpoint", endpoint)
    assert "hf_x" not in said


def test_a_token_that_is_none_is_one_line_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_gehe\u20acim")
    with FakeHub(small_world(3)) as hub:
        assert "gehe" not in refusal("crawl", "probe", "--endpoint", hub.url)


def test_another_walk_keeps_what_this_one_has_to_do(registry: Engine, tmp_path: Path) -> None:
    rows = small_world(100)
    with FakeHub(rows, list_allows_base_models=False) as hub:
        with pytest.raises(KeyboardInterrupt):
            crawl_family(registry, Hub(hub.url), break_off_after(3), ["me/M50"])
        crawl_family(registry, Hub(hub.url), silent, ["me/M1"], up=True)
        resume(registry, Hub(hub.url), silent)
        assert len(models(registry)) == 100
        assert whole_digest(registry)


def test_what_is_read_after_a_break_is_newer_than_what_came_between(
    registry: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_pages(monkeypatch)
    world = World(small_world())
    with FakeHub(world) as hub:
        crawled(registry, hub)
        with pytest.raises(KeyboardInterrupt):
            reconcile(registry, Hub(hub.url), break_off_after(1))
        time.sleep(1.1)
        world.set_private("me/M201")
        crawl_family(registry, Hub(hub.url), silent, ["me/M202"], up=True, insist=True)
        assert models(registry)["me/M201"]["state"] == "gone"
        time.sleep(2.1)
        world.set_private("me/M201", private=False)
        resume(registry, Hub(hub.url), silent)
    assert models(registry)["me/M201"]["state"] == "listed"


def test_the_hub_does_not_say_who_saw_a_model_and_when(registry: Engine) -> None:
    rows = [api_row("me/M", observation={"gone": True, "seen": "2999-01-01", "source": "x"})]
    with server(lambda path: page(*rows)) as url, Hub(url) as hub:
        crawl_hub(registry, hub, silent)
    found = models(registry)["me/M"]
    assert (found["state"], found["source"], found["last_seen"][:2]) == ("listed", url, "20")


def test_a_date_that_is_none_does_not_end_an_update(registry: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch)
    rows = small_world(160)
    world = World(rows)
    with FakeHub(world) as hub:
        crawled(registry, hub)
        for row in rows[:150]:
            world.edit(row["id"], likes=77)
        order = sorted((world.get(row["id"])["lastModified"], row["id"]) for row in rows)
        hundredth = order[-100]
        world.edit(hundredth[1], lastModified=hundredth[0][:19] + "?!")  # sorts where it was, and is no date
        crawled(registry, hub, update)
    assert sum(row["likes"] == 77 for row in models(registry).values()) == 150


def test_commands_tell_what_could_not_be_told(registry: Engine) -> None:
    save(registry, [api_row("me/M"), api_row("me/N")])
    with server(lambda path: page(api_row("me/M")) if "?" in path and "/me/" not in path else (403, {}, b"{}")) as url:
        done = lineage("crawl", "reconcile", "--endpoint", url, "--db", database(registry))
    assert "\n1 models could not be told about\n" in done.stdout


def test_a_connection_that_another_request_closed_is_tried_again(
    registry: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When one of several requests cannot connect, huggingface_hub closes the client of all."""
    real, closed = http_stream_backoff, [True]

    def once_closed(*args: object, **options: object) -> object:
        if closed:
            closed.clear()
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        return real(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr("crawler.hub.http_stream_backoff", once_closed)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    with FakeHub(small_world()) as hub:
        assert crawled(registry, hub).saved.models == len(hub.world)
    assert not closed
