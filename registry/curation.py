"""What people register: their models' versions, with aliases, tags and notes, and a record of who did what.

Each version is a model of its own, called `name@number`, so that every question can be asked of it. The name by itself
means the newest version, and `name@alias` the one that an alias points to. A version of a model that is on the Hub is
that model.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select, update

from registry.names import UnknownModel
from registry.records import ModelRecord, RegistryError, State
from registry.resolve import resolve_names
from registry.runs import now
from registry.tables import EVENTS, MODELS, NAMES, TAGS, VERSIONS
from registry.write import save_page

#: What an alias or a tag may be: a word that cannot be taken for the number of a version.
_WORD = re.compile(r"[A-Za-z][\w.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """A version: of which name, its number, the id it is asked by, the digest of its content, and where it lay.

    `removed_at` is None unless somebody removed it. `files` are path, size in bytes and SHA-256; `evidence` is what
    names a parent, as it was written when it was registered.
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
    files: tuple[tuple[str, int, str], ...]
    evidence: tuple[dict[str, Any], ...]

    @property
    def called(self) -> str:
        """Its name and number."""
        return f"{self.name}@{self.number}"


@dataclass(frozen=True, slots=True)
class Did:
    """Who does something, and why."""

    who: str
    why: str | None = None


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


def register(
    connection: Connection, name: str, record: ModelRecord, *, digest: str, place: str,
    files: Sequence[tuple[str, int, str]], evidence: Sequence[dict[str, Any]], did: Did,
) -> tuple[VersionFacts, bool]:  # fmt: skip
    """Make a version of `name` out of a record; and whether it is new: the same content is the same version."""
    if (held := _same(connection, name, digest)) is not None:
        return _again(connection, held, did)
    at, number = now(), _next(connection, name)
    id = f"{name}@{number}"
    own = record._replace(repo_id=id, created_at=record.created_at or at, seen=at, source=place)
    save_page(connection, [own], seen=at, source=place)
    key = connection.scalar(select(MODELS.c.key).where(MODELS.c.repo_id == id)) or 0
    _mark(connection, key, State.REGISTERED)
    return _add(connection, name, number, key, at, digest, place, files, evidence, did), True


def register_of_the_hub(connection: Connection, name: str, key: int, did: Did) -> tuple[VersionFacts, bool]:
    """Make a version of `name` that is a model of the Hub (its key), at the commit that was seen last."""
    model = connection.execute(select(MODELS.c.repo_id, MODELS.c.sha).where(MODELS.c.key == key)).one()
    if model.sha is None:
        raise RegistryError(f"no commit of {model.repo_id} is known: first `lineage license {model.repo_id} --fetch`")
    if (held := _same(connection, name, model.sha)) is not None:
        return _again(connection, held, did)
    number = _next(connection, name)
    return _add(connection, name, number, key, now(), model.sha, model.repo_id, (), (), did), True


def pinned(connection: Connection, name: str, revision: str | None) -> VersionFacts | None:
    """The version of a registered model that a parent's name means today; None where it is none of these."""
    held = select(MODELS.c.key).where(MODELS.c.repo_id == name, MODELS.c.state != State.PLACEHOLDER)
    if not versions(connection, name.partition("@")[0]) or connection.scalar(held) is not None:
        return None
    return find_version(connection, f"{name}@{revision}" if revision and "@" not in name else name)


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
    name, _, which = text.strip().partition("@")
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
    alias = aliases(connection, held[0].name).get(which)
    by_alias = [version for version in held if version.number == alias]
    by_digest = [version for version in held if len(which) >= 6 and version.digest.startswith(which.lower())]
    for found in (by_number, by_alias, by_digest):
        if len(found) == 1:
            return found[0]
    raise UnknownModel(f"{name} has no version {which}: see `lineage model show {name}`")


def aliases(connection: Connection, name: str) -> dict[str, int]:
    """The aliases of a name, each with the number of the version it points to."""
    prefix = f"{name}@"
    rows = connection.execute(
        select(NAMES.c.name, VERSIONS.c.number)
        .join(VERSIONS, VERSIONS.c.model_key == NAMES.c.model_key)
        .where(NAMES.c.evidence == "alias", NAMES.c.name.startswith(prefix, autoescape=True), VERSIONS.c.name == name)
        .order_by(NAMES.c.name)
    )
    return {row.name.removeprefix(prefix): row.number for row in rows}


def set_alias(connection: Connection, version: VersionFacts, alias: str, did: Did) -> None:
    """Let `name@alias` mean a version; the name moves if it meant another one."""
    _expect_word(alias, "alias")
    _expect_present(version)
    called = f"{version.name}@{alias}"
    connection.execute(delete(NAMES).where(NAMES.c.name == called))
    _name(connection, called, version.model_key, "alias")
    _note(connection, did, "alias", version.name, version.number, alias)


def remove_alias(connection: Connection, name: str, alias: str, did: Did) -> None:
    """Let `name@alias` mean nothing any more."""
    if alias not in aliases(connection, name):
        raise RegistryError(f"{name} has no alias {alias}: see `lineage model show {name}`")
    connection.execute(delete(NAMES).where(NAMES.c.name == f"{name}@{alias}"))
    _note(connection, did, "unalias", name, None, alias)


def tags(connection: Connection, version: VersionFacts) -> list[str]:
    """The tags of a version."""
    return sorted(connection.scalars(select(TAGS.c.tag).where(*_of(version))))


def set_tags(connection: Connection, version: VersionFacts, words: Sequence[str], did: Did) -> None:
    """Put tags on a version."""
    held = tags(connection, version)
    for word in dict.fromkeys(words):
        _expect_word(word, "tag")
        if word not in held:
            connection.execute(insert(TAGS).values(name=version.name, number=version.number, tag=word))
            _note(connection, did, "tag", version.name, version.number, word)


def remove_tags(connection: Connection, version: VersionFacts, words: Sequence[str], did: Did) -> None:
    """Take tags off a version."""
    held = tags(connection, version)
    for word in dict.fromkeys(words):
        if word not in held:
            raise RegistryError(f"{version.called} has no tag {word}: see `lineage model show {version.called}`")
        connection.execute(delete(TAGS).where(*_of(version), TAGS.c.tag == word))
        _note(connection, did, "untag", version.name, version.number, word)


def add_note(connection: Connection, version: VersionFacts, text: str, did: Did) -> None:
    """Keep what somebody has to say of a version."""
    if not text.strip():
        raise RegistryError("a note says something: give its text")
    _note(connection, did, "note", version.name, version.number, text.strip())


def remove(connection: Connection, version: VersionFacts, did: Did) -> None:
    """Take a version out of use: it keeps its facts and edges, as gone, and its aliases end."""
    _expect_present(version)
    connection.execute(update(VERSIONS).where(VERSIONS.c.key == version.key).values(removed_at=now()))
    if version.id == version.called:
        save_page(connection, [ModelRecord(version.id, gone=True)], seen=now(), source=version.place)
        _mark(connection, version.model_key, State.GONE)
    for alias, number in aliases(connection, version.name).items():
        if number == version.number:
            remove_alias(connection, version.name, alias, did)
    _note(connection, did, "remove", version.name, version.number, version.digest)
    _point_to_newest(connection, version.name)


def events(connection: Connection, name: str) -> list[EventFacts]:
    """All that was done to a name, oldest first."""
    e = EVENTS.c
    columns = (e.at, e.who, e.action, e.name, e.number, e.what, e.why)
    return [EventFacts(*row) for row in connection.execute(select(*columns).where(e.name == name).order_by(e.key))]


def _of(version: VersionFacts) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return TAGS.c.name == version.name, TAGS.c.number == version.number


def names_at(connection: Connection, time: str) -> dict[str, int]:
    """What the names of registered models meant at a time: each with the key of its model."""
    v, e = VERSIONS.c, EVENTS.c
    found: dict[str, int] = {}
    keys = {}
    for name, number, key in connection.execute(
        select(v.name, v.number, v.model_key).where(v.registered_at <= time).order_by(v.name, v.number)
    ):
        found[name] = found[f"{name}@{number}"] = keys[name, number] = key
    done = select(e.action, e.name, e.number, e.what).where(e.at <= time, e.action.in_(("alias", "unalias")))
    for action, name, number, alias in connection.execute(done.order_by(e.key)):
        if action == "alias" and (name, number) in keys:
            found[f"{name}@{alias}"] = keys[name, number]
        else:
            found.pop(f"{name}@{alias}", None)
    return found


def _mark(connection: Connection, key: int, state: State) -> None:
    """Let a version be in a state, which no sight of the Hub says."""
    connection.execute(update(MODELS).where(MODELS.c.key == key).values(state=str(state)))


def _same(connection: Connection, name: str, digest: str) -> VersionFacts | None:
    return next((version for version in versions(connection, name) if version.digest == digest), None)


def _again(connection: Connection, version: VersionFacts, did: Did) -> tuple[VersionFacts, bool]:
    """A version that is there already; one that was removed is put back."""
    if version.removed_at is None:
        return version, False
    connection.execute(update(VERSIONS).where(VERSIONS.c.key == version.key).values(removed_at=None))
    if version.id == version.called:
        save_page(connection, [ModelRecord(version.id)], seen=now(), source=version.place)
        _mark(connection, version.model_key, State.REGISTERED)
    _note(connection, did, "register", version.name, version.number, version.place)
    _point_to_newest(connection, version.name)
    return find_version(connection, version.called), True


def _next(connection: Connection, name: str) -> int:
    return (connection.scalar(select(func.max(VERSIONS.c.number)).where(VERSIONS.c.name == name)) or 0) + 1


def _add(
    connection: Connection, name: str, number: int, key: int, at: str, digest: str, place: str,
    files: Sequence[tuple[str, int, str]], evidence: Sequence[dict[str, Any]], did: Did,
) -> VersionFacts:  # fmt: skip
    connection.execute(
        insert(VERSIONS).values(
            name=name, number=number, model_key=key, digest=digest, place=place, registered_at=at,
            files=json.dumps(files), evidence=json.dumps(evidence),
        )
    )  # fmt: skip
    _name(connection, f"{name}@{number}", key, "version")
    _note(connection, did, "register", name, number, place)
    _point_to_newest(connection, name)
    resolve_names(connection)
    return find_version(connection, f"{name}@{number}")


def _point_to_newest(connection: Connection, name: str) -> None:
    connection.execute(delete(NAMES).where(NAMES.c.name == name, NAMES.c.evidence == "version"))
    present = [version for version in versions(connection, name) if version.removed_at is None]
    if present:
        _name(connection, name, present[-1].model_key, "version")


def _name(connection: Connection, name: str, key: int, evidence: str) -> None:
    """Let a name mean a model, unless it is a seen model's id, which means that."""
    taken = select(MODELS.c.key).where(MODELS.c.repo_id == name, MODELS.c.state != State.PLACEHOLDER)
    if connection.scalar(taken) is None:
        connection.execute(delete(NAMES).where(NAMES.c.name == name))
        connection.execute(insert(NAMES).values(name=name, folded=name.casefold(), model_key=key, evidence=evidence))


def _note(connection: Connection, did: Did, action: str, name: str, number: int | None, what: str) -> None:
    values = {"at": now(), "who": did.who, "action": action, "name": name, "number": number, "what": what}
    connection.execute(insert(EVENTS).values(values | {"why": did.why}))


def _expect_word(word: str, what: str) -> None:
    if not _WORD.fullmatch(word):
        raise RegistryError(
            f"{word!r} is no {what}: a letter, then up to 63 letters, digits, dots, dashes or underscores"
        )


def _expect_present(version: VersionFacts) -> None:
    if version.removed_at is not None:
        raise RegistryError(f"{version.called} was removed: register it again, or choose another version")


def _facts(row: Any) -> VersionFacts:
    held = dict(row)
    held["id"] = held.pop("repo_id")
    held["files"] = tuple((path, size, sha256) for path, size, sha256 in json.loads(held["files"]))
    held["evidence"] = tuple(json.loads(held["evidence"]))
    return VersionFacts(**held)
