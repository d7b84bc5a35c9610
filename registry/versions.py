"""Versions of models that people registered: which there are, what their names mean, and what was done to them.

Each version is a model of its own, called `name@number`, so that every question can be asked of it. The name by itself
means the newest version, and `name@alias` the one that an alias points to. A version of a model that is on the Hub is
that model.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, String, cast, func, select

from registry.names import UnknownModel, find_model
from registry.read import briefs, declared_parents
from registry.records import State, storable
from registry.tables import EVENTS, MODELS, TAGS, VERSIONS, among

#: What changes which version a name means.
_TURNS = ("register", "remove", "alias", "unalias")


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A version: of which name, its number, the id it is asked by, the digest of its content, and where it lay.

    `removed_at` is None unless somebody removed it.
    """

    key: int
    name: str
    number: int
    model_key: int
    id: str
    digest: str
    place: str
    registered_at: str
    removed_at: str | None
    stored_files: str = field(repr=False)
    stored_evidence: str = field(repr=False)

    @property
    def files(self) -> list[tuple[str, int, str]]:
        """Path, size in bytes and SHA-256 of each."""
        return [(path, size, sha256) for path, size, sha256 in json.loads(self.stored_files)]

    @property
    def evidence(self) -> list[dict[str, Any]]:
        """What names a parent, as it was written when it was registered."""
        return list(json.loads(self.stored_evidence))

    @property
    def called(self) -> str:
        """Its name and number."""
        return f"{self.name}@{self.number}"


@dataclass(frozen=True, slots=True)
class EventFacts:
    """What somebody did: the alias, tag, note or place stands in `what`."""

    at: str
    who: str
    action: str
    name: str
    number: int | None
    what: str
    why: str | None


def versions(connection: Connection, name: str | None = None) -> list[VersionFacts]:
    """The versions of a name, or of all, oldest first; those that were removed too."""
    v = VERSIONS.c
    rows = select(VERSIONS, MODELS.c.repo_id).join_from(VERSIONS, MODELS, MODELS.c.key == v.model_key)
    rows = rows.order_by(v.name, v.number)
    if name is not None:
        rows = rows.where(func.lower(v.name) == name.casefold())
    return [_facts(row) for row in connection.execute(rows).mappings()]


def find_version(connection: Connection, text: str) -> VersionFacts:
    """The version that people mean: `name` (its newest), or `name@` and a number, an alias, or the begin of a digest.

    Raises UnknownModel where there is none.
    """
    name, at, which = storable(text).strip().partition("@")
    if at and not which:
        raise UnknownModel(f"{name}@ names no version: say {name} for the newest, or {name}@NUMBER")
    held = versions(connection, name)
    if not held:
        raise UnknownModel(f"no registered model is called {name}: see `lineage model list`, or `lineage register`")
    present = [version for version in held if version.removed_at is None]
    if not which:
        if not present:
            raise UnknownModel(
                f"all versions of {name} were removed: see `lineage model show {name}@{held[-1].number}`"
            )
        return present[-1]
    by_number = [version for version in held if str(version.number) == which]
    alias = aliases(connection, held[0].name).get(which.lower())
    by_alias = [version for version in held if version.number == alias]
    by_digest = [version for version in held if len(which) >= 6 and version.digest.startswith(which.lower())]
    for found in (by_number, by_alias, by_digest):
        if len(found) == 1:
            return found[0]
    raise UnknownModel(f"{name} has no version {which}: see `lineage model show {name}`")


def pinned(connection: Connection, name: str, revision: str | None, *, strict: bool) -> VersionFacts | None:
    """The version of a registered model that a parent's name means today; None where it is none of these.

    A revision that no version has means the newest, or (`strict`) raises UnknownModel.
    """
    called, _, which = name.partition("@")
    held = select(MODELS.c.key).where(MODELS.c.repo_id == called, MODELS.c.state != State.PLACEHOLDER)
    present = [version for version in versions(connection, called) if version.removed_at is None]
    if not present or connection.scalar(held) is not None:
        return None
    if not (which or revision):
        return present[-1]
    try:
        return find_version(connection, f"{called}@{which or revision}")
    except UnknownModel:
        if strict:
            raise
        return present[-1]


def on_the_hub(connection: Connection, names: Sequence[str]) -> list[str]:
    """The names to ask the Hub by: of a registered model those of the nearest models above it that are not."""
    found: list[str] = []
    for name in names:
        try:
            todo = [find_model(connection, name).key]
        except UnknownModel:
            todo = []
        if not todo or not is_registered(connection, todo[0]):
            found.append(name)
            continue
        met = set(todo)
        for key in todo:
            for step in declared_parents(connection, key):
                if step.parent in met:
                    continue
                met.add(step.parent)
                if is_registered(connection, step.parent):
                    todo.append(step.parent)
                else:
                    found.append(briefs(connection, [step.parent])[step.parent].id)
    return list(dict.fromkeys(found))


def is_registered(connection: Connection, key: int) -> bool:
    """Whether a model is a version that people registered, and none of the Hub."""
    called = VERSIONS.c.name + "@" + cast(VERSIONS.c.number, String)
    own = select(MODELS.c.key).join(VERSIONS, VERSIONS.c.model_key == MODELS.c.key)
    return connection.scalar(own.where(MODELS.c.key == key, MODELS.c.repo_id == called)) is not None


def aliases(connection: Connection, name: str) -> dict[str, int]:
    """The aliases of a name, each with the number of the version it points to."""
    return all_aliases(connection, [name]).get(name, {})


def all_aliases(connection: Connection, names: Collection[str]) -> dict[str, dict[str, int]]:
    """The same of several names."""
    done = _done(connection, among(connection, EVENTS.c.name, names))
    return {name: dict(sorted(held.aliases.items())) for name, held in done.items()}


def tags(connection: Connection, version: VersionFacts) -> list[str]:
    """The tags of a version."""
    return all_tags(connection, [version.name]).get((version.name, version.number), [])


def all_tags(connection: Connection, names: Collection[str]) -> dict[tuple[str, int], list[str]]:
    """The tags of all versions of these names, by name and number."""
    t = TAGS.c
    found: dict[tuple[str, int], list[str]] = defaultdict(list)
    for name, number, tag in connection.execute(
        select(t.name, t.number, t.tag).where(among(connection, t.name, names)).order_by(t.tag)
    ):
        found[name, number].append(tag)
    return dict(found)


def events(connection: Connection, name: str) -> list[EventFacts]:
    """All that was done to a name, oldest first."""
    e = EVENTS.c
    columns = (e.at, e.who, e.action, e.name, e.number, e.what, e.why)
    return [EventFacts(*row) for row in connection.execute(select(*columns).where(e.name == name).order_by(e.key))]


def names_at(connection: Connection, time: str) -> dict[str, int]:
    """What the names of registered models meant at a time: each with the key of its model."""
    v = VERSIONS.c
    keys = {(row.name, row.number): row.model_key for row in connection.execute(select(v.name, v.number, v.model_key))}
    found: dict[str, int] = {}
    for name, done in _done(connection, EVENTS.c.at <= time).items():
        found |= {f"{name}@{number}": keys[name, number] for number in done.registered}
        found |= {f"{name}@{alias}": keys[name, number] for alias, number in done.aliases.items()}
        if done.present:
            found[name] = keys[name, max(done.present)]
    return found


@dataclass(slots=True)
class _Done:
    """What a name's events come to: the versions that were ever registered, those in use, and the aliases."""

    registered: set[int] = field(default_factory=set)
    present: set[int] = field(default_factory=set)
    aliases: dict[str, int] = field(default_factory=dict)


def _done(connection: Connection, test: ColumnElement[bool]) -> dict[str, _Done]:
    e = EVENTS.c
    found: dict[str, _Done] = defaultdict(_Done)
    rows = select(e.action, e.name, e.number, e.what).where(test, e.action.in_(_TURNS)).order_by(e.key)
    for action, name, number, what in connection.execute(rows):
        done = found[name]
        if action == "register":
            done.registered.add(number)
            done.present.add(number)
        elif action == "remove":
            done.present.discard(number)
        elif action == "alias":
            done.aliases[what] = number
        else:
            done.aliases.pop(what, None)
    return dict(found)


def tagged(version: VersionFacts) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Which rows of tags are a version's."""
    return TAGS.c.name == version.name, TAGS.c.number == version.number


def _facts(row: Any) -> VersionFacts:
    held = dict(row)
    for mine, theirs in (("id", "repo_id"), ("stored_files", "files"), ("stored_evidence", "evidence")):
        held[mine] = held.pop(theirs)
    return VersionFacts(**held)
