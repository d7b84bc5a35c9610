"""What each of many models is under: millions of models, a few thousand labels."""

from collections.abc import Iterable

import numpy as np

from lineage.ancestry import label_of, label_said
from lineage.licenses.labels import Declared, clarified_models, is_clarified
from registry.bulk import RELATIONS, Columns
from registry.columns import Flags, Ints, distinct
from registry.records import State


class Claims:
    """The labels of many models; a model is meant by its place in `columns`."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._numbers: dict[Declared, int] = {}
        #: Each label once.
        self.labels: list[Declared] = []
        said = [self._number(label_said(said)) for said in columns.sayings]
        #: Of each model which of `labels` it is.
        self.number: Ints = np.array(said, np.int64)[columns.said]
        known = columns.source.called(clarified_models())
        places = columns.places(known).tolist()
        for place, brief in zip(places, known.values(), strict=True):
            self.put(place, label_of(brief))
        #: Models that may have been under other licences on other days.
        self.dated = {p for p, brief in zip(places, known.values(), strict=True) if is_clarified(brief.id)}
        self.dated.update(columns.places(columns.source.relabelled()).tolist())

    def of(self, place: int) -> Declared:
        """What a model is under."""
        return self.labels[self.number.item(place)]

    def by_key(self, keys: Iterable[int]) -> dict[int, Declared]:
        """What some models (keys) are under."""
        named = list(keys)
        return {key: self.of(place) for key, place in zip(named, self._columns.places(named).tolist(), strict=True)}

    def put(self, place: int, label: Declared) -> None:
        """Let a model be under another label."""
        self.number[place] = self._number(label)

    def naming(self, license: str) -> Flags:
        """Which models are under a licence, alone or with others."""
        named: Flags = np.array([license in label.licenses for label in self.labels], np.bool_)
        return named[self.number]

    def edges(self) -> tuple[dict[tuple[str, Declared, Declared], int], int]:
        """How many edges of a relation lead from a label to that of a parent, and how many to a parent that was never
        seen, and of which nothing else is known."""
        columns, size, labels = self._columns, len(self._columns.keys), len(self.labels)
        # A model may name a parent twice. The numbers stay below 10^15 for ten million models.
        once = distinct((columns.child * size + columns.parent) * len(RELATIONS) + columns.relation)
        ends, relation = np.divmod(once, len(RELATIONS))
        child, parent = np.divmod(ends, size)
        unseen = np.array([said.state == State.PLACEHOLDER for said in columns.sayings], np.bool_)[columns.said]
        unseen &= np.array([label.lacking is not None for label in self.labels], np.bool_)[self.number]
        both = (relation * labels + self.number[child]) * labels + self.number[parent]
        met, counts = np.unique(both[~unseen[parent]], return_counts=True)
        found = {
            (RELATIONS[one // labels**2], self.labels[one // labels % labels], self.labels[one % labels]): n
            for one, n in zip(met.tolist(), counts.tolist(), strict=True)
        }
        return found, int(np.count_nonzero(unseen[parent]))

    def _number(self, label: Declared) -> int:
        if label not in self._numbers:
            self._numbers[label] = len(self.labels)
            self.labels.append(label)
        return self._numbers[label]
