"""A family as a networkx graph, for notebooks and pictures."""

import networkx as nx
from sqlalchemy import Engine

from lineage.family import family_of


def family_graph(engine: Engine, *roots: str, up: bool = False) -> "nx.DiGraph[str]":
    """A family as a networkx graph with edges parent → child, so that `nx.ancestors(G, id)` are a model's bases.

    Nodes carry the facts of `Member`, edges `relation` and `evidence`. `up` takes the ancestors of `roots` instead
    of their descendants. Raises UnknownModel for a name that means no model.
    """
    family = family_of(engine, roots, up=up)
    graph: nx.DiGraph[str] = nx.DiGraph()
    for m in family.members:
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
    for e in family.edges:
        graph.add_edge(e.parent, e.child, relation=e.relation, evidence=e.evidence)
    return graph
