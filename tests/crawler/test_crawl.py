"""Sweeps of the fake Hub: whole, resumed, under mutations, within the quota, and with the token kept at home."""

import gzip
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, update
from sqlmodel import SQLModel

from crawler.answers import CrawlError
from crawler.crawl import reconcile, resume
from crawler.crawl import update as crawl_update
from crawler.hub import Hub
from crawler.probe import probe
from registry.database import reading
from registry.tables import RUNS
from registry.transfer import check
from registry.write import writing
from tests.conftest import SNAPSHOT
from tests.crawler.crawls import (
    TOKEN,
    Chance,
    break_off_after,
    crawled,
    lineage_digest,
    lineage_edges,
    pages_asked,
    small_pages,
    small_world,
    stopped_clock,
    token_of_the_tests,
    whole_digest,
)
from tests.fakehub.server import FakeHub
from tests.fakehub.world import World
from tests.families import Row, api_row, content, defects, edges, models, names, save
from tests.lineage.calls import answer, database, lineage, refusal


@pytest.fixture(autouse=True)
def _a_token_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)


@pytest.fixture
def hundred_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    small_pages(monkeypatch)


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_clock(monkeypatch)


@pytest.fixture(scope="module")
def listed() -> list[Row]:
    """The snapshot as the Hub lists it: whatever was known of a model, it has tags and is there."""
    with gzip.open(SNAPSHOT, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    for row in rows:
        row.pop("observation")
        parents = row.pop("baseModels", None)
        if parents:
            relation = parents["relation"] or "finetune"
            named = [model["id"] for model in parents["models"]]
            row["tags"] = [tag for name in named for tag in (f"base_model:{name}", f"base_model:{relation}:{name}")]
        row.setdefault("tags", [])
    return rows


@pytest.fixture(scope="module")
def snapshot_hub(listed: list[Row]) -> Iterator[FakeHub]:
    with FakeHub(listed) as hub:
        yield hub


def test_a_sweep_equals_an_import(registry: Engine, listed: list[Row], snapshot_hub: FakeHub, tmp_path: Path) -> None:
    done = crawled(registry, snapshot_hub)
    assert (done.saved.models, done.saved.new, done.pages) == (16_491, 16_491, 17)
    swept = lineage_digest(registry)
    from_file = tmp_path / "file.jsonl"
    from_file.write_text("".join(json.dumps(row) + "\n" for row in listed), encoding="utf-8")
    result = lineage("import", "-q", from_file, "--db", tmp_path / "import.db")
    assert result.exit_code == 0
    assert lineage("db", "digest", "--part", "lineage", "--db", tmp_path / "import.db").stdout.strip() == swept
    again = crawled(registry, snapshot_hub)
    assert (again.saved.models, again.saved.new, again.saved.changed) == (16_491, 0, 0)
    assert lineage_digest(registry) == swept


def test_the_sweep_asks_for_what_the_registry_holds(registry: Engine) -> None:
    rows = [api_row("me/M", license="mit", downloads=7, likes=3, gated="auto", sha="ab" * 20)]
    with FakeHub(rows) as hub:
        crawled(registry, hub)
        watermark, first = hub.requests
        assert (watermark.parameters["sort"], watermark.parameters["limit"]) == (["lastModified"], ["1"])
        assert (first.parameters["sort"], first.parameters["direction"]) == (["createdAt"], ["1"])
        assert {watermark.path, first.path} == {"/api/models"}
    found = models(registry)["me/M"]
    assert (found["downloads"], found["likes"], found["gated"], found["sha"]) == (7, 3, "auto", "ab" * 20)
    assert found["hub_id"] is not None


@pytest.mark.usefixtures("hundred_a_page")
@pytest.mark.parametrize("pages", [1, 2, 3])
def test_what_broke_off_goes_on_where_it_was(registry: Engine, pages: int) -> None:
    with FakeHub(small_world()) as hub:
        with pytest.raises(KeyboardInterrupt):
            crawled(registry, hub, progress=break_off_after(pages))
        before = len(hub.requests)
        done = crawled(registry, hub, resume)
        assert done.requests == done.pages == 3 - pages
        asked = pages_asked(hub, "createdAt")
        assert len(set(asked)) == 3
        assert len(set(pages_asked(hub, "createdAt", since=before))) == 3 - pages
        # No page is asked for twice, but perhaps the one that was under way when the crawl broke off.
        assert len(asked) - len(set(asked)) <= min(1, 3 - pages)
    assert len(models(registry)) == 250
    assert edges(registry)["me/M249", "me/M248"] == "both"
    with reading(registry) as connection:
        run = connection.execute(select(RUNS)).one()
        assert check(connection) == []
    assert (run.models, run.new, run.finished_at is not None) == (250, 250, True)
    with pytest.raises(CrawlError, match=r"no crawl of .* broke off"):
        crawled(registry, hub, resume)


@pytest.mark.usefixtures("hundred_a_page")
def test_pages_that_change_while_they_are_read(registry: Engine) -> None:
    rows = small_world()
    world = World(rows)

    def mutate(page: int) -> None:
        world.insert(api_row(f"new/N{page}", ["me/M0"], createdAt=f"2026-01-{page:02}T00:00:00.000Z", _id=None))
        world.delete(f"me/M{page}")  # already read, or about to be
        world.count(f"me/M{200 + page}", downloads=10_000)

    world.before_page.append(mutate)
    with FakeHub(world) as hub:
        crawled(registry, hub)
    throughout = {row["id"] for row in rows} - {"me/M1", "me/M2", "me/M3"}
    seen = {name for name, row in models(registry).items() if row["state"] == "listed"}
    assert throughout <= seen
    assert {"new/N1", "new/N2", "new/N3"} <= seen
    assert len(content(registry)["models"]) == len(models(registry))


def test_a_model_renamed_between_two_crawls_is_one_model(registry: Engine) -> None:
    world = World(small_world(5))
    with FakeHub(world) as hub:
        crawled(registry, hub)
        world.rename("me/M0", "you/M0")
        crawled(registry, hub)
    assert "me/M0" not in models(registry)
    assert names(registry)["me/M0"] == ("you/M0", "hub-id")
    assert ("me/M1", "you/M0") in edges(registry)


def test_what_was_imported_without_an_id_is_the_same_model(registry: Engine) -> None:
    rows = small_world(3)
    save(registry, [{key: value for key, value in row.items() if key != "_id"} for row in rows])
    assert models(registry)["me/M0"]["hub_id"] is None
    with FakeHub(rows) as hub:
        done = crawled(registry, hub)
    assert (done.saved.new, len(models(registry))) == (0, 3)
    assert models(registry)["me/M0"]["hub_id"] is not None


@pytest.mark.usefixtures("hundred_a_page")
def test_the_quota_is_waited_for_before_it_is_exceeded(registry: Engine) -> None:
    with FakeHub(small_world(), quota=2, window=2) as hub:
        done = crawled(registry, hub)
        assert [seen.status for seen in hub.requests] == [200, 200, 200, 200]
    assert done.waited > 0
    assert done.saved.models == 250


@pytest.mark.usefixtures("hundred_a_page")
@pytest.mark.parametrize(
    ("fault", "in_vain"),
    [
        (lambda faults: faults.status(503, times=2), "2 fails (503)"),
        (lambda faults: faults.reset(), "1 cannot be reached (...Error)"),
        (lambda faults: faults.reset(inside=True), "1 cannot be reached (...Error)"),
        (lambda faults: faults.truncate(), "1 gave no usable answer"),
        (lambda faults: faults.html(), "1 gave no usable answer"),
        (lambda faults: faults.too_many("window", seconds=1), "1 allows no more requests"),
        (lambda faults: faults.too_many("retry-after", seconds=1), "1 allows no more requests"),
    ],
    ids=["503 twice", "reset", "reset inside", "truncated", "html", "429", "retry-after"],
)
def test_faults_that_pass(registry: Engine, fault: Callable[[object], None], in_vain: str) -> None:
    with FakeHub(small_world(120)) as hub:
        fault(hub.faults)
        done = crawled(registry, hub)
        assert done.requests == len(hub.requests)
    ((problem, count),) = done.in_vain.items()
    assert re.sub(r"\w+Error", "...Error", f"{count} {problem}") == in_vain
    assert done.saved.models == 120
    assert len(models(registry)) == 120


def test_the_summary_tells_what_was_in_vain(tmp_path: Path) -> None:
    with FakeHub(small_world(120)) as hub:
        hub.faults.status(503, times=2)
        hub.faults.truncate()
        done = lineage("crawl", "hub", "--endpoint", hub.url, "--db", tmp_path / "registry.db")
    told = r"5 requests, 3 of them in vain \(fails \(503\): 2, gave no usable answer: 1\), waited \d s\n120 models read"
    assert re.match(told, done.stdout)


def test_another_limit_is_not_taken_for_the_quota(registry: Engine) -> None:
    with FakeHub(small_world(10)) as hub:
        hub.faults.too_many("other")
        with pytest.raises(CrawlError, match="another limit than that of requests"):
            crawled(registry, hub)


@pytest.mark.usefixtures("hundred_a_page")
def test_the_token_stays_with_the_endpoint(registry: Engine) -> None:
    with FakeHub(small_world()) as other, FakeHub(small_world()) as hub:
        hub.faults.elsewhere(host=other.url)
        with pytest.raises(CrawlError, match="another origin") as error:
            crawled(registry, hub)
        assert other.requests == []
        assert {seen.authorization for seen in hub.requests} == {f"Bearer {TOKEN}"}
    assert TOKEN not in str(error.value)
    with registry.connect() as connection:
        held = [connection.execute(select(table)).all() for table in SQLModel.metadata.sorted_tables]
    assert TOKEN not in repr(held)
    with FakeHub(small_world()) as hub:
        with pytest.raises(KeyboardInterrupt):
            crawled(registry, hub, progress=break_off_after(1))
        with writing(registry) as connection:  # a registry that somebody tampered with
            connection.execute(update(RUNS).values(cursor=f"{other.url}/api/models?limit=1000"))
        with pytest.raises(CrawlError, match="another origin"):
            crawled(registry, hub, resume)


def test_the_probe_asks_little_and_says_much(snapshot_hub: FakeHub) -> None:
    before = len(snapshot_hub.requests)
    said = dict(probe(Hub(snapshot_hub.url)))
    assert len(snapshot_hub.requests) - before < 20
    assert said["a page of the sweep"].startswith("status 200, 1,000 models in ")
    assert said["does it ascend by creation"] == "yes"
    assert said["is there a next page"] == "yes"
    assert said["may a list expand baseModels"] == "yes"
    assert "status 307, leads /api/models/google-bert" in said["an old name (bert-base-uncased)"]
    assert "RepoNotFound" in said["no such model (finetune-lineage/there-is-no-such-model)"]
    assert said["are disabled models listed"] == "0 of 1,000 are"
    assert said["childrenModelCount of the newest models"].startswith("status 200: absent")
    assert said["is there a hub-stats dump"] == "status 404"


@pytest.mark.usefixtures("no_time_passes")
def test_the_commands(snapshot_hub: FakeHub, tmp_path: Path) -> None:
    db = tmp_path / "registry.db"
    swept = lineage("crawl", "hub", "--endpoint", snapshot_hub.url, "--db", db)
    assert (swept.exit_code, swept.stderr) == (0, "")
    assert swept.stdout.startswith("18 requests\n16,491 models read: 16,491 new, 0 changed, 0 unchanged\n")
    again = refusal("crawl", "resume", "--endpoint", snapshot_hub.url, "--db", db)
    assert again == f"no crawl of {snapshot_hub.url} broke off: start one with `lineage crawl hub`"
    assert lineage("crawl", "probe", "--endpoint", snapshot_hub.url).exit_code == 0


@pytest.mark.usefixtures("no_time_passes")
def test_the_commands_that_follow_a_crawl(tmp_path: Path) -> None:
    db = tmp_path / "registry.db"
    with FakeHub(World(small_world(10))) as hub:
        place = ("--endpoint", hub.url, "--db", db)
        assert lineage("crawl", "hub", "-q", *place).output == ""
        hub.world.insert({"id": "new/N", "cardData": {"base_model": "me/M3"}})
        hub.world.edit("me/M0", cardData={"license": "mit"})
        updated = lineage("crawl", "update", *place)
        assert (updated.exit_code, updated.stderr) == (0, "")
        # me/M0 and new/N are met among the new models, then among the changed ones
        assert updated.stdout.splitlines() == [
            "3 requests",
            "22 models read: 1 new, 1 changed, 20 unchanged",
            "the registry holds 11 models (11 listed), 10 edges (0 recovered)",
            "defects: none",
        ]
        hub.world.rename("me/M1", "you/M1")
        hub.world.delete("me/M2")
        hub.world.set_private("new/N")
        reconciled = lineage("crawl", "reconcile", *place)
        assert (reconciled.exit_code, reconciled.stderr) == (0, "")
        assert reconciled.stdout.splitlines() == [
            "4 requests",
            "11 models read: 0 new, 1 changed (1 renamed), 2 gone, 8 unchanged",
            "the registry holds 11 models (2 gone, 9 listed), 10 edges (1 recovered)",
            "defects: none",
        ]
        hub.world.set_private("new/N", False)
        back = lineage("crawl", "reconcile", *place)
        assert back.stdout.splitlines()[1] == "10 models read: 0 new, 0 changed, 1 back again, 9 unchanged"
        for name in ("update", "reconcile"):
            assert lineage("crawl", name, "-q", *place).output == ""
        for name in ("update", "reconcile"):
            said = refusal("crawl", name, "--endpoint", hub.url, "--db", tmp_path / "none.db")
            assert said.startswith(f"no registry at {tmp_path / 'none.db'}")


@pytest.mark.usefixtures("hundred_a_page")
def test_after_commits_an_update_equals_a_fresh_crawl(registry: Engine, another: Engine) -> None:
    families = Chance(seed=1, size=460)
    with FakeHub(families.world) as hub:
        crawled(registry, hub)
        families.change(120, "insert", "edit", "edit")
        crawled(registry, hub, crawl_update)
        crawled(another, hub)
    assert whole_digest(registry) == whole_digest(another)


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_after_any_change_a_reconciliation_equals_a_fresh_crawl(registry: Engine, another: Engine, seed: int) -> None:
    """Of models that are on the Hub, the same parents; the reconciled registry knows more of those that are not."""
    families = Chance(seed, size=1_300)
    with FakeHub(families.world) as hub:
        crawled(registry, hub)
        before = {row["hub_id"]: name for name, row in models(registry).items() if row["hub_id"]}
        families.change(300, "insert", "edit", "delete", "rename", "again", "hide")
        done = crawled(registry, hub, reconcile)
        crawled(another, hub)
    lineage_digest(another)
    lineage_digest(registry)
    held, listed = models(registry), models(another)
    now = {row["hub_id"]: name for name, row in listed.items() if row["hub_id"]}
    assert {name for name, row in held.items() if row["state"] == "listed"} == set(now.values())

    # A parent that the fresh registry knows by name only may be one that the other remembers: gone, or of an old name.
    # Where the child names it by its new name too, the other refuses the second mention. Nothing else differs.
    led = {name: name for name, row in held.items() if row["state"] != "placeholder"}
    led |= {old: model for old, (model, _) in names(registry).items()}
    folded = {name.casefold(): model for name, model in led.items()}
    theirs, noted = lineage_edges(another), defects(registry)
    plain = {edge for edge in theirs if listed[edge[1]]["state"] != "placeholder"}
    expected = set(plain)
    for child, parent, relation in theirs - plain:
        known = led.get(parent) or folded.get(parent.casefold(), parent)
        assert known == parent or held[known]["state"] == "gone" or known in now.values()
        if any((child, known) == edge[:2] for edge in plain):
            assert (child, "duplicate-parent", parent) in noted
        else:
            expected.add((child, known, relation))
    ours = {edge for edge in lineage_edges(registry) if held[edge[0]]["state"] == "listed"}
    assert expected <= ours
    assert expected != theirs  # there was something to remember
    # A model that is gone keeps its name although the Hub leads it to another by now (made again under this name, then
    # renamed), which is a second parent then; to the fresh registry both are one.
    misled, doubled = names(another), defects(another)
    for child, parent, _ in ours - expected:
        assert (held[parent]["state"], misled[parent][1]) == ("gone", "hub-tag")
        assert (child, "duplicate-parent", parent) in doubled

    # What became of the models that were there is told.
    gone = {name for id, name in before.items() if id not in now} - set(now.values())
    assert {name for name, row in held.items() if row["state"] == "gone"} == gone
    moved = {name: now[id] for id, name in before.items() if id in now and now[id] != name}
    assert (done.saved.gone, done.saved.renamed) == (len(gone), len(moved))
    told = names(registry)
    free = {old: new for old, new in moved.items() if old not in now.values()}
    assert {old: told[old] for old in free} == {old: (new, "hub-id") for old, new in free.items()}
    tombstone = min(gone)
    assert re.search(r"state +gone", answer(registry, "show", tombstone))


def test_a_hub_that_refuses_leaves_the_registry_whole(tmp_path: Path) -> None:
    db = tmp_path / "registry.db"
    with FakeHub(small_world(3)) as hub:
        hub.faults.status(400)
        assert "answered 400, not a page of models" in refusal("crawl", "hub", "-q", "--endpoint", hub.url, "--db", db)
    assert lineage("db", "check", "--db", db).stdout == "the registry is whole\n"


@pytest.mark.usefixtures("hundred_a_page")
def test_a_registry_does_not_decide_where_the_token_goes(registry: Engine) -> None:
    with FakeHub(small_world()) as stranger, FakeHub(small_world()) as ours:
        with pytest.raises(KeyboardInterrupt):
            crawled(registry, stranger, progress=break_off_after(3))  # so that no page is under way
        asked = len(stranger.requests)
        said = refusal("crawl", "resume", "--endpoint", ours.url, "--db", database(registry))
        assert f"but one of {stranger.url}: name that with --endpoint" in said
        assert (len(stranger.requests), ours.requests) == (asked, [])


@pytest.mark.parametrize("endpoint", ["https://me:secret@mirror.example", "mirror.example", "ftp://mirror.example"])
def test_an_endpoint_is_a_plain_url(endpoint: str) -> None:
    said = refusal("crawl", "probe", "--endpoint", endpoint)
    assert said.startswith("not an endpoint: ")
    assert "secret" not in said
