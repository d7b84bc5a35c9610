"""What a label means, by id, name or link, and what is known of a model's licence beside its label."""

import pytest

from lineage.licenses.catalogue import catalogue
from lineage.licenses.labels import (
    UNDECLARED,
    UNKNOWN,
    Declared,
    clarified,
    declared,
    license_named,
    other_names,
    template_of,
)


def meaning(found: Declared) -> set[str] | str | None:
    """The licences, or why there are none."""
    assert bool(found.licenses) == (found.lacking is None)
    return set(found.licenses) or found.lacking


@pytest.mark.parametrize("id", sorted(catalogue().licenses.keys() - {"cc", "other", "unknown"}))
def test_every_id_of_the_catalogue_is_a_label_and_a_name(id: str) -> None:
    assert meaning(declared([id])) == meaning(declared(["other"], id)) == {id}
    assert license_named(f"  {id.upper()} ") == id


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (["apache-2.0"], {"apache-2.0"}),
        (["Apache 2.0"], {"apache-2.0"}),
        (["APACHE_2.0"], {"apache-2.0"}),
        (["Apache License 2.0"], {"apache-2.0"}),
        (["  MIT\t"], {"mit"}),
        (["MIT License"], {"mit"}),
        (["Llama-3.1"], {"llama3.1"}),
        (["tii-falcon-llm"], {"falcon"}),
        (["open-mdw"], {"openmdw-1.0"}),
        (["apache-2.0", "mit"], {"apache-2.0", "mit"}),
        (["mit", "MIT"], {"mit"}),
        ([], UNDECLARED),
        (None, UNKNOWN),
        (["unknown"], UNKNOWN),
        (["Unknown"], UNKNOWN),
        (["other"], UNDECLARED),
        (["Other"], UNDECLARED),
        (["none"], UNDECLARED),
        (["other", "other"], UNDECLARED),
        (["free for all my friends"], UNKNOWN),
        (["apache"], {"apache-2.0"}),
        (["apache-2.0-ish"], UNKNOWN),
        (["other", "unknown"], UNKNOWN),
        (["apache-2.0", "mine"], UNKNOWN),
        (["apache-2.0", "unknown"], UNKNOWN),
        (["apache-2.0", "other"], UNKNOWN),
    ],
)
def test_a_label_means(labels: list[str] | None, expected: set[str] | str) -> None:
    assert meaning(declared(labels)) == expected


@pytest.mark.parametrize(
    ("name", "link", "expected"),
    [
        ("qwen-research", None, {"qwen-research"}),
        ("Qwen_Research License", None, {"qwen-research"}),
        ("LICENSE FLUX dev", None, {"flux-1-dev-non-commercial-license"}),
        ("llama3", None, {"llama3"}),
        ("apache-2.0", None, {"apache-2.0"}),
        ("yi-34b", "LICENSE", {"yi"}),
        ("my-own-terms", None, UNKNOWN),
        ("my-own-terms", "https://mistral.ai/licenses/MRL-0.1.md", {"mrl"}),
        (None, "https://mistral.ai/licenses/MRL-0.1.md", {"mrl"}),
        (None, "http://www.mistral.ai/licenses/mrl-0.1.md/", {"mrl"}),
        (None, "https://ai.google.dev/gemma/terms", {"gemma"}),
        (None, "LICENSE", UNKNOWN),
        (None, "https://evil.example/https://ai.google.dev/gemma/terms", UNKNOWN),
        ("other", "LICENSE", UNKNOWN),
        ("other", None, UNDECLARED),
        ("unknown", None, UNDECLARED),
        ("", None, UNDECLARED),
        ("", "", UNDECLARED),
        (None, None, UNDECLARED),
    ],
)
def test_other_means_what_its_name_or_else_its_link_says(
    name: str | None, link: str | None, expected: set[str] | str
) -> None:
    assert meaning(declared(["other"], name, link)) == expected


def test_a_list_with_other_means_all_of_it() -> None:
    assert meaning(declared(["apache-2.0", "other"], "gemma")) == {"apache-2.0", "gemma"}
    assert meaning(declared(["apache-2.0", "other"], "nobody-knows")) == UNKNOWN


def test_a_link_beside_another_label_means_nothing() -> None:
    found = declared(["apache-2.0"], None, "https://ai.google.dev/gemma/terms")
    assert (meaning(found), found.contradiction) == ({"apache-2.0"}, None)


@pytest.mark.parametrize(
    ("labels", "name", "contradicts"),
    [
        (["apache-2.0"], "flux-1-dev-non-commercial-license", True),
        (["apache-2.0"], "llama-3.1", True),
        (["apache-2.0", "mit"], "gemma", True),
        (["mine"], "gemma", True),
        (["apache-2.0"], "Apache 2.0", False),
        (["llama3.1"], "llama-3.1-community-license", False),
        (["apache-2.0", "mit"], "mit", False),
        (["apache-2.0"], "my-own-terms", False),
        (["apache-2.0"], None, False),
        (["other"], "gemma", False),
        (["Other"], "gemma", False),
        ([], None, False),
    ],
)
def test_a_name_that_is_another_licence_than_the_label_contradicts_it(
    labels: list[str], name: str | None, contradicts: bool
) -> None:
    found = declared(labels, name)
    assert (found.contradiction is not None) == contradicts
    if found.contradiction:
        assert all(word in found.contradiction for word in (*labels, str(name)))


def test_a_label_reads_as_it_stands() -> None:
    assert declared(["apache-2.0", "mit"]).text == "apache-2.0, mit"
    assert declared(["other"], "my-own-terms").text == "other (my-own-terms)"
    assert declared(["Free Text"]).text == "Free Text"
    assert declared([]).text == "none declared"
    assert declared(None).text == "not known"


def test_other_names_lead_back() -> None:
    assert other_names("gemma") == ["gemma-terms-of-use"]
    for id in catalogue().licenses:
        assert {license_named(name) for name in other_names(id)} <= {id}


@pytest.mark.parametrize(
    ("model", "day", "license"),
    [
        ("01-ai/Yi-34B", "2023-11-01", "yi"),
        ("01-ai/Yi-34B", "2024-05-29", "yi"),
        ("01-ai/Yi-34B", "2024-05-29T23:59:59Z", "yi"),
        ("01-ai/Yi-34B", "2024-05-30", "apache-2.0"),
        ("01-ai/Yi-34B", None, "apache-2.0"),
        ("Qwen/Qwen2.5-3B", None, "qwen-research"),
        ("Qwen/Qwen2.5-3B", "2024-09-17", "qwen-research"),
        ("microsoft/phi-2", "2023-12-31", "microsoft-research-license"),
        ("microsoft/phi-2", None, "mit"),
        ("Qwen/Qwen2.5-7B", None, None),
        ("tiiuae/falcon-40b", None, None),
        ("nobody/knows", None, None),
    ],
)
def test_a_clarification_holds_from_a_day_to_a_day(model: str, day: str | None, license: str | None) -> None:
    found = clarified(model, day)
    assert (found.license if found else None) == license
    assert found is None or found.evidence


@pytest.mark.parametrize(
    ("labels", "tools", "tool"),
    [
        (["apache-2.0"], ["unsloth"], "unsloth"),
        (["apache-2.0"], ["trl", "unsloth"], "unsloth"),
        (["other"], ["autotrain"], "autotrain"),
        (["apache-2.0"], ["autotrain"], None),
        (["apache-2.0", "mit"], ["unsloth"], None),
        (["mit"], ["unsloth"], None),
        (["apache-2.0"], [], None),
        (["apache-2.0"], None, None),
        ([], ["unsloth"], None),
        (None, ["unsloth"], None),
    ],
)
def test_a_template_is_known_by_its_tool_and_its_one_label(
    labels: list[str] | None, tools: list[str] | None, tool: str | None
) -> None:
    assert template_of(labels, tools) == tool
