"""The audit: what the rules say of many models' labels, where it begins, and what would mend the most of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

import numpy as np
from sqlalchemy import Engine

from lineage.ancestry import Ancestries, Ancestry
from lineage.claims import Claims
from lineage.evidence import Documents, Evidence, Files, Reader, changed_files, contradiction, documents, graded
from lineage.findings import Finding, finding, worst_first
from lineage.judgement import CLASSES, Judgement, grade_of
from lineage.licenses.catalogue import CatalogueError, catalogue, own, own_facts
from lineage.licenses.labels import license_named, template_of
from lineage.listing import Listed, Place
from lineage.offenders import Offenders
from lineage.policy import Policy, Usage, Waiver
from lineage.reach import MOST_UNKNOWN
from lineage.rules import RULES, Verdict
from lineage.scoreboard import (
    Branch,
    Offender,
    Outcome,
    Results,
    Standing,
    branches_of,
    count_classes,
    not_told,
    rank_offenders,
    stand,
)
from lineage.selection import Selected, Selection, select_models
from lineage.unlisted import also_begin, unlisted
from lineage.verdicts import Case, Verdicts
from registry.columns import Ints
from registry.database import reading
from registry.read import data_date
from registry.records import State

ANY = "any"
_CLASS_RANK = {name: rank for rank, name in enumerate(CLASSES)}
_BADNESS = {verdict.word: verdict for verdict in Verdict}
#: Models whose ancestries are read together.
_TOLD_AT_ONCE = 10_000
#: Ancestors and steps of paths of all models told, but for so many of each: all of a deep chain would take its square.
_MOST_TOLD, _FEW = 2_500_000, 1_000


@dataclass(frozen=True, slots=True)
class Audited:
    """What the audit says of one model: `line` is that of the list which names it, `downloads` of the last 30 days.

    `places` are the lines of code that name it, where `lineage scan` wrote the list.

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
    places: tuple[Place, ...] = ()

    def named_at(self, file: str | None) -> tuple[Place, ...]:
        """Where it is named: by code, else in the list `file`, if there is one."""
        listed = (Place(file, self.line),) if file and self.line is not None else ()
        return self.places or listed


@dataclass(frozen=True, slots=True)
class Summary:
    """The audit in numbers.

    Of `selected` models so many were `audited`, those with the `claim`, and those that code names and the registry does
    not know (`unknown`), of which nobody can tell what they claim: by class, and by class and verdict. `offenders`
    come most worthwhile first, `branches` largest first; `remarks` are about the policy, what a scan of code could not
    tell, and what would be too long to tell. `more` says how many models, offenders and branches a limit leaves out.
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
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class Audit:
    """An audit: its summary, and each audited model, worst first, then the most downloaded."""

    SCHEMA: ClassVar[str] = "finetune-lineage/audit/1"

    summary: Summary
    models: tuple[Audited, ...]


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
    unsure = changed_files(policy, read)
    with own_facts(policy.without(unsure)):
        label = claim if claim == ANY else license_named(claim)
        if label is None:
            raise CatalogueError(f"no such licence: {claim}: `lineage license --list` shows those that are known")
        with reading(engine) as connection:
            selected = select_models(connection, selection)
            day = data_date(connection)
            found = Auditor(selected, label, policy, today or date.today(), read).report(selection.asked, day, limit)
    remarks = [f"the scan of the code: {one}" for one in selection.remarks]
    remarks += [f"{policy.at(clarify)}: {why}: this clarification is not used" for clarify, why in unsure.items()]
    if read is None:
        remarks += [
            f"{policy.at(c)}: rests on {c.file} of {c.model}, which was not compared: see --evidence"
            for c in policy.clarifications
            if c.file
        ]
    return replace(found, summary=replace(found.summary, remarks=(*found.summary.remarks, *remarks)))


def standings(engine: Engine, selection: Selection, policy: Policy) -> dict[str, Standing]:
    """How the labels of all models of a selection stand, whatever they claim, by model: all of them, as no finding is
    told. Raises UnknownModel for a name that means no model."""
    with own_facts(policy.own), reading(engine) as connection:
        return Auditor(select_models(connection, selection), ANY, policy, date.today()).standings()


def exit_status(found: Audit, *, strict: bool) -> int:
    """0 if all pass, 1 if anything is a violation, 3 if something is for review and we are `strict`."""
    classes = found.summary.classes
    return 1 if classes["violation"] else 3 if strict and classes["review"] else 0


class Auditor:
    """An audit at work; a model is meant by its place in the columns of what is selected."""

    def __init__(self, selected: Selected, claim: str, policy: Policy, today: date, read: Reader | None = None) -> None:
        self._selected, self._columns = selected, selected.columns
        self._claim, self._policy, self._today = claim, policy, today
        self._usage = Usage(policy, today)
        self._findings_left_out = 0
        self._claims = Claims(self._columns)
        if policy.clarifications:
            clarified = self._columns.source.called({clarify.model for clarify in policy.clarifications})
            self._usage.models(brief.id for brief in clarified.values())
        named = selected.places if claim == ANY else selected.places[self._claims.naming(claim)[selected.places]]
        self._documents = self._read(read, named) if read is not None else None
        counted = [rule.id for rule in RULES.values() if policy.weight(rule) != "pass"]
        self._verdicts = Verdicts(self._columns, self._claims, counted)
        self._effective = [case.effective for case in self._verdicts.cases]
        self._offenders = Offenders(self._verdicts)
        self._results = self._judge(named)
        self._unknown = [self._not_known(name, lines) for name, lines in selected.unknown.items()]

    def report(self, asked: str, day: str | None, limit: int | None) -> Audit:
        """Tell what was found."""
        results, unknown = self._results, self._unknown
        offenders, n_offenders = rank_offenders(self._offenders, results, limit)
        branches, n_branches = branches_of(self._verdicts, self._selected, results, limit)
        begin = [model.findings[0] for model in unknown]
        n_offenders += sum(one.waived is None for one in begin)
        audited = len(results.places) + len(unknown)
        numbers = {"models": audited, "offenders": n_offenders, "branches": n_branches}
        counted = count_classes(results, [(model.grade, _BADNESS[model.verdict]) for model in unknown])
        waived = results.of_each([len(outcome.waived) for outcome in results.outcomes])
        models = list(self._told(limit))
        summary = Summary(
            asked=asked,
            claim=self._claim,
            selected=len(self._selected.places) + len(unknown),
            audited=audited,
            classes={name: sum(counted[name].values()) for name in CLASSES},
            verdicts=counted,
            waived=int(waived.sum()) + sum(one.waived is not None for one in begin),
            offenders=tuple(also_begin(offenders, begin, limit)),
            branches=tuple(branches),
            policy=self._policy.path,
            remarks=(*self._usage.remarks(), *not_told(results, len(models), limit, self._findings_left_out)),
            more={what: max(0, n - (n if limit is None else limit)) for what, n in numbers.items()},
            data_date=day,
            catalogue=catalogue().version,
            unknown=len(unknown),
        )
        if unknown:
            models += unknown
            models.sort(key=lambda model: (_CLASS_RANK[model.grade], -_BADNESS[model.verdict]))
        return Audit(summary, tuple(models[:limit]))

    def standings(self) -> dict[str, Standing]:
        """How each model stands."""
        found = stand(self._offenders, self._results)
        return found | {one.model: Standing(one.grade, one.verdict, one.offenders) for one in self._unknown}

    def _read(self, read: Reader, chosen: Ints) -> dict[str, Documents]:
        """What the files of the chosen models and of all their ancestors say; labels take in what speaks against them.

        What the user says of a model stands.
        """
        columns = self._columns
        seen = np.array([said.state != State.PLACEHOLDER for said in columns.sayings], np.bool_)
        wanted = columns.with_ancestors(chosen)
        wanted = wanted[seen[columns.said[wanted]]]
        ids = columns.ids(wanted)
        held = {id: documents(files) for id, files in read(sorted(ids)).items()}
        for place, id in zip(wanted.tolist(), ids, strict=True):
            label = self._claims.of(place)
            if id in held and id.casefold() not in own().clarifications and not label.contradiction:
                self._claims.put(place, replace(label, contradiction=contradiction(label, held[id])))
        return held

    def _judge(self, places: Ints) -> Results:
        """What the audit comes to for each model; without waivers that is the same for all of a case."""
        cases = self._verdicts.case[places]
        met = np.bincount(cases, minlength=len(self._verdicts.cases)) > 0
        number = (np.cumsum(met) - 1)[cases]
        judged = [self._verdicts.cases[case] for case in np.flatnonzero(met).tolist()]
        said = [(*case.judgements, *self._denied(case)) for case in judged]
        results = Results(places, number, [self._outcome(judgements) for judgements in said])
        waivers = [waiver for waiver in self._policy.waivers if waiver.expires >= self._today]
        return self._waive(results, said, waivers) if waivers else results

    def _waive(self, results: Results, said: Sequence[tuple[Judgement, ...]], waivers: Sequence[Waiver]) -> Results:
        """The same once models whose names a waiver covers are looked at with the names of what is above them."""
        held = np.flatnonzero(results.of_each([bool(outcome.held) for outcome in results.outcomes]))
        places = results.places[held]
        alike: dict[tuple[int, int, tuple[Waiver, ...]], list[int]] = {}
        names: dict[int, str] = {}
        for at, place, name in zip(held.tolist(), places.tolist(), self._columns.ids(places), strict=True):
            if met := tuple(waiver for waiver in waivers if waiver.concerns(name)):
                who = results.number.item(at), self._verdicts.reach.of.item(place), met
                alike.setdefault(who, []).append(at)
                names[at] = name
        above = {key for _, reached, _ in alike for key in self._verdicts.reach.models_of(reached)}
        ids = dict(zip(above, self._columns.ids(np.array(list(above), np.int64)), strict=True))
        number, outcomes = results.number.copy(), list(results.outcomes)
        for (case, reached, _), ats in alike.items():
            ancestors = [ids[key] for key in self._verdicts.reach.models_of(reached)]
            number[ats] = len(outcomes)
            outcomes.append(self._outcome(said[case], names[ats[0]], ancestors))
        return Results(results.places, number, outcomes)

    def _outcome(self, judgements: Iterable[Judgement], name: str = "", ancestors: Sequence[str] = ()) -> Outcome:
        """What these judgements come to; of a model of this name, if waivers may cover it."""
        held, waived, passed, said = [], [], [Verdict.OK], list(judgements)
        some_untold = sum(judgement.rule == "unknown-ancestor" for judgement in said) >= MOST_UNKNOWN
        for judgement in said:
            weight = self._policy.weight(RULES[judgement.rule])
            if weight == "pass":
                passed.append(judgement.verdict)
                continue
            # A waiver for some ancestors cannot cover those that are not here.
            named = judgement.key is not None and not (some_untold and judgement.rule == "unknown-ancestor")
            ancestor = ancestors[judgement.key] if name and named else None  # type: ignore[index]
            if name and (reason := self._usage.waive(name, judgement.rule, ancestor)):
                waived.append((judgement, reason))
            else:
                held.append((judgement, weight))
        grade = grade_of(weight for _, weight in held)
        verdict = max([j.verdict for j, weight in held if weight == grade] or passed)
        return Outcome(verdict, grade, tuple(held), tuple(waived))

    def _denied(self, case: Case) -> Iterator[Judgement]:
        """The licences, declared or inherited, that the policy does not allow."""
        if self._policy.allow is None:
            return
        mine, brought = case.label.licenses, case.shape.licenses
        allowed = self._usage.allowed(mine.union(brought))
        yield from (Judgement("not-allowed", license) for license in sorted(mine - allowed))
        denied = [at for at, license in enumerate(brought) if license not in allowed | mine]
        yield from (Judgement("not-allowed", brought[at], at) for at in denied)

    def _told(self, limit: int | None) -> Iterator[Audited]:
        """The models in full, while they are not too deep: worst first, then the most downloaded."""
        results = self._results
        badness = [_CLASS_RANK[outcome.grade] * len(Verdict) - outcome.verdict for outcome in results.outcomes]
        ranks = results.of_each(badness), -self._columns.downloads[results.places]
        places = self._columns.first(limit, results.places, *ranks)
        numbers = results.number[np.searchsorted(results.places, places)]
        deep = 0
        for begin in range(0, len(places), _TOLD_AT_ONCE):
            page = places[begin : begin + _TOLD_AT_ONCE]
            steps, briefs = self._columns.source.above(self._columns.keys[page].tolist())
            ancestries = Ancestries(steps, briefs, self._claims.by_key(briefs))
            for place, number in zip(page.tolist(), numbers[begin:].tolist(), strict=False):
                ancestry = ancestries.of(self._columns.keys.item(place))
                yield (model := self._audited(place, results.outcomes[number], ancestry))
                size = len(ancestry.ancestors) + sum(len(finding.path) for finding in model.findings)
                deep += max(0, size - _FEW)
                if deep > _MOST_TOLD:
                    return

    def _audited(self, place: int, outcome: Outcome, ancestry: Ancestry) -> Audited:
        label, brief = self._claims.of(place), ancestry.briefs[ancestry.model]
        findings, lines = self._findings(place, outcome, ancestry), self._selected.lines.get(ancestry.model, [])
        return Audited(
            model=brief.id,
            line=lines[0].line if lines else None,
            author=brief.author,
            downloads=brief.downloads,
            declared=label.text,
            effective=self._effective[self._verdicts.case.item(place)],
            verdict=outcome.verdict.word,
            grade=outcome.grade,
            annotations=("tool-default",) if template_of(brief.licenses, brief.tools) else (),
            evidence=self._evidence(place, outcome, ancestry),
            findings=findings,
            offenders=tuple(sorted({finding.offender for finding in findings if finding.offender is not None})),
            places=_places(lines),
        )

    def _not_known(self, name: str, lines: Sequence[Listed]) -> Audited:
        """A model that code names and the registry does not know."""
        found = unlisted(name, self._policy, self._usage)
        grade, verdict = ("pass", Verdict.OK.word) if found.waived is not None else (found.grade, found.verdict)
        return Audited(
            model=name, line=lines[0].line if lines else None, author=name.rpartition("/")[0] or None, downloads=None,
            declared="not known", effective="not known", verdict=verdict, grade=grade, annotations=(), evidence=None,
            findings=(found,), offenders=(name,) if found.offender else (), places=_places(lines),
        )  # fmt: skip

    def _findings(self, place: int, outcome: Outcome, ancestry: Ancestry) -> tuple[Finding, ...]:
        keys = self._columns.keys

        def placed(said: Sequence[tuple[Judgement, str]]) -> dict[Judgement, tuple[Judgement, str]]:
            """Judgements of a case as those of this model, by key and by place, with what was said of each."""
            if not said:
                return {}
            judgements, words = zip(*said, strict=True)
            pairs = zip(self._verdicts.placed(place, judgements), words, strict=True)
            return {j if j.key is None else j._replace(key=keys.item(j.key)): (j, of) for j, of in pairs}

        def begins(judgement: Judgement) -> str:
            return ancestry.briefs[keys.item(self._offenders.of(place, judgement))].id

        held, waived, label = placed(outcome.held), placed(outcome.waived), self._claims.of(place)
        kept, left_out = worst_first(ancestry, held)
        covered, more_left_out = worst_first(ancestry, waived)
        self._findings_left_out += left_out + more_left_out
        return (
            *(finding(ancestry, label, j, grade=held[j][1], offender=begins(held[j][0])) for j in kept),
            *(finding(ancestry, label, j, waived=waived[j][1]) for j in covered),
        )

    def _evidence(self, place: int, outcome: Outcome, ancestry: Ancestry) -> Evidence | None:
        if self._documents is None:
            return None
        unread = documents(Files(problem="it is not in the registry"))
        ids = {key: ancestry.briefs[key].id for key in (ancestry.model, *ancestry.ancestors)}
        read = {id: self._documents.get(id, unread) for id in ids.values()}
        mine = read.pop(ids[ancestry.model])
        parents = [ids[self._columns.keys.item(parent)] for parent in self._verdicts.reach.parents(place)]
        return graded(self._claims.of(place), mine, read, parents, passes=outcome.grade == "pass")


def _places(lines: Sequence[Listed]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(one.place for one in lines if one.place is not None))
