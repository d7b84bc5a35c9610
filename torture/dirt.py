"""Dirty metadata: every shape that is known of the Hub's rows and cards is kept, repaired or refused, and counted."""

import gzip
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from crawler.headers import front_matter
from crawler.parse import parse
from registry.records import Defect, ModelRecord
from torture.parts import Part, table

Row = dict[str, Any]
#: Real front matters, which are not ours to ship: read where they lie beside the checkout.
CARDS = Path(__file__).parents[2] / "shared" / "data" / "cards" / "frontmatter.jsonl.gz"
_BRIEFLY = 1_000

#: Values of `base_model`: what real cards hold, and what cards older than the Hub's check may.
_BASES: tuple[object, ...] = (
    "Owner/Base",
    ["Owner/Base", "Owner/Other"],
    "owner/BASE",
    "gpt2",
    "Base-Without-Owner",
    ["Owner/Base", "merge", "lazymergekit"],
    ["Owner/Base", "Owner/Base"],
    "me/Model",
    "ME/model",
    "https://huggingface.co/Owner/Base",
    "https://example.org/x",
    "./output",
    "/home/me/model",
    "C:\\models\\base",
    "Owner/Base, Owner/Other",
    "None",
    "",
    [],
    [None],
    [""],
    None,
    2.0,
    7,
    True,
    {"name": "Owner/Base"},
    [{"id": "Owner/Base"}],
    [["Owner/Base"]],
    "a/b/c",
    "Owner/Base ",
    "x" * 3_000,
    "Owner/\x00Base",
    "\ud800",
)
_LICENSES: tuple[object, ...] = (
    "apache-2.0",
    ["mit", "apache-2.0"],
    "Apache License 2.0",
    "other",
    "unknown",
    "gpl",
    False,
    None,
    "",
    [],
    [None],
    {"name": "mit"},
    3.0,
    "y" * 3_000,
    " mit ",
)
_RELATIONS: tuple[object, ...] = ("finetune", "merge", "Quantized", "lora", "", None, 1, ["adapter"], {"a": 1})
#: Fields of rows on which one of the Hub's own clients fails, or that sources write in several ways.
_FIELDS: dict[str, tuple[object, ...]] = {
    "ids": (
        "me/Model",
        "gpt2",
        "./x",
        "a/b/c",
        "--",
        "me/Model.git ",
        "",
        None,
        5,
        "x" * 97,
        "https://huggingface.co/me/Model",
    ),
    "_id": ("621ffdc136468d709f17a5fd", "621FFDC136468D709F17A5FD", "", 6, None),
    "createdAt": (
        "2022-03-02T23:29:04.000Z",
        "2022-03-02T23:29:04+02:00",
        "2022-03-02",
        "yesterday",
        1_646_263_744,
        None,
        "",
        "0001-01-01T00:00:00+23:00",
    ),
    "lastModified": ("2024-09-24T15:48:47.000Z", "2024-W39-2", "2024-09-24 15:48", [], {}),
    "gated": (False, "auto", "manual", True, "yes", 1, None),
    "private": (True, False, "false", 0, None),
    "disabled": (True, None, "no"),
    "downloads": (0, 5, -1, 1.5, "12", 2**70, True, None),
    "likes": (0, None, "many"),
    "author": ("me", "", None, 3, "\ud800"),
    "sha": ("adc3b06f79f797d1c575d5479d6f5efe54a9e3b4", "", 7),
    "pipeline_tag": ("text-generation", "", ["a"], None),
    "tags": (
        ["base_model:Owner/Base", "base_model:merge:Owner/Base"],
        ["base_model:lora:Owner/Base"],
        ["base_model:"],
        ["license:"],
        [None, 1],
        "license:mit",
        None,
        {},
        ["base_model:finetune:a/b", "base_model:adapter:a/b"],
    ),
    "baseModels": (
        {"relation": "finetune", "models": [{"_id": "6", "id": "Owner/Base"}]},
        {"relation": "x", "models": []},
        {"models": [{}]},
        {"models": None},
        [],
        "Owner/Base",
        None,
    ),
    "cardData": (
        {},
        None,
        "{}",
        '{"license": "mit"}',
        "[1]",
        "{",
        [],
        3,
        {"self": 1, "ignore_metadata_errors": 2},
        {"model-index": [{"name": "x", "results": None}]},
        {"model-index": [{"name": "x", "results": [{"source": {"name": "no url"}}]}]},
    ),
    "fields that say nothing of lineage": (
        {"safetensors": {}},
        {"siblings": [{}]},
        {"transformersInfo": {"x": 1}},
        {"childrenModelCount": {}},
        {"inferenceProviderMapping": [1]},
    ),
}


def dirt(brief: bool) -> Part:
    """All shapes, and all front matters that there are."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    wrong: list[str] = []
    for kind, row in shapes():
        _count(found[kind], wrong, kind, row, *parse(row))
    for id, card in cards(_BRIEFLY if brief else None):
        _count_card(found["front matter of real cards"], wrong, id, card)
    rows: list[tuple[object, ...]] = []
    for kind, counts in found.items():
        sums = [counts[outcome] for outcome in ("kept", "repaired", "refused")]
        if sum(sums) != counts["given"]:
            wrong.append(f"{kind}: of {counts['given']:,} given {sum(sums):,} are accounted for")
        rows.append((kind, counts["given"], *sums))
    text = (
        "What goes in is kept as it is, repaired with a defect that says so, or refused with a defect; each base model "
        "and licence label that a card declares is a parent or a label afterwards, or stands in a defect.\n\n"
        f"{table(('kind', 'given', 'kept', 'repaired', 'refused'), rows)}"
    )
    return Part("Dirty metadata", text, tuple(wrong[:20]))


def shapes() -> Iterator[tuple[str, object]]:
    """Rows of every shape that is known, each with its kind."""
    for name, values in (("base_model", _BASES), ("license", _LICENSES), ("base_model_relation", _RELATIONS)):
        for value in values:
            besides = {"base_model": "Owner/Base"} if name == "base_model_relation" else {}
            yield f"card: {name}", {"id": "me/Model", "cardData": {**besides, name: value}}
    for field, values in _FIELDS.items():
        for value in values:
            more = value if field.startswith("fields") and isinstance(value, dict) else {field: value}
            yield f"row: {field}", {"id": "me/Model", **({"id": value} if field == "ids" else more)}
    for value in (None, [], "me/Model", 1, {}, {"modelId": "me/Model"}):
        yield "row: no model, or its old name", value


def cards(most: int | None = None) -> Iterator[tuple[str, str]]:
    """Real front matters, where they are at hand: id and text."""
    if not CARDS.is_file():
        return
    with gzip.open(CARDS, "rt", encoding="utf-8") as file:
        for number, line in enumerate(file):
            if number == most:
                return
            row = json.loads(line)
            yield str(row["id"]), str(row["frontmatter"])


def _count(
    counts: Counter[str], wrong: list[str], what: str, row: object, record: ModelRecord | None, loose: Iterable[Defect]
) -> None:
    counts["given"] += 1
    defects = [*(record.defects if record else ()), *loose]
    if record is not None:
        counts["repaired" if defects else "kept"] += 1
        wrong += [f"{what}: {name!r} is neither kept nor a defect"[:300] for name in _lost(row, record)]
    elif defects:
        counts["refused"] += 1


def _count_card(counts: Counter[str], wrong: list[str], id: str, card: str) -> None:
    """A card by its front matter, and by what is parsed of that."""
    header = front_matter(BytesIO(f"---\n{card}\n---\n".encode("utf-8", "surrogatepass")))
    if header.values is None:
        counts["given"] += 1
        counts["refused"] += header.defect is not None
        return
    record, loose = parse({"id": id, "cardData": header.values})
    more = () if header.defect is None else (Defect(header.defect[0], "README.md", "", header.defect[1]),)
    record = record and record._replace(defects=(*record.defects, *more))
    _count(counts, wrong, id, {"cardData": header.values}, record, loose)


def _lost(row: object, record: ModelRecord) -> Iterator[object]:
    """What a card declares and nothing of the record or its defects accounts for."""
    card = row.get("cardData") if isinstance(row, dict) else None
    if not isinstance(card, dict):
        return
    parents = {name for parent in record.parents or () for name in (parent.name, parent.alias)}
    for field, kept in (("base_model", parents), ("license", set(record.licenses or ()))):
        told = any(defect.field == field for defect in record.defects)
        value = card.get(field)
        for item in value if isinstance(value, list) else [] if value is None else [value]:
            text = item.strip() if isinstance(item, str) else None
            if not told and text not in kept:
                yield item
