"""What people type: ids in any letter case, old names, URLs, revisions, and names that are nearly right."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, event

from registry.database import reading
from registry.ids import legacy_names, split_url
from registry.names import Found, UnknownModel, find_model, find_roots, known_model, known_models, like
from tests.families import Row, api_row, save

SHA = "b968826d9c46dd6066d109eabc6255188de91218"


def world() -> list[Row]:
    return [
        api_row("Qwen/Qwen3-8B", downloads=1_000),
        api_row("Qwen/Qwen3-4B", downloads=900),
        api_row("meta-llama/Llama-3.1-8B", downloads=800),
        api_row("Twin/Model"),
        api_row("twin/model"),
        api_row("openai-community/gpt2"),
        api_row("under_score/a_b"),
        api_row("me/Child", ["meta-llama/Llama-3.1-8B"], cardData={"base_model": "meta-llama/Meta-Llama-3.1-8B"}),
        api_row("me/Lower", ["qwen/qwen3-8b"], tags=[]),
        api_row("me/Open", ["Some/Placeholder"]),
    ]


@pytest.fixture
def registry(registry: Engine) -> Engine:
    save(registry, world())
    return registry


def find(engine: Engine, text: str) -> Found:
    with engine.connect() as connection:
        return find_model(connection, text)


def unknown(engine: Engine, text: str) -> str:
    with pytest.raises(UnknownModel) as caught:
        find(engine, text)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "id"),
    [
        ("Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("  Qwen/Qwen3-8B\n", "Qwen/Qwen3-8B"),
        ("qwen/QWEN3-8b", "Qwen/Qwen3-8B"),
        ("qwen/qwen3-8b", "Qwen/Qwen3-8B"),  # kept as a name, since a card has it so
        ("meta-llama/Meta-Llama-3.1-8B", "meta-llama/Llama-3.1-8B"),
        ("META-LLAMA/meta-llama-3.1-8b", "meta-llama/Llama-3.1-8B"),
        ("gpt2", "openai-community/gpt2"),
        ("Some/Placeholder", "Some/Placeholder"),
        ("some/placeholder", "Some/Placeholder"),
        ("Twin/Model", "Twin/Model"),
        ("twin/model", "twin/model"),
        ("https://huggingface.co/Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("https://huggingface.co/qwen/qwen3-8b/", "Qwen/Qwen3-8B"),
        ("https://huggingface.co/meta-llama/Meta-Llama-3.1-8B/discussions/3", "meta-llama/Llama-3.1-8B"),
        ("hf.co/Qwen/Qwen3-8B", "Qwen/Qwen3-8B"),
        ("www.huggingface.co/Qwen/Qwen3-8B?library=vllm", "Qwen/Qwen3-8B"),
    ],
)
def test_what_leads_to_a_model(registry: Engine, text: str, id: str) -> None:
    found = find(registry, text)
    assert (found.repo_id, found.revision, found.label) == (id, None, id)


@pytest.mark.parametrize(
    "text",
    [
        f"Qwen/Qwen3-8B@{SHA}",
        f"qwen/qwen3-8b@{SHA}",
        f"https://huggingface.co/Qwen/Qwen3-8B/tree/{SHA}",
        f"https://huggingface.co/Qwen/Qwen3-8B/blob/{SHA}/README.md",
    ],
)
def test_a_revision_is_kept(registry: Engine, text: str) -> None:
    found = find(registry, text)
    assert (found.repo_id, found.revision) == ("Qwen/Qwen3-8B", SHA)
    assert found.label == f"Qwen/Qwen3-8B@{SHA}"


def test_an_old_name_by_the_id_of_the_hub(registry: Engine) -> None:
    save(registry, [api_row("me/Before", _id="1" * 24)], seen="2026-01-01T00:00:00Z")
    save(registry, [api_row("me/After", _id="1" * 24)], seen="2026-02-01T00:00:00Z")
    assert find(registry, "me/Before").repo_id == "me/After"
    assert find(registry, "ME/BEFORE").repo_id == "me/After"


def test_a_new_model_under_an_old_name_is_found_itself(registry: Engine) -> None:
    save(registry, [api_row("me/Before", _id="1" * 24)], seen="2026-01-01T00:00:00Z")
    save(registry, [api_row("me/After", _id="1" * 24)], seen="2026-02-01T00:00:00Z")
    save(registry, [api_row("me/Before", _id="2" * 24)], seen="2026-03-01T00:00:00Z")
    assert find(registry, "me/Before").repo_id == "me/Before"
    assert find(registry, "me/BEFORE").repo_id == "me/Before"


def test_letter_case_that_fits_two_is_asked_back(registry: Engine) -> None:
    said = unknown(registry, "TWIN/MODEL")
    assert "Twin/Model, twin/model" in said
    assert "exact letter case" in said


@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("Qwen/Qwen3-8", ["Qwen/Qwen3-8B"]),
        ("Qwen3-8B", ["Qwen/Qwen3-8B"]),
        ("qwen3-8b", ["Qwen/Qwen3-8B"]),
        ("quen/Qwen3-4B", ["Qwen/Qwen3-4B"]),
        ("https://huggingface.co/Qwen/Qwen3-8B-Base", ["Qwen/Qwen3-8B"]),
    ],
)
def test_names_that_are_nearly_right(registry: Engine, text: str, near: list[str]) -> None:
    said = unknown(registry, text)
    assert "did you mean" in said
    assert all(id in said for id in near)


@pytest.mark.parametrize("text", ["", "zzz/yyy", "https://example.org/Qwen/Base", "%", "_", "\x00", "é", "a" * 5_000])
def test_names_that_are_nothing(registry: Engine, text: str) -> None:
    assert unknown(registry, text).startswith("no such model: ")


def test_underscores_and_percent_signs_mean_themselves(registry: Engine) -> None:
    assert like(r"a_b%c\d") == r"a\_b\%c\\d"
    assert "did you mean" not in unknown(registry, "%%%%%%%%%%%%/%%%%%%%%%%%%")
    assert "did you mean" not in unknown(registry, "_________________")


def test_roots_are_named_one_by_one_or_by_author(registry: Engine) -> None:
    with registry.connect() as connection:
        asked, roots = find_roots(connection, ("author:QWEN", "qwen/Qwen3-8B@abc1234", "gpt2"))
        assert asked == ("author:QWEN", "Qwen/Qwen3-8B@abc1234", "openai-community/gpt2")
        assert [root.repo_id for root in roots] == ["Qwen/Qwen3-4B", "Qwen/Qwen3-8B", "openai-community/gpt2"]
        assert [root.repo_id for root in find_roots(connection, ("author:Some",))[1]] == ["Some/Placeholder"]
        with pytest.raises(UnknownModel, match="no model by the author 'nobody'"):
            find_roots(connection, ("author:nobody",))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://huggingface.co/Qwen/Qwen3-8B", ("Qwen/Qwen3-8B", None)),
        ("HTTPS://HUGGINGFACE.CO/Qwen/Qwen3-8B", ("Qwen/Qwen3-8B", None)),
        ("https://huggingface.co/gpt2", ("gpt2", None)),
        ("https://huggingface.co/Qwen/Qwen3-8B/tree/main", ("Qwen/Qwen3-8B", None)),
        ("https://huggingface.co/Qwen/Qwen3-8B/commit/b968826", ("Qwen/Qwen3-8B", "b968826")),
        ("https://huggingface.co/Qwen/Qwen3%2D8B", ("Qwen/Qwen3-8B", None)),
        ("https://huggingface.co/datasets/squad", None),
        ("https://huggingface.co/spaces/me/app", None),
        ("https://huggingface.co/papers/2507.01006", None),
        ("https://huggingface.co/", None),
        ("https://huggingface.co.example.org/Qwen/Qwen3-8B", None),
        ("https://example.org/huggingface.co/Qwen", None),
        ("https://[huggingface.co/Qwen/Qwen3-8B", None),
        ("ftp://huggingface.co/Qwen/Qwen3-8B", None),
        ("Qwen/Qwen3-8B", None),
        ("", None),
    ],
)
def test_urls(text: str, expected: tuple[str, str | None] | None) -> None:
    assert split_url(text) == expected


@given(
    st.text() | st.text().map(lambda tail: f"https://huggingface.co/{tail}") | st.text().map(lambda t: f"http://{t}")
)
def test_no_text_breaks_the_reading_of_urls(text: str) -> None:
    found = split_url(text)
    assert found is None or found[0]


@given(st.text(max_size=20))
def test_no_text_breaks_the_search(registry: Engine, text: str) -> None:
    known = {row["id"].casefold() for row in world()}
    with suppress(UnknownModel):
        assert find(registry, text).repo_id.casefold() in known


def test_the_legacy_table_leads_from_short_ids_to_full_ones() -> None:
    table = legacy_names()
    assert table["bert-base-uncased"] == "google-bert/bert-base-uncased"
    assert len(table) > 50
    assert all("/" not in short and full.endswith(f"/{short}") for short, full in table.items())


def test_many_names_are_looked_up_in_few_queries(snapshot_registry: Engine) -> None:
    names = [
        "Qwen/Qwen3-8B",
        "qwen/qwen3-8b",
        "gpt2",
        "no/Body",
        "no/Body@0123abc",
        "Qwen/Qwen3-8B@0123abc",
        "",
        "a\0b",
    ]
    names += ["https://huggingface.co/Qwen/Qwen3-8B", *(f"no/Body{n}" for n in range(2_000))]
    asked: list[str] = []
    with reading(snapshot_registry) as connection:
        alone = {name: found for name in names if (found := known_model(connection, name))}
        event.listen(connection, "before_cursor_execute", lambda *args: asked.append(args[2]))
        assert known_models(connection, names) == alone
    assert len(asked) == 2
    assert alone["Qwen/Qwen3-8B@0123abc"].revision == "0123abc"


def test_of_many_names_those_that_could_be_several_are_left_out(registry: Engine) -> None:
    save(registry, [api_row("a/Model"), api_row("A/model")])
    with reading(registry) as connection:
        found = known_models(connection, ["a/model", "a/Model"])
    assert {name: model.repo_id for name, model in found.items()} == {"a/Model": "a/Model"}
