"""A neighbourhood for other programs: every model and edge of it, in the formats that networkx, Gephi, Graphviz and
Mermaid read. Edges lead from parent to child."""

import re
from io import BytesIO

import networkx as nx

from lineage.formats.text import json_text, printable
from lineage.neighbourhood import Neighbourhood, Node

#: What XML 1.0 cannot hold, not even escaped, or asks authors to avoid (https://www.w3.org/TR/xml/#charsets), and what
#: its readers make something else of.
_NOT_XML = re.compile("[^\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def graph_of(found: Neighbourhood) -> "nx.DiGraph[str]":
    """The models as nodes with their facts, each a text or a number and left out where it is not known."""
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.graph.update(model=found.model, data_date=found.data_date or "", schema=found.SCHEMA)
    for node in found.nodes:
        graph.add_node(node.id, **{name: value for name, value in _facts(node).items() if value is not None})
    for edge in found.edges:
        graph.add_edge(edge.parent, edge.child, relation=edge.relation, evidence=edge.evidence, declared=edge.declared)
    return graph


def _facts(node: Node) -> dict[str, str | int | None]:
    return {
        "depth": node.depth,
        "state": node.state,
        "author": node.author,
        "downloads": node.downloads,
        "created_at": node.created_at,
        "declared_license": node.said.declared,
        "effective_license": node.said.effective,
        "verdict": node.said.verdict or None,
        "grade": node.said.grade,
        "why": node.said.why,
        "cause": node.cause,
    }


def node_link(found: Neighbourhood) -> str:
    """JSON that `networkx.node_link_graph(…, edges="links")` and D3 read."""
    graph = graph_of(found)
    whole = {
        "directed": True,
        "multigraph": False,
        "graph": graph.graph,
        "nodes": [{"id": id_, **facts} for id_, facts in graph.nodes(data=True)],
        "links": [{"source": parent, "target": child, **facts} for parent, child, facts in graph.edges(data=True)],
    }
    return json_text(whole, indent=1)


def graphml(found: Neighbourhood) -> str:
    """GraphML with typed attributes."""
    written = BytesIO()
    nx.write_graphml_xml(_in_xml(graph_of(found)), written, encoding="us-ascii")
    return written.getvalue().decode("ascii")


def gexf(found: Neighbourhood) -> str:
    """GEXF 1.2 for Gephi, with typed attributes."""
    text = "\n".join(nx.generate_gexf(_in_xml(graph_of(found)), version="1.2draft"))
    return text.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _in_xml(graph: "nx.DiGraph[str]") -> "nx.DiGraph[str]":
    """The graph with what XML cannot hold replaced. What is not ASCII is written as numbers, and steers no terminal."""

    def mended(facts: dict[str, object]) -> dict[str, object]:
        return {name: _NOT_XML.sub("\ufffd", v) if isinstance(v, str) else v for name, v in facts.items()}

    names = {id_: _NOT_XML.sub("\ufffd", id_) for id_ in graph}
    clean: nx.DiGraph[str] = nx.DiGraph()
    clean.graph.update(mended(graph.graph))
    clean.add_nodes_from((names[id_], mended(facts)) for id_, facts in graph.nodes(data=True))
    clean.add_edges_from((names[a], names[b], mended(facts)) for a, b, facts in graph.edges(data=True))
    return clean


def dot(found: Neighbourhood) -> str:
    """Graphviz: `dot -Tsvg`."""
    lines = ["digraph lineage {", "  rankdir=LR;", '  node [shape=box, style="rounded,filled", fontname="sans-serif"];']
    for node in found.nodes:
        label = f"{_dot(node.id)}\\n{_dot(node.said.declared)}"
        about = f'label="{label}", fillcolor="{_TINTS[node.said.grade]}", tooltip="{_dot(node.said.why)}"'
        lines.append(f'  "{_dot(node.id)}" [{about}];')
    for edge in found.edges:
        style = _DOT_STYLES[edge.relation]
        about = f'label="{_dot(edge.relation)}", style={style}'
        lines.append(f'  "{_dot(edge.parent)}" -> "{_dot(edge.child)}" [{about}];')
    return "\n".join([*lines, "}"])


def _dot(text: str) -> str:
    """Inside a quoted string, in which a backslash begins an escape (https://graphviz.org/doc/info/lang.html)."""
    return printable(text).replace("\\", "\\\\").replace('"', '\\"')


def mermaid(found: Neighbourhood) -> str:
    """A Mermaid flowchart, as GitHub shows it in Markdown.

    Unless it is configured otherwise, Mermaid draws at most 500 edges and 50,000 characters
    (https://mermaid.js.org/config/schema-docs/config.html: maxEdges, maxTextSize).
    """
    number = {node.id: f"m{at}" for at, node in enumerate(found.nodes)}
    lines = ["flowchart LR"]
    lines += [
        f'  {number[node.id]}["{_mermaid(node.id)}<br/>{_mermaid(node.said.declared)}"]:::{node.said.grade}'
        for node in found.nodes
    ]
    lines += [
        f"  {number[e.parent]} {_MERMAID_ARROWS[e.relation]}|{e.relation}| {number[e.child]}" for e in found.edges
    ]
    lines += [f"  classDef {grade} fill:{tint},stroke:#545d6b,color:#1b1f26" for grade, tint in _TINTS.items()]
    return "\n".join(lines)


def _mermaid(text: str) -> str:
    """Every character that means anything to Mermaid, Markdown or HTML, by its number
    (https://mermaid.js.org/syntax/flowchart.html#entity-codes-to-escape-characters)."""
    return re.sub(r"[^\w ./:()+-]|_", lambda match: f"#{ord(match[0])};", printable(text))


_TINTS = {"pass": "#cdebdf", "review": "#fbe3b3", "violation": "#f6cdb4", "absent": "#dfe2e7"}
_DOT_STYLES = {"finetune": "solid", "adapter": "dashed", "quantized": "dotted", "merge": "bold", "unknown": "solid"}
_MERMAID_ARROWS = {"finetune": "-->", "adapter": "-.->", "quantized": "-.->", "merge": "==>", "unknown": "-->"}
