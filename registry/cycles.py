"""Edges that stand on a cycle, and an order in spite of them.

Metadata is typed by people: the Hub of 2026-09 holds 12 cycles of 29 edges.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from registry.columns import Ints


def cyclic_edges(edges: "Ints") -> set[tuple[int, int]]:
    """The edges, rows of child and parent, that lie on a cycle.

    Peels leaves away first, in linear time: what is left of a million edges is a handful, and only that becomes a
    networkx graph.
    """
    import numpy as np  # noqa: PLC0415 - an import needs it, a query does not

    left = edges
    while not (inner := np.isin(left[:, 0], left[:, 1])).all():  # a tenth at least goes with each round, all at once
        left = left[inner]
        if inner.mean() > 0.9:  # long chains lose one model a round: these are quicker one by one
            break
    parents: dict[int, list[int]] = {}
    children: dict[int, int] = {}
    for child, parent in left.tolist():
        parents.setdefault(child, []).append(parent)
        children[parent] = children.get(parent, 0) + 1
    leaves = [node for node in parents if node not in children]
    while leaves:
        for parent in parents.pop(leaves.pop(), ()):
            children[parent] -= 1
            if children[parent] == 0:
                leaves.append(parent)
    if not parents:
        return set()
    import networkx as nx  # noqa: PLC0415

    graph: nx.DiGraph[int] = nx.DiGraph([(c, p) for c, ps in parents.items() for p in ps])
    # A part of one model holds an edge only if that is a loop to itself.
    return {edge for part in nx.strongly_connected_components(graph) for edge in graph.subgraph(part).edges}


def in_order(parents: Mapping[int, Collection[int]]) -> Iterator[tuple[int, ...]]:
    """All models, each after those it was made from; the models of a cycle come together, as one part."""
    sorter = TopologicalSorter(parents)
    with suppress(CycleError):  # it still goes as far as the cycles
        sorter.prepare()
    done: set[int] = set()
    while ready := sorter.get_ready():
        yield from ((key,) for key in ready)
        done.update(ready)
        sorter.done(*ready)
    rest = parents.keys() - done
    if rest:
        import networkx as nx  # noqa: PLC0415 - hardly any family has a cycle

        graph: nx.DiGraph[int] = nx.DiGraph([(p, child) for child in rest for p in parents[child] if p not in done])
        parts = nx.condensation(graph)
        yield from (tuple(sorted(parts.nodes[part]["members"])) for part in nx.topological_sort(parts))
