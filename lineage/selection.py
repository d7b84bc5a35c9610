"""Which models an audit looks at: named ones, those of a file, a family, an author's, or all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from lineage.listing import STDIN, Listed, listed, read_list, remarks
from registry.bulk import Columns, everything, gathered
from registry.columns import Flags, Ints, distinct
from registry.families import reached
from registry.names import Found, UnknownModel, find_model, find_roots, known_models
from registry.read import walk
from registry.records import State


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be audited.

    `models` are names as people write them, `file` a list of such names, one a line (see lineage.listing), which is
    `content` where that was read already. `families` are roots (or `author:NAME`), whose members and themselves are
    meant, `authors` owners. With none of these the whole registry is.
    """

    models: tuple[str, ...] = ()
    file: Path | None = None
    families: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    content: bytes | None = None

    @property
    def listed(self) -> list[Listed]:
        """What the file names; RegistryError where it cannot be read, or names nothing."""
        return [] if self.file is None else listed(self._read(self.file), self.where)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What the scan that wrote the file could not tell; RegistryError where it cannot be read."""
        return () if self.file is None else remarks(self._read(self.file))

    def _read(self, file: Path) -> bytes:
        return read_list(file) if self.content is None else self.content

    @property
    def named(self) -> tuple[str, ...]:
        """The models and authors that are named, those of the file too; RegistryError where it cannot be read."""
        return (*self.models, *(one.name for one in self.listed), *(f"author:{author}" for author in self.authors))

    @property
    def scanned(self) -> tuple[str, ...]:
        """What code names, by a list of scan: it may be no model."""
        return tuple(one.name for one in self.listed if one.place is not None)

    @property
    def where(self) -> str:
        """What the list is called."""
        return "standard input" if self.file == STDIN else str(self.file)

    @property
    def asked(self) -> str:
        """In words."""
        words = [*self.models, *([self.where] if self.file else []), *(f"the family of {f}" for f in self.families)]
        return ", ".join([*words, *(f"author:{author}" for author in self.authors)]) or "the whole registry"


@dataclass(frozen=True, eq=False, slots=True)
class Selected:
    """A selection: what a verdict rests on (`columns`: its models and all their ancestors), and its models by their
    place there; what the file says of a model (key), a line each; the roots of the families, and all that was made from
    them; and by name what the file says of models that are not in the registry, where scan wrote it."""

    columns: Columns
    places: Ints
    lines: Mapping[int, list[Listed]]
    roots: frozenset[int]
    family: Ints
    unknown: Mapping[str, list[Listed]] = field(default_factory=dict)


def select_models(connection: Connection, selection: Selection) -> Selected:
    """Find the models of a selection.

    A family, an author and the whole registry mean the models that are on the Hub, as far as is known. Raises
    UnknownModel for a name that means none, RegistryError for a file that cannot be read.
    """
    named: dict[int, list[Listed]] = {find_model(connection, name).key: [] for name in selection.models}
    unknown: dict[str, list[Listed]] = {}
    spelled: dict[str, str] = {}
    meant = known_models(connection, (one.name for one in selection.listed))
    for one in selection.listed:
        if found := meant.get(one.name) or (None if one.place else _found(connection, one, selection)):
            named.setdefault(found.key, []).append(one)
        else:
            name = one.name.partition("@")[0]
            unknown.setdefault(spelled.setdefault(name.casefold(), name), []).append(one)
    many = [*selection.families, *(f"author:{author}" for author in selection.authors)]
    if not many and not selection.models and selection.file is None:
        columns = everything(connection)
        return Selected(columns, np.flatnonzero(_present(columns)), {}, frozenset(), np.empty(0, np.int64))
    roots = [root.key for root in find_roots(connection, selection.families)[1]]
    below = reached(connection, roots) if roots else ()
    own = [root.key for root in find_roots(connection, many[len(selection.families) :])[1]]
    columns = gathered(*walk(connection, [*named, *below, *own], up=True))
    wanted, present = columns.places([*below, *own]), _present(columns)
    places = distinct(np.append(wanted[present[wanted]], columns.places(named)))
    return Selected(columns, places, named, frozenset(columns.places(roots).tolist()), columns.places(below), unknown)


def _present(columns: Columns) -> Flags:
    """Which models are on the Hub, as far as is known."""
    states = [said.state not in {State.PLACEHOLDER, State.GONE} for said in columns.sayings]
    present: Flags = np.array(states, np.bool_)[columns.said]
    return present


def _found(connection: Connection, one: Listed, selection: Selection) -> Found:
    """The model that a line which somebody wrote means."""
    try:
        return find_model(connection, one.name)
    except UnknownModel as error:
        raise UnknownModel(f"{selection.where}:{one.line}: {error}") from error
