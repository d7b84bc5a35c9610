"""What an update brought to models and families that somebody follows, and which verdicts turned."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from sqlalchemy import Engine

from lineage.audit import ANY, CLASSES, audit
from lineage.changes import Changes, changes
from lineage.policy import Policy
from lineage.rules import Verdict
from lineage.selection import Selection
from registry.as_of import as_of
from registry.database import reading
from registry.names import find_roots
from registry.read import data_date
from registry.runs import last_watched, note_watch, now
from registry.write import writing

_RANK = {verdict.word: verdict for verdict in Verdict}
_BEST_FIRST = {name: rank for rank, name in enumerate(reversed(CLASSES))}


class Standing(NamedTuple):
    """How a model's label stands: pass, review or violation, the verdict, and the models on which that rests."""

    grade: str
    verdict: str
    because_of: tuple[str, ...]

    def rank(self) -> tuple[int, int]:
        """Orders standings from best to worst."""
        return _BEST_FIRST[self.grade], _RANK[self.verdict]


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


def standings(engine: Engine, selection: Selection, policy: Policy) -> dict[str, Standing]:
    """How the labels of all that is followed stand, whatever they claim; by model."""
    return {
        one.model: Standing(one.grade, one.verdict, one.offenders)
        for one in audit(engine, selection, claim=ANY, policy=policy).models
    }


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
    turns = [
        Turn(model, held.verdict, held.grade, now.verdict, now.grade, now.because_of)
        for model, now in standings(engine, selection, policy).items()
        if (held := before.get(model)) is not None and held.rank() != now.rank()
    ]
    turns.sort(key=lambda turn: (-_BEST_FIRST[turn.grade], turn.model))
    worse = {turn.model for turn in turns if _standing(turn).rank() > before[turn.model].rank()}
    return News(
        followed=(*selection.named, *selection.families),
        since=since,
        worse=tuple(turn for turn in turns if turn.model in worse),
        better=tuple(turn for turn in turns if turn.model not in worse),
        changes=changes(engine, since, families=selection.families, models=selection.named, limit=limit),
    )


def _standing(turn: Turn) -> Standing:
    return Standing(turn.grade, turn.after, turn.because_of)
