"""A bill of materials as SPDX 3.0.1 JSON-LD with the AI profile: https://spdx.github.io/spdx-spec/v3.0.1/.

Every model is an `ai_AIPackage`, every edge a Relationship `descendantOf` from the model to its parent ("the `from`
Element is a descendant of each `to` Element", Core/Vocabularies/RelationshipType). The document is flat, so ancestries
of any depth are in it. Tests check it against the official JSON schema.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, uuid5

from spdx_python_model.bindings import v3_0_1 as model

from lineage.bom import (
    PREFIX,
    Bom,
    Conclusion,
    Material,
    Terms,
    dataset_page,
    document_properties,
    edge_properties,
    properties,
    purl,
)
from lineage.formats.text import json_text

E = TypeVar("E", bound=model.Element)
_NO_ASSERTION = model.expandedlicensing_IndividualLicensingInfo.NAMED_INDIVIDUALS["NoAssertionLicense"]
_NONE = model.expandedlicensing_IndividualLicensingInfo.NAMED_INDIVIDUALS["NoneLicense"]
#: Profiles that every document conforms to, and that of models. The one of data sets asks for facts that no card tells.
_PROFILES = ("core", "software", "simpleLicensing", "expandedLicensing", "extension")
_AI = "ai"
#: Models that a document holds; ancestors farther away are left out, and that is said. The library takes 2 ms and 34 KB
#: for each.
MOST = 10_000
HOLDS = f"a document holds the {MOST:,} nearest models, `lineage export` all"
_NOT_ASKED = "nothing was concluded: the document is about other models, which were made from this one"


def spdx(found: Bom) -> str:
    """The bill as an SPDX document; `left_out` says what it does not hold."""
    return _Writer(found).text()


def left_out(found: Bom) -> int:
    """How many ancestors are farther away than those that a document holds."""
    return max(0, len(found.materials) - MOST)


class _Writer:
    """A document as it is made: its elements, and the IRIs of those that others point to."""

    def __init__(self, found: Bom) -> None:
        self._found = found
        self._held = found.materials[:MOST]
        self._ids = {material.id for material in self._held}
        # IRIs are made of the content: the same registry always gives the same document.
        self._base = uuid5(NAMESPACE_URL, repr(found)).urn
        self._elements: list[model.Element] = []
        self._known: dict[tuple[str, object], str] = {}
        self._info = model.CreationInfo(_id="_:creation", specVersion="3.0.1", created=found.moment)
        tool = self._add(model.SoftwareAgent, "tool", name=f"{PREFIX} {found.tool}")
        self._info.createdBy = [tool]

    def text(self) -> str:
        """The whole document."""
        packages = {material.id: self._package(material) for material in self._held}
        for material in self._held:
            self._relations(material, packages)
        self._add(
            model.SpdxDocument,
            "document",
            name=f"What {', '.join(self._found.models)} was made from",
            rootElement=[packages[id] for id in self._found.models],
            element=[element.get_id() for element in self._elements],
            profileConformance=[getattr(model.ProfileIdentifierType, name) for name in self._profiles()],
            extension=_extension(self._properties()),
        )
        written = model.JSONLDSerializer().serialize_data(model.SHACLObjectSet(self._elements), force_at_graph=True)
        return json_text(written, indent=2)

    def _properties(self) -> Iterator[tuple[str, str]]:
        yield from document_properties(self._found)
        if count := left_out(self._found):
            yield f"{PREFIX}:left-out", f"{count} ancestors, those farthest away"

    def _profiles(self) -> Iterator[str]:
        """The profiles that all elements conform to (Core/Vocabularies/ProfileIdentifierType)."""
        yield from _PROFILES
        if all(m.owner and m.page and m.version and m.facts.created_at for m in self._held):
            yield _AI

    def _add(self, kind: type[E], word: str, /, **fields: Any) -> str:
        """Add an element, and return its IRI; fields without a value are left out."""
        iri = f"{self._base}#{word}-{len(self._elements)}"
        given = {field: value for field, value in fields.items() if value is not None and value != []}
        self._elements.append(kind(spdxId=iri, creationInfo=self._info, **given))
        return iri

    def _once(self, kind: type[E], word: str, key: object, /, **fields: Any) -> str:
        """The IRI of the element for a key, which is added if it is the first."""
        if (word, key) not in self._known:
            self._known[word, key] = self._add(kind, word, **fields)
        return self._known[word, key]

    def _relate(self, from_: str, kind: str, to: Sequence[str], **fields: Any) -> None:
        """`from_` (is) (a) `kind` `to`, as the spec reads a relationship."""
        type_ = getattr(model.RelationshipType, kind)
        self._add(model.Relationship, "relationship", from_=from_, relationshipType=type_, to=to, **fields)

    def _package(self, material: Material) -> str:
        """A model. What the AI profile asks for (Core/Artifact suppliedBy and releaseTime, Software/Package
        downloadLocation and packageVersion; AI/AI: one declared and one concluded licence) is there as far as it is
        known; nothing stands in for it."""
        owner, facts = material.owner, material.facts
        notes = [text for name, text in material.notes if name in {"state-note", "license:unknown"}]
        if missing := sum(edge.parent not in self._ids for edge in material.parents):
            notes.append(f"made from {missing} more, which are left out as ancestors farther away")
        return self._add(
            model.ai_AIPackage,
            "model",
            name=material.name,
            comment="; ".join(notes) or None,
            suppliedBy=self._once(model.Agent, "owner", owner, name=owner) if owner else None,
            releaseTime=_moment(facts.created_at),
            software_packageVersion=material.version,
            software_packageUrl=purl(material),
            software_primaryPurpose=model.software_SoftwarePurpose.model,
            software_downloadLocation=material.page,
            software_homePage=material.page,
            ai_domain=[facts.pipeline_tag] if facts.pipeline_tag else None,
            extension=_extension([*properties(material), *_library(material)]),
        )

    def _relations(self, material: Material, packages: dict[str, str]) -> None:
        """A model's edges to its parents, licences, data sets and files."""
        mine = packages[material.id]
        for edge in material.parents:
            if edge.parent not in packages:
                continue
            self._relate(
                mine,
                "descendantOf",
                [packages[edge.parent]],
                comment=f"{edge.relation}, by evidence of kind {edge.evidence}",
                extension=_extension(edge_properties(edge)),
            )
        self._relate(mine, "hasDeclaredLicense", [self._declared(material)], comment=f"label: {material.label}")
        said = material.conclusion
        licence = self._licence(said.terms) if said and said.terms else _NO_ASSERTION
        self._relate(mine, "hasConcludedLicense", [licence], comment=_why(said) if said else _NOT_ASKED)
        if datasets := [self._dataset(name) for name in material.facts.datasets or ()]:
            self._relate(mine, "trainedOn", list(dict.fromkeys(datasets)))
        if files := [self._file(path, sha256) for path, _, sha256 in material.files]:
            self._relate(mine, "contains", files)

    def _declared(self, material: Material) -> str:
        """NONE where a card was read that names no licence, NOASSERTION where it says what nobody can tell, or where
        none was read."""
        if material.declared:
            return self._licence(material.declared)
        return _NONE if material.facts.licenses == () else _NO_ASSERTION

    def _licence(self, terms: Sequence[Terms]) -> str:
        """All of some licences; what SPDX does not list is explained by an element of its own."""
        expression = " AND ".join(sorted({one.expression for one in terms}))
        own = [
            model.DictionaryEntry(key=one.expression, value=self._own_licence(one)) for one in terms if not one.listed
        ]
        pages = tuple(one.url for one in terms)
        return self._once(
            model.simplelicensing_LicenseExpression,
            "licence",
            (expression, pages),
            simplelicensing_licenseExpression=expression,
            simplelicensing_customIdToUri=own,
        )

    def _own_licence(self, terms: Terms) -> str:
        where = f"see {terms.url}" if terms.url else "no page with it is known"
        return self._once(
            model.simplelicensing_SimpleLicensingText,
            "licence-text",
            terms,
            name=terms.name,
            simplelicensing_licenseText=f"{terms.name}: its text is not part of this document; {where}",
        )

    def _dataset(self, name: str) -> str:
        page = dataset_page(name)
        return self._once(
            model.dataset_DatasetPackage,
            "dataset",
            name,
            name=name,
            dataset_datasetType=[model.dataset_DatasetType.noAssertion],
            software_primaryPurpose=model.software_SoftwarePurpose.data,
            software_downloadLocation=page,
        )

    def _file(self, path: str, sha256: str) -> str:
        hashed = model.Hash(algorithm=model.HashAlgorithm.sha256, hashValue=sha256)
        return self._add(model.software_File, "file", name=path, verifiedUsing=[hashed])


def _why(said: Conclusion) -> str:
    """Why that was concluded."""
    return said.doubt or f"verdict: {said.verdict}{f': {said.reason}' if said.reason else ''}"


def _extension(said: Iterable[tuple[str, str]]) -> list[model.extension_CdxPropertiesExtension]:
    """Names and values, as properties of CycloneDX stand in SPDX (Extension/CdxPropertiesExtension)."""
    entries = [
        model.extension_CdxPropertyEntry(extension_cdxPropName=name, extension_cdxPropValue=text) for name, text in said
    ]
    return [model.extension_CdxPropertiesExtension(extension_cdxProperty=entries)] if entries else []


def _library(material: Material) -> list[tuple[str, str]]:
    """The library that loads it: SPDX has no field for that."""
    library = material.facts.library_name
    return [(f"{PREFIX}:library", library)] if library else []


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
