"""The map of a family: whom it holds, what it says of them, and the poster."""

import base64
import gzip
import json
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import Engine

from lineage.audit import ANY, audit
from lineage.family import descendants
from lineage.formats.groups import colourings
from lineage.formats.map_page import map_page, packed
from lineage.formats.palette import STROKES
from lineage.map import FamilyMap, family_map
from lineage.sayings import ABSENT
from lineage.selection import Selection
from registry.bulk import RELATIONS
from registry.records import Relation
from tests.crawler.folders import write
from tests.families import family
from tests.lineage.calls import answer, database, lineage, refusal

SKETCH = """
    top/Base  apache-2.0
      me/Tuned  mit
        you/Merged  merge
      me/Other  llama3
        you/Merged
      gone/Adapter  adapter  gone
    alone/Root  mit
"""


def unpacked(text: str) -> dict[str, Any]:
    """What the page reads from its columns."""
    whole = gzip.decompress(base64.b64decode(text))
    facts: dict[str, Any] = json.loads(whole[4 : 4 + int.from_bytes(whole[:4], "little")])
    for name, kind, begin, length in facts["columns"]:
        assert begin % 8 == 0
        facts[name] = np.frombuffer(whole, f"<{kind}", length, begin).tolist()
    return facts


def above(found: FamilyMap) -> dict[str, str | None]:
    """Each model with the one at which it stands."""
    return {id: found.ids[up] if up >= 0 else None for id, up in zip(found.ids, found.up.tolist(), strict=True)}


def test_a_map_holds_the_family_and_no_other(snapshot_registry: Engine) -> None:
    known = descendants(snapshot_registry, "Qwen/Qwen3-8B-Base")
    found = family_map(snapshot_registry, "qwen/qwen3-8b-base")
    assert len(known.members) > 100
    assert sorted(found.ids) == sorted(member.id for member in known.members)
    assert found.ids[0] == "Qwen/Qwen3-8B-Base"
    assert found.members()[0] == len(known.members)
    edges = {(edge.child, edge.parent, edge.relation) for edge in known.edges}
    drawn = {
        (id, found.ids[up], RELATIONS[relation])
        for id, up, relation in zip(found.ids, found.up.tolist(), found.relation.tolist(), strict=True)
        if up >= 0
    }
    drawn |= {(found.ids[c], found.ids[p], RELATIONS[r]) for c, p, r in found.merges.T.tolist()}
    assert drawn == edges


def test_a_map_says_what_an_audit_says(snapshot_registry: Engine) -> None:
    found = family_map(snapshot_registry, "author:Qwen")
    audited = audit(snapshot_registry, Selection(families=("author:Qwen",)), claim=ANY).models
    said = {id: found.sayings[number] for id, number in zip(found.ids, found.said.tolist(), strict=True)}
    assert {model.model: (model.verdict, model.grade) for model in audited} == {
        id: (one.verdict, one.grade) for id, one in said.items() if one.grade != ABSENT
    }
    assert all((said[m.model].declared, said[m.model].effective) == (m.declared, m.effective) for m in audited)
    deciding = {model.model: {finding.ancestor for finding in model.findings} for model in audited}
    names = [*found.ids, *found.others]
    about = {id: names[n] if n >= 0 else None for id, n in zip(found.ids, found.about.tolist(), strict=True)}
    assert any(about[id] and one.grade == "violation" for id, one in said.items())
    assert all(about[id] in deciding[id] for id, one in said.items() if one.grade in {"violation", "review"})


def test_merges_and_what_is_gone_are_on_the_map(registry: Engine) -> None:
    family(registry, SKETCH)
    found = family_map(registry, "top/Base")
    assert above(found) == {
        "top/Base": None, "me/Tuned": "top/Base", "me/Other": "top/Base", "gone/Adapter": "top/Base",
        "you/Merged": "me/Tuned",
    }  # fmt: skip
    assert [(found.ids[c], found.ids[p], RELATIONS[r]) for c, p, r in found.merges.T.tolist()] == [
        ("you/Merged", "me/Other", "merge")
    ]
    assert found.sayings[found.said[found.ids.index("gone/Adapter")]].grade == ABSENT


def test_several_roots_and_a_root_alone(registry: Engine) -> None:
    family(registry, SKETCH)
    both = family_map(registry, "top/Base", "alone/Root", "me/Tuned")
    assert {id for id, up in above(both).items() if up is None} == {"top/Base", "me/Tuned", "alone/Root"}
    alone = family_map(registry, "alone/Root")
    assert (alone.ids, alone.layout.x.tolist(), alone.layout.y.tolist()) == (["alone/Root"], [0.0], [0.0])
    assert unpacked(packed(alone))["ids"] == ["alone/Root"]


def test_the_columns_of_the_page_are_those_of_the_map(registry: Engine) -> None:
    family(registry, SKETCH)
    found = family_map(registry, "top/Base")
    facts = unpacked(packed(found))
    assert facts["ids"] == found.ids
    assert facts["up"] == found.up.tolist()
    assert facts["x"] == pytest.approx(found.layout.x.tolist(), rel=1e-5)
    assert [mode["name"] for mode in facts["modes"]] == [
        "relation to parent", "licence verdict", "author", "month of creation",
    ]  # fmt: skip
    for mode in facts["modes"]:
        assert set(facts[mode["column"]]) == set(range(len(mode["groups"])))
    assert facts["modes"][3]["groups"][0][0] == "2025-01"
    assert map_page(found) == map_page(found)


def test_colours_tell_who_made_most(snapshot_registry: Engine) -> None:
    found = family_map(snapshot_registry, "author:Qwen")
    (by_author,) = [one for one in colourings(found) if one.name == "author"]
    assert by_author.groups[-1][0] == "all others"
    counts = np.bincount(by_author.of).tolist()
    assert counts[:-1] == sorted(counts[:-1], reverse=True)
    assert len({colour for _, colour in by_author.groups}) == len(by_author.groups)


def test_the_command_writes_a_page_and_a_poster(snapshot_registry: Engine, tmp_path: Path) -> None:
    page, image = tmp_path / "map.html", tmp_path / "map.png"
    assert answer(snapshot_registry, "map", "Qwen/Qwen3-8B-Base", "-o", page) == ""
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>\n")
    assert answer(snapshot_registry, "map", "Qwen/Qwen3-8B-Base", "-o", image) == ""
    with Image.open(BytesIO(image.read_bytes())) as drawn:
        assert (drawn.format, drawn.size) == ("PNG", (3000, 3430))
        colours = {colour for _, colour in drawn.getcolors(3000 * 3430) or []}
    drawn_as = [STROKES[relation].colour for relation in (Relation.FINETUNE, Relation.ADAPTER, Relation.QUANTIZED)]
    assert {tuple(bytes.fromhex(colour[1:])) for colour in drawn_as} <= colours


def test_what_cannot_be_drawn_is_refused(
    sqlite_registry: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    family(sqlite_registry, SKETCH)
    name = database(sqlite_registry)
    assert "neither .html nor .png" in refusal("map", "top/Base", "-o", tmp_path / "map.svg", "--db", name)
    assert "no such model" in refusal("map", "nobody/Nothing", "-o", tmp_path / "map.html", "--db", name)
    monkeypatch.setitem(__import__("sys").modules, "PIL.Image", None)
    assert "pip install 'finetune-lineage[pictures]'" in refusal(
        "map", "top/Base", "-o", tmp_path / "map.png", "--db", name
    )
    assert list(tmp_path.iterdir()) == []


def test_a_registered_model_stands_on_the_map_and_names_one(registry: Engine, tmp_path: Path) -> None:
    family(registry, SKETCH)
    folder = write(tmp_path / "own", {"README.md": "---\nbase_model: me/Tuned\n---\n"})
    assert lineage("register", folder, "--name", "acme/bot", "--db", database(registry)).exit_code == 0
    assert "acme/bot@1" in family_map(registry, "top/Base").ids
    assert list(family_map(registry, "acme/bot").ids) == ["acme/bot@1"]
    assert answer(registry, "map", "acme/bot", "-o", tmp_path / "map.html") == ""
