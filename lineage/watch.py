"""What an update brought to models and families that somebody follows, and which verdicts turned."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Engine

from lineage.audit import standings
from lineage.changes import Changes, changes
from lineage.judgement import CLASSES
from lineage.policy import Policy
from lineage.rules import Verdict
from lineage.scoreboard import Standing
from lineage.selection import Selection
from registry.as_of import as_of
from registry.database import reading
from registry.names import find_roots
from registry.read import data_date
from registry.runs import last_watched, note_watch, now
from registry.write import writing

_RANK = {verdict.word: verdict for verdict in Verdict}


@dataclass(frozen=True, slots=True)
class Turn:
    """A model whose verdict is another one than before, and the models on which that rests now."""

    model: str
    before: str
    before_grade: str
    after: str
    grade: str
    because_of: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class News:
    """What an update brought: verdicts that got `worse` and `better`, and what changed in the models that are followed,
    in all above them, and in all below the roots of families."""

    SCHEMA: ClassVar[str] = "finetune-lineage/news/1"

    followed: tuple[str, ...]
    since: str
    worse: tuple[Turn, ...]
    better: tuple[Turn, ...]
    changes: Changes


def told_before(engine: Engine, selection: Selection, policy: Policy) -> tuple[dict[str, Standing], str]:
    """The standings that the last watch of the same models told, else those of now; and the time that they are of.

    What an import or a crawl of its own brought since then has been told by nobody.
    """
    with reading(engine) as connection:
        find_roots(connection, (*selection.named, *selection.families))  # before anything is fetched
        newest = data_date(connection) or ""
        last = last_watched(connection, _followed(selection))
    if last is None or last >= newest:
        return standings(engine, selection, policy), max(now(), newest)
    with as_of(engine, last, selection.named, selection.families) as then:
        return standings(then, selection, policy), last


def note_told(engine: Engine, selection: Selection) -> None:
    """Note that a watch of these models has told all that the registry knows by now."""
    with writing(engine) as connection:
        note_watch(connection, _followed(selection), max(now(), data_date(connection) or ""))


def _followed(selection: Selection) -> str:
    """What is followed, in a text that is the same each time."""
    said = json.dumps([sorted(selection.named), sorted(selection.families)])
    return f"{selection.asked[:200]} ({hashlib.sha256(said.encode()).hexdigest()[:16]})"


def news(
    engine: Engine, selection: Selection, policy: Policy, before: Mapping[str, Standing], since: str,
    limit: int | None = None,
) -> News:  # fmt: skip
    """What is otherwise than `before`, which is what `standings` said at the time `since`.

    Shows at most `limit` changes of each field and new models, and all verdicts that turned.
    """
    after = standings(engine, selection, policy)
    turns = [
        Turn(model, held.verdict, held.grade, found.verdict, found.grade, found.because_of)
        for model, found in after.items()
        if (held := before.get(model)) is not None and _rank(held) != _rank(found)
    ]
    turns.sort(key=lambda turn: (CLASSES.index(turn.grade), turn.model))
    worse = {turn.model for turn in turns if _rank(after[turn.model]) > _rank(before[turn.model])}
    return News(
        followed=(*selection.named, *selection.families),
        since=since,
        worse=tuple(turn for turn in turns if turn.model in worse),
        better=tuple(turn for turn in turns if turn.model not in worse),
        changes=changes(engine, since, families=selection.families, models=selection.named, limit=limit),
    )


def _rank(standing: Standing) -> tuple[int, int]:
    """Orders standings from best to worst."""
    return -CLASSES.index(standing.grade), _RANK[standing.verdict]
