"""Colours that readers who do not see all colours tell apart, on a light page and on a dark one."""

from itertools import combinations
from math import dist

import pytest

from lineage.formats.palette import ABSENT, STROKES, TONES, tone_of
from lineage.rules import RULES, Verdict
from registry.records import Relation

#: How colours look to others: Machado, Oliveira and Fernandes 2009, severity 1, on linear RGB.
_SIGHTS = {
    "all colours": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "no green": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.01182, 0.04294, 0.968881)),
    "no blue": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.3039)),
}
Three = tuple[float, float, float]
#: Oklab (https://bottosson.github.io/posts/oklab/), in which distances are as they are seen.
_CONES = (
    (0.41222147, 0.53633254, 0.05144599),
    (0.2119035, 0.6806996, 0.10739696),
    (0.08830246, 0.28171884, 0.6299787),
)
_LAB = (
    (0.2104542553, 0.793617785, -0.0040720468),
    (1.9779984951, -2.428592205, 0.4505937099),
    (0.0259040371, 0.7827717662, -0.808675766),
)
_TONES = [tone.colour for tone in TONES.values()]
_STROKES = [stroke.colour for stroke in STROKES.values()]


def _linear(colour: str) -> Three:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    r, g, b = (x / 12.92 if x <= 0.04045 else ((x + 0.055) / 1.055) ** 2.4 for x in parts)
    return r, g, b


def _times(matrix: tuple[Three, ...], vector: Three) -> Three:
    a, b, c = (sum(x * y for x, y in zip(row, vector, strict=True)) for row in matrix)
    return a, b, c


def _oklab(colour: Three) -> Three:
    """Where a linear colour stands in Oklab."""
    r, g, b = (min(1.0, max(0.0, part)) for part in colour)
    x, y, z = (part ** (1 / 3) for part in _times(_CONES, (r, g, b)))
    return _times(_LAB, (x, y, z))


def _luminance(colour: str) -> float:
    return sum(x * y for x, y in zip((0.2126, 0.7152, 0.0722), _linear(colour), strict=True))


@pytest.mark.parametrize("sight", _SIGHTS)
@pytest.mark.parametrize("colours", [_TONES, _STROKES], ids=["classes", "relations"])
def test_no_two_colours_look_alike(colours: list[str], sight: str) -> None:
    for one, other in combinations(colours, 2):
        seen = [_oklab(_times(_SIGHTS[sight], _linear(colour))) for colour in (one, other)]
        assert dist(*seen) > 0.1, (one, other)


@pytest.mark.parametrize("colour", _STROKES)
def test_a_line_stands_out_on_both_pages(colour: str) -> None:
    """A contrast of 3, as WCAG 2.2 asks of graphical objects, on white and on #12151a; nodes have a rim besides."""
    assert 1.05 / (_luminance(colour) + 0.05) > 3
    assert (_luminance(colour) + 0.05) / (_luminance("#12151a") + 0.05) > 3


def test_nothing_is_told_by_colour_alone() -> None:
    assert len({tone.mark for tone in (*TONES.values(), ABSENT)}) == len(TONES) + 1
    assert len({stroke.dashes for stroke in STROKES.values()}) == len(STROKES) == len(Relation)


def test_every_verdict_has_a_tone() -> None:
    assert {tone_of(verdict.grade, verdict.word).name for verdict in Verdict} == set(TONES)
    assert {tone_of(rule.weight, rule.verdict.word).name for rule in RULES.values()} == set(TONES)
    assert tone_of("absent", "") is ABSENT
    assert tone_of("review", "unknown") is tone_of("review", "undeclared") is TONES["unknown"]
