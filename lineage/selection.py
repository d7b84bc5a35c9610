"""Which models an audit looks at: named ones, those of a file, a family, an author's, or all."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from registry.names import UnknownModel, find_model, find_roots
from registry.read import Brief, Step, everything, walk
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
    def asked(self) -> str:
        """In words."""
        words = [*self.models, *([str(self.file)] if self.file else []), *(f"the family of {f}" for f in self.families)]
        return ", ".join([*words, *(f"author:{author}" for author in self.authors)]) or "the whole registry"


@dataclass(frozen=True, slots=True)
class Selected:
    """The models (keys) of a selection, with the line of the file that names each, the roots of the families and all
    that was made from them, and what a verdict rests on: these models and all their ancestors, with their edges."""

    lines: dict[int, int | None]
    roots: frozenset[int]
    family: frozenset[int]
    steps: list[Step]
    briefs: dict[int, Brief]


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
        steps, briefs = everything(connection)
        return Selected(dict.fromkeys(_present(briefs)), frozenset(), frozenset(), steps, briefs)
    roots = [root.key for root in find_roots(connection, selection.families)[1]]
    below = walk(connection, roots, up=False)[1] if roots else {}
    own = [root.key for root in find_roots(connection, many[len(selection.families) :])[1]]
    wanted = [*named, *_present(below), *own]
    steps, briefs = walk(connection, wanted, up=True)
    present = _present({key: briefs[key] for key in wanted})
    return Selected(dict.fromkeys(present) | named, frozenset(roots), frozenset(below), steps, briefs)


def _present(briefs: dict[int, Brief]) -> list[int]:
    return [key for key, brief in briefs.items() if brief.state not in {State.PLACEHOLDER, State.GONE}]


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
