"""The licence question of many models at once, and where a finding begins.

Models under the same label that the same licences reach get the same judgement, whoever brought these: a whole registry
has a few thousand such cases, and each is judged once, as if a stranger had made the model. Its owner and its day can
only matter where something above speaks against the label: of those models, the ones whose owner has a part in what
reaches them, or that may be older than a licence above them, are looked at one by one.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from lineage.ancestry import Ancestries, Ancestry
from lineage.claims import Claims
from lineage.inheritance import judged_origins
from lineage.judgement import Judgement, Origin, judge
from lineage.licenses.catalogue import catalogue
from lineage.licenses.labels import Declared
from lineage.reach import MOST_UNKNOWN, Reach, Shape
from lineage.rules import RULES
from registry.bulk import Columns, Flags, Ints, distinct

#: The rules that keep a label from passing.
_OBJECTING = frozenset(rule.id for rule in RULES.values() if rule.weight != "pass")


class Case(NamedTuple):
    """A label, what reaches it, and what the rules say: the key of a judgement is a position in what reaches it."""

    label: Declared
    shape: Shape
    judgements: tuple[Judgement, ...]


#: What a model objects to (licence, ancestor) → the model whose label was the first on the way to do so.
Blame = Mapping[tuple[str, int], int]


class Verdicts:
    """What the rules say of each of many models.

    A model is meant by its place in `columns`, which hold these models and all their ancestors; `claims` is what each
    is under. `counted` are the rules whose findings are looked at closely, besides those that object.
    """

    def __init__(self, columns: Columns, claims: Claims, counted: Collection[str] = ()) -> None:
        self.columns, self.claims = columns, claims
        self._counted = _OBJECTING.union(counted)
        self.reach = Reach(columns, claims)
        #: Each case once.
        self.cases: list[Case] = []
        self._numbers: dict[Case, int] = {}
        #: Of each model the number of its case.
        self.case = self._as_strangers()
        self._look_closely()
        self._blame: dict[int, Blame] = {}
        speaking = [_speaks(case, _OBJECTING) for case in self.cases]
        for place in self.reach.inner:
            if speaking[self.case.item(place)]:
                self._blame[place] = self._begun(place)
        self._below_blame = self._made_from(self._blame)

    def judgements(self, place: int) -> tuple[Judgement, ...]:
        """What the rules say of a model's label; the keys are places."""
        return self.placed(place, self.cases[self.case.item(place)].judgements)

    def placed(self, place: int, judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
        """Judgements of a case as those of a model: positions become places."""
        models = self.reach.models(place)
        return tuple(j if j.key is None else j._replace(key=models[j.key]) for j in judgements)

    def offender(self, place: int, judgement: Judgement) -> int:
        """Where a model's finding begins: at the first model on the way down whose own label it is about, or at the
        ancestor whose terms nobody can tell."""
        if judgement.key is None:
            return place
        if judgement.license is None:
            return judgement.key
        return self._first(place, (judgement.license, judgement.key))

    def offenders(self, places: Ints, which: Ints, judgements: Sequence[Judgement]) -> Ints:
        """Where findings begin: one of each of `places`, by `which` of the judgements of cases it is."""
        position: Ints = np.array([-1 if j.key is None else j.key for j in judgements], np.int64)[which]
        licensed: Flags = np.array([j.license is not None for j in judgements], np.bool_)[which]
        found = places.copy()
        unknown = (position >= 0) & ~licensed
        found[unknown] = self.reach.at(places[unknown], position[unknown])
        inherited = (position >= 0) & licensed & self._below_blame[places]
        for at in np.flatnonzero(inherited).tolist():
            place, judgement = places.item(at), judgements[which.item(at)]
            found[at] = self.offender(place, *self.placed(place, [judgement]))
        return found

    def _first(self, place: int, what: tuple[str, int]) -> int:
        return next((self._blame[p][what] for p in self.reach.parents(place) if what in self._blame.get(p, ())), place)

    def _as_strangers(self) -> Ints:
        """The case of each model, whoever made it and when."""
        labels = self.claims.labels
        met, numbers = np.unique(self.reach.shape_numbers() * len(labels) + self.claims.number, return_inverse=True)
        for both in met.tolist():
            shape, label = self.reach.shapes[both // len(labels)], labels[both % len(labels)]
            origins = [Origin(license, at, own=False, former=None) for at, license in enumerate(shape.licenses)]
            unknown = range(len(shape.licenses), len(shape.licenses) + shape.opaque)
            self._number(Case(label, shape, judge(label, None, origins, unknown)))
        return np.asarray(numbers, np.int64)

    def _look_closely(self) -> None:
        """Judge those one by one of whom more matters than their label; as one, where they are alike in all of it."""
        alike: dict[object, list[int]] = {place: [place] for place in sorted(self.reach.cyclic)}
        for place, owner, day in self._concerned():
            if place not in alike:
                who = (*self.reach.parents(place), self.claims.of(place), owner, day)
                alike.setdefault(who, []).append(place)
        if not alike:
            return
        keys = [self.columns.keys.item(places[0]) for places in alike.values()]
        steps, briefs = self.columns.source.above(keys)
        ancestries = Ancestries(steps, briefs, self.claims.by_key(briefs))
        place_of = dict(zip(briefs, self.columns.places(briefs).tolist(), strict=True))
        for key, places in zip(keys, alike.values(), strict=True):
            reached, case = self._judged(ancestries.of(key), place_of)
            self.reach.of[places], self.case[places] = reached, case

    def _concerned(self) -> Iterator[tuple[int, str | None, str | None]]:
        """The models against whose label something above speaks, though owner or day may pardon it, with these."""
        speaking: Flags = np.array([_speaks(case, self._counted) for case in self.cases], np.bool_)
        places = np.flatnonzero(speaking[self.case])
        sets = {number: self.reach.bringing(number) for number in distinct(self.reach.of[places]).tolist()}
        brought = np.array([model for models in sets.values() for model in models], np.int64)
        needed = distinct(np.append(places, brought))
        authors = self.columns.texts(needed, "author")
        owner = {at: author and author.casefold() for at, author in zip(needed.tolist(), authors, strict=True)}
        owners = {number: {owner[model] for model in models} - {None} for number, models in sets.items()}
        vendors = {vendor.casefold() for license in catalogue().licenses.values() for vendor in license.vendors}
        days = self._days(places)
        for place, number in zip(places.tolist(), self.reach.of[places].tolist(), strict=True):
            if place in days or owner[place] in owners[number] or owner[place] in vendors:
                yield place, owner[place], days.get(place)

    def _days(self, places: Ints) -> dict[int, str | None]:
        """The days on which those of `places` were made that have a model above them which was under other licences on
        other days."""
        below = np.zeros(len(self.columns.keys), np.bool_)
        below[list(self.claims.dated)] = True
        while not below[made := self.columns.child[below[self.columns.parent]]].all():
            below[made] = True
        asked = places[below[places]]
        times = self.columns.texts(asked, "created_at")
        return {place: time and time[:10] for place, time in zip(asked.tolist(), times, strict=True)}

    def _judged(self, ancestry: Ancestry, place_of: Mapping[int, int]) -> tuple[int, int]:
        """What reaches a model, and its case, by its whole ancestry."""
        label = ancestry.labels[ancestry.model]
        opaque = sorted(ancestry.opaque())[:MOST_UNKNOWN]
        origins = sorted(judged_origins(ancestry), key=lambda origin: (origin.license, origin.key))
        judgements = judge(label, ancestry.briefs[ancestry.model].author, origins, opaque)
        brought = [(license, place_of[key]) for license, key in ancestry.origins()]
        about = [place_of[j.key] for j in judgements if j.key is not None]
        number = self.reach.put(brought, [place_of[key] for key in opaque], about)
        position = {model: at for at, model in enumerate(self.reach.models_of(number))}
        cased = tuple(j if j.key is None else j._replace(key=position[place_of[j.key]]) for j in judgements)
        return number, self._number(Case(label, self.reach.shape_of(number), cased))

    def _begun(self, place: int) -> Blame:
        """What a model objects to, and where that begins."""
        return {
            (j.license, j.key): self.offender(place, j)
            for j in self.judgements(place)
            if j.objects and j.license is not None and j.key is not None
        }

    def _made_from(self, models: Collection[int]) -> Flags:
        """Which models were made from any of these."""
        named, found = np.zeros((2, len(self.columns.keys)), np.bool_)
        named[list(models)] = True
        found[self.columns.child[named[self.columns.parent]]] = True
        return found

    def _number(self, case: Case) -> int:
        if case not in self._numbers:
            self._numbers[case] = len(self.cases)
            self.cases.append(case)
        return self._numbers[case]


def _speaks(case: Case, rules: Collection[str]) -> bool:
    """Whether one of these rules speaks of a licence that reaches the model."""
    return any(j.rule in rules and j.license is not None and j.key is not None for j in case.judgements)
