"""Which models an audit looks at: named ones, those of a file, a family, an author's, or all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sqlalchemy import Connection

from registry.bulk import Columns, Flags, Ints, distinct, everything, gathered
from registry.families import reached
from registry.names import UnknownModel, find_model, find_roots
from registry.read import walk
from registry.records import RegistryError, State

#: A list of models is read up to this size, in bytes.
_LONGEST_LIST = 16_000_000


@dataclass(frozen=True, slots=True)
class Selection:
    """What is to be audited.

    `models` are names as people write them, `file` a list of such names, one a line. `families` are roots (or
    `author:NAME`), whose members and themselves are meant, `authors` owners. With none of these the whole registry is.
    """

    models: tuple[str, ...] = ()
    file: Path | None = None
    families: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()

    @property
    def named(self) -> tuple[str, ...]:
        """The models and authors that are named, those of the file too; RegistryError where it cannot be read."""
        file = [name for _, name in _listed(self.file)] if self.file else []
        return (*self.models, *file, *(f"author:{author}" for author in self.authors))

    @property
    def asked(self) -> str:
        """In words."""
        words = [*self.models, *([str(self.file)] if self.file else []), *(f"the family of {f}" for f in self.families)]
        return ", ".join([*words, *(f"author:{author}" for author in self.authors)]) or "the whole registry"


@dataclass(frozen=True, eq=False, slots=True)
class Selected:
    """A selection: what a verdict rests on (`columns`: its models and all their ancestors), and its models by their
    place there; the line of the file that names a model (key); the roots of the families, and all that was made from
    them."""

    columns: Columns
    places: Ints
    lines: Mapping[int, int | None]
    roots: frozenset[int]
    family: Ints


def select_models(connection: Connection, selection: Selection) -> Selected:
    """Find the models of a selection.

    A family, an author and the whole registry mean the models that are on the Hub, as far as is known. Raises
    UnknownModel for a name that means none, RegistryError for a file that cannot be read.
    """
    named: dict[int, int | None] = {find_model(connection, name).key: None for name in selection.models}
    if selection.file is not None:
        for line, name in _listed(selection.file):
            named.setdefault(_found(connection, name, f"{selection.file}:{line}"), line)
    many = [*selection.families, *(f"author:{author}" for author in selection.authors)]
    if not named and not many:
        columns = everything(connection)
        return Selected(columns, np.flatnonzero(_present(columns)), {}, frozenset(), np.empty(0, np.int64))
    roots = [root.key for root in find_roots(connection, selection.families)[1]]
    below = reached(connection, roots) if roots else ()
    own = [root.key for root in find_roots(connection, many[len(selection.families) :])[1]]
    columns = gathered(*walk(connection, [*named, *below, *own], up=True))
    wanted, present = columns.places([*below, *own]), _present(columns)
    places = distinct(np.append(wanted[present[wanted]], columns.places(named)))
    return Selected(columns, places, named, frozenset(columns.places(roots).tolist()), columns.places(below))


def _present(columns: Columns) -> Flags:
    """Which models are on the Hub, as far as is known."""
    states = [said.state not in {State.PLACEHOLDER, State.GONE} for said in columns.sayings]
    present: Flags = np.array(states, np.bool_)[columns.said]
    return present


def _listed(file: Path) -> list[tuple[int, str]]:
    """The names in a file with their lines; what follows `#` is a comment."""
    try:
        with file.open("rb") as opened:
            content = opened.read(_LONGEST_LIST + 1)
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise RegistryError(f"cannot read {file} ({error.strerror}): name a list of models, one a line") from error
    except UnicodeDecodeError as error:
        raise RegistryError(f"{file} is not UTF-8: it should be a list of models, one a line") from error
    if len(content) > _LONGEST_LIST:
        raise RegistryError(f"{file} is larger than {_LONGEST_LIST:,} bytes: split it, or use --all")
    lines = [(number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1)]
    found = [(number, name) for number, name in lines if name]
    if not found:
        raise RegistryError(f"{file} names no model: write one a line")
    return found


def _found(connection: Connection, name: str, where: str) -> int:
    try:
        return find_model(connection, name).key
    except UnknownModel as error:
        raise UnknownModel(f"{where}: {error}") from error
