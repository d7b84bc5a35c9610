"""What one source says about one model: frozen values, raw labels, nothing interpreted.

They are named tuples, which are made four times as fast as frozen dataclasses: there are millions of them.
"""

import json
import pickle
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain
from typing import Any, NamedTuple, Self

#: Raw values are kept for people to look at, not to rebuild from.
VALUE_LIMIT = 2048
#: Labels longer than this many characters are cut; none on the Hub is.
LONGEST_LABEL = 2048
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL: PostgreSQL refuses it; surrogates: no UTF-8 holds them


class RegistryError(Exception):
    """Something a person can mend; the message is one line that ends with the way out."""


class Relation(StrEnum):
    """How a derivative was made from its base model, in the Hub's own words.

    Source: model cards documentation of the Hub, "Specifying a base model"
    (https://huggingface.co/docs/hub/model-cards#specifying-a-base-model).
    """

    FINETUNE = "finetune"
    ADAPTER = "adapter"
    QUANTIZED = "quantized"
    MERGE = "merge"
    UNKNOWN = "unknown"


#: The relations that the Hub writes into tags; `unknown` is ours.
HUB_RELATIONS = frozenset({"finetune", "adapter", "quantized", "merge"})


class Evidence(StrEnum):
    """What an edge rests on.

    `tag`: the Hub resolved it (`base_model:ID` and `base_model:<relation>:ID` tags). `card`: only the model card
    says it. `both`: both do. `tag-unresolved`: a tag that the Hub did not write itself (a training library did).
    `recovered-*`: the name as written is no model's, but letter case, a rename, or the table of legacy short ids
    leads to exactly one. Of registered models, `file`: a file of the model states it; `heuristic`: it was concluded
    from one that does not; `stated`: who registered the model said so.
    """

    TAG = "tag"
    CARD = "card"
    BOTH = "both"
    TAG_UNRESOLVED = "tag-unresolved"
    FILE = "file"
    HEURISTIC = "heuristic"
    STATED = "stated"
    CASE = "recovered-by-case"
    RENAME = "recovered-by-rename"
    LEGACY = "recovered-legacy"


#: Evidence by which the Hub itself vouches that the parent exists.
HUB_EVIDENCE = (Evidence.TAG, Evidence.BOTH)
#: Evidence by which somebody's word alone names the parent.
OPEN_EVIDENCE = (Evidence.CARD, Evidence.TAG_UNRESOLVED, Evidence.FILE, Evidence.HEURISTIC, Evidence.STATED)
#: Evidence that stands for a name which we, not the Hub, led to a model.
RECOVERED = frozenset({Evidence.CASE, Evidence.RENAME, Evidence.LEGACY})


#: Every kind of defect, and what it is.
DEFECT_KINDS = {
    "unresolved-parent": "a declared parent that no model is called; there is a placeholder for it",
    "ambiguous-name": "a declared parent that could be several models",
    "self-reference": "a model that names itself as its parent; no edge",
    "duplicate-parent": "a parent named twice; one edge",
    "cycle": "an edge by which a model is its own ancestor; kept, and queries end all the same",
    "local-path": "a path on somebody's machine in place of an id",
    "url": "a URL in place of an id; one of a Hub page is read as its id",
    "joined": "several ids in one text, read as several",
    "bad-id": "not a repository id",
    "not-a-name": "a number, an object, nothing, in place of an id",
    "bad-relation": "a relation that the Hub does not have",
    "contradiction": "tags and card, or two tags, say different things",
    "bad-type": "a value of another kind than the field's",
    "bad-date": "not an ISO 8601 time",
    "unstorable-text": "text with characters that are none",
    "too-long": "text over 2,048 characters, cut",
    "not-an-object": "a row that is no JSON object",
    "bad-json": "a line, or the rest of a list, that is no JSON",
    "broken-file": "a file that broke off",
}


class State(StrEnum):
    """Whether a source has seen the model itself.

    `placeholder`: only named as a parent, never seen. `gone`: deleted or private by the date it was last seen.
    `registered`: not of the Hub, but registered by people.
    """

    LISTED = "listed"
    PLACEHOLDER = "placeholder"
    GONE = "gone"
    REGISTERED = "registered"


class Parent(NamedTuple):
    """One declared base model.

    `name` is the id to look up; `origin` is one of tag, card, both, tag-unresolved; `alias` is the card's
    spelling where the Hub resolved it to `name` (a rename).
    """

    name: str
    relation: str
    origin: str
    alias: str | None = None


class Defect(NamedTuple):
    """A piece of metadata that was refused or repaired: `field`, its raw `value` (at most 2 kB), and why."""

    kind: str
    field: str
    value: str
    reason: str


class ModelRecord(NamedTuple):
    """What one source says about one model. None means "not said", which is not the same as empty.

    Times are ISO 8601 in UTC to the second (`2025-04-27T03:41:05Z`); `downloads` counts the last 30 days, as the
    Hub publishes it; `licenses`, `license_name`, `license_link` and `gated` are the Hub's raw labels; `tools` are
    training tools that the tags name. `parents` stand in the order the card declares them. `seen` is set where the row
    carries its own date. `fingerprint` is a sum (16 bytes) of the raw row, where its source makes one: two rows of one
    fingerprint say the same.
    """

    repo_id: str
    hub_id: str | None = None
    author: str | None = None
    created_at: str | None = None
    last_modified: str | None = None
    sha: str | None = None
    downloads: int | None = None
    likes: int | None = None
    pipeline_tag: str | None = None
    library_name: str | None = None
    gated: str | None = None
    private: bool | None = None
    disabled: bool | None = None
    licenses: tuple[str, ...] | None = None
    license_name: str | None = None
    license_link: str | None = None
    new_version: str | None = None
    datasets: tuple[str, ...] | None = None
    tools: tuple[str, ...] | None = None
    parents: tuple[Parent, ...] | None = None
    defects: tuple[Defect, ...] = ()
    gone: bool = False
    source: str | None = None
    seen: str | None = None
    dated: bool = True
    """False where the source says that the date of its sight is not known."""
    fingerprint: bytes | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """Records by columns, in the order of a record's fields. So they go from the process that reads to the one that
    saves, and into rows, in a third of the time: there, none that is new becomes an object of its own.
    """

    columns: tuple[tuple[Any, ...], ...]

    @classmethod
    def of(cls, records: Iterable[ModelRecord]) -> Self:
        """Records by columns, if they are not yet."""
        if isinstance(records, cls):
            return records
        return cls(tuple(zip(*records, strict=True)) or ((),) * len(ModelRecord._fields))

    @classmethod
    def by_name(cls, records: Iterable[ModelRecord]) -> Self:
        """Records in the order of the indexes of names: neighbours share their pages, and what lies side by side in
        memory goes in one after the other."""
        return cls.of(sorted(records, key=lambda record: record.repo_id.casefold()))

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """All of some, one after the other."""
        filled = [part for part in parts if len(part)]
        if len(filled) == 1:
            return filled[0]
        columns = zip(*(part.columns for part in filled), strict=True)
        return cls(tuple(tuple(chain.from_iterable(pieces)) for pieces in columns)) if filled else cls.of([])

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[ModelRecord]:
        return map(ModelRecord._make, zip(*self.columns, strict=True))

    def column(self, field: str) -> tuple[Any, ...]:
        """The values of a field."""
        return self.columns[ModelRecord._fields.index(field)]

    def __reduce__(self) -> tuple[Any, ...]:
        # Each by itself: what pickle remembers of all columns at once no processor's cache holds (100,000 records are
        # packed in 0.25 s for 0.38 s).
        return _unpacked, tuple(map(pickle.dumps, self.columns))


def _unpacked(*columns: bytes) -> Records:
    return Records(tuple(map(pickle.loads, columns)))


def author_of(repo_id: str) -> str | None:
    """The owner in an id; None in a legacy short id."""
    owner, slash, _ = repo_id.partition("/")
    return owner if slash else None


def iso_time(time: datetime) -> str:
    """A time as the registry writes it; one without a zone is UTC, as in the dumps of the Hub."""
    zoned = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return zoned.replace(tzinfo=None, microsecond=0).isoformat() + "Z"


def storable(text: str) -> str:
    """The text without what no database can hold."""
    return _UNSTORABLE.sub("\ufffd", text)


def raw_text(value: object) -> str:
    """A raw value as text that any database can hold, at most 2 kB."""
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False, default=str)
        except (TypeError, ValueError, RecursionError):
            value = f"a {type(value).__name__} that cannot be shown"
    return storable(value.encode("utf-8", "replace")[:VALUE_LIMIT].decode("utf-8", "ignore"))
