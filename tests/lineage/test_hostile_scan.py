"""What code, lists and the registry say freely steers nothing in what a scan and an audit of its list write."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import Engine

from tests.families import api_row, save
from tests.lineage.calls import STEERING, database, lineage
from tests.lineage.test_hostile_text import TEXTS
from tests.lineage.test_scan import piped

SCANS = ("list", "table", "json", "jsonl", "csv", "markdown")
AUDITS = ("table", "json", "jsonl", "csv", "markdown", "html", "sarif", "junit")
HOSTILE = {**TEXTS, "dots": "../../etc/passwd", "at": "@SUM(1)", "entity": "&lt;b&gt;&#x1b;"}
hostile = pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))


def expect_harmless(done: Result, format_: str) -> None:
    """No sign that steers a terminal, no markup of theirs, no formula in a cell."""
    assert STEERING.search(done.output) is None, format_
    if format_ in {"html", "markdown"}:
        assert "<script>alert" not in done.stdout
        assert "<img" not in done.stdout
    if format_ == "csv":
        rows = csv.reader(io.StringIO(done.stdout_bytes.decode(), newline=""), strict=True)
        assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r"))]


@hostile
def test_names_of_settings_revisions_and_licences(sqlite_registry: Engine, tmp_path: Path, text: str) -> None:
    card = {"license": "other", "license_name": text}
    save(sqlite_registry, [api_row("a/Named", cardData=card), api_row("a/Labelled", license=text)])
    settings = [{f"{text[:80]}_model": "a/Named", "revision": text}, {"model": "a/Labelled"}, {"model": text}]
    (tmp_path / "a.json").write_text(json.dumps(settings))
    for format_ in SCANS:
        done = lineage("scan", tmp_path, "-f", format_, "--db", database(sqlite_registry))
        assert done.exit_code == 0, done.output
        expect_harmless(done, format_)
        assert "a/Labelled" in done.stdout.replace("\\", "")


@hostile
def test_lists_that_no_scan_wrote(sqlite_registry: Engine, text: str) -> None:
    save(sqlite_registry, [api_row("a/Named")])
    solid = "".join(text.split()).encode("utf-8", "replace").decode()
    content = f"# lineage scan: {solid}; 1; 2 {solid}\na/Named  # {solid}:1\n{solid}  # a.py:2\n"
    for format_ in AUDITS:
        done = piped(sqlite_registry, content, "--claim", "any", "-f", format_)
        assert done.exit_code in {0, 2}, done.output
        expect_harmless(done, format_)
        if done.exit_code == 2:
            assert done.stderr.count("\n") == 1
