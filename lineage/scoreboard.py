"""Where the findings of an audit begin, and how its branches fare."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from lineage.judgement import Judgement
from lineage.rules import Verdict
from lineage.selection import Selected
from lineage.verdicts import Verdicts


@dataclass(frozen=True, slots=True)
class Result:
    """What the audit came to for a model (a key): what keeps it from passing, each with its class, and what was waived,
    each with the reason."""

    key: int
    verdict: Verdict
    grade: str
    held: tuple[tuple[Judgement, str], ...]
    waived: tuple[tuple[Judgement, str], ...]


@dataclass(frozen=True, slots=True)
class Offender:
    """A model where findings begin: in so many audited `models`, of which `alone` would pass if only this one were
    mended, and `clears` once it and all that stand before it are. `says` is what is wrong there."""

    model: str
    author: str | None
    downloads: int | None
    says: str
    models: int
    alone: int
    clears: int


@dataclass(frozen=True, slots=True)
class Branch:
    """The audited models of one branch, by class: those that came down from `model` by the parents they name first."""

    model: str
    models: int
    violation: int
    review: int
    passed: int


def blame(verdicts: Verdicts, result: Result) -> list[int]:
    """Where each of what keeps a model from passing begins (keys)."""
    return [verdicts.offender(result.key, judgement) for judgement, _ in result.held]


def rank_offenders(verdicts: Verdicts, results: Iterable[Result]) -> list[Offender]:
    """The models where findings begin: first those that alone clear the most."""
    left: dict[int, set[int]] = {}
    below: dict[int, list[int]] = defaultdict(list)
    said: dict[int, Counter[Judgement]] = defaultdict(Counter)
    for result in results:
        if result.held:
            begins = blame(verdicts, result)
            left[result.key] = set(begins)
            for offender, (judgement, _) in zip(begins, result.held, strict=True):
                said[offender][judgement] += 1
            for offender in left[result.key]:
                below[offender].append(result.key)
    alone = Counter(next(iter(offenders)) for offenders in left.values() if len(offenders) == 1)

    def rank(offender: int) -> tuple[int, int, int, str]:
        brief = verdicts.briefs[offender]
        return -alone[offender], -len(below[offender]), -(brief.downloads or 0), brief.id

    found = []
    cleared = 0
    for offender in sorted(below, key=rank):
        for key in below[offender]:
            left[key].discard(offender)
            cleared += not left[key]
        brief, share = verdicts.briefs[offender], len(below[offender])
        says = _commonest(verdicts, offender, said[offender])
        found.append(Offender(brief.id, brief.author, brief.downloads, says, share, alone[offender], cleared))
    return found


def _commonest(verdicts: Verdicts, offender: int, said: Counter[Judgement]) -> str:
    """What is found most often at an offender, in words; of several the first, whatever the order of the models."""
    most = max(said.values())
    return min(_words(verdicts, offender, judgement) for judgement, n in said.items() if n == most)


def branches_of(verdicts: Verdicts, selected: Selected, results: Iterable[Result]) -> list[Branch]:
    """The audited models by the farthest model above them, in a family by the one below its root."""
    counts: dict[int, Counter[str]] = defaultdict(Counter)
    known: dict[int, int] = {}
    for result in results:
        counts[_branch(verdicts, selected, result.key, known)][result.grade] += 1
    found = [
        Branch(verdicts.briefs[key].id, n.total(), n["violation"], n["review"], n["pass"]) for key, n in counts.items()
    ]
    return sorted(found, key=lambda branch: (-branch.models, branch.model))


def _words(verdicts: Verdicts, offender: int, judgement: Judgement) -> str:
    label = verdicts.labels[offender].text
    if judgement.key == offender and judgement.license is None:
        return f"its terms cannot be told: {label}"
    if judgement.license is not None and judgement.key is not None:
        return f"{judgement.license} of {verdicts.briefs[judgement.key].id}, under the label {label}"
    return f"{judgement.verdict.word}: {label}"


def _branch(verdicts: Verdicts, selected: Selected, key: int, known: dict[int, int]) -> int:
    """The branch of a model: that of the parent it names first (in a family of the first that is of it); a cycle is
    left where it closes. `known` are the branches found so far."""
    way = {key: None}
    while key not in known:
        above = [parent for parent in verdicts.parents(key) if parent not in way]
        nearest = next((parent for parent in above if parent in selected.family), above[0] if above else None)
        if nearest is None or nearest in selected.roots:
            known[key] = key
        else:
            key = nearest
            way[key] = None
    known.update(dict.fromkeys(way, known[key]))
    return known[key]
