"""What reaches each of many models: one pass from the roots down, never a walk a model.

What reaches a model is a set that all models made from the same parents share, and most models of the Hub are one of
many made from the same one. And most of these sets are alike but for the models in them: a rule asks for the licences
that reach a model, not for who brought them. So a set is kept as a shape, of which there are a few thousand, and the
models that fill it.
"""

from collections.abc import Collection, Iterable
from itertools import chain
from typing import NamedTuple

import numpy as np

from lineage.ancestry import is_opaque
from lineage.claims import Claims
from registry.bulk import RELATIONS, Columns
from registry.columns import Flags, Ints, beginnings
from registry.cycles import in_order
from registry.records import Relation

#: So many ancestors of unknown terms are told apart for a model: a verdict needs one, and all would take the square of
#: a deep ancestry.
MOST_UNKNOWN = 64


class Shape(NamedTuple):
    """The licences that reach a model, in order, each once for each who brought it; and how many ancestors have terms
    that nobody can tell, up to MOST_UNKNOWN."""

    licenses: tuple[str, ...] = ()
    opaque: int = 0


class Reach:
    """What reaches each model; a model is meant by its place in `columns`.

    A licence is brought by the ancestors that have it and above which nobody has it: on a cycle nobody is above
    another.
    """

    def __init__(self, columns: Columns, claims: Claims) -> None:
        self._columns, self._claims = columns, claims
        #: Each shape once, each set by the number of its shape, and by the models in it: first those that brought the
        #: licences of the shape, then those of unknown terms.
        self.shapes = [Shape()]
        self._numbers = {Shape(): 0}
        self._shape = [0]
        self._models: list[tuple[int, ...]] = [()]
        self._joined: dict[tuple[int, ...], int] = {(): 0}
        self._grown: dict[tuple[int, int, bool], tuple[int, list[int], bool]] = {}
        #: Of each model the number of the set that reaches it.
        self.of = np.zeros(len(columns.keys), np.int64)
        #: Those that were made from others, and others from them, from the roots down.
        self.inner: list[int] = []
        #: The models of cycles.
        self.cyclic: set[int] = set()
        # Where the edges of each model begin.
        self._start = beginnings(np.bincount(columns.child, minlength=len(columns.keys)))
        self._pass_down()

    def parents(self, place: int) -> list[int]:
        """The models that a model was made from, in the order in which it names them."""
        begin, end = self._start.item(place), self._start.item(place + 1)
        return list(dict.fromkeys(self._columns.parent[begin:end].tolist()))

    def shape(self, place: int) -> Shape:
        """The licences that reach a model."""
        return self.shape_of(self.of.item(place))

    def models(self, place: int) -> tuple[int, ...]:
        """The models in the set that reaches a model."""
        return self.models_of(self.of.item(place))

    def shape_of(self, number: int) -> Shape:
        """The licences in a set."""
        return self.shapes[self._shape[number]]

    def models_of(self, number: int) -> tuple[int, ...]:
        """The models in a set."""
        return self._models[number]

    def bringing(self, number: int) -> tuple[int, ...]:
        """The models in a set that brought its licences."""
        return self._models[number][: len(self.shape_of(number).licenses)]

    def shape_numbers(self) -> Ints:
        """The number of the shape of what reaches each model."""
        return np.array(self._shape, np.int64)[self.of]

    def at(self, places: Ints, positions: Ints) -> Ints:
        """Of each of `places` the model that stands at a position of what reaches it."""
        sizes = np.fromiter(map(len, self._models), np.int64, len(self._models))
        flat = np.fromiter(chain.from_iterable(self._models), np.int64, sizes.sum())
        found: Ints = flat[beginnings(sizes)[self.of[places]] + positions]
        return found

    def put(self, licenses: Iterable[tuple[str, int]], opaque: Iterable[int]) -> int:
        """Keep a set; its number."""
        brought, unknown = sorted(licenses), sorted(opaque)[:MOST_UNKNOWN]
        shape = Shape(tuple(license for license, _ in brought), len(unknown))
        self._shape.append(self._shape_number(shape))
        self._models.append((*(model for _, model in brought), *unknown))
        return len(self._shape) - 1

    def with_models(self, number: int, models: Iterable[int]) -> int:
        """A set in which these models may be pointed at besides its own; its number."""
        besides = [model for model in dict.fromkeys(models) if model not in self._models[number]]
        if not besides:
            return number
        self._shape.append(self._shape[number])
        self._models.append((*self._models[number], *besides))
        return len(self._shape) - 1

    def _pass_down(self) -> None:
        """Work out what each parent passes on to those made from it, from the roots down."""
        columns = self._columns
        named = np.diff(self._start)
        passed_on = np.zeros(len(columns.keys), np.int64)
        is_parent = np.zeros(len(columns.keys), np.bool_)
        is_parent[columns.parent] = True
        self._begin(np.flatnonzero(is_parent & (named == 0)), passed_on)
        copies = self._copies()
        above: dict[int, tuple[int, ...]] = {}
        passing = is_parent[columns.child]
        for key, parent in zip(columns.child[passing].tolist(), columns.parent[passing].tolist(), strict=True):
            above[key] = (*above.get(key, ()), parent)
        for part in in_order({key: [p for p in parents if p in above] for key, parents in above.items()}):
            reached = self._join(passed_on.item(p) for key in part for p in above[key] if p not in part)
            if len(part) == 1:
                passed_on[part[0]] = self._add(reached, part[0], copy=copies.item(part[0]))
            else:
                self.cyclic.update(part)
                passed_on[list(part)] = self._add_all(reached, part)
            self.inner += part
        alone = named == 1
        self.of[alone] = passed_on[columns.parent[self._start[:-1][alone]]]
        for place in np.flatnonzero(named > 1).tolist():
            self.of[place] = self._join(passed_on[self.parents(place)].tolist())

    def _begin(self, roots: Ints, passed_on: Ints) -> None:
        """What those pass on that were made from nothing: their own label, whatever they are."""
        roots = roots[np.argsort(self._claims.number[roots], kind="stable")]
        numbers, counts = np.unique(self._claims.number[roots], return_counts=True)
        for number, end, count in zip(numbers.tolist(), np.cumsum(counts).tolist(), counts.tolist(), strict=True):
            label, mine = self._claims.labels[number], roots[end - count : end]
            shape = Shape(tuple(sorted(label.licenses)), int(is_opaque(label, copy=False)))
            passed_on[mine] = np.arange(len(self._shape), len(self._shape) + len(mine))
            self._shape += [self._shape_number(shape)] * len(mine)
            self._models += [(key,) * (len(shape.licenses) + shape.opaque) for key in mine.tolist()]

    def _copies(self) -> Flags:
        """Which models were only quantized from others."""
        other = self._columns.relation != RELATIONS.index(Relation.QUANTIZED)
        copies = np.diff(self._start) > 0
        copies[self._columns.child[other]] = False
        return copies

    def _join(self, numbers: Iterable[int]) -> int:
        """What reaches a model that these reach."""
        several = tuple(sorted(set(numbers)))
        if len(several) == 1:
            return several[0]
        if several not in self._joined:
            parts = [self._parts(number) for number in several]
            self._joined[several] = self.put(
                set(chain.from_iterable(brought for brought, _ in parts)),
                set(chain.from_iterable(opaque for _, opaque in parts)),
            )
        return self._joined[several]

    def _add(self, above: int, key: int, *, copy: bool) -> int:
        """What reaches those made from a model that a set reaches."""
        kind = self._shape[above], self._claims.number.item(key), copy
        if kind not in self._grown:
            self._grown[kind] = self._grow(*kind)
        shape, order, opaque = self._grown[kind]
        if shape == kind[0]:
            return above
        models = self._models[above]
        unknown = models[len(models) - self.shapes[kind[0]].opaque :]
        both = (*models, key)
        self._shape.append(shape)
        self._models.append((*[both[at] for at in order], *(sorted((*unknown, key)) if opaque else unknown)))
        return len(self._shape) - 1

    def _grow(self, shape: int, label: int, copy: bool) -> tuple[int, list[int], bool]:
        """What a shape is once a model under a label is added: its number, of each of its licences the place of who
        brought it among the models of the set, the model itself coming last, and whether its terms cannot be told."""
        known, new = self.shapes[shape], self._claims.labels[label]
        brought = [(license, at) for at, license in enumerate(known.licenses)]
        brought = sorted([*brought, *((license, -1) for license in new.licenses.difference(known.licenses))])
        opaque = known.opaque < MOST_UNKNOWN and is_opaque(new, copy=copy)
        grown = Shape(tuple(license for license, _ in brought), known.opaque + opaque)
        return self._shape_number(grown), [at for _, at in brought], opaque

    def _add_all(self, above: int, part: Collection[int]) -> int:
        """What reaches those made from one of a cycle that a set reaches."""
        known = self.shape_of(above).licenses
        labels = [(key, self._claims.of(key)) for key in part]
        brought, unknown = self._parts(above)
        new = [(license, key) for key, label in labels for license in label.licenses if license not in known]
        return self.put([*brought, *new], [*unknown, *(key for key, label in labels if is_opaque(label, copy=False))])

    def _parts(self, number: int) -> tuple[list[tuple[str, int]], tuple[int, ...]]:
        """The licences of a set with those who brought them, and those of unknown terms."""
        shape, models = self.shape_of(number), self._models[number]
        n = len(shape.licenses)
        return list(zip(shape.licenses, models[:n], strict=True)), models[n : n + shape.opaque]

    def _shape_number(self, shape: Shape) -> int:
        if shape not in self._numbers:
            self._numbers[shape] = len(self.shapes)
            self.shapes.append(shape)
        return self._numbers[shape]
