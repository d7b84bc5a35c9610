"""What is generated is what is committed; what the README shows is what happens."""

import json
import re
from pathlib import Path

import jsonschema
import pytest
from sqlalchemy import Engine

from lineage import family, lists, overview, questions, statistics
from lineage.audit import audit
from lineage.changes import changes, history
from lineage.check import Check
from lineage.describe import describe
from lineage.drift import drift
from lineage.formats.documents import Result, document
from lineage.inheritance import inheritance
from lineage.licenses.explain import all_licenses, explain
from lineage.lock import lock, verify
from lineage.notice import notice
from lineage.policy import Policy
from lineage.registered import VersionPage, registered
from lineage.scan import LeftOut, Seen, scan
from lineage.selection import Selection
from lineage.watch import news
from registry.records import DEFECT_KINDS
from tests.lineage.calls import database
from tools.make_docs import CONSOLE, RESULTS, generated, rerun

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
METADATA = (ROOT / "docs" / "metadata.md").read_text(encoding="utf-8")
TRANSCRIPTS = [block for block in CONSOLE.findall(README) if block.startswith("$ lineage ")]


@pytest.mark.parametrize("path", sorted(generated()), ids=lambda path: path.name)
def test_generated_pages_are_committed(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generated()[path], "run `make docs`"


def test_the_readme_shows_commands() -> None:
    assert len(TRANSCRIPTS) >= 5
    assert any("$ lineage crawl" in block for block in TRANSCRIPTS)


def first_line(block: str) -> str:
    return block.partition("\n")[0]


@pytest.mark.parametrize("block", [block for block in TRANSCRIPTS if "--db" not in block], ids=first_line)
def test_the_readme_shows_real_output(block: str, snapshot_registry: Engine) -> None:
    assert rerun(block, database(snapshot_registry)) == block, "run `make docs`"


@pytest.mark.parametrize("block", [block for block in TRANSCRIPTS if "--db" in block], ids=first_line)
def test_the_readme_shows_real_crawls(block: str) -> None:
    assert rerun(block, "no.db") == block, "run `make docs`"


def test_the_readmes_python_runs(snapshot_registry: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_DB", database(snapshot_registry))
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    names["engine"].dispose()  # type: ignore[attr-defined]
    assert len(names["graph"]) > 100  # type: ignore[arg-type]


def results(engine: Engine) -> list[Result]:
    root = "Qwen/Qwen3-1.7B"
    return [
        family.descendants(engine, root, limit=20),
        family.paths(engine, "reaperdoesntknow/Dualmind-Qwen-1.7B-Thinking", root),
        family.common_ancestors(engine, root, "Qwen/Qwen3-1.7B-Base"),
        describe(engine, "reaperdoesntknow/Dualmind-Qwen-1.7B-Thinking"),
        lists.search(engine, "qwen", limit=5),
        lists.defects(engine, limit=5),
        statistics.count_family(engine, root),
        statistics.family_statistics(engine, root),
        overview.overview(engine),
        inheritance(engine, "reaperdoesntknow/Qemma-Q1.7B"),
        questions.may_use(engine, "reaperdoesntknow/Qemma-Q1.7B", "commercial"),
        questions.suggest(engine, "reaperdoesntknow/Qemma-Q1.7B"),
        explain("gemma"),
        all_licenses(),
        drift(engine, root),
        audit(engine, Selection(families=(root,)), limit=5),
        history(engine, root),
        changes(engine, "2026-01-01", families=[root], limit=5),
        news(engine, Selection(models=(root,)), Policy(), {}, "2026-01-01", limit=5),
        registered(engine),
        lock(engine, [root]),
        notice(engine, ["reaperdoesntknow/Qemma-Q1.7B"]),
        verify(engine, lock(engine, [root])),
        scan(
            engine,
            [Seen(root, "0123abc", "app.py", 3, "from_pretrained()"), Seen("no/Body", None, "app.py", 4, "URL")],
            files=1, unnamed=1, left_out=[LeftOut("big.json", "is larger")],
        ),
    ]  # fmt: skip


def test_json_keeps_to_its_schema(snapshot_registry: Engine) -> None:
    shown = results(snapshot_registry)
    # Of these test_check.py and test_register.py have one.
    assert {type(result) for result in shown} == set(RESULTS) - {Check, VersionPage}
    for result in shown:
        _, name, version = result.SCHEMA.split("/")
        schema = json.loads((ROOT / "docs" / "schemas" / f"{name}-{version}.json").read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.Draft202012Validator(schema).validate(json.loads(document(result)))


def test_every_kind_of_defect_is_described() -> None:
    source = "".join(
        path.read_text(encoding="utf-8") for folder in ("crawler", "registry") for path in ROOT.glob(f"{folder}/*.py")
    )
    used = {kind for kind in re.findall(r'[("= ]"([a-z]+(?:-[a-z]+)*)",? ', source) if kind in DEFECT_KINDS}
    noted = set(re.findall(r'(?:note|notes\.add|Defect)\(\s*"([a-z-]+)"', source))
    assert noted <= set(DEFECT_KINDS)
    assert used == set(DEFECT_KINDS)
    assert [f"| `{kind}` | {what} |" for kind, what in DEFECT_KINDS.items()] == re.findall(
        r"^\| `[a-z-]+` \| .*\|$", METADATA.partition("## Defects")[2], re.MULTILINE
    )
