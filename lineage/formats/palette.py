"""The colours of pictures: one for each class of licence verdict, one for each relation.

The classes are colours of Okabe and Ito (https://jfly.uni-koeln.de/color/), the relations were searched for beside
them: tests/test_palette.py holds both to a distance that protanopes, deuteranopes and tritanopes still see, and to a
contrast on a light and on a dark page. Colour never stands alone: a class has a mark too, a relation a dash.
"""

from dataclasses import dataclass

from lineage.rules import Verdict
from registry.records import Relation


@dataclass(frozen=True, slots=True)
class Tone:
    """How a class of verdicts is drawn: colour, mark, and what the legend says of it."""

    name: str
    colour: str
    mark: str
    legend: str


@dataclass(frozen=True, slots=True)
class Stroke:
    """How a relation is drawn: colour, dashes (lengths in pixels, none for a line without gaps), and its legend."""

    name: str
    colour: str
    dashes: tuple[int, ...]
    legend: str


#: The classes of an audit, where `review` is told apart by whether there is anything to judge.
TONES = {
    tone.name: tone
    for tone in (
        Tone("pass", "#0072B2", "✓", "pass: nothing known speaks against the label"),
        Tone("review", "#E69F00", "?", "review: somebody has to look"),
        Tone("unknown", "#999999", "·", "review: no terms to judge, here or above"),
        Tone("violation", "#D55E00", "✕", "violation: inherited terms speak against the label"),
    )
}
#: Models that are not judged.
ABSENT = Tone("absent", "#5C6470", "–", "not on the Hub, as far as is known")
_NOTHING_TO_JUDGE = {Verdict.UNKNOWN.word, Verdict.UNDECLARED.word}

STROKES = {
    stroke.name: stroke
    for stroke in (
        Stroke(Relation.FINETUNE, "#166F73", (), "finetune"),
        Stroke(Relation.ADAPTER, "#AD17C1", (9, 4), "adapter"),
        Stroke(Relation.QUANTIZED, "#0099FE", (2, 4), "quantized"),
        Stroke(Relation.MERGE, "#726606", (12, 4, 2, 4), "merge"),
        Stroke(Relation.UNKNOWN, "#8A8F98", (4, 6), "relation not said"),
    )
}


def tone_of(grade: str, verdict: str) -> Tone:
    """How a model is drawn that an audit puts into this class (pass, review or violation) for this verdict's word, or
    that is `absent`."""
    if grade == ABSENT.name:
        return ABSENT
    return TONES["unknown" if grade == "review" and verdict in _NOTHING_TO_JUDGE else grade]
