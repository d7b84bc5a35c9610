"""The licence question of many models at once.

Models under the same label that the same licences reach get the same judgement, whoever brought these: a whole registry
has a few thousand such cases, and each is judged once, as if a stranger had made the model. Its owner and its day can
only matter where something above speaks against the label: of those models, the ones whose owner has a part in what
reaches them, or that may be older than a licence above them, are looked at one by one.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from lineage.ancestry import Ancestries
from lineage.claims import Claims
from lineage.inheritance import effective, judged_origins, origins_of_an_owner
from lineage.judgement import Judgement, Origin, judge
from lineage.licenses.catalogue import catalogue
from lineage.licenses.labels import Declared
from lineage.reach import Reach, Shape
from lineage.rules import RULES
from registry.bulk import Columns
from registry.columns import Flags, Ints, distinct, places_of

#: The rules that keep a label from passing.
OBJECTING = frozenset(rule.id for rule in RULES.values() if rule.weight != "pass")


class Case(NamedTuple):
    """A label, what reaches it, and what the rules say: the key of a judgement is a position in what reaches it."""

    label: Declared
    shape: Shape
    judgements: tuple[Judgement, ...]

    @property
    def effective(self) -> str:
        """All licences that apply, as an SPDX expression."""
        return effective(self.label, self.shape.licenses, unknown=bool(self.shape.opaque))


class Verdicts:
    """What the rules say of each of many models.

    A model is meant by its place in `columns`, which hold these models and all their ancestors; `claims` is what each
    is under. `counted` are the rules whose findings are looked at closely, besides those that object. Where only the
    verdicts on `some` are asked for, those on the others are not looked at closely.
    """

    def __init__(
        self, columns: Columns, claims: Claims, counted: Collection[str] = (), some: Ints | None = None
    ) -> None:
        self.columns, self.claims = columns, claims
        self._counted = OBJECTING.union(counted)
        self.reach = Reach(columns, claims)
        #: Each case once.
        self.cases: list[Case] = []
        self._numbers: dict[Case, int] = {}
        #: Of each model the number of its case.
        self.case = self._as_strangers()
        self._look_closely(np.arange(len(columns.keys)) if some is None else distinct(some))

    def judgements(self, place: int) -> tuple[Judgement, ...]:
        """What the rules say of a model's label; the keys are places."""
        return self.placed(place, self.cases[self.case.item(place)].judgements)

    def placed(self, place: int, judgements: Iterable[Judgement]) -> tuple[Judgement, ...]:
        """Judgements of a case as those of a model: positions become places."""
        models = self.reach.models(place)
        return tuple(j if j.key is None else j._replace(key=models[j.key]) for j in judgements)

    def _as_strangers(self) -> Ints:
        """The case of each model, whoever made it and when."""
        labels = self.claims.labels
        both_of = self.reach.shape_numbers() * len(labels) + self.claims.number
        met = distinct(both_of)
        for both in met.tolist():
            shape, label = self.reach.shapes[both // len(labels)], labels[both % len(labels)]
            origins = [Origin(license, at, own=False, former=None) for at, license in enumerate(shape.licenses)]
            unknown = range(len(shape.licenses), len(shape.licenses) + shape.opaque)
            self._number(Case(label, shape, judge(label, None, origins, unknown)))
        return places_of(both_of, met)

    def _look_closely(self, asked: Ints) -> None:
        """Judge those anew of whom more matters than their label; as one, where they are alike in all of it."""
        cyclic = self.reach.cyclic.intersection(asked.tolist())
        alike: dict[object, list[int]] = {place: [place] for place in sorted(cyclic)}
        owned: dict[str | None, list[object]] = {}
        for place, owner, day in self._concerned(asked):
            if place not in alike:
                who: object = (*self.reach.parents(place), self.claims.of(place), owner, day)
                if who not in alike:
                    owned.setdefault(owner, []).append(who)
                alike.setdefault(who, []).append(place)
        if not alike:
            return
        keys = {who: self.columns.keys.item(places[0]) for who, places in alike.items()}
        steps, briefs = self.columns.source.above(list(keys.values()))
        ancestries = Ancestries(steps, briefs, self.claims.by_key(briefs))
        place_of = dict(zip(briefs, self.columns.places(briefs).tolist(), strict=True))

        judged: dict[tuple[Declared, str | None, tuple[Origin, ...], int], list[int]] = {}

        def collect(who: object, origins: Iterable[Origin], reached: int) -> None:
            places, author = alike[who], briefs[keys[who]].author
            placed = tuple(origin._replace(key=place_of[origin.key]) for origin in sorted(origins))
            judged.setdefault((self.claims.of(places[0]), author, placed, reached), []).extend(places)

        for place in cyclic:
            ancestry = ancestries.of(keys[place])
            brought = [(license, place_of[key]) for license, key in ancestry.origins()]
            collect(place, judged_origins(ancestry), self.reach.put(brought, [place_of[k] for k in ancestry.opaque]))
        for group in owned.values():
            origins = origins_of_an_owner(ancestries, [keys[who] for who in group])
            for who in group:
                collect(who, origins[keys[who]], self.reach.of.item(alike[who][0]))
        for case, places in judged.items():
            self.reach.of[places], self.case[places] = self._judged(*case)

    def _concerned(self, asked: Ints) -> Iterator[tuple[int, str | None, str | None]]:
        """Those of `asked` against whose label something speaks that owner or day may pardon, with these."""
        speaking: Flags = np.array(
            [any(is_said_by(j, self._counted) for j in case.judgements) for case in self.cases], np.bool_
        )
        places = asked[speaking[self.case[asked]]]
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
        below = self.columns.with_descendants(np.fromiter(self.claims.dated, np.int64))
        asked = np.intersect1d(places, below)
        times = self.columns.texts(asked, "created_at")
        return {place: time and time[:10] for place, time in zip(asked.tolist(), times, strict=True)}

    def _judged(self, label: Declared, author: str | None, origins: Sequence[Origin], reached: int) -> tuple[int, int]:
        """What reaches a model, with the ancestors that a rule speaks of, and its case; `origins` are told by place."""
        said = judge(label, author, origins, ())
        reached = self.reach.with_models(reached, [j.key for j in said if j.key is not None])
        shape, models = self.reach.shape_of(reached), self.reach.models_of(reached)
        cased = [j if j.key is None else j._replace(key=models.index(j.key)) for j in said]
        unknown = range(len(shape.licenses), len(shape.licenses) + shape.opaque)
        cased += [Judgement("unknown-ancestor", key=at) for at in unknown]
        return reached, self._number(Case(label, shape, tuple(cased)))

    def _number(self, case: Case) -> int:
        if case not in self._numbers:
            self._numbers[case] = len(self.cases)
            self.cases.append(case)
        return self._numbers[case]


def is_said_by(judgement: Judgement, rules: Collection[str]) -> bool:
    """Whether it is what one of these rules says of a licence that reaches the model."""
    return judgement.license is not None and judgement.key is not None and judgement.rule in rules
