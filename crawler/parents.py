"""Which base models a raw row declares, and how: from the Hub's tags and from the card.

The Hub writes `base_model:ID` and `base_model:<relation>:ID` for every parent that it can resolve, and drops the rest
(2.6 % of the models that declare one have no such tag at all), so the card's own words are read too. Training
libraries write a relation tag of their own into cards, without the plain one; such a tag was resolved by nobody.
"""

import re
from collections.abc import Callable, Collection
from typing import Any

from registry.ids import ID, split_url
from registry.records import HUB_RELATIONS, Evidence, Parent, Relation

Note = Callable[[str, str, object, str], None]

_RELATION = "base_model_relation"
_LOCAL = re.compile(r"^(?:[/~\\]|\.{1,2}[/\\]|[A-Za-z]:[/\\])|\\|/.*/|/$")


def read_parents(
    repo_id: str, row: dict[str, Any], tags: list[str] | None, card: dict[str, Any] | None, note: Note
) -> tuple[Parent, ...] | None:
    """The declared parents in the card's order, those that only tags name behind; None where the row cannot say.

    `tags` holds what stands behind `base_model:` in the row's tags.
    """
    if not tags and row.get("baseModels") is None and not (card and ("base_model" in card or _RELATION in card)):
        return None if tags is None and card is None else ()  # so it is with seven of ten models
    tagged = _from_tags(tags, note) if tags is not None else _from_base_models(row.get("baseModels"), note)
    declared = _from_card((card or {}).get("base_model"), note)
    stated = _stated_relation((card or {}).get(_RELATION), note)
    _compare(row, tags, tagged, stated, note)
    # Several parents without a word on how they were used are a merge, as on the Hub.
    parents = _joined(tagged, declared, stated or (Relation.MERGE if len(declared) > 1 else Relation.UNKNOWN))
    return tuple(parent for parent in parents if not _names_itself(parent, repo_id, note))


def _from_tags(tags: list[str], note: Note) -> dict[str, Parent]:
    """The parents that tags name, by id."""
    if not tags:
        return {}
    plain: dict[str, None] = {}
    related: dict[str, str] = {}
    for said in tags:
        relation, colon, rest = said.partition(":")
        by_relation = bool(colon) and relation in HUB_RELATIONS
        name: str | None = rest if by_relation else said
        if name not in plain:
            name = _usable(name, "tags", f"base_model:{said}", note)
        if name is None:
            continue
        if not by_relation:
            plain[name] = None
        elif related.setdefault(name, relation) != relation:
            note("contradiction", "tags", f"base_model:{said}", f"another tag says {related[name]}")
    return {
        name: Parent(
            name,
            related.get(name, Relation.UNKNOWN),
            Evidence.TAG if name in plain and name in related else Evidence.TAG_UNRESOLVED,
        )
        for name in plain | dict.fromkeys(related)
    }


def _from_base_models(value: object, note: Note) -> dict[str, Parent]:
    """The parents in the API's `baseModels`, which says what the tags say, where a row has it instead of them."""
    if value is None:
        return {}
    models = value.get("models") if isinstance(value, dict) else None
    if not isinstance(value, dict) or not isinstance(models, list):
        note("bad-type", "baseModels", value, "not an object with models")
        return {}
    relation = value.get("relation")
    if not isinstance(relation, str) or relation not in HUB_RELATIONS:
        if relation is not None:
            note("bad-relation", "baseModels", relation, "not a relation of the Hub")
        relation = Relation.UNKNOWN
    parents = {}
    for model in models:
        given = model.get("id") if isinstance(model, dict) else model
        name = _usable(given, "baseModels", model, note)
        if name is not None:
            parents[name] = Parent(name, relation, Evidence.TAG)
    return parents


def _from_card(value: object, note: Note) -> list[str]:
    """The ids in the card's `base_model`: text, or a list of texts, or junk."""
    if value is None:
        return []
    names: list[str] = []
    for item in value if isinstance(value, list) else [value]:
        for part in _split_joined(item, note):
            name = _usable(part, "base_model", part, note)
            if name is None:
                continue
            if name in names:
                note("duplicate-parent", "base_model", part, "named twice")
            else:
                names.append(name)
    return names


def _split_joined(item: object, note: Note) -> list[object]:
    if not isinstance(item, str) or "," not in item:
        return [item]
    parts: list[object] = [part.strip() for part in item.split(",") if part.strip()]
    note("joined", "base_model", item, f"read as {len(parts)} names")
    return parts


def _usable(given: object, field: str, raw: object, note: Note) -> str | None:
    """The id in what was given for one, or None and a defect."""
    if not isinstance(given, str):
        note("not-a-name", field, raw, "a base model is named by text")
        return None
    name = given.strip()
    if url := split_url(name):
        note("url", field, raw, f"read as {url[0]}")
        return url[0]
    if ID.fullmatch(name):
        return name
    if not name:
        note("not-a-name", field, raw, "empty")
    elif "://" in name:
        note("url", field, raw, "not a page of a model on the Hub")
    elif _LOCAL.search(name):
        note("local-path", field, raw, "a path on somebody's machine")
    else:
        note("bad-id", field, raw, "not a repository id (owner/name)")
    return None


def _stated_relation(value: object, note: Note) -> str | None:
    """How the card says in words that the model was made."""
    if isinstance(value, str) and value in HUB_RELATIONS:
        return value
    if value is not None:
        note("bad-relation", "base_model_relation", value, "not a relation of the Hub")
    return None


def _compare(
    row: dict[str, Any], tags: list[str] | None, tagged: dict[str, Parent], stated: str | None, note: Note
) -> None:
    """Note where two places that say the same on the Hub do not."""
    vouched = {parent.name: parent.relation for parent in tagged.values() if parent.origin == Evidence.TAG}
    if stated and any(relation != stated for relation in vouched.values()):
        note("contradiction", "base_model_relation", stated, f"the tags say {', '.join(sorted(set(vouched.values())))}")
    if tags is not None and row.get("baseModels") is not None and not _are_all(row["baseModels"], vouched):
        others = _from_base_models(row["baseModels"], note)
        if others.keys() != vouched.keys():
            note("contradiction", "baseModels", sorted(others), "the tags name other models")


def _are_all(value: object, names: Collection[str]) -> bool:
    """Whether the API's `baseModels` are these models and nothing odd, as nearly always."""
    try:
        ids = {model["id"] for model in value["models"]}  # type: ignore[index]  # whatever it is
        return value["relation"] in HUB_RELATIONS and ids == set(names)  # type: ignore[index]
    except (TypeError, KeyError):
        return False


def _joined(tagged: dict[str, Parent], declared: list[str], relation: str) -> list[Parent]:
    """Tags and card together. One name left over on either side is one model: the Hub resolved a rename."""
    only_tagged = [p for n, p in tagged.items() if n not in declared and p.origin == Evidence.TAG]
    only_declared = [n for n in declared if n not in tagged]
    renamed = only_declared[0] if len(only_tagged) == len(only_declared) == 1 else None
    parents = []
    used = set()
    for name in declared:
        parent = only_tagged[0] if name == renamed else tagged.get(name)
        if parent is None:
            parents.append(Parent(name, relation, Evidence.CARD))
            continue
        used.add(parent.name)
        origin = Evidence.BOTH if parent.origin == Evidence.TAG else parent.origin
        parents.append(Parent(parent.name, parent.relation, origin, name if name == renamed else None))
    return parents + [parent for name, parent in tagged.items() if name not in used]


def _names_itself(parent: Parent, repo_id: str, note: Note) -> bool:
    """Whether a declaration names the model itself; in another letter case the Hub would have resolved a namesake."""
    if parent.name == repo_id:
        note("self-reference", "base_model", parent.alias or parent.name, "names the model itself")
        return True
    if parent.origin not in (Evidence.TAG, Evidence.BOTH) and parent.name.casefold() == repo_id.casefold():
        note("self-reference", "base_model", parent.name, "names the model itself in another letter case")
        return True
    return False
