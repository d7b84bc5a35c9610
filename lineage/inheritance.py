"""Which licences reach a model, by which path, and what that makes of its label.

Read over the whole ancestry: a wrong label in the middle neither hides nor launders what is above it, and nothing
passes while something above is not known. It speaks of labels and terms; it is no legal advice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from sqlalchemy import Engine

from lineage.ancestry import Ancestry, read_ancestry
from lineage.licenses.catalogue import Fact, catalogue
from lineage.licenses.labels import UNDECLARED, UNKNOWN, Declared, clarified, template_of
from lineage.obligations import Obligation, obligations
from lineage.rules import RULES, Rule, Verdict, compare, covers, exclude
from registry.database import reading
from registry.names import find_model
from registry.read import data_date


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule says of the label against one licence, with the ancestor that brought it, the path to it (ids from
    the model upwards) with its relations, and the clause it rests on; `unverified` where that, or a licence of which no
    clause is noted, was not read in full. `grade` is pass, review or violation."""

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


@dataclass(frozen=True, slots=True)
class Part:
    """What one way of looking at an adapter comes to."""

    verdict: str
    grade: str


@dataclass(frozen=True, slots=True)
class Inheritance:
    """The licence question of one model, answered.

    `declared` is the label as it stands, `effective` all licences that apply as an SPDX expression, `verdict` the worst
    of the findings, `grade` pass, review or violation. `notes` hold what made no finding, such as an owner who
    relicenses own work. `inherited` maps each licence above to the ancestors that brought it. An adapter is seen twice:
    `combined` with its base as it is used, which is the verdict, and as the `delta` that is published, to which a
    licence that ends where works can be separated arguably does not reach.
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
    delta: Part | None
    combined: Part | None
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
        ancestry = read_ancestry(connection, find_model(connection, model).key)
        return judged(ancestry, data_date(connection))


def judged(ancestry: Ancestry, date: str | None, label: Declared | None = None) -> Inheritance:
    """Compare a model's label, or the one given in place of it, with all that is above it."""
    mine = ancestry.briefs[ancestry.model]
    label = label or ancestry.labels[ancestry.model]
    origins = ancestry.origins()
    notes = _exclusions(ancestry, origins)
    findings = list(_own(label)) if label.lacking != UNDECLARED else []
    for license, key in _judged_origins(ancestry, origins):
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
        obligations=tuple(obligations(ancestry, origins)),
        inherited=inherited,
        notes=tuple(dict.fromkeys(notes)),
        delta=_part([f for f in findings if not _separable(f)]) if ancestry.is_adapter else None,
        combined=_part(findings) if ancestry.is_adapter else None,
        data_date=date,
        catalogue=catalogue().version,
    )


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
    if objects and _own_work(ancestry, key) and _may_relicense(publisher, license):
        notes.append(f"{theirs.author} owns {theirs.id} too, and may put its own work under another licence")
        return []
    before = clarified(theirs.id, mine.created_at) if mine.created_at else None
    if objects and before is not None and before.license != license and covers(label.licenses, before.license):
        return [_finding(ancestry, RULES["stale-label"], key, license)]
    return [_finding(ancestry, outcome.rule, key, license, arguable=outcome.arguable) for outcome in outcomes]


def _judged_origins(ancestry: Ancestry, origins: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Who brought which licence: where that was the model's own owner, whoever else has it as well."""
    own = {key for key in ancestry.ancestors if _own_work(ancestry, key)}
    return list(dict.fromkeys(origins + ancestry.origins(besides=own))) if own else origins


def _own_work(ancestry: Ancestry, key: int) -> bool:
    mine, theirs = ancestry.briefs[ancestry.model].author, ancestry.briefs[key].author
    return bool(mine and theirs and mine.casefold() == theirs.casefold())


def _may_relicense(owner: str | None, license: str) -> bool:
    """Whether an owner can have granted a licence: that of a vendor only the vendor itself."""
    vendors = {vendor.casefold() for vendor in catalogue().licenses[license].vendors}
    return not vendors or owner in vendors


def _exclusions(ancestry: Ancestry, origins: list[tuple[str, int]]) -> list[str]:
    """Which inherited licences no label can satisfy together."""
    named = sorted((license, ancestry.briefs[key].id) for license, key in origins)
    return [
        f"no label satisfies both {first} ({one}) and {second} ({other})"
        for (first, one), (second, other) in combinations(named, 2)
        if exclude(first, second)
    ]


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
        unverified=clause.unverified if clause else license is not None and catalogue().licenses[license].unverified,
        arguable=arguable,
        mend=rule.mend.format(ancestor=license, model=theirs.id),
    )


def _bare(rule: Rule, says: str) -> Finding:
    """A finding about the label itself."""
    grade = rule.weight
    return Finding(
        rule.id, rule.verdict.word, grade, None, None, (), (), rule.axis, f"{rule.says} Here: {says}.",
        None, None, None, False, rule.arguable, rule.mend,
    )  # fmt: skip


def _rank(finding: Finding) -> Verdict:
    return RULES[finding.rule].verdict


def _worst(findings: list[Finding]) -> Verdict:
    return max(map(_rank, findings), default=Verdict.OK)


def _grade(findings: list[Finding], worst: Verdict) -> str:
    """The class of the verdict; a finding of the same word may weigh less (see `file-scope`)."""
    weights = {finding.grade for finding in findings if _rank(finding) == worst}
    return "violation" if "violation" in weights else "review" if "review" in weights else "pass"


def _part(findings: list[Finding]) -> Part:
    worst = _worst(findings)
    return Part(worst.word, _grade(findings, worst))


def _separable(finding: Finding) -> bool:
    """Whether a finding rests on a licence that a separate work arguably need not be under."""
    return finding.rule != "undeclared" and finding.arguable


def _effective(label: Declared, inherited: Mapping[str, tuple[str, ...]], *, unknown: bool) -> str:
    """All licences that apply, as an SPDX expression; NOASSERTION where something is not known."""
    known = catalogue().licenses
    parts = sorted(known[id].expression for id in label.licenses | inherited.keys())
    return " AND ".join([*parts, *(["NOASSERTION"] if unknown or not parts else [])])
