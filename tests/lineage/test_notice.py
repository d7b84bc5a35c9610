"""The attribution for a model: everything above it, with what its licences ask for, and nothing passed over."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lineage.evidence import Files, FileText
from lineage.formats.notices import markdown
from lineage.notice import notice
from tests.crawler.crawls import token_of_the_tests
from tests.fakehub.server import FakeHub
from tests.fakehub.world import World
from tests.families import api_row, family, save
from tests.lineage.calls import STEERING, answer, database, lineage

WORLD = """
meta-llama/Llama-3.1-8B  llama3.1
  me/Tuned  llama3.1
    me/Merge  merge  llama3.1
Qwen/Qwen3-8B  apache-2.0
    me/Merge
no/Licence
  me/Odd  mit
gone/Base  unseen
  me/Odd
"""
LINE = "Llama 3.1 is licensed under the Llama 3.1 Community License"


@pytest.fixture
def world(registry: Engine) -> Engine:
    family(registry, WORLD)
    return registry


def test_every_ancestor_stands_there_with_its_licence_and_what_was_done(world: Engine) -> None:
    found = notice(world, ["me/merge"])
    assert [(one.id, one.licenses) for one in found.models] == [
        ("me/Merge", ("llama3.1",)),
        ("me/Tuned", ("llama3.1",)),
        ("Qwen/Qwen3-8B", ("apache-2.0",)),
        ("meta-llama/Llama-3.1-8B", ("llama3.1",)),
    ]
    assert found.models[0].made_from == (("merge", "me/Tuned"), ("merge", "Qwen/Qwen3-8B"))
    assert all(one.problem is None for one in found.models)
    text = answer(world, "notice", "me/Merge")
    assert "- modified: it is a fine-tune of [meta-llama/Llama-3.1-8B](https://huggingface.co/meta-llama/" in text
    assert f"- notice: {LINE}" in text
    assert "<https://spdx.org/licenses/Apache-2.0.html>" in text
    assert "- read in: <https://github.com/meta-llama/llama-models/blob/" in text


def test_what_is_not_known_is_said(world: Engine) -> None:
    problems = {one.id: one.problem for one in notice(world, ["me/Odd"]).models}
    assert problems["gone/Base"] == "it was never seen: what it is under, and what it was made from, is not known"
    assert problems["no/Licence"] == "its terms cannot be told: none declared"
    assert answer(world, "notice", "me/Odd").count("**not known:**") == 2


def test_a_licence_of_which_no_duty_is_noted_refers_to_its_text(registry: Engine) -> None:
    save(registry, [api_row("a/A", license="osl-3.0")])
    assert "- asks: nothing about notices is noted here; its text says" in answer(registry, "notice", "a/A")


def test_several_models_share_their_ancestors(world: Engine) -> None:
    assert notice(world, ["me/Tuned", "me/tuned"]).asked == ("me/Tuned",)
    ids = [one.id for one in notice(world, ["me/Tuned", "me/Merge"]).models]
    assert ids[:2] == ["me/Tuned", "me/Merge"]
    assert len(ids) == len(set(ids)) == 4


def test_a_cycle_ends(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["a/B"]), api_row("a/B", ["a/A"])])
    assert [one.id for one in notice(registry, ["a/A"]).models] == ["a/A", "a/B"]


def test_files_are_put_in_as_they_stand(world: Engine) -> None:
    texts = {
        "me/Tuned": Files(
            (FileText("LICENSE", "Terms\n````\n# no heading\x1b[31m\n", "0"), FileText("README.md", "x", "1"))
        ),
        "Qwen/Qwen3-8B": Files(problem="gated"),
    }
    found = notice(world, ["me/Tuned", "Qwen/Qwen3-8B"], lambda ids: {id: texts[id] for id in ids if id in texts})
    text = markdown(found)
    assert "`````text\nTerms\n````\n# no heading\\x1b[31m\n`````" in text
    assert "its files could not be read: gated" in text
    assert text.count("no licence file was found in its repository") == 1  # of the base


def test_fetched_from_a_hub(world: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path))
    files = {"LICENSE": "our own words"}
    rows = [api_row(id, sha="a" * 40, files=files) for id in ("me/Tuned", "meta-llama/Llama-3.1-8B")]
    with FakeHub(World(rows)) as hub:
        said = lineage("notice", "me/Tuned", "--fetch", "--endpoint", hub.url, "--db", database(world))
    assert said.exit_code == 0, said.stderr
    assert "```text\nour own words\n```" in said.stdout


def test_hostile_ids_and_labels_are_no_markup(registry: Engine) -> None:
    rows = [
        api_row("a/__init__", ["b/x-y_z*"], license="<script>alert(1)</script>\n# Heading"),
        api_row("b/Base", license="](https://evil.example)"),
    ]
    rows[0]["tags"].append("base_model:b/Base")
    save(registry, rows)
    text = answer(registry, "notice", "a/__init__", "b/Base")
    assert not STEERING.search(text.replace("\n", ""))
    assert "<script" not in text
    assert not re.search(r"[^\\]\]\(https://evil", text)
    assert re.findall("^#+ .*eading", text, re.MULTILINE) == []
    assert json.loads(answer(registry, "notice", "b/Base", "-f", "json"))["schema"] == "finetune-lineage/notice/1"
