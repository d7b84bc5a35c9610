"""The catalogue of licences: facts that a lawyer can review, read from one TOML file a licence.

What a licence does to a derivative is kept on separate axes: who may use it for what (`use`), offering it as a service
(`hosting`), which terms a derivative carries (`child`), training on outputs, naming and display, territory, and what
must go along with a copy (`notice`).
Every fact names its section and source. Code knows these axes; it knows no licence by its name.
"""

import hashlib
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, TypeVar

from registry.records import RegistryError


class CatalogueError(RegistryError):
    """A licence file that is not as it should be; the message names the file and what is wrong."""


class Terms(StrEnum):
    """Which terms a derivative carries.

    `free`: any. `notices`: any, and the notices travel. `flow-down`: its own, if the use restrictions are an
    enforceable part of them. `residual`: its own, and the licence stays binding besides. `direct-licence`: there is no
    right to sublicense, everyone takes the licensor's own licence. `same-licence`: the whole under this one, or one
    that it names as compatible. `file-scope`: the same for the covered files. `no-share`: a derivative may not be
    shared. `unknown`: nobody has read it.
    """

    FREE = "free"
    NOTICES = "notices"
    FLOW_DOWN = "flow-down"
    RESIDUAL = "residual"
    DIRECT = "direct-licence"
    SAME = "same-licence"
    FILE_SCOPE = "file-scope"
    NO_SHARE = "no-share"
    UNKNOWN = "unknown"


AXES = ("use", "hosting", "child", "outputs", "naming", "territory", "notice", "other")
_COMMERCIAL = ("yes", "conditional", "no", "unknown")
_TRAINING = (
    "no-restriction conditional derivative-by-output outputs-restricted forbidden-competing forbidden-other-llm "
    "forbidden-other-ai unknown"
).split()
_DERIVATIVES = ("share", "make-only", "share-noncommercial", "share-research", "unknown")
_LISTS = {"vendors", "compatible", "carries", "members"}
_FLAGS = {"hub", "osi", "fsf", "unverified", "forbids_further_restrictions"}
_KINDS = (
    "permissive public-domain attribution copyleft weak-copyleft share-alike no-derivatives responsible-ai "
    "vendor-community research-only non-commercial data source-code ambiguous none"
).split()
#: Kinds under which a work may be passed on with nothing but notices.
_PERMISSIVE = {"permissive", "public-domain", "attribution"}


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a licence says, in our own words, with where it says so. `axis` is one of AXES."""

    axis: str
    says: str
    source: str
    section: str | None = None
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class License:
    """What is known of a licence.

    `commercial` is yes, conditional (with a `threshold`), no or unknown, and is about using the weights; `hosted` is
    depends or no where offering the model as a service has terms of its own; `family` is shared by the versions of one
    agreement; `members` are the licences that a label without a version may mean; `vendors` are the owners on the Hub
    whose materials it licenses; `compatible` are licences that a derivative may be under instead; `carries` are those
    whose conditions its own text repeats; `spdx` is None where SPDX has no id for it.
    """

    id: str
    name: str
    kind: str
    commercial: str
    terms: Terms
    training: str
    facts: tuple[Fact, ...]
    hub: bool = False
    spdx: str | None = None
    osi: bool | None = None
    fsf: bool | None = None
    family: str | None = None
    members: frozenset[str] = frozenset()
    vendors: tuple[str, ...] = ()
    unverified: bool = False
    note: str | None = None
    threshold: str | None = None
    hosted: str | None = None
    derivatives: str = "share"
    compatible: frozenset[str] = frozenset()
    carries: frozenset[str] = frozenset()
    forbids_further_restrictions: bool = False
    begins: str | None = None
    display: str | None = None
    naming: str | None = None
    territory: str | None = None
    notice: str | None = None
    notice_rule: str | None = None
    valid_from: str | None = None
    valid_to: str | None = None

    @property
    def permissive(self) -> bool:
        """Whether it asks for nothing but notices."""
        return self.kind in _PERMISSIVE and self.terms in {Terms.FREE, Terms.NOTICES}

    @property
    def expression(self) -> str:
        """Its id in an SPDX licence expression."""
        return self.spdx or "LicenseRef-" + "".join(c if c.isalnum() or c in ".-" else "-" for c in self.id)

    def clause(self, axis: str) -> Fact | None:
        """The fact that decides an axis; None where none is known."""
        return next((fact for fact in self.facts if fact.axis == axis), None)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All licences by id, and a `version` that changes with any of their facts."""

    licenses: Mapping[str, License]
    version: str


@dataclass(frozen=True, slots=True)
class Clarification:
    """The licence of a model from a day to a day (ISO dates, `until` is the first day it did not hold any more)."""

    license: str
    evidence: str
    since: str = ""
    until: str = "9999"
    unverified: bool = False


@dataclass(frozen=True, slots=True)
class Own:
    """What a user adds to the catalogue: licences, other names of them (name → id), what models are under (by id in
    lower case), and a text that changes with any of it."""

    licenses: tuple[License, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    clarifications: Mapping[str, Clarification] = field(default_factory=dict)
    text: str = ""


_F = TypeVar("_F", bound=Callable[..., Any])
_caches: list[Callable[[], None]] = []
_own = Own()


def cached(size: int | None = None) -> Callable[[_F], _F]:
    """Keep up to `size` results of a function for as long as the catalogue is the same."""

    def keep(function: _F) -> _F:
        kept = lru_cache(size)(function)
        _caches.append(kept.cache_clear)
        return kept  # type: ignore[return-value]

    return keep


@contextmanager
def own_facts(own: Own) -> Iterator[None]:
    """Let the catalogue, and all that rests on it, hold what a user adds, until the end of the block."""
    global _own  # noqa: PLW0603 - one catalogue a process, as there is one set of data files
    before = _own
    _own = own
    try:
        for clear in _caches:
            clear()
        yield
    finally:
        _own = before
        for clear in _caches:
            clear()


def own() -> Own:
    """What the user adds."""
    return _own


@cached()
def catalogue() -> Catalogue:
    """The catalogue that comes with the product, and what the user adds."""
    shipped = _shipped()
    if not _own.text:
        return shipped
    version = hashlib.sha256(f"{shipped.version}\n{_own.text}".encode()).hexdigest()[:12]
    return Catalogue({**shipped.licenses, **{license.id: license for license in _own.licenses}}, version)


@cache
def _shipped() -> Catalogue:
    data = files("lineage").joinpath("data")
    licenses, others = (
        {entry.name: entry.read_text("utf-8") for entry in folder.iterdir() if entry.name.endswith(".toml")}
        for folder in (data.joinpath("licenses"), data)
    )
    return read_catalogue(licenses, others)


def read_catalogue(texts: Mapping[str, str], others: Mapping[str, str] | None = None) -> Catalogue:
    """The catalogue in these files (name → TOML). CatalogueError where one is wrong.

    `others` hold what labels mean beside it (aliases, clarifications, templates); they are part of the version.
    """
    licenses = {}
    sums = hashlib.sha256()
    for name, text in sorted((others or {}).items()):
        sums.update(f"{name}\n{text}\n".encode())
    for name, text in sorted(texts.items()):
        license = read_license(name, text)
        licenses[license.id] = license
        sums.update(f"{name}\n{text}\n".encode())
    for license in licenses.values():
        unknown = (license.compatible | license.carries | license.members) - licenses.keys()
        if unknown:
            raise CatalogueError(f"{license.id}.toml names licences that are not there: {', '.join(sorted(unknown))}")
    return Catalogue(licenses, sums.hexdigest()[:12])


def read_license(name: str, text: str) -> License:
    """One licence from its file. CatalogueError where a value is missing, not allowed, or not known."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{name}: {error}") from error
    license = license_of(name, data)
    if license.id != name.removesuffix(".toml"):
        raise CatalogueError(f"{name}: the id is {license.id!r}, not the file's name")
    return license


def license_of(name: str, data: Mapping[str, Any]) -> License:
    """One licence from its TOML, already parsed; `name` is for errors. CatalogueError as in `read_license`."""
    flat = {key: value for key, value in data.items() if key not in _TABLES and key != "fact"}
    for table, columns in _TABLES.items():
        for key, value in _table(name, data, table).items():
            if key not in columns:
                raise CatalogueError(f"{name}: [{table}] has no {key!r}: it has {', '.join(columns)}")
            flat[columns[key]] = value
    given = data.get("fact", [])
    if not isinstance(given, list):
        raise CatalogueError(f"{name}: facts are many: write [[fact]]")
    facts = tuple(_fact(name, fact) for fact in given)
    _check_types(name, flat)
    for listed, kind in (("compatible", frozenset), ("carries", frozenset), ("members", frozenset), ("vendors", tuple)):
        if listed in flat:
            flat[listed] = kind(flat[listed])
    _check(name, "derivatives", flat.get("derivatives", "share"), _DERIVATIVES)
    _check(name, "hosted", flat.get("hosted"), (None, "depends", "no"))
    _check(name, "terms", flat.get("terms"), list(Terms))
    _check(name, "kind", flat.get("kind"), _KINDS)
    _check(name, "commercial", flat.get("commercial"), _COMMERCIAL)
    _check(name, "training", flat.get("training"), _TRAINING)
    try:
        return License(**{**flat, "terms": Terms(flat["terms"]), "facts": facts})
    except TypeError as error:
        raise CatalogueError(f"{name}: {error}") from error


#: The tables of a licence file: key in the file → field of License.
_TABLES: dict[str, dict[str, str]] = {
    "use": {"commercial": "commercial", "threshold": "threshold", "hosted": "hosted"},
    "child": {key: key for key in ("terms", "derivatives", "compatible", "carries", "forbids_further_restrictions")},
    "outputs": {"training": "training"},
    "naming": {"begins": "begins", "display": "display", "rule": "naming"},
    "territory": {"excluded": "territory"},
    "notice": {"text": "notice", "rule": "notice_rule"},
    "valid": {"from": "valid_from", "to": "valid_to"},
}


def _table(name: str, data: Mapping[str, Any], table: str) -> Mapping[str, Any]:
    value = data.get(table, {})
    if not isinstance(value, dict):
        raise CatalogueError(f"{name}: {table} is a table: write [{table}]")
    return value


def _fact(name: str, data: Mapping[str, Any]) -> Fact:
    _check(name, "axis", data.get("axis"), AXES)
    try:
        return Fact(**data)
    except TypeError as error:
        raise CatalogueError(f"{name}: a fact has axis, says, section, source and unverified ({error})") from error


def _check(name: str, key: str, value: object, allowed: Iterable[str | None]) -> None:
    if value not in list(allowed):
        words = ", ".join(word for word in allowed if word is not None)
        raise CatalogueError(f"{name}: {key} is {value!r}: it is one of {words}")


def _check_types(name: str, flat: Mapping[str, Any]) -> None:
    for key, value in flat.items():
        if key in _LISTS:
            right = isinstance(value, list) and all(isinstance(item, str) for item in value)
        else:
            right = isinstance(value, bool if key in _FLAGS else str)
        if not right:
            kind = "a list of texts" if key in _LISTS else "true or false" if key in _FLAGS else "text"
            raise CatalogueError(f"{name}: {key} is {kind}, not {value!r}")
