"""Walks of families on the fake Hub: what they find, what they ask for it, and when they refuse."""

import random
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import Engine, func, select

from crawler.answers import CrawlError
from crawler.crawl import crawl_family, crawl_hub, resume
from crawler.hub import Hub
from crawler.run import Crawled
from registry.database import reading
from registry.runs import last_broken_off
from registry.tables import TASKS
from tests.crawler.crawls import break_off_after, silent, stopped_clock, whole_digest
from tests.fakehub.server import FakeHub
from tests.fakehub.world import World
from tests.families import Row, api_row, defects, edges, models, names, save
from tests.lineage.calls import database, lineage, refusal

ROOT = "me/Root"


def generated_family(size: int, seed: int = 1) -> list[Row]:
    """A closed family: every model is made from one or several that came before, the first is its root."""
    chance = random.Random(seed)
    ids = [ROOT] + [f"{chance.choice('abcd')}/M{n}" for n in range(1, size)]
    rows = [api_row(ROOT, license="apache-2.0")]
    for n, id in enumerate(ids[1:], 1):
        parents = sorted({ids[int(n * chance.random() ** 3)] for _ in range(chance.choice((1, 1, 1, 1, 2, 3)))})
        relation = "merge" if len(parents) > 1 else chance.choice(("finetune", "adapter", "quantized"))
        rows.append(api_row(id, parents, relation))
    return rows


def walked(engine: Engine, hub: FakeHub, *roots: str, up: bool = False, insist: bool = False) -> Crawled:
    with Hub(hub.url) as client:
        return crawl_family(engine, client, silent, roots, up=up, insist=insist)


@pytest.mark.parametrize(("counted", "size"), [(True, 1_500), (False, 300)], ids=["counted", "not counted"])
def test_a_walk_of_a_closed_family_equals_the_sweep(
    registry: Engine, another: Engine, counted: bool, size: int
) -> None:
    with FakeHub(generated_family(size), list_allows_base_models=counted) as hub:
        done = walked(registry, hub, ROOT, insist=True)
        asked = len(hub.requests)
        crawl_hub(another, Hub(hub.url), silent)
    assert len(models(registry)) == size
    assert (done.saved.new, done.saved.changed) == (size, 0)
    assert whole_digest(registry) == whole_digest(another)
    parents = {parent for _, parent in edges(another)}
    # With counts only the parents are asked for their children: one page each, but the root's.
    assert asked <= (len(parents) if counted else size) + 5


def test_up_is_a_handful_of_requests(registry: Engine) -> None:
    rows = [
        api_row("a/Base"),
        api_row("b/Tuned", ["a/Base"]),
        api_row("c/Other"),
        api_row("me/Merge", ["b/Tuned", "c/Other"], "merge"),
        *(api_row(f"x/Child{n}", ["me/Merge"]) for n in range(20)),
    ]
    with FakeHub(rows) as hub:
        done = walked(registry, hub, "me/Merge", up=True)
        assert {seen.path for seen in hub.requests} == {f"/api/models/{row['id']}" for row in rows[:4]}
        assert done.requests == 4
    assert set(models(registry)) == {"a/Base", "b/Tuned", "c/Other", "me/Merge"}
    assert set(edges(registry)) == {("me/Merge", "b/Tuned"), ("me/Merge", "c/Other"), ("b/Tuned", "a/Base")}


def test_a_walk_leads_over_renames_and_letter_case(registry: Engine) -> None:
    world = World(
        [
            api_row("old/Base"),
            api_row("me/A", ["old/Base"], tags=[]),  # only cards say so, and the Hub has resolved nothing
            api_row("me/B", ["ME/a"], tags=[]),
            api_row("me/C", ["none/Such"], tags=[]),
            api_row("me/D", ["me/B", "me/C"], tags=[]),
        ]
    )
    world.rename("old/Base", "new/Base")
    with FakeHub(world) as hub:
        walked(registry, hub, "ME/d", up=True)
    assert names(registry)["old/Base"] == ("new/Base", "hub-id")
    assert edges(registry) == {
        ("me/D", "me/B"): "card",
        ("me/D", "me/C"): "card",
        ("me/C", "none/Such"): "card",
        ("me/B", "me/A"): "recovered-by-case",
        ("me/A", "new/Base"): "recovered-by-rename",
    }
    assert models(registry)["none/Such"]["state"] == "placeholder"
    assert ("me/C", "unresolved-parent", "none/Such") in defects(registry)


def test_a_parent_that_is_gone_by_now_is_told(registry: Engine) -> None:
    rows = [api_row("a/Base", likes=7), api_row("me/M", ["a/Base"])]
    save(registry, rows)
    world = World(rows)
    world.delete("a/Base")
    with FakeHub(world) as hub:
        done = walked(registry, hub, "me/M", up=True)
    assert done.saved.gone == 1
    assert (models(registry)["a/Base"]["state"], models(registry)["a/Base"]["likes"]) == ("gone", 7)
    assert set(edges(registry)) == {("me/M", "a/Base")}


def test_a_family_can_be_that_of_an_author(registry: Engine) -> None:
    rows = [
        api_row("base/Base"),
        api_row("me/One", ["base/Base"]),
        api_row("me/Two"),
        api_row("you/Tuned", ["me/One"]),
        api_row("you/Quantized", ["me/Two"], "quantized"),
        api_row("you/Else"),
        api_row("you/Sibling", ["base/Base"]),
    ]
    with FakeHub(rows) as hub:
        walked(registry, hub, "author:me")
        assert set(models(registry)) == {"base/Base", "me/One", "me/Two", "you/Tuned", "you/Quantized"}
        asked = len(hub.requests)
        walked(registry, hub, "author:you", up=True)
        assert not any("filter" in seen.parameters for seen in hub.requests[asked:])
    assert {"you/Else", "you/Sibling"} <= set(models(registry))


def test_several_requests_are_in_flight_under_one_pace(registry: Engine) -> None:
    rows = [api_row(ROOT), *(api_row(f"a/M{n}", [ROOT]) for n in range(40))]
    rows += [api_row(f"b/M{n}", [f"a/M{n}"]) for n in range(40)]
    with FakeHub(rows, quota=20, window=2) as hub:
        hub.faults.stall(0.2, times=40, skip=5)
        start = monotonic()
        done = walked(registry, hub, ROOT)
        seconds = monotonic() - start
        assert len(hub.requests) == 43
        assert {seen.status for seen in hub.requests} == {200}  # the quota was never exceeded
    assert len(models(registry)) == 81
    assert 0 < done.waited < seconds
    assert seconds - done.waited < 40 * 0.2


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_a_walk_that_broke_off_goes_on(registry: Engine, another: Engine, steps: int) -> None:
    rows = generated_family(400)
    with FakeHub(rows) as hub:
        whole = walked(another, hub, ROOT).requests
        hub.requests.clear()
        with pytest.raises(KeyboardInterrupt):
            crawl_family(registry, Hub(hub.url), break_off_after(steps), [ROOT])
        resume(registry, Hub(hub.url), silent)
        assert len(hub.requests) <= whole + 1  # whether lists count children is asked again
    assert whole_digest(registry) == whole_digest(another)
    with reading(registry) as connection:
        assert connection.scalar(select(func.count()).select_from(TASKS)) == 0
        assert last_broken_off(connection) is None


def test_a_walk_that_takes_longer_than_the_hub_is_refused(registry: Engine) -> None:
    rows = [api_row(ROOT, likes=5), *(api_row(f"a/M{n}", [ROOT]) for n in range(5_000)), api_row("b/M", ["a/M7"])]
    with FakeHub(rows) as hub:
        crawl_hub(registry, Hub(hub.url), silent)
        hub.requests.clear()
        with pytest.raises(CrawlError, match=r"about 56\d requests, the whole Hub about 6: use `lineage crawl hub`"):
            walked(registry, hub, ROOT)
        assert len(hub.requests) < 5
        assert walked(registry, hub, ROOT, insist=True).requests < 12
        assert resume(registry, Hub(hub.url), silent).requests < 10  # the refused one
        assert whole_digest(registry)


def test_a_walk_without_counts_is_refused_before_it_begins(registry: Engine) -> None:
    rows = [api_row(ROOT), *(api_row(f"a/M{n}", [ROOT]) for n in range(600))]
    with FakeHub(rows, list_allows_base_models=False) as hub:
        crawl_hub(registry, Hub(hub.url), silent)
        hub.requests.clear()
        said = refusal("crawl", "family", ROOT, "--endpoint", hub.url, "--db", database(registry))
        assert said == (
            "this walk takes about 603 requests, the whole Hub about 1: use `lineage crawl hub`, or insist with "
            "`lineage crawl family --walk`, or go on with `lineage crawl resume`"
        )
        assert len(hub.requests) == 2


def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stopped_clock(monkeypatch)
    db = str(tmp_path / "registry.db")
    with FakeHub(generated_family(50)) as hub:
        done = lineage("crawl", "family", ROOT, "--endpoint", hub.url, "--db", db)
        assert (done.exit_code, done.stderr) == (0, "")
        assert "\n50 models read" not in done.stdout  # a merge is met below each of its parents
        assert "the registry holds 50 models (50 listed), " in done.stdout
        assert lineage("crawl", "family", "-q", ROOT, "--endpoint", hub.url, "--db", db).output == ""
        assert refusal("crawl", "family", "no/Such", "--endpoint", hub.url, "--db", db) == (
            "the Hub shows us no model no/Such: is the name right, or the model private?"
        )
        said = refusal("crawl", "family", "no such", "--endpoint", hub.url, "--db", db)
        assert said == "'no such' is no model of the Hub: name one as OWNER/NAME, or an owner as author:NAME"
        assert lineage("db", "check", "--db", db).stdout == "the registry is whole\n"


@pytest.mark.parametrize("counts", [{"finetune": "many"}, {"finetune": -5}, ["finetune"], 7, "x", {"finetune": None}])
def test_counts_that_are_none_hide_no_walk(registry: Engine, counts: object) -> None:
    rows = [api_row(ROOT), api_row("a/A", [ROOT], childrenModelCount=counts), api_row("b/B", ["a/A"])]
    with FakeHub(rows, list_allows_base_models=False) as hub:
        walked(registry, hub, ROOT)
    assert set(models(registry)) == {ROOT, "a/A", "b/B"}
