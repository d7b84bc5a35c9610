"""What a picture says of models in a few words: models that are judged alike are told alike."""

from typing import NamedTuple

import numpy as np

from lineage.judgement import Judgement, grade_of
from lineage.rules import RULES
from lineage.verdicts import Case, Verdicts
from registry.columns import Ints
from registry.records import State

#: The class of a model of which no verdict is given: it is not on the Hub, as far as is known.
ABSENT = "absent"


class Said(NamedTuple):
    """Declared and effective licence; the verdict, its class (pass, review, violation or `absent`), the inherited
    licence that decides it (None: another reason), and why, in a sentence."""

    declared: str
    effective: str
    verdict: str
    grade: str
    license: str | None
    why: str


def sayings(verdicts: Verdicts, places: Ints) -> tuple[Ints, list[Said], Ints]:
    """What is said of some models: of each a number among the sayings, and the place of the ancestor whose terms decide
    its verdict, -1 for none."""
    columns = verdicts.columns
    absent = np.array([said.state in {State.PLACEHOLDER, State.GONE} for said in columns.sayings], np.bool_)
    case = verdicts.case[places]
    deciding = [max(one.judgements, key=lambda j: j.verdict, default=None) for one in verdicts.cases]
    gone = absent[columns.said[places]]
    known: dict[Said, int] = {}
    number = np.empty(len(places), np.int64)
    for away in (False, True):
        here = gone == away
        met, back = np.unique(case[here], return_inverse=True)
        said = [_said(verdicts.cases[at], deciding[at], absent=away) for at in met.tolist()]
        number[here] = np.array([known.setdefault(one, len(known)) for one in said], np.int64)[back]
    position = np.array([-1 if j is None or j.key is None else j.key for j in deciding], np.int64)[case]
    about = np.full(len(places), -1, np.int64)
    pointed = (position >= 0) & ~gone
    about[pointed] = verdicts.reach.at(places[pointed], position[pointed])
    return number, list(known), about


def _said(case: Case, judgement: Judgement | None, *, absent: bool) -> Said:
    whole = case.effective
    if absent:
        return Said(case.label.text, whole, "", ABSENT, None, "It is not on the Hub, as far as is known.")
    if judgement is None:
        return Said(case.label.text, whole, "ok", "pass", None, "Nothing that is known speaks against the label.")
    grade = grade_of(RULES[j.rule].weight for j in case.judgements if j.verdict == judgement.verdict)
    why = RULES[judgement.rule].says
    return Said(case.label.text, whole, judgement.verdict.word, grade, judgement.license, why)
