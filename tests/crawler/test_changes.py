"""What changed on the Hub since the last crawl: updates find commits, reconciliations everything else too."""

import json
from datetime import UTC, datetime
from time import monotonic

import pytest
from sqlalchemy import Engine

from crawler.absent import save_answer
from crawler.answers import Answer, CrawlError
from crawler.crawl import reconcile, resume, update
from crawler.run import Page
from registry.records import ModelRecord
from registry.write import Saved, writing
from tests.crawler.crawls import (
    break_off_after,
    crawled,
    lineage_digest,
    models_asked,
    pages_asked,
    small_pages,
    small_world,
    token_of_the_tests,
    whole_digest,
)
from tests.fakehub.app import Api
from tests.fakehub.listing import Refused
from tests.fakehub.rows import stamp
from tests.fakehub.server import FakeHub
from tests.fakehub.world import Model, World
from tests.families import api_row, defects, edges, models, names, save
from tests.lineage.calls import answer, database, refusal


@pytest.fixture(autouse=True)
def _a_token_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)


@pytest.fixture
def hundred_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch)


def states(engine: Engine) -> dict[str, str]:
    return {name: row["state"] for name, row in models(engine).items()}


def trio(*, lists_disabled: bool = True) -> World:
    """me/Base, me/Child and me/Grandchild. The card of the first has a defect."""
    return World(
        [
            api_row("me/Base", license="mit", cardData={"license": "mit", "base_model": "/tmp/x"}),
            api_row("me/Child", ["me/Base"], "quantized"),
            api_row("me/Grandchild", ["me/Child"]),
        ],
        lists_disabled=lists_disabled,
    )


def many_changes(world: World) -> None:
    """More than a page of new models, and more than a page of edited ones."""
    for n in range(110):
        world.edit(f"me/M{n}", cardData={"base_model": "me/M240", "license": "mit"})
        world.insert({"id": f"new/N{n}", "cardData": {"base_model": f"me/M{n}"}})


# Updates


@pytest.mark.usefixtures("hundred_a_page")
def test_an_update_asks_only_for_what_it_has_to(registry: Engine) -> None:
    with FakeHub(World(small_world())) as hub:
        crawled(registry, hub)
        last = pages_asked(hub, "createdAt")[-1]
        hub.world.insert(api_row("new/N", ["me/M5"], createdAt=None, lastModified=None, _id=None))
        hub.world.edit("me/M5", cardData={"license": "mit"})
        before = len(hub.requests)
        done = crawled(registry, hub, update)
        assert pages_asked(hub, "createdAt", since=before) == [last]
        # One page by change reaches below the watermark; the next is asked for ahead, and perhaps dropped unasked.
        assert pages_asked(hub, "lastModified", since=before)[0] == ""
        assert len(hub.requests) - before <= 4
        assert models_asked(hub) == []
    assert done.saved == Saved(models=51 + 100, new=1, changed=1)
    assert models(registry)["me/M5"]["licenses"] == '["mit"]'
    assert edges(registry)["new/N", "me/M5"] == "both"


@pytest.mark.usefixtures("hundred_a_page")
def test_an_update_reads_down_to_an_hour_before_the_watermark(registry: Engine) -> None:
    with FakeHub(World(small_world())) as hub:
        crawled(registry, hub)
        hub.world.edit("me/M249", lastModified=hub.world.get("me/M248")["lastModified"], likes=5)
        for n in range(99):  # a page, and me/M249 behind it
            hub.world.edit(f"me/M{n}", likes=7)
        done = crawled(registry, hub, update)
        assert len(pages_asked(hub, "lastModified")) in (2, 3)
    assert done.saved.changed == 100
    assert models(registry)["me/M249"]["likes"] == 5


@pytest.mark.usefixtures("hundred_a_page")
def test_new_models_on_several_pages(registry: Engine) -> None:
    with FakeHub(World(small_world())) as hub:
        crawled(registry, hub)
        many_changes(hub.world)
        before = len(hub.requests)
        done = crawled(registry, hub, update)
        assert (done.saved.new, done.saved.changed) == (110, 110)
        assert len(pages_asked(hub, "createdAt", since=before)) == 2
        assert len(pages_asked(hub, "lastModified", since=before)) in (3, 4)
        before = len(hub.requests)
        again = crawled(registry, hub, update)
        assert (again.saved.new, again.saved.changed) == (0, 0)
        assert len(pages_asked(hub, "createdAt", since=before)) == 1
        third = crawled(registry, hub, update)
        assert (third.saved.new, third.saved.changed) == (0, 0)


@pytest.mark.usefixtures("hundred_a_page")
def test_an_update_needs_a_whole_crawl_before(registry: Engine) -> None:
    with FakeHub(World(small_world())) as hub, FakeHub(trio()) as stranger:
        arguments = ("crawl", "update", "--endpoint", hub.url, "--db", database(registry))
        whole = f"this registry holds no whole crawl of {hub.url}: start with `lineage crawl hub`"
        assert refusal(*arguments) == whole
        crawled(registry, stranger)
        assert refusal(*arguments) == whole
        with pytest.raises(KeyboardInterrupt):
            crawled(registry, hub, progress=break_off_after(1))
        assert refusal(*arguments) == whole


@pytest.mark.usefixtures("hundred_a_page")
@pytest.mark.parametrize("pages", [1, 2, 3, 4, 5])
def test_an_update_that_broke_off_goes_on(registry: Engine, another: Engine, pages: int) -> None:
    """Two pages of new models, three of changes."""
    with FakeHub(World(small_world())) as hub:
        crawled(registry, hub)
        crawled(another, hub)
        many_changes(hub.world)
        undisturbed = crawled(another, hub, update)
        assert undisturbed.pages == 5
        with pytest.raises(KeyboardInterrupt):
            crawled(registry, hub, update, break_off_after(pages))
        rest = crawled(registry, hub, resume)
        assert rest.pages == 5 - pages
        assert whole_digest(registry) == whole_digest(another)
        again = crawled(registry, hub, update)
        assert (again.saved.new, again.saved.changed) == (0, 0)


@pytest.mark.usefixtures("hundred_a_page")
def test_a_model_that_is_changed_while_changes_are_read_is_found_by_the_next_update(registry: Engine) -> None:
    world = World(small_world())
    with FakeHub(world) as hub:
        crawled(registry, hub)
        for n in range(150):
            world.edit(f"me/M{n}", likes=7)

        def jump_ahead(_page: int) -> None:
            said = hub.requests[-1].parameters
            if said["sort"] == ["lastModified"] and "cursor" in said and world.get("me/M0")["likes"] == 7:
                world.edit("me/M0", likes=8)  # it stood on this page

        world.before_page.append(jump_ahead)
        crawled(registry, hub, update)
        assert models(registry)["me/M0"]["likes"] == 1
        crawled(registry, hub, update)
        assert models(registry)["me/M0"]["likes"] == 8


@pytest.mark.usefixtures("hundred_a_page")
def test_a_change_that_is_still_to_come_hides_no_other(registry: Engine) -> None:
    rows = small_world()
    rows[0]["lastModified"] = "2099-01-01T00:00:00.000Z"
    with FakeHub(World(rows)) as hub:
        crawled(registry, hub)
        today = stamp(datetime.now(UTC))
        for n in range(1, 111):
            hub.world.edit(f"me/M{n}", lastModified=today, likes=7)
        assert crawled(registry, hub, update).saved.changed == 110


# Reconciliations


def test_what_is_deleted_is_gone_and_keeps_what_is_known(registry: Engine) -> None:
    with FakeHub(trio()) as hub:
        crawled(registry, hub)
        before, known, noted = models(registry)["me/Base"], edges(registry), defects(registry)
        assert ("me/Base", "local-path", "/tmp/x") in noted
        for id in ("me/Base", "me/Grandchild"):
            hub.world.delete(id)
        done = crawled(registry, hub, reconcile)
        assert done.saved == Saved(models=3, gone=2)
        assert sorted(models_asked(hub)) == ["me/Base", "me/Grandchild"]
        after = models(registry)["me/Base"]
        times = {"last_seen": after["last_seen"], "source": after["source"]}
        assert after == before | times | {"state": "gone", "silent": True}
        assert (edges(registry), defects(registry)) == (known, noted)
        assert crawled(registry, hub, reconcile).saved == Saved(models=1)
        assert len(models_asked(hub)) == 2  # what is gone is not asked for again
    assert json.loads(answer(registry, "show", "me/Base", "--format", "json"))["facts"]["state"] == "gone"


def test_a_private_model_is_gone_until_it_is_shown_again(registry: Engine) -> None:
    with FakeHub(trio()) as hub:
        crawled(registry, hub)
        whole = whole_digest(registry)
        hub.world.set_private("me/Child")
        assert crawled(registry, hub, reconcile).saved == Saved(models=3, gone=1)
        assert states(registry)["me/Child"] == "gone"
        hub.world.set_private("me/Child", False)
        assert crawled(registry, hub, reconcile).saved == Saved(models=3, returned=1)
        assert whole_digest(registry) == whole


def test_a_renamed_model_is_one_model(registry: Engine) -> None:
    with FakeHub(trio()) as hub:
        crawled(registry, hub)
        hub.world.rename("me/Base", "you/Base")
        done = crawled(registry, hub, reconcile)
        assert done.saved == Saved(models=3, changed=1, renamed=1)
        assert models_asked(hub) == []
    assert set(states(registry)) == {"you/Base", "me/Child", "me/Grandchild"}
    assert names(registry) == {"me/Base": ("you/Base", "hub-id")}


def test_a_model_known_only_by_an_old_name_is_the_one_that_the_name_leads_to(registry: Engine) -> None:
    world = trio()
    save(registry, [world.get("me/Base") | {"_id": None}, world.get("me/Child") | {"_id": None}])
    world.rename("me/Base", "you/Base")
    world.edit("me/Child", cardData={"base_model": "you/Base"})
    with FakeHub(world) as hub:
        crawled(registry, hub, reconcile)
        assert models_asked(hub) == ["me/Base", "you/Base"]  # a name, and where it leads
        assert states(registry) == dict.fromkeys(["you/Base", "me/Child", "me/Grandchild"], "listed")
        assert names(registry) == {"me/Base": ("you/Base", "hub-id")}
        assert set(edges(registry)) == {("me/Child", "you/Base"), ("me/Grandchild", "me/Child")}
        lineage_digest(registry)
        assert crawled(registry, hub, reconcile).saved == Saved(models=3)


def test_children_of_an_old_name_follow_although_the_hub_lists_none_of_them(registry: Engine) -> None:
    world = trio()
    adopted = api_row("gone/Adopted", ["me/Base"], _id=None)
    save(registry, [world.get("me/Base") | {"_id": None}, adopted])
    world.rename("me/Base", "you/Base")
    with FakeHub(world) as hub:
        crawled(registry, hub, reconcile)
    assert ("gone/Adopted", "you/Base") in edges(registry)
    assert states(registry)["gone/Adopted"] == "gone"


def test_an_old_name_that_leads_to_another_model_by_now(registry: Engine) -> None:
    world = trio()
    with FakeHub(world) as hub:
        crawled(registry, hub)
        world.delete("me/Base")
        world.insert({"id": "me/Base", "cardData": {}})
        world.rename("me/Base", "you/Other")
        done = crawled(registry, hub, reconcile)
    assert done.saved.gone == 1
    others = dict.fromkeys(["you/Other", "me/Child", "me/Grandchild"], "listed")
    assert states(registry) == others | {"me/Base": "gone"}
    assert names(registry) == {}
    assert ("me/Child", "me/Base") in edges(registry)


def test_gated_and_disabled_models_are_still_there(registry: Engine) -> None:
    with FakeHub(trio(lists_disabled=False)) as hub:
        crawled(registry, hub)
        hub.world.set_gated("me/Child", "manual")
        hub.world.set_disabled("me/Base")
        done = crawled(registry, hub, reconcile)
        assert done.saved == Saved(models=3, changed=2)
        assert models_asked(hub) == ["me/Base"]
        assert crawled(registry, hub, reconcile).saved == Saved(models=3)
    found = models(registry)
    assert (found["me/Child"]["state"], found["me/Child"]["gated"]) == ("listed", "manual")
    assert (found["me/Base"]["state"], found["me/Base"]["disabled"]) == ("listed", True)
    assert found["me/Base"]["licenses"] == '["mit"]'


def test_a_model_of_an_unknown_date_that_is_not_on_the_hub_is_gone(registry: Engine) -> None:
    save(registry, [api_row("old/Model", ["me/Base"], observation={"seen": None})], seen="2099-01-01T00:00:00Z")
    assert models(registry)["old/Model"]["last_seen"] is None
    with FakeHub(trio()) as hub:
        assert crawled(registry, hub, reconcile).saved.gone == 1
    assert states(registry)["old/Model"] == "gone"
    assert ("old/Model", "me/Base") in edges(registry)


def test_a_token_that_is_refused_midway_marks_nothing_gone(registry: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    found = Api._found
    asked: list[str] = []

    def refuse_later(api: Api, request: object, name: str) -> Model:
        asked.append(name)
        if len(asked) > 5:
            raise Refused(401, "Invalid credentials in Authorization header")
        return found(api, request, name)  # type: ignore[arg-type]

    with FakeHub(World(small_world(20))) as hub:
        crawled(registry, hub)
        for n in range(10):
            hub.world.delete(f"me/M{n}")
        with monkeypatch.context() as patch:
            patch.setattr(Api, "_found", refuse_later)
            with pytest.raises(CrawlError, match="the Hub does not let us in"):
                crawled(registry, hub, reconcile)
        assert set(states(registry).values()) == {"listed"}
        assert crawled(registry, hub, resume).saved.gone == 10


@pytest.mark.parametrize("status", [400, 403, 410, 501])
def test_a_hub_that_has_trouble_with_a_model_says_nothing_of_it(registry: Engine, status: int) -> None:
    with FakeHub(trio()) as hub:
        crawled(registry, hub)
        hub.world.delete("me/Base")
        hub.faults.status(status, times=None, path="/api/models/me/")
        assert crawled(registry, hub, reconcile).saved == Saved(models=2)
        assert states(registry)["me/Base"] == "listed"
        hub.faults.clear()
        assert crawled(registry, hub, reconcile).saved == Saved(models=3, gone=1)


def refused(status: int, message: str, code: str | None = None) -> Answer:
    headers = {"x-error-message": message} | ({"x-error-code": code} if code else {})
    return Answer("https://hub.example/api/models/me/Base", status, {"error": message}, headers, 1, None)


@pytest.mark.parametrize(
    ("said", "state", "gated"),
    [
        (refused(404, "Repository not found", "RepoNotFound"), "gone", "auto"),
        (refused(401, "Invalid username or password.", "RepoNotFound"), "gone", "auto"),
        (refused(403, "Access to model me/Base is restricted.", "GatedRepo"), "listed", "auto"),
        (refused(500, "Internal Error"), "listed", "auto"),
        (refused(404, "Invalid rev id: main", "RevisionNotFound"), "listed", "auto"),
    ],
    ids=["not found", "not found without a token", "gated", "trouble", "no revision"],
)
def test_what_a_refusal_says_of_a_model(registry: Engine, said: Answer, state: str, gated: str) -> None:
    save(registry, [api_row("me/Base", gated="auto")])
    held = models(registry)["me/Base"]
    with writing(registry) as connection:
        page = Page(connection, 1, "2026-02-01T00:00:00Z", "test")
        assert save_answer(page, said, ModelRecord("me/Base", hub_id=held["hub_id"], gated="auto")) is None
    found = models(registry)["me/Base"]
    assert (found["state"], found["gated"], found["hub_id"]) == (state, gated, held["hub_id"])


@pytest.mark.parametrize("pages", [2, 3, 4])
def test_a_reconciliation_that_broke_off_among_the_absent_goes_on(
    registry: Engine, another: Engine, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr("crawler.absent._BATCH", 8)
    with FakeHub(World(small_world(40))) as hub:
        crawled(registry, hub)
        crawled(another, hub)
        for n in range(0, 40, 2):  # 20: three batches
            hub.world.delete(f"me/M{n}")
        assert crawled(another, hub, reconcile).saved == Saved(models=40, gone=20)
        before = len(models_asked(hub))
        with pytest.raises(KeyboardInterrupt):
            crawled(registry, hub, reconcile, break_off_after(pages))
        rest = crawled(registry, hub, resume)
        asked = models_asked(hub)[before:]
        assert len(asked) == len(set(asked)) == 20  # nobody is asked for twice
        assert rest.pages == 4 - pages
        assert whole_digest(registry) == whole_digest(another)
        assert crawled(registry, hub, reconcile).saved == Saved(models=20)
        assert whole_digest(registry) == whole_digest(another)


def test_the_absent_are_asked_several_at_a_time(registry: Engine) -> None:
    with FakeHub(World(small_world(32))) as hub:
        crawled(registry, hub)
        for n in range(24):
            hub.world.delete(f"me/M{n}")
        hub.faults.stall(0.5, times=None, path="/api/models/me/")
        start = monotonic()
        assert crawled(registry, hub, reconcile).saved.gone == 24
        assert monotonic() - start < 24 * 0.5 / 2
