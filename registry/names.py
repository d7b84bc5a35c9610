"""Which model a name means: ids, old names, letter case, legacy short ids, pasted URLs."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, func, select

from registry.ids import legacy_names, split_url
from registry.records import RegistryError, State, storable
from registry.tables import MODELS, NAMES, VERSIONS


class UnknownModel(RegistryError):
    """No model goes by this name; the message names up to three that are near."""


@dataclass(frozen=True, slots=True)
class Found:
    """A model that a name led to: its key and id, and the revision (`ID@sha`) as it was asked for."""

    key: int
    repo_id: str
    revision: str | None = None

    @property
    def label(self) -> str:
        """The id, with the revision where one was given."""
        return f"{self.repo_id}@{self.revision}" if self.revision else self.repo_id


def find_model(connection: Connection, text: str) -> Found:
    """The model that `text` names: an id in any letter case, an old name, a Hub URL, or any of these with `@sha`.

    Raises UnknownModel, with up to three near matches, where there is none or more than one.
    """
    if found := known_model(connection, text):
        return found
    raise UnknownModel(_no_such_model(connection, _split_revision(" ".join(storable(text).split()))[0]))


def known_model(connection: Connection, text: str) -> Found | None:
    """The same, but None where there is none, without a look for near matches; UnknownModel where there are several."""
    whole = " ".join(storable(text).split())
    if "@" in whole and (version := _version(connection, whole)) is not None:
        return version
    name, revision = _split_revision(whole)
    for candidates in (_exact(connection, name), _folded(connection, name)):
        if len(candidates) > 1:
            ids = ", ".join(sorted(candidates.values())[:3])
            raise UnknownModel(f"{name!r} could be any of {ids}: give the id in its exact letter case")
        for key, repo_id in candidates.items():
            return Found(key, repo_id, revision)
    return None


def _version(connection: Connection, text: str) -> Found | None:
    """The version of a registered model that `name@which` means: by its number, an alias, or the begin of its digest.

    None where `name` is no registered model's; UnknownModel where it has no such version.
    """
    folded = text.casefold()
    called, _, which = folded.partition("@")
    m, v = MODELS.c, VERSIONS.c
    columns = select(m.key, m.repo_id)
    named = columns.join(NAMES, NAMES.c.model_key == m.key)
    exact, in_any_case = named.where(NAMES.c.name == text), named.where(NAMES.c.folded == folded)
    for test in (exact, in_any_case, columns.where(m.folded == folded)):
        if row := connection.execute(test).first():
            return Found(row.key, row.repo_id)
    held = select(v.digest, m.key, m.repo_id, m.state).join(MODELS, m.key == v.model_key)
    versions = connection.execute(held.where(func.lower(v.name) == called)).all()
    found = {row.key: row.repo_id for row in versions if len(which) >= 6 and row.digest.startswith(which)}
    if len(found) == 1:
        return Found(*found.popitem())
    if any(version.state == State.REGISTERED for version in versions):
        name = text.partition("@")[0]
        raise UnknownModel(f"{name} has no version {text.partition('@')[2]}: see `lineage model show {name}`")
    return None


def find_roots(connection: Connection, texts: Sequence[str]) -> tuple[tuple[str, ...], list[Found]]:
    """What a family's roots were asked by, tidied, and the models that means, each once.

    A text is a name as in `find_model`, or `author:NAME` for all models of an author.
    """
    asked: list[str] = []
    roots: dict[int, Found] = {}
    for text in texts:
        if text.casefold().startswith("author:"):
            asked.append(f"author:{text[7:]}")
            for found in _by_author(connection, text[7:]):
                roots.setdefault(found.key, found)
        else:
            found = find_model(connection, text)
            asked.append(found.label)
            roots[found.key] = found
    return tuple(dict.fromkeys(asked)), list(roots.values())


def owned_by(author: str) -> ColumnElement[bool]:
    """The models whose id begins with this author, in any letter case: a range of an index (`0` follows `/`)."""
    folded = author.casefold()
    return and_(MODELS.c.folded >= f"{folded}/", MODELS.c.folded < f"{folded}0")


def like(text: str) -> str:
    """`text` as a LIKE pattern's literal part, with backslash as the escape."""
    return re.sub(r"([\\%_])", r"\\\1", text)


def _split_revision(text: str) -> tuple[str, str | None]:
    name, _, revision = text.partition("@")
    repo_id, in_url = split_url(name) or (name, None)
    return repo_id, revision or in_url


def _exact(connection: Connection, name: str) -> dict[int, str]:
    columns = select(MODELS.c.key, MODELS.c.repo_id, MODELS.c.state)
    found = connection.execute(columns.where(MODELS.c.repo_id == name)).all()
    if not found or found[0].state == State.PLACEHOLDER:
        aliases = columns.join(NAMES, NAMES.c.model_key == MODELS.c.key)
        found = connection.execute(aliases.where(NAMES.c.name == name)).all() or found
    if not found and (target := legacy_names().get(name)):
        found = connection.execute(columns.where(MODELS.c.repo_id == target)).all()
    return {row.key: row.repo_id for row in found}


def _folded(connection: Connection, name: str) -> dict[int, str]:
    folded = name.casefold()
    columns = select(MODELS.c.key, MODELS.c.repo_id, MODELS.c.state)
    rows = connection.execute(columns.where(MODELS.c.folded == folded)).all()
    seen = {row.key: row.repo_id for row in rows if row.state != State.PLACEHOLDER}
    if seen:
        return seen
    aliases = connection.execute(
        columns.join(NAMES, NAMES.c.model_key == MODELS.c.key).where(NAMES.c.folded == folded).distinct()
    ).all()
    return {row.key: row.repo_id for row in aliases or rows}


def _by_author(connection: Connection, author: str) -> list[Found]:
    columns = select(MODELS.c.key, MODELS.c.repo_id)
    rows = connection.execute(columns.where(owned_by(author)).order_by(MODELS.c.repo_id))
    found = [Found(key, repo_id) for key, repo_id in rows]
    if not found:
        raise UnknownModel(f"no model by the author {author!r}: try `lineage search TEXT`")
    return found


def _no_such_model(connection: Connection, name: str) -> str:
    near = _near_matches(connection, name)
    advice = f"did you mean {' or '.join(near)}?" if near else "try `lineage search TEXT`"
    return f"no such model: {name}: {advice}"


def _near_matches(connection: Connection, name: str) -> list[str]:
    """Up to three ids like `name`, from the models whose owner or name begins, or holds, the same letters."""
    folded = name.casefold()
    owner, _, short = folded.rpartition("/")
    columns = select(MODELS.c.folded, MODELS.c.repo_id)
    starts = [owner[:4], short[:6]] if owner else [short[:6]]
    tests = [and_(MODELS.c.folded >= s, MODELS.c.folded < f"{s}\U0010ffff") for s in starts if s]
    tests += [MODELS.c.folded.like(f"%/{like(short[:8])}%", escape="\\")] if short else []
    popularity = (func.coalesce(MODELS.c.downloads, -1).desc(), MODELS.c.repo_id)
    candidates: dict[str, str] = {}
    for test in tests:
        popular = columns.where(test).order_by(*popularity).limit(2_000)
        candidates.update({row[0]: row[1] for row in connection.execute(popular)})
    near = difflib.get_close_matches(folded, candidates, n=3, cutoff=0.6)
    if len(near) < 3:  # `qwen3-8b` is far from `qwen/qwen3-8b` by letters, yet what was meant
        near += [f for f in candidates if f.rpartition("/")[2] == short and f not in near]
    return [candidates[f] for f in near[:3]]
