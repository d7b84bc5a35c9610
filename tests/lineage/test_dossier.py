"""The page for who decides: all that the other commands say of one model, and nothing that they do not say."""

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine

from lineage.dossier import dossier
from lineage.formats import dossier_page as formats
from lineage.formats.dossier_page import dossier_page
from lineage.formats.text import printable
from lineage.inheritance import inheritance
from lineage.policy import read_policy
from lineage.questions import PURPOSES
from tests.browsers import needs_browser, page_of
from tests.crawler.crawls import token_of_the_tests
from tests.crawler.folders import adapter
from tests.fakehub.server import FakeHub
from tests.fakehub.world import World
from tests.families import api_row, family, save
from tests.lineage.bills import hostile_texts, hostile_world
from tests.lineage.calls import STEERING, answer, database, lineage, refusal
from tests.lineage.pages import Element, rows, shape, tree
from tests.lineage.test_hostile_text import stored

WORLD = """
meta-llama/Llama-3.1-8B  llama3.1
  me/Tuned  llama3.1
    me/Merge  merge  apache-2.0
Qwen/Qwen3-8B  apache-2.0
    me/Merge
  me/Free  apache-2.0
    me/LoRA  adapter  mit
no/Licence
  me/Odd  mit
gone/Base  unseen
  me/Odd
"""
POLICY = """
[licenses]
allow = ["apache-2.0", "llama3.1"]
[[waiver]]
model = "me/Merge"
ancestor = "meta-llama/*"
reason = "we keep it <inside>"
expires = 2999-01-01
"""


@pytest.fixture
def world(registry: Engine) -> Engine:
    family(registry, WORLD)
    return registry


def page(engine: Engine, model: str) -> Element:
    return tree(dossier_page(dossier(engine, model)))


def facts(element: Element) -> dict[str, str]:
    """The names and facts of a list of them."""
    return {part.one("dt").text: part.one("dd").text for part in element.one("dl").all("div")}


def test_the_header_is_the_verdict_and_what_it_rests_on(world: Engine) -> None:
    header = page(world, "me/merge").one("header")
    assert header.one("h1").text == "me/Merge"
    said = inheritance(world, "me/Merge")
    assert header.one("div", "verdict").text.startswith(f"✕ {said.verdict} Terms that came along")
    told = facts(header)
    assert (told["It declares"], told["Licences that apply"]) == ("apache-2.0", said.effective)
    assert (told["Data of"], told["Models it was made from"], told["Policy"]) == ("an unknown date", "3", "none")


def test_findings_have_path_clause_and_a_link_to_it(world: Engine) -> None:
    article = page(world, "me/Merge").by_id("verdict").one("article")
    assert [box.one("a").text for box in article.all("span", "box")] == [
        "meta-llama/Llama-3.1-8B", "me/Tuned", "me/Merge",
    ]  # fmt: skip
    said = inheritance(world, "me/Merge").findings[0]
    told = facts(article)
    assert told["Clause"] == f"{said.section}: {said.clause}"
    assert told["Source"] == said.source
    source = next(a for a in article.all("a") if a.text == said.source)
    assert source.attributes["href"].startswith("https://github.com/meta-llama/llama-models/blob/")
    assert "By what is known it may be labelled: llama3.1" in page(world, "me/Merge").by_id("verdict").text


def test_every_ancestor_stands_there_with_each_edge_and_what_it_rests_on(world: Engine) -> None:
    table = page(world, "me/Merge").by_id("ancestry").one("table")
    rests = "by a tag of the Hub and its card"
    assert rows(table) == [
        ["me/Merge", "0", "apache-2.0", f"merge of me/Tuned {rests} merge of Qwen/Qwen3-8B {rests}"],
        ["me/Tuned", "1", "llama3.1", f"finetune of meta-llama/Llama-3.1-8B {rests}"],
        ["Qwen/Qwen3-8B", "1", "apache-2.0", "nothing that it names"],
        ["meta-llama/Llama-3.1-8B", "2", "llama3.1", "nothing that it names"],
    ]
    names = [text.text for text in page(world, "me/Merge").by_id("ancestry").one("svg").all("text")]
    assert {"me/Merge", "me/Tuned", "Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B"} < set(names)


def test_duties_are_told_by_licence_with_boxes_to_tick(world: Engine) -> None:
    own, llama = page(world, "me/Merge").by_id("licences").all("article")
    assert facts(own)["Brought by"] == "its own label, Qwen/Qwen3-8B"
    assert facts(llama)["Brought by"] == "meta-llama/Llama-3.1-8B"
    assert facts(llama)["Notice to be kept"].startswith("Llama 3.1 is licensed under")
    assert "no right to sublicense" in facts(llama)["For a derivative"]
    said = inheritance(world, "me/Merge").obligations
    duties = [duty.says for duty in said if duty.license == "llama3.1"]
    assert [any(says in one.text for one in llama.all("li")) for says in duties] == [True] * len(duties)
    assert len(llama.all("li")) == len(duties) == len(llama.all("input"))
    assert "It is not met." in next(one.text for one in llama.all("li") if "begin" in one.text)


def test_uses_are_answered_as_license_answers_them(world: Engine) -> None:
    told = {question: said for question, said, _ in rows(page(world, "me/Merge").by_id("uses"))}
    for purpose, (question, _) in PURPOSES.items():
        line = lineage("license", "me/Merge", "--for", purpose, "--db", database(world)).stdout.splitlines()[0]
        assert line == f"me/Merge: {question} {told.pop(question.capitalize())}"
    assert told == {}


def test_what_is_not_known_is_said(world: Engine) -> None:
    found = page(world, "me/Odd")
    table = rows(found.by_id("ancestry"))
    assert [row[2:] for row in table if row[0] == "gone/Base"] == [
        ["not in the registry nobody can tell the terms of this model", "not known"]
    ]
    unknown = found.by_id("licences").all("article")[-1]
    assert unknown.one("h3").text == "not known Terms that nobody can tell"
    assert [item.text for item in unknown.all("li")] == [
        "no/Licence : none declared",
        "gone/Base : not in the registry",
    ]
    assert "No label can be suggested: " in found.by_id("verdict").text
    alone = page(world, "gone/Base")
    assert "It names nothing that it was made from" in alone.by_id("ancestry").text
    assert facts(alone.one("header"))["Commit of the data"] == "not known"


def test_an_adapter_is_seen_alone_and_with_its_base(world: Engine) -> None:
    said = inheritance(world, "me/LoRA")
    assert said.delta is not None
    words = page(world, "me/LoRA").one("header").one("div", "verdict").text
    assert f"As it is published, alone: {said.delta.verdict}; with its base: {said.verdict}" in words


def test_the_policy_decides_and_the_rules_alone_are_told(world: Engine, tmp_path: Path) -> None:
    (tmp_path / "lineage.toml").write_text(POLICY, encoding="utf-8")
    found = dossier(world, "me/Merge", read_policy(tmp_path / "lineage.toml"))
    told = tree(dossier_page(found))
    assert told.one("div", "verdict").classes == ["verdict", "pass"]
    assert "Without your policy: conflict (violation)." in told.one("div", "verdict").text
    assert facts(told.one("header"))["Policy"].endswith("lineage.toml")
    waived = told.by_id("verdict").one("article")
    assert facts(waived)["Waived"] == "we keep it <inside>"


def test_a_registered_model_has_its_files(world: Engine, tmp_path: Path) -> None:
    folder = adapter(tmp_path)
    answer(world, "register", folder, "--name", "own/lora")
    model = page(world, "own/lora").by_id("model")
    assert {row[0] for row in rows(model)} == {file.name for file in folder.iterdir()}
    for name, _, digest in rows(model):
        assert digest == sha256((folder / name).read_bytes()).hexdigest()


def test_a_claim_is_graded_by_files(world: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path))
    with FakeHub(World([api_row("me/Free", sha="a" * 40, files={"LICENSE": "our own words"})])) as hub:
        said = lineage("dossier", "me/Free", "--evidence", "--endpoint", hub.url, "--db", database(world))
    assert said.exit_code == 0, said.stderr
    assert facts(tree(said.stdout).by_id("model"))["Documented"] == (
        "grade 1 of 4 (no file holds the text of apache-2.0); LICENSE: no licence that is known"
    )


def test_what_is_left_out_is_said(registry: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FINDINGS", "ANCESTORS", "DEFECTS", "LABELS", "REASONS"):
        monkeypatch.setattr(formats, name, 2)
    save(registry, [api_row("a/All", [f"b/{n}" for n in range(9)] + ["no id!"] * 5, "merge")])
    told = page(registry, "a/All")
    more = "8 more findings are not shown here: see lineage audit a/All --claim any -f json"
    assert more in told.by_id("verdict").text
    assert (
        "No label can be suggested: the terms of b/0 cannot be told; the terms of b/1 cannot be told; and 7 more."
        in (told.by_id("verdict").text)
    )
    assert "7 more ancestors are not shown here: see lineage ancestors a/All -f json" in told.by_id("ancestry").text
    assert re.search(r"\d+ more defects are not shown here: see lineage show a/All", told.by_id("model").text)
    assert len(rows(told.by_id("ancestry"))) == 3


def test_a_commit_that_was_asked_for_is_told_beside_that_of_the_data(registry: Engine) -> None:
    save(registry, [api_row("a/A", license="mit", sha="a" * 40)])
    told = facts(page(registry, f"a/A@{'b' * 40}").one("header"))
    assert (told["Commit of the data"], told["Commit asked for"]) == ("a" * 40, "b" * 40)
    assert "Commit asked for" not in facts(page(registry, "a/A").one("header"))


def test_a_cycle_ends(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["a/B"], license="mit"), api_row("a/B", ["a/A"], license="mit")])
    assert [row[0] for row in rows(page(registry, "a/A").by_id("ancestry"))] == ["a/A", "a/B"]


def test_the_command_writes_a_file_or_says_what_is_wrong(world: Engine, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    assert answer(world, "dossier", "me/Merge", "-o", file) == ""
    assert file.read_text(encoding="utf-8") == answer(world, "dossier", "https://huggingface.co/me/Merge")
    assert "no/Body" in refusal("dossier", "no/Body", "--db", database(world))


def test_the_page_holds_no_script_and_loads_nothing(world: Engine) -> None:
    found = page(world, "me/Merge")
    (policy,) = [e.attributes["content"] for e in found.one("head").all("meta") if "http-equiv" in e.attributes]
    (style,) = found.one("style").content
    assert isinstance(style, str)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    assert policy == f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert {"script", "img", "link", "iframe", "form", "image", "use"}.isdisjoint(e.name for e in found.all())
    attributes = {name for element in found.all() for name in element.attributes}
    assert {"src", "srcset", "action", "style", "ping"}.isdisjoint(attributes)
    assert not [name for name in attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|@font-face|</", style)


@hostile_texts
def test_hostile_text_is_text(registry: Engine, text: str) -> None:
    hostile_world(registry, text)
    written = dossier_page(dossier(registry, "b/Tuned"))
    assert not STEERING.search(written)
    told = tree(written)
    words = " ".join(printable(stored(text)).split())[:60]
    assert words in told.text
    for anchor in told.all("a"):
        assert anchor.attributes["href"].startswith(("#", "https://huggingface.co/", "https://spdx.org/"))
    plain = {name for name, _ in shape(page(world_of_words(registry), "d/Tuned"))}
    assert {name for name, _ in shape(told)} <= plain


def world_of_words(engine: Engine) -> Engine:
    """The same world with plain words."""
    card = {"license": "other", "license_name": "words", "base_model": "c/Base", "datasets": ["a/b"]}
    save(engine, [api_row("c/Base", license="words"), api_row("d/Tuned", ["c/Base"], cardData=card)])
    return engine


@needs_browser
def test_a_reviewer_reads_fills_in_and_prints_it(world: Engine, browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    answer(world, "dossier", "me/Merge", "-o", file)
    with page_of(browser, file, "#decision") as shown:
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")
        shown.get_by_label("Approved on the conditions below").check()
        shown.get_by_label("For which use, and on which conditions").fill("inside only\n" * 20)
        shown.get_by_label("Decided by").fill("A. Reviewer")
        box = shown.get_by_label("For which use, and on which conditions")
        assert box.evaluate("e => e.scrollHeight <= e.clientHeight + 2")  # it grows, so that all of it is printed
        shown.emulate_media(media="print")
        assert not shown.get_by_text("What is written here is kept nowhere").is_visible()
        assert shown.pdf(format="A4").startswith(b"%PDF")
        shown.emulate_media(media="screen")
        for width in (360, 768, 1440):
            shown.set_viewport_size({"width": width, "height": 800})
            assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
