"""Where a finding begins: at the first model on the way down whose own label it is about."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from lineage.judgement import Judgement
from lineage.verdicts import OBJECTING, Verdicts, is_said_by
from registry.columns import Flags, Ints

#: What a model objects to (licence, ancestor) → the model whose label was the first on the way to do so.
Blame = Mapping[tuple[str, int], int]


class Offenders:
    """Where the findings of many models begin; a model is meant by its place in the columns of `verdicts`."""

    def __init__(self, verdicts: Verdicts) -> None:
        self.verdicts = verdicts
        self._blame: dict[int, Blame] = {}
        objecting = [[j for j in case.judgements if is_said_by(j, OBJECTING)] for case in verdicts.cases]
        for place in verdicts.reach.inner:
            if said := objecting[verdicts.case.item(place)]:
                self._blame[place] = self._begun(place, said)
        self._below_blame = self._made_from(self._blame)

    def of(self, place: int, judgement: Judgement) -> int:
        """Where a model's finding begins: at the first model on the way down whose own label it is about, or at the
        ancestor whose terms nobody can tell."""
        if judgement.key is None:
            return place
        if judgement.license is None:
            return judgement.key
        return self._first(place, (judgement.license, judgement.key))

    def of_all(self, places: Ints, which: Ints, judgements: Sequence[Judgement]) -> Ints:
        """Where findings begin: one of each of `places`, by `which` of the judgements of cases it is."""
        position: Ints = np.array([-1 if j.key is None else j.key for j in judgements], np.int64)[which]
        licensed: Flags = np.array([j.license is not None for j in judgements], np.bool_)[which]
        found = places.copy()
        unknown = (position >= 0) & ~licensed
        found[unknown] = self.verdicts.reach.at(places[unknown], position[unknown])
        inherited = (position >= 0) & licensed & self._below_blame[places]
        for at in np.flatnonzero(inherited).tolist():
            place, judgement = places.item(at), judgements[which.item(at)]
            found[at] = self.of(place, *self.verdicts.placed(place, [judgement]))
        return found

    def _first(self, place: int, what: tuple[str, int]) -> int:
        return next(
            (self._blame[p][what] for p in self.verdicts.reach.parents(place) if what in self._blame.get(p, ())), place
        )

    def _begun(self, place: int, judgements: Iterable[Judgement]) -> Blame:
        """What a model objects to, and where that begins."""
        return {(j.license, j.key): self.of(place, j) for j in self.verdicts.placed(place, judgements)}  # type: ignore[misc]

    def _made_from(self, models: Collection[int]) -> Flags:
        """Which models were made from any of these."""
        named, found = np.zeros((2, len(self.verdicts.columns.keys)), np.bool_)
        named[list(models)] = True
        found[self.verdicts.columns.child[named[self.verdicts.columns.parent]]] = True
        return found
