"""Recognise the licence in a file's text, by what it shares with known texts, else by its title.

A text is compared as the set of its runs of five words, hashed; license_fingerprints.jsonl holds such sets of known
texts. Real files differ from a template by title, copyright lines and a left-out appendix, so both containments
count: how much of the template is in the text, and how much of the text is in the template.
"""

import base64
import json
import re
import tomllib
import unicodedata
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b
from importlib.resources import files

#: A text is recognised when so much of a template is in it, and so much of it in the template: the licence files of
#: installed Python packages lie above (MIT: 1.0 and 1.0 without title and copyright lines), the nearest different pair
#: of templates (creativeml-openrail-m, openrail++: Jaccard 0.971) shares 0.985, so the better of two has to lead.
_OF_TEMPLATE, _OF_TEXT, _LEAD = 0.98, 0.95, 0.01
#: Less than this in common is not worth a word: unrelated vendors' agreements share up to 0.4, versions of one 0.85.
_NEAR = 0.5
#: A text of fewer words is no whole licence but the shortest ones (wtfpl: 79); its title may say what it stands for.
_SHORT = 75
_LONGEST = 200_000
_RUN = 5
_WORD = re.compile(r"[^\W_]+")
_COPYRIGHT = re.compile(
    r"\W*(?:portions\s+)?(?:copyright\b\W*(?:\(c\)|©|\d|<|\[|\{|by\b)|\(c\)|©|all rights reserved\W*$)", re.I
)


@dataclass(frozen=True, slots=True)
class Recognition:
    """What a text was recognised as: the id of a licence, `by` its "text" or its "title"; else None, and the licence
    that it is `near`, if any. `of_template` of the nearest template is in the text, and `of_text` of the text in the
    template (0 to 1)."""

    license: str | None
    by: str | None = None
    near: str | None = None
    of_template: float = 0.0
    of_text: float = 0.0


@dataclass(frozen=True, slots=True)
class Template:
    """A known text: its licence, and the hashes of its runs of words."""

    license: str
    shingles: frozenset[int]


def recognise(text: str) -> Recognition:
    """Recognise a licence text; no more than its first 200,000 characters are looked at."""
    return compared(text, _templates(), _titles())


def compared(text: str, templates: Sequence[Template], titles: Mapping[tuple[str, ...], str]) -> Recognition:
    """Recognise a text among these templates and titles (the words of a heading's beginning → licence)."""
    lines = _body(text[:_LONGEST])
    found = max((_nearest(version, templates) for version in _versions(lines)), key=_sureness)
    title = _titled(lines, titles)
    if found.license is None and title is not None and _may_be(title, lines, templates):
        return Recognition(title, "title", found.near, found.of_template, found.of_text)
    return found


def shingles(text: str) -> frozenset[int]:
    """The hashes of a text's runs of five words: blake2b, 8 bytes, little-endian."""
    words = _words(text)
    runs = (" ".join(words[n : n + _RUN]) for n in range(len(words) - _RUN + 1))
    return frozenset(int.from_bytes(blake2b(run.encode(), digest_size=8).digest(), "little") for run in runs)


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold().replace("\ud800", " "))


def _body(text: str) -> list[str]:
    """The lines that say anything, without a card's YAML header."""
    lines = text.splitlines()
    if lines and lines[0].strip() == "---":
        end = next((n for n, line in enumerate(lines[1:], 1) if line.strip() == "---"), 0)
        lines = lines[end + 1 :]
    return [line for line in lines if line.strip()]


def _versions(lines: list[str]) -> Iterable[str]:
    """The text as it is, without copyright lines, and without a title too."""
    yield "\n".join(lines)
    bare = [line for line in lines if not _COPYRIGHT.match(line)]
    yield "\n".join(bare)
    yield "\n".join(bare[1:])


def _nearest(text: str, templates: Sequence[Template]) -> Recognition:
    """The licence whose template the text shares most with, if it leads."""
    mine = shingles(text)
    best: dict[str, tuple[float, float]] = {}
    for template in templates:
        common = len(mine & template.shingles)
        share = (common / max(len(template.shingles), 1), common / max(len(mine), 1))
        best[template.license] = max(best.get(template.license, (0.0, 0.0)), share, key=sum)
    ranked = sorted(best.items(), key=lambda item: (-sum(item[1]), item[0]))
    (license, (of_template, of_text)), *others = ranked or [("", (0.0, 0.0))]
    second = sum(others[0][1]) if others else 0.0
    if of_template >= _OF_TEMPLATE and of_text >= _OF_TEXT and of_template + of_text >= second + _LEAD:
        return Recognition(license, "text", None, of_template, of_text)
    if max(of_template, of_text) < _NEAR:
        return Recognition(None)
    return Recognition(None, None, license, of_template, of_text)


def _sureness(found: Recognition) -> tuple[bool, float]:
    return found.license is not None, found.of_template + found.of_text


def _titled(lines: Sequence[str], titles: Mapping[tuple[str, ...], str]) -> str | None:
    """The licence that the heading names: it begins with the words of a title, the longest counts."""
    words = tuple(_words(" ".join(lines[:3])[:400]))
    found = [title for title in titles if words[: len(title)] == title]
    return titles[max(found, key=len)] if found else None


def _may_be(license: str, lines: Sequence[str], templates: Sequence[Template]) -> bool:
    """Whether a title may decide: a whole text of a licence whose template is known would have been recognised."""
    known = any(template.license == license for template in templates)
    return not known or len(_words("\n".join(lines))) < _SHORT


@cache
def _templates() -> tuple[Template, ...]:
    lines = files("lineage").joinpath("data", "license_fingerprints.jsonl").read_text("utf-8").splitlines()
    return tuple(Template(entry["license"], _unpacked(entry["shingles"])) for entry in map(json.loads, lines))


def _unpacked(text: str) -> frozenset[int]:
    hashes = array("Q", base64.b64decode(text))
    return frozenset(hashes)


@cache
def _titles() -> dict[tuple[str, ...], str]:
    table = tomllib.loads(files("lineage").joinpath("data", "titles.toml").read_text("utf-8"))["titles"]
    return {tuple(_words(title)): license for license, titles in table.items() for title in titles}
