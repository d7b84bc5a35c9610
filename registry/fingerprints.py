"""Which models a registry knows by the very rows that a source has of them."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:  # the process that reads a file needs no SQLAlchemy
    from registry.columns import Ints


@dataclass(frozen=True, eq=False, slots=True)
class Fingerprints:
    """Models (keys, in order, each once) and the fingerprint (16 bytes, as two numbers) of a row of each: 24 bytes a
    model."""

    keys: "Ints"
    halves: NDArray[np.uint64]

    @classmethod
    def of(cls, keys: "Ints", sums: bytes) -> Self:
        """From keys in any order, and the fingerprints one after the other."""
        found, places = np.unique(keys, return_index=True)
        return cls(found, _halves(sums)[places])

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """From parts whose keys follow one another."""
        none = cls.of(np.empty(0, np.int64), b"")
        several = [none, *parts]
        return cls(np.concatenate([part.keys for part in several]), np.concatenate([part.halves for part in several]))

    def __len__(self) -> int:
        return len(self.keys)

    def pairs(self) -> Iterator[tuple[int, bytes]]:
        """Each model with its fingerprint."""
        return zip(self.keys.tolist(), map(bytes, self.halves), strict=True)

    def without(self, keys: "Collection[int] | Ints") -> Self:
        """Those of other models."""
        others = ~np.isin(self.keys, np.fromiter(keys, np.int64, len(keys)))
        return type(self)(self.keys[others], self.halves[others])

    def alike(self, others: Self) -> "Ints":
        """The models that have the same fingerprint in `others`, which are of models that are here."""
        here = self.halves[np.searchsorted(self.keys, others.keys)]
        same: Ints = others.keys[(here == others.halves).all(axis=1)]
        return same


class Known:
    """Finds models by their fingerprints."""

    def __init__(self, fingerprints: Fingerprints) -> None:
        order = np.argsort(fingerprints.halves[:, 0])
        self._keys = fingerprints.keys[order]
        self._first, self._second = np.ascontiguousarray(fingerprints.halves[order].T)

    def models(self, fingerprints: Iterable[bytes]) -> "Ints":
        """The model that has each of the fingerprints, 0 where none has."""
        first, second = _halves(b"".join(fingerprints)).T
        found = np.zeros(len(first), np.int64)
        if len(self._keys):
            along = np.argsort(first)  # asked in order, 3.1 million are found in 1.1 s, and else in 4.1 s
            place = np.searchsorted(self._first, first[along]).clip(max=len(self._keys) - 1)
            # Two of one first half (one chance in millions of Hubs): the second is taken for unknown, and read.
            same = (self._first[place] == first[along]) & (self._second[place] == second[along])
            found[along] = np.where(same, self._keys[place], 0)
        return found


def _halves(sums: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(sums, np.uint64).reshape(-1, 2)
