"""Results as JSON documents with a `schema` field; docs/schemas/ describes each (generated from the same types)."""

from dataclasses import asdict

from lineage.audit import Audit
from lineage.describe import ModelPage
from lineage.drift import Drift
from lineage.family import Common, Family, Paths
from lineage.formats.text import json_text
from lineage.inheritance import Inheritance
from lineage.licenses.explain import LicenseList, LicensePage
from lineage.lists import DefectList, ModelList
from lineage.overview import Overview
from lineage.questions import Answer, Suggestions
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
    Inheritance: "finetune-lineage/license/1",
    Answer: "finetune-lineage/answer/1",
    Suggestions: "finetune-lineage/suggestions/1",
    LicensePage: "finetune-lineage/license-facts/1",
    LicenseList: "finetune-lineage/licenses/1",
    Drift: "finetune-lineage/drift/1",
    Audit: "finetune-lineage/audit/1",
}
#: Field names that JSON has in another word, since they are no names in Python.
NAMES = {"grade": "class", "passed": "pass"}

Result = (
    Family | Paths | Common | ModelPage | ModelList | DefectList | FamilyCount | Statistics | Overview
    | Inheritance | Answer | Suggestions | LicensePage | LicenseList | Drift | Audit
)  # fmt: skip


def document(result: Result) -> str:
    """The result as one JSON object."""
    fields = asdict(result, dict_factory=lambda pairs: {NAMES.get(name, name): value for name, value in pairs})
    return json_text({"schema": SCHEMAS[type(result)], **fields}, indent=2)
