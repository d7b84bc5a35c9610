"""Synthetic data: the embedded snapshot again and again, each time under other owners.

So families, dirt and licences keep the shapes that they really have.
"""

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

SNAPSHOT = Path(__file__).parents[1] / "crawler" / "data" / "snapshot.jsonl.gz"
Row = dict[str, Any]
#: Of the models on the whole Hub 28 % have a parent, of those in the snapshot 53 %: so many times must the others be
#: there. https://github.com/aikian/hf-model-supply-chain, 2026-09-25
_COPIES = ("", "-1", "-2")


def write_rows(path: Path, rows: Iterable[Row]) -> int:
    """Write rows as JSON Lines; returns how many."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def synthetic_rows(wanted: int) -> Iterator[Row]:
    """The snapshot's rows, again and again; from the second time on every owner has a number."""
    with gzip.open(SNAPSHOT, "rt", encoding="utf-8") as lines:
        originals = [json.loads(line) for line in lines]
    made = 0
    turn = 0
    while made < wanted:
        for row in originals[: wanted - made]:
            yield (row if turn == 0 else renamed(row, f"{turn}-")) | {"_id": f"{made:024x}"}
            made += 1
        turn += 1


def renamed(row: Row, prefix: str) -> Row:
    """The row under another owner; its parents are renamed alike, so that each turn is a world of its own."""
    copy = dict(row, id=prefix + row["id"])
    copy.pop("author", None)
    if "baseModels" in row:
        models = [{"id": prefix + model["id"]} for model in row["baseModels"]["models"]]
        copy["baseModels"] = dict(row["baseModels"], models=models)
    if "tags" in row:
        copy["tags"] = [renamed_tag(tag, prefix) for tag in row["tags"]]
    card = row.get("cardData", {})
    if isinstance(card.get("base_model"), list):
        copy["cardData"] = dict(card, base_model=[prefix + name for name in card["base_model"]])
    return copy


def renamed_tag(tag: str, prefix: str) -> str:
    """A tag with its base model under another owner."""
    if not tag.startswith("base_model:"):
        return tag
    head, _, name = tag.rpartition(":")
    return f"{head}:{prefix}{name}"


def hub_shaped_rows(wanted: int) -> Iterator[Row]:
    """The same as the Hub would list it, where seven of ten models have no parent."""
    made = 0
    for original in synthetic_rows(wanted):
        row: Row = {"tags": []} | original
        row.pop("observation", None)
        row.pop("baseModels", None)
        named = any(tag.startswith("base_model:") for tag in row["tags"]) or row.get("cardData", {}).get("base_model")
        for suffix in [""] if named else _COPIES:
            if made == wanted:
                return
            yield row | {"id": row["id"] + suffix, "_id": f"{made:024x}"}
            made += 1
