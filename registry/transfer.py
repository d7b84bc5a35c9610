"""A registry's content as a digest, and whether it is whole."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Select, case, exists, func, select, text

from registry.read import unneeded_placeholder
from registry.records import State
from registry.runs import broken_off
from registry.tables import DEFECTS, DERIVATIONS, MODELS, NAMES, RUNS

_MODULUS = 2**256
#: Not content: surrogate keys, what follows from others; nor when and by whom something was seen (`sights`).
_BOOKKEEPING = {"key", "folded"}


def digest(connection: Connection, part: str = "all") -> str:
    """A SHA-256 sum of the content: the same whatever the order of rows, the keys, the runs and the times seen.

    `part` "lineage" covers derivations and names, "all" facts and defects too. Rows are hashed one by one and the
    hashes added, so that nothing has to be sorted.
    """
    total = 0
    statements = _lineage_rows() if part == "lineage" else [*_lineage_rows(), *_fact_rows()]
    for label, statement in statements:
        for row in connection.execute(statement):
            total += _row_hash([label, *row])
    return f"{total % _MODULUS:064x}"


def check(connection: Connection) -> list[str]:
    """What is wrong with the registry, one line each; empty where nothing is.

    Names are settled at the end of a run: after one that did not end, only that is told.
    """
    problems = list(_database_problems(connection))
    d, m = DERIVATIONS.c, MODELS.c
    orphans = select(func.count()).select_from(MODELS).where(unneeded_placeholder())
    own = exists().where(m.repo_id == NAMES.c.name, m.state != State.PLACEHOLDER)
    taken = select(func.count()).select_from(NAMES).where(own)
    loops = select(func.count()).select_from(DERIVATIONS).where(d.parent_key == d.child_key)
    unfinished = select(func.count()).select_from(RUNS).where(broken_off())
    silent = (
        select(func.count())
        .select_from(DERIVATIONS)
        .where(d.parent_key.is_(None), ~exists().where(DEFECTS.c.model_key == d.child_key))
    )
    if number := connection.scalar(unfinished):
        words = "imports or crawls that did not end: import the files again, or `lineage crawl resume`"
        return [*problems, f"{number:,} {words}"]
    for statement, words in (
        (orphans, "placeholders that no model names: import any file again"),
        (taken, "old names that are a model's own by now: import any file again"),
        (loops, "models that are their own parent: import any file again"),
        (silent, "declared parents that are neither an edge nor a defect: import any file again"),
    ):
        if number := connection.scalar(statement):
            problems.append(f"{number:,} {words}")
    return problems


def _row_hash(row: Iterable[Any]) -> int:
    line = json.dumps(list(row), ensure_ascii=False, default=str)
    return int.from_bytes(hashlib.sha256(line.encode("utf-8", "surrogatepass")).digest(), "big")


def _lineage_rows() -> list[tuple[str, Select[Any]]]:
    child, parent = MODELS.alias("child"), MODELS.alias("parent")
    d, n = DERIVATIONS.c, NAMES.c
    joined = DERIVATIONS.join(child, child.c.key == d.child_key).outerjoin(parent, parent.c.key == d.parent_key)
    columns = (d.position, parent.c.repo_id, d.name, d.relation, d.origin, d.recovery, d.alias)
    named = NAMES.join(MODELS, MODELS.c.key == n.model_key)
    return [
        ("derivation", select(child.c.repo_id, *columns).select_from(joined)),
        ("name", select(n.name, MODELS.c.repo_id, n.evidence).select_from(named)),
    ]


def _fact_rows() -> list[tuple[str, Select[Any]]]:
    # Booleans are compared as 0 and 1, which is how SQLite holds them.
    facts = [
        case((column, 1), (~column, 0)) if column.name in {"private", "disabled"} else column
        for column in MODELS.c
        if column.name not in _BOOKKEEPING
    ]
    f = DEFECTS.c
    joined = DEFECTS.outerjoin(MODELS, MODELS.c.key == f.model_key)
    return [
        ("model", select(*facts)),
        ("defect", select(MODELS.c.repo_id, f.stage, f.kind, f.field, f.value, f.reason).select_from(joined)),
    ]


def _database_problems(connection: Connection) -> Iterable[str]:
    if connection.dialect.name != "sqlite":
        return
    for row in connection.execute(text("PRAGMA integrity_check(3)")):  # three problems tell enough
        if row[0] != "ok":
            yield f"the file is damaged ({' '.join(row[0].split())}): restore a copy"
    for row in connection.execute(text("PRAGMA foreign_key_check")):
        yield f"a row of {row[0]} points at a model that is not there: restore a copy"
