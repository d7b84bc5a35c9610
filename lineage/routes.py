"""The routes from a model up to an ancestor: how many there are, and the shortest of them."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from graphlib import CycleError, TopologicalSorter
from itertools import count, islice, pairwise

from registry.read import Step

#: A path as its last step and the path before it: a longer one shares what it goes on from.
_Path = tuple[Step, "_Path"] | None


def paths_between(
    start: int, end: int, steps: Sequence[Step], limit: int | None
) -> tuple[int | None, list[tuple[Step, ...]]]:
    """The number of paths from the model `start` up to `end`, and the shortest `limit` of them.

    The number is None where a cycle lies between: there it takes exponential time to count paths that meet no model
    twice.
    """
    onward, away = _leading_to(end, steps)
    if start == end or start not in away:
        return 0, []
    total = _number(start, end, onward)
    found = _acyclic(start, end, onward, away) if total is not None else _through_cycles(start, end, onward)
    return total, list(islice(found, limit))


def _leading_to(end: int, steps: Sequence[Step]) -> tuple[dict[int, list[Step]], dict[int, int]]:
    """The edges upward that can still reach `end`, by child, and how many steps it is away from each."""
    below: dict[int, list[Step]] = defaultdict(list)
    for step in steps:
        below[step.parent].append(step)
    onward: dict[int, list[Step]] = defaultdict(list)
    away = {end: 0}
    todo = [end]
    for here in todo:  # grows while it is read: breadth first
        for step in below[here]:
            if step.child == end:
                continue
            onward[step.child].append(step)
            if step.child not in away:
                away[step.child] = away[here] + 1
                todo.append(step.child)
    for edges in onward.values():
        edges.sort(key=lambda s: s.position)
    return onward, away


def _number(start: int, end: int, onward: dict[int, list[Step]]) -> int | None:
    parents = {child: {step.parent for step in steps} for child, steps in onward.items()}
    children: dict[int, set[int]] = defaultdict(set)
    for child, above in parents.items():
        for parent in above:
            children[parent].add(child)
    ways: dict[int, int] = defaultdict(int, {start: 1})
    try:
        for here in TopologicalSorter(children).static_order():
            for parent in parents.get(here, ()):
                ways[parent] += ways[here]
    except CycleError:
        return None
    return ways[end]


def _acyclic(start: int, end: int, onward: dict[int, list[Step]], away: dict[int, int]) -> Iterator[tuple[Step, ...]]:
    """Paths where no edge leads astray: always goes on with what can still become the shortest."""
    number = count()
    heap: list[tuple[int, int, int, _Path]] = [(away[start], 0, next(number), None)]
    while heap:
        _, shorter, _, path = heapq.heappop(heap)
        here = path[0].parent if path else start
        if here == end:
            yield _unrolled(path)
            continue
        done = 1 - shorter
        for step in onward[here]:
            heapq.heappush(heap, (done + away[step.parent], -done, next(number), (step, path)))


def _through_cycles(start: int, end: int, onward: dict[int, list[Step]]) -> Iterator[tuple[Step, ...]]:
    """Paths that meet no model twice, where cycles could lead astray; each costs polynomial time (Yen's algorithm)."""
    import networkx as nx  # noqa: PLC0415 - 160 ms that only metadata with a cycle needs

    edges = {(step.child, step.parent): step for steps in onward.values() for step in steps}
    graph: nx.DiGraph[int] = nx.DiGraph(list(edges))
    routes: Iterable[list[int]] = nx.shortest_simple_paths(graph, start, end)
    for nodes in routes:
        yield tuple(edges[pair] for pair in pairwise(nodes))


def _unrolled(path: _Path) -> tuple[Step, ...]:
    steps = []
    while path is not None:
        step, path = path
        steps.append(step)
    return tuple(reversed(steps))
