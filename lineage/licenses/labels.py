"""What a label means: raw values of a card → licences of the catalogue, or why that cannot be told.

The Hub's `license` is one id or a list of them, which means that all apply. With `other`, `license_name` and
`license_link` say more; beside any other value `license_name` has no meaning there, so one that names another licence
is a contradiction. Sources: the Hub's documentation on licences; huggingface.js, `License | License[]`.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from lineage.licenses.catalogue import Clarification, License, Terms, cached, catalogue, own


@dataclass(frozen=True, slots=True)
class Declared:
    """What a model is declared to be under: all of `licenses` together.

    Where that is empty, `lacking` says why: "undeclared" (nothing is said at all) or "unknown" (something is, and
    nobody can tell what, or nobody has read it). `contradiction` says what disagrees; `text` is the label for people;
    `evidence` is set where the metadata does not say it, but something else does.
    """

    licenses: frozenset[str]
    text: str
    lacking: str | None = None
    contradiction: str | None = None
    evidence: str | None = None


UNDECLARED, UNKNOWN = "undeclared", "unknown"


def declared(
    licenses: Sequence[str] | None, license_name: str | None = None, license_link: str | None = None
) -> Declared:
    """Read the labels of a card as they are."""
    return _declared(None if licenses is None else tuple(licenses), license_name, license_link)


@cached(100_000)
def _declared(licenses: tuple[str, ...] | None, license_name: str | None, license_link: str | None) -> Declared:
    if licenses is None:
        return Declared(frozenset(), "not known", UNKNOWN)
    found: set[str] = set()
    unresolved = []
    for label in licenses:
        licence = _other(license_name, license_link) if label.casefold() == "other" else license_named(label)
        if licence is None:
            unresolved.append(label)
        else:
            found.add(licence)
    text = _text(licenses, license_name)
    if not licenses or (unresolved and not found and _says_nothing(licenses, license_name, license_link)):
        return Declared(frozenset(), text, UNDECLARED)
    contradiction = _contradiction(found, licenses, license_name)
    if unresolved:
        return Declared(frozenset(), text, UNKNOWN, contradiction)
    return Declared(frozenset(found), text, contradiction=contradiction)


def clarified(model: str, day: str | None) -> Clarification | None:
    """What is known, beside its metadata, of a model's licence on a day (now, if None). What the user adds comes first,
    and holds on any day."""
    if mine := own().clarifications.get(model.casefold()):
        return mine
    if not is_clarified(model):
        return None
    day = (day or "9998")[:10]
    return next((c for c in _clarifications().get(model, ()) if c.since <= day < c.until), None)


def is_clarified(model: str) -> bool:
    """Whether anything is known of a model's licence beside its metadata, on whatever day."""
    return model in _clarifications() or model.casefold() in own().clarifications


def clarified_models() -> set[str]:
    """The models (ids, in any letter case) of whose licences anything is known beside their metadata."""
    return {*_clarifications(), *own().clarifications}


def other_names(licence: str) -> list[str]:
    """What else cards write for a licence."""
    return sorted(name for name, id in _names().items() if id == licence)


def page_of(licence: str) -> str | None:
    """The URL of a page with a licence's text: SPDX's, where its list has it (https://spdx.org/licenses/), else the one
    that cards name, where that is known."""
    spdx = catalogue().licenses[licence].spdx
    return f"https://spdx.org/licenses/{spdx}.html" if spdx else next(iter(_aliases()["links"].get(licence, ())), None)


def template_of(licenses: Sequence[str] | None, tools: Sequence[str] | None) -> str | None:
    """The tool whose card template says just this, where the model was made with it: nobody may have chosen it."""
    return next(
        (tool for tool, label in _templates() if tool in (tools or ()) and list(licenses or ()) == [label]), None
    )


def license_named(label: str) -> str | None:
    """The licence that a text names: an id of the catalogue or another name of one."""
    name = _folded(label)
    found = name if name in catalogue().licenses else _names().get(name)
    return None if found is None or not _says_which(catalogue().licenses[found]) else found


def _says_which(license: License) -> bool:
    """Whether the label names terms at all: `other`, `unknown` and a family of unlike licences (`cc`) do not."""
    return license.kind != "none" and not (license.kind == "ambiguous" and license.terms == Terms.UNKNOWN)


def _other(license_name: str | None, license_link: str | None) -> str | None:
    found = license_named(license_name) if license_name else None
    if found is None and license_link:
        link = _bare(license_link)
        found = next((licence for known, licence in _links() if link == known), None)
    return found


def _says_nothing(licenses: Sequence[str], license_name: str | None, license_link: str | None) -> bool:
    return (
        not license_link
        and (license_name or "").casefold() in {"", "other", "unknown", "none"}
        and set(map(str.casefold, licenses)) <= {"other", "none"}
    )


def _contradiction(found: set[str], licenses: Sequence[str], license_name: str | None) -> str | None:
    named = license_named(license_name) if license_name else None
    if named is None or named in found or "other" in map(str.casefold, licenses):
        return None
    return f"license says {', '.join(licenses)}, license_name says {license_name}"


def _text(licenses: Sequence[str], license_name: str | None) -> str:
    if not licenses:
        return "none declared"
    return ", ".join(f"{label} ({license_name})" if label == "other" and license_name else label for label in licenses)


def _folded(label: str) -> str:
    return re.sub(r"[\s_]+", "-", label.strip().casefold())


def _bare(link: str) -> str:
    return re.sub(r"^https?://(www\.)?", "", link.strip().casefold()).rstrip("/")


@cache
def _aliases() -> Mapping[str, Mapping[str, Sequence[str]]]:
    return tomllib.loads(files("lineage").joinpath("data", "aliases.toml").read_text("utf-8"))


@cache
def _templates() -> tuple[tuple[str, str], ...]:
    table = tomllib.loads(files("lineage").joinpath("data", "templates.toml").read_text("utf-8"))
    return tuple((entry["tool"], entry["license"]) for entry in table["template"])


@cached()
def _names() -> dict[str, str]:
    return {
        **{_folded(name): licence for licence, names in _aliases()["names"].items() for name in names},
        **{_folded(name): licence for name, licence in own().names.items()},
    }


@cache
def _links() -> tuple[tuple[str, str], ...]:
    return tuple((_bare(link), licence) for licence, links in _aliases()["links"].items() for link in links)


@cache
def _clarifications() -> dict[str, list[Clarification]]:
    table = tomllib.loads(files("lineage").joinpath("data", "clarifications.toml").read_text("utf-8"))
    found: dict[str, list[Clarification]] = {}
    for entry in table["model"]:
        clarification = Clarification(
            entry["license"],
            entry["evidence"],
            entry.get("from", ""),
            entry.get("to", "9999"),
            entry.get("unverified", False),
        )
        for model in entry["ids"]:
            found.setdefault(model, []).append(clarification)
    return found
