"""Raw rows of any dump as the Hub would hold them."""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any

from tests.fakehub.derive import Row, lineage_of_base_models

_EARLIEST = "2022-03-02T23:29:04"


def clean(row: Row) -> Row:
    """A row with an `_id` and an author, its card an object, its dates the Hub's; fields of null are left out.

    What the Hub says of every model is there: `private`, `disabled`, `trendingScore`. ValueError where a row has no id.
    """
    name = row.get("id") or row.get("modelId")
    if not isinstance(name, str):
        raise ValueError(f"a model needs an id, unlike {str(row)[:80]}")
    fields = {key: _value(value) for key, value in row.items() if value is not None}
    fields.pop("observation", None)
    fields["id"] = name
    fields.setdefault("_id", hub_id(name, fields.get("createdAt")))
    if "/" in name:
        fields.setdefault("author", name.partition("/")[0])
    card = fields.get("cardData")
    if isinstance(card, str):
        fields["cardData"] = json.loads(card)
    if isinstance(fields.get("baseModels"), dict) and not (lineage_of_base_models(fields["baseModels"]) or (0, []))[1]:
        del fields["baseModels"]
    always = {"private": False, "disabled": False, "trendingScore": 0}
    return fields | {key: value for key, value in always.items() if key not in row}


def hub_id(name: str, created: object = None) -> str:
    """An `_id` as the Hub gives one, always the same for a name: the seconds of its creation, then a mark of its own.

    So `_id` order is the order of creation, as on the Hub.
    """
    text = created[:19] if isinstance(created, str) else _EARLIEST
    try:
        seconds = int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
    except ValueError:
        seconds = 0
    return f"{seconds & 0xFFFFFFFF:08x}{hashlib.blake2b(name.encode(), digest_size=8).hexdigest()}"


def stamp(moment: datetime) -> str:
    """A time as the Hub writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _value(value: Any) -> Any:
    return stamp(value) if isinstance(value, datetime) else value
