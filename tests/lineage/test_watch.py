"""One update, and what it brought to what is followed: the exit status says whether a verdict got worse."""

import json

import pytest
from click.testing import Result
from sqlalchemy import Engine

from tests.crawler.crawls import crawled, token_of_the_tests
from tests.fakehub.server import FakeHub
from tests.fakehub.world import World
from tests.families import api_row, save
from tests.lineage.calls import database, lineage, refusal


@pytest.fixture(autouse=True)
def _a_token_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)


def trio() -> World:
    return World(
        [
            api_row("a/Base", license="apache-2.0"),
            api_row("me/Model", ["a/Base"], license="apache-2.0", createdAt="2025-05-01T00:00:00.000Z"),
            api_row("you/Other", license="mit"),
        ]
    )


def watch(engine: Engine, hub: FakeHub, *args: str) -> Result:
    result = lineage("watch", *args, "--endpoint", hub.url, "--db", database(engine))
    assert result.exit_code in (0, 1), result.output
    return result


def test_a_verdict_that_got_worse_and_better_again(registry: Engine) -> None:
    with FakeHub(trio()) as hub:
        crawled(registry, hub)
        quiet = watch(registry, hub, "me/Model")
        assert quiet.exit_code == 0
        assert "no verdict turned\n\nabout me/Model since" in quiet.stdout
        assert "nothing is known to have changed" in quiet.stdout
        hub.world.edit("a/Base", cardData={"license": "gemma"})
        hub.world.edit("you/Other", cardData={"license": "gemma"})
        worse = watch(registry, hub, "me/Model")
        assert worse.exit_code == 1
        assert "verdicts that got worse\n" in worse.stdout
        assert "1 with another licence label" in worse.stdout
        assert "you/Other" not in worse.stdout
        assert watch(registry, hub, "me/Model").exit_code == 0
        hub.world.edit("me/Model", cardData={"license": "gemma", "base_model": "a/Base"})
        better = watch(registry, hub, "me/Model", "-f", "jsonl")
        assert better.exit_code == 0
        rows = [json.loads(line) for line in better.stdout.splitlines()]
        assert [(row["change"], row["model"]) for row in rows] == [("better", "me/Model"), ("license", "me/Model")]


def test_a_family_and_what_is_new_in_it(registry: Engine) -> None:
    with FakeHub(trio()) as hub:
        crawled(registry, hub)
        hub.world.insert(api_row("new/Child", ["me/Model"], license="gemma"))
        found = watch(registry, hub, "--family", "a/Base", "-f", "json")
        news = json.loads(found.stdout)
        assert found.exit_code == 0  # nobody knew its verdict before
        assert [new["id"] for new in news["changes"]["added"]] == ["new/Child"]
        assert news["followed"] == ["a/Base"]


def test_a_registry_that_holds_a_family_alone(registry: Engine) -> None:
    with FakeHub(trio()) as hub:
        args = ("crawl", "family", "--up", "me/Model", "--endpoint", hub.url, "--db", database(registry))
        assert lineage(*args).exit_code == 0
        hub.world.edit("a/Base", cardData={"license": "gemma"})
        assert watch(registry, hub, "me/Model").exit_code == 1
        hub.world.delete("a/Base")
        assert "1 gone" in watch(registry, hub, "me/Model", "--family", "a/Base").stdout
        assert watch(registry, hub, "me/Model", "--family", "a/Base").exit_code == 0


def test_what_is_to_be_followed_must_be_known(registry: Engine) -> None:
    with FakeHub(trio()) as hub:
        crawled(registry, hub)
        asked = len(hub.requests)
        assert "no such model" in refusal("watch", "no/Such", "--endpoint", hub.url, "--db", database(registry))
        assert refusal("watch", "--db", database(registry)).startswith("say what to follow")
        assert len(hub.requests) == asked


def test_what_an_update_of_its_own_brought_is_told_by_the_next_watch(registry: Engine) -> None:
    with FakeHub(trio()) as hub:
        crawled(registry, hub)
        assert watch(registry, hub, "me/Model").exit_code == 0
        hub.world.edit("a/Base", cardData={"license": "gemma"})
        args = ("--endpoint", hub.url, "--db", database(registry))
        assert lineage("crawl", "update", *args).exit_code == 0
        told = watch(registry, hub, "me/Model")
        assert told.exit_code == 1
        assert "1 with another licence label" in told.stdout
        assert watch(registry, hub, "me/Model").exit_code == 0
        assert watch(registry, hub, "--family", "a/Base").exit_code == 0  # another watch: its first


def test_a_verdict_that_rests_on_history_has_not_turned(registry: Engine) -> None:
    with FakeHub(trio()) as hub:
        save(registry, [api_row("a/Base", license="mit"), api_row("me/Model", ["a/Base"])], seen="2025-01-01T00:00:00Z")
        save(registry, [api_row("a/Base", license="mit")], seen="2025-08-01T00:00:00Z")
        hub.world.edit("a/Base", cardData={"license": "gemma"})
        hub.world.edit("me/Model", cardData={"license": "mit", "base_model": "a/Base"})
        crawled(registry, hub)
        assert watch(registry, hub, "me/Model").exit_code == 0
        hub.world.edit("you/Other", cardData={"license": "gemma"})
        args = ("--endpoint", hub.url, "--db", database(registry))
        assert lineage("crawl", "update", *args).exit_code == 0
        verdict = lineage("license", "me/Model", "--db", database(registry)).stdout
        assert "stale-label" in verdict
        assert "no verdict turned" in watch(registry, hub, "me/Model").stdout
