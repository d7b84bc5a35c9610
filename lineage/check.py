"""What to put right before a model is published: its card, its files, and its label against all it was made from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Engine

from lineage.audit import ANY, audit
from lineage.duties import duties, has_license_file
from lineage.findings import Finding
from lineage.front_matter import Value
from lineage.inheritance import Inheritance, inheritance
from lineage.judgement import grade_of
from lineage.licenses.catalogue import catalogue, own_facts
from lineage.policy import Policy
from lineage.problems import Problem
from lineage.questions import suggest
from lineage.registered import Naming
from lineage.selection import Selection
from registry.database import reading
from registry.names import find_model
from registry.read import DefectFacts, Step, briefs, declared_parents, find_defects
from registry.records import HUB_RELATIONS, Evidence, ModelRecord, Relation, State
from registry.trial import on_trial


@dataclass(frozen=True, slots=True)
class OwnModel:
    """A model folder: the record that it makes under the name it is to have (`name_given`: by who asks), what names its
    parents, its card's fields (None without a card), the paths of its files that are not empty, and the texts of its
    card and of its notice files."""

    record: ModelRecord
    name_given: bool
    named: tuple[Naming, ...]
    card: Mapping[str, Any] | None
    files: tuple[str, ...]
    readme: str
    notices: str


@dataclass(frozen=True, slots=True)
class BaseModel:
    """A model that this one was made from: its id, the name by which it is named, and whether the registry has never
    seen it; `in_card` if the card names it, else `where` it is named."""

    id: str
    named: str
    unseen: bool
    in_card: bool
    where: str | None
    concluded: bool


@dataclass(frozen=True, slots=True)
class Check:
    """What a model folder comes to: `verdict` and `findings` of its label under a policy, those `waived` with their
    reasons, `problems` of its card and files, and the `front_matter` to put (None: a field that is to go); `grade` is
    pass, review or violation, the worst of all that is not waived. `remarks` are about the policy."""

    SCHEMA: ClassVar[str] = "finetune-lineage/check/1"

    model: str
    declared: str
    effective: str
    verdict: str
    grade: str
    base_models: tuple[str, ...]
    problems: tuple[Problem, ...]
    findings: tuple[Finding, ...]
    waived: tuple[Finding, ...]
    remarks: tuple[str, ...]
    front_matter: dict[str, Value]
    data_date: str | None
    catalogue: str


def check(engine: Engine, own: OwnModel, policy: Policy) -> Check:
    """Look at a model folder with all that the registry knows of what it was made from."""
    name = own.record.repo_id
    with own_facts(policy.own), on_trial(engine, own.record) as trial:
        found = audit(trial, Selection((name,)), claim=ANY, policy=policy)
        judged = inheritance(trial, name)
        bases, defects = _bases(trial, own)
        (audited,) = found.models
        front_matter = _to_put(own, bases, _label(trial, own, judged, audited.grade, policy))
        problems = (
            *_of_the_card(own, bases, broken=any(d.kind == "broken-file" for d in defects), lines=bool(front_matter)),
            *_of_defects(defects),
            *duties(own.files, own.readme, own.notices, judged, named=own.name_given),
            *_of_the_link(own, front_matter, judged),
        )
    return Check(
        name,
        audited.declared,
        audited.effective,
        audited.verdict,
        grade_of([audited.grade, *(problem.grade for problem in problems)]),
        tuple(base.id for base in bases),
        problems,
        tuple(finding for finding in audited.findings if finding.waived is None),
        tuple(finding for finding in audited.findings if finding.waived is not None),
        found.summary.remarks,
        front_matter,
        judged.data_date,
        judged.catalogue,
    )


def _bases(trial: Engine, own: OwnModel) -> tuple[list[BaseModel], list[DefectFacts]]:
    with reading(trial) as connection:
        key = find_model(connection, own.record.repo_id).key
        steps = declared_parents(connection, key)
        facts = briefs(connection, [step.parent for step in steps])
        defects = find_defects(connection, model=key)[0]
    return [_base(step, facts[step.parent].id, facts[step.parent].state, own.named) for step in steps], defects


def _base(step: Step, id: str, state: str, named: tuple[Naming, ...]) -> BaseModel:
    naming = [one for one in named if one.name in (step.declared, id)]
    in_card = any(one.origin == Evidence.CARD for one in naming)
    elsewhere = next((one for one in naming if one.origin != Evidence.CARD), None)
    concluded = elsewhere is not None and elsewhere.origin == Evidence.HEURISTIC
    return BaseModel(
        id, step.declared, state == State.PLACEHOLDER, in_card, elsewhere.where if elsewhere else None, concluded
    )


def _of_the_card(own: OwnModel, bases: list[BaseModel], *, broken: bool, lines: bool) -> Iterator[Problem]:
    if own.card is None and not broken:
        mend = "add the lines below" if lines else "say license and base_model between two lines ---"
        yield Problem("no-card", "violation", "There is no card with metadata (README.md).", mend)
    told = {base.id for base in bases if base.in_card}
    for base in bases:
        if base.unseen:
            yield Problem(
                "base-model-unknown", "review", f"The registry has never seen {base.named}: nothing is known above it.",
                "check the spelling, or fetch it: `lineage crawl family --up`",
            )  # fmt: skip
        elif base.named != base.id and base.in_card:
            yield Problem("base-model-name", "review", f"The card names {base.named}.", f"its name is {base.id}")
        if base.id not in told:
            grade = "review" if base.concluded else "violation"
            says = f"{base.where or 'A file'} names {base.id}; the card does not."
            yield Problem("base-model-missing", grade, says, f"add base_model: {base.id}")
    stated, known = (own.card or {}).get("base_model_relation"), _relation(own, bases)
    if stated in HUB_RELATIONS and known is not None and stated != known.relation:
        says = f"The card says {stated}, {known.where} says {known.relation}."
        yield Problem("base-model-relation", "violation", says, f"write base_model_relation: {known.relation}")


def _relation(own: OwnModel, bases: list[BaseModel]) -> Naming | None:
    """The file that states how the model was made from its base, if one does; what is only concluded is no reason to
    change a card."""
    names = {name for base in bases for name in (base.id, base.named)}
    files = (one for one in own.named if one.origin == Evidence.FILE and one.name in names)
    return next((one for one in files if one.relation != Relation.UNKNOWN), None)


def _of_the_link(own: OwnModel, front_matter: Mapping[str, Value], judged: Inheritance) -> Iterator[Problem]:
    """That a card's licence is in a file which is not there; unless a licence above asks for that already."""
    link = front_matter.get("license_link", (own.card or {}).get("license_link"))
    asked = any(duty.axis == "notice" for duty in judged.obligations)
    if link == "LICENSE" and not asked and not has_license_file(own.files):
        says = "The card links to LICENSE, and there is no such file."
        yield Problem("license-file", "review", says, "add the text of the licence as LICENSE")


#: Kinds that have a problem of their own: a parent that is named in two ways is told as one that has another name.
_TOLD_ELSEWHERE = {"unresolved-parent", "duplicate-parent"}


def _of_defects(defects: list[DefectFacts]) -> Iterator[Problem]:
    for defect in defects:
        if defect.kind in _TOLD_ELSEWHERE or (defect.kind == "contradiction" and defect.value in HUB_RELATIONS):
            continue
        yield Problem(defect.kind, "review", f"{defect.field} {defect.value}: {defect.reason}.", "put it right")


def _label(trial: Engine, own: OwnModel, judged: Inheritance, grade: str, policy: Policy) -> str | None:
    """The label to put in place of one that does not pass, or of none: that of the base models, if it may be that, and
    one that the policy allows."""
    if grade != "violation" and own.record.licenses:
        return None
    labels = [one.label for one in suggest(trial, own.record.repo_id).suggestions if " AND " not in one.label]
    labels = [label for label in labels if policy.allow is None or label in policy.allow]
    inherited = [label for label in labels if label in judged.inherited]
    return next(iter([*inherited, *(labels if grade == "violation" else [])]), None)


def _to_put(own: OwnModel, bases: list[BaseModel], label: str | None) -> dict[str, Value]:
    """The fields in which the card is not as it should be."""
    card = own.card or {}
    wanted: dict[str, Value] = {}
    if label is not None:
        wanted |= _license_fields(label)
    ids = list(dict.fromkeys(base.id for base in bases))
    held = card.get("base_model")
    if ids and ids != (held if isinstance(held, list) else [held]):
        wanted["base_model"] = ids[0] if len(ids) == 1 else ids
    if (known := _relation(own, bases)) is not None:
        wanted["base_model_relation"] = str(known.relation)
    return {name: value for name, value in wanted.items() if card.get(name) != value}


def _license_fields(label: str) -> dict[str, Value]:
    """A licence as a card declares it: by the Hub's id, else as `other` with a name.

    Source: https://huggingface.co/docs/hub/repositories-licenses
    """
    if catalogue().licenses[label].hub:
        return {"license": label, "license_name": None, "license_link": None}
    return {"license": "other", "license_name": label, "license_link": "LICENSE"}
