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
    alone, share = Counter[int](), Counter[int]()
    said: Counter[tuple[int, Judgement]] = Counter()
    #: Of models with findings that begin at several places: the places that are left, and the models of each place.
    left: dict[int, set[int]] = {}
    below: dict[int, list[int]] = defaultdict(list)
    for result in results:
        if not result.held:
            continue
        begins = blame(verdicts, result)
        for offender, (judgement, _) in zip(begins, result.held, strict=True):
            said[offender, judgement] += 1
        places = set(begins)
        for offender in places:
            share[offender] += 1
        if len(places) == 1:
            alone[begins[0]] += 1
            continue
        left[result.key] = places
        for offender in places:
            below[offender].append(result.key)

    def rank(offender: int) -> tuple[int, int, int, str]:
        brief = verdicts.briefs[offender]
        return -alone[offender], -share[offender], -(brief.downloads or 0), brief.id

    words = _commonest(verdicts, said)
    found = []
    cleared = 0
    for offender in sorted(share, key=rank):
        cleared += alone[offender]
        for key in below.get(offender, ()):
            left[key].discard(offender)
            cleared += not left[key]
        brief = verdicts.briefs[offender]
        counts = (share[offender], alone[offender], cleared)
        found.append(Offender(brief.id, brief.author, brief.downloads, words[offender], *counts))
    return found


def _commonest(verdicts: Verdicts, said: Counter[tuple[int, Judgement]]) -> dict[int, str]:
    """What is found most often at each offender, in words; of several the first, whatever the order of the models."""
    most: dict[int, tuple[int, str]] = {}
    for (offender, judgement), n in said.items():
        found = (-n, _words(verdicts, offender, judgement))
        most[offender] = min(most.get(offender, found), found)
    return {offender: words for offender, (_, words) in most.items()}


def branches_of(verdicts: Verdicts, selected: Selected, results: Iterable[Result]) -> list[Branch]:
    """The audited models by the farthest model above them, in a family by the one below its root; largest first.

    One model alone makes a branch in a family only.
    """
    known: dict[int, int] = {}
    counts = Counter((_branch(verdicts, selected, result.key, known), result.grade) for result in results)
    sizes = Counter[int]()
    for (key, _), n in counts.items():
        sizes[key] += n
    found = [
        Branch(verdicts.briefs[key].id, n, counts[key, "violation"], counts[key, "review"], counts[key, "pass"])
        for key, n in sizes.items()
        if n > 1 or selected.roots
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
