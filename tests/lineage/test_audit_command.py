"""The commands `audit` and `policy` as a person, and a CI job, call them."""

import csv
import io
import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import Result
from sqlalchemy import Engine

from tests.crawler.crawls import token_of_the_tests
from tests.fakehub.server import FakeHub
from tests.families import api_row, family, save
from tests.lineage.calls import database, lineage, refusal
from tests.lineage.test_texts import APACHE

FAMILY = """
google/Base  gemma
  acme/Drops  apache-2.0
    acme/Quant  quantized  apache-2.0
acme/Free  apache-2.0
lost/Base  unseen
  acme/Unknown  apache-2.0
acme/Mit  mit
"""


@pytest.fixture
def world(registry: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A registry with the family, called from an empty folder."""
    family(registry, FAMILY)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return registry


def audited(engine: Engine, *args: str | Path) -> Result:
    return lineage("audit", *args, "--db", database(engine))


@pytest.mark.parametrize(
    ("args", "status"),
    [
        ("acme/Free", 0),
        ("acme/Free --strict", 0),
        ("acme/Unknown", 0),
        ("acme/Unknown --strict", 3),
        ("acme/Drops", 1),
        ("acme/Drops acme/Unknown --strict", 1),
        ("acme/Drops --exit-zero", 0),
        ("acme/Unknown --strict --exit-zero", 0),
        ("--all", 1),
        ("acme/Mit --strict", 0),  # claims something else
        ("acme/Mit --claim any", 0),
        ("--family google/Base", 1),
        ("--author lost --author acme --limit 0", 1),
    ],
)
@pytest.mark.parametrize("format_", ["table", "json", "sarif"])
def test_how_an_audit_exits(world: Engine, args: str, status: int, format_: str) -> None:
    done = audited(world, *args.split(), "-f", format_)
    assert (done.exit_code, done.stderr) == (status, "")
    assert done.stdout


def test_what_cannot_be_audited_is_refused_in_one_line(world: Engine) -> None:
    db = ("--db", database(world))
    assert refusal("audit", *db).startswith("name MODELs, -r FILE, --family ROOT or --author NAME; or ask for --all")
    assert refusal("audit", "acme/Free", "--all", *db).startswith("name MODELs")
    assert refusal("audit", "acme/Fre", *db).startswith("no such model: acme/Fre: did you mean acme/Free")
    assert refusal("audit", "--all", "--claim", "nope", *db).startswith(
        "no such licence: nope: `lineage license --list`"
    )
    assert refusal("audit", "--all", "--policy", "nowhere.toml", *db).startswith("cannot read nowhere.toml")
    Path("models.txt").write_text("acme/Free\nacme/None\n")
    assert refusal("audit", "-r", "models.txt", *db).startswith("models.txt:2: no such model: acme/None")


def test_nothing_that_claims_it_is_said_with_the_way_out(world: Engine) -> None:
    said = audited(world, "acme/Mit").stdout
    assert said.startswith("acme/Mit: 0 of 1 models claim apache-2.0\n")
    assert "\nnone of them claims apache-2.0: `--claim any` audits them whatever they claim\n" in said


def test_a_few_models_are_told_in_full(world: Engine) -> None:
    done = audited(world, "acme/Quant", "ACME/free")
    assert done.stdout.splitlines() == [
        "acme/Quant, ACME/free: 2 of 2 models claim apache-2.0",
        "",
        "  violation  1  (1 not-alone)",
        "  review     0",
        "  pass       1  (1 ok)",
        "",
        "violation: acme/Quant (apache-2.0, 10 downloads): not-alone",
        "  not-alone: gemma of google/Base",
        "    path    acme/Quant ← quantized of acme/Drops ← finetune of google/Base",
        "    begins  acme/Drops",
        *[line for line in done.stdout.splitlines() if line.startswith(("    clause  ", "    mend    "))],
        "",
        "pass: acme/Free (apache-2.0, 10 downloads): ok",
        "",
        done.stdout.splitlines()[-1],
    ]
    assert "data of an unknown date" in done.stdout.splitlines()[-1]
    assert "no legal advice" in done.stdout.splitlines()[-1]


def test_many_models_are_listed_by_where_it_begins(world: Engine) -> None:
    said = [line.split() for line in audited(world, "--all").stdout.splitlines()]
    assert "acme/Drops 2 2 10 gemma of google/Base, under the label apache-2.0".split() in said
    assert "mending these 2 clears 3 of 3".split() in said
    assert "violation not-alone acme/Quant 10 gemma of google/Base acme/Drops".split() in said
    assert "violation not-alone acme/Drops 10 gemma of google/Base".split() in said
    limited = audited(world, "--all", "--limit", "1").stdout
    assert "… and 1 more offenders: see --limit" in limited
    assert "… and 3 more models: see --limit" in limited


def test_json_holds_schema_summary_and_models(world: Engine) -> None:
    found = json.loads(audited(world, "--all", "-f", "json").stdout)
    assert list(found) == ["schema", "summary", "models"]
    assert found["schema"] == "finetune-lineage/audit/1"
    assert found["summary"]["classes"] == {"violation": 2, "review": 1, "pass": 1}
    assert [offender["model"] for offender in found["summary"]["offenders"]] == ["acme/Drops", "lost/Base"]
    quant = next(model for model in found["models"] if model["model"] == "acme/Quant")
    assert quant["class"] == "violation"
    assert quant["findings"][0]["path"] == ["acme/Quant", "acme/Drops", "google/Base"]
    assert quant["findings"][0]["offender"] == "acme/Drops"


def test_rows_are_findings_and_models_without_any(world: Engine) -> None:
    rows = list(csv.DictReader(io.StringIO(audited(world, "--all", "-f", "csv").stdout)))
    assert [(row["model"], row["class"], row["rule"]) for row in rows] == [
        ("acme/Drops", "violation", "flow-down"),
        ("acme/Quant", "violation", "flow-down"),
        ("acme/Unknown", "review", "unknown-ancestor"),
        ("acme/Free", "pass", ""),
    ]


def test_sarif_and_junit_name_the_line_of_the_list(world: Engine) -> None:
    Path("my models.txt").write_text("# ours\nacme/Free\nacme/Quant\n")
    found = json.loads(audited(world, "-r", "my models.txt", "-f", "sarif").stdout)
    (result,) = found["runs"][0]["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("my%20models.txt", 3)
    cases = ElementTree.fromstring(audited(world, "-r", "my models.txt", "-f", "junit").stdout).iter("testcase")
    assert {case.get("name"): case.get("line") for case in cases} == {"acme/Free": "2", "acme/Quant": "3"}


def test_sarif_without_a_list_stands_at_the_policy(world: Engine) -> None:
    Path("lineage.toml").write_text("")
    found = json.loads(audited(world, "acme/Quant", "-f", "sarif").stdout)
    place = found["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "lineage.toml"


def test_html_goes_to_a_file(world: Engine) -> None:
    assert audited(world, "--all", "-f", "html", "-o", "report.html").output == ""
    page = Path("report.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "acme/Drops" in page


def test_a_policy_in_this_folder_is_used_and_another_may_be_named(world: Engine) -> None:
    assert audited(world, "acme/Drops").exit_code == 1
    Path("lineage.toml").write_text("[rules]\nflow-down = 'review'\n")
    here = audited(world, "acme/Drops")
    assert here.exit_code == 0
    assert "policy lineage.toml" in here.stdout
    Path("strict.toml").write_text("[licenses]\nallow = ['mit']\n")
    strict = audited(world, "acme/Free", "--policy", "strict.toml")
    assert strict.exit_code == 1
    assert "\n  not-allowed: apache-2.0, its own label\n" in strict.stdout


def test_the_licence_question_knows_the_policy_too(world: Engine) -> None:
    Path("lineage.toml").write_text('[[clarify]]\nmodel = "lost/base"\nlicense = "mit"\nevidence = "asked"\n')
    said = lineage("license", "acme/Unknown", "--db", database(world)).stdout
    assert said.startswith("acme/Unknown: ok-with-notices (pass)\n")
    yes = lineage("license", "acme/Unknown", "--may-i", "mit", "--db", database(world))
    assert yes.exit_code == 0


def test_policy_init_writes_a_policy_once(world: Engine) -> None:
    first = lineage("policy", "init")
    assert (first.exit_code, first.stdout) == (
        0,
        "wrote lineage.toml: edit it, then run `lineage audit -r models.txt`\n",
    )
    before = Path("lineage.toml").read_text()
    assert refusal("policy", "init") == "lineage.toml is there already: edit it, or name another file"
    assert Path("lineage.toml").read_text() == before
    assert lineage("policy", "init", "other.toml").exit_code == 0
    assert Path("other.toml").read_text() == before
    assert audited(world, "--all").stdout.replace(", policy lineage.toml", "") == audited(
        world, "--all", "--policy", "other.toml"
    ).stdout.replace(", policy other.toml", "")
    assert refusal("policy", "init", "no/folder/x.toml").startswith("no/folder/x.toml: No such file")


def test_evidence_is_read_from_the_hub_and_kept(world: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)
    monkeypatch.setenv("LINEAGE_CACHE", str(Path("cache").absolute()))
    rows = [api_row("acme/Free", license="apache-2.0", sha="1" * 40, files={"LICENSE": APACHE}), api_row("acme/Drops")]
    with FakeHub(rows) as hub:
        args = ("acme/Free", "acme/Unknown", "--evidence", "--endpoint", hub.url)
        first = audited(world, *args)
        again = audited(world, *args)
    assert "\n  documented: grade 4 of 4\n" in first.stdout
    assert "\n  documented: grade 1 of 4: its files could not be read: not on the Hub, or private\n" in first.stdout
    assert first.stderr == "read the files of 2 models in 4 requests\n"
    assert again.stderr == "read the files of 2 models in 2 requests\n"
    assert again.stdout == first.stdout


HOSTILE = "\x1b[31m<script>alert(1)</script>|`x`\u202e=1"


@pytest.mark.parametrize("format_", ["table", "json", "jsonl", "csv", "markdown", "html", "sarif", "junit"])
def test_a_hostile_license_name_is_escaped_in_every_format(world: Engine, format_: str) -> None:
    save(
        world,
        [
            api_row("evil/Base", cardData={"license": "other", "license_name": HOSTILE}),
            api_row("evil/Child", ["evil/Base"], license="apache-2.0"),
        ],
    )
    written = audited(world, "evil/Child", "evil/Base", "--claim", "any", "--exit-zero", "-f", format_).stdout
    assert "alert(1)" in written.replace("\\", "")
    assert "\x1b" not in written
    assert "\u202e" not in written
    if format_ in {"html", "junit", "markdown"}:
        assert "<script>alert" not in written
    if format_ == "junit":
        assert ElementTree.fromstring(written).tag == "testsuites"
