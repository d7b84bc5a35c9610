"""Which parents a row declares: the Hub's tags, the card's own words, and where they disagree."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.parse import parse
from registry.records import ModelRecord, Parent

ME = "me/M"


def record(**fields: Any) -> ModelRecord:
    found, loose = parse({"id": ME, **fields})
    assert found is not None
    assert loose == ()
    return found


def read(**fields: Any) -> tuple[list[tuple[str, str, str]], list[str]]:
    """The parents as (name, relation, origin), and the kinds of the defects."""
    found = record(**fields)
    parents = [(p.name, p.relation, p.origin) for p in found.parents or ()]
    return parents, [defect.kind for defect in found.defects]


def tags(*parents: str, relation: str = "finetune") -> list[str]:
    """What the Hub writes for parents that it resolved."""
    return [f"base_model:{p}" for p in parents] + [f"base_model:{relation}:{p}" for p in parents]


@pytest.mark.parametrize("relation", ["finetune", "adapter", "quantized", "merge"])
def test_what_tags_and_card_both_say(relation: str) -> None:
    row = {"tags": tags("Qwen/Base", relation=relation), "cardData": {"base_model": "Qwen/Base"}}
    assert read(**row) == ([("Qwen/Base", relation, "both")], [])


def test_what_tags_alone_say() -> None:
    assert read(tags=tags("Qwen/Base")) == ([("Qwen/Base", "finetune", "tag")], [])
    assert read(tags=tags("Qwen/Base"), cardData={}) == ([("Qwen/Base", "finetune", "tag")], [])


def test_a_row_that_cannot_say_and_one_that_says_there_are_none() -> None:
    assert record(likes=1).parents is None
    assert record(tags=["region:us"]).parents == ()
    assert record(cardData={}).parents == ()
    assert record(baseModels={"relation": None, "models": []}).parents == ()


def test_parents_stand_in_the_cards_order_and_those_of_tags_alone_behind() -> None:
    row = {"tags": tags("a/A", "b/B", "c/C", relation="merge"), "cardData": {"base_model": ["c/C", "a/A"]}}
    assert read(**row)[0] == [("c/C", "merge", "both"), ("a/A", "merge", "both"), ("b/B", "merge", "tag")]


def test_a_relation_tag_without_the_plain_one_was_resolved_by_nobody() -> None:
    row = {"tags": ["base_model:adapter:Qwen/Base", "lora"]}
    assert read(**row) == ([("Qwen/Base", "adapter", "tag-unresolved")], [])
    assert read(**row, cardData={"base_model": "Qwen/Base"})[0] == [("Qwen/Base", "adapter", "tag-unresolved")]


def test_a_plain_tag_without_the_relation_is_not_the_hubs_either() -> None:
    assert read(tags=["base_model:Qwen/Base"]) == ([("Qwen/Base", "unknown", "tag-unresolved")], [])


def test_an_unresolved_tag_teaches_no_rename() -> None:
    row = {"tags": ["base_model:adapter:new/Name"], "cardData": {"base_model": "old/Name"}}
    assert read(**row)[0] == [("old/Name", "unknown", "card"), ("new/Name", "adapter", "tag-unresolved")]


def test_two_relation_tags_that_disagree() -> None:
    row = {"tags": [*tags("Qwen/Base"), "base_model:merge:Qwen/Base"]}
    assert read(**row) == ([("Qwen/Base", "finetune", "tag")], ["contradiction"])


def test_a_relation_that_is_none_of_the_four_is_part_of_the_name() -> None:
    assert read(tags=["base_model:distilled:Qwen/Base"]) == ([], ["bad-id"])


@pytest.mark.parametrize(
    ("declared", "relation", "expected", "defects"),
    [
        (["a/A"], None, "unknown", []),
        (["a/A", "b/B"], None, "merge", []),
        (["a/A"], "quantized", "quantized", []),
        (["a/A"], "merge", "merge", []),  # honoured on the Hub
        (["a/A", "b/B"], "adapter", "adapter", []),
        (["a/A"], "distilled", "unknown", ["bad-relation"]),
        (["a/A", "b/B"], ["merge"], "merge", ["bad-relation"]),
        (["a/A"], 3, "unknown", ["bad-relation"]),
        (["a/A"], {}, "unknown", ["bad-relation"]),
        (["a/A", "a/A"], None, "unknown", ["duplicate-parent"]),
    ],
)
def test_the_relation_of_card_only_parents(
    declared: list[str], relation: object, expected: str, defects: list[str]
) -> None:
    parents, kinds = read(cardData={"base_model": declared, "base_model_relation": relation})
    assert {(relation, origin) for _, relation, origin in parents} == {(expected, "card")}
    assert kinds == defects


def test_the_cards_relation_does_not_overrule_the_hubs() -> None:
    row = {"tags": tags("a/A"), "cardData": {"base_model": "a/A", "base_model_relation": "quantized"}}
    assert read(**row)[0] == [("a/A", "finetune", "both")]


GARBAGE = [
    (None, "not-a-name"),
    (7, "not-a-name"),
    (2.0, "not-a-name"),
    (True, "not-a-name"),
    (False, "not-a-name"),
    ({"name": "a/A"}, "not-a-name"),
    (["a/A"], "not-a-name"),
    ("", "not-a-name"),
    ("  ", "not-a-name"),
    ("./out/checkpoint-500", "local-path"),
    ("../models/base", "local-path"),
    ("/home/me/models/base", "local-path"),
    ("~/models/base", "local-path"),
    ("C:\\models\\base", "local-path"),
    ("D:/models/base", "local-path"),
    ("\\\\server\\share\\base", "local-path"),
    ("models\\base", "local-path"),
    ("out/checkpoint-500/", "local-path"),
    ("a/b/c", "local-path"),
    ("Kokoro 82M", "bad-id"),
    ("Qwen/Größe", "bad-id"),
    ("-x/y", "bad-id"),
    ("base_model:a/A", "bad-id"),
    ("a/A\x00", "bad-id"),
    ("a/\ud800", "bad-id"),
    ("https://example.org/model", "url"),
    ("https://huggingface.co/datasets/squad", "url"),
    ("s3://bucket/model", "url"),
]


@pytest.mark.parametrize(("value", "kind"), GARBAGE)
def test_what_names_no_model(value: object, kind: str) -> None:
    assert read(cardData={"base_model": [value]}) == ([], [kind])
    listed = read(cardData={"base_model": ["a/A", value, "b/B"]})
    assert listed == ([("a/A", "merge", "card"), ("b/B", "merge", "card")], [kind])


@pytest.mark.parametrize(("value", "kind"), [pair for pair in GARBAGE if not isinstance(pair[0], list | None)])
def test_what_names_no_model_outside_a_list(value: object, kind: str) -> None:
    assert read(cardData={"base_model": value}) == ([], [kind])


@pytest.mark.parametrize("path", ["/workspace/base", "./base", "C:\\models\\base", "~/base", "/kaggle/input/base/1"])
def test_a_local_path_in_a_relation_tag(path: str) -> None:
    found = record(tags=[f"base_model:adapter:{path}"])
    assert found.parents == ()
    assert [(d.kind, d.field, d.value) for d in found.defects] == [("local-path", "tags", f"base_model:adapter:{path}")]


def test_no_declaration_is_no_defect() -> None:
    assert read(cardData={"base_model": None}) == ([], [])
    assert read(cardData={"base_model": []}) == ([], [])


@pytest.mark.parametrize("name", ["Qwen2-1.5B", "merge", "mergekit", "None", "josie-3b-v6.0", "gpt2"])
def test_a_name_without_organisation_may_be_one(name: str) -> None:
    assert read(cardData={"base_model": name}) == ([(name, "unknown", "card")], [])


@pytest.mark.parametrize(
    "url",
    [
        "https://huggingface.co/Qwen/Base",
        "http://huggingface.co/Qwen/Base/",
        "https://huggingface.co/Qwen/Base/tree/main",
        "https://huggingface.co/Qwen/Base/blob/main/README.md",
        "https://hf.co/Qwen/Base",
        "huggingface.co/Qwen/Base",
        "https://HuggingFace.co/Qwen/Base?library=transformers#x",
    ],
)
def test_a_url_of_the_hub_is_read_as_the_id(url: str) -> None:
    found = record(cardData={"base_model": url})
    assert found.parents == (Parent("Qwen/Base", "unknown", "card"),)
    assert [(d.kind, d.value, d.reason) for d in found.defects] == [("url", url, "read as Qwen/Base")]


def test_joined_names_are_taken_apart() -> None:
    parents, kinds = read(cardData={"base_model": "a/A, b/B,c/C ,"})
    assert [name for name, _, _ in parents] == ["a/A", "b/B", "c/C"]
    assert {relation for _, relation, _ in parents} == {"merge"}
    assert kinds == ["joined"]
    assert read(cardData={"base_model": ","}) == ([], ["joined"])


def test_spaces_around_a_name() -> None:
    assert read(cardData={"base_model": [" a/A\n"]}) == ([("a/A", "unknown", "card")], [])


def test_duplicates_are_one_parent_and_a_defect_each() -> None:
    found = record(cardData={"base_model": ["a/A", "b/B", "a/A", "https://hf.co/b/B"]})
    assert [parent.name for parent in found.parents or ()] == ["a/A", "b/B"]
    kinds = [(defect.kind, defect.value) for defect in found.defects]
    assert kinds == [
        ("duplicate-parent", "a/A"),
        ("url", "https://hf.co/b/B"),
        ("duplicate-parent", "https://hf.co/b/B"),
    ]


def test_letter_case_makes_two_declared_names() -> None:
    """Which of them are one model is for the registry to say, which knows the ids."""
    parents, kinds = read(cardData={"base_model": ["Qwen/Base", "qwen/base"]})
    assert [name for name, _, _ in parents] == ["Qwen/Base", "qwen/base"]
    assert kinds == []


@pytest.mark.parametrize(
    "fields",
    [
        {"cardData": {"base_model": ME}},
        {"cardData": {"base_model": [ME]}},
        {"cardData": {"base_model": "ME/m"}},  # another letter case
        {"cardData": {"base_model": "https://huggingface.co/me/M"}},
        {"tags": tags(ME, relation="quantized"), "cardData": {"base_model": ME}},
        {"tags": tags(ME)},
        {"tags": ["base_model:adapter:me/M"]},
        {"tags": ["base_model:adapter:me/m"]},
        {"baseModels": {"relation": "quantized", "models": [{"id": ME}]}},
    ],
)
def test_a_model_that_names_itself(fields: dict[str, Any]) -> None:
    parents, kinds = read(**fields)
    assert parents == []
    assert kinds[-1] == "self-reference"
    assert set(kinds) <= {"self-reference", "url"}


def test_a_namesake_in_another_letter_case_that_the_hub_resolved_is_another_model() -> None:
    assert read(tags=tags("ME/m"))[0] == [("ME/m", "finetune", "tag")]


def test_self_reference_made_by_a_rename() -> None:
    row = {"tags": tags(ME), "cardData": {"base_model": "me/Old-name"}}
    found = record(**row)
    assert found.parents == ()
    assert [(d.kind, d.value) for d in found.defects] == [("self-reference", "me/Old-name")]


def test_one_name_left_over_on_either_side_is_a_rename() -> None:
    row = {"tags": tags("meta-llama/Llama-3.1-8B"), "cardData": {"base_model": ["meta-llama/Meta-Llama-3.1-8B"]}}
    found = record(**row)
    expected = Parent("meta-llama/Llama-3.1-8B", "finetune", "both", "meta-llama/Meta-Llama-3.1-8B")
    assert (found.parents, found.defects) == ((expected,), ())


def test_a_rename_is_learnt_beside_parents_that_agree() -> None:
    row = {"tags": tags("a/A", "zai-org/X", relation="merge"), "cardData": {"base_model": ["THUDM/X", "a/A"]}}
    assert record(**row).parents == (
        Parent("zai-org/X", "merge", "both", "THUDM/X"),
        Parent("a/A", "merge", "both"),
    )


def test_two_names_left_over_teach_no_rename() -> None:
    row = {"tags": tags("a/New", "b/New", relation="merge"), "cardData": {"base_model": ["a/Old", "b/Old"]}}
    parents = record(**row).parents or ()
    assert [(p.name, p.origin, p.alias) for p in parents] == [
        ("a/Old", "card", None),
        ("b/Old", "card", None),
        ("a/New", "tag", None),
        ("b/New", "tag", None),
    ]


def test_a_declared_parent_that_the_hub_dropped() -> None:
    row = {"tags": tags("a/A"), "cardData": {"base_model": ["a/A", "qwen/qwen3-8b"]}}
    assert read(**row) == ([("a/A", "finetune", "both"), ("qwen/qwen3-8b", "merge", "card")], [])


def test_a_relation_that_the_tags_do_not_have_is_noted() -> None:
    card = {"base_model": "a/A", "base_model_relation": "quantized"}
    assert read(tags=tags("a/A"), cardData=card) == ([("a/A", "finetune", "both")], ["contradiction"])
    assert read(tags=tags("a/A", relation="quantized"), cardData=card) == ([("a/A", "quantized", "both")], [])


def test_base_models_stand_in_for_tags() -> None:
    value = {"relation": "merge", "models": [{"_id": "0" * 24, "id": "a/A"}, {"id": "b/B"}, "c/C"]}
    expected = [("a/A", "merge", "tag"), ("b/B", "merge", "tag"), ("c/C", "merge", "tag")]
    assert read(baseModels=value) == (expected, [])
    assert read(baseModels=value, tags=[]) == ([], ["contradiction"])  # on the Hub, tags say the same
    same = {"relation": "finetune", "models": [{"id": "a/A"}]}
    assert read(baseModels=same, tags=tags("a/A")) == ([("a/A", "finetune", "tag")], [])
    with_card = read(baseModels=value, cardData={"base_model": "b/B"})[0]
    assert with_card == [("b/B", "merge", "both"), ("a/A", "merge", "tag"), ("c/C", "merge", "tag")]


@pytest.mark.parametrize(
    ("value", "parents", "defects"),
    [
        ([], 0, ["bad-type"]),
        ("a/A", 0, ["bad-type"]),
        ({}, 0, ["bad-type"]),
        ({"models": "a/A"}, 0, ["bad-type"]),
        ({"models": ["a/A"]}, 1, []),
        ({"relation": "copied", "models": ["a/A"]}, 1, ["bad-relation"]),
        ({"relation": ["merge"], "models": ["a/A"]}, 1, ["bad-relation"]),
        ({"relation": "merge", "models": [None, {}, {"id": 5}, "a b"]}, 0, ["not-a-name"] * 3 + ["bad-id"]),
    ],
)
def test_base_models_of_other_shapes(value: object, parents: int, defects: list[str]) -> None:
    found, kinds = read(baseModels=value)
    assert (len(found), kinds) == (parents, defects)


_ITEM = (
    st.sampled_from(["a/A", "b/B", "me/M", "ME/m", "gpt2", "./x", "C:\\x", "https://hf.co/a/A", "a/A,b/B", "", " a/A"])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=10)
    | st.none()
    | st.booleans()
    | st.integers()
    | st.dictionaries(st.sampled_from(["id", "name"]), st.integers(0, 9), max_size=2)
    | st.lists(st.integers(0, 9), max_size=2)
)
_TAGGED = st.lists(st.sampled_from(["a/A", "b/B", "c/C", "me/M", "/local/path"]), unique=True, max_size=3)


def accounted(items: Sequence[object], found: ModelRecord) -> bool:
    """Whether each item is a parent or a defect. The same junk twice is one defect, so it counts once."""
    junk = {json.dumps(item) for item in items if not isinstance(item, str)}
    texts = [item for item in items if isinstance(item, str)]
    blank = {item for item in texts if not item.strip()}
    named = [item for item in texts if item.strip()]
    return len(junk | blank) + len(set(named)) <= len(found.parents or ()) + len(found.defects)


@settings(max_examples=400)
@given(st.lists(_ITEM, max_size=6), _TAGGED, st.sampled_from(["finetune", "merge"]))
def test_no_declared_item_vanishes(items: list[object], tagged: list[str], relation: str) -> None:
    found = record(tags=tags(*tagged, relation=relation), cardData={"base_model": items})
    assert accounted(items, found)


@settings(max_examples=200)
@given(st.lists(_ITEM, max_size=6), _TAGGED)
def test_each_parent_is_named_once_and_never_the_model_itself(items: list[object], tagged: list[str]) -> None:
    parents = record(tags=tags(*tagged), cardData={"base_model": items}).parents or ()
    listed = [parent.name for parent in parents]
    assert len(listed) == len(set(listed))
    assert ME not in listed


def test_every_declaration_in_real_front_matter_is_a_parent_or_a_defect(shared: Path) -> None:
    declaring = 0
    with gzip.open(shared / "cards" / "frontmatter.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in lines:
            card = json.loads(line)
            data = _front_matter(card)
            found, loose = parse({"id": card["id"], "cardData": data})
            assert found is not None or [defect.kind for defect in loose] == ["bad-id"]
            declared = data.get("base_model") if isinstance(data, dict) else None
            if found is not None and declared is not None:
                declaring += 1
                assert accounted(declared if isinstance(declared, list) else [declared], found), card["id"]
            if not isinstance(data, dict) and found is not None:
                assert [defect.field for defect in found.defects] == ["cardData"]
    assert declaring > 1_500


def _front_matter(card: dict[str, Any]) -> object:
    if not card["yaml_ok"]:
        return card["frontmatter"]
    # The C loader is the same safe loader, 20 times as fast.
    return yaml.load(card["frontmatter"], Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
