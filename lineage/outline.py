"""The shape of a family, by keys alone: who is met in which order, how far away, and by which edge first."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter

from registry.families import DOWNLOADS, FAR, ID, NEAR, POSITION, Link


@dataclass(frozen=True, slots=True)
class Outline:
    """What is met on the way outwards from `roots` (keys).

    `levels` has the edges by which models are reached first, those that lead one step away, then two, and so on, each
    in the order in which one meets them; `onward` all edges by the model they lead on from. Parents are met as they
    are declared, children by downloads, the most first, then by id.
    """

    up: bool
    roots: Sequence[int]
    levels: list[list[Link]]
    onward: dict[int, list[Link]]

    @property
    def reached(self) -> list[Link]:
        """The edge by which each model beyond the roots is reached first, in order."""
        return list(chain.from_iterable(self.levels))

    def between(self, keys: Iterable[int]) -> list[Link]:
        """The edges from and to these models, in the order of the models and then of what is met from each."""
        known = dict.fromkeys(keys)
        found: list[Link] = []
        for key in known:
            inner = [link for link in self.onward.get(key, ()) if link[FAR] in known]
            found += inner if self.up else by_popularity(inner)
        return found


def outline(roots: Sequence[int], links: Iterable[Link], *, up: bool, depth: int | None = None) -> Outline:
    """The shape of what `links` (see `registry.families.links`) lead to from `roots`, at most `depth` steps away."""
    onward: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        onward[link[NEAR]].append(link)
    if up:
        for group in onward.values():
            group.sort(key=itemgetter(POSITION))
    levels: list[list[Link]] = []
    met = set(roots)
    level: Iterable[int] = roots
    while depth is None or len(levels) < depth:
        beyond = []
        for link in chain.from_iterable([onward[near] for near in level if near in onward]):
            if link[FAR] not in met:
                met.add(link[FAR])
                beyond.append(link)
        if not beyond:
            break
        levels.append(beyond if up else by_popularity(beyond))
        level = [link[FAR] for link in levels[-1]]
    else:  # from where the depth ends, no edge is followed
        for last in level:
            onward.pop(last, None)
    return Outline(up, roots, levels, onward)


def by_popularity(links: Iterable[Link]) -> list[Link]:
    """In the order of downloads, the most first, then of ids: two stable sorts by a plain value each take half as long
    as one by pairs."""
    return sorted(sorted(links, key=itemgetter(ID)), key=itemgetter(DOWNLOADS), reverse=True)


def hidden_beyond(left_out: Sequence[Link]) -> dict[int, int]:
    """How many models are left out beyond each that is shown, where `left_out` are the last of `Outline.reached`.

    Each is counted once, where it was first reached.
    """
    hidden: Counter[int] = Counter()
    for link in reversed(left_out):
        hidden[link[NEAR]] += 1 + hidden.pop(link[FAR], 0)
    return hidden
