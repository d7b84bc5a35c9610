"""A family as a networkx graph, for notebooks and pictures."""

import networkx as nx
from sqlalchemy import Engine

from lineage.family import ancestors, descendants


def family_graph(engine: Engine, *roots: str, up: bool = False) -> "nx.DiGraph[str]":
    """A family as a networkx graph with edges parent → child, so that `nx.ancestors(G, id)` are a model's bases.

    Nodes carry the facts of `Member`, edges `relation` and `evidence`. `up` takes the ancestors instead of the
    descendants.
    """
    families = [ancestors(engine, root) for root in roots] if up else [descendants(engine, *roots)]
    graph: nx.DiGraph[str] = nx.DiGraph()
    for m in (member for family in families for member in family.members):
        graph.add_node(
            m.id,
            depth=m.depth,
            state=m.state,
            author=m.author,
            licenses=m.licenses,
            license_name=m.license_name,
            downloads=m.downloads,
            created_at=m.created_at,
        )
    for e in (edge for family in families for edge in family.edges):
        graph.add_edge(e.parent, e.child, relation=e.relation, evidence=e.evidence)
    return graph
