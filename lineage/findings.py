"""Findings: what a rule says of a model, told in full: ancestor, path, clause, and what would mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate

from lineage.ancestry import Ancestry
from lineage.judgement import Judgement, former_of
from lineage.licenses.catalogue import Fact, catalogue
from lineage.licenses.labels import Declared
from lineage.rules import RULES

#: Steps that the paths of one model's findings have in all. The deepest ancestries of the Hub need a hundredth of it.
MOST_STEPS = 100_000


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of the label against one licence, with the ancestor that brought it, the path to it (ids from
    the model upwards) with its relations, and the clause it rests on; `unverified` where that, or a licence of which no
    clause is noted, was not read in full. `grade` is pass, review or violation.

    An audit adds the `offender`, where the finding begins: the first model on the way down whose own label it is about,
    or the ancestor whose terms nobody can tell; and why the finding was `waived`.
    """

    rule: str
    verdict: str
    grade: str
    ancestor: str | None
    license: str | None
    path: tuple[str, ...]
    relations: tuple[str, ...]
    axis: str
    says: str
    clause: str | None
    section: str | None
    source: str | None
    unverified: bool
    arguable: bool
    mend: str
    offender: str | None = None
    waived: str | None = None


def worst_first(ancestry: Ancestry, judgements: Iterable[Judgement]) -> tuple[list[Judgement], int]:
    """Judgements of a model's label, the worst and nearest first; and how many are left out, for to tell those would
    take the square of a deep ancestry."""

    def rank(judgement: Judgement) -> tuple[int, int, str, str]:
        key = judgement.key
        away, id = (0, "") if key is None else (ancestry.distance[key] + 1, ancestry.briefs[key].id)
        return -judgement.verdict, away, id, judgement.license or ""

    if not (ordered := sorted(judgements, key=rank)):
        return [], 0
    lengths = accumulate(0 if j.key is None else ancestry.distance[j.key] for j in ordered)
    kept = max(1, sum(length <= MOST_STEPS for length in lengths))
    return ordered[:kept], len(ordered[kept:])


def finding(
    ancestry: Ancestry, label: Declared, judgement: Judgement,
    grade: str | None = None, offender: str | None = None, waived: str | None = None,
) -> Finding:  # fmt: skip
    """A judgement of a model's label as a finding; `grade` is that of its rule unless given."""
    marks = grade or RULES[judgement.rule].weight, offender, waived
    if judgement.key is None:
        return _bare(judgement, label, *marks)
    return _of_ancestor(ancestry, judgement, judgement.key, *marks)


def _of_ancestor(
    ancestry: Ancestry, judgement: Judgement, key: int, grade: str, offender: str | None, waived: str | None
) -> Finding:
    rule, license = RULES[judgement.rule], judgement.license
    way = ancestry.way(key)
    theirs = ancestry.briefs[key]
    facts = catalogue().licenses[license] if license else None
    clause: Fact | None = facts.clause(rule.axis) if facts else None
    return Finding(
        rule=rule.id,
        verdict=rule.verdict.word,
        grade=grade,
        ancestor=theirs.id,
        license=license,
        path=(ancestry.briefs[ancestry.model].id, *(ancestry.briefs[step.parent].id for step in way)),
        relations=tuple(step.relation for step in way),
        axis=rule.axis,
        says=_says(ancestry, judgement, key),
        clause=clause.says if clause else None,
        section=clause.section if clause else None,
        source=clause.source if clause else ancestry.labels[key].evidence,
        unverified=clause.unverified if clause else facts is not None and facts.unverified,
        arguable=judgement.arguable,
        mend=rule.mend.format(ancestor=license, model=theirs.id),
        offender=offender,
        waived=waived,
    )


def _says(ancestry: Ancestry, judgement: Judgement, key: int) -> str:
    says, theirs = RULES[judgement.rule].says, ancestry.briefs[key]
    if judgement.license is None:
        return f"{says} It says: {ancestry.labels[key].text}."
    former = former_of(theirs, ancestry.briefs[ancestry.model].created_at)
    if judgement.rule == "stale-label" and former is not None:
        return f"{says} Then it was under {former.license} ({former.evidence})."
    return says


def _bare(judgement: Judgement, label: Declared, grade: str, offender: str | None, waived: str | None) -> Finding:
    """A finding about the label itself."""
    rule = RULES[judgement.rule]
    here = {
        "contradictory-metadata": label.contradiction,
        "unknown-label": f"the label says: {label.text}",
        "undeclared": "no licence is declared",
        "not-allowed": f"it declares {judgement.license}",
    }
    says, mend = f"{rule.says} Here: {here[rule.id]}.", rule.mend.format(ancestor=judgement.license, model="the model")
    return Finding(
        rule.id, rule.verdict.word, grade, None, judgement.license, (), (), rule.axis, says, None, None, None,
        False, rule.arguable, mend, offender, waived,
    )  # fmt: skip
