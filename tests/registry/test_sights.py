"""Sights of models in any order and any pages, with renames among them: what is known in the end is the same."""

from itertools import permutations
from typing import Any

import pytest
from sqlalchemy import Engine

from tests.families import Row, api_row, content, defects, edges, models, names, save

T1, T2, T3 = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
EARLY, LATE = "2025-07-01T00:00:00Z", "2025-09-01T00:00:00Z"
BOTH_WAYS = pytest.mark.parametrize("order", [1, -1])

Sight = tuple[Row, str]


def row(id: str, number: int | None, parents: tuple[str, ...] = (), **fields: Any) -> Row:
    return api_row(id, parents, _id=f"{number:024x}" if number else None, **fields)


def numbers(engine: Engine) -> dict[str, int | None]:
    """Which model stands under which id."""
    return {id: int(facts["hub_id"], 16) if facts["hub_id"] else None for id, facts in models(engine).items()}


@BOTH_WAYS
def test_an_old_name_that_a_new_model_takes_in_the_same_page(registry: Engine, order: int) -> None:
    save(registry, [row("me/B", 1)], seen=T1)
    save(registry, [row("me/A", 1), row("me/B", 2)][::order], seen=T2)
    assert numbers(registry) == {"me/A": 1, "me/B": 2}


@BOTH_WAYS
def test_names_that_move_along_in_one_page(registry: Engine, order: int) -> None:
    save(registry, [row("me/A", 1), row("me/B", 2)], seen=T1)
    save(registry, [row("me/B", 1), row("me/C", 2)][::order], seen=T2)
    assert numbers(registry) == {"me/B": 1, "me/C": 2}


@BOTH_WAYS
def test_names_that_change_places_in_one_page(registry: Engine, order: int) -> None:
    save(registry, [row("me/A", 1), row("me/B", 2)], seen=T1)
    save(registry, [row("me/B", 1), row("me/A", 2)][::order], seen=T2)
    assert numbers(registry) == {"me/B": 1, "me/A": 2}


@BOTH_WAYS
def test_a_sight_with_the_hubs_id_and_one_without_in_one_page(registry: Engine, order: int) -> None:
    page = [row("me/A", 1, likes=1, lastModified=EARLY), row("me/A", None, likes=5, lastModified=LATE)]
    save(registry, page[::order])
    assert numbers(registry) == {"me/A": 1}
    assert models(registry)["me/A"]["likes"] == 5


@BOTH_WAYS
def test_two_models_under_one_name_in_one_page(registry: Engine, order: int) -> None:
    page = [row("me/A", 1, likes=1, lastModified=EARLY), row("me/A", 2, likes=5, lastModified=LATE)]
    save(registry, page[::order])
    assert models(registry)["me/A"]["likes"] == 5
    assert numbers(registry)["me/A"] == 2


@BOTH_WAYS
@pytest.mark.parametrize("known", [{"_id": "1" * 24}, {}])
def test_sights_of_one_page_fill_each_other(registry: Engine, order: int, known: Row) -> None:
    page = [
        known | {"id": "me/A", "sha": "s", "likes": 1, "lastModified": EARLY},
        known | {"id": "me/A", "likes": 5, "lastModified": LATE},
    ]
    save(registry, page[::order])
    facts = models(registry)["me/A"]
    assert (facts["sha"], facts["likes"]) == ("s", 5)


@BOTH_WAYS
def test_a_rename_within_one_page_is_remembered(registry: Engine, order: int) -> None:
    page = [row("me/A", 1, lastModified=EARLY), row("me/B", 1, lastModified=LATE)]
    save(registry, page[::order])
    assert numbers(registry) == {"me/B": 1}
    assert names(registry) == {"me/A": ("me/B", "hub-id")}


@pytest.mark.parametrize(
    "tie",
    [
        [row("me/A", 1, ("b/B",)), row("me/A", 1, ("c/C",))],
        [row("me/A", 1), row("me/A", 1, observation={"gone": True})],
        [row("me/A", 1, likes=1), row("me/A", 1, likes=2)],
    ],
)
def test_sights_that_no_date_tells_apart_end_the_same_in_either_order(registry: Engine, tie: list[Row]) -> None:
    for sight in tie:
        save(registry, [sight])
    before = content(registry)
    save(registry, tie[:1])
    assert content(registry) == before


def test_a_parent_that_turns_out_to_be_the_model_itself_is_a_defect(registry: Engine) -> None:
    save(registry, [row("me/A", 1, ("me/B",))], seen=T2)
    save(registry, [row("me/B", 1)], seen=T1)
    assert edges(registry) == {}
    assert ("me/A", "self-reference", "me/B") in defects(registry)


def test_parents_that_turn_out_to_be_one_model_are_one_edge(registry: Engine) -> None:
    save(registry, [row("me/C", 3, ("me/A", "me/B")), row("me/A", 1)], seen=T2)
    save(registry, [row("me/B", 1)], seen=T1)
    assert edges(registry).keys() == {("me/C", "me/A")}
    assert ("me/C", "duplicate-parent", "me/B") in defects(registry)


RENAMED: list[Sight] = [
    (row("me/C", 3, ("me/Old",)), T1),
    (row("me/Old", 1, likes=1), T1),
    (row("me/New", 1, likes=2), T2),
]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_a_child_of_a_renamed_model_in_any_order(registry: Engine, order: tuple[int, ...]) -> None:
    for sight, seen in (RENAMED[n] for n in order):
        save(registry, [sight], seen=seen)
    assert edges(registry) == {("me/C", "me/New"): "recovered-by-rename"}
    assert names(registry) == {"me/Old": ("me/New", "hub-id")}
    assert numbers(registry) == {"me/C": 3, "me/New": 1}
    assert models(registry)["me/New"]["likes"] == 2


def test_an_older_sight_fills_parents_that_the_newer_one_does_not_speak_of(registry: Engine) -> None:
    save(registry, [{"id": "me/A", "likes": 3}], seen=T2)
    save(registry, [row("me/A", 1, ("b/B",))], seen=T1)
    assert edges(registry) == {("me/A", "b/B"): "both"}
    assert models(registry)["me/A"]["likes"] == 3


def test_defects_of_parents_stay_with_them(registry: Engine) -> None:
    save(registry, [{"id": "me/A", "cardData": {"base_model": ["./x", "b/B"]}}], seen=T1)
    before = defects(registry)
    assert ("me/A", "local-path", "./x") in before
    save(registry, [{"id": "me/A", "likes": 3}], seen=T2)
    assert defects(registry) == before


def test_renames_that_go_in_a_circle_change_no_parent(registry: Engine) -> None:
    rows = [
        api_row("me/X", ["a/B"], cardData={"base_model": "a/A"}),
        api_row("me/Y", ["a/A"], cardData={"base_model": "a/B"}),
    ]
    save(registry, rows)
    assert edges(registry) == {("me/X", "a/B"): "both", ("me/Y", "a/A"): "both"}
