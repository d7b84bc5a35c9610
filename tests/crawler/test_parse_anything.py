"""Properties of the reading: whatever a row holds, it is a record or a reason, and what is kept can be stored."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.parse import parse
from registry.records import ModelRecord

_CURIOUS = [
    "me/M",
    "ME/m",
    "Qwen/Base",
    "./x",
    "C:\\m",
    "https://huggingface.co/Qwen/Base",
    "a,b",
    "license:mit",
    "2025-01-01",
    "base_model:Qwen/Base",
    "base_model:finetune:Qwen/Base",
    "base_model:merge:",
    "\ud800\x00",
    '{"license": 1}',
    "[[",
]
_TEXT = st.text(st.characters(), max_size=12) | st.sampled_from(_CURIOUS)
_SCALAR = st.none() | st.booleans() | st.integers() | st.integers(-(10**30), 10**30) | st.floats() | _TEXT
_JSON = st.recursive(_SCALAR, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXT, inner, max_size=4))


def _object(*fields: str, **special: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with any of these fields, each of any JSON or, mostly, of its own kind."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(fields, _JSON) | special)


_CARD = _object(*"base_model base_model_relation license license_name license_link new_version pipeline_tag".split())
_ROW = st.builds(
    lambda id, row: {"id": id} | row,
    st.sampled_from(["me/M", "gpt2"]) | _JSON,
    _object(
        *"_id modelId author createdAt lastModified downloads likes sha".split(),
        *"pipeline_tag library_name gated private disabled baseModels".split(),
        tags=st.lists(_TEXT | _SCALAR, max_size=6) | _JSON,
        cardData=_CARD | _JSON,
        observation=_object("source", "seen", "gone") | _JSON,
    ),
)


def texts_in(value: object) -> list[str]:
    """All texts that a record or a defect holds."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, tuple):
        return [text for item in value for text in texts_in(item)]
    if hasattr(value, "__dataclass_fields__"):
        return [text for name in value.__dataclass_fields__ for text in texts_in(getattr(value, name))]
    return []


@settings(max_examples=400)
@given(_ROW | _JSON)
def test_parse_never_raises_and_answers_with_storable_text(row: Any) -> None:
    before = repr(row)
    found, loose = parse(row)
    assert (found is None) == bool(loose)
    for text in texts_in(found) + texts_in(loose):
        assert "\x00" not in text
        text.encode("utf-8")
    assert repr(row) == before
    assert parse(copy.deepcopy(row)) == (found, loose)


@settings(max_examples=200)
@given(_ROW)
def test_counts_and_flags_are_of_their_type(row: Any) -> None:
    found, _ = parse(row)
    if found is not None:
        assert all(n is None or (type(n) is int and 0 <= n < 2**63) for n in (found.downloads, found.likes))
        assert all(flag in (None, True, False) for flag in (found.private, found.disabled))
        assert found.gated in (None, "true", "false", "auto", "manual")
        assert all(t is None or (len(t) == 20 and t[10] == "T" and t[-1] == "Z") for t in times(found))


def times(found: ModelRecord) -> list[str | None]:
    return [found.created_at, found.last_modified, found.seen]
