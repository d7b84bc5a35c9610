"""The colours of pictures: Okabe and Ito's, which the colour-blind can tell apart too
(https://jfly.uni-koeln.de/color/), and a mark or dash besides, so that none rests on colour alone."""

from typing import NamedTuple


class Grade(NamedTuple):
    """How a class of licence verdicts looks: in words, on a light and on a dark page, and its mark."""

    words: str
    colour: str
    dark: str
    mark: str


class Line(NamedTuple):
    """How an edge of a relation looks: on a light and on a dark page, and the lengths of its dashes and gaps."""

    colour: str
    dark: str
    dash: tuple[int, ...]


GRADES = {
    "pass": Grade("nothing known against the label", "#007a59", "#35c79a", "✓"),
    "review": Grade("cannot be told: look", "#c98500", "#f0b53e", "?"),
    "violation": Grade("terms speak against the label", "#c44601", "#ff8a4c", "✕"),
    "absent": Grade("not on the Hub", "#77808d", "#97a0ad", "–"),
}
RELATIONS = {
    "finetune": Line("#0072b2", "#56b4e9", ()),
    "adapter": Line("#0072b2", "#56b4e9", (7, 4)),
    "quantized": Line("#77808d", "#97a0ad", (2, 3)),
    "merge": Line("#b0578d", "#e59cc6", (12, 3, 2, 3)),
    "unknown": Line("#77808d", "#97a0ad", (1, 5)),
}
