"""Results as JSON documents with a `schema` field; docs/schemas/ describes each (generated from the same types)."""

from dataclasses import asdict

from lineage.describe import ModelPage
from lineage.family import Common, Family, Paths
from lineage.formats.text import json_text
from lineage.lists import DefectList, ModelList
from lineage.overview import Overview
from lineage.statistics import FamilyCount, Statistics

#: Schema name of each result type; the number changes when a field is renamed or removed.
SCHEMAS: dict[type, str] = {
    Family: "finetune-lineage/family/1",
    Paths: "finetune-lineage/paths/1",
    Common: "finetune-lineage/common/1",
    ModelPage: "finetune-lineage/model/1",
    ModelList: "finetune-lineage/models/1",
    DefectList: "finetune-lineage/defects/1",
    FamilyCount: "finetune-lineage/count/1",
    Statistics: "finetune-lineage/statistics/1",
    Overview: "finetune-lineage/overview/1",
}

Result = Family | Paths | Common | ModelPage | ModelList | DefectList | FamilyCount | Statistics | Overview


def document(result: Result) -> str:
    """The result as one JSON object."""
    return json_text({"schema": SCHEMAS[type(result)], **asdict(result)}, indent=2)
