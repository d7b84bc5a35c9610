"""A raw row becomes a record: every shape the Hub's API, a dump or a careless author can give a fact."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from crawler.parse import parse
from registry.records import Defect, ModelRecord

RECORDED_LIST_ITEM = {
    "_id": "685ffb0a9c4d599d2a98bc2c",
    "id": "THUDM/GLM-4.1V-9B-Thinking",
    "likes": 568,
    "trendingScore": 368,
    "private": False,
    "downloads": 33839,
    "tags": [
        "transformers",
        "arxiv:2507.01006",
        "base_model:THUDM/GLM-4-9B-0414",
        "base_model:finetune:THUDM/GLM-4-9B-0414",
        "license:mit",
        "region:us",
    ],
    "pipeline_tag": "image-text-to-text",
    "library_name": "transformers",
    "createdAt": "2025-06-28T14:24:10.000Z",
    "modelId": "THUDM/GLM-4.1V-9B-Thinking",
}
RECORDED_MODEL = {
    "_id": "621ffdc136468d709f17a5fd",
    "id": "deepset/roberta-base-squad2",
    "author": "deepset",
    "sha": "adc3b06f79f797d1c575d5479d6f5efe54a9e3b4",
    "lastModified": "2024-09-24T15:48:47.000Z",
    "createdAt": "2022-03-02T23:29:05.000Z",
    "gated": False,
    "disabled": False,
    "private": False,
    "tags": [
        "dataset:squad_v2",
        "base_model:FacebookAI/roberta-base",
        "base_model:finetune:FacebookAI/roberta-base",
        "license:cc-by-4.0",
    ],
    "cardData": {
        "language": "en",
        "license": "cc-by-4.0",
        "datasets": ["squad_v2"],
        "model-index": ["..."],
        "base_model": ["FacebookAI/roberta-base"],
    },
    "safetensors": {"parameters": {"F32": 124056578, "I64": 514}, "total": 124057092},
}


def record(row: object) -> ModelRecord:
    found, loose = parse(row)
    assert found is not None
    assert loose == ()
    return found


def kinds(found: ModelRecord) -> list[tuple[str, str]]:
    return [(defect.kind, defect.field) for defect in found.defects]


def card(**facts: Any) -> ModelRecord:
    return record({"id": "me/M", "cardData": facts})


def test_a_recorded_list_item() -> None:
    found = record(RECORDED_LIST_ITEM)
    assert found.repo_id == "THUDM/GLM-4.1V-9B-Thinking"
    assert found.hub_id == "685ffb0a9c4d599d2a98bc2c"
    assert found.author == "THUDM"  # from the id: this shape has no author
    assert (found.created_at, found.last_modified) == ("2025-06-28T14:24:10Z", None)
    assert (found.downloads, found.likes) == (33839, 568)
    assert (found.pipeline_tag, found.library_name) == ("image-text-to-text", "transformers")
    assert (found.private, found.disabled, found.gated, found.sha) == (False, None, None, None)
    assert found.licenses == ("mit",)
    assert (found.dated, found.gone, found.source, found.seen) == (True, False, None, None)
    assert found.defects == ()


def test_a_recorded_single_model() -> None:
    found = record(RECORDED_MODEL)
    assert found.sha == "adc3b06f79f797d1c575d5479d6f5efe54a9e3b4"
    assert (found.gated, found.private, found.disabled) == ("false", False, False)
    assert (found.licenses, found.datasets) == (("cc-by-4.0",), ("squad_v2",))
    assert found.last_modified == "2024-09-24T15:48:47Z"
    assert found.defects == ()


def test_a_row_of_an_id_alone_says_nothing_else() -> None:
    assert record({"id": "gpt2"}) == ModelRecord("gpt2")
    assert record({"id": "me/M"}) == ModelRecord("me/M", author="me")


def test_model_id_is_the_id_of_older_answers() -> None:
    assert record({"modelId": "me/M"}).repo_id == "me/M"
    assert record({"id": "me/New", "modelId": "me/Old"}).repo_id == "me/New"


@pytest.mark.parametrize("row", [None, True, 7, 1.5, "me/M", [], [{"id": "me/M"}]])
def test_what_is_no_object_is_no_model(row: object) -> None:
    found, loose = parse(row)
    assert found is None
    assert [defect.kind for defect in loose] == ["not-an-object"]


@pytest.mark.parametrize(
    "id",
    [None, "", 7, True, ["me/M"], {"id": "me/M"}, "me/M/x", "me/", "/M", "me/M\n", " me/M", "me/M x", "é/M", "m\x00/M"],
)
def test_without_a_repository_id_it_is_no_model(id: object) -> None:
    found, loose = parse({"id": id, "tags": []})
    assert found is None
    assert [(defect.kind, defect.field) for defect in loose] == [("bad-id", "id")]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("2025-04-27T03:41:05.000Z", "2025-04-27T03:41:05Z"),
        ("2025-04-27T03:41:05Z", "2025-04-27T03:41:05Z"),
        ("2025-04-27T03:41:05.987654+00:00", "2025-04-27T03:41:05Z"),
        ("2025-04-27T03:41:05+02:00", "2025-04-27T01:41:05Z"),
        ("2025-04-27 03:41:05", "2025-04-27T03:41:05Z"),
        ("2025-04-27", "2025-04-27T00:00:00Z"),
        (datetime(2025, 4, 27, 3, 41, 5), "2025-04-27T03:41:05Z"),  # as Parquet gives it
        (datetime(2025, 4, 27, 3, 41, 5, tzinfo=UTC), "2025-04-27T03:41:05Z"),
        (datetime(2025, 4, 27, 3, tzinfo=timezone(timedelta(hours=-5))), "2025-04-27T08:00:00Z"),
    ],
)
def test_times_become_utc_to_the_second(given: object, stored: str) -> None:
    found = record({"id": "me/M", "createdAt": given, "lastModified": given})
    assert (found.created_at, found.last_modified, found.defects) == (stored, stored, ())


@pytest.mark.parametrize(
    "given", ["", "yesterday", "27.04.2025", 1745725265, 1.5, True, [], {}, "2025-13-01", "0001-01-01T00:00:00+23:00"]
)
def test_what_is_no_time_is_a_defect(given: object) -> None:
    found = record({"id": "me/M", "createdAt": given})
    assert found.created_at is None
    assert kinds(found) == [("bad-date", "createdAt")]


@pytest.mark.parametrize(
    ("given", "stored", "defective"),
    [
        (0, 0, False),
        (2**63 - 1, 2**63 - 1, False),
        (2**63, None, True),
        (10**400, None, True),
        (-1, None, True),
        (True, None, True),
        (1.0, None, True),
        ("7", None, True),
        (None, None, False),
        ({}, None, True),
    ],
)
def test_counts(given: object, stored: int | None, defective: bool) -> None:
    found = record({"id": "me/M", "downloads": given, "likes": given})
    assert (found.downloads, found.likes) == (stored, stored)
    assert kinds(found) == ([("bad-type", "downloads"), ("bad-type", "likes")] if defective else [])


@pytest.mark.parametrize(
    ("given", "stored"),
    [(False, "false"), (True, "true"), ("auto", "auto"), ("manual", "manual"), (None, None)],
)
def test_gated(given: object, stored: str | None) -> None:
    found = record({"id": "me/M", "gated": given})
    assert (found.gated, found.defects) == (stored, ())


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("gated", "yes"),
        ("gated", 1),
        ("gated", ["auto"]),
        ("private", "false"),
        ("private", 0),
        ("disabled", []),
        ("author", 5),
        ("sha", ["a"]),
        ("pipeline_tag", {}),
        ("library_name", False),
        ("tags", "transformers"),
        ("tags", {"a": 1}),
        ("cardData", [1]),
        ("cardData", 3),
        ("cardData", "not JSON"),
        ("cardData", "[1]"),
        ("cardData", "[" * 100_000),
    ],
)
def test_a_fact_of_a_wrong_type_is_a_defect_and_no_fact(field: str, given: object) -> None:
    found = record({"id": "me/M", field: given})
    assert kinds(found) == [("bad-type", field)]
    assert found == ModelRecord("me/M", author="me", defects=found.defects)


def test_a_tag_that_is_no_text_is_dropped_alone() -> None:
    found = record({"id": "me/M", "tags": [None, 1, ["license:mit"], "license:apache-2.0", "dataset:c4", "dataset:"]})
    assert (found.licenses, found.datasets) == (("apache-2.0",), ("c4",))
    assert kinds(found) == [("bad-type", "tags")] * 3


def test_card_data_may_be_json_text_as_in_parquet() -> None:
    found = record({"id": "me/M", "cardData": '{"license": "mit", "base_model": "Qwen/Base"}'})
    assert found.licenses == ("mit",)
    assert found.parents is not None
    assert [parent.name for parent in found.parents] == ["Qwen/Base"]
    assert record({"id": "me/M", "cardData": "null"}) == ModelRecord("me/M", author="me")


def test_the_card_fills_pipeline_and_library() -> None:
    found = card(pipeline_tag="text-generation", library_name="peft")
    assert (found.pipeline_tag, found.library_name) == ("text-generation", "peft")
    both = record({"id": "me/M", "pipeline_tag": "other", "cardData": {"pipeline_tag": "text-generation"}})
    assert both.pipeline_tag == "other"


def test_licence_facts_of_the_card_are_kept_raw() -> None:
    found = card(license="other", license_name="Qwen", license_link="LICENSE", new_version="me/M2")
    assert (found.licenses, found.license_name, found.license_link) == (("other",), "Qwen", "LICENSE")
    assert found.new_version == "me/M2"


@pytest.mark.parametrize(
    ("given", "stored", "defects"),
    [
        ("mit", ("mit",), []),
        (" MIT\n", ("MIT",), []),
        (["mit", "apache-2.0"], ("mit", "apache-2.0"), []),
        (["mit", "mit"], ("mit",), []),
        ([], (), []),
        (None, (), []),
        (False, (), ["bad-type"]),  # `license: no` in YAML
        ("", (), ["bad-type"]),
        (2.0, (), ["bad-type"]),
        ({"name": "mit"}, (), ["bad-type"]),
        (["mit", None, 3], ("mit",), ["bad-type", "bad-type"]),
    ],
)
def test_licences_of_the_card(given: object, stored: tuple[str, ...], defects: list[str]) -> None:
    found = card(license=given)
    assert found.licenses == stored
    assert [defect.kind for defect in found.defects] == defects


def test_without_tags_and_card_the_licence_is_not_said() -> None:
    assert record({"id": "me/M"}).licenses is None
    assert record({"id": "me/M", "tags": []}).licenses == ()


def test_tags_and_card_that_disagree_on_the_licence() -> None:
    row = {"id": "me/M", "tags": ["license:mit"], "cardData": {"license": "apache-2.0"}}
    found = record(row)
    assert found.licenses == ("apache-2.0",)
    assert kinds(found) == [("contradiction", "license")]
    assert "mit" in found.defects[0].value
    assert "apache-2.0" in found.defects[0].value
    assert record(row | {"cardData": {"license": ["mit"]}}).defects == ()


def test_text_no_database_holds_is_repaired_and_said() -> None:
    found = card(license_name="a\x00b\ud800c", license="mi\x00t")
    assert (found.license_name, found.licenses) == ("a\ufffdb\ufffdc", ("mi\ufffdt",))
    assert kinds(found) == [("unstorable-text", "license"), ("unstorable-text", "license_name")]


@pytest.mark.parametrize("field", ["license_name", "license_link", "new_version", "license"])
def test_long_text_is_cut(field: str) -> None:
    found = card(**{field: "x" * 5000})
    stored = found.licenses[0] if field == "license" and found.licenses else getattr(found, field)
    assert stored == "x" * 2048
    assert kinds(found) == [("too-long", field)]
    assert found.defects[0].value == "x" * 2048


def test_a_defects_value_is_cut_within_2_kb_and_between_characters() -> None:
    found = record({"id": "me/M", "tags": "é" * 2000})
    assert found.defects[0].value == "é" * 1024


def test_deep_nesting_does_not_break_the_reading() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    found = record({"id": "me/M", "tags": [deep], "cardData": {"base_model": deep, "license": deep}, "createdAt": deep})
    assert {defect.kind for defect in found.defects} == {"bad-type", "not-a-name", "bad-date"}
    _unnest(deep)


def _unnest(deep: Any) -> None:
    """Take a deep list apart from the outside: freeing or comparing it at once would recurse."""
    while isinstance(deep, list):
        deep = deep.pop()


@pytest.mark.parametrize("hub_id", ["short", 7, "g" * 24, "A" * 24, ["a" * 24], "a" * 25])
def test_an_id_that_is_none_of_the_hubs(hub_id: object) -> None:
    found = record({"_id": hub_id, "id": "me/M"})
    assert found.hub_id is None
    assert kinds(found) == [("bad-id", "_id")]


@pytest.mark.parametrize(
    ("observation", "source", "seen", "gone", "dated"),
    [
        ({"source": "radar", "seen": "2026-08-22"}, "radar", "2026-08-22T00:00:00Z", False, True),
        ({"source": "radar", "gone": True}, "radar", None, True, True),
        ({"gone": "yes"}, None, None, False, True),
        ({"gone": 1}, None, None, False, True),
        ({"seen": None}, None, None, False, False),
        ({}, None, None, False, True),
        (None, None, None, False, True),
        ("radar", None, None, False, True),
    ],
)
def test_observations(observation: object, source: str | None, seen: str | None, gone: bool, dated: bool) -> None:
    found = record({"id": "me/M", "observation": observation})
    assert (found.source, found.seen, found.gone, found.dated) == (source, seen, gone, dated)
    assert found.defects == ()


def test_an_observation_with_a_bad_date_is_a_defect() -> None:
    found = record({"id": "me/M", "observation": {"seen": "last week", "source": 3}})
    assert (found.seen, found.source) == (None, None)
    assert kinds(found) == [("bad-type", "source"), ("bad-date", "seen")]


def test_the_same_defect_twice_is_one() -> None:
    found = record({"id": "me/M", "cardData": {"base_model": [None, None]}})
    assert found.defects == (Defect("not-a-name", "base_model", "null", "a base model is named by text"),)
