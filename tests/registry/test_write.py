"""Saving what was seen: later sights hold, earlier ones fill, and doing it again changes nothing."""

from typing import Any

import pytest
from sqlalchemy import Engine

from registry.write import Saved
from tests.families import Row, api_row, content, defects, edges, family, hub_id, models, save

EARLY, LATE = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def fact(engine: Engine, name: str, id: str = "me/M") -> Any:
    return models(engine)[id][name]


def test_every_fact_is_kept(registry: Engine) -> None:
    row = {
        "_id": "a" * 24,
        "id": "me/M",
        "author": "me",
        "createdAt": "2025-01-02T03:04:05.000Z",
        "lastModified": "2025-02-03T04:05:06.000Z",
        "sha": "abc",
        "downloads": 2**40,
        "likes": 0,
        "tags": ["license:other", "dataset:c4", "dataset:ü", "transformers", "trl"],
        "pipeline_tag": "text-generation",
        "library_name": "peft",
        "gated": "manual",
        "private": False,
        "disabled": True,
        "cardData": {"license": "other", "license_name": "L", "license_link": "LICENSE", "new_version": "me/N"},
    }
    save(registry, [row], seen=LATE, source="dump")
    stored = models(registry)["me/M"]
    assert stored.pop("key")
    assert stored == {
        "repo_id": "me/M",
        "folded": "me/m",
        "hub_id": "a" * 24,
        "author": "me",
        "created_at": "2025-01-02T03:04:05Z",
        "last_modified": "2025-02-03T04:05:06Z",
        "sha": "abc",
        "downloads": 2**40,
        "likes": 0,
        "pipeline_tag": "text-generation",
        "library_name": "peft",
        "gated": "manual",
        "private": False,
        "disabled": True,
        "licenses": '["other"]',
        "license_name": "L",
        "license_link": "LICENSE",
        "new_version": "me/N",
        "datasets": '["c4", "ü"]',
        "tools": '["trl"]',
        "source": "dump",
        "state": "listed",
        "first_seen": LATE,
        "last_seen": LATE,
        "silent": False,
    }


def test_a_family(registry: Engine) -> None:
    family(
        registry,
        """
        Qwen/Base  apache-2.0
          me/Tuned  finetune  mit
            you/Merged
          me/Lora  adapter  gone
            you/Merged
          me/Unseen  unseen
            you/Small  quantized
        """,
    )
    assert edges(registry) == {
        ("me/Tuned", "Qwen/Base"): "both",
        ("me/Lora", "Qwen/Base"): "both",
        ("you/Merged", "me/Tuned"): "both",
        ("you/Merged", "me/Lora"): "both",
        ("you/Small", "me/Unseen"): "both",
    }
    relations = {(row[0], row[4]) for row in content(registry)["derivations"]}
    assert relations == {
        ("me/Tuned", "finetune"),
        ("me/Lora", "adapter"),
        ("you/Merged", "merge"),
        ("you/Small", "quantized"),
    }
    states = {id: row["state"] for id, row in models(registry).items()}
    assert (states["me/Lora"], states["me/Unseen"], states["me/Tuned"]) == ("gone", "placeholder", "listed")
    assert fact(registry, "licenses", "me/Tuned") == '["mit"]'
    assert defects(registry) == set()


def test_parents_keep_their_order(registry: Engine) -> None:
    parents = ["z/Z", "a/A", "m/M"]
    save(registry, [api_row("me/M", parents, "merge")])
    assert [(row[1], row[2]) for row in content(registry)["derivations"]] == list(enumerate(parents))


def test_a_named_parent_is_a_placeholder_until_it_is_seen(registry: Engine) -> None:
    save(registry, [api_row("me/M", ["Qwen/Base"])])
    before = models(registry)["Qwen/Base"]
    assert (before["state"], before["author"], before["first_seen"]) == ("placeholder", "Qwen", None)
    saved = save(registry, [api_row("Qwen/Base", license="mit")], seen=LATE)
    assert saved == Saved(models=1, new=1, changed=0)
    after = models(registry)["Qwen/Base"]
    assert after["key"] == before["key"]
    assert (after["state"], after["author"], after["first_seen"], after["last_seen"]) == ("listed", "Qwen", LATE, LATE)
    assert edges(registry) == {("me/M", "Qwen/Base"): "both"}


def test_saving_twice_is_saving_once(registry: Engine) -> None:
    rows = [
        api_row("me/M", ["Qwen/Base", "qwen/base"], tags=[]),
        api_row("Qwen/Base"),
        {"id": "me/Defective", "likes": "many", "cardData": {"base_model": [None, "./x"]}},
        {"id": "no id"},
        7,
    ]
    first = save(registry, rows)
    before = content(registry)
    again = save(registry, rows)
    assert (first, again) == (Saved(3, 3, 0), Saved(3, 0, 0))
    assert content(registry) == before


def test_a_page_of_nothing(registry: Engine) -> None:
    assert save(registry, []) == Saved()


@pytest.mark.parametrize("order", [1, -1])
def test_the_later_sight_holds(registry: Engine, order: int) -> None:
    sights = [(api_row("me/M", ["a/A"], likes=1), EARLY), (api_row("me/M", ["b/B"], likes=2), LATE)]
    for row, seen in sights[::order]:
        save(registry, [row], seen=seen)
    assert fact(registry, "likes") == 2
    assert edges(registry) == {("me/M", "b/B"): "both"}
    assert "a/A" not in models(registry)
    assert (fact(registry, "first_seen"), fact(registry, "last_seen")) == (EARLY, LATE)


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_sights_on_one_day_the_later_modified_holds(registry: Engine, order: int) -> None:
    rows = [
        api_row("me/M", ["a/A"], likes=5, lastModified="2025-06-01T00:00:00Z"),
        api_row("me/M", ["b/B"], likes=4, lastModified="2025-06-02T00:00:00Z"),
    ]
    for row in rows[::order]:
        save(registry, [row])
    assert fact(registry, "likes") == 4
    assert edges(registry) == {("me/M", "b/B"): "both"}


@pytest.mark.parametrize("order", [1, -1])
def test_of_two_sights_in_one_page_the_later_modified_holds(registry: Engine, order: int) -> None:
    rows = [
        api_row("me/M", ["a/A"], likes=5, lastModified="2025-06-01T00:00:00Z"),
        api_row("me/M", ["b/B"], likes=4, lastModified="2025-06-02T00:00:00Z"),
    ]
    assert save(registry, rows[::order]).new == 1
    assert fact(registry, "likes") == 4
    assert edges(registry) == {("me/M", "b/B"): "both"}


@pytest.mark.parametrize("order", [1, -1])
def test_what_only_the_earlier_sight_says_is_kept(registry: Engine, order: int) -> None:
    sights: list[tuple[Row, str]] = [
        ({"id": "me/M", "sha": "abc", "likes": 1}, EARLY),
        ({"id": "me/M", "likes": 2, "gated": "auto"}, LATE),
    ]
    for row, seen in sights[::order]:
        save(registry, [row], seen=seen)
    assert (fact(registry, "sha"), fact(registry, "likes"), fact(registry, "gated")) == ("abc", 2, "auto")


def test_a_later_sight_that_says_nothing_of_parents_keeps_them(registry: Engine) -> None:
    save(registry, [api_row("me/M", ["a/A"], license="mit")], seen=EARLY)
    save(registry, [{"id": "me/M", "likes": 2}], seen=LATE)
    assert edges(registry) == {("me/M", "a/A"): "both"}
    assert fact(registry, "licenses") == '["mit"]'


def test_a_later_sight_that_says_there_are_no_parents_removes_them(registry: Engine) -> None:
    save(registry, [api_row("me/M", ["a/A"], license="mit")], seen=EARLY)
    saved = save(registry, [api_row("me/M")], seen=LATE)
    assert saved == Saved(1, 0, 1)
    assert edges(registry) == {}
    assert list(models(registry)) == ["me/M"]  # nobody needs the placeholder any more
    assert fact(registry, "licenses") == "[]"


def test_defects_are_those_of_the_latest_sight(registry: Engine) -> None:
    save(registry, [{"id": "me/M", "tags": [], "likes": "many"}], seen=EARLY)
    assert defects(registry) == {("me/M", "bad-type", "many")}
    save(registry, [{"id": "me/M", "tags": [], "likes": 3}], seen=LATE)
    assert defects(registry) == set()
    save(registry, [{"id": "me/M", "tags": [], "likes": "few"}], seen=EARLY)
    assert defects(registry) == set()


def test_the_same_loose_defect_is_kept_once(registry: Engine) -> None:
    for _ in range(2):
        save(registry, [{"id": "no id"}, {"id": "no id"}, None])
    assert sorted(row[2:5:2] for row in content(registry)["defects"]) == [
        ("bad-id", "no id"),
        ("not-an-object", "null"),
    ]


@pytest.mark.parametrize("undated_first", [True, False])
def test_an_undated_observation_never_overrules_a_dated_one(registry: Engine, undated_first: bool) -> None:
    undated = api_row("me/M", ["old/O"], likes=9, sha="abc", observation={"seen": None, "source": "old"})
    dated = api_row("me/M", ["new/N"], likes=1, lastModified="2020-01-01T00:00:00Z")
    for row in (undated, dated) if undated_first else (dated, undated):
        save(registry, [row])
    assert (fact(registry, "likes"), fact(registry, "sha"), fact(registry, "source")) == (1, "abc", "test")
    assert edges(registry) == {("me/M", "new/N"): "both"}
    assert (fact(registry, "first_seen"), fact(registry, "last_seen")) == (EARLY, EARLY)


def test_undated_observations_alone_leave_no_date(registry: Engine) -> None:
    save(registry, [api_row("me/M", observation={"seen": None})])
    row = models(registry)["me/M"]
    assert (row["state"], row["first_seen"], row["last_seen"]) == ("listed", None, None)


def test_gone_and_returned(registry: Engine) -> None:
    save(registry, [api_row("me/M", ["a/A"])], seen="2026-01-01T00:00:00Z")
    gone = {"id": "me/M", "observation": {"gone": True, "seen": "2026-01-02"}}
    assert save(registry, [gone]) == Saved(models=1, gone=1)
    assert fact(registry, "state") == "gone"
    assert fact(registry, "likes") == 1  # what was known of it stays
    assert edges(registry) == {("me/M", "a/A"): "both"}
    save(registry, [api_row("me/M", ["a/A"])], seen="2026-01-03T00:00:00Z")
    assert fact(registry, "state") == "listed"
    save(registry, [gone])
    assert fact(registry, "state") == "listed"


def test_a_model_that_is_gone_is_still_a_parent(registry: Engine) -> None:
    rows = [api_row("a/A", observation={"gone": True}), api_row("me/M", ["a/a"], tags=[])]
    save(registry, rows)
    assert edges(registry) == {("me/M", "a/A"): "recovered-by-case"}


def test_an_id_of_the_hub_filled_in_later_makes_no_second_model(registry: Engine) -> None:
    save(registry, [api_row("me/M", _id=None, likes=1)], seen=EARLY)
    save(registry, [api_row("me/M", likes=2)], seen=LATE)
    assert list(models(registry)) == ["me/M"]
    assert (fact(registry, "hub_id"), fact(registry, "likes")) == (hub_id("me/M"), 2)


def test_an_earlier_sight_fills_the_id_of_the_hub(registry: Engine) -> None:
    save(registry, [api_row("me/M", _id=None, likes=1)], seen=LATE)
    save(registry, [api_row("me/M", likes=2)], seen=EARLY)
    assert (fact(registry, "hub_id"), fact(registry, "likes")) == (hub_id("me/M"), 1)


def test_a_model_deleted_and_made_anew_under_its_name_is_the_new_one(registry: Engine) -> None:
    save(registry, [api_row("me/M", ["a/A"], _id="1" * 24)], seen=EARLY)
    save(registry, [api_row("me/M", ["b/B"], _id="2" * 24)], seen=LATE)
    assert sorted(models(registry)) == ["b/B", "me/M"]
    assert fact(registry, "hub_id") == "2" * 24
    assert edges(registry) == {("me/M", "b/B"): "both"}


def test_pages_larger_than_a_statement_may_be(registry: Engine) -> None:
    """SQLite takes 32,766 bound values a statement."""
    count = 33_000
    rows: list[Row] = [{"id": f"me/M{n}", "tags": [f"base_model:finetune:p/P{n}"]} for n in range(count)]
    assert save(registry, rows) == Saved(count, count, 0)
    assert len(models(registry)) == 2 * count
    assert save(registry, rows) == Saved(count, 0, 0)
