"""Raw row → ModelRecord and defects. Pure; never raises, whatever the row holds.

A raw row is a JSON object of the Hub's API (list and single-model shape alike) or the same fields from a hub-stats
Parquet file. It may carry an `observation` object of its own: `{"source": …, "seen": …, "gone": true}`, for dumps that
join several sources; `"seen": null` says that the date is not known.
"""

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from crawler.parents import read_parents
from registry.ids import ID
from registry.records import LONGEST_LABEL, Defect, ModelRecord, author_of, iso_time, raw_text, storable

_MOST_INTEGER = 2**63 - 1
_SUBJECTS = {"base_model", "license", "dataset"}
#: Tags of tools that write model cards, and with them a licence label (see lineage/data/templates.toml).
_TOOLS = {"autotrain", "axolotl", "llama-factory", "mergekit", "trl", "unsloth"}
_HUB_ID = re.compile(r"[0-9a-f]{24}")


class Notes:
    """The defects of one row, collected while it is read."""

    def __init__(self) -> None:
        self.defects: list[Defect] = []

    def add(self, kind: str, field: str, value: object, reason: str) -> None:
        """Note that `value` of `field` was refused or repaired."""
        self.defects.append(Defect(kind, field, raw_text(value), reason))


def parse(row: object, fingerprint: bytes | None = None) -> tuple[ModelRecord | None, tuple[Defect, ...]]:
    """Read a raw row, of which its source may have made a fingerprint.

    Returns the record, with its defects inside, and `()`; or None and the reason why the row is no model.
    """
    notes = Notes()
    if not isinstance(row, dict):
        notes.add("not-an-object", "", row, "a model is a JSON object")
        return None, tuple(notes.defects)
    repo_id = row.get("id") or row.get("modelId")
    if not isinstance(repo_id, str) or not ID.fullmatch(repo_id):
        notes.add("bad-id", "id", repo_id, "not a repository id (owner/name)")
        return None, tuple(notes.defects)
    return _record(repo_id, row, fingerprint, notes), ()


def _record(repo_id: str, row: dict[str, Any], fingerprint: bytes | None, notes: Notes) -> ModelRecord:
    card = _card(row.get("cardData"), notes)
    tags = _tags(row.get("tags"), notes)
    parents = read_parents(repo_id, row, None if tags is None else tags["base_model"], card, notes.add)
    licenses = _licenses(tags, card, notes)
    author, sha, pipeline_tag, library_name = _texts(row, ("author", "sha", "pipeline_tag", "library_name"), notes)
    named, linked, new_version, *others = _texts(card, _CARD_TEXTS, notes) if card else _NO_TEXTS
    source, seen, gone, dated = _observation(row["observation"], notes) if "observation" in row else _OBSERVED
    return ModelRecord(
        repo_id,
        _hub_id(row.get("_id"), notes),
        author or author_of(repo_id),
        _time(row, "createdAt", notes),
        _time(row, "lastModified", notes),
        sha,
        _count(row, "downloads", notes),
        _count(row, "likes", notes),
        pipeline_tag or others[0],
        library_name or others[1],
        _gated(row, notes),
        _flag(row, "private", notes),
        _flag(row, "disabled", notes),
        licenses,
        named,
        linked,
        new_version,
        None if tags is None else tuple(tags["dataset"]),
        None if tags is None else tuple(tags["tool"]),
        parents,
        tuple(dict.fromkeys(notes.defects)),
        gone,
        source,
        seen,
        dated,
        None if "observation" in row else fingerprint,  # its date is its own
    )


_CARD_TEXTS = ("license_name", "license_link", "new_version", "pipeline_tag", "library_name")
_NO_TEXTS: list[str | None] = [None] * len(_CARD_TEXTS)
#: What a row says of its own sight if it says nothing.
_OBSERVED = (None, None, False, True)


def _observation(value: object, notes: Notes) -> tuple[str | None, str | None, bool, bool]:
    """Who saw the model, when, whether it was gone by then, and whether that date is known."""
    said = value if isinstance(value, dict) else {}
    (source,) = _texts(said, ("source",), notes)
    seen = _time(said, "seen", notes)
    return source, seen, said.get("gone") is True, said.get("seen", "") is not None


def _card(value: object, notes: Notes) -> dict[str, Any] | None:
    """The card's metadata; hub-stats holds it as JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            notes.add("bad-type", "cardData", value, "not a JSON object")
            return None
    if value is not None and not isinstance(value, dict):
        notes.add("bad-type", "cardData", value, "not a JSON object")
        return None
    return value


def _tags(value: object, notes: Notes) -> dict[str, list[str]] | None:
    """What the tags say of base models, licences, datasets and training tools; None where the row has no tags."""
    if value is None:
        return None
    if not isinstance(value, list):
        notes.add("bad-type", "tags", value, "not a list")
        return None
    tags: dict[str, list[str]] = {"base_model": [], "license": [], "dataset": [], "tool": []}
    for tag in value:
        if not isinstance(tag, str):
            notes.add("bad-type", "tags", tag, "a tag is text")
        elif ":" in tag:
            subject, _, said = tag.partition(":")
            if subject in _SUBJECTS and said:
                tags[subject].append(_clipped(said, "tags", notes))
        elif tag in _TOOLS:
            tags["tool"].append(tag)
    return tags


def _licenses(tags: dict[str, list[str]] | None, card: dict[str, Any] | None, notes: Notes) -> tuple[str, ...] | None:
    """The declared licence labels, as written; None where neither tags nor card are part of the row."""
    if tags is None and card is None:
        return None
    tagged = tags["license"] if tags else []
    value = (card or {}).get("license")
    listed = value if isinstance(value, list) else [] if value is None else [value]
    declared = []
    for label in listed:
        if isinstance(label, str) and label.strip():
            declared.append(_clipped(label.strip(), "license", notes))
        else:
            notes.add("bad-type", "license", label, "a licence label is text")
    if tagged and declared and set(tagged) != set(declared):
        notes.add("contradiction", "license", {"tags": tagged, "card": declared}, "tags and card disagree")
    return tuple(dict.fromkeys(declared or tagged))


def _clipped(text: str, field: str, notes: Notes) -> str:
    """Text that any database can hold, and no longer than a label may be."""
    if len(text) <= LONGEST_LABEL and text.isprintable():
        return text
    clean = storable(text)
    if clean != text:
        notes.add("unstorable-text", field, text, "holds characters that are not text")
    if len(clean) > LONGEST_LABEL:
        notes.add("too-long", field, text, f"cut at {LONGEST_LABEL} characters")
    return clean[:LONGEST_LABEL]


def _texts(row: dict[str, Any], fields: Iterable[str], notes: Notes) -> list[str | None]:
    """The texts in some fields; nearly all are plain, and cost no call."""
    get = row.get
    return [
        value
        if (value := get(field)) is None or (value.__class__ is str and 0 < len(value) < 200 and value.isprintable())
        else _text(value, field, notes)
        for field in fields
    ]


def _text(value: object, field: str, notes: Notes) -> str | None:
    if value == "":
        return None
    if isinstance(value, str):
        return _clipped(value, field, notes)
    notes.add("bad-type", field, value, "not text")
    return None


def _hub_id(value: object, notes: Notes) -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and _HUB_ID.fullmatch(value):
        return value
    notes.add("bad-id", "_id", value, "not an id of the Hub (24 hexadecimal digits)")
    return None


def _count(row: dict[str, Any], field: str, notes: Notes) -> int | None:
    value = row.get(field)
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST_INTEGER:
        return value
    notes.add("bad-type", field, value, "not a count")
    return None


def _flag(row: dict[str, Any], field: str, notes: Notes) -> bool | None:
    value = row.get(field)
    if value is None or isinstance(value, bool):
        return value
    notes.add("bad-type", field, value, "not true or false")
    return None


def _gated(row: dict[str, Any], notes: Notes) -> str | None:
    """`false`, `auto` or `manual` as the Hub says it; `true` where a source does not say which."""
    value = row.get("gated")
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value in ("auto", "manual"):
        return value
    notes.add("bad-type", "gated", value, "not false, auto or manual")
    return None


def _time(row: dict[str, Any], field: str, notes: Notes) -> str | None:
    """ISO 8601 in UTC to the second."""
    value = row.get(field)
    if value is None:
        return None
    try:
        if isinstance(value, str) and value.endswith(_AS_THE_HUB.get(len(value), "\0")) and value[5:6] != "W":
            datetime.fromisoformat(value)
            return f"{value[:19]}Z"
        return iso_time(value if isinstance(value, datetime) else datetime.fromisoformat(value))
    except (TypeError, ValueError, OverflowError):
        notes.add("bad-date", field, value, "not an ISO 8601 time")
        return None


#: Times as the Hub writes them, and as we do: what ends a text of such a length (but for one with weeks for months).
_AS_THE_HUB = {24: ".000Z", 20: "Z"}
