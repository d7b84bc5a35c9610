"""How the models of an audit stand, where its findings begin, and how its branches fare."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from lineage.judgement import CLASSES, Judgement
from lineage.offenders import Offenders
from lineage.reach import MOST_UNKNOWN
from lineage.rules import Verdict
from lineage.selection import Selected
from lineage.verdicts import Verdicts
from registry.columns import Flags, Ints, beginnings, distinct, rows_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a case comes to: what keeps it from passing, each with its class, and what is waived, each with the reason.

    The keys of judgements are positions in what reaches the model, as in `verdicts.Case`.
    """

    verdict: Verdict
    grade: str
    held: tuple[tuple[Judgement, str], ...]
    waived: tuple[tuple[Judgement, str], ...]


@dataclass(frozen=True, eq=False, slots=True)
class Results:
    """What an audit came to: of each of `places` which of `outcomes`."""

    places: Ints
    number: Ints
    outcomes: Sequence[Outcome]

    def of_each(self, numbers: Sequence[int]) -> Ints:
        """Of each of `places` the number that is given for its outcome."""
        found: Ints = np.array(numbers, np.int64)[self.number]
        return found


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


class Standing(NamedTuple):
    """How a model's label stands: its class, its verdict, and the models where what keeps it from passing begins."""

    grade: str
    verdict: str
    because_of: tuple[str, ...]


@dataclass(frozen=True, eq=False, slots=True)
class _Begun:
    """Findings, in the order of the models: the model of each, where it begins, and which of `judgements` it is."""

    model: Ints
    offender: Ints
    which: Ints
    judgements: Sequence[Judgement]


def rank_offenders(offenders: Offenders, results: Results, limit: int | None) -> tuple[list[Offender], int]:
    """The models where findings begin, first those that alone clear the most: at most `limit`, and how many in all."""
    verdicts, begun = offenders.verdicts, _begun(offenders, results)
    size = len(verdicts.columns.keys)
    # Two findings about a model that begin at the same place are one reason to mend that.
    model, offender = np.divmod(distinct(begun.model * size + begun.offender), size)
    several = np.bincount(model, minlength=size)
    share = np.bincount(offender, minlength=size)
    alone = np.bincount(offender[several[model] == 1], minlength=size)
    places = np.flatnonzero(share)
    ranks = -alone[places], -share[places], -verdicts.columns.downloads[places]
    first = verdicts.columns.first(limit, places, *ranks)
    # A model is cleared by the last of the places where its findings begin.
    rank = np.full(size, len(first))
    rank[first] = np.arange(len(first))
    last = np.maximum.reduceat(rank[offender], np.flatnonzero(np.diff(model, prepend=-1))) if len(model) else model
    clears = np.cumsum(np.bincount(last, minlength=len(first)))
    briefs = verdicts.columns.source.briefs(verdicts.columns.keys[first].tolist())
    words = _commonest(verdicts, begun, first)
    found = []
    for n, place in enumerate(first.tolist()):
        brief = briefs[verdicts.columns.keys.item(place)]
        counts = share.item(place), alone.item(place), clears.item(n)
        found.append(Offender(brief.id, brief.author, brief.downloads, words[place], *counts))
    return found, len(places)


def stand(offenders: Offenders, results: Results) -> dict[str, Standing]:
    """How each model stands, by id."""
    columns, begun = offenders.verdicts.columns, _begun(offenders, results)
    size = len(columns.keys)
    model, offender = np.divmod(distinct(begun.model * size + begun.offender), size)
    met = distinct(offender)
    names = dict(zip(met.tolist(), columns.ids(met), strict=True))
    bounds = np.searchsorted(model, results.places), np.searchsorted(model, results.places, side="right")
    found = {}
    for id, number, begin, end in zip(columns.ids(results.places), results.number.tolist(), *bounds, strict=True):
        because_of = tuple(sorted(names[place] for place in offender[begin:end].tolist()))
        outcome = results.outcomes[number]
        found[id] = Standing(outcome.grade, outcome.verdict.word, because_of)
    return found


def count_classes(results: Results, unknown: Iterable[tuple[str, Verdict]]) -> dict[str, dict[str, int]]:
    """How many models came to each verdict, by class, the worst first; with the `unknown`, of which class and verdict
    are told."""
    counts = Counter(unknown)
    sizes = np.bincount(results.number, minlength=len(results.outcomes)).tolist()
    for outcome, n in zip(results.outcomes, sizes, strict=True):
        counts[outcome.grade, outcome.verdict] += n
    found: dict[str, dict[str, int]] = {name: {} for name in CLASSES}
    for (grade, verdict), n in sorted(counts.items(), key=lambda item: -item[0][1]):
        if n:
            found[grade][verdict.word] = n
    return found


def _begun(offenders: Offenders, results: Results) -> _Begun:
    """Where everything begins that keeps a model from passing."""
    judgements = [judgement for outcome in results.outcomes for judgement, _ in outcome.held]
    held = np.array([len(outcome.held) for outcome in results.outcomes], np.int64)
    model = np.repeat(results.places, held[results.number])
    which = rows_of(results.number, beginnings(held))
    return _Begun(model, offenders.of_all(model, which, judgements), which, judgements)


def _commonest(verdicts: Verdicts, begun: _Begun, offenders: Ints) -> dict[int, str]:
    """What is found most often at each offender, in words; of several the first, whatever the order of the models."""
    wanted = np.zeros(len(verdicts.columns.keys), np.bool_)
    wanted[offenders] = True
    of_these = wanted[begun.offender]
    model, offender, which = begun.model[of_these], begun.offender[of_these], begun.which[of_these]
    reached = verdicts.reach.of[model]
    # What models have to say that the same reaches is the same.
    alike = (offender * len(begun.judgements) + which) * (reached.max(initial=0) + 1) + reached
    _, begins, counts = np.unique(alike, return_index=True, return_counts=True)
    said = Counter[tuple[int, Judgement]]()
    for at, n in zip(begins.tolist(), counts.tolist(), strict=True):
        (judgement,) = verdicts.placed(model.item(at), [begun.judgements[which.item(at)]])
        said[offender.item(at), judgement] += n
    above = np.array(sorted({judgement.key for _, judgement in said if judgement.key is not None}), np.int64)
    names = dict(zip(above.tolist(), verdicts.columns.ids(above), strict=True))
    most: dict[int, tuple[int, str]] = {}
    for (place, judgement), n in said.items():
        found = (-n, _words(verdicts, place, judgement, names))
        most[place] = min(most.get(place, found), found)
    return {place: words for place, (_, words) in most.items()}


def _words(verdicts: Verdicts, offender: int, judgement: Judgement, names: dict[int, str]) -> str:
    label = verdicts.claims.of(offender).text
    if judgement.key == offender and judgement.license is None:
        return f"its terms cannot be told: {label}"
    if judgement.license is not None and judgement.key is not None:
        return f"{judgement.license} of {names[judgement.key]}, under the label {label}"
    return f"{judgement.verdict.word}: {label}"


def not_told(results: Results, told: int, limit: int | None, findings: int) -> Iterator[str]:
    """What is left out since it would take the square of a deep ancestry: models but for those `told` in full, and so
    many findings of these."""
    unknown = [sum(j.rule == "unknown-ancestor" for j, _ in outcome.held) for outcome in results.outcomes]
    if n := int(results.of_each([count >= MOST_UNKNOWN for count in unknown]).sum()):
        who = f"{n:,} {'model has' if n == 1 else 'models have'} {MOST_UNKNOWN} or more ancestors of unknown terms"
        yield f"{who}: so many are told, and waivers for some ancestors do not cover them"
    wanted = len(results.places) if limit is None else min(limit, len(results.places))
    if told < wanted:
        yield (
            f"{wanted - told:,} models are counted but left out, for those before have ancestries too deep to tell "
            "more: name the models to see them"
        )
    if findings:
        yield f"{findings:,} findings of the models shown, as grave or less and farther away, are left out"


def branches_of(
    verdicts: Verdicts, selected: Selected, results: Results, limit: int | None
) -> tuple[list[Branch], int]:
    """The audited models by the farthest model above them, in a family by the one below its root; largest first: at
    most `limit`, and how many in all.

    One model alone makes a branch in a family only.
    """
    columns = selected.columns
    branch = _branches(verdicts, selected)[results.places]
    sizes = np.bincount(branch, minlength=len(columns.keys))
    places = np.flatnonzero(sizes > (0 if selected.roots else 1))
    first = columns.first(limit, places, -sizes[places])
    graded = {
        grade: np.bincount(
            branch[results.of_each([outcome.grade == grade for outcome in results.outcomes]) == 1],
            minlength=len(columns.keys),
        )
        for grade in ("violation", "review", "pass")
    }
    counts = (sizes[first], *(graded[grade][first] for grade in graded))
    return list(map(Branch, columns.ids(first), *(numbers.tolist() for numbers in counts))), len(places)


def _branches(verdicts: Verdicts, selected: Selected) -> Ints:
    """The branch of each model: that of the parent it names first, in a family of the first that is of it."""
    columns = selected.columns
    outside = np.ones(len(columns.keys), np.bool_)
    outside[selected.family] = False
    along = np.lexsort((outside[columns.parent], columns.child))
    child, parent = columns.child[along], columns.parent[along]
    onward = (np.diff(child, prepend=-1) > 0) & ~np.isin(parent, list(selected.roots))
    up = np.arange(len(columns.keys))
    up[child[onward]] = parent[onward]
    # The way up ends at a cycle, and goes on as the one from the model of the cycle does.
    cyclic = np.array(sorted(verdicts.reach.cyclic), np.int64)
    up[cyclic] = cyclic
    while not np.array_equal(farther := up[up], up):
        up = farther
    ends = np.arange(len(columns.keys))
    ends[cyclic] = _around(verdicts, selected.roots, outside, cyclic)
    return ends[up]


def _around(verdicts: Verdicts, roots: Collection[int], outside: Flags, cyclic: Ints) -> list[int]:
    """The branches of the models of cycles: a cycle is left where the way from the first of it, by id, closes."""
    known: dict[int, int] = {}
    for _, place in sorted(zip(verdicts.columns.ids(cyclic), cyclic.tolist(), strict=True)):
        way = [place]
        while way[-1] not in known:
            above = [parent for parent in verdicts.reach.parents(way[-1]) if parent not in way]
            nearest = min(above, key=outside.item, default=None)
            if nearest is None or nearest in roots:
                known[way[-1]] = way[-1]
            else:
                way.append(nearest)
        known.update(dict.fromkeys(way, known[way[-1]]))
    return [known[place] for place in cyclic.tolist()]
