"""Which licences reach a model, by which path, and what that makes of its label.

Read over the whole ancestry: a wrong label in the middle neither hides nor launders what is above it, and nothing
passes while something above is not known. It speaks of labels and terms; it is no legal advice.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar, NamedTuple

from sqlalchemy import Engine

from lineage.ancestry import Ancestries, Ancestry, read_ancestry
from lineage.findings import Finding, finding, worst_first
from lineage.judgement import Judgement, Origin, grade_of, is_own, judge, origin, worst
from lineage.licenses.catalogue import catalogue
from lineage.licenses.labels import UNKNOWN, Declared, template_of
from lineage.obligations import Obligation, obligations
from lineage.rules import RULES, exclude
from registry.database import reading
from registry.names import find_model
from registry.read import Brief, data_date


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

    SCHEMA: ClassVar[str] = "finetune-lineage/license/1"

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


class Outcome(NamedTuple):
    """A model's `Inheritance` without its paths, which take the square of a deep ancestry: `licenses` are all that
    apply (ids), `causes` the ancestors (ids) that decide the verdict, `judgements` all that the rules say."""

    verdict: str
    grade: str
    effective: str
    licenses: frozenset[str]
    causes: tuple[str, ...]
    judgements: tuple[Judgement, ...]


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
    said = judge_ancestry(ancestry, label)
    judgements = [judgement for judgement in said if judgement.rule != "own-work"]
    template = template_of(mine.licenses, mine.tools)
    notes = _exclusions(ancestry, origins)
    notes += [_relicensed(ancestry.briefs[j.key]) for j in said if j.rule == "own-work" and j.key is not None]
    if template:
        notes.append(f"the card template of {template} writes this label, whatever a model was made from")
    inherited: dict[str, tuple[str, ...]] = {}
    for license, key in origins:
        inherited[license] = (*inherited.get(license, ()), ancestry.briefs[key].id)
    verdict = _part(judgements)
    kept, left_out = worst_first(ancestry, judgements)
    if left_out:
        notes.insert(0, f"{left_out:,} more findings, as grave or less and farther away, are left out")
    return Inheritance(
        model=mine.id,
        declared=label.text,
        effective=effective(label, inherited, unknown=bool(ancestry.opaque)),
        verdict=verdict.verdict,
        grade=verdict.grade,
        annotations=("tool-default",) if template else (),
        findings=tuple(finding(ancestry, label, judgement) for judgement in kept),
        obligations=tuple(obligations(ancestry, origins)),
        inherited=inherited,
        notes=tuple(dict.fromkeys(notes)),
        delta=_part([j for j in judgements if not _separable(j)]) if ancestry.is_adapter else None,
        combined=verdict if ancestry.is_adapter else None,
        data_date=date,
        catalogue=catalogue().version,
    )


def outcome(ancestry: Ancestry) -> Outcome:
    """The verdict on a model's own label, as `judged` has it."""
    label = ancestry.labels[ancestry.model]
    judgements = judge_ancestry(ancestry)
    said = [judgement for judgement in judgements if judgement.rule != "own-work"]
    inherited = {license for license, _ in ancestry.origins()}
    part, verdict = _part(said), worst(said)
    deciding = [j.key for j in said if j.verdict == verdict and j.objects and j.key is not None]
    return Outcome(
        part.verdict,
        part.grade,
        effective(label, inherited, unknown=bool(ancestry.opaque)),
        label.licenses.union(inherited),
        tuple(dict.fromkeys(ancestry.briefs[key].id for key in deciding)),
        judgements,
    )


def judge_ancestry(ancestry: Ancestry, label: Declared | None = None) -> tuple[Judgement, ...]:
    """What the rules say of a model's label, or of the one given in place of it."""
    author = ancestry.briefs[ancestry.model].author
    return judge(label or ancestry.labels[ancestry.model], author, judged_origins(ancestry), ancestry.opaque)


def judged_origins(ancestry: Ancestry) -> list[Origin]:
    """Who brought which licence: where that was the model's own owner, whoever else has it as well."""
    mine, origins = ancestry.briefs[ancestry.model], ancestry.origins()
    own = {key for key in ancestry.ancestors if is_own(mine, ancestry.briefs[key])}
    others = ancestry.origins(besides=own) if own else []
    return [origin(license, mine, ancestry.briefs[key]) for license, key in dict.fromkeys([*origins, *others])]


def origins_of_an_owner(ancestries: Ancestries, models: Sequence[int]) -> dict[int, list[Origin]]:
    """The same of several models (keys) of one owner, none of which is on a cycle, in one pass."""
    briefs = ancestries.briefs
    own = ancestries.owned(briefs[models[0]].author)
    # What reaches a model is one object all along a chain.
    alike: dict[tuple[int, int, str | None], list[Origin]] = {}
    found = {}
    for model, (whole, of_others) in ancestries.origins(models, own).items():
        mine, who = briefs[model], (id(whole), id(of_others), briefs[model].created_at)
        if who not in alike:
            each = [(license, key) for way in (whole, of_others) for license, keys in way.items() for key in keys]
            alike[who] = [origin(license, mine, briefs[key]) for license, key in dict.fromkeys(each)]
        found[model] = alike[who]
    return found


def _relicensed(theirs: Brief) -> str:
    return f"{theirs.author} owns {theirs.id} too, and may put its own work under another licence"


def _exclusions(ancestry: Ancestry, origins: list[tuple[str, int]]) -> list[str]:
    """Which inherited licences no label can satisfy together."""
    named = sorted((license, ancestry.briefs[key].id) for license, key in origins)
    return [
        f"no label satisfies both {first} ({one}) and {second} ({other})"
        for (first, one), (second, other) in combinations(named, 2)
        if exclude(first, second)
    ]


def _part(judgements: Sequence[Judgement]) -> Part:
    verdict = worst(judgements)
    return Part(verdict.word, grade_of(RULES[j.rule].weight for j in judgements if j.verdict == verdict))


def _separable(judgement: Judgement) -> bool:
    """Whether a finding rests on a licence that a separate work arguably need not be under."""
    return judgement.rule != "undeclared" and judgement.arguable


def effective(label: Declared, inherited: Iterable[str], *, unknown: bool) -> str:
    """All licences that apply, as an SPDX expression; NOASSERTION where something is not known."""
    known = catalogue().licenses
    parts = sorted({known[id].expression for id in label.licenses.union(inherited)})
    return " AND ".join([*parts, *(["NOASSERTION"] if unknown or label.lacking == UNKNOWN or not parts else [])])
