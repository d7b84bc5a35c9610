"""Keyset paging as the Hub does it: the cursor is the order's value and the `_id` of the last row served."""

import base64
import json
from dataclasses import dataclass
from typing import Any

#: Sort keys, and whether their values are numbers.
SORTS = {
    "createdAt": False,
    "lastModified": False,
    "downloads": True,
    "likes": True,
    "trendingScore": True,
    "id": False,
}
#: The only ones that the Hub sorts upwards too.
BOTH_WAYS = {"createdAt", "id"}
LARGEST_PAGE = 1000

Value = str | int | float | None


@dataclass(frozen=True)
class Query:
    """Which models a listing holds, and in what order."""

    sort: str = "trendingScore"
    ascending: bool = False
    tags: tuple[str, ...] = ()
    author: str | None = None
    search: str | None = None
    gated: bool | None = None
    pipeline_tag: str | None = None

    @property
    def narrows(self) -> bool:
        """Whether it leaves models out."""
        return bool(self.tags) or any(
            value is not None for value in (self.author, self.search, self.gated, self.pipeline_tag)
        )


@dataclass(frozen=True)
class Cursor:
    """The last row of a page: its value of the sort key, and its `_id`."""

    value: Value
    hub_id: str

    def encode(self, query: Query) -> str:
        """The text of the `cursor` parameter."""
        clauses: list[dict[str, Any]] = [{query.sort: self.value, "_id": {"$gt": self.hub_id}}]
        if self.value is not None:
            clauses += [{query.sort: {"$gt" if query.ascending else "$lt": self.value}}, {query.sort: None}]
        content: dict[str, Any] = {"$or": clauses}
        if query.search is not None:
            content["searchSequenceToken"] = base64.b64encode(self.hub_id.encode()).decode()
        return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()

    @classmethod
    def decode(cls, text: str, query: Query) -> "Cursor":
        """Read a `cursor` parameter; ValueError where it is none, or one of another order."""
        try:
            clauses = json.loads(base64.b64decode(text, validate=True))["$or"]
            cursor = cls(clauses[0][query.sort], clauses[0]["_id"]["$gt"])
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise ValueError("Invalid cursor") from error
        if not isinstance(cursor.hub_id, str) or cursor.value != value_of({query.sort: cursor.value}, query.sort):
            raise ValueError("Invalid cursor")
        if len(clauses) > 1 and ("$gt" in str(clauses[1])) != query.ascending:
            raise ValueError("Invalid cursor")
        return cursor

    def precedes(self, value: Value, hub_id: str, ascending: bool) -> bool:
        """Whether a row with this value and `_id` comes after this cursor."""
        if value is None or self.value is None:
            return value is None and (self.value is not None or hub_id > self.hub_id)
        if value == self.value:
            return hub_id > self.hub_id
        if isinstance(value, str) or isinstance(self.value, str):
            return (str(value) > str(self.value)) == ascending
        return (value > self.value) == ascending


def value_of(row: dict[str, Any], sort: str) -> Value:
    """A row's value of a sort key; None where it has none of the right type."""
    value = row.get(sort)
    if isinstance(value, bool) or not isinstance(value, (int, float) if SORTS[sort] else str):
        return None
    return value
