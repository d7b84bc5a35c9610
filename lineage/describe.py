"""Everything that is known of one model, on one page."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Engine

from lineage.family import Edge
from registry.database import reading
from registry.names import find_model
from registry.read import (
    DefectFacts,
    ModelFacts,
    briefs,
    children_by_relation,
    declared_parents,
    find_defects,
    model_facts,
    other_names,
)


@dataclass(frozen=True, slots=True)
class ModelPage:
    """A model's facts, its parents as declared, its direct derivatives by relation, other names and defects."""

    SCHEMA: ClassVar[str] = "finetune-lineage/model/1"

    asked: str
    facts: ModelFacts
    parents: tuple[Edge, ...]
    children: dict[str, int]
    names: dict[str, str]
    defects: tuple[DefectFacts, ...]


def describe(engine: Engine, model: str) -> ModelPage:
    """Everything the registry knows of `model`; raises UnknownModel where the name means none."""
    with reading(engine) as connection:
        found = find_model(connection, model)
        steps = declared_parents(connection, found.key)
        parents = briefs(connection, {step.parent for step in steps})
        defects, _ = find_defects(connection, model=found.key)
        return ModelPage(
            asked=found.label,
            facts=model_facts(connection, found.key),
            parents=tuple(Edge(found.repo_id, parents[s.parent].id, s.relation, s.evidence, s.declared) for s in steps),
            children=children_by_relation(connection, found.key),
            names=other_names(connection, found.key),
            defects=tuple(defects),
        )
