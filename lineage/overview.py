"""What a registry holds, and what was imported last."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Engine

from registry.database import SCHEMA, reading
from registry.read import RunFacts, last_runs, totals


@dataclass(frozen=True, slots=True)
class Overview:
    """Where the registry is, what it holds (models by state, edges by evidence, defects by kind), its last runs."""

    SCHEMA: ClassVar[str] = "finetune-lineage/overview/1"

    registry: str
    schema_version: str
    data_date: str | None
    models: dict[str, int]
    edges: dict[str, int]
    defects: dict[str, int]
    names: int
    runs: tuple[RunFacts, ...]


def overview(engine: Engine) -> Overview:
    """What the registry holds."""
    with reading(engine) as connection:
        held, runs = totals(connection), last_runs(connection)
    return Overview(
        registry=engine.url.render_as_string(hide_password=True),
        schema_version=SCHEMA,
        data_date=held.data_date,
        models=held.models,
        edges=held.edges,
        defects=held.defects,
        names=held.names,
        runs=tuple(runs),
    )
