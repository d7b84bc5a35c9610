"""Heads of files, of kind people and of others: what can be read is, nothing is raised, and little is held."""

import io
import struct
import time
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crawler.headers import (
    HEADER_LIMIT,
    Header,
    front_matter,
    read_gguf,
    read_safetensors,
)
from tests.crawler.folders import (
    QWEN_GGUF,
    check,
    gguf,
    gguf_of,
    pair,
    peak_of,
    reason,
    safetensors,
    sparse,
    text,
    typed,
)

HUGE = 2**60


def of_gguf(data: bytes) -> Header:
    return read_gguf(io.BytesIO(data), len(data))


def of_safetensors(data: bytes) -> Header:
    return read_safetensors(io.BytesIO(data), len(data))


def of_readme(data: bytes | str) -> Header:
    return front_matter(io.BytesIO(data.encode() if isinstance(data, str) else data))


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


_PIECE = st.binary(max_size=40) | st.sampled_from(
    [b"GGUF\3\0\0\0", FIRST, struct.pack("<Q", 3), struct.pack("<IQ", 8, 2), struct.pack("<IIQ", 9, 9, 2), bytes(16)]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECE, max_size=12).map(b"".join), st.sampled_from([b"", gguf_of(3, FIRST), b"GGUF\3\0\0\0", b"GGUF"]))
def test_any_bytes_are_read_by_every_reader(data: bytes, start: bytes) -> None:
    for found in (of_gguf(start + data), of_safetensors(start + data), of_safetensors(packed(data)), of_readme(data)):
        check(found)
