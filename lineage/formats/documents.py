"""Results as JSON documents with a `schema` field; docs/schemas/ describes each (generated from the same types)."""

from dataclasses import Field, asdict
from typing import Any, ClassVar, Protocol

from lineage.formats.text import json_text

#: Field names that JSON has in another word, since they are no names in Python.
NAMES = {"grade": "class", "passed": "pass"}


class Result(Protocol):
    """What a query came to: a dataclass that knows the name of its schema, whose number changes when a field is renamed
    or removed."""

    SCHEMA: ClassVar[str]
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]


def document(result: Result) -> str:
    """The result as one JSON object."""
    fields = asdict(result, dict_factory=lambda pairs: {NAMES.get(name, name): value for name, value in pairs})
    return json_text({"schema": result.SCHEMA, **fields}, indent=2)
