"""Which model a name means: ids, old names, letter case, legacy short ids, pasted URLs."""

import difflib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import chain
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    String,
    and_,
    cast,
    func,
    null,
    select,
    union_all,
)

from registry.ids import legacy_names, split_url
from registry.read import BRIEF, Brief, brief_of, briefs_of
from registry.records import RegistryError, State, storable
from registry.tables import MODELS, NAMES, VERSIONS, listed, one_of


class UnknownModel(RegistryError):
    """No model goes by this name; the message names up to three that are near."""


@dataclass(frozen=True, slots=True)
class Found:
    """A model that a name led to: its short facts, and the revision (`ID@sha`) as it was asked for."""

    brief: Brief
    revision: str | None = None

    @property
    def key(self) -> int:
        """The key of the model."""
        return self.brief.key

    @property
    def repo_id(self) -> str:
        """The id of the model."""
        return self.brief.id

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
    raise UnknownModel(_no_such_model(connection, _split_revision(_tidy(text))[0]))


def known_model(connection: Connection, text: str) -> Found | None:
    """The same, but None where there is none, without a look for near matches; UnknownModel where there are several."""
    return _Candidates(connection, [text]).meant(text)


def known_models(connection: Connection, texts: Iterable[str]) -> dict[str, Found]:
    """The same of any number of names, in two queries at most; without those that mean none or could be several."""
    names = list(dict.fromkeys(texts))
    candidates = _Candidates(connection, names)
    found = {}
    for name in names:
        with suppress(UnknownModel):
            if (model := candidates.meant(name)) is not None:
                found[name] = model
    return found


def could_mean(connection: Connection, texts: Iterable[str]) -> set[int]:
    """All models (keys) that any of some names could mean, in whatever letter case."""
    return _Candidates(connection, texts).keys


@cache
def _statements(dialect: str) -> tuple[CompoundSelect[Any], Select[Any]]:
    """The models of some ids, and of some other names, in one trip to a server; and the versions of some registered
    names; all case-folded."""
    m, n, v = MODELS.c, NAMES.c, VERSIONS.c
    ids = select(m.folded, cast(null(), String), *BRIEF).where(one_of(dialect, m.folded))
    aliases = select(n.folded, n.name, *BRIEF).join(MODELS, m.key == n.model_key).where(one_of(dialect, n.folded))
    lower = func.lower(v.name, type_=String)
    held = select(lower, v.digest, *BRIEF).join(MODELS, m.key == v.model_key)
    return union_all(ids, aliases), held.where(one_of(dialect, lower))


class _Candidates:
    """All models that some names could mean, by case-folded name."""

    def __init__(self, connection: Connection, texts: Iterable[str]) -> None:
        wholes = [_tidy(text) for text in texts]
        names = {_split_revision(whole)[0] for whole in wholes}
        names |= {whole for whole in wholes if "@" in whole}
        folded = {name.casefold() for name in names}
        folded |= {target.casefold() for name in names if (target := legacy_names().get(name))}
        called = {whole.casefold().partition("@")[0] for whole in wholes if "@" in whole}
        dialect = connection.dialect.name
        names_of, versions_of = _statements(dialect)
        self._ids: defaultdict[str, list[Brief]] = defaultdict(list)
        #: Other names as they are written, and digests of versions, each with its model.
        self._names: defaultdict[str, list[tuple[str, Brief]]] = defaultdict(list)
        self._versions: defaultdict[str, list[tuple[str, Brief]]] = defaultdict(list)
        for name, other, *model in connection.execute(names_of, listed(dialect, folded)):
            if other is None:
                self._ids[name].append(brief_of(model))
            else:
                self._names[name].append((other, brief_of(model)))
        for name, digest, *model in connection.execute(versions_of, listed(dialect, called)) if called else ():
            self._versions[name].append((digest, brief_of(model)))

    @property
    def keys(self) -> set[int]:
        """All of them."""
        others = chain(*self._names.values(), *self._versions.values())
        return {model.key for model in (*chain(*self._ids.values()), *(model for _, model in others))}

    def meant(self, text: str) -> Found | None:
        """The model that one of the names means; UnknownModel where there are several."""
        whole = _tidy(text)
        if "@" in whole and (version := self._version(whole)) is not None:
            return version
        name, revision = _split_revision(whole)
        for candidates in (self._exact(name), self._folded(name)):
            if len(candidates) > 1:
                ids = ", ".join(sorted(model.id for model in candidates)[:3])
                raise UnknownModel(f"{name!r} could be any of {ids}: give the id in its exact letter case")
            for model in candidates:
                return Found(model, revision)
        return None

    def _version(self, text: str) -> Found | None:
        """The version of a registered model that `name@which` means: by its number, an alias, or the begin of its
        digest.

        None where `name` is no registered model's; UnknownModel where it has no such version.
        """
        folded = text.casefold()
        called, _, which = folded.partition("@")
        names = self._names.get(folded, ())
        exact = (model for name, model in names if name == text)
        for model in (*exact, *(model for _, model in names), *self._ids.get(folded, ())):
            return Found(model)
        versions = self._versions.get(called, ())
        found = {model for digest, model in versions if len(which) >= 6 and digest.startswith(which)}
        if len(found) == 1:
            return Found(found.pop())
        if any(model.state == State.REGISTERED for _, model in versions):
            name = text.partition("@")[0]
            raise UnknownModel(f"{name} has no version {text.partition('@')[2]}: see `lineage model show {name}`")
        return None

    def _exact(self, name: str) -> set[Brief]:
        folded = name.casefold()
        found = {model for model in self._ids.get(folded, ()) if model.id == name}
        if all(model.state == State.PLACEHOLDER for model in found):
            found = {model for other, model in self._names.get(folded, ()) if other == name} or found
        if not found and (target := legacy_names().get(name)):
            found = {model for model in self._ids.get(target.casefold(), ()) if model.id == target}
        return found

    def _folded(self, name: str) -> set[Brief]:
        folded = name.casefold()
        models, others = self._ids.get(folded, ()), self._names.get(folded, ())
        seen = {model for model in models if model.state != State.PLACEHOLDER}
        return seen or {model for _, model in others} or set(models)


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


def _tidy(text: str) -> str:
    return " ".join(storable(text).split())


def _split_revision(text: str) -> tuple[str, str | None]:
    name, _, revision = text.partition("@")
    repo_id, in_url = split_url(name) or (name, None)
    return repo_id, revision or in_url


def _by_author(connection: Connection, author: str) -> list[Found]:
    models = briefs_of(connection, select(*BRIEF).where(owned_by(author)).order_by(MODELS.c.repo_id))
    found = [Found(model) for model in models.values()]
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
