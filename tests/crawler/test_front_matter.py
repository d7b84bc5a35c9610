"""Front matter, YAML and JSON: plain values or a reason, of anything, and within limits."""

import io
import json
import os
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.headers import JSON_LIMIT, YAML_LIMIT, Header, front_matter, read_json, read_yaml
from tests.crawler.folders import CARD, check, peak_of, reason, sparse


def of_readme(data: bytes | str) -> Header:
    return front_matter(io.BytesIO(data.encode() if isinstance(data, str) else data))


def test_front_matter() -> None:
    expected = {
        "base_model": "Qwen/Qwen3-8B",
        "library_name": "peft",
        "license": "apache-2.0",
        "date": "2025-04-27",
        "tags": ["base_model:adapter:Qwen/Qwen3-8B", "lora"],
    }
    for written in (CARD, CARD.replace("\n", "\r\n"), "\ufeff" + CARD, "\n\n" + CARD, CARD.replace("---\n", "--- \n")):
        assert of_readme(written) == Header(expected)


@pytest.mark.parametrize("text", ["", "# A card", "--- not at all", "text\n---\na: 1\n---\n", "\0" * 99])
def test_a_readme_without_front_matter(text: str) -> None:
    assert of_readme(text) == Header(None)


def test_empty_front_matter_is_a_card_that_says_nothing() -> None:
    assert of_readme("---\n---\n") == of_readme("---\n# nothing\n---\n") == Header({})


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("2024-01-31", "2024-01-31"),
        ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
        ("1:30", "1:30"),
        ("0x1F", "0x1F"),
        ("12", 12),
        ("-7", -7),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        (".nan", ".nan"),
        ("1e999", "1e999"),
        ("9" * 30, "9" * 30),
        ("true", True),
        ("~", None),
        ("", None),
        ("!!binary aGk=", "aGk="),
        ("!!python/object/apply:os.system [echo]", ["echo"]),
        ("!!set {a, b}", {"a": None, "b": None}),
        ("{1: a, true: b, ~: c, [x]: d, 1.5: e}", {"1": "a", "true": "b", "~": "c", "1.5": "e"}),
        ("{a: 1, a: 2}", {"a": 2}),
        ("&x [1, *x]", None),
        ("[&x {a: 1}, *x, *x]", [{"a": 1}] * 3),
    ],
)
def test_values_are_plain(written: str, value: Any) -> None:
    header = of_readme(f"---\nv: {written}\n---\n")
    if "*x]" in written and "&x [" in written:
        assert "of itself" in reason(header)
        return
    assert header == Header({"v": value})
    json.dumps(header.values, allow_nan=False)


def test_merge_keys_are_names_like_others() -> None:
    assert of_readme("---\na: &a {x: 1}\nb: {<<: *a, y: 2}\n---\n").values == {
        "a": {"x": 1},
        "b": {"<<": {"x": 1}, "y": 2},
    }


def laughs(levels: int, merge: bool = False) -> str:
    """Each level names the one before nine times (https://en.wikipedia.org/wiki/Billion_laughs)."""
    lines = ["a0: &a0 {k: lol}" if merge else "a0: &a0 [lol, lol]"]
    for n in range(1, levels):
        names = ", ".join([f"*a{n - 1}"] * 9)
        lines.append(f"a{n}: &a{n} {{<<: [{names}], k{n}: 1}}" if merge else f"a{n}: &a{n} [{names}]")
    return "---\n" + "\n".join(lines) + "\n---\n"


def stairs(levels: int) -> str:
    """Each line holds the one before it, thirty lists deeper."""
    lines = [f"a{n}: &a{n} {'[' * 30}{f'*a{n - 1}' if n else 'x'}{']' * 30}" for n in range(levels)]
    return "---\n" + "\n".join(lines) + "\n---\n"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (stairs(2), "nested deeper"),
        (stairs(100), "nested deeper"),
        (laughs(9), "over 100,000 values"),
        (laughs(60), "over 100,000 values"),
        (laughs(30, merge=True), "over 100,000 values"),
        ("---\na: &a " + "x" * 500_000 + "\nb: [" + ", ".join(["*a"] * 50_000) + "]\n---\n", "over 100,000 values"),
        ("---\na: " + "[" * 100 + "\n---\n", "nested deeper"),
        ("---\na: " + "[" * 100_000 + "\n---\n", ""),  # libyaml may have refused it by then
        ("---\na: " + "{b: " * 100_000 + "\n---\n", "nested deeper"),
        ("---\n" + "\n".join(" " * n + "a:" for n in range(1_000)) + "\n---\n", "nested deeper"),
        ("---\n" + "- " * 100_000 + "\n---\n", "nested deeper"),
        ("---\n[" + "a, " * 150_000 + "]\n---\n", "over 100,000 values"),
        ("---\na: *nowhere\n---\n", "of what is not there"),
        ("---\na: [1\n---\n", "no YAML (line"),
        ("---\na: b: c\n---\n", "no YAML (line 1)"),
        ("---\na: \x07\n---\n", "no YAML"),
        ("---\na: 1\n", "has no end"),
        ("---\na: 1\n" + "#" * YAML_LIMIT + "\n---\n", "has no end in its first 1,000,000 bytes"),
    ],
)
def test_front_matter_that_is_none(written: str, said: str) -> None:
    begun = time.perf_counter()
    tracemalloc.start()
    header = of_readme(written)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said in reason(header)
    assert header.values is None
    assert peak < 60_000_000
    assert time.perf_counter() - begun < 10


@pytest.mark.parametrize("written", ["- a\n- b", "just text", "12"])
def test_a_card_that_is_no_mapping(written: str) -> None:
    assert "no mapping" in reason(of_readme(f"---\n{written}\n---\n"), "bad-type")


def test_a_readme_that_is_no_utf8_is_read_all_the_same() -> None:
    header = of_readme("---\nlicense: mit\nauthor: Zo\xeb\n---\n".encode("latin-1"))
    assert header.values == {"license": "mit", "author": "Zo\ufffd"}
    assert "not text" in reason(header, "unstorable-text")
    assert of_readme(CARD.encode("utf-16")) == Header(None)


@pytest.mark.parametrize("start", [b"", b"---\n", b"---\nlicense: mit\n---\n", b"---\nlicense: "])
def test_of_a_readme_of_5_gb_the_front_matter_is_read(tmp_path: Path, start: bytes) -> None:
    path = sparse(tmp_path / "README.md", start, 5 * 10**9)
    header, peak = peak_of(front_matter, path)
    assert peak < 20_000_000
    assert header.values == ({"license": "mit"} if start.endswith(b"---\n") and len(start) > 4 else None)
    os.truncate(path, 0)


def test_it_works_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(yaml, "CSafeLoader")
    assert (of_readme(CARD).values or {})["base_model"] == "Qwen/Qwen3-8B"
    assert "nested deeper" in reason(of_readme("---\na: " + "[" * 100_000 + "\n---\n"))
    assert "over 100,000" in reason(of_readme(laughs(30)))


def test_whole_yaml_files() -> None:
    assert read_yaml(io.BytesIO(b"a: 1\n")) == Header({"a": 1})
    assert "several documents" in reason(read_yaml(io.BytesIO(b"a: 1\n---\nb: 2\n")))
    assert f"over the {YAML_LIMIT:,} bytes" in reason(read_yaml(io.BytesIO(b"a: 1\n" + b"#" * YAML_LIMIT)))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"[" * 100_000, "bad-json"),
        (b'{"a":' * 100_000, "bad-json"),
        (b"", "bad-json"),
        (b"\x80\2}q\0.", "bad-json"),
        (b'{"n": ' + b"9" * 5_000 + b"}", "bad-json"),
        (b"[1]", "not-an-object"),
        (b"{}" + b" " * JSON_LIMIT, "broken-file"),
    ],
)
def test_json_that_is_none(data: bytes, kind: str) -> None:
    reason(read_json(io.BytesIO(data)), kind)


def test_json() -> None:
    assert read_json(io.BytesIO(b'\xef\xbb\xbf{"a": [1]}')) == Header({"a": [1]})


_YAML = st.sampled_from(
    ["---\n", "a: ", "&x ", "*x", "[", "]", "{", "}", "- ", "\n", "? ", "!!set ", "|\n", "'", "<<: "]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_YAML | st.text(max_size=8), max_size=30).map("".join))
def test_any_text_is_read_as_front_matter_and_json(written: str) -> None:
    data = written.encode("utf-8", "surrogatepass")
    for found in (of_readme(b"---\n" + data + b"\n---\n"), read_yaml(io.BytesIO(data)), read_json(io.BytesIO(data))):
        check(found)
