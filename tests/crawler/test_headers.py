"""Heads of files, of kind people and of others: what can be read is, nothing is raised, and little is held."""

import io
import json
import os
import struct
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.headers import (
    HEADER_LIMIT,
    JSON_LIMIT,
    YAML_LIMIT,
    Header,
    front_matter,
    read_gguf,
    read_json,
    read_safetensors,
    read_yaml,
)
from registry.records import DEFECT_KINDS
from tests.crawler.folders import CARD, QWEN_GGUF, gguf, gguf_of, pair, safetensors, text, typed

HUGE = 2**60


def of_gguf(data: bytes) -> Header:
    return read_gguf(io.BytesIO(data), len(data))


def of_safetensors(data: bytes) -> Header:
    return read_safetensors(io.BytesIO(data), len(data))


def of_readme(data: bytes | str) -> Header:
    return front_matter(io.BytesIO(data.encode() if isinstance(data, str) else data))


def reason(header: Header, kind: str = "broken-file") -> str:
    assert header.defect is not None
    assert header.defect[0] == kind
    return header.defect[1]


def sparse(path: Path, start: bytes, size: int) -> Path:
    with path.open("wb") as file:
        file.write(start)
        file.truncate(size)
    return path


def peak_of(read: Callable[[BinaryIO], Header], path: Path) -> tuple[Header, int]:
    """What a reader says of a file, and the most bytes that it held meanwhile."""
    with path.open("rb") as file:
        tracemalloc.start()
        try:
            return read(file), tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()


# GGUF


@pytest.mark.parametrize(("order", "version"), [("<", 3), (">", 3), ("<", 2)])
def test_the_keys_of_a_gguf_file(order: str, version: int) -> None:
    header = of_gguf(gguf(QWEN_GGUF, order, version))
    assert header.defect is None
    assert header.values == {
        key: QWEN_GGUF[key]
        for key in (
            "general.architecture",
            "general.type",
            "general.license",
            "general.quantized_by",
            "general.base_model.0.name",
            "general.base_model.0.organization",
            "general.base_model.0.repo_url",
            "general.file_type",
        )
    }


def test_every_type_of_number_is_passed_over_or_read() -> None:
    kinds = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
    numbers = b"".join(pair(f"x.{kind}", struct.pack(f"<I{letter}", kind, 1)) for kind, letter in kinds.items())
    arrays = b"".join(pair(f"y.{k}", struct.pack(f"<IIQ3{x}", 9, k, 3, 1, 0, 1)) for k, x in kinds.items())
    last = pair("general.file_type", struct.pack("<IQ", 10, 7))
    assert of_gguf(gguf_of(23, numbers + arrays + last)) == Header({"general.file_type": 7})


def test_nested_arrays_are_passed_over_to_a_depth() -> None:
    inner = struct.pack("<IQ", 4, 2) + struct.pack("<II", 1, 2)
    for depth in (1, 6, 7, 1_000):
        nested = inner
        for _ in range(depth):
            nested = struct.pack("<IQ", 9, 1) + nested
        data = pair("a", struct.pack("<I", 9) + nested) + pair("general.license", typed("mit"))
        header = of_gguf(gguf_of(2, data))
        if depth < 8:
            assert header == Header({"general.license": "mit"})
        else:
            assert "nested too deep" in reason(header)


FIRST = pair("general.license", typed("mit"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (gguf_of(HUGE, FIRST), "claims 1,152,921,504,606,846,976 keys"),
        (gguf_of(2**64 - 1, FIRST), "keys"),
        (gguf_of(1, FIRST, tensors=HUGE), "tensors"),
        (gguf_of(2, FIRST + struct.pack("<Q", HUGE) + b"x" * 99), "claims a key of"),
        (gguf_of(2, FIRST + text("k") + struct.pack("<IQ", 8, HUGE) + b"x" * 99), "wants 1,152,921,504,606,846,976"),
        (gguf_of(2, FIRST + text("k") + struct.pack("<IIQ", 9, 8, HUGE) + b"x" * 99), "elements"),
        (gguf_of(2, FIRST + text("k") + struct.pack("<IIQ", 9, 9, HUGE) + b"x" * 99), "elements"),
        (gguf_of(2, FIRST + text("k") + struct.pack("<IIQ", 9, 0, HUGE) + b"x" * 99), "elements"),
        (gguf_of(2, FIRST + text("k") + struct.pack("<IIQq", 9, 8, 1, -1) + b"x" * 99), "wants"),
        (gguf_of(2, FIRST + text("k") + struct.pack("<I", 99) + b"x" * 99), "no known type (99)"),
        (gguf_of(2, FIRST + text("k") + struct.pack("<IIQ", 9, 99, 1) + b"x" * 99), "no known type (99)"),
        (gguf_of(1, FIRST, version=1), "version 1"),
        (gguf_of(1, FIRST, version=77), "version 77"),
        (b"GGUF", "no GGUF file"),
        (b"", "no GGUF file"),
        (b"PK\3\4" + b"\0" * 99, "no GGUF file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
    ],
)
def test_what_a_gguf_file_claims_is_checked_before_it_is_believed(data: bytes, said: str) -> None:
    begun = time.perf_counter()
    tracemalloc.start()
    header = of_gguf(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert said in reason(header)
    assert header.values in ({}, {"general.license": "mit"})
    assert peak < 200_000
    assert time.perf_counter() - begun < 2


def test_what_came_before_a_break_is_kept() -> None:
    whole = gguf(QWEN_GGUF, tensors=b"")
    for cut in range(len(whole)):
        header = of_gguf(whole[:cut])
        reason(header)
        assert (header.values or {}).items() <= QWEN_GGUF.items()
    assert of_gguf(whole).defect is None
    late = gguf_of(2, FIRST + text("k") + struct.pack("<IQ", 8, HUGE))
    assert of_gguf(late).values == {"general.license": "mit"}


def test_a_large_vocabulary_is_neither_held_nor_slow(tmp_path: Path) -> None:
    tokens = [f"token{n}" for n in range(100_000)]
    (tmp_path / "x.gguf").write_bytes(gguf({"tokenizer.ggml.tokens": tokens, "general.file_type": 15}))
    size = (tmp_path / "x.gguf").stat().st_size
    header, peak = peak_of(lambda file: read_gguf(file, size), tmp_path / "x.gguf")
    assert header == Header({"general.file_type": 15})
    assert peak < 1_000_000


def test_a_gguf_header_without_end_is_left_at_its_limit(tmp_path: Path) -> None:
    claims = gguf_of(2, FIRST + text("k") + struct.pack("<IIQ", 9, 0, 2**32))
    path = sparse(tmp_path / "x.gguf", claims, 5 * 10**9)
    header, peak = peak_of(lambda file: read_gguf(file, 5 * 10**9), path)
    assert f"over {HEADER_LIMIT:,} bytes" in reason(header)
    assert header.values == {"general.license": "mit"}
    assert peak < 1_000_000


def test_a_text_of_a_gguf_file_is_read_to_a_limit_and_storable() -> None:
    data = pair("general.license", struct.pack("<I", 8) + text(b"\xff\0" + b"x" * 10**6))
    header = of_gguf(gguf_of(2, data + pair("general.type", typed("model"))))
    assert header.values is not None
    assert header.values["general.license"].startswith("\ufffd\ufffdx")
    assert len(header.values["general.license"]) <= 64 * 1024
    assert header.values["general.type"] == "model"


# safetensors


def test_the_metadata_of_safetensors() -> None:
    assert of_safetensors(safetensors({"format": "pt", "n": 1, "x": "\ud800"})) == Header(
        {"format": "pt", "x": "\ufffd"}
    )
    assert of_safetensors(safetensors(None)) == Header({})


def packed(header: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "too short"),
        (b"\1\0\0", "too short"),
        (struct.pack("<Q", HUGE) + b"{}", "claims a header of 1,152,921,504,606,846,976 bytes, and has 2"),
        (struct.pack("<Q", 2**64 - 1) + b"{}", "claims"),
        (safetensors({"format": "pt"})[:40], "claims"),
        (packed(b""), "no JSON"),
        (packed(b"\x80\2}q\0."), "no JSON"),
        (packed(b"[" * 100_000), "no JSON"),
        (packed(b'{"__metadata__": ' + b'{"a": ' * 100_000), "no JSON"),
        (packed(b'{"n": ' + b"9" * 5_000 + b"}"), "no JSON"),
        (packed(b"\xff\xfe{}"), "no JSON"),
        (packed(b"[]"), "no JSON object"),
        (packed(b'{"__metadata__": [1]}'), "no JSON object"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "git lfs pull"),
    ],
)
def test_safetensors_that_are_none(data: bytes, said: str) -> None:
    header = of_safetensors(data)
    assert said in reason(header)
    assert header.values is None


@pytest.mark.parametrize(("length", "said"), [(HEADER_LIMIT + 1, "are read at most"), (10**8 + 1, "the format allows")])
def test_a_long_header_is_not_read(tmp_path: Path, length: int, said: str) -> None:
    path = sparse(tmp_path / "x.safetensors", struct.pack("<Q", length) + b"{", 5 * 10**9)
    header, peak = peak_of(lambda file: read_safetensors(file, 5 * 10**9), path)
    assert said in reason(header)
    assert peak < 100_000


# Front matter and YAML


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


@pytest.mark.parametrize(
    ("written", "said"),
    [
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


# Anything


_PIECE = st.binary(max_size=40) | st.sampled_from(
    [b"GGUF\3\0\0\0", FIRST, struct.pack("<Q", 3), struct.pack("<IQ", 8, 2), struct.pack("<IIQ", 9, 9, 2), bytes(16)]
)
_YAML = st.sampled_from(
    ["---\n", "a: ", "&x ", "*x", "[", "]", "{", "}", "- ", "\n", "? ", "!!set ", "|\n", "'", "<<: "]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECE, max_size=12).map(b"".join), st.sampled_from([b"", gguf_of(3, FIRST), b"GGUF\3\0\0\0", b"GGUF"]))
def test_any_bytes_are_read_by_every_reader(data: bytes, start: bytes) -> None:
    for found in (of_gguf(start + data), of_safetensors(start + data), of_safetensors(packed(data)), of_readme(data)):
        check(found)


@settings(max_examples=150, deadline=None)
@given(st.lists(_YAML | st.text(max_size=8), max_size=30).map("".join))
def test_any_text_is_read_as_front_matter_and_json(written: str) -> None:
    data = written.encode("utf-8", "surrogatepass")
    for found in (of_readme(b"---\n" + data + b"\n---\n"), read_yaml(io.BytesIO(data)), read_json(io.BytesIO(data))):
        check(found)


def check(header: Header) -> None:
    json.dumps(header.values)
    if header.defect:
        kind, said = header.defect
        assert kind in DEFECT_KINDS
        assert "\n" not in said
