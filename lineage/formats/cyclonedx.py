"""A bill of materials as CycloneDX 1.6 JSON: https://cyclonedx.org/docs/1.6/json/, checked against its schema by tests.

Each model is a `machine-learning-model`; what it was made from stands in `pedigree.ancestors`, and so on. A model that
was told already is named there again without its facts, so diamonds and cycles end, and a document grows with the
number of edges. The library writes all but model cards, which it does not know (CycloneDX/cyclonedx-python-lib).
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom as Document
from cyclonedx.model.bom import BomMetaData
from cyclonedx.model.component import Component, ComponentType, Pedigree
from cyclonedx.model.license import DisjunctiveLicense, LicenseAcknowledgement
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_supported_id
from packageurl import PackageURL

from lineage.bom import (
    PREFIX,
    Bom,
    Material,
    Terms,
    dataset_page,
    document_properties,
    edge_properties,
    properties,
    purl,
)
from lineage.family import Edge
from lineage.formats.text import json_text

#: Ancestors further away are left out, and that is said. The library's serializer calls itself for each step and ends
#: at some 150 of Python's 1,000 calls, taking time by their cube (64: 0.1 s); other programs' parsers have limits too.
DEEPEST = 64
HOLDS = f"CycloneDX holds those within {DEEPEST} steps, -f spdx the nearest 10,000"


def cyclonedx(found: Bom) -> str:
    """The bill as a CycloneDX document; `left_out` says what it does not hold."""
    document = Document(
        serial_number=UUID(int=0),
        components=_components(found),
        metadata=BomMetaData(
            timestamp=found.moment,
            tools=ToolRepository(
                components=[Component(name=PREFIX, version=found.tool, type=ComponentType.APPLICATION, bom_ref="tool")]
            ),
            properties=_properties(_of_document(found)),
        ),
    )
    written = json.loads(JsonV1Dot6(document).output_as_string())
    # The library states that nothing here depends on anything; of that nothing is known, which is said by silence.
    written.pop("dependencies", None)
    _add_cards(written["components"], {material.id: _card(material) for material in found.materials})
    # The serial number is made of all the rest: the same registry always gives the same document.
    written["serialNumber"] = uuid5(NAMESPACE_URL, json_text(written)).urn
    return json_text(written, indent=2)


def left_out(found: Bom) -> int:
    """How many ancestors are further away than a document goes."""
    return sum(material.depth > DEEPEST for material in found.materials)


def _of_document(found: Bom) -> Iterator[tuple[str, str]]:
    yield from document_properties(found)
    if count := left_out(found):
        yield f"{PREFIX}:left-out", f"{count} ancestors that are more than {DEEPEST} steps away"


def _components(found: Bom) -> list[Component]:
    """The models that were asked for, each with what it was made from inside: made from the furthest ones on."""
    held = {material.id: material for material in found.materials}
    made: dict[str, Component] = {}
    for material in reversed(found.materials):
        if material.depth <= DEEPEST:
            near = [edge for edge in material.parents if held[edge.parent].depth <= DEEPEST]
            ancestors = [
                made.pop(edge.parent)
                if edge == held[edge.parent].via and edge.parent in made
                else _mention(held[edge.parent], edge)
                for edge in near
            ]
            made[material.id] = _component(material, ancestors, len(material.parents) - len(near))
    return [made[model] for model in found.models]


def _component(material: Material, ancestors: list[Component], missing: int) -> Component:
    owner, _, name = material.name.rpartition("/")
    notes = f"{missing} more: ancestors over {DEEPEST} steps away are left out" if missing else None
    said = [*properties(material), *(edge_properties(material.via) if material.via else ())]
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        bom_ref=material.id,
        group=owner or None,
        name=name,
        version=material.version,
        publisher=material.owner,
        purl=PackageURL.from_string(purl(material)),
        licenses=_licenses(material),
        external_references=_references(material),
        pedigree=Pedigree(ancestors=ancestors, notes=notes) if ancestors or notes else None,
        properties=_properties(said),
        components=[
            Component(
                type=ComponentType.FILE,
                bom_ref=f"{material.id}#{file.path}",
                name=file.path,
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=file.sha256)],
            )
            for file in material.files
        ],
    )


def _mention(material: Material, edge: Edge) -> Component:
    """A model that stands elsewhere in the document with all its facts, by `bom-ref`."""
    owner, _, name = material.name.rpartition("/")
    return Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        group=owner or None,
        name=name,
        version=material.version,
        purl=PackageURL.from_string(purl(material)),
        properties=_properties([(f"{PREFIX}:told-at", material.id), *edge_properties(edge)]),
    )


def _licenses(material: Material) -> list[DisjunctiveLicense]:
    """Declared and concluded licences, all of which apply.

    The schema takes ids of its own list alone; what SPDX listed since stands there by its name.
    """
    concluded = material.conclusion.terms if material.conclusion else ()
    return [
        *(_license(terms, LicenseAcknowledgement.DECLARED) for terms in material.declared),
        *(_license(terms, LicenseAcknowledgement.CONCLUDED) for terms in concluded),
    ]


def _license(terms: Terms, acknowledgement: LicenseAcknowledgement) -> DisjunctiveLicense:
    if terms.listed and is_supported_id(terms.expression):
        return DisjunctiveLicense(id=terms.expression, acknowledgement=acknowledgement)
    url = XsUri(terms.url) if terms.url else None
    return DisjunctiveLicense(name=terms.name, url=url, acknowledgement=acknowledgement)


def _references(material: Material) -> list[ExternalReference]:
    return [ExternalReference(type=ExternalReferenceType.WEBSITE, url=XsUri(material.page))] if material.page else []


def _properties(said: Iterable[tuple[str, str]]) -> list[Property]:
    return [Property(name=name, value=text) for name, text in said]


def _card(material: Material) -> dict[str, Any]:
    """The model card: its task, its data sets, and the library that loads it; empty where nothing is known of these."""
    facts = material.facts
    datasets = [
        {"type": "dataset", "name": name, **({"contents": {"url": page}} if (page := dataset_page(name)) else {})}
        for name in facts.datasets or ()
    ]
    parameters = {"task": facts.pipeline_tag, "datasets": datasets}
    library = [{"name": f"{PREFIX}:library", "value": facts.library_name}] if facts.library_name else []
    card = {"modelParameters": {name: value for name, value in parameters.items() if value}, "properties": library}
    return {name: value for name, value in card.items() if value}


def _add_cards(components: list[dict[str, Any]], cards: Mapping[str, dict[str, Any]]) -> None:
    """Put the model cards into the components that tell of a model, at any depth."""
    todo = list(components)
    while todo:
        component = todo.pop()
        todo += component.get("pedigree", {}).get("ancestors", ())
        if card := cards.get(component.get("bom-ref", "")):
            component["modelCard"] = card
