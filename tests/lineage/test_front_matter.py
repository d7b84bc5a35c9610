"""A card's front matter is changed where it has to be, and nowhere else."""

from collections.abc import Mapping
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lineage.front_matter import FrontMatterError, Value, block, with_fields

CARD = """---
# mine
language: en   # english
license: apache-2.0  # why not
base_model:
- a/b   # the first
- c/d
# about tags
tags: [x, y]
---
# Title
license: this is text
"""

#: Thirty lines, each of which holds the one before it nine times: written out, no memory would do.
LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))
MERGES = LAUGHS.replace("[x]", "{x: y}").replace("[*", "{<<: [*").replace("]", "]}")


def changed(card: str, **fields: Value) -> str:
    return with_fields(card, fields)


def test_a_field_changes_in_its_place() -> None:
    assert changed(CARD, license="llama3.1") == CARD.replace("license: apache-2.0  #", "license: llama3.1  #", 1)


def test_a_list_becomes_one_name_and_comments_after_it_stay() -> None:
    expected = CARD.replace("base_model:\n- a/b   # the first\n- c/d\n", "base_model: x/y\n")
    assert changed(CARD, base_model="x/y") == expected
    assert changed(CARD, base_model=["a/b", "x/y"]) == CARD.replace("- a/b   # the first\n- c/d\n", "- a/b\n- x/y\n")


def test_new_fields_come_last_and_others_go() -> None:
    expected = CARD.replace("license: apache-2.0  # why not\n", "").replace(
        "y]\n", "y]\nbase_model_relation: adapter\n"
    )
    assert changed(CARD, license=None, license_name=None, base_model_relation="adapter") == expected


@pytest.mark.parametrize(
    ("card", "after"),
    [
        ("# Title\n", "---\nlicense: mit\n---\n# Title\n"),
        ("", "---\nlicense: mit\n---\n"),
        ("---\n---\ntext", "---\nlicense: mit\n---\ntext"),
        ("---\n# only this\n---\n", "---\n# only this\nlicense: mit\n---\n"),
        ("\ufeff---\nlicense: x\n---\n", "\ufeff---\nlicense: mit\n---\n"),
        ("---\r\nlicense: x\r\ntags:\r\n- a\r\n---\r\nhey", "---\r\nlicense: mit\r\ntags:\r\n- a\r\n---\r\nhey"),
        ("---\r\ntags:\r\n- a\r\n---\r\nhey", "---\r\ntags:\r\n- a\r\nlicense: mit\r\n---\r\nhey"),
        ("---\nlicense:\ntags: a\n---\n", "---\nlicense: mit\ntags: a\n---\n"),
        ("---\nlicense: >\n  some\n  words\ntags: a\n---\n", "---\nlicense: mit\ntags: a\n---\n"),
        ("---\nlicense: 'x'\n'tags': a\n---\n", "---\nlicense: mit\n'tags': a\n---\n"),
        (f"---\nlicense: x\n{LAUGHS}---\n", f"---\nlicense: mit\n{LAUGHS}---\n"),
        (f"---\nlicense: x\n{MERGES}---\n", f"---\nlicense: mit\n{MERGES}---\n"),
    ],
)
def test_cards_of_every_shape(card: str, after: str) -> None:
    assert changed(card, license="mit") == after


@pytest.mark.parametrize(
    ("card", "why"),
    [
        ("---\nlicense: x\n", "has no end"),
        ("---\n{license: x, tags: y}\n---\n", "one a line"),
        ("---\n- a\n---\n", "one a line"),
        ("---\na: [\n---\n", "no YAML"),
        ("---\nother: &o {license: x}\n<<: *o\n---\n", "words"),
        ("---\nlicense: &l x\nother: *l\n---\n", "no YAML"),
        ("---\nlicense: x\nlicense: y\nlicense: z\n? [a]\n: b\n---\n", "by hand"),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(card: str, why: str) -> None:
    with pytest.raises(FrontMatterError, match=why):
        changed(card, license="mit")


def test_a_text_that_yaml_would_read_otherwise_is_quoted() -> None:
    assert block({"license_name": "no", "license": None}) == "license_name: 'no'\n"
    card = changed("---\na: b\n---\n", license_name="null", license_link="a: b # c")
    assert read(card) == {"a": "b", "license_name": "null", "license_link": "a: b # c"}


def read(card: str) -> Any:
    return yaml.safe_load(card.split("---\n")[1])


FIELDS = ("license", "base_model", "tags", "language", "model-index")
VALUES = st.one_of(
    st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Z")), max_size=12),
    st.lists(st.sampled_from(["a/b", "c/d", "#x", "- y", "no"]), min_size=1, max_size=3),
)
WANTED = st.dictionaries(
    st.sampled_from(["license", "base_model", "license_name"]),
    st.one_of(st.none(), VALUES.filter(bool)),
)


@given(st.dictionaries(st.sampled_from(FIELDS), VALUES), WANTED, st.booleans())
def test_all_else_reads_as_before(fields: dict[str, Any], wanted: Mapping[str, Value], flow: bool) -> None:
    lists = None if flow else False
    text = "".join(
        yaml.safe_dump({name: value}, default_flow_style=lists if isinstance(value, list) else False)
        for name, value in fields.items()
    )
    after = with_fields(f"---\n{text}---\nbody\n", wanted)
    found = yaml.safe_load(after.removeprefix("---\n").rpartition("---\nbody\n")[0]) or {}
    expected = {**fields, **{name: value for name, value in wanted.items() if value is not None}}
    for name, value in wanted.items():
        if value is None:
            expected.pop(name, None)
    assert found == expected
