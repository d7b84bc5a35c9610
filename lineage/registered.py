"""What people registered: the versions of their models, and what was done to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from sqlalchemy import Connection, Engine

from lineage.inheritance import inheritance
from registry.database import reading
from registry.read import DefectFacts, Step, briefs, find_defects, steps_of
from registry.versions import EventFacts, VersionFacts, all_aliases, all_tags, events, find_version, versions


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version in a list: `id` is what every question is asked by, `digest` the SHA-256 of its content (of a model of
    the Hub its commit), `place` where it lay; `licenses` are raw labels, `parents` the ids of its base models."""

    id: str
    name: str
    number: int
    digest: str
    place: str
    registered_at: str
    removed_at: str | None
    aliases: tuple[str, ...]
    tags: tuple[str, ...]
    licenses: tuple[str, ...] | None
    license_name: str | None
    parents: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Registered:
    """The versions that are registered."""

    SCHEMA: ClassVar[str] = "finetune-lineage/registered/1"

    versions: tuple[VersionLine, ...]


@dataclass(frozen=True, slots=True)
class Naming:
    """What names a parent: `origin` is card, file, heuristic or stated, `where` the file and field; `why` says what a
    conclusion rests on."""

    name: str
    relation: str
    origin: str
    where: str
    why: str | None
    revision: str | None


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file of a version: its path, its size in bytes, its SHA-256."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class VersionPage:
    """All of one version: what names its parents, its files, the defects of its metadata, the verdict on its label, the
    other versions of its name, and what was done to that name, oldest first."""

    SCHEMA: ClassVar[str] = "finetune-lineage/version/1"

    version: VersionLine
    verdict: str
    grade: str
    effective: str
    named_by: tuple[Naming, ...]
    files: tuple[FileFacts, ...]
    defects: tuple[DefectFacts, ...]
    others: tuple[str, ...]
    events: tuple[EventFacts, ...]


def registered(engine: Engine, *, removed: bool = False) -> Registered:
    """All versions, those that were `removed` only if asked."""
    with reading(engine) as connection:
        found = [version for version in versions(connection) if removed or version.removed_at is None]
        return Registered(tuple(_lines(connection, found)))


def version_page(engine: Engine, text: str) -> VersionPage:
    """All of the version that `text` means (see `registry.versions.find_version`)."""
    with reading(engine) as connection:
        version = find_version(connection, text)
        (line,) = _lines(connection, [version])
        others = [v.called for v in versions(connection, version.name) if v.number != version.number]
        defects = find_defects(connection, model=version.model_key)[0]
        done = events(connection, version.name)
    judged = inheritance(engine, version.id)
    return VersionPage(
        line,
        judged.verdict,
        judged.grade,
        judged.effective,
        tuple(_naming(one) for one in version.evidence),
        tuple(FileFacts(*file) for file in version.files),
        tuple(defects),
        tuple(others),
        tuple(done),
    )


def _naming(said: dict[str, Any]) -> Naming:
    return Naming(**{field: said.get(field) for field in Naming.__dataclass_fields__})  # type: ignore[arg-type]


def _lines(connection: Connection, found: Sequence[VersionFacts]) -> list[VersionLine]:
    parents: dict[int, list[Step]] = {v.model_key: [] for v in found}
    for step in sorted(steps_of(connection, parents), key=lambda step: step.position):
        parents[step.child].append(step)
    facts = briefs(connection, {*parents, *(step.parent for steps in parents.values() for step in steps)})
    names = {v.name for v in found}
    named, tagged = all_aliases(connection, names), all_tags(connection, names)
    return [
        VersionLine(
            v.id,
            v.name,
            v.number,
            v.digest,
            v.place,
            v.registered_at,
            v.removed_at,
            tuple(alias for alias, number in named.get(v.name, {}).items() if number == v.number),
            tuple(tagged.get((v.name, v.number), ())),
            facts[v.model_key].licenses,
            facts[v.model_key].license_name,
            tuple(facts[step.parent].id for step in parents[v.model_key]),
        )
        for v in found
    ]
