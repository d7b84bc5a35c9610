"""Search models by what their ids hold, and by a few facts."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, not_, or_, select

from registry.database import read_in_place
from registry.families import reach
from registry.names import like, owned_by
from registry.read import BRIEF, Brief, briefs_of
from registry.records import LONGEST_LABEL
from registry.tables import MODELS, among, listed, one_of

#: So many models are looked up and sorted in 50 ms; of more, the most downloaded are looked for among popular ones.
_FEW = 30_000
#: The ids of so many models are read in 40 ms: of more, two threads read half each.
_MANY = 500_000
# Written out as the index has it: with a bound value SQLite could not tell that the index holds what is asked for.
_POPULAR: ColumnElement[bool] = literal_column("downloads >= 1000")


def search_models(
    connection: Connection,
    text: str,
    *,
    beside: Connection | None = None,
    author: str | None = None,
    license: str | None = None,
    pipeline: str | None = None,
    below: Sequence[int] | None = None,
    limit: int | None = 20,
) -> tuple[list[Brief], int]:
    """Models whose id holds `text`, and how many there are in all; in any letter case, all of it.

    A model whose id is `text` comes first, then the most downloaded.

    `below` keeps descendants of these keys only. `beside` may be another connection to the same moment: see
    `registry.database.reading_twice`.
    """
    if max(map(len, (text, license or ""))) > LONGEST_LABEL:
        return [], 0
    read_in_place(connection)  # an eighth faster
    m = MODELS.c
    dialect = connection.dialect.name
    tests = _tests(text, author, license, pipeline)
    if below is not None:
        tests += [m.key.in_(select(reach(dialect, up=False).c.key)), not_(one_of(dialect, m.key))]
    values = listed(dialect, below or ())
    asked = select(m.key).where(*tests).limit(_FEW + 1)
    by_text_alone = len(tests) == 1 and bool(text)
    if beside is not None and by_text_alone and (middle := _middle(connection)) is not None:
        keys = _halves(asked, middle, connection, beside)
    else:
        keys = connection.scalars(asked, values).all()
    exact = m.folded == text.casefold()
    ranked = select(*BRIEF).order_by(exact.desc(), func.coalesce(m.downloads, -1).desc(), m.repo_id).limit(limit)
    if len(keys) <= _FEW:
        return list(briefs_of(connection, ranked.where(among(connection, m.key, keys))).values()), len(keys)
    total = connection.scalar(select(func.count()).select_from(MODELS).where(*tests), values) or 0
    popular = select(*BRIEF).where(*tests, _POPULAR).order_by(m.downloads.desc(), m.repo_id).limit(limit)
    found = briefs_of(connection, popular, values)
    if limit is None or len(found) < limit:
        found = briefs_of(connection, ranked.where(*tests), values)
    else:
        found = briefs_of(connection, ranked.where(*tests, exact), values) | found
    return list(found.values())[:limit], total


def _middle(connection: Connection) -> str | None:
    """An id (case-folded) with about as many before it as after it; None where there are not many."""
    m = MODELS.c
    last = connection.scalar(select(func.max(m.key))) or 0
    if last < _MANY:
        return None
    some = among(connection, m.key, range(1, last, last // 200))
    ids = connection.scalars(select(m.folded).where(some).order_by(m.folded)).all()
    return ids[len(ids) // 2] if ids else None


def _halves(asked: Select[int], middle: str, connection: Connection, beside: Connection) -> Sequence[int]:
    """What a statement brings of models before the middle, and beside it of those after: 3.1 million ids are read in
    140 ms, and by one in 210 ms."""
    read_in_place(beside)
    with ThreadPoolExecutor(1) as other:
        after: Any = other.submit(lambda: beside.scalars(asked.where(MODELS.c.folded >= middle)).all())
        before = connection.scalars(asked.where(MODELS.c.folded < middle)).all()
        return [*before, *after.result()]


def _tests(text: str, author: str | None, license: str | None, pipeline: str | None) -> list[ColumnElement[bool]]:
    """What a model has to be like."""
    m = MODELS.c
    tests: list[ColumnElement[bool]] = [_holds(m.folded, text.casefold())] if text else []
    if author:
        tests.append(owned_by(author))
    if license:
        quoted = json.dumps(license.lower(), ensure_ascii=False)
        tests.append(or_(_holds(func.lower(m.licenses), quoted), func.lower(m.license_name) == license.lower()))
    if pipeline:
        tests.append(func.lower(m.pipeline_tag) == pipeline.lower())
    return tests


def _holds(column: ColumnElement[str], text: str) -> ColumnElement[bool]:
    """Whether a column holds a text. (With an escape, SQLite takes a tenth longer for 3.1 million ids.)"""
    literal = like(text)
    return column.like(f"%{literal}%", escape="\\" if literal != text else None)
