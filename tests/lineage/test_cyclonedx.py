"""A bill of materials as CycloneDX: the official schema accepts it, other programs read it, and nothing is lost."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.spdx import is_supported_id
from cyclonedx.validation.json import JsonStrictValidator
from lib4sbom.parser import SBOMParser
from packageurl import PackageURL
from sqlalchemy import Engine

from lineage.bom import bom, purl
from lineage.formats.cyclonedx import DEEPEST, cyclonedx
from lineage.inheritance import inheritance
from lineage.licenses.catalogue import catalogue
from tests.databases import Database, Files
from tests.families import api_row, save
from tests.lineage import bills
from tests.lineage.calls import STEERING, answer, chain, database, ladder, lineage, python, refusal
from tests.lineage.test_register import bot, register

Component = dict[str, Any]


@pytest.fixture(scope="module")
def world(sqlite: Files) -> Iterator[Engine]:
    """WORLD of bills.py. Read only."""
    with sqlite.registry() as engine:
        yield bills.world(engine)


def document(engine: Engine, *models: str) -> dict[str, Any]:
    """The document of some models, which the official schema, with all its formats, accepts."""
    text = answer(engine, "bom", *models)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    found: dict[str, Any] = json.loads(text)
    return found


def told(components: list[Component], child: str | None = None) -> Iterator[tuple[str | None, str, Component]]:
    """Each model that a document names, with the one that was made from it."""
    for component in components:
        id = "/".join(part for part in (component.get("group"), component["name"]) if part)
        yield child, id, component
        yield from told(component.get("pedigree", {}).get("ancestors", []), id)


def said(component: Component) -> dict[str, str]:
    """The properties of a component, without their prefix."""
    return dict(bills.pairs([(one["name"], one["value"]) for one in component["properties"]]))


def licenses(component: Component, kind: str) -> list[str]:
    """The licences that are declared, or concluded."""
    found = [one["license"] for one in component.get("licenses", [])]
    return [one.get("id") or one["name"] for one in found if one["acknowledgement"] == kind]


def full(found: dict[str, Any]) -> dict[str, Component]:
    """The models that are told with all their facts; each is once."""
    components = [(id, component) for _, id, component in told(found["components"]) if "bom-ref" in component]
    assert len(components) == len(dict(components))
    return dict(components)


@pytest.mark.parametrize("model", bills.MODELS)
def test_it_holds_every_edge_above_a_model(world: Engine, model: str) -> None:
    found = document(world, model)
    assert "dependencies" not in found  # an entry without any would say that there are none
    named = list(told(found["components"]))
    assert {(child, id) for child, id, _ in named if child} == bills.edges_above(world, model)
    told_at = {said(component)["told-at"] for _, _, component in named if "bom-ref" not in component}
    assert told_at <= set(full(found))
    assert {component["type"] for _, _, component in named} == {"machine-learning-model"}
    assert all(said(component).keys() >= {"relation", "evidence"} for child, _, component in named if child)


def test_the_embedded_snapshot(sqlite_snapshot: Engine) -> None:
    found = document(sqlite_snapshot, bills.REAL)
    assert {(child, id) for child, id, _ in told(found["components"]) if child} == {
        ("reaperdoesntknow/Qemma-Q1.7B", "Qwen/Qwen3-1.7B"),
        ("reaperdoesntknow/Qemma-Q1.7B", "google/gemma-3-1b-it"),
        ("Qwen/Qwen3-1.7B", "Qwen/Qwen3-1.7B-Base"),
        ("google/gemma-3-1b-it", "google/gemma-3-1b-pt"),
    }
    mine = full(found)[bills.REAL]
    assert licenses(mine, "declared") == ["OSL-3.0"]
    assert licenses(mine, "concluded") == []  # the two exclude each other
    judged = inheritance(sqlite_snapshot, bills.REAL)
    assert (said(mine)["license:verdict"], said(mine)["license:effective"]) == (judged.verdict, judged.effective)
    assert mine["modelCard"]["modelParameters"]["task"] == "text-generation"
    assert {"type": "dataset", "name": "TIGER-Lab/MathInstruct", "contents": {
        "url": "https://huggingface.co/datasets/TIGER-Lab/MathInstruct"
    }} in mine["modelCard"]["modelParameters"]["datasets"]  # fmt: skip
    assert found["metadata"]["timestamp"].startswith("2026-08-22T")


# That reader leaves its own files open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_another_program_reads_it(sqlite_registry: Engine, tmp_path: Path) -> None:
    """lib4sbom has a reader of its own: it takes name, version, purl and licence. (It skips pedigrees, and stumbles
    over data sets without a classification, which the schema does not ask for.)"""
    sha = "abcdef0123456789abcdef0123456789abcdef01"
    save(sqlite_registry, [api_row("a/B", ["c/D"], license="mit", sha=sha, pipeline_tag="text-generation")])
    path = tmp_path / "model.cdx.json"
    answer(sqlite_registry, "bom", "a/B", "-o", path)
    parser = SBOMParser()
    parser.parse_file(str(path))
    (package,) = parser.get_packages()
    assert (package["name"], package["version"], package["type"]) == ("B", sha, "MACHINE-LEARNING-MODEL")
    assert ["PACKAGE_MANAGER", "purl", f"pkg:huggingface/a/B@{sha}"] in map(list, package["externalreference"])
    assert package["licensedeclared"] == "MIT"


def test_several_models_share_their_ancestors(world: Engine) -> None:
    found = document(world, "me/Tuned", "a/Left", "me/Free")
    assert [component["bom-ref"] for component in found["components"]] == ["a/Left", "me/Free", "me/Tuned"]
    assert set(full(found)) == {"me/Tuned", "a/Left", "me/Free", "m/Merged", "a/Right", "top/Root", "p/Free"}
    edges = {(child, id) for child, id, _ in told(found["components"]) if child}
    assert edges == bills.edges_above(world, "me/Tuned", "a/Left", "me/Free")


@pytest.mark.parametrize(
    ("model", "verdict", "concluded"),
    [
        ("me/Free", "ok", ["Apache-2.0"]),
        ("me/Tuned", "not-alone", ["Apache-2.0", "Llama 3.1 Community License"]),
        ("me/OfUnseen", "unknown", []),
        ("me/OfWords", "unknown", []),
        ("me/OfNothing", "unknown", []),
        ("top/Root", "ok", ["Llama 3.1 Community License"]),
    ],
)
def test_a_licence_is_concluded_where_that_is_certain(
    world: Engine, model: str, verdict: str, concluded: list[str]
) -> None:
    mine = full(document(world, model))[model]
    judged = inheritance(world, model)
    assert said(mine)["license:verdict"] == judged.verdict
    assert said(mine)["license:class"] == judged.grade
    assert said(mine)["license:effective"] == judged.effective
    assert said(mine).get("license:because-of", "") == ", ".join(judged.causes)
    assert licenses(mine, "concluded") == concluded
    assert said(mine).get("license:concluded", "").startswith("NOASSERTION: ") == (concluded == [])
    if not concluded:
        assert said(mine)["license:verdict"] == verdict
        assert said(mine)["license:because-of"]


def test_what_is_not_known_is_said(world: Engine) -> None:
    found = full(document(world, "me/OfGone", "me/OfUnseen", "me/OfWords", "me/OfNothing"))
    gone, unseen, words, nothing = (found[id] for id in ("g/Gone", "u/Unseen", "w/Words", "n/Nothing"))
    assert said(gone)["state"] == "gone"
    assert "deleted or private" in said(gone)["state-note"]
    assert "never seen" in said(unseen)["state-note"]
    for component in (unseen, words, nothing):
        assert said(component)["license:unknown"] == "nobody can tell the terms of this model"
    assert licenses(unseen, "declared") == licenses(nothing, "declared") == []
    assert licenses(words, "declared") == ["who-knows"]
    assert said(nothing)["license:label"] == "none declared"
    for component in (gone, unseen):
        assert "externalReferences" not in component
    assert words["externalReferences"] == [{"type": "website", "url": "https://huggingface.co/w/Words"}]


def test_a_deep_ancestry_is_cut_and_that_is_said(sqlite_registry: Engine) -> None:
    save(sqlite_registry, chain(1_200))
    result = lineage("bom", "c/1199", "--db", database(sqlite_registry))
    assert result.exit_code == 0
    left_out = f"{1199 - DEEPEST:,} ancestors are left out"
    assert result.stderr == f"{left_out}: CycloneDX holds those within 64 steps, -f spdx the nearest 10,000\n"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(result.stdout) is None
    found = json.loads(result.stdout)
    last = list(told(found["components"]))[-1]
    assert (len(full(found)), last[1]) == (DEEPEST + 1, f"c/{1199 - DEEPEST}")
    assert "left out" in last[2]["pedigree"]["notes"]
    assert said(found["metadata"])["left-out"] == f"{1199 - DEEPEST} ancestors that are more than 64 steps away"
    save(sqlite_registry, [api_row("d/Near", [f"c/{DEEPEST - 1}"])])
    assert len(full(document(sqlite_registry, "d/Near"))) == DEEPEST + 1  # as deep as it goes: all of it


def test_many_ways_are_not_all_told(sqlite_registry: Engine) -> None:
    save(sqlite_registry, ladder(20))  # a million paths
    found = document(sqlite_registry, "x/Top")
    assert len(list(told(found["components"]))) == 1 + len(bills.edges_above(sqlite_registry, "x/Top"))


def test_the_commit_stands_in_lower_case(sqlite_registry: Engine) -> None:
    save(sqlite_registry, [api_row("a/B", sha="ABCDEF0123456789ABCDEF0123456789ABCDEF01")])
    mine = full(document(sqlite_registry, "a/B@abcdef0"))["a/B"]
    assert mine["purl"] == "pkg:huggingface/a/B@abcdef0123456789abcdef0123456789abcdef01"
    assert said(mine)["revision-asked-for"] == "abcdef0"


@pytest.mark.parametrize(
    ("id", "sha", "expected"),
    [
        ("Qwen/Qwen3-8B", None, "pkg:huggingface/Qwen/Qwen3-8B"),
        ("gpt2", "ABCDEF0", "pkg:huggingface/gpt2@abcdef0"),
        ("o w/na@me?x#y%", None, "pkg:huggingface/o%20w/na%40me%3Fx%23y%25"),
        ("\u202eo/\x1b[0m", None, "pkg:huggingface/%E2%80%AEo/%1B%5B0m"),
    ],
)
def test_purls_are_percent_encoded(world: Engine, id: str, sha: str | None, expected: str) -> None:
    (material,) = bom(world, ["top/Root"]).materials
    found = purl(replace(material, facts=replace(material.facts, id=id, sha=sha)))
    assert found == expected
    read = PackageURL.from_string(found)  # by the reader of packageurl-python
    assert ("/".join(part for part in (read.namespace, read.name) if part), read.version) == (id, sha and sha.lower())


def test_registered_models(sqlite_registry: Engine, tmp_path: Path) -> None:
    bills.world(sqlite_registry)
    register(sqlite_registry, bot(tmp_path / "bot", "m/Merged"), "--name", "acme/bot")
    found = document(sqlite_registry, "acme/bot")
    mine = full(found)["acme/bot"]
    assert (mine["bom-ref"], mine["name"], mine["version"]) == ("acme/bot@1", "bot", "1")
    assert mine["purl"] == "pkg:generic/acme/bot@1"
    assert found["metadata"]["timestamp"][:19] == said(mine)["last-seen"][:19]  # no document is older than its models
    assert said(mine)["state"] == "registered"
    files = {file["name"]: file["hashes"] for file in mine["components"]}
    assert set(files) == bills.FILES
    shown = json.loads(answer(sqlite_registry, "model", "show", "acme/bot", "-f", "json"))
    assert files == {file["path"]: [{"alg": "SHA-256", "content": file["sha256"]}] for file in shown["files"]}
    assert said(mine)["digest"] == f"sha256:{shown['version']['digest']}"
    assert "externalReferences" not in mine


@bills.hostile_texts
def test_hostile_text_stays_text(sqlite_registry: Engine, text: str) -> None:
    bills.hostile_world(sqlite_registry, text)
    written = answer(sqlite_registry, "bom", "b/Tuned")
    assert not STEERING.search(written)
    found = full(document(sqlite_registry, "b/Tuned"))
    assert set(found) == {"a/Base", "b/Tuned"}
    for link in (one["license"].get("url") for c in found.values() for one in c.get("licenses", [])):
        assert link is None or link.startswith("https://huggingface.co/")


def test_a_licence_links_where_its_card_says(sqlite_registry: Engine) -> None:
    links = {"a/File": "LICENSE", "a/Page": "https://x.example/terms", "a/Script": "javascript:alert(1)", "a/No": None}
    for id, link in links.items():
        card = {"license": "other", "license_name": "own-terms", "license_link": link}
        save(sqlite_registry, [api_row(id, cardData=card)])
    found = full(document(sqlite_registry, *links))
    assert {id: component["licenses"][0]["license"].get("url") for id, component in found.items()} == {
        "a/File": "https://huggingface.co/a/File/blob/main/LICENSE",
        "a/Page": "https://x.example/terms",
        "a/Script": None,
        "a/No": None,
    }


def test_ids_of_the_catalogue_are_in_the_list_of_the_schema() -> None:
    missing = {known.spdx for known in catalogue().licenses.values() if known.spdx and not is_supported_id(known.spdx)}
    assert missing <= {"OpenMDW-1.0"}  # younger than the schema: it stands there by its name


def test_one_registry_gives_one_document(world: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    call = ["-m", "lineage", "bom", *bills.MODELS, "--db", database(world)]
    first, second = (python(*call, PYTHONHASHSEED=seed) for seed in "12")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    found = document(world, *bills.MODELS)
    assert found["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"
    assert found["serialNumber"] != json.loads(first.stdout)["serialNumber"]
    counted = Counter(component.get("bom-ref") for _, _, component in told(found["components"]))
    assert max(count for ref, count in counted.items() if ref) == 1


def test_a_policy_is_heard(world: Engine, tmp_path: Path) -> None:
    policy = tmp_path / "lineage.toml"
    policy.write_text('[[clarify]]\nmodel = "w/Words"\nlicense = "mit"\nevidence = "their letter"\n')
    mine = full(json.loads(answer(world, "bom", "me/OfWords", "--policy", policy)))
    assert licenses(mine["me/OfWords"], "concluded") == ["Apache-2.0", "MIT"]
    assert licenses(mine["w/Words"], "declared") == ["who-knows"]  # what the card says, it still says
    assert said(mine["w/Words"])["license:known-besides"] == "mit (by your policy): their letter"


def test_mistakes(world: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    name = database(world)
    assert "no such model" in refusal("bom", "nobody/Nothing", "--db", name)
    assert "Missing argument" in refusal("bom", "--db", name)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    assert "SOURCE_DATE_EPOCH is 'yesterday'" in refusal("bom", "me/Free", "--db", name)


@pytest.mark.parametrize(("format_", "library"), [("cyclonedx", "cyclonedx"), ("spdx", "spdx_python_model")])
def test_without_the_extra(world: Engine, monkeypatch: pytest.MonkeyPatch, format_: str, library: str) -> None:
    modules = __import__("sys").modules
    monkeypatch.delitem(modules, f"lineage.formats.{format_}", raising=False)
    for module in [name for name in modules if name.split(".")[0] == library]:
        monkeypatch.delitem(modules, module)
    monkeypatch.setitem(modules, library, None)
    said = refusal("bom", "me/Free", "-f", format_, "--db", database(world))
    assert "pip install 'finetune-lineage[bom]'" in said


def test_on_every_database(database: Database) -> None:
    with database.registry() as engine:
        bills.world(engine)
        assert cyclonedx(bom(engine, ["me/Tuned"])).count('"bom-ref": "') == 5 + 1  # and the tool
