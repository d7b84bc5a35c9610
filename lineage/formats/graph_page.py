"""A neighbourhood as one HTML page that opens without a network: drawn by vis-network, which comes with pyvis.

pyvis's own template fetches a style sheet from another server even when told to put all in line, so the library is
taken from its package and the page is ours. Its Content-Security-Policy allows no request, and no script but these.
"""

import json
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from lineage.folding import Folding, fold
from lineage.formats.licenses import NO_ADVICE
from lineage.formats.markup import Markup, clipped, tag
from lineage.formats.pages import own, page
from lineage.formats.palette import ABSENT, STROKES, TONES, tone_of
from lineage.formats.text import number, printable
from lineage.neighbourhood import Neighbourhood, Node
from registry.records import RegistryError

#: A page holds so many models: with each some 200 bytes; they can be unfolded on it.
IN_FILE = 3_000
#: So many models fit on a screen with names that can be read.
_AT_FIRST = 32
_LIBRARY = "lib/vis-9.1.2/vis-network.min.js"


def graph_page(found: Neighbourhood) -> str:
    """The neighbourhood as a page of its own. Raises RegistryError where pyvis is not as we know it."""
    style, script = own("graph.css"), Markup(f"{_vis_network()}\n{own('graph.js')}")
    title = f"{clipped(found.asked)} and its relatives"
    above = sum(node.depth < 0 for node in found.nodes)
    day = found.data_date[:10] if found.data_date else "an unknown date"
    left = found.total - len(found.nodes)
    facts = f"made from {number(above)}, {number(len(found.nodes) - 1 - above)} made from it"
    facts += f" ({number(left)} more are left out by a limit)" if left else ""
    source = f"Source: metadata of the Hugging Face Hub, by finetune-lineage {version('finetune-lineage')}. {NO_ADVICE}"
    return page(
        title,
        style,
        script,
        tag("header", tag("h1", title), tag("p", f"{facts} · data of {day}")),
        own("graph.html"),
        tag("footer", source),
        tag("script", Markup(_data(found)), id="data", type="application/json"),
    )


def _data(found: Neighbourhood) -> str:
    """What the script reads: JSON in which nothing can end the element that it stands in."""
    held, first = fold(found, IN_FILE), fold(found, _AT_FIRST)
    place = {at: new for new, at in enumerate(held.shown)}
    said = {node.said: 0 for node in found.nodes}
    said = {one: at for at, one in enumerate(said)}
    number_of = {found.nodes[at].id: new for at, new in place.items()}
    relations = list(STROKES)
    whole = {
        "nodes": [_node(found.nodes[at], held, at, place, said[found.nodes[at].said]) for at in held.shown],
        "edges": [
            [number_of[edge.parent], number_of[edge.child], relations.index(edge.relation), edge.evidence]
            for edge in found.edges
            if edge.parent in number_of and edge.child in number_of
        ],
        "shown": [place[at] for at in first.shown if at in place],
        "away": [[place[g.at], g.side, g.relation, g.models] for g in held.groups],
        "sayings": [[*(printable(text or "") for text in one), tone_of(one.grade, one.verdict).name] for one in said],
        "relations": [[name, look.colour, look.dashes, look.legend] for name, look in STROKES.items()],
        "tones": [[tone.name, tone.colour, tone.mark, tone.legend] for tone in (*TONES.values(), ABSENT)],
        "day": (found.data_date or "")[:10],
    }
    return json.dumps(whole, separators=(",", ":")).replace("<", "\\u003c")


def _node(node: Node, folding: Folding, at: int, place: dict[int, int], said: int) -> list[object]:
    """A model: id, steps, the number of the one it is reached by, relation on that edge, author, downloads, day, state,
    saying, the ancestor that decides it, and how many models are reached through it."""
    via = folding.via[at]
    return [
        printable(node.id),
        node.depth,
        -1 if via < 0 else place[via],
        folding.relation[at],
        printable(node.author or ""),
        node.downloads,
        (node.created_at or "")[:10],
        str(node.state),
        said,
        node.cause and printable(node.cause),
        folding.beyond[at],
    ]


def _vis_network() -> str:
    """The library's text. pyvis itself is not imported: that would import IPython, which takes half a second."""
    spec = find_spec("pyvis")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(place) / _LIBRARY
        if path.is_file():
            return path.read_text("utf-8").replace("//# sourceMappingURL=vis-network.min.js.map", "")
    raise RegistryError(f"pyvis holds no {_LIBRARY}: install the version that finetune-lineage asks for (pip check)")
