"""What a bill of materials concludes of a model, whatever the format: no more than is known."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lineage.bom import bom, properties
from tests.families import api_row, family, save
from tests.lineage import bills
from tests.lineage.calls import STEERING, answer
from tests.lineage.test_register import bot, register

WORLD = """
google/Base  gemma
  a/Beside  apache-2.0
  a/Forbids  osl-3.0
meta-llama/Base  llama3.1
  a/Direct  mit
  a/Version  llama3.3
Qwen/Research  qwen-research
  a/Dropped  mit
b/Research  cc-by-nc-4.0
  a/Open  apache-2.0
b/Copyleft  agpl-3.0
  a/Whole  mit
meta-llama/Old  llama3
  meta-llama/New  llama3.1
g/Left  agpl-3.0
g/Right  gpl-2.0
u/Unseen  unseen
  a/Unknown  apache-2.0
a/Nothing
a/Words  who-knows
b/Notices  mit
  a/Notices  apache-2.0
"""

HOSTILE = {
    "ansi": "\x1b[31mred\x1b[0m.bin",
    "bidi": "\u202enib.exe",
    "lines": "a\nb\u2028c\r.bin",
    "markup": "<script>&amp;|`x`",
    "quotes": "\"',;\\\\.bin",
    "formula": "=HYPERLINK(1)",
    "dots": "..%2F..",
    "long": "x" * 250,
}


def concluded(engine: Engine, model: str) -> tuple[str, str | None]:
    """The licences that are concluded, and why there are none."""
    material = bom(engine, [model]).materials[0]
    assert material.conclusion is not None
    said = dict(bills.pairs(list(properties(material))))
    assert said.get("license:concluded") == (material.conclusion.doubt and f"NOASSERTION: {material.conclusion.doubt}")
    return " AND ".join(terms.expression for terms in material.conclusion.terms), material.conclusion.doubt


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("a/Beside", "Apache-2.0 AND LicenseRef-gemma"),
        ("a/Direct", "LicenseRef-llama3.1 AND MIT"),
        ("a/Dropped", "LicenseRef-qwen-research AND MIT"),
        ("a/Notices", "Apache-2.0 AND MIT"),
        ("google/Base", "LicenseRef-gemma"),
    ],
)
def test_what_binds_beside_the_label_is_concluded(registry: Engine, model: str, expected: str) -> None:
    family(registry, WORLD)
    assert concluded(registry, model) == (expected, None)


@pytest.mark.parametrize(
    ("model", "doubt"),
    [
        ("a/Forbids", "must be passed on, and the label's licence forbids further restrictions. (google/Base)"),
        ("a/Version", "The label is another version of the inherited licence. (meta-llama/Base)"),
        ("a/Open", "It is open whether CC BY-NC 4.0 reaches the weights of a model. (b/Research)"),
        ("a/Whole", "must be the derivative's too, and the label is another. (b/Copyleft)"),
        ("meta-llama/New", "The owner of both may put own work under another licence. (meta-llama/Old)"),
        ("a/Unknown", "Nobody can tell the terms of this ancestor. (u/Unseen)"),
        ("a/Nothing", "No licence is declared, which grants nobody anything."),
        ("a/Words", "Nobody can tell what the label means."),
    ],
)
def test_what_is_open_is_not_concluded_and_why_is_said(registry: Engine, model: str, doubt: str) -> None:
    family(registry, WORLD)
    expression, said = concluded(registry, model)
    assert expression == ""
    assert said is not None
    assert said.endswith(doubt)


def test_licences_that_exclude_each_other_are_not_concluded(registry: Engine) -> None:
    family(registry, WORLD)
    card = {"license": ["gemma", "osl-3.0"], "base_model": "google/Base"}
    save(registry, [api_row("a/Lists", ["google/Base"], cardData=card)])
    assert concluded(registry, "a/Lists") == ("", "No label satisfies both gemma and osl-3.0.")


def test_a_verdict_says_what_its_rule_says(registry: Engine) -> None:
    family(registry, WORLD)
    reasons = {
        model: dict(bills.pairs(list(properties(bom(registry, [model]).materials[0])))).get("license:reason")
        for model in ("a/Dropped", "a/Notices")
    }
    assert reasons == {
        "a/Dropped": "The inherited licence allows no commercial use; the label does.",
        "a/Notices": None,
    }


@pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_names_of_files_stay_names(sqlite_registry: Engine, tmp_path: Path, name: str) -> None:
    family(sqlite_registry, WORLD)
    folder = bot(tmp_path / "bot", "b/Notices")
    (folder / name).write_text("x")
    register(sqlite_registry, folder, "--name", "acme/bot")
    shown = json.loads(answer(sqlite_registry, "model", "show", "acme/bot", "-f", "json"))["files"]
    for format_ in ("cyclonedx", "spdx"):
        written = answer(sqlite_registry, "bom", "acme/bot", "-f", format_)
        assert STEERING.search(written) is None
        document = json.loads(written)
        held = document["@graph"] if format_ == "spdx" else document["components"][0]["components"]
        assert {file["path"] for file in shown} <= {element.get("name") for element in held}
    assert len(shown) == 4


def test_hostile_links_lead_nowhere_else(sqlite_registry: Engine) -> None:
    for link in ("../../x", "..", "//evil.example", "/etc/passwd", "https://evil.example/<b>", "data:text/html,x"):
        card = {"license": "other", "license_name": "own-terms", "license_link": link}
        save(sqlite_registry, [api_row("a/Linked", cardData=card)])
        (declared,) = bom(sqlite_registry, ["a/Linked"]).materials[0].declared
        assert declared.url is None, link
