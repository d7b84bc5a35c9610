"""Edges that stand on a cycle. Metadata is typed by people: the Hub of 2026-09 holds 12 cycles of 29 edges."""

from collections.abc import Iterable

import networkx as nx


def cyclic_edges(edges: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """The (child, parent) pairs that lie on a cycle.

    Peels leaves away first, in linear time: what is left of a million edges is a handful, and only that becomes a
    networkx graph.
    """
    parents: dict[int, list[int]] = {}
    children: dict[int, int] = {}
    for child, parent in edges:
        parents.setdefault(child, []).append(parent)
        children[parent] = children.get(parent, 0) + 1
    leaves = [node for node in parents if node not in children]
    while leaves:
        for parent in parents.pop(leaves.pop(), ()):
            children[parent] -= 1
            if children[parent] == 0:
                leaves.append(parent)
    graph: nx.DiGraph[int] = nx.DiGraph([(c, p) for c, ps in parents.items() for p in ps])
    # A part of one model holds an edge only if that is a loop to itself.
    return {edge for part in nx.strongly_connected_components(graph) for edge in graph.subgraph(part).edges}
