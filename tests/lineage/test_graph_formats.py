"""A neighbourhood in files: other programs read all of it back, pictures hold names as text."""

import io
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import networkx as nx
import pytest
from PIL import Image
from sqlalchemy import Engine

from lineage.formats import graphs, sheets
from lineage.formats.graphs import graph_of
from lineage.neighbourhood import neighbourhood
from registry.records import RegistryError
from tests.families import api_row, family, save
from tests.lineage.calls import STEERING, answer, database, lineage
from tests.lineage.test_hostile_text import TEXTS
from tests.lineage.test_neighbourhood import WORLD

MERMAID = re.compile(r'flowchart LR|  m\d\["[\w ./:()+#;<>-]*"\]:::\w+|  m\d \S+\|\w+\| m\d|  classDef \w+ [\w:#,-]+')
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture
def world(sqlite_registry: Engine) -> Engine:
    family(sqlite_registry, WORLD)
    return sqlite_registry


@pytest.fixture(params=TEXTS, ids=str)
def hostile(request: pytest.FixtureRequest, sqlite_registry: Engine) -> Engine:
    """A little family in which everything that can be said freely is hostile."""
    text = TEXTS[request.param]
    card = {"license": "other", "license_name": text, "base_model": "a/Base"}
    save(sqlite_registry, [api_row("a/Base", license=text), api_row("b/Tuned", ["a/Base"], cardData=card, author=text)])
    return sqlite_registry


def test_programs_read_all_of_it_back(world: Engine, tmp_path: Path) -> None:
    expected = graph_of(neighbourhood(world, "me/Tuned"))
    for ending in ("graphml", "gexf", "json"):
        assert answer(world, "graph", "me/Tuned", "-o", tmp_path / f"g.{ending}") == ""
    read = nx.read_graphml(tmp_path / "g.graphml")
    assert read.nodes == expected.nodes
    assert read.edges == expected.edges
    gephi = nx.read_gexf(tmp_path / "g.gexf")
    for id_, facts in expected.nodes(data=True):
        assert {name: fact for name, fact in gephi.nodes[id_].items() if name != "label"} == facts
    assert set(gephi.edges) == set(expected.edges)
    text = json.loads((tmp_path / "g.json").read_text())
    whole = nx.node_link_graph(text, edges="links")
    assert (whole.nodes, whole.edges, whole.graph) == (expected.nodes, expected.edges, expected.graph)
    assert isinstance(read.nodes["me/Tuned"]["downloads"], int)


def test_they_are_never_folded(sqlite_registry: Engine) -> None:
    save(sqlite_registry, [api_row("a/Base"), *(api_row(f"b/M{n}", ["a/Base"]) for n in range(300))])
    found = neighbourhood(sqlite_registry, "a/Base")
    assert len(json.loads(graphs.node_link(found))["nodes"]) == 301
    assert graphs.dot(found).count(" -> ") == graphs.mermaid(found).count("-->") == 300
    assert "+2" in sheets.svg(found)  # a picture is


def test_hostile_text_stays_text(hostile: Engine) -> None:
    found = neighbourhood(hostile, "a/Base")
    assert nx.read_graphml(io.BytesIO(graphs.graphml(found).encode())).number_of_edges() == 1
    assert nx.read_gexf(io.BytesIO(graphs.gexf(found).encode())).number_of_edges() == 1
    assert json.loads(graphs.node_link(found))["nodes"][0]["id"] == "a/Base"
    for write in (graphs.node_link, graphs.graphml, graphs.gexf, graphs.dot, graphs.mermaid):
        assert not STEERING.search(write(found).replace("\x7f", "")), write
    dot = re.sub(r'"(?:[^"\\]|\\.)*"', "", graphs.dot(found))  # outside of strings nothing is the Hub's
    assert re.fullmatch(r"[\w\s{}\[\];=,>-]*", dot), dot
    for line in graphs.mermaid(found).splitlines():
        assert re.fullmatch(
            r'flowchart LR|  m\d\["[\w ./:()+#;<>-]*"\]:::\w+|  m\d \S+\|\w+\| m\d|  classDef [\w :#,-]+', line
        )
    drawing = ET.fromstring(sheets.svg(found))
    assert {element.tag.removeprefix(SVG) for element in drawing.iter()} == {
        "svg",
        "title",
        "rect",
        "text",
        "circle",
        "path",
    }


def test_pictures(world: Engine, tmp_path: Path) -> None:
    for ending in ("svg", "png"):
        assert answer(world, "graph", "Qwen/Base", "-o", tmp_path / f"g.{ending}") == ""
    drawing = ET.parse(tmp_path / "g.svg").getroot()
    texts = [element.text for element in drawing.iter(f"{SVG}text")]
    for id_ in ("Qwen/Base", "me/Tuned", "x/Merged", "z/Last", "me/Gone"):
        assert texts.count(id_) == 1
    with Image.open(tmp_path / "g.png") as image:
        assert image.width >= 2 * float(drawing.attrib["width"]) - 1
        assert len(image.resize((200, 100)).getcolors(20_000) or ()) > 50


def test_names_of_a_column_do_not_overlap(world: Engine) -> None:
    drawing = ET.fromstring(sheets.svg(neighbourhood(world, "Qwen/Base")))
    places = [(float(t.attrib["x"]), float(t.attrib["y"])) for t in drawing.iter(f"{SVG}text")]
    for x, y in places:
        assert all(other == (x, y) or other[0] != x or abs(other[1] - y) >= 20 for other in places)


def test_a_picture_too_large_for_png_is_refused(world: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    found = neighbourhood(world, "Qwen/Base")
    monkeypatch.setattr(sheets, "_MOST_PIXELS", 500_000)  # enough for the plain size alone
    with Image.open(io.BytesIO(sheets.png(found))) as image:
        assert image.width == round(float(ET.fromstring(sheets.svg(found)).attrib["width"]))
    monkeypatch.setattr(sheets, "_MOST_PIXELS", 1_000)
    with pytest.raises(RegistryError, match="too many for PNG"):
        sheets.png(found)


def test_without_a_file(world: Engine) -> None:
    assert answer(world, "graph", "me/Tuned", "-f", "dot").startswith("digraph lineage {")
    result = lineage("graph", "me/Tuned", "-f", "png", "--db", database(world))
    assert result.stdout_bytes.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["me/Tuned"], "say what to write: name a file with -o, or a format with -f"),
        (["me/Tuned", "-o", "x.pdf"], "x.pdf ends with none of .html, .svg, .png, .json"),
        (["me/Tuned", "-f", "svg", "--why", "z/Last"], "z/Last is no ancestor"),
        (["no/Such", "-f", "svg"], "no/Such"),
        (["me/Tuned", "-f", "svg", "--why", "Qwen/Base", "--depth", "1"], "--why chooses by itself"),
        (["me/Tuned", "-o", "/no/such/folder/x.svg"], "cannot write"),
    ],
)
def test_mistakes(world: Engine, args: list[str], said: str) -> None:
    result = lineage("graph", *args, "--db", database(world))
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
