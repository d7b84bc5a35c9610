"""Which part of a neighbourhood reads well: the rest is folded into groups that say what they hold."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from lineage.neighbourhood import Neighbourhood

#: So many models read well on a page or a sheet.
READS_WELL = 60


@dataclass(frozen=True, slots=True)
class Group:
    """Models that are folded together: the place of the model beside which they would stand, on which side of it (above
    it: -1, below: 1), how they are related to it, the places of those that are next to it, and how many there are in
    all, with what lies beyond them."""

    at: int
    side: int
    relation: str
    members: tuple[int, ...]
    models: int


@dataclass(frozen=True, slots=True)
class Folding:
    """A tree over a neighbourhood: of each model (by its place in `nodes`) the place of the one by which it was reached
    (-1 for the first), and the relation on that edge; `beyond` counts the models reached through each, itself included.
    `shown` are the places that are drawn, in the order of `nodes`; `groups` hold the others."""

    via: tuple[int, ...]
    relation: tuple[str, ...]
    beyond: tuple[int, ...]
    shown: tuple[int, ...]
    groups: tuple[Group, ...]


def fold(found: Neighbourhood, most: int = READS_WELL) -> Folding:
    """Show some `most` models, of every model those relatives first that lead to the most."""
    place = {node.id: at for at, node in enumerate(found.nodes)}
    via = [-1 if node.via is None else place[node.via] for node in found.nodes]
    edges = {(edge.child, edge.parent): edge.relation for edge in found.edges}
    relation = [""]
    for node in found.nodes[1:]:
        pair = (node.via, node.id) if node.depth < 0 else (node.id, node.via)
        relation.append(edges.get(pair, ""))  # type: ignore[arg-type]  # only the first has no via
    beyond = [1] * len(via)
    for at in range(len(via) - 1, 0, -1):
        beyond[via[at]] += beyond[at]
    near: dict[int, list[int]] = defaultdict(list)
    for at in range(1, len(via)):
        near[via[at]].append(at)
    for group in near.values():
        group.sort(key=lambda at: (found.nodes[at].depth >= 0, -beyond[at], -(found.nodes[at].downloads or 0), at))
    shown = set(_shown(near, most))
    groups = list(_groups(found, near, shown, relation, beyond))
    alone = {group.members[0] for group in groups if group.models == 1}  # takes no more room than a group
    kept = tuple(group for group in groups if group.models > 1)
    return Folding(tuple(via), tuple(relation), tuple(beyond), tuple(sorted(shown | alone)), kept)


def _shown(near: dict[int, list[int]], most: int) -> list[int]:
    """The model itself, and of each model as many relatives, the same number everywhere, as there is room for."""
    few, many = 1, max(map(len, near.values()), default=1)
    while few < many:
        middle = (few + many + 1) // 2
        if len(_first(near, middle, most + 1)) <= most:
            few = middle
        else:
            many = middle - 1
    return _first(near, few, most)


def _first(near: dict[int, list[int]], each: int, most: int) -> list[int]:
    """Breadth first, at most `each` relatives of each model, and `most` in all."""
    reached = [0]
    for at in reached:
        reached += near.get(at, ())[:each]
        if len(reached) >= most:
            break
    return reached[:most]


def _groups(
    found: Neighbourhood, near: dict[int, list[int]], shown: set[int], relation: Sequence[str], beyond: Sequence[int]
) -> list[Group]:
    groups = []
    for at in sorted(shown):
        held: dict[tuple[int, str], list[int]] = defaultdict(list)
        for other in near.get(at, ()):
            if other not in shown:
                held[-1 if found.nodes[other].depth < 0 else 1, relation[other]].append(other)
        for (side, kind), members in held.items():
            groups.append(Group(at, side, kind, tuple(members), sum(beyond[m] for m in members)))
    return groups
