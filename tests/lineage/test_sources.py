"""Sources of facts as links: to what was read, at the commit at which it was read."""

import time

import pytest

from lineage.licenses.catalogue import catalogue
from lineage.licenses.sources import link_of


@pytest.mark.parametrize(
    ("source", "link"),
    [
        ("a/b@053a651 (2026-02-24) docs/x.LICENSE", "https://github.com/a/b/blob/053a651/docs/x.LICENSE"),
        ("github:a/b@053a651 (2026-02-24) A B/LICENSE (1.2-NC)", "https://github.com/a/b/blob/053a651/A%20B/LICENSE"),
        ("github:a/b@053a651 (2024-11-27) L.txt at 90fe567 (2023)", "https://github.com/a/b/blob/90fe567/L.txt"),
        ("github:a/b@053a651 x.csv, row c/D (read)", "https://github.com/a/b/blob/053a651/x.csv"),
        ("excerpt: https://x.example/a (2026), and https://y.example", "https://x.example/a"),
        ("see https://x.example/a", None),
        ("a README at fe4c2eb (2025-02-07)", None),
        ("http://x.example", None),
        ("javascript:alert(1)", None),
        ("not seen", None),
    ],
)
def test_a_source_leads_to_what_it_names(source: str, link: str | None) -> None:
    assert link_of(source) == link


def test_all_sources_but_those_that_name_no_place_are_links() -> None:
    sources = {fact.source for license in catalogue().licenses.values() for fact in license.facts}
    bare = {source for source in sources if link_of(source) is None}
    assert all("@" not in source and "https://" not in source for source in bare)
    assert len(bare) < len(sources) / 6


@pytest.mark.parametrize("piece", ["a", "a/b@053a651 ", "(x", " at 053a651", ", ", "https://"])
def test_long_texts_take_no_time(piece: str) -> None:
    began = time.process_time()
    link_of("a/b@053a651 " + piece * 20_000 + "\n")
    assert time.process_time() - began < 1
