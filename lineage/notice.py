"""What to pass on with a model: all it was made from, under which licences, and the notices that these ask for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from sqlalchemy import Engine

from lineage.ancestry import Ancestry, read_ancestry
from lineage.evidence import Files, FileText
from lineage.licenses.catalogue import Fact, catalogue
from lineage.licenses.labels import page_of
from registry.database import reading
from registry.names import find_model
from registry.read import data_date
from registry.records import State

#: What a copy of a licence's text must come with, by axis.
_AXES = ("notice", "naming")


@dataclass(frozen=True, slots=True)
class Attribution:
    """A model to be named: what it declares, the licences that this means (ids of the catalogue), how it was made from
    what (relation and id), and `problem`: why its terms or files cannot be told. `files` are those that were read."""

    id: str
    declared: str
    licenses: tuple[str, ...]
    made_from: tuple[tuple[str, str], ...]
    problem: str | None
    files: tuple[FileText, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """A licence: where its text is to be found (None where nobody noted that), the line that it prescribes, and what it
    says of notices and names."""

    id: str
    name: str
    link: str | None
    line: str | None
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """The attribution for models (`asked`): they themselves, then what they were made from, nearest first."""

    SCHEMA: ClassVar[str] = "finetune-lineage/notice/1"

    asked: tuple[str, ...]
    models: tuple[Attribution, ...]
    licenses: tuple[Terms, ...]
    data_date: str | None
    catalogue: str


def notice(
    engine: Engine, names: Sequence[str], read: Callable[[Iterable[str]], Mapping[str, Files]] | None = None
) -> Notice:
    """Collect the attribution for models; with `read`, with the licence and notice files of all of them.

    Raises UnknownModel for a name that means none.
    """
    with reading(engine) as connection:
        ancestries = [read_ancestry(connection, find_model(connection, name).key) for name in names]
        date = data_date(connection)
    found: dict[str, Attribution] = {}
    opaque = {key for ancestry in ancestries for key in ancestry.opaque}
    wanted = [(ancestry, ancestry.model) for ancestry in ancestries]
    wanted += [(ancestry, key) for ancestry in ancestries for key in ancestry.ancestors]
    for ancestry, key in wanted:
        found.setdefault(ancestry.briefs[key].id, _attribution(ancestry, key, opaque))
    if read is not None:
        files = read(list(found))
        found = {id: _with_files(one, files.get(id, Files())) for id, one in found.items()}
    used = sorted({license for one in found.values() for license in one.licenses})
    asked = tuple(dict.fromkeys(ancestry.briefs[ancestry.model].id for ancestry in ancestries))
    return Notice(asked, tuple(found.values()), tuple(map(_terms, used)), date, catalogue().version)


def _attribution(ancestry: Ancestry, key: int, opaque: set[int]) -> Attribution:
    brief, label, steps = ancestry.briefs[key], ancestry.labels[key], ancestry.parents_of(key)
    problem = None
    if brief.state == State.PLACEHOLDER:
        problem = "it was never seen: what it is under, and what it was made from, is not known"
    elif key in opaque or (key == ancestry.model and label.lacking):
        problem = f"its terms cannot be told: {label.text}"
    made = tuple((step.relation, ancestry.briefs[step.parent].id) for step in steps)
    return Attribution(brief.id, label.text, tuple(sorted(label.licenses)), made, problem)


def _with_files(one: Attribution, files: Files) -> Attribution:
    kept = tuple(file for file in files.files if not file.path.casefold().startswith("readme"))
    unread = None if files.problem is None else f"its files could not be read: {files.problem}"
    missing = "no licence file was found in its repository" if not (kept or unread) else None
    return replace(one, files=kept, problem="; ".join(filter(None, (one.problem, unread, missing))) or None)


def _terms(id: str) -> Terms:
    license = catalogue().licenses[id]
    facts = tuple(fact for fact in license.facts if fact.axis in _AXES)
    return Terms(id, license.name, page_of(id), license.notice, facts)
