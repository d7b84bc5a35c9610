"""Little worlds for tests: rows as the Hub's API gives them, families from an indented sketch, content as plain values.

No model is named in two ways here unless a test asks for it.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Engine, delete, select
from sqlmodel import SQLModel

from crawler.load import save_rows
from registry.database import analyze
from registry.records import HUB_RELATIONS
from registry.resolve import resolve_names
from registry.runs import begin_run, end_run, save_position
from registry.tables import DEFECTS, DERIVATIONS, MODELS, NAMES, SIGHTS
from registry.write import Saved, writing

Row = dict[str, Any]

SEEN = "2026-01-01T00:00:00Z"


def hub_id(repo_id: str) -> str:
    """An `_id` as the Hub gives one, always the same for a model."""
    return hashlib.blake2b(repo_id.encode(), digest_size=12).hexdigest()


def api_row(
    id: str,
    parents: Sequence[str] = (),
    relation: str = "finetune",
    license: str | None = None,
    **fields: Any,
) -> Row:
    """A model as the Hub's API gives it, with the tags that the Hub derives. A field of None is left out.

    `tags=None` leaves only the card's word; `cardData=None` only the Hub's.
    """
    tags = [f"base_model:{name}" for name in parents] + [f"base_model:{relation}:{name}" for name in parents]
    card: Row = {}
    if license is not None:
        tags.append(f"license:{license}")
        card["license"] = license
    if parents:
        card["base_model"] = list(parents)
    row = {
        "_id": hub_id(id),
        "id": id,
        "author": id.partition("/")[0] if "/" in id else None,
        "createdAt": "2025-01-01T00:00:00.000Z",
        "lastModified": "2025-06-01T00:00:00.000Z",
        "downloads": 10,
        "likes": 1,
        "gated": False,
        "private": False,
        "tags": [*tags, "region:us"],
        "cardData": card,
    }
    return {name: value for name, value in (row | fields).items() if value is not None}


def save(engine: Engine, rows: Iterable[object], *, seen: str = SEEN, source: str = "test") -> Saved:
    """Save raw rows as one page, and lead all names to models."""
    with writing(engine) as connection:
        saved = save_rows(connection, rows, seen=seen, source=source)
        resolve_names(connection)
    return saved


def imported(engine: Engine, rows: Sequence[Row], seen: str = SEEN) -> None:
    """Save raw rows as an import does, which is data of a day."""
    saved = save(engine, rows, seen=seen)
    with writing(engine) as connection:
        run = begin_run(connection, "import", "test", seen)
        save_position(connection, run, Saved(models=saved.models))
        end_run(connection, run)


def settle(engine: Engine) -> None:
    """Tell the planner what was saved, as an import does."""
    with engine.begin() as connection:
        analyze(connection)


def emptied(engine: Engine) -> Engine:
    """The registry without its content: quicker than another one."""
    with writing(engine) as connection:
        for table in reversed(SQLModel.metadata.sorted_tables):
            connection.execute(delete(table))
    return engine


def family(engine: Engine, sketch: str) -> None:
    """Save a family drawn as an indented sketch: each model below what it was made from.

        Qwen/Base  apache-2.0
          me/Tuned  finetune  mit
            you/Tuned-GGUF  quantized
          gone/Adapter  adapter  gone

    After the id stand, in any order, the relation (default: finetune, or merge of several parents), the licence,
    `gone` for a model that was deleted, and `unseen` for one that is only named. A model that is drawn again below
    another parent has both.
    """
    rows = []
    for id, (parents, words) in _drawn(sketch).items():
        relations = [word for word in words if word in HUB_RELATIONS]
        licenses = [word for word in words if word not in HUB_RELATIONS | {"gone", "unseen"}]
        if "unseen" in words:
            continue
        rows.append(
            api_row(
                id,
                parents,
                relations[0] if relations else "merge" if len(parents) > 1 else "finetune",
                licenses[0] if licenses else None,
                observation={"gone": True} if "gone" in words else None,
            )
        )
    save(engine, rows)


def _drawn(sketch: str) -> dict[str, tuple[list[str], list[str]]]:
    """Each model's parents and words, in the sketch's order."""
    drawn: dict[str, tuple[list[str], list[str]]] = {}
    above: list[tuple[int, str]] = []
    for line in sketch.splitlines():
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        id, *words = line.split()
        while above and above[-1][0] >= indent:
            above.pop()
        parents, known = drawn.setdefault(id, ([], []))
        parents += [above[-1][1]] if above else []
        known += words
        above.append((indent, id))
    return drawn


Content = dict[str, list[tuple[Any, ...]]]


def content(engine: Engine) -> Content:
    """All that a registry holds, and when it was seen, with ids in place of keys. Runs are no content."""
    with engine.connect() as connection:
        ids = {row.key: row.repo_id for row in connection.execute(select(MODELS.c.key, MODELS.c.repo_id))}
        tables = {
            table.name: [row._asdict() for row in connection.execute(select(table))]
            for table in (MODELS, SIGHTS, NAMES, DERIVATIONS, DEFECTS)
        }
    for rows in tables.values():
        for row in rows:
            row.pop("key", None)
            row.pop("fingerprint", None)  # that of how a row was written
            row.pop("since", None)  # of sights between others only the ends of a run are known
            for column in ("model_key", "child_key", "parent_key"):
                if row.get(column) is not None:
                    row[column] = ids[row[column]]
    return {name: sorted((tuple(row.values()) for row in rows), key=repr) for name, rows in tables.items()}


def edges(engine: Engine) -> dict[tuple[str, str], str]:
    """Every edge (child, parent) with what it rests on."""
    evidence: dict[tuple[str, str], str] = {}
    for child, _, parent, _, _, origin, recovery, _ in content(engine)["derivations"]:
        if parent is not None:
            assert (child, parent) not in evidence, "one edge twice"
            evidence[child, parent] = recovery or origin
    return evidence


def defects(engine: Engine) -> set[tuple[str | None, str, str]]:
    """Every defect as (model, kind, value)."""
    return {(model, kind, value) for model, _, kind, _, value, _ in content(engine)["defects"]}


def models(engine: Engine) -> dict[str, Row]:
    """Every model's facts, by id."""
    with engine.connect() as connection:
        joined = MODELS.outerjoin(SIGHTS, SIGHTS.c.model_key == MODELS.c.key)
        columns = [column for column in SIGHTS.c if column.name not in {"model_key", "fingerprint", "since"}]
        rows = [dict(row) for row in connection.execute(select(MODELS, *columns).select_from(joined)).mappings()]
    return {row["repo_id"]: row for row in rows}


def names(engine: Engine) -> dict[str, tuple[str, str]]:
    """Every other name with the model it means and how that is known."""
    return {name: (model, evidence) for name, _, model, evidence in content(engine)["names"]}
