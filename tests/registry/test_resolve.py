"""Declared names are led to models: letter case, renames, legacy ids; nothing is guessed between two."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from registry.resolve import resolve_names
from registry.transfer import check
from registry.write import writing
from tests.families import Content, Row, api_row, content, defects, edges, emptied, models, names, save

T1, T2 = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def claim(id: str, *parents: str, **fields: Any) -> Row:
    """A model whose card alone names its parents: the Hub dropped them all."""
    return api_row(id, parents, tags=[], **fields)


def renamed(id: str, old: str, new: str) -> Row:
    """A model whose card still has the old name of its parent, which the Hub led to the new one."""
    return api_row(id, [new], cardData={"base_model": [old]})


def kinds(engine: Engine) -> dict[tuple[str | None, str], str]:
    return {(model, value): kind for model, kind, value in defects(engine)}


def test_an_exact_name_is_that_model(registry: Engine) -> None:
    save(registry, [api_row("Qwen/Base"), claim("me/M", "Qwen/Base")])
    assert edges(registry) == {("me/M", "Qwen/Base"): "card"}
    assert defects(registry) == set()


def test_a_name_that_nobody_knows_is_a_placeholder_and_a_defect(registry: Engine) -> None:
    save(registry, [claim("me/M", "merge", "never/was")])
    assert edges(registry) == {("me/M", "merge"): "card", ("me/M", "never/was"): "card"}
    assert kinds(registry) == {("me/M", "merge"): "unresolved-parent", ("me/M", "never/was"): "unresolved-parent"}
    assert models(registry)["merge"]["state"] == "placeholder"
    save(registry, [api_row("never/was")])
    assert kinds(registry) == {("me/M", "merge"): "unresolved-parent"}


def test_letter_case(registry: Engine) -> None:
    save(registry, [claim("me/M", "qwen/BASE"), api_row("Qwen/Base")])
    assert edges(registry) == {("me/M", "Qwen/Base"): "recovered-by-case"}
    assert names(registry) == {"qwen/BASE": ("Qwen/Base", "case")}
    assert defects(registry) == set()
    assert "qwen/BASE" not in models(registry)


def test_letter_case_that_fits_two_is_not_guessed(registry: Engine) -> None:
    save(registry, [claim("me/M", "qwen/base"), api_row("Qwen/Base"), api_row("qwen/Base")])
    assert edges(registry) == {("me/M", "qwen/base"): "card"}
    assert kinds(registry) == {("me/M", "qwen/base"): "ambiguous-name"}
    assert names(registry) == {}
    reason = content(registry)["defects"][0][5]
    assert "Qwen/Base, qwen/Base" in reason


def test_the_exact_name_comes_before_letter_case(registry: Engine) -> None:
    save(registry, [claim("me/M", "qwen/base"), api_row("Qwen/Base"), api_row("qwen/base")])
    assert edges(registry) == {("me/M", "qwen/base"): "card"}
    assert defects(registry) == set()


def test_letter_case_of_a_model_that_only_the_hub_names(registry: Engine) -> None:
    save(registry, [claim("me/M", "qwen/base"), api_row("me/N", ["Qwen/Base"])])
    assert models(registry)["Qwen/Base"]["state"] == "placeholder"
    assert edges(registry)["me/M", "Qwen/Base"] == "recovered-by-case"


def test_letter_case_of_a_name_that_only_cards_know_is_no_evidence(registry: Engine) -> None:
    save(registry, [claim("me/M", "qwen/base"), claim("me/N", "Qwen/Base")])
    assert edges(registry) == {("me/M", "qwen/base"): "card", ("me/N", "Qwen/Base"): "card"}
    assert set(kinds(registry).values()) == {"unresolved-parent"}


def test_a_rename_that_the_hub_resolved_elsewhere(registry: Engine) -> None:
    save(registry, [renamed("you/Y", "THUDM/X", "zai-org/X"), claim("me/M", "THUDM/X"), api_row("zai-org/X")])
    assert edges(registry) == {("you/Y", "zai-org/X"): "both", ("me/M", "zai-org/X"): "recovered-by-rename"}
    assert names(registry) == {"THUDM/X": ("zai-org/X", "hub-tag")}
    assert defects(registry) == set()


def test_a_rename_in_another_letter_case(registry: Engine) -> None:
    save(registry, [renamed("you/Y", "THUDM/X", "zai-org/X"), claim("me/M", "thudm/x")])
    assert edges(registry)["me/M", "zai-org/X"] == "recovered-by-rename"


def test_a_chain_of_renames(registry: Engine) -> None:
    rows = [renamed("y/1", "o/A", "o/B"), renamed("y/2", "o/B", "o/C"), renamed("y/3", "o/C", "o/D")]
    save(registry, [*rows, claim("me/M", "o/A"), api_row("o/D")])
    found = edges(registry)
    assert found["me/M", "o/D"] == "recovered-by-rename"
    assert {parent for _, parent in found} == {"o/D"}
    assert names(registry).keys() == {"o/A", "o/B", "o/C"}
    assert {model for model, _ in names(registry).values()} == {"o/D"}


def test_a_chain_ends_at_a_model_that_was_seen(registry: Engine) -> None:
    rows = [renamed("y/1", "o/A", "o/B"), renamed("y/2", "o/B", "o/C")]
    save(registry, [*rows, claim("me/M", "o/A"), api_row("o/B"), api_row("o/C")])
    assert edges(registry)["me/M", "o/B"] == "recovered-by-rename"


def test_a_loop_of_renames_ends(registry: Engine) -> None:
    save(registry, [renamed("y/1", "o/A", "o/B"), renamed("y/2", "o/B", "o/A"), claim("me/M", "o/A"), api_row("o/A")])
    assert edges(registry)["me/M", "o/A"] == "card"
    before = content(registry)
    save(registry, [])
    assert content(registry) == before


def test_two_renames_of_one_name_are_not_guessed(registry: Engine) -> None:
    save(registry, [renamed("y/1", "o/A", "o/B"), renamed("y/2", "o/A", "o/C"), claim("me/M", "o/A")])
    assert kinds(registry) == {("me/M", "o/A"): "ambiguous-name"}
    assert edges(registry)["me/M", "o/A"] == "card"
    assert names(registry) == {}


def test_a_name_that_is_a_models_own_is_not_led_to_its_renamed_one(registry: Engine) -> None:
    save(registry, [renamed("y/1", "o/A", "o/B"), api_row("o/A"), claim("me/M", "o/A")])
    assert edges(registry)["me/M", "o/A"] == "card"
    assert "o/A" not in names(registry)


@pytest.mark.parametrize(
    ("short", "full"),
    [
        ("bert-base-uncased", "google-bert/bert-base-uncased"),
        ("gpt2", "openai-community/gpt2"),
        ("t5-small", "google-t5/t5-small"),
    ],
)
def test_legacy_ids(registry: Engine, short: str, full: str) -> None:
    save(registry, [claim("me/M", short)])
    assert edges(registry) == {("me/M", full): "recovered-legacy"}
    assert names(registry) == {short: (full, "legacy")}
    assert models(registry)[full]["state"] == "placeholder"
    assert defects(registry) == set()


def test_a_legacy_id_that_is_a_models_own_is_that_model(registry: Engine) -> None:
    save(registry, [claim("me/M", "gpt2"), api_row("gpt2")])
    assert edges(registry) == {("me/M", "gpt2"): "card"}


def test_unresolved_tags_are_led_like_the_cards_word(registry: Engine) -> None:
    save(registry, [api_row("me/M", tags=["base_model:adapter:qwen/base"]), api_row("Qwen/Base")])
    assert edges(registry) == {("me/M", "Qwen/Base"): "recovered-by-case"}


def test_two_names_of_one_parent_are_one_edge(registry: Engine) -> None:
    save(registry, [claim("me/M", "qwen/base", "Qwen/Base", "QWEN/BASE"), api_row("Qwen/Base")])
    assert list(edges(registry)) == [("me/M", "Qwen/Base")]
    assert sorted(kinds(registry).values()) == ["duplicate-parent", "duplicate-parent"]
    assert len(content(registry)["derivations"]) == 3  # each declaration is kept


def test_the_hubs_word_is_the_edge_and_the_cards_the_duplicate(registry: Engine) -> None:
    row = api_row("me/M", ["Qwen/Base", "a/A"], cardData={"base_model": ["qwen/base", "QWEN/base", "a/A"]})
    save(registry, [row, api_row("Qwen/Base"), api_row("a/A")])
    assert edges(registry) == {("me/M", "Qwen/Base"): "tag", ("me/M", "a/A"): "both"}
    assert kinds(registry) == {("me/M", "qwen/base"): "duplicate-parent", ("me/M", "QWEN/base"): "duplicate-parent"}


def test_a_name_that_leads_to_the_model_itself_is_no_edge(registry: Engine) -> None:
    save(registry, [renamed("you/Y", "me/Old", "me/M"), claim("me/M", "me/Old")])
    assert list(edges(registry)) == [("you/Y", "me/M")]
    assert kinds(registry) == {("me/M", "me/Old"): "self-reference"}


def test_what_was_led_elsewhere_follows_when_the_model_itself_turns_up(registry: Engine) -> None:
    save(registry, [claim("me/M", "qwen/base"), api_row("Qwen/Base")])
    save(registry, [api_row("qwen/base")])
    assert edges(registry) == {("me/M", "qwen/base"): "card"}
    assert names(registry) == {}


def test_placeholders_that_nobody_names_are_dropped(registry: Engine) -> None:
    save(registry, [claim("me/M", "qwen/base"), api_row("me/N", ["a/A"])])
    assert {"qwen/base", "a/A"} <= models(registry).keys()
    save(registry, [api_row("Qwen/Base"), api_row("me/N")], seen=T2)
    assert models(registry).keys() == {"me/M", "me/N", "Qwen/Base"}


def test_each_declaration_without_an_edge_has_a_defect(registry: Engine) -> None:
    claims = claim("me/M", "ME/m-old", "qwen/base", "Qwen/Base")
    save(registry, [claims, renamed("y/1", "ME/m-old", "me/M"), api_row("Qwen/Base")])
    without = {(row[0], row[3]) for row in content(registry)["derivations"] if row[2] is None}
    assert without == {("me/M", "ME/m-old"), ("me/M", "Qwen/Base")}
    assert without <= kinds(registry).keys()


# Little worlds for hypothesis: letter case, renames that the Hub resolved, models seen twice.
_NAMES = ["o/A", "o/a", "O/A", "o/B", "o/b", "p/C", "p/D", "gpt2", "openai-community/gpt2"]
_NAME = st.sampled_from(_NAMES)


@st.composite
def _rows(draw: st.DrawFn) -> Row:
    id, declared = draw(_NAME), draw(st.lists(_NAME, max_size=3))
    kept = draw(st.lists(_NAME, max_size=2, unique=True))
    # One day, one time of change: two sights of one model would need to be told apart by nothing.
    moment = draw(st.integers(1, 28))
    card: Row = {"base_model": declared} if declared else {}
    tags = [f"base_model:{name}" for name in kept] + [f"base_model:finetune:{name}" for name in kept]
    return api_row(id, tags=tags, cardData=card, likes=moment, lastModified=f"2025-06-{moment:02}T00:00:00Z")


_WORLD = st.lists(_rows(), min_size=1, max_size=8, unique_by=lambda row: (row["id"], row["lastModified"]))


def world_of(engine: Engine, pages: list[list[Row]]) -> Content:
    for page in pages:
        save(emptied(engine) if page is pages[0] else engine, page)
    return content(engine)


@settings(max_examples=80)
@given(_WORLD, st.randoms(use_true_random=False), st.integers(1, 4))
def test_neither_the_order_of_rows_nor_the_size_of_pages_matters(
    registry: Engine, rows: list[Row], random: Any, size: int
) -> None:
    at_once = world_of(registry, [rows])
    shuffled = random.sample(rows, len(rows))
    assert world_of(registry, [shuffled[n : n + size] for n in range(0, len(rows), size)]) == at_once
    save(registry, rows)
    assert content(registry) == at_once


@settings(max_examples=60)
@given(_WORLD)
def test_a_world_holds_together(registry: Engine, rows: list[Row]) -> None:
    """Each declaration is an edge or a defect; no edge stands twice; no name means two things."""
    found = world_of(registry, [rows])
    assert len(edges(registry)) == sum(row[2] is not None for row in found["derivations"])
    explained = {(row[0], row[4]) for row in found["defects"]}
    assert all((row[0], row[3]) in explained for row in found["derivations"] if row[2] is None)
    assert all(child != parent for child, parent in edges(registry))
    seen = {row[0] for row in found["models"] if "placeholder" not in row}
    assert seen == {row["id"] for row in rows}
    assert not seen & names(registry).keys()
    with writing(registry) as connection:
        resolve_names(connection)
        assert check(connection) == []
    assert content(registry) == found
