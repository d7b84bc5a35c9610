"""Real models and the right answers, as rows of the Hub's API imported into a registry."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine

from lineage.audit import audit
from lineage.evidence import Files, FileText
from lineage.inheritance import inheritance
from lineage.selection import Selection
from tests.families import Row, api_row, save

ALL = yaml.safe_load((Path(__file__).parent / "license_cases.yaml").read_text(encoding="utf-8"))
CASES = [case for case in ALL if case["rests_on"] != "files"]
#: Those that rest on the files of a repository are for an audit that reads them.
ON_FILES = [case for case in ALL if case["rests_on"] == "files"]


def row_of(facts: dict[str, Any]) -> Row:
    """A case's row as the Hub lists it."""
    names = ("license", "license_name", "license_link")
    row = api_row(
        facts["id"],
        facts.get("base_model", []),
        facts.get("relation", "finetune"),
        facts.get("license"),
        createdAt=f"{facts['created']}T12:00:00.000Z",
    )
    row["cardData"] |= {name: facts[name] for name in names if name in facts}
    row["tags"] += facts.get("tags", [])
    return row


@pytest.mark.parametrize("case", CASES, ids=[f"{case['case']} {case['model']}" for case in CASES])
def test_real_models_get_the_right_answer(registry: Engine, case: dict[str, Any]) -> None:
    save(registry, [row_of(row) for row in case["rows"]])
    found = inheritance(registry, case["model"])
    assert found.grade == case["class"], found
    assert found.verdict in case["verdict"], found
    assert list(found.causes) == case["causes"]
    assert list(found.annotations) == case["annotations"]


@pytest.mark.parametrize("case", ON_FILES, ids=[f"{case['case']} {case['model']}" for case in ON_FILES])
def test_an_audit_that_reads_files_gets_the_rest_right(registry: Engine, case: dict[str, Any]) -> None:
    save(registry, [row_of(row) for row in case["rows"]])
    texts = {row["id"]: row.get("files", {}) for row in case["rows"]}
    files = {id: Files(tuple(FileText(path, text, "") for path, text in held.items())) for id, held in texts.items()}
    (found,) = audit(registry, Selection((case["model"],)), claim="any", read=lambda ids: files).models
    assert found.grade == case["class"], found
    assert found.verdict in case["verdict"], found
    assert list(found.annotations) == case["annotations"]
    assert [f.ancestor for f in found.findings if f.ancestor] == case["causes"]
