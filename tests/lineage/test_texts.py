"""Licence texts: recognised by what they share with known ones, else by their title; never taken for a neighbour."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage.licenses.catalogue import catalogue
from lineage.licenses.texts import Template, _templates, _titles, compared, recognise, shingles
from tests.lineage.calls import CHECKOUT

APACHE = (CHECKOUT / "LICENSE").read_text(encoding="utf-8")
MIT = """MIT License

Copyright (c) 2024 Somebody Else

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
"""
#: Words of a made-up agreement; two versions of it differ by one word in forty.
LONG = " ".join(f"word{n} clause{n} of{n} the{n} agreement{n}" for n in range(200))
NEIGHBOUR = " ".join(f"{word}x" if n % 100 == 50 else word for n, word in enumerate(LONG.split()))
KNOWN = (Template("one", shingles(LONG)), Template("two", shingles(NEIGHBOUR)))


def test_every_fingerprint_and_title_is_of_a_licence_that_is_known() -> None:
    ids = {template.license for template in _templates()} | set(_titles().values())
    assert len(_templates()) >= 70
    assert ids <= catalogue().licenses.keys()


def test_words_are_hashed_as_documented() -> None:
    """blake2b of "a b c d e", 8 bytes, little-endian; computed apart from the product."""
    assert shingles("A b,  c\nD E") == {0x52FB4EBB0F41A843}
    assert shingles("a b c d") == frozenset()
    assert len(shingles("a b c d e f")) == 2


@pytest.mark.parametrize(
    "text",
    [
        MIT,
        MIT.replace("MIT License\n\n", ""),
        MIT.replace(
            "Copyright (c) 2024 Somebody Else", "Copyright 2020-2024 A <a@b.c>\nCopyright © 2019 B\nCopyright by C"
        ),
        MIT.replace("\n", " ").replace("  ", " ").upper(),
        f"---\nlicense: mit\ntags: [a]\n---\n{MIT}",
        MIT.replace("\n", "\r\n"),
    ],
    ids=["plain", "no title", "holders", "one line", "card header", "crlf"],
)
def test_an_mit_file_is_recognised_whoever_holds_it(text: str) -> None:
    found = recognise(text)
    assert (found.license, found.by) == ("mit", "text")


def test_apache_is_recognised_with_a_filled_in_appendix_and_without_it() -> None:
    filled = APACHE.replace("[yyyy] [name of copyright owner]", "2025 The Makers")
    assert recognise(APACHE).license == recognise(filled).license == "apache-2.0"
    assert recognise(APACHE[: APACHE.index("APPENDIX")]).license == "apache-2.0"


def test_two_licences_in_one_file_are_neither() -> None:
    found = recognise(f"{APACHE}\n\n{MIT * 3}")
    assert found.license is None
    assert found.near == "apache-2.0"
    assert found.of_template >= 0.98 > 0.95 > found.of_text
    twice = recognise(f"{MIT}\n{LONG}")
    assert (twice.license, twice.near) == (None, "mit")


def test_a_text_with_a_part_left_out_is_near() -> None:
    found = recognise(MIT[: MIT.index("THE SOFTWARE IS")])
    assert (found.license, found.near) == (None, "mit")
    assert found.of_text > 0.9 > found.of_template


def test_neighbours_are_told_apart() -> None:
    assert compared(LONG, KNOWN, {}).license == "one"
    assert compared(NEIGHBOUR, KNOWN, {}).license == "two"
    both = compared(LONG, KNOWN, {})
    assert both.of_template == both.of_text == 1.0


def test_what_lies_between_two_neighbours_is_neither() -> None:
    words, changed = LONG.split(), NEIGHBOUR.split()
    between = " ".join(words[: len(words) // 2] + changed[len(words) // 2 :])
    found = compared(between, KNOWN, {})
    assert found.license is None
    assert found.near in {"one", "two"}


@pytest.mark.parametrize(("kept", "recognised"), [(0.985, True), (0.97, False)])
def test_so_much_of_the_template_has_to_be_there(kept: float, recognised: bool) -> None:
    words = LONG.split()
    cut = " ".join(words[: int(len(words) * kept)])
    assert (compared(cut, KNOWN[:1], {}).license == "one") is recognised


@pytest.mark.parametrize(("added", "recognised"), [(0.04, True), (0.07, False)])
def test_so_much_may_be_added(added: float, recognised: bool) -> None:
    more = " ".join(f"more{n}" for n in range(int(1000 * added)))
    assert (compared(f"{LONG} {more}", KNOWN[:1], {}).license == "one") is recognised


@pytest.mark.parametrize(
    ("text", "license"),
    [
        ("TII Falcon LLM License Version 1.0, May 2023. Commercial use needs an application.", "falcon"),
        (
            "Qwen RESEARCH LICENSE AGREEMENT\n\nQwen RESEARCH LICENSE AGREEMENT Release Date: September 19, 2024",
            "qwen-research",
        ),
        ("# LLAMA 3.1 COMMUNITY LICENSE AGREEMENT\nLlama 3.1 Version Release Date: July 23, 2024", "llama3.1"),
        ("META LLAMA 3 COMMUNITY LICENSE AGREEMENT", "llama3"),
        ("LLAMA 4 COMMUNITY LICENSE AGREEMENT", "llama4"),
        ("Tongyi Qianwen RESEARCH LICENSE AGREEMENT", "tongyi-qianwen-research"),
    ],
)
def test_a_short_text_is_recognised_by_its_title(text: str, license: str) -> None:
    found = recognise(text)
    assert (found.license, found.by) == (license, "title")


@pytest.mark.parametrize(
    "text",
    [
        "This model is released under the Apache License 2.0.",
        "The LLAMA 3.1 COMMUNITY LICENSE AGREEMENT applies.",
        "LLAMA 3 COMMUNITY LICENSE",
        "Apache",
        "",
        "\x00\ud800\U0010ffff",
    ],
)
def test_a_sentence_is_no_title(text: str) -> None:
    assert recognise(text).license is None


def test_a_long_text_of_another_content_is_not_what_its_title_says() -> None:
    """Where the template is known, a whole text would have been recognised by it."""
    assert recognise(f"MIT License\n\n{LONG}").license is None
    assert recognise(f"Qwen RESEARCH LICENSE AGREEMENT\n\n{LONG}").license == "qwen-research"  # no template is known


@given(st.text() | st.text(alphabet="-\n abc()©").map(lambda text: f"---\n{text}"))
def test_any_text_is_compared(text: str) -> None:
    found = recognise(text)
    assert 0.0 <= found.of_template <= 1.0
    assert 0.0 <= found.of_text <= 1.0


def test_a_huge_text_takes_no_long_time() -> None:
    start = time.monotonic()
    more = " ".join(f"x{n}" for n in range(500_000))
    assert recognise(f"{MIT}{more}").license is None
    assert recognise("(" * 1_000_000 + "copyright" * 100_000).license is None
    assert time.monotonic() - start < 5
