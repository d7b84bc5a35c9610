"""How labels drift from model to derivative: each edge by what the derivative's label is beside its parent's.

One hop, labels as they are declared; what reaches a model over several hops is the audit's question. The classes
exclude each other and stand in the order in which they are looked for, so that shares can be compared with others'.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Engine

from lineage.judgement import Origin, judge
from lineage.licenses.catalogue import License, Terms, catalogue
from lineage.licenses.labels import UNDECLARED, Declared
from lineage.rules import RULES
from registry.database import reading
from registry.names import find_roots
from registry.read import data_date, walk
from registry.records import Relation

#: The classes, in the order in which they are looked for.
DRIFT = {
    "omitted": "the derivative declares no licence",
    "cannot be told": "what one of the two labels means is not known",
    "same": "both labels name the same licences",
    "contradicted": "the rules find a violation of the derivative's label against its parent's alone",
    "stricter": "on use or terms of derivatives the derivative's label asks for more, on neither for less",
    "alike": "another licence that asks for as much",
    "more permissive": "on use or terms of derivatives it asks for less, and the rules allow it or leave it open",
}


@dataclass(frozen=True, slots=True)
class DriftRow:
    """Edges of one relation whose parent declares a licence, by class of DRIFT."""

    relation: str
    edges: int
    classes: dict[str, int]


@dataclass(frozen=True, slots=True)
class Drift:
    """Drift by relation and over `all`; `bare` edges, whose parent declares nothing or was never seen, stand apart."""

    SCHEMA: ClassVar[str] = "finetune-lineage/drift/1"

    asked: tuple[str, ...]
    rows: tuple[DriftRow, ...]
    bare: int
    definitions: dict[str, str]
    data_date: str | None
    catalogue: str


def drift(engine: Engine, *roots: str) -> Drift:
    """How labels drift in a family (of names or `author:NAME`), or in the whole registry.

    Raises UnknownModel where a name means no model.
    """
    from lineage.claims import Claims  # noqa: PLC0415 - numpy takes 0.1 s, which those who only write a Drift need not pay
    from registry.bulk import everything, gathered  # noqa: PLC0415

    with reading(engine) as connection:
        asked, found = find_roots(connection, roots)
        keys = [root.key for root in found]
        columns = gathered(*walk(connection, keys, up=False)) if roots else everything(connection)
        day = data_date(connection)
        claims = Claims(columns)
    pairs, bare = claims.edges()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (relation, mine, theirs), n in pairs.items():
        if theirs.lacking == UNDECLARED:
            bare += n
        else:
            counts[relation][drift_of(mine, theirs)] += n
    rows = [_row(relation, counts[relation]) for relation in map(str, Relation) if relation in counts]
    every = _row("all", sum(counts.values(), Counter()))
    return Drift(asked, (*rows, every), bare, DRIFT, day, catalogue().version)


def drift_of(mine: Declared, theirs: Declared) -> str:
    """The class of DRIFT of a derivative's label (`mine`) beside that of its parent, which declares a licence."""
    if mine.lacking == UNDECLARED:
        return "omitted"
    if mine.lacking or theirs.lacking:
        return "cannot be told"
    if mine.licenses == theirs.licenses:
        return "same"
    origins = [Origin(license, 0, own=False, former=None) for license in sorted(theirs.licenses)]
    label = Declared(mine.licenses, mine.text)
    if any(RULES[judgement.rule].weight == "violation" for judgement in judge(label, None, origins, ())):
        return "contradicted"
    differences = [a - b for a, b in zip(_demands(mine), _demands(theirs), strict=True)]
    if min(differences) < 0:
        return "more permissive"
    return "stricter" if max(differences) > 0 else "alike"


_USES = ("yes", "conditional", "unknown", "no")
_TERMS = (
    Terms.FREE, Terms.NOTICES, Terms.UNKNOWN, Terms.FILE_SCOPE, Terms.RESIDUAL, Terms.FLOW_DOWN, Terms.SAME,
    Terms.DIRECT, Terms.NO_SHARE,
)  # fmt: skip


def _demands(label: Declared) -> tuple[int, int]:
    """How much a label asks for, in use and in terms of derivatives: the most of its licences."""
    licenses: list[License] = [catalogue().licenses[id] for id in label.licenses]
    return max(_USES.index(x.commercial) for x in licenses), max(_TERMS.index(x.terms) for x in licenses)


def _row(relation: str, counts: Counter[str]) -> DriftRow:
    return DriftRow(relation, counts.total(), {name: counts[name] for name in DRIFT})
