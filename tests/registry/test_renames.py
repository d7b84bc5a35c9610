"""One model under two ids: the Hub's `_id` stays when a repository is renamed."""

import pytest
from sqlalchemy import Engine

from tests.families import api_row, content, edges, models, names, save

T1, T2, T3 = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"
ONE, TWO = "1" * 24, "2" * 24


def hub_ids(engine: Engine) -> dict[str, str | None]:
    return {id: row["hub_id"] for id, row in models(engine).items()}


@pytest.mark.parametrize("order", [1, -1])
def test_the_newer_sights_name_is_the_models_and_the_older_ones_is_remembered(registry: Engine, order: int) -> None:
    sights = [(api_row("me/Old", _id=ONE, likes=1), T1), (api_row("me/New", _id=ONE, likes=2), T2)]
    for row, seen in sights[::order]:
        save(registry, [row], seen=seen)
    assert hub_ids(registry) == {"me/New": ONE}
    assert names(registry) == {"me/Old": ("me/New", "hub-id")}
    row = models(registry)["me/New"]
    assert (row["folded"], row["likes"], row["first_seen"], row["last_seen"]) == ("me/new", 2, T1, T2)


def test_a_chain_of_renames(registry: Engine) -> None:
    for name, seen in [("me/A", T1), ("me/B", T2), ("me/C", T3)]:
        save(registry, [api_row(name, _id=ONE)], seen=seen)
    assert hub_ids(registry) == {"me/C": ONE}
    assert names(registry) == {"me/A": ("me/C", "hub-id"), "me/B": ("me/C", "hub-id")}


def test_there_and_back(registry: Engine) -> None:
    for name, seen in [("me/A", T1), ("me/B", T2), ("me/A", T3)]:
        save(registry, [api_row(name, _id=ONE)], seen=seen)
    assert hub_ids(registry) == {"me/A": ONE}
    assert names(registry)["me/B"] == ("me/A", "hub-id")


def test_a_rename_saved_twice_is_one(registry: Engine) -> None:
    save(registry, [api_row("me/Old", _id=ONE)], seen=T1)
    save(registry, [api_row("me/New", _id=ONE)], seen=T2)
    before = content(registry)
    save(registry, [api_row("me/New", _id=ONE)], seen=T2)
    assert content(registry) == before


def test_children_follow_to_the_new_name(registry: Engine) -> None:
    save(registry, [api_row("me/Old", _id=ONE), api_row("you/Child", ["me/Old"])], seen=T1)
    save(registry, [api_row("me/New", _id=ONE)], seen=T2)
    assert edges(registry).keys() == {("you/Child", "me/New")}
    save(registry, [api_row("you/Late", ["ME/OLD"], tags=[])], seen=T2)
    assert edges(registry)["you/Late", "me/New"] == "recovered-by-rename"


def test_a_placeholder_that_holds_the_new_name_is_the_same_model(registry: Engine) -> None:
    save(registry, [api_row("me/Old", _id=ONE), api_row("you/Child", ["me/New"])], seen=T1)
    assert models(registry)["me/New"]["state"] == "placeholder"
    save(registry, [api_row("me/New", _id=ONE)], seen=T2)
    assert hub_ids(registry).keys() == {"me/New", "you/Child"}
    assert edges(registry) == {("you/Child", "me/New"): "both"}


def test_a_placeholder_that_holds_an_older_name_is_the_same_model(registry: Engine) -> None:
    save(registry, [api_row("me/New", _id=ONE), api_row("you/Child", ["me/Old"])], seen=T2)
    save(registry, [api_row("me/Old", _id=ONE)], seen=T1)
    assert hub_ids(registry).keys() == {"me/New", "you/Child"}
    assert edges(registry).keys() == {("you/Child", "me/New")}
    assert names(registry) == {"me/Old": ("me/New", "hub-id")}


@pytest.mark.parametrize("seen", [T1, T3])
def test_a_row_without_id_that_holds_the_name_is_the_same_model(registry: Engine, seen: str) -> None:
    """One dump has no `_id`, another saw the model under both names."""
    save(registry, [api_row("me/B", ["p/P"], _id=None), api_row("you/Child", ["me/B"])], seen=T1)
    save(registry, [api_row("me/A", ["p/P"], _id=ONE)], seen=T2)
    save(registry, [api_row("me/B", ["p/P"], _id=ONE)], seen=seen)
    current, old = ("me/B", "me/A") if seen == T3 else ("me/A", "me/B")
    assert {id: known for id, known in hub_ids(registry).items() if known == ONE} == {current: ONE}
    assert old not in models(registry)
    assert names(registry)[old] == (current, "hub-id")
    assert edges(registry).keys() == {(current, "p/P"), ("you/Child", current)}


def test_a_name_that_another_model_holds_goes_to_the_newer_sight(registry: Engine) -> None:
    save(registry, [api_row("me/A", _id=ONE), api_row("me/B", _id=TWO), api_row("you/Child", ["me/B"])], seen=T1)
    save(registry, [api_row("me/B", _id=ONE)], seen=T2)
    assert hub_ids(registry)["me/B"] == ONE
    assert "me/A" not in models(registry)
    assert edges(registry).keys() == {("you/Child", "me/B")}


def test_a_name_that_another_model_holds_stays_its_own_before_an_older_sight(registry: Engine) -> None:
    save(registry, [api_row("me/A", _id=ONE), api_row("me/B", _id=TWO)], seen=T2)
    save(registry, [api_row("me/B", _id=ONE)], seen=T1)
    assert hub_ids(registry) == {"me/A": ONE, "me/B": TWO}
    assert names(registry) == {}


def test_a_new_model_under_an_old_name_is_a_model_of_its_own(registry: Engine) -> None:
    save(registry, [api_row("me/Old", _id=ONE)], seen=T1)
    save(registry, [api_row("me/New", _id=ONE)], seen=T2)
    save(registry, [api_row("me/Old", _id=TWO), api_row("you/Child", ["me/Old"])], seen=T3)
    assert hub_ids(registry)["me/Old"] == TWO
    assert edges(registry) == {("you/Child", "me/Old"): "both"}


def test_a_rename_that_makes_a_parent_of_itself_is_no_edge(registry: Engine) -> None:
    save(registry, [api_row("me/Old", _id=ONE)], seen=T1)
    save(registry, [api_row("me/New", ["me/Old"], _id=ONE)], seen=T2)
    assert edges(registry) == {}
    found = [(row[1], row[2], row[4]) for row in content(registry)["defects"]]
    assert found == [("resolve", "self-reference", "me/Old")]
    assert list(models(registry)) == ["me/New"]
