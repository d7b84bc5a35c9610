"""A bill of materials as SPDX 3.0.1: the official schema accepts it, other programs read it, and nothing is lost."""

import io
import json
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import spdx_python_model
from sqlalchemy import Engine

from lineage.bom import bom
from lineage.formats import spdx as spdx_format
from lineage.formats.spdx import spdx
from lineage.inheritance import inheritance
from tests.databases import Files
from tests.families import api_row, save
from tests.lineage import bills
from tests.lineage.calls import STEERING, answer, chain, database, lineage, python
from tests.lineage.test_register import bot, register

Element = dict[str, Any]
NOASSERTION, NONE = "expandedlicensing_NoAssertionLicense", "expandedlicensing_NoneLicense"


@pytest.fixture(scope="module")
def world(sqlite: Files) -> Iterator[Engine]:
    """WORLD of bills.py. Read only."""
    with sqlite.registry() as engine:
        yield bills.world(engine)


@cache
def schema() -> jsonschema.Draft202012Validator:
    """The official JSON schema (https://spdx.org/schema/3.0.1/spdx-json-schema.json), of which lib4sbom has a copy."""
    text = json.loads(files("lib4sbom").joinpath("schemas", "spdx", "3.0-schema.json").read_text("utf-8"))
    assert text["properties"]["@context"]["const"] == "https://spdx.org/rdf/3.0.1/spdx-context.jsonld"
    return jsonschema.Draft202012Validator(text)


class Graph:
    """A document as plain JSON, by the ids of its elements."""

    def __init__(self, text: str) -> None:
        self.elements: list[Element] = json.loads(text)["@graph"]
        self.by_id = {element["spdxId"]: element for element in self.elements if "spdxId" in element}
        self.models = {e["name"]: e for e in self.elements if e["type"] == "ai_AIPackage"}

    def related(self, kind: str) -> list[tuple[Element, list[Any], Element]]:
        """Each relationship of a kind: from, to (elements, or what the spec names), and itself."""
        found = [e for e in self.elements if e["type"] == "Relationship" and e["relationshipType"] == kind]
        return [(self.by_id[e["from"]], [self.by_id.get(to, to) for to in e["to"]], e) for e in found]

    def edges(self) -> set[tuple[str, str]]:
        """Child and parent of each edge."""
        return {(child["name"], parent["name"]) for child, (parent,), _ in self.related("descendantOf")}

    def licence(self, model: str, kind: str) -> str:
        """The expression that a model has by a relationship of this kind."""
        ((_, (to,), _),) = [one for one in self.related(kind) if one[0]["name"] == model]
        return to if isinstance(to, str) else str(to["simplelicensing_licenseExpression"])


def said(element: Element) -> dict[str, str]:
    """The properties of an element, without their prefix."""
    (extension,) = element["extension"]
    entries = extension["extension_cdxProperty"]
    return dict(bills.pairs([(e["extension_cdxPropName"], e["extension_cdxPropValue"]) for e in entries]))


def document(engine: Engine, *models: str) -> Graph:
    """The document of some models, which the official schema accepts."""
    text = answer(engine, "bom", *models, "-f", "spdx")
    assert [error.message for error in schema().iter_errors(json.loads(text))] == []
    return Graph(text)


def test_the_schema_refuses_what_is_none(world: Engine) -> None:
    """The schema that other tests rely on does check elements."""
    text = json.loads(answer(world, "bom", "me/Free", "-f", "spdx"))
    next(e for e in text["@graph"] if e["type"] == "Relationship")["relationshipType"] = "childOf"
    assert list(schema().iter_errors(text))


@pytest.mark.parametrize("model", bills.MODELS)
def test_it_holds_every_edge_above_a_model(world: Engine, model: str) -> None:
    found = document(world, model)
    assert found.edges() == bills.edges_above(world, model)
    for _, _, relationship in found.related("descendantOf"):
        assert said(relationship).keys() == {"relation", "evidence", "declared-as"}
    (top,) = [element for element in found.elements if element["type"] == "SpdxDocument"]
    assert top["rootElement"] == [found.models[model]["spdxId"]]
    assert set(top["element"]) == found.by_id.keys() - {top["spdxId"]}
    assert "ai" not in top["profileConformance"]  # it asks for a commit of each


# That reader leaves a file of its own open.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_other_programs_read_it(sqlite_snapshot: Engine) -> None:
    """The official bindings refuse what the SHACL model does; spdx3query, another program, has its own reader of it."""
    from spdx3query import spdx3  # noqa: PLC0415 - see above

    text = answer(sqlite_snapshot, "bom", bills.REAL, "-f", "spdx")
    model, objects = spdx_python_model.load_data(json.loads(text))
    assert objects.missing_ids <= {model.expandedlicensing_IndividualLicensingInfo.NAMED_INDIVIDUALS[n] for n in
                                   ("NoAssertionLicense", "NoneLicense")}  # fmt: skip
    read = spdx3.SHACLObjectSet()
    spdx3.JSONLDDeserializer().read(io.BytesIO(text.encode()), read)
    descendant = spdx3.RelationshipType.descendantOf
    assert {
        (one.from_.name, *(to.name for to in one.to))
        for one in read.foreach_type(spdx3.Relationship)
        if one.relationshipType == descendant
    } == {
        (bills.REAL, "Qwen/Qwen3-1.7B"),
        (bills.REAL, "google/gemma-3-1b-it"),
        ("Qwen/Qwen3-1.7B", "Qwen/Qwen3-1.7B-Base"),
        ("google/gemma-3-1b-it", "google/gemma-3-1b-pt"),
    }


def test_the_embedded_snapshot(sqlite_snapshot: Engine) -> None:
    found = document(sqlite_snapshot, bills.REAL)
    assert found.licence(bills.REAL, "hasDeclaredLicense") == "OSL-3.0"
    assert found.licence(bills.REAL, "hasConcludedLicense") == NOASSERTION  # the two exclude each other
    assert said(found.models[bills.REAL])["license:verdict"] == inheritance(sqlite_snapshot, bills.REAL).verdict
    assert found.models[bills.REAL]["ai_domain"] == ["text-generation"]
    ((_, datasets, _),) = found.related("trainedOn")
    assert "TIGER-Lab/MathInstruct" in {dataset["name"] for dataset in datasets}
    (info,) = [element for element in found.elements if element["type"] == "CreationInfo"]
    assert info["created"].startswith("2026-08-22T")


def test_licences_that_spdx_does_not_list_are_explained(world: Engine) -> None:
    found = document(world, "me/Tuned")
    refs = {
        entry["key"]: found.by_id[entry["value"]]
        for element in found.elements
        for entry in element.get("simplelicensing_customIdToUri", [])
    }
    assert set(refs) == {"LicenseRef-llama3.1"}
    assert refs["LicenseRef-llama3.1"]["name"] == "Llama 3.1 Community License"


@pytest.mark.parametrize(
    ("model", "concluded"),
    [
        ("me/Free", "Apache-2.0"),
        ("me/Tuned", "Apache-2.0 AND LicenseRef-llama3.1"),
        ("me/OfUnseen", NOASSERTION),
        ("me/OfWords", NOASSERTION),
        ("me/OfNothing", NOASSERTION),
    ],
)
def test_a_licence_is_concluded_where_that_is_certain(world: Engine, model: str, concluded: str) -> None:
    found = document(world, model)
    assert found.licence(model, "hasConcludedLicense") == concluded
    for element, to, relation in found.related("hasConcludedLicense"):
        if element["name"] != model:  # ancestors are not judged
            assert (to, relation["comment"].partition(":")[0]) == ([NOASSERTION], "nothing was concluded")
    assert ("license:concluded" in said(found.models[model])) == (concluded == NOASSERTION)


def test_what_is_not_known_is_said(world: Engine) -> None:
    found = document(world, "me/OfGone", "me/OfUnseen", "me/OfWords", "me/OfNothing")
    declared = {id: found.licence(id, "hasDeclaredLicense") for id in ("g/Gone", "u/Unseen", "n/Nothing")}
    assert declared == {"g/Gone": "Apache-2.0", "u/Unseen": NOASSERTION, "n/Nothing": NONE}
    assert found.licence("w/Words", "hasDeclaredLicense").startswith("LicenseRef-declared-")
    assert "who-knows" in {e["name"] for e in found.elements if e["type"] == "simplelicensing_SimpleLicensingText"}
    assert "deleted or private" in found.models["g/Gone"]["comment"]
    assert "never seen" in found.models["u/Unseen"]["comment"]
    assert "software_downloadLocation" not in found.models["g/Gone"]
    assert found.models["w/Words"]["software_downloadLocation"] == "https://huggingface.co/w/Words"


def test_a_deep_ancestry_is_whole(sqlite_registry: Engine) -> None:
    """Deeper than Python's stack."""
    save(sqlite_registry, chain(1_500))
    found = Graph(answer(sqlite_registry, "bom", "c/1499", "-f", "spdx"))
    assert len(found.edges()) == 1_499


def test_ancestors_beyond_so_many_are_left_out_and_that_is_said(
    sqlite_registry: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spdx_format, "MOST", 40)
    save(sqlite_registry, chain(50))
    result = lineage("bom", "c/49", "-f", "spdx", "--db", database(sqlite_registry))
    assert result.stderr.startswith("10 ancestors are left out: a document holds the ")
    found = Graph(result.stdout)
    assert sorted(found.models) == sorted(f"c/{n}" for n in range(10, 50))
    assert len(found.edges()) == 39
    assert found.models["c/10"]["comment"].endswith("made from 1 more, which are left out as ancestors farther away")
    assert '"10 ancestors, those farthest away"' in result.stdout


def test_registered_models(sqlite_registry: Engine, tmp_path: Any) -> None:
    bills.world(sqlite_registry)
    register(sqlite_registry, bot(tmp_path / "bot", "m/Merged"), "--name", "acme/bot")
    found = document(sqlite_registry, "acme/bot@1")
    mine = found.models["acme/bot"]
    assert (mine["software_packageUrl"], mine["software_packageVersion"]) == ("pkg:generic/acme/bot@1", "1")
    ((_, held, _),) = found.related("contains")
    shown = json.loads(answer(sqlite_registry, "model", "show", "acme/bot", "-f", "json"))
    assert {file["name"]: file["verifiedUsing"][0]["hashValue"] for file in held} == {
        file["path"]: file["sha256"] for file in shown["files"]
    }


@bills.hostile_texts
def test_hostile_text_stays_text(sqlite_registry: Engine, text: str) -> None:
    bills.hostile_world(sqlite_registry, text)
    assert not STEERING.search(answer(sqlite_registry, "bom", "b/Tuned", "-f", "spdx"))
    found = document(sqlite_registry, "b/Tuned")
    assert found.edges() == {("b/Tuned", "a/Base")}
    for element in found.models.values():
        assert element["software_homePage"].startswith("https://huggingface.co/")


def test_one_registry_gives_one_document(world: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    call = ["-m", "lineage", "bom", *bills.MODELS, "-f", "spdx", "--db", database(world)]
    first, second = (python(*call, PYTHONHASHSEED=seed) for seed in "12")
    assert first.returncode == 0, first.stderr
    assert first.stdout == second.stdout
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert '"created": "2023-11-14T22:13:20Z"' in answer(world, "bom", "me/Free", "-f", "spdx")


def test_commits_owners_and_times(sqlite_registry: Engine) -> None:
    save(sqlite_registry, [api_row("a/B", sha="ABCDEF0123456789ABCDEF0123456789ABCDEF01")])
    found = Graph(spdx(bom(sqlite_registry, ["a/B"])))
    mine = found.models["a/B"]
    assert mine["software_packageVersion"] == "abcdef0123456789abcdef0123456789abcdef01"
    assert found.by_id[mine["suppliedBy"]]["name"] == "a"
    assert (mine["releaseTime"], mine["software_primaryPurpose"]) == ("2025-01-01T00:00:00Z", "model")
    (top,) = [element for element in found.elements if element["type"] == "SpdxDocument"]
    assert "ai" in top["profileConformance"]  # all that it asks for is known
