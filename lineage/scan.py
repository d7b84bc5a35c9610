"""A scan: which models a code base names, where, and what the registry knows of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Engine

from lineage.statistics import license_label
from registry.database import reading
from registry.names import known_models
from registry.read import Brief
from registry.services import of_service

#: The states of what the registry does not know.
NOT_KNOWN = "not in the registry"
OF_SERVICE = "not in the registry, looks like another service's"


@dataclass(frozen=True, slots=True)
class Seen:
    """A model as a line of a file names it.

    `name` is its id as it stands there, `revision` the branch, tag or commit beside it, `how` what names it: a call
    (`from_pretrained()`), a setting (`model_id`), a command (`hf download`) or `URL`.
    """

    name: str
    revision: str | None
    file: str
    line: int
    how: str


@dataclass(frozen=True, slots=True)
class Used:
    """The same with what the registry says of it: `model` is its id there, None where it is not known; `state` is that
    of registry.records.State, or "not in the registry", with ", looks like another service's" where its name does;
    `license` is the label that it declares, None where none or nothing is known."""

    name: str
    revision: str | None
    file: str
    line: int
    how: str
    model: str | None
    state: str
    license: str | None


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A file that was not read, or not whole, and why."""

    file: str
    why: str


@dataclass(frozen=True, slots=True)
class Scan:
    """What a code base uses, in the order of its files and lines.

    `files` were read. `models` are told apart by name, of which `unknown` are not in the registry. `unnamed` calls name
    their model by a variable or the like, which is not guessed.
    """

    SCHEMA: ClassVar[str] = "finetune-lineage/scan/1"

    files: int
    models: int
    unknown: int
    unnamed: int
    left_out: tuple[LeftOut, ...]
    uses: tuple[Used, ...]


def scan(engine: Engine, seen: Iterable[Seen], *, files: int, unnamed: int, left_out: Iterable[LeftOut] = ()) -> Scan:
    """Look up what a code base names in the registry; a name that could be any of several models is not known."""
    named = list(seen)
    with reading(engine) as connection:
        found = known_models(connection, (one.name for one in named))
    uses = tuple(_used(one, known.brief if (known := found.get(one.name)) else None) for one in named)
    told = {one.model or one.name.casefold() for one in uses}
    unknown = {one.name.casefold() for one in uses if one.model is None}
    return Scan(files, len(told), len(unknown), unnamed, tuple(left_out), uses)


def _used(one: Seen, brief: Brief | None) -> Used:
    license = license_label(brief.licenses, brief.license_name) if brief else None
    unknown = OF_SERVICE if of_service(one.name) else NOT_KNOWN
    model, state = (brief.id, brief.state) if brief else (None, unknown)
    return Used(one.name, one.revision, one.file, one.line, one.how, model, state, license)
