"""What people do to registered models: register them, name, tag and note versions, and take them out of use.

Who does what, when and why is kept in events, which are added and never changed.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from registry.records import ModelRecord, Parent, RegistryError, State, iso_time, storable
from registry.resolve import resolve_model
from registry.runs import now
from registry.spans import stored_parents
from registry.tables import EVENTS, MODELS, NAMES, SIGHTS, TAGS, VERSIONS
from registry.versions import VersionFacts, aliases, find_version, tagged, tags, versions
from registry.write import save_page

#: What an alias or a tag may be: a word that cannot be taken for the number of a version.
_WORDS = re.compile(r"[A-Za-z][\w.-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Did:
    """Who does something, and why."""

    who: str
    why: str | None = None


def register(
    connection: Connection, name: str, record: ModelRecord, *, digest: str, place: str,
    files: Sequence[tuple[str, int, str]], evidence: Sequence[dict[str, Any]], did: Did,
) -> tuple[VersionFacts, bool]:  # fmt: skip
    """Make a version of `name` out of a record; and whether it is new: the same content is the same version, of which
    the parents may be other ones by now. A name keeps the letter case in which it was registered first."""
    name, place = _spelled(connection, name), storable(place)
    if (held := _same(connection, name, digest)) is not None:
        return _again(connection, held, did, record, evidence)
    number = _next(connection, name)
    id = f"{name}@{number}"
    _save(connection, record._replace(repo_id=id, created_at=record.created_at or now()), place)
    key = connection.scalar(select(MODELS.c.key).where(MODELS.c.repo_id == id)) or 0
    return _add(connection, name, number, key, digest, place, files, evidence, did), True


def register_of_the_hub(
    connection: Connection, name: str, key: int, did: Did, revision: str | None = None
) -> tuple[VersionFacts, bool]:
    """Make a version of `name` that is a model of the Hub (its key), at the commit that was seen last.

    Raises RegistryError where no commit is known, or another than the `revision` that is wanted.
    """
    name = _spelled(connection, name)
    model = connection.execute(select(MODELS.c.repo_id, MODELS.c.sha, MODELS.c.state).where(MODELS.c.key == key)).one()
    if model.state == State.REGISTERED:
        raise RegistryError(f"{model.repo_id} is registered already: give a folder, or a model of the Hub")
    if model.sha is None:
        raise RegistryError(f"no commit of {model.repo_id} is known: first `lineage license {model.repo_id} --fetch`")
    if revision is not None and not model.sha.startswith(revision.lower()):
        raise RegistryError(f"{model.repo_id} is at {model.sha[:12]} here, not at {revision}: register it without one")
    if (held := _same(connection, name, model.sha)) is not None:
        return _again(connection, held, did)
    return _add(connection, name, _next(connection, name), key, model.sha, model.repo_id, (), (), did), True


def set_alias(connection: Connection, version: VersionFacts, alias: str, did: Did) -> None:
    """Let `name@alias` mean a version; the name moves if it meant another one."""
    alias = _word(alias, "alias")
    _expect_present(version)
    called = f"{version.name}@{alias}"
    connection.execute(delete(NAMES).where(NAMES.c.name == called))
    _name(connection, called, version.model_key, "alias")
    _note(connection, did, "alias", version.name, version.number, alias)


def remove_alias(connection: Connection, name: str, alias: str, did: Did) -> None:
    """Let `name@alias` mean nothing any more."""
    alias = alias.lower()
    if alias not in aliases(connection, name):
        raise RegistryError(f"{name} has no alias {alias}: see `lineage model show {name}`")
    connection.execute(delete(NAMES).where(NAMES.c.name == f"{name}@{alias}"))
    _note(connection, did, "unalias", name, None, alias)


def set_tags(connection: Connection, version: VersionFacts, words: Sequence[str], did: Did) -> None:
    """Put tags on a version."""
    held = tags(connection, version)
    for word in dict.fromkeys(_word(word, "tag") for word in words):
        if word not in held:
            connection.execute(insert(TAGS).values(name=version.name, number=version.number, tag=word))
            _note(connection, did, "tag", version.name, version.number, word)


def remove_tags(connection: Connection, version: VersionFacts, words: Sequence[str], did: Did) -> None:
    """Take tags off a version."""
    held = tags(connection, version)
    for word in dict.fromkeys(word.lower() for word in words):
        if word not in held:
            raise RegistryError(f"{version.called} has no tag {word}: see `lineage model show {version.called}`")
        connection.execute(delete(TAGS).where(*tagged(version), TAGS.c.tag == word))
        _note(connection, did, "untag", version.name, version.number, word)


def add_note(connection: Connection, version: VersionFacts, text: str, did: Did) -> None:
    """Keep what somebody has to say of a version."""
    text = storable(text).strip()
    if not text:
        raise RegistryError("a note says something: give its text")
    _note(connection, did, "note", version.name, version.number, text)


def remove(connection: Connection, version: VersionFacts, did: Did) -> None:
    """Take a version out of use: it keeps its facts and edges, as gone, and its aliases end."""
    _expect_present(version)
    connection.execute(update(VERSIONS).where(VERSIONS.c.key == version.key).values(removed_at=now()))
    if version.id == version.called:
        _save(connection, ModelRecord(version.id, gone=True), version.place)
    for alias, number in aliases(connection, version.name).items():
        if number == version.number:
            remove_alias(connection, version.name, alias, did)
    _note(connection, did, "remove", version.name, version.number, version.digest)
    _point_to_newest(connection, version.name)


def _save(connection: Connection, record: ModelRecord, place: str) -> None:
    """Save a record of a version as a sight that is later than any before, and let it be in a state that no sight of
    the Hub says."""
    seen = select(SIGHTS.c.last_seen).join(MODELS, MODELS.c.key == SIGHTS.c.model_key)
    last = connection.scalar(seen.where(MODELS.c.repo_id == record.repo_id))
    at = now()
    if last is not None and last >= at:
        at = iso_time(datetime.fromisoformat(last) + timedelta(seconds=1))
    save_page(connection, [record._replace(seen=at, source=place)], seen=at, source=place)
    state = State.GONE if record.gone else State.REGISTERED
    connection.execute(update(MODELS).where(MODELS.c.repo_id == record.repo_id).values(state=str(state)))


def _spelled(connection: Connection, name: str) -> str:
    """A name as it was registered first."""
    held = select(VERSIONS.c.name).where(func.lower(VERSIONS.c.name) == name.lower()).limit(1)
    return connection.scalar(held) or name


def _same(connection: Connection, name: str, digest: str) -> VersionFacts | None:
    return next((version for version in versions(connection, name) if version.digest == digest), None)


def _again(
    connection: Connection, version: VersionFacts, did: Did, record: ModelRecord | None = None,
    evidence: Sequence[dict[str, Any]] = (),
) -> tuple[VersionFacts, bool]:  # fmt: skip
    """A version that is there already: it is put back if it was removed, and has the parents that are named now."""
    held = stored_parents(connection, [version.model_key])[version.model_key]
    same = record is None or _bare(held) == _bare(record.parents or ())
    if version.removed_at is None and same:
        return version, False
    if record is not None and version.id == version.called:
        _save(connection, record._replace(repo_id=version.id), version.place)
        resolve_model(connection, version.model_key)
    values: dict[str, Any] = {"removed_at": None} | ({} if same else {"evidence": json.dumps(evidence)})
    connection.execute(update(VERSIONS).where(VERSIONS.c.key == version.key).values(values))
    _note(connection, did, "register", version.name, version.number, version.place)
    _point_to_newest(connection, version.name)
    return find_version(connection, version.called), version.removed_at is not None


def _bare(parents: Sequence[Parent]) -> list[tuple[str, str]]:
    return [(parent.name, str(parent.relation)) for parent in parents]


def _next(connection: Connection, name: str) -> int:
    return (connection.scalar(select(func.max(VERSIONS.c.number)).where(VERSIONS.c.name == name)) or 0) + 1


def _add(
    connection: Connection, name: str, number: int, key: int, digest: str, place: str,
    files: Sequence[tuple[str, int, str]], evidence: Sequence[dict[str, Any]], did: Did,
) -> VersionFacts:  # fmt: skip
    connection.execute(
        insert(VERSIONS).values(
            name=name, number=number, model_key=key, digest=digest, place=place, registered_at=now(),
            files=json.dumps(files), evidence=json.dumps(evidence),
        )
    )  # fmt: skip
    _name(connection, f"{name}@{number}", key, "version")
    _note(connection, did, "register", name, number, place)
    _point_to_newest(connection, name)
    resolve_model(connection, key)
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


def _word(word: str, what: str) -> str:
    """An alias or a tag; they have small letters."""
    if not _WORDS.fullmatch(word):
        raise RegistryError(
            f"{word!r} is no {what}: a letter, then up to 63 letters, digits, dots, dashes or underscores"
        )
    return word.lower()


def _expect_present(version: VersionFacts) -> None:
    if version.removed_at is not None:
        raise RegistryError(f"{version.called} was removed: register it again, or choose another version")
