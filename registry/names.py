"""Which model a name means: ids, old names, letter case, legacy short ids, pasted URLs."""

import difflib
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from urllib.parse import unquote, urlsplit

from sqlalchemy import ColumnElement, Connection, and_, func, select

from registry.records import RegistryError, State, storable
from registry.tables import MODELS, NAMES

#: What the Hub accepts as a repository id: huggingface_hub `validate_repo_id`. Its length limit of 96 is younger than
#: some repositories, so this one is wider.
ID = re.compile(r"(?:[A-Za-z0-9_][\w.-]{0,95}/)?[A-Za-z0-9_.][\w.-]{0,199}", re.ASCII)
_URL = re.compile(r"https?://|(?:www\.)?(?:huggingface\.co|hf\.co)/", re.IGNORECASE)
_HOSTS = {"huggingface.co", "www.huggingface.co", "hf.co"}
#: First path parts of Hub pages that are no organisation.
_NOT_OWNERS = {"api", "collections", "datasets", "docs", "models", "papers", "settings", "spaces"}
#: Pages of a model, which stand behind its id in a URL.
_PAGES = {"blob", "commit", "commits", "discussions", "raw", "resolve", "tree"}
_SHA = re.compile(r"[0-9a-f]{7,64}")


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


@cache
def legacy_names() -> dict[str, str]:
    """Short ids of the Hub's first years and the ids they redirect to (source: registry/legacy_names.toml)."""
    table = tomllib.loads(files("registry").joinpath("legacy_names.toml").read_text("utf-8"))
    return {name: f"{owner}/{name}" for owner, names in table.items() for name in names}


def split_url(text: str) -> tuple[str, str | None] | None:
    """The id and revision in a URL of a Hub model page, or None if `text` is not one.

    >>> split_url("https://huggingface.co/Qwen/Qwen3-8B/blob/b968826/README.md")
    ('Qwen/Qwen3-8B', 'b968826')
    """
    if not _URL.match(text):
        return None
    try:
        url = urlsplit(text if "://" in text else f"https://{text}")
    except ValueError:
        return None
    parts = [unquote(part) for part in url.path.split("/") if part]
    if url.hostname not in _HOSTS or not parts or parts[0] in _NOT_OWNERS:
        return None
    short = len(parts) == 1 or parts[1] in _PAGES  # a model of the Hub's first years, without an owner
    repo_id, rest = ("/".join(parts[:1]), parts[1:]) if short else ("/".join(parts[:2]), parts[2:])
    revision = rest[1] if len(rest) > 1 and _SHA.fullmatch(rest[1]) else None
    return (repo_id, revision) if ID.fullmatch(repo_id) else None


def find_model(connection: Connection, text: str) -> Found:
    """The model that `text` names: an id in any letter case, an old name, a Hub URL, or any of these with `@sha`.

    Raises UnknownModel, with up to three near matches, where there is none or more than one.
    """
    name, revision = _split_revision(" ".join(storable(text).split()))
    for candidates in (_exact(connection, name), _folded(connection, name)):
        if len(candidates) > 1:
            ids = ", ".join(sorted(candidates.values())[:3])
            raise UnknownModel(f"{name!r} could be any of {ids}: give the id in its exact letter case")
        for key, repo_id in candidates.items():
            return Found(key, repo_id, revision)
    raise UnknownModel(_no_such_model(connection, name))


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
    found = connection.execute(select(MODELS.c.key, MODELS.c.repo_id).where(MODELS.c.repo_id == name)).all()
    if not found or not _seen(connection, found[0].key):
        aliases = select(MODELS.c.key, MODELS.c.repo_id).join(NAMES, NAMES.c.model_key == MODELS.c.key)
        found = connection.execute(aliases.where(NAMES.c.name == name)).all() or found
    if not found and (target := legacy_names().get(name)):
        found = connection.execute(select(MODELS.c.key, MODELS.c.repo_id).where(MODELS.c.repo_id == target)).all()
    return {row[0]: row[1] for row in found}


def _seen(connection: Connection, key: int) -> bool:
    return connection.scalar(select(MODELS.c.state).where(MODELS.c.key == key)) != State.PLACEHOLDER


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
    tests = [MODELS.c.folded.startswith(s, autoescape=True) for s in starts if s]
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
