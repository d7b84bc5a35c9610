"""Questions about the licences that reach a model: may it carry this label, may it be used so, what may it carry."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from sqlalchemy import Engine

from lineage.ancestry import Ancestry, read_ancestry
from lineage.inheritance import Inheritance, judged
from lineage.licenses.catalogue import CatalogueError, License, Terms, catalogue
from lineage.licenses.labels import Declared, declared
from lineage.rules import exclude
from registry.database import reading
from registry.names import find_model
from registry.read import data_date

YES, NO, DEPENDS, UNKNOWABLE = "yes", "no", "depends", "cannot be known"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why an answer is as it is: what a licence says, which ancestor brought it, and where it says so."""

    answer: str
    license: str | None
    ancestor: str | None
    says: str
    section: str | None
    source: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A question about `model`, answered yes, no, depends or "cannot be known", with the reasons, worst first."""

    SCHEMA: ClassVar[str] = "finetune-lineage/answer/1"

    model: str
    question: str
    answer: str
    reasons: tuple[Reason, ...]
    data_date: str | None
    catalogue: str


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A label that a model may carry, with the verdict it would get and the duties that remain."""

    label: str
    name: str
    verdict: str
    duties: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestions:
    """Labels that a model may carry, most permissive first; where there are none, `notes` say why."""

    SCHEMA: ClassVar[str] = "finetune-lineage/suggestions/1"

    model: str
    suggestions: tuple[Suggestion, ...]
    notes: tuple[str, ...]
    data_date: str | None
    catalogue: str


def may_i(engine: Engine, model: str, label: str) -> Answer:
    """May `model` carry this licence? CatalogueError where nobody knows the licence."""
    ancestry, date = _read(engine, model)
    found = judged(ancestry, date, _label(label))
    answers = {"pass": YES, "violation": NO}
    answer = UNKNOWABLE if found.verdict == "unknown" else answers.get(found.grade, DEPENDS)
    reasons = tuple(
        Reason(answers.get(f.grade, DEPENDS), f.license, f.ancestor, f.clause or f.says, f.section, f.source)
        for f in found.findings
    )
    return Answer(found.model, f"may it be published as {label}?", answer, reasons, date, found.catalogue)


def may_use(engine: Engine, model: str, purpose: str) -> Answer:
    """May `model` be used for a purpose of PURPOSES, by its own label and all that it inherited?"""
    return used(*_read(engine, model), purpose)


def used(ancestry: Ancestry, date: str | None, purpose: str) -> Answer:
    """The same of an ancestry that was read already; `date` is that of the data."""
    question, judge = PURPOSES[purpose]
    reasons = []
    mine = ancestry.labels[ancestry.model]
    origins = [(license, ancestry.model) for license in sorted(mine.licenses)] + ancestry.origins()
    for license, key in dict(reversed(origins)).items():
        answer, axis = judge(catalogue().licenses[license])
        clause = catalogue().licenses[license].clause(axis)
        threshold = catalogue().licenses[license].threshold if axis == "use" else None
        says = threshold or (clause.says if clause else f"{catalogue().licenses[license].name}: {answer}")
        section, source = (clause.section, clause.source) if clause else (None, None)
        reasons.append(Reason(answer, license, ancestry.briefs[key].id, says, section, source))
    opaque = [*([ancestry.model] if mine.lacking else []), *ancestry.opaque]
    for key in opaque:
        says = f"its licence cannot be told: {ancestry.labels[key].text}"
        reasons.append(Reason(UNKNOWABLE, None, ancestry.briefs[key].id, says, None, None))
    reasons.sort(key=lambda reason: -_WEIGHT.index(reason.answer))
    answer = reasons[0].answer if reasons else UNKNOWABLE
    model_id = ancestry.briefs[ancestry.model].id
    return Answer(model_id, question, answer, tuple(reasons), date, catalogue().version)


def suggest(engine: Engine, model: str) -> Suggestions:
    """The labels that `model` may carry, most permissive first."""
    return suggested(*_read(engine, model))


def suggested(ancestry: Ancestry, date: str | None) -> Suggestions:
    """The same of an ancestry that was read already; `date` is that of the data."""
    known = catalogue().licenses
    inherited = sorted({license for license, _ in ancestry.origins()})
    usual = [id for id, license in known.items() if license.hub and license.kind not in {"none", "ambiguous", "data"}]
    labels = [frozenset({id}) for id in usual if not known[id].vendors or id in inherited]
    labels += [frozenset({id}) for id in inherited if not known[id].hub]
    if len(inherited) > 1 and not any(exclude(*pair) for pair in combinations(inherited, 2)):
        labels.append(frozenset(inherited))
    found, opaque = [], ancestry.opaque
    for label in labels if not opaque else ():  # nothing passes while something above is not known
        result = judged(ancestry, date, Declared(label, " AND ".join(sorted(label))))
        if result.grade == "pass":
            found.append((_permissiveness(label), _suggestion(label, result)))
    notes = [f"the terms of {ancestry.briefs[key].id} cannot be told" for key in opaque]
    if not found and not notes:
        notes.append("no label meets all that is inherited: the parents exclude each other")
    name = ancestry.briefs[ancestry.model].id
    ordered = tuple(suggestion for _, suggestion in sorted(found, key=lambda pair: pair[0]))
    return Suggestions(name, ordered, tuple(notes), date, catalogue().version)


def _read(engine: Engine, model: str) -> tuple[Ancestry, str | None]:
    with reading(engine) as connection:
        return read_ancestry(connection, find_model(connection, model).key), data_date(connection)


def _label(text: str) -> Declared:
    found = declared([part.strip() for part in text.split(" AND ")])
    if found.lacking:
        raise CatalogueError(f"no such licence: {text}: `lineage license --list` shows those that are known")
    return found


def _commercial(license: License) -> tuple[str, str]:
    return {"yes": YES, "no": NO, "conditional": DEPENDS}.get(license.commercial, UNKNOWABLE), "use"


def _hosted(license: License) -> tuple[str, str]:
    if license.hosted is not None:
        return license.hosted, "hosting" if license.clause("hosting") else "use"
    answer, axis = _commercial(license)
    return (DEPENDS if answer == NO else answer), axis  # a service need not be a commercial one


def _redistribute(license: License) -> tuple[str, str]:
    if license.terms == Terms.UNKNOWN or license.derivatives == "unknown":
        return UNKNOWABLE, "child"
    if license.terms == Terms.NO_SHARE or license.derivatives == "make-only":
        return NO, "child"
    free = license.derivatives == "share" and license.terms in {Terms.FREE, Terms.NOTICES}
    return (YES if free else DEPENDS), "child"


def _train_on_outputs(license: License) -> tuple[str, str]:
    if license.training == "no-restriction":
        return YES, "outputs"
    if license.training == "unknown":
        return UNKNOWABLE, "outputs"
    return (NO if license.training.startswith("forbidden") else DEPENDS), "outputs"


#: Purposes: the question, and what a licence answers with the axis that it rests on.
PURPOSES: dict[str, tuple[str, Callable[[License], tuple[str, str]]]] = {
    "commercial": ("may it be used commercially?", _commercial),
    "hosted": ("may it be offered as a service?", _hosted),
    "redistribute": ("may a derivative of it be passed on?", _redistribute),
    "train-on-outputs": ("may another model be trained on its outputs?", _train_on_outputs),
}
#: From best to worst: a no stands whatever else is unknown.
_WEIGHT = (YES, DEPENDS, UNKNOWABLE, NO)
_EASE = [Terms.FREE, Terms.NOTICES, Terms.FILE_SCOPE, Terms.RESIDUAL, Terms.FLOW_DOWN, Terms.SAME, Terms.DIRECT]


def _permissiveness(label: frozenset[str]) -> tuple[int, int, int, int, str]:
    """Sorts labels: commercial use first, then the fewest terms, then those that people know (SPDX, OSI)."""
    mine = [catalogue().licenses[id] for id in label]
    use = max(("yes", "conditional", "unknown", "no").index(license.commercial) for license in mine)
    terms = max(_EASE.index(license.terms) if license.terms in _EASE else len(_EASE) for license in mine)
    known = min(0 if license.osi else 1 for license in mine)
    return use, terms, len(label), known, " AND ".join(sorted(label))


def _suggestion(label: frozenset[str], result: Inheritance) -> Suggestion:
    names = [catalogue().licenses[id].name for id in sorted(label)]
    duties = tuple(f"{duty.license}: {duty.says}" for duty in result.obligations if duty.axis in {"notice", "naming"})
    return Suggestion(" AND ".join(sorted(label)), " and ".join(names), result.verdict, duties)
