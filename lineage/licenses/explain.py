"""The catalogue as a person reads it."""

from dataclasses import dataclass
from typing import ClassVar

from lineage.licenses.catalogue import CatalogueError, Fact, License, catalogue
from lineage.licenses.labels import license_named, other_names


@dataclass(frozen=True, slots=True)
class LicensePage:
    """One licence: its axes with their values, and its facts in the order of the axes."""

    SCHEMA: ClassVar[str] = "finetune-lineage/license-facts/1"

    id: str
    name: str
    axes: tuple[tuple[str, str], ...]
    facts: tuple[Fact, ...]
    catalogue: str


@dataclass(frozen=True, slots=True)
class LicenseLine:
    """One licence in the list of all."""

    id: str
    name: str
    spdx: str | None
    kind: str
    commercial: str
    terms: str
    training: str
    unverified: bool


@dataclass(frozen=True, slots=True)
class LicenseList:
    """All licences of the catalogue, by id."""

    SCHEMA: ClassVar[str] = "finetune-lineage/licenses/1"

    licenses: tuple[LicenseLine, ...]
    catalogue: str


def all_licenses() -> LicenseList:
    """The catalogue as a list."""
    lines = [
        LicenseLine(
            id=license.id,
            name=license.name,
            spdx=license.spdx,
            kind=license.kind,
            commercial=license.commercial,
            terms=license.terms,
            training=license.training,
            unverified=license.unverified,
        )
        for _, license in sorted(catalogue().licenses.items())
    ]
    return LicenseList(tuple(lines), catalogue().version)


def explain(name: str) -> LicensePage:
    """One licence, by its id or another name; CatalogueError where nobody knows it."""
    id = name if name in catalogue().licenses else license_named(name)
    if id is None:
        raise CatalogueError(f"no such licence: {name}: `lineage license --list` shows those that are known")
    license = catalogue().licenses[id]
    return LicensePage(id, license.name, tuple(_axes(license)), license.facts, catalogue().version)


#: What each value of the axes means, for people.
_TERMS = {
    "free": "a derivative may carry any terms",
    "notices": "a derivative may carry any terms; notices travel",
    "flow-down": "a derivative may carry its own terms if the use restrictions are an enforceable part of them",
    "residual": "a derivative may carry its own terms; these stay binding besides",
    "direct-licence": "no right to sublicense: all take the licensor's own licence",
    "same-licence": "a derivative is under the same licence, or one that it names",
    "file-scope": "the files that it covers stay under it",
    "no-share": "a derivative may not be shared",
    "unknown": "nobody has read it for this catalogue",
}
_TRAINING = {
    "no-restriction": "no restriction",
    "conditional": "allowed under a condition (display or name)",
    "derivative-by-output": "a model trained on outputs counts as a derivative",
    "outputs-restricted": "outputs share the limits on use",
    "forbidden-competing": "no competing model",
    "forbidden-other-llm": "no other language model",
    "forbidden-other-ai": "no other AI model",
    "unknown": "not known",
}


def _axes(license: License) -> list[tuple[str, str]]:
    listed = [
        ("SPDX", license.spdx),
        ("also written", ", ".join(other_names(license.id)) or None),
        ("kind", license.kind),
        ("OSI-approved", _yes_no(license.osi)),
        ("FSF free", _yes_no(license.fsf)),
        ("owners whose models it is for", ", ".join(license.vendors) or None),
        ("commercial use", license.commercial),
        ("threshold", license.threshold),
        ("offering it as a service", license.hosted),
        ("child terms", f"{license.terms}: {_TERMS[license.terms]}"),
        ("compatible", ", ".join(sorted(license.compatible)) or None),
        ("carries the conditions of", ", ".join(sorted(license.carries)) or None),
        ("may mean", ", ".join(sorted(license.members)) or None),
        ("training on outputs", _TRAINING[license.training]),
        ("a derivative's name begins", license.begins),
        ("display", license.display),
        ("naming", license.naming),
        ("territory left out", license.territory),
        ("notice text", license.notice),
        ("notice", license.notice_rule),
        ("valid from", license.valid_from),
        ("valid to", license.valid_to),
        ("note", license.note),
        ("unverified", "the operative text was not read in full" if license.unverified else None),
    ]
    return [(name, value) for name, value in listed if value is not None]


def _yes_no(value: bool | None) -> str | None:
    return None if value is None else "yes" if value else "no"
