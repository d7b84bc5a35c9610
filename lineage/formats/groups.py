"""How a map is coloured: by relation, licence verdict class, author or month."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lineage.formats.palette import ABSENT, STROKES, TONES, tone_of
from lineage.map import FamilyMap
from registry.bulk import RELATIONS
from registry.columns import Ints
from registry.records import Relation

_ROOT, _OTHER = "#D55E00", "#8A8F98"
#: What a legend calls those whose name does not say it.
_TITLES = {"unknown": "no terms to judge", ABSENT.name: "not on the Hub"}
#: The authors with most models have one each: those of Okabe and Ito first (https://jfly.uni-koeln.de/color/).
_AUTHOR_COLOURS = (
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#7a5195", "#8c564b",
)  # fmt: skip
#: Without its darkest end, which a dark page would swallow.
_VIRIDIS = ("#463480", "#2e6e8e", "#20a386", "#a0da39", "#fde725")


class Colouring(NamedTuple):
    """A way to colour: its name, the groups with their colours (`#rrggbb`), and the group of each model."""

    name: str
    groups: list[tuple[str, str]]
    of: Ints


def colourings(family: FamilyMap) -> list[Colouring]:
    """All ways to colour a map, the first being the one it opens with."""
    return [_by_relation(family), _by_grade(family), _by_author(family), _by_month(family)]


def _by_relation(family: FamilyMap) -> Colouring:
    groups = [*((name, STROKES[Relation(name)].colour) for name in RELATIONS), ("root", _ROOT)]
    return _met("relation to parent", groups, np.where(family.relation < 0, len(RELATIONS), family.relation))


def _by_grade(family: FamilyMap) -> Colouring:
    tones = [*TONES.values(), ABSENT]
    of = np.array([tones.index(tone_of(said.grade, said.verdict)) for said in family.sayings], np.int64)[family.said]
    return _met("licence verdict", [(_TITLES.get(tone.name, tone.name), tone.colour) for tone in tones], of)


def _by_author(family: FamilyMap) -> Colouring:
    counts = np.bincount(family.author + 1, minlength=len(family.authors) + 1)[1:]
    first = np.argsort(-counts, kind="stable")[: len(_AUTHOR_COLOURS)]
    number = np.full(len(family.authors) + 1, len(first), np.int64)
    number[first] = np.arange(len(first))
    names = [(family.authors[at], colour) for at, colour in zip(first.tolist(), _AUTHOR_COLOURS, strict=False)]
    return _met("author", [*names, ("all others", _OTHER)], number[family.author])


def _by_month(family: FamilyMap) -> Colouring:
    known = family.day > 0
    month = family.day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    met = np.unique(month[known])
    of = np.where(known, np.searchsorted(met, month), len(met))
    names = [f"{1970 + at // 12}-{at % 12 + 1:02}" for at in met.tolist()]
    return _met("month of creation", [*zip(names, _ramp(len(met)), strict=True), ("not known", _OTHER)], of)


def _met(name: str, groups: Sequence[tuple[str, str]], of: Ints) -> Colouring:
    """The groups that hold any model."""
    met = np.bincount(of, minlength=len(groups)) > 0
    return Colouring(
        name, [group for group, here in zip(groups, met.tolist(), strict=True) if here], (np.cumsum(met) - 1)[of]
    )


def _ramp(steps: int) -> list[str]:
    """Colours from first to last, between anchors of viridis
    (https://bids.github.io/colormap/)."""
    anchors = np.array([[int(c[at : at + 2], 16) for at in (1, 3, 5)] for c in _VIRIDIS], float)
    at = np.linspace(0, len(anchors) - 1, max(steps, 1))
    rgb = np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, channel]) for channel in range(3)], 1)
    return [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in rgb.round().astype(int).tolist()][:steps]
