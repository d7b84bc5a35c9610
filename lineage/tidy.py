"""Where the models of a picture stand: a column a step, a row a leaf, a model in the middle of those beyond it."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from lineage.folding import Folding, Group
from lineage.neighbourhood import Neighbourhood


class Spot(NamedTuple):
    """A model (by its place in the neighbourhood) or a group: its column (steps, below 0 for ancestors) and row, which
    may be between two; and the spot that it was reached from, by its place among the spots, -1 for the first."""

    what: int | Group
    column: int
    row: float
    via: int


def spots(found: Neighbourhood, folding: Folding) -> list[Spot]:
    """Places for all that is drawn, those of the model asked for first."""
    things: list[tuple[int | Group, int]] = [(at, found.nodes[at].depth) for at in folding.shown]
    number = {at: new for new, at in enumerate(folding.shown)}
    via = [-1 if at == 0 else number[folding.via[at]] for at in folding.shown]
    for group in folding.groups:
        things.append((group, found.nodes[group.at].depth + group.side))
        via.append(number[group.at])
    side, columns = [0], [0]
    for at in range(1, len(things)):  # on a cycle a model is on both sides: it stands on that of the one before it
        side.append(side[via[at]] or (-1 if things[at][1] < 0 else 1))
        columns.append(columns[via[at]] + side[at])
    rows = _rows(via, side, _order(things, folding))
    return [Spot(what, columns[at], rows[at], via[at]) for at, (what, _) in enumerate(things)]


def _order(things: Sequence[tuple[int | Group, int]], folding: Folding) -> list[int]:
    """In which order relatives of one model stand: those that lead to more first, groups last."""
    return sorted(
        range(len(things)),
        key=lambda at: (0, -folding.beyond[what]) if isinstance(what := things[at][0], int) else (1, -what.models),
    )


def _rows(via: Sequence[int], side: Sequence[int], order: Sequence[int]) -> list[float]:
    """The row of each; that of the first, from which both sides begin, is 0."""
    rows = [0.0] * len(via)
    for here in (-1, 1):
        near: dict[int, list[int]] = defaultdict(list)
        for at in order:
            if via[at] >= 0 and side[at] == here:
                near[via[at]].append(at)
        met = [0]
        for at in met:
            met += near.get(at, ())
        mine = _leaves(near)
        for at in reversed(met):  # what is beyond a model stands before it
            if kids := near.get(at):
                mine[at] = (mine[kids[0]] + mine[kids[-1]]) / 2
        top = mine.pop(0, 0.0)
        for at, row in mine.items():
            rows[at] = row - top
    return rows


def _leaves(near: dict[int, list[int]]) -> dict[int, float]:
    """The rows of those with nothing beyond them, from top to bottom."""
    rows: dict[int, float] = {}
    todo = [0]
    while todo:
        at = todo.pop()
        if kids := near.get(at):
            todo += reversed(kids)
        elif at:
            rows[at] = float(len(rows))
    return rows
