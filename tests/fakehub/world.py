"""The Hub's state in memory: models by `_id`, the names they have and had, listings in any order, and what changes."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from threading import RLock
from typing import Any

from registry.ids import legacy_names
from tests.fakehub.derive import (
    Lineage,
    Row,
    lineage_of_base_models,
    lineage_of_card,
    lineage_of_tags,
    tags_of,
    tags_with,
)
from tests.fakehub.paging import Cursor, Query, Value, value_of
from tests.fakehub.rows import clean, hub_id, stamp

_MOST_LISTINGS = 32


class Model:
    """One repository. `gone`: it was deleted; `derived`: its lineage tags follow from its card."""

    __slots__ = ("cache", "derived", "gone", "key", "row", "said")

    def __init__(self, key: str, row: Row, *, gone: bool = False) -> None:
        self.key = key
        self.row = row
        self.gone = gone
        self.derived = "tags" not in row
        #: What was served, by its shape: the version of the world it holds for, and the bytes.
        self.cache: dict[Any, tuple[int, bytes]] = {}
        self.said: tuple[int, list[str]] | None = None

    @property
    def name(self) -> str:
        """Its id: owner/name."""
        return str(self.row["id"])

    @property
    def visible(self) -> bool:
        """Whether a stranger may know of it."""
        return not self.gone and not self.row.get("private")


class World:
    """All models of a Hub. Every method that changes it may be called from any thread, between and during pages."""

    def __init__(self, rows: Iterable[Row] = (), *, lists_disabled: bool = True) -> None:
        self.lock = RLock()
        #: Called before each page of a listing with its number, counted from 1 since the start.
        self.before_page: list[Callable[[int], object]] = []
        self.version = 0
        self._lists_disabled = lists_disabled
        self._models: dict[str, Model] = {}
        self._names: dict[str, Model] = {}
        self._former: dict[str, Model] = {}
        self._folded: dict[str, str] = {}
        self._listings: dict[Query, tuple[int, list[Model]]] = {}
        self._children: tuple[int, dict[str, Counter[str]]] = (-1, {})
        self._now = datetime(2022, 3, 2, tzinfo=UTC)
        for row in rows:
            self._add(row)

    def __len__(self) -> int:
        return sum(model.visible for model in self._models.values())

    # What changes

    def insert(self, row: Row) -> str:
        """Create a repository now, unless the row has dates of its own; its `_id`. ValueError if its name is taken."""
        with self.lock:
            taken = self._names.get(row["id"])
            if taken is not None and not taken.gone:
                raise ValueError(f"{taken.name} exists")
            now = self.tick()
            return self._changed(self._add({"createdAt": now, "lastModified": now} | row)).key

    def delete(self, id: str) -> None:
        """Delete a repository. Names that led to it lead nowhere."""
        with self.lock:
            self._changed(self._named(id)).gone = True

    def rename(self, old: str, new: str) -> None:
        """Give a repository another name. Its `_id` stays, the old name redirects, and `lastModified` does not move."""
        with self.lock:
            model = self._named(old)
            taken = self._names.get(new)
            if taken is not None and not taken.gone:
                raise ValueError(f"{new} exists")
            del self._names[old]
            model.row["id"] = new
            if "/" in new:
                model.row["author"] = new.partition("/")[0]
            self._former[old] = model
            self._put(model)
            self._changed(model)

    def edit(self, id: str, **fields: Any) -> None:
        """Commit to a repository: set raw API fields (None: remove) and move `lastModified`, and `sha` if it has one.

        New `cardData` makes the Hub derive the lineage and licence tags again, unless `tags` come with it.
        """
        with self.lock:
            model = self._named(id)
            now = self.tick()
            fields.setdefault("lastModified", now)
            if "sha" in model.row:
                fields.setdefault("sha", hashlib.sha1(f"{model.key} {now}".encode()).hexdigest())
            if "cardData" in fields or "tags" in fields:
                model.derived = "tags" not in fields
                model.row.pop("baseModels", None)
            self._set(model, fields)

    def count(self, id: str, **counts: Any) -> None:
        """Set downloads, likes or trendingScore, which is no commit."""
        with self.lock:
            self._set(self._named(id), counts)

    def derive(self, id: str) -> None:
        """From now on the lineage tags follow from the card, as after a commit to it, and from what becomes of parents.

        The tags that a row came with are served as they are until then.
        """
        with self.lock:
            model = self._changed(self._named(id))
            model.derived = True
            model.row.pop("baseModels", None)

    def set_private(self, id: str, private: bool = True) -> None:
        """Hide a repository from everyone, or show it."""
        with self.lock:
            self._set(self._named(id), {"private": private})

    def set_gated(self, id: str, gated: bool | str = "auto") -> None:
        """Gate the files of a repository; its metadata stays open."""
        with self.lock:
            self._set(self._named(id), {"gated": gated})

    def set_disabled(self, id: str, disabled: bool = True) -> None:
        """Disable a repository, as the Hub's staff does."""
        with self.lock:
            self._set(self._named(id), {"disabled": disabled})

    def tick(self) -> str:
        """The next moment: later than any date in this world, and the same in every run."""
        self._now += timedelta(seconds=1)
        return stamp(self._now)

    # What is

    def find(self, name: str) -> Model | None:
        """The repository that a name leads to: by its id, a former id, another letter case, or a name of old."""
        model = self._names.get(name)
        if model is None or model.gone:
            model = self._former.get(name, model)
        if model is None or model.gone:
            model = self._names.get(self._folded.get(name.casefold(), ""), model)
        if model is None or model.gone:
            model = self._names.get(legacy_names().get(name, ""), model)
        return model if model is not None and model.visible else None

    def get(self, id: str) -> Row:
        """All fields of a model as they would be served; KeyError where there is none of this very name."""
        with self.lock:
            model = self._named(id)
            return model.row | {"_id": model.key, "tags": self.tags(model)}

    def ids(self) -> list[str]:
        """The names of all models that are neither gone nor private."""
        return [model.name for model in self._models.values() if model.visible]

    def tags(self, model: Model) -> Any:
        """A model's tags: those it came with, or those that the Hub derives."""
        if not model.derived:
            return model.row["tags"]
        if model.said is None or model.said[0] != self.version:
            given = lineage_of_base_models(model.row.get("baseModels"))
            lineage = lineage_of_card(model.row, self._resolve) if given is None else given
            model.said = self.version, tags_with(model.row, lineage)
        return model.said[1]

    def base_models(self, model: Model) -> Any:
        """The `baseModels` of a model, or None."""
        if "baseModels" in model.row:
            return model.row["baseModels"]
        relation, names = self._lineage(model)
        if not names:
            return None
        models = [{"_id": self._names[name].key if name in self._names else hub_id(name), "id": name} for name in names]
        return {"relation": relation, "models": models} if relation else {"models": models}

    def children(self, model: Model) -> dict[str, int] | None:
        """The `childrenModelCount` of a model: direct children by relation, or None."""
        if self._children[0] != self.version:
            counts: dict[str, Counter[str]] = {}
            for child in self._models.values():
                relation, names = self._lineage(child) if child.visible else (None, [])
                for name in names if relation else []:
                    counts.setdefault(name, Counter())[str(relation)] += 1
            self._children = self.version, counts
        return dict(self._children[1].get(model.name, {})) or None

    def page(self, query: Query, limit: int, after: Cursor | None) -> tuple[list[Model], Cursor | None]:
        """The models of a page as things are now, and the cursor of the next page if there is one."""
        models = self._listing(query)
        start = 0 if after is None else self._position(models, query, after)
        page = models[start : start + limit]
        if start + limit >= len(models):
            return page, None
        return page, Cursor(value_of(page[-1].row, query.sort), page[-1].key)

    # How it is kept

    def _add(self, row: Row) -> Model:
        gone = isinstance(row.get("observation"), dict) and row["observation"].get("gone") is True
        row = clean(row)
        key = row.pop("_id")
        model = Model(key, row, gone=gone)
        replaced = self._names.get(model.name)
        if replaced is not None and replaced.key != key:
            del self._models[replaced.key]
        known = self._models.get(key)
        if known is not None and known.name != model.name:
            raise ValueError(f"{known.name} and {model.name} have one _id")
        self._models[key] = model
        self._put(model)
        for field in ("createdAt", "lastModified"):
            said = row.get(field)
            if isinstance(said, str) and said[:19] > stamp(self._now)[:19]:
                self._now = _moment(said, self._now)
        return model

    def _put(self, model: Model) -> None:
        """Make a model known by its name; who has a name takes it from who had it."""
        self._names[model.name] = model
        self._folded[model.name.casefold()] = model.name
        self._former.pop(model.name, None)

    def _named(self, id: str) -> Model:
        model = self._names[id]
        if model.gone:
            raise KeyError(id)
        return model

    def _set(self, model: Model, fields: Row) -> None:
        model.row = {name: value for name, value in (model.row | fields).items() if value is not None}
        self._changed(model)

    def _changed(self, model: Model) -> Model:
        model.cache.clear()
        self.version += 1
        return model

    def _resolve(self, name: str) -> str | None:
        """The existing model that a card's word means: of this very name, or formerly of it."""
        for model in (self._names.get(name), self._former.get(name), self._names.get(legacy_names().get(name, ""))):
            if model is not None and model.visible:
                return model.name
        return None

    def _lineage(self, model: Model) -> Lineage:
        tags = self.tags(model)
        return lineage_of_tags(tags if isinstance(tags, list) else [])

    def _listing(self, query: Query) -> list[Model]:
        """All models of a query, in its order."""
        known = self._listings.get(query)
        if known is not None and known[0] == self.version:
            return known[1]
        if len(self._listings) >= _MOST_LISTINGS:
            self._listings.clear()
        if query.narrows:
            models = [m for m in self._listing(Query(query.sort, query.ascending)) if self._matches(m, query)]
        else:
            models = self._sorted(query, known[1] if known else None)
        self._listings[query] = self.version, models
        return models

    def _sorted(self, query: Query, before: list[Model] | None) -> list[Model]:
        # Sorting what is nearly sorted is cheap, so an outdated order is where the new one starts.
        listed = [model for model in self._models.values() if model.visible]
        if not self._lists_disabled:
            listed = [model for model in listed if not model.row.get("disabled")]
        if before is not None:
            wanted = set(listed)
            kept = [model for model in before if model in wanted]
            listed = kept + list(wanted.difference(kept)) if len(kept) < len(listed) else kept
        valued: list[tuple[Value, str, Model]] = []
        unvalued: list[tuple[str, Model]] = []
        for model in listed:
            value = value_of(model.row, query.sort)
            if value is None:
                unvalued.append((model.key, model))
            else:
                valued.append((value, model.key, model))
        valued.sort(key=_second)
        valued.sort(key=_first, reverse=not query.ascending)
        return [model for _, _, model in valued] + [model for _, model in sorted(unvalued, key=_first)]

    def _matches(self, model: Model, query: Query) -> bool:
        row = model.row
        if query.author is not None and row.get("author") != query.author:
            return False
        if query.search is not None and query.search.casefold() not in model.name.casefold():
            return False
        if query.gated is not None and bool(row.get("gated")) != query.gated:
            return False
        if query.pipeline_tag is not None and row.get("pipeline_tag") != query.pipeline_tag:
            return False
        tags = tags_of({"tags": self.tags(model)}) if query.tags else ()
        return all(tag in tags for tag in query.tags)

    @staticmethod
    def _position(models: list[Model], query: Query, after: Cursor) -> int:
        """How many models stand at or before a cursor."""
        low, high = 0, len(models)
        while low < high:
            middle = (low + high) // 2
            model = models[middle]
            if after.precedes(value_of(model.row, query.sort), model.key, query.ascending):
                high = middle
            else:
                low = middle + 1
        return low


def _first(item: tuple[Any, ...]) -> Any:
    return item[0]


def _second(item: tuple[Any, ...]) -> Any:
    return item[1]


def _moment(text: str, otherwise: datetime) -> datetime:
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:
        return otherwise
