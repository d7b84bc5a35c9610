"""The audit: what the rules say of many models' labels, where it begins, and what would mend the most of it."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

from sqlalchemy import Engine

from lineage.ancestry import label_of
from lineage.evidence import Documents, Evidence, Files, contradiction, documents, graded
from lineage.findings import Finding, finding, worst_first
from lineage.inheritance import effective
from lineage.judgement import Judgement, grade_of
from lineage.licenses.catalogue import CatalogueError, catalogue, own, own_facts
from lineage.licenses.labels import Declared, license_named, template_of
from lineage.policy import Clarify, Policy, Usage
from lineage.rules import RULES, Verdict
from lineage.scoreboard import Branch, Offender, Result, blame, branches_of, rank_offenders
from lineage.selection import Selected, Selection, select_models
from lineage.verdicts import Verdicts
from registry.database import reading
from registry.read import data_date
from registry.records import State

ANY = "any"
CLASSES = ("violation", "review", "pass")
_CLASS_RANK = {name: rank for rank, name in enumerate(CLASSES)}


@dataclass(frozen=True, slots=True)
class Audited:
    """What the audit says of one model: `line` is that of the file which names it, `downloads` of the last 30 days.

    `evidence` is how well the claim is documented, where files were read. `findings` hold what keeps it from passing,
    worst first, then what was waived; `offenders` where those that were not waived begin.
    """

    model: str
    line: int | None
    author: str | None
    downloads: int | None
    declared: str
    effective: str
    verdict: str
    grade: str
    annotations: tuple[str, ...]
    evidence: Evidence | None
    findings: tuple[Finding, ...]
    offenders: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Summary:
    """The audit in numbers.

    Of `selected` models so many were `audited`, those with the `claim`: by class, and by class and verdict. `offenders`
    come most worthwhile first, `branches` largest first; `remarks` are about the policy. `more` says how many models,
    offenders and branches are not shown.
    """

    asked: str
    claim: str
    selected: int
    audited: int
    classes: dict[str, int]
    verdicts: dict[str, dict[str, int]]
    waived: int
    offenders: tuple[Offender, ...]
    branches: tuple[Branch, ...]
    policy: str | None
    remarks: tuple[str, ...]
    more: dict[str, int]
    data_date: str | None
    catalogue: str


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit: its summary, and each audited model, worst first, then the most downloaded."""

    SCHEMA: ClassVar[str] = "finetune-lineage/audit/1"

    summary: Summary
    models: tuple[Audited, ...]


#: Reads the files of models (ids) on the Hub.
Reader = Callable[[Iterable[str]], Mapping[str, Files]]


def audit(
    engine: Engine, selection: Selection, *, claim: str = "apache-2.0", policy: Policy | None = None,
    today: date | None = None, read: Reader | None = None, limit: int | None = None,
) -> Audit:  # fmt: skip
    """Audit the models of a selection that claim a licence (an id of the catalogue; "any": whatever they claim, or
    nothing) against their whole ancestry, under a policy.

    With `read`, what licence files hold is compared with the labels, and each claim is graded. Shows at most `limit`
    models, offenders and branches. Raises UnknownModel for a name that means no model, CatalogueError for a claim that
    is no licence.
    """
    policy = policy or Policy()
    unsure = _unsure(policy, read)
    with own_facts(policy.without(unsure)):
        label = claim if claim == ANY else license_named(claim)
        if label is None:
            raise CatalogueError(f"no such licence: {claim}: `lineage license --list` shows those that are known")
        with reading(engine) as connection:
            selected = select_models(connection, selection)
            day = data_date(connection)
        found = Auditor(selected, label, policy, today or date.today(), read).report(selection.asked, day, limit)
    remarks = [f"{policy.at(clarify)}: {why}: this clarification is not used" for clarify, why in unsure.items()]
    if read is None:
        remarks += [
            f"{policy.at(c)}: rests on {c.file} of {c.model}, which was not compared: see --evidence"
            for c in policy.clarifications
            if c.file
        ]
    return replace(found, summary=replace(found.summary, remarks=(*found.summary.remarks, *remarks)))


def _unsure(policy: Policy, read: Reader | None) -> dict[Clarify, str]:
    """The clarifications whose file is not what it was, or cannot be read, with which of that it is."""
    resting = [clarify for clarify in policy.clarifications if clarify.file]
    if read is None or not resting:
        return {}
    files = read(sorted({clarify.model for clarify in resting}))
    found = {}
    for clarify in resting:
        held = files.get(clarify.model, Files())
        now = {file.path: file.sha256 for file in held.files}.get(clarify.file or "")
        if now is None:
            found[clarify] = (
                f"{clarify.file} of {clarify.model} could not be read ({held.problem or 'it is not there'})"
            )
        elif now != clarify.sha256:
            found[clarify] = f"{clarify.file} of {clarify.model} is not what it was"
    return found


def exit_status(found: Audit, *, strict: bool) -> int:
    """0 if all pass, 1 if anything is a violation, 3 if something is for review and we are `strict`."""
    classes = found.summary.classes
    return 1 if classes["violation"] else 3 if strict and classes["review"] else 0


#: Verdict, class, what is held against a model with the class of each, what is waived with the reason of each.
Outcome = tuple[Verdict, str, tuple[tuple[Judgement, str], ...], tuple[tuple[Judgement, str], ...]]


class Auditor:
    """An audit at work."""

    def __init__(self, selected: Selected, claim: str, policy: Policy, today: date, read: Reader | None = None) -> None:
        self._selected, self._claim, self._policy = selected, claim, policy
        self._usage = Usage(policy, today)
        if policy.clarifications:
            self._usage.models(brief.id for brief in selected.briefs.values())
        self._outcomes: dict[tuple[Judgement, ...], Outcome] = {}
        labels = {key: label_of(brief) for key, brief in selected.briefs.items()}
        self._chosen = [key for key in selected.lines if claim == ANY or claim in labels[key].licenses]
        self._documents: dict[str, Documents] | None = None
        if read is not None:
            self._documents = self._read(read)
            labels = {key: self._compared(key, label) for key, label in labels.items()}
        self._verdicts = Verdicts(selected.steps, selected.briefs, labels)

    def report(self, asked: str, day: str | None, limit: int | None) -> Audit:
        """Judge the models, and tell it."""
        results = [self._result(key) for key in self._chosen]
        first = heapq.nsmallest(len(results) if limit is None else limit, results, key=self._rank)
        offenders = rank_offenders(self._verdicts, results)
        branches = branches_of(self._verdicts, self._selected, results)
        counted = _counted(results)
        left_out = {"models": len(results), "offenders": len(offenders), "branches": len(branches)}
        summary = Summary(
            asked=asked,
            claim=self._claim,
            selected=len(self._selected.lines),
            audited=len(results),
            classes={name: sum(counted[name].values()) for name in CLASSES},
            verdicts=counted,
            waived=sum(len(result.waived) for result in results),
            offenders=tuple(offenders[:limit]),
            branches=tuple(branches[:limit]),
            policy=self._policy.path,
            remarks=self._usage.remarks(),
            more={what: max(0, n - (n if limit is None else limit)) for what, n in left_out.items()},
            data_date=day,
            catalogue=catalogue().version,
        )
        return Audit(summary, tuple(self._audited(result) for result in first))

    def _read(self, read: Reader) -> dict[str, Documents]:
        """What the files of the chosen models and of all their ancestors say."""
        wanted, todo = set(self._chosen), list(self._chosen)
        parents = defaultdict(list)
        for step in self._selected.steps:
            parents[step.child].append(step.parent)
        for key in todo:
            todo += set(parents[key]) - wanted
            wanted.update(parents[key])
        ids = sorted(brief.id for key in wanted if (brief := self._selected.briefs[key]).state != State.PLACEHOLDER)
        return {id: documents(files) for id, files in read(ids).items()}

    def _compared(self, key: int, label: Declared) -> Declared:
        """A label with what the licence files say against it; what the user says of a model stands."""
        name = self._name(key)
        held = None if name.casefold() in own().clarifications else (self._documents or {}).get(name)
        against = contradiction(label, held) if held and not label.contradiction else None
        return replace(label, contradiction=against) if against else label

    def _evidence(self, result: Result) -> Evidence | None:
        if self._documents is None:
            return None
        ancestry = self._verdicts.ancestry(result.key)
        unread = documents(Files(problem="it is not in the registry"))
        above = {self._name(key): self._documents.get(self._name(key), unread) for key in ancestry.ancestors}
        parents = [self._name(key) for key in self._verdicts.parents(result.key)]
        mine = self._documents.get(self._name(result.key), unread)
        return graded(self._verdicts.labels[result.key], mine, above, parents, passes=result.grade == "pass")

    def _rank(self, result: Result) -> tuple[int, int, int, str]:
        brief = self._selected.briefs[result.key]
        return _CLASS_RANK[result.grade], -result.verdict, -(brief.downloads or 0), brief.id

    def _result(self, key: int) -> Result:
        """Judge one model. Most have the same said of them as many others: what that comes to is worked out once."""
        judgements = (*self._verdicts.judgements(key), *self._denied(key))
        if self._policy.waivers:
            return Result(key, *self._outcome(judgements, self._name(key)))
        if judgements not in self._outcomes:
            self._outcomes[judgements] = self._outcome(judgements, "")
        return Result(key, *self._outcomes[judgements])

    def _outcome(self, judgements: Iterable[Judgement], name: str) -> Outcome:
        """What these judgements of a model of this name come to."""
        held, waived, passed = [], [], [Verdict.OK]
        for judgement in judgements:
            weight = self._policy.weight(RULES[judgement.rule])
            ancestor = self._name(judgement.key) if judgement.key is not None else None
            if weight == "pass":
                passed.append(judgement.verdict)
            elif reason := self._usage.waive(name, judgement.rule, ancestor):
                waived.append((judgement, reason))
            else:
                held.append((judgement, weight))
        grade = grade_of(weight for _, weight in held)
        verdict = max([j.verdict for j, weight in held if weight == grade] or passed)
        return verdict, grade, tuple(held), tuple(waived)

    def _denied(self, key: int) -> Iterator[Judgement]:
        """The licences, declared or inherited, that the policy does not allow."""
        if self._policy.allow is None:
            return
        mine, brought = self._verdicts.labels[key].licenses, self._verdicts.brought(key)
        allowed = self._usage.allowed({*mine, *(license for license, _ in brought)})
        yield from (Judgement("not-allowed", license) for license in sorted(mine - allowed))
        yield from (Judgement("not-allowed", license, k) for license, k in brought if license not in allowed | mine)

    def _audited(self, result: Result) -> Audited:
        brief, label = self._selected.briefs[result.key], self._verdicts.labels[result.key]
        return Audited(
            model=brief.id,
            line=self._selected.lines[result.key],
            author=brief.author,
            downloads=brief.downloads,
            declared=label.text,
            effective=effective(
                label,
                (license for license, _ in self._verdicts.brought(result.key)),
                unknown=bool(self._verdicts.opaque_above(result.key)),
            ),
            verdict=result.verdict.word,
            grade=result.grade,
            annotations=("tool-default",) if template_of(brief.licenses, brief.tools) else (),
            evidence=self._evidence(result),
            findings=self._findings(result),
            offenders=tuple(sorted({self._name(offender) for offender in blame(self._verdicts, result)})),
        )

    def _findings(self, result: Result) -> tuple[Finding, ...]:
        if not (result.held or result.waived):
            return ()
        ancestry, label = self._verdicts.ancestry(result.key), self._verdicts.labels[result.key]
        told = [
            replace(finding(ancestry, label, judgement), grade=weight, offender=self._name(offender))
            for (judgement, weight), offender in zip(result.held, blame(self._verdicts, result), strict=True)
        ]
        waived = [replace(finding(ancestry, label, judgement), waived=reason) for judgement, reason in result.waived]
        return (*sorted(told, key=worst_first), *sorted(waived, key=worst_first))

    def _name(self, key: int) -> str:
        return self._selected.briefs[key].id


def _counted(results: Iterable[Result]) -> dict[str, dict[str, int]]:
    """How many models came to each verdict, by class; the worst first."""
    counts = Counter((result.grade, result.verdict) for result in results)
    found: dict[str, dict[str, int]] = {name: {} for name in CLASSES}
    for (grade, verdict), n in sorted(counts.items(), key=lambda item: -item[0][1]):
        found[grade][verdict.word] = n
    return found
