"""Which licences reach a model, by which path, and what that makes of its label.

Read over the whole ancestry: a wrong label in the middle neither hides nor launders what is above it, and nothing
passes while something above is not known. It speaks of labels and terms; it is no legal advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Engine

from lineage.licenses.catalogue import Fact, catalogue
from lineage.licenses.labels import UNDECLARED, UNKNOWN, Declared, clarified, declared, template_of
from lineage.rules import RULES, Rule, Verdict, compare, covers
from registry.database import reading
from registry.names import find_model
from registry.read import Brief, Step, data_date, walk
from registry.records import Relation, State


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of the label against one licence, with the ancestor that brought it, the path to it (ids from
    the model upwards) with its relations, and the clause it rests on. `grade` is pass, review or violation."""

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
    arguable: bool
    mend: str


@dataclass(frozen=True, slots=True)
class Obligation:
    """Something that an inherited licence asks of who publishes or uses the model; `met` is None where the registry
    cannot tell."""

    axis: str
    says: str
    license: str
    ancestor: str
    section: str | None
    source: str
    met: bool | None


@dataclass(frozen=True, slots=True)
class Inheritance:
    """The licence question of one model, answered.

    `declared` is the label as it stands, `effective` all licences that apply as an SPDX expression, `verdict` the worst
    of the findings, `grade` pass, review or violation. `notes` hold what made no finding, such as an owner who
    relicenses own work. `inherited` maps each licence above to the ancestor that brought it.
    """

    model: str
    declared: str
    effective: str
    verdict: str
    grade: str
    annotations: tuple[str, ...]
    findings: tuple[Finding, ...]
    obligations: tuple[Obligation, ...]
    inherited: dict[str, tuple[str, ...]]
    notes: tuple[str, ...]
    data_date: str | None
    catalogue: str

    @property
    def causes(self) -> tuple[str, ...]:
        """The ancestors of the findings that decide the verdict."""
        deciding = [f.ancestor for f in self.findings if f.verdict == self.verdict and f.grade != "pass"]
        return tuple(dict.fromkeys(ancestor for ancestor in deciding if ancestor is not None))


def inheritance(engine: Engine, model: str) -> Inheritance:
    """Answer the licence question of `model`; raises UnknownModel where the name means none."""
    with reading(engine) as connection:
        found = find_model(connection, model)
        steps, briefs = walk(connection, [found.key], up=True)
        ancestry = Ancestry(found.key, steps, briefs)
        return judged(ancestry, data_date(connection))


class Ancestry:
    """A model and all above it: what each declares, which licences each brings along, and the way to each."""

    def __init__(self, model: int, steps: list[Step], briefs: Mapping[int, Brief]) -> None:
        """`steps` lead from `model` (a key) up to its ancestors, `briefs` hold all of them."""
        self.model = model
        self.briefs = briefs
        self._parents: dict[int, list[Step]] = {}
        for step in sorted(steps):
            if step.parent != step.child:
                self._parents.setdefault(step.child, []).append(step)
        #: From each ancestor the edge down by which it is reached first; nearest ancestors first.
        self._down: dict[int, Step] = {}
        todo = [model]
        for child in todo:
            for step in self._parents.get(child, ()):
                if step.parent != model and step.parent not in self._down:
                    self._down[step.parent] = step
                    todo.append(step.parent)
        self.ancestors = todo[1:]
        self.labels = {key: _label(briefs[key]) for key in todo}

    def way(self, ancestor: int) -> list[Step]:
        """The edges from the model up to an ancestor, by the shortest way."""
        steps = []
        at = ancestor
        while at != self.model:
            steps.append(self._down[at])
            at = self._down[at].child
        return steps[::-1]

    def origins(self) -> list[tuple[str, int]]:
        """Each inherited licence with the ancestors that brought it: those above which nobody has it."""
        above = {key: self._above(key) for key in self.ancestors}
        return [
            (license, key)
            for key in self.ancestors
            for license in sorted(self.labels[key].licenses)
            if not any(license in self.labels[other].licenses for other in above[key] if key not in above[other])
        ]

    def opaque(self) -> list[int]:
        """The ancestors whose terms nobody can tell. A quantized copy without a label is as its original."""
        return [key for key in self.ancestors if self.labels[key].lacking and not self._is_copy(key)]

    def _is_copy(self, key: int) -> bool:
        parents = self._parents.get(key, ())
        copied = bool(parents) and all(step.relation == Relation.QUANTIZED for step in parents)
        return copied and self.labels[key].lacking == UNDECLARED

    def _above(self, key: int) -> set[int]:
        met: set[int] = set()
        todo = [key]
        while todo:
            for step in self._parents.get(todo.pop(), ()):
                if step.parent not in met:
                    met.add(step.parent)
                    todo.append(step.parent)
        return met


def judged(ancestry: Ancestry, date: str | None) -> Inheritance:
    """Compare a model's label with all that is above it."""
    mine = ancestry.briefs[ancestry.model]
    label = ancestry.labels[ancestry.model]
    origins = ancestry.origins()
    notes: list[str] = []
    findings = list(_own(label)) if label.lacking != UNDECLARED else []
    for license, key in origins:
        findings += _against(ancestry, label, license, key, notes)
    findings += [_finding(ancestry, RULES["unknown-ancestor"], key, None) for key in ancestry.opaque()]
    if label.lacking == UNDECLARED:
        findings = _undeclared(ancestry, origins) + [f for f in findings if f.rule == "unknown-ancestor"]
    template = template_of(mine.licenses, mine.tools)
    if template:
        notes.append(f"the card template of {template} writes this label, whatever a model was made from")
    worst = _worst(findings)
    inherited: dict[str, tuple[str, ...]] = {}
    for license, key in origins:
        inherited[license] = (*inherited.get(license, ()), ancestry.briefs[key].id)
    return Inheritance(
        model=mine.id,
        declared=label.text,
        effective=_effective(label, inherited, unknown=bool(ancestry.opaque()) or label.lacking == UNKNOWN),
        verdict=worst.word,
        grade=_grade(findings, worst),
        annotations=("tool-default",) if template else (),
        findings=tuple(sorted(findings, key=lambda f: (-_rank(f), len(f.path), f.ancestor or "", f.license or ""))),
        obligations=tuple(_obligations(ancestry, origins)),
        inherited=inherited,
        notes=tuple(dict.fromkeys(notes)),
        data_date=date,
        catalogue=catalogue().version,
    )


def _label(brief: Brief) -> Declared:
    """What a model is under: its own label, else what is known besides."""
    said = declared(brief.licenses, brief.license_name, brief.license_link)
    if said.lacking is None:
        return said
    known = clarified(brief.id, None)
    if known is not None:
        return Declared(frozenset({known.license}), f"{known.license} (not by its metadata)", evidence=known.evidence)
    if brief.state == State.PLACEHOLDER:
        return Declared(frozenset(), "not in the registry", UNKNOWN)
    return said


def _own(label: Declared) -> list[Finding]:
    """What is wrong with a label by itself."""
    found = []
    if label.contradiction:
        found.append(_bare(RULES["contradictory-metadata"], label.contradiction))
    if label.lacking == UNKNOWN:
        found.append(_bare(RULES["unknown-label"], f"the label says: {label.text}"))
    return found


def _against(ancestry: Ancestry, label: Declared, license: str, key: int, notes: list[str]) -> list[Finding]:
    """The findings about one inherited licence."""
    if label.lacking is not None:
        return []
    mine, theirs = ancestry.briefs[ancestry.model], ancestry.briefs[key]
    above = frozenset(id for other in ancestry.ancestors for id in ancestry.labels[other].licenses)
    publisher = mine.author.casefold() if mine.author else None
    outcomes = compare(label.licenses, license, above, publisher)
    objects = [outcome for outcome in outcomes if outcome.rule.verdict > Verdict.OK_STRICTER]
    if objects and mine.author and theirs.author and mine.author.casefold() == theirs.author.casefold():
        notes.append(f"{theirs.author} owns {theirs.id} too, and may put its own work under another licence")
        return []
    before = clarified(theirs.id, mine.created_at) if mine.created_at else None
    if objects and before is not None and before.license != license and covers(label.licenses, before.license):
        return [_finding(ancestry, RULES["stale-label"], key, license)]
    return [_finding(ancestry, outcome.rule, key, license, arguable=outcome.arguable) for outcome in outcomes]


def _undeclared(ancestry: Ancestry, origins: list[tuple[str, int]]) -> list[Finding]:
    """That nothing is declared, once for each licence above that asks for more than notices."""
    known = catalogue().licenses
    demanding = [(license, key) for license, key in origins if not known[license].permissive]
    if not demanding:
        return [_bare(RULES["undeclared"], "no licence is declared")]
    return [_finding(ancestry, RULES["undeclared"], key, license) for license, key in demanding]


def _finding(ancestry: Ancestry, rule: Rule, key: int, license: str | None, *, arguable: bool = False) -> Finding:
    way = ancestry.way(key)
    theirs = ancestry.briefs[key]
    clause: Fact | None = catalogue().licenses[license].clause(rule.axis) if license else None
    return Finding(
        rule=rule.id,
        verdict=rule.verdict.word,
        grade=rule.weight,
        ancestor=theirs.id,
        license=license,
        path=(ancestry.briefs[ancestry.model].id, *(ancestry.briefs[step.parent].id for step in way)),
        relations=tuple(step.relation for step in way),
        axis=rule.axis,
        says=rule.says if license else f"{rule.says} It says: {ancestry.labels[key].text}.",
        clause=clause.says if clause else None,
        section=clause.section if clause else None,
        source=clause.source if clause else ancestry.labels[key].evidence,
        arguable=arguable,
        mend=rule.mend.format(ancestor=license, model=theirs.id),
    )


def _bare(rule: Rule, says: str) -> Finding:
    """A finding about the label itself."""
    grade = rule.weight
    return Finding(
        rule.id, rule.verdict.word, grade, None, None, (), (), rule.axis, f"{rule.says} Here: {says}.",
        None, None, None, rule.arguable, rule.mend,
    )  # fmt: skip


def _rank(finding: Finding) -> Verdict:
    return RULES[finding.rule].verdict


def _worst(findings: list[Finding]) -> Verdict:
    return max(map(_rank, findings), default=Verdict.OK)


def _grade(findings: list[Finding], worst: Verdict) -> str:
    """The class of the verdict; a finding of the same word may weigh less (see `file-scope`)."""
    weights = {finding.grade for finding in findings if _rank(finding) == worst}
    return "violation" if "violation" in weights else "review" if "review" in weights else "pass"


def _effective(label: Declared, inherited: Mapping[str, tuple[str, ...]], *, unknown: bool) -> str:
    """All licences that apply, as an SPDX expression; NOASSERTION where something is not known."""
    known = catalogue().licenses
    parts = sorted(known[id].expression for id in label.licenses | inherited.keys())
    return " AND ".join([*parts, *(["NOASSERTION"] if unknown or not parts else [])])


_DUTIES = ("notice", "naming", "use", "territory", "outputs")


def _obligations(ancestry: Ancestry, origins: list[tuple[str, int]]) -> list[Obligation]:
    """What the inherited licences ask for, each licence once."""
    name = ancestry.briefs[ancestry.model].id.rpartition("/")[2]
    found = []
    seen = set()
    for license, key in origins:
        facts = catalogue().licenses[license]
        if license in seen:
            continue
        seen.add(license)
        begun = None if facts.begins is None else name.casefold().startswith(facts.begins.casefold())
        for fact in facts.facts:
            if fact.axis in _DUTIES:
                met = begun if fact.axis == "naming" and "begin" in fact.says else None
                ancestor = ancestry.briefs[key].id
                found.append(Obligation(fact.axis, fact.says, license, ancestor, fact.section, fact.source, met))
    return sorted(found, key=lambda o: _DUTIES.index(o.axis))
