"""Lists: models that a search finds, and defects."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Engine

from registry import read
from registry.database import reading, reading_twice
from registry.names import find_model, find_roots
from registry.records import storable
from registry.search import search_models


@dataclass(frozen=True, slots=True)
class ListedModel:
    """A model in a list. `downloads`: last 30 days."""

    id: str
    state: str
    author: str | None
    licenses: tuple[str, ...] | None
    license_name: str | None
    downloads: int | None
    created_at: str | None


@dataclass(frozen=True, slots=True)
class ModelList:
    """Some of `total` models."""

    SCHEMA: ClassVar[str] = "finetune-lineage/models/1"

    total: int
    models: tuple[ListedModel, ...]


@dataclass(frozen=True, slots=True)
class DefectList:
    """Some of `total` defects."""

    SCHEMA: ClassVar[str] = "finetune-lineage/defects/1"

    total: int
    defects: tuple[read.DefectFacts, ...]


def search(
    engine: Engine,
    text: str,
    *,
    author: str | None = None,
    license: str | None = None,
    pipeline: str | None = None,
    descends_from: Sequence[str] = (),
    limit: int | None = 20,
) -> ModelList:
    """Models whose id holds `text` in any letter case, most downloaded first.

    `license` is a declared label or license_name, `pipeline` a pipeline tag, `descends_from` names of roots (or
    `author:NAME`). Raises UnknownModel where a root's name means no model.
    """
    with reading_twice(engine) as (connection, beside):
        roots = [found.key for found in find_roots(connection, descends_from)[1]] if descends_from else None
        found, total = search_models(
            connection,
            storable(text),
            beside=beside,
            author=author and storable(author),
            license=license and storable(license),
            pipeline=pipeline and storable(pipeline),
            below=roots,
            limit=limit,
        )
    models = (
        ListedModel(b.id, b.state, b.author, b.licenses, b.license_name, b.downloads, b.created_at) for b in found
    )
    return ModelList(total, tuple(models))


def defects(
    engine: Engine, *, kinds: Sequence[str] = (), model: str | None = None, limit: int | None = None
) -> DefectList:
    """Metadata that was refused or repaired, by kind (see `registry.records.DEFECT_KINDS`) and model.

    Raises UnknownModel for a name that means no model.
    """
    with reading(engine) as connection:
        key = find_model(connection, model).key if model else None
        found, total = read.find_defects(connection, kinds=kinds, model=key, limit=limit)
    return DefectList(total, tuple(found))
