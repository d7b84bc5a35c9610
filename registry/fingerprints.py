"""Which models a registry knows by the very rows that a source has of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Fingerprints:
    """The fingerprints (16 bytes each) that models of a registry had at one moment: 24 bytes a model."""

    def __init__(self, parts: Iterable[Sequence[tuple[Any, ...]]]) -> None:
        """From the keys of models, each with its fingerprint."""
        keys, sums = [np.empty(0, np.int64)], [b""]
        for part in parts:
            keys.append(np.fromiter((row[0] for row in part), np.int64, len(part)))
            sums.append(b"".join(row[1] for row in part))
        halves = _halves(sums)
        order = np.argsort(halves[:, 0])
        self._keys = np.concatenate(keys)[order]
        self._halves = halves[order]

    def keys(self, fingerprints: Sequence[bytes]) -> NDArray[np.int64]:
        """The model that has each of the fingerprints, 0 where none has."""
        asked = _halves(fingerprints)
        if not len(self._keys):
            return np.zeros(len(asked), np.int64)
        place = np.searchsorted(self._halves[:, 0], asked[:, 0]).clip(max=len(self._keys) - 1)
        # Two of one first half (one chance in millions of Hubs): the second is taken for unknown, and read.
        return np.where((self._halves[place] == asked).all(axis=1), self._keys[place], 0)


def _halves(fingerprints: Sequence[bytes]) -> NDArray[np.uint64]:
    return np.frombuffer(b"".join(fingerprints), np.uint64).reshape(-1, 2)
