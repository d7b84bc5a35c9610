"""The command `scan`, its list, and the audit of such a list."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine

from lineage.audit import audit
from lineage.cli.main import main
from lineage.listing import Place, list_line, listed
from lineage.selection import Selection
from registry.names import UnknownModel
from registry.records import RegistryError
from tests.crawler.folders import write
from tests.families import family
from tests.lineage.calls import CHECKOUT, STEERING, answer, database, lineage, on_terminal, refusal
from tests.lineage.test_sarif import VALIDATOR

FAMILY = """
google/Base  gemma
  acme/Drops  apache-2.0
acme/Free  apache-2.0
acme/Mit  mit
"""
SHA = "b968826d9c46dd6066d109eabc6255188de91218"
CODE = {
    "src/app.py": f'NAME = "acme/Drops"\nx.from_pretrained(NAME, revision="{SHA}")\nLLM("no/Body")\nLLM(other)\n',
    "conf/train.yaml": "base_model: acme/free\nteacher_model: acme/Drops\n",
    "run.sh": "hf download no/Body\n",
}
UNNAMED = "1 call names its model by what only a run would tell"
SCANNED = f"""\
# lineage scan: 3 models named, 1 of them not in the registry; 3 files read; {UNNAMED}
acme/Free  # conf/train.yaml:1
acme/Drops  # conf/train.yaml:2
no/Body  # run.sh:1
acme/Drops@{SHA}  # src/app.py:1
no/Body  # src/app.py:3
"""


@pytest.fixture
def world(registry: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """A registry with the family, called from a code base."""
    family(registry, FAMILY)
    monkeypatch.chdir(write(tmp_path / "code", CODE))
    return registry


def piped(engine: Engine, text: str | bytes, *args: str) -> Result:
    """The audit of a list on its standard input."""
    called = ["audit", "-r", "-", *args, "--db", database(engine)]
    return CliRunner().invoke(main, called, prog_name="lineage", input=text)


def places(run: Any) -> dict[str, list[tuple[str, int]]]:
    """Where the results of a SARIF document stand, by rule."""
    return {
        result["ruleId"]: [
            (place["physicalLocation"]["artifactLocation"]["uri"], place["physicalLocation"]["region"]["startLine"])
            for place in result["locations"]
        ]
        for result in run["results"]
    }


def test_a_scan_into_a_pipe_is_a_list_and_says_what_it_could_not_tell(world: Engine) -> None:
    done = lineage("scan", ".", "--db", database(world))
    assert (done.exit_code, done.stdout) == (0, SCANNED)
    assert done.stderr == f"{UNNAMED}\n"
    assert lineage("scan", ".", "-f", "list", "--db", database(world)).stdout == SCANNED
    lineage("scan", ".", "-o", "models.txt", "--db", database(world))
    assert Path("models.txt").read_text() == SCANNED


def test_a_scan_on_a_terminal_is_a_table(world: Engine, tmp_path: Path) -> None:
    status, said = on_terminal("scan", str(tmp_path / "code" / "run.sh"), "--db", database(world))
    assert status == 0
    assert said.splitlines()[0].split() == ["model", "file", "line", "how", "state", "license"][:5]
    assert "hf download  not in the registry" in said
    assert said.endswith("1 model named, 1 of them not in the registry; 1 file read\n")


def test_the_table_says_what_the_registry_knows(world: Engine) -> None:
    said = lineage("scan", ".", "-f", "csv", "--db", database(world)).stdout
    rows = list(csv.DictReader(io.StringIO(said)))
    assert rows[0] == {
        "model": "acme/Free", "file": "conf/train.yaml", "line": "1", "how": "base_model", "revision": "",
        "state": "listed", "license": "apache-2.0",
    }  # fmt: skip
    assert [row["state"] for row in rows if row["model"] == "no/Body"] == ["not in the registry"] * 2
    assert [row["revision"] for row in rows if row["model"] == "acme/Drops"] == ["", SHA]
    whole = json.loads(lineage("scan", ".", "-f", "json", "--db", database(world)).stdout)
    assert {name: whole[name] for name in ("files", "models", "unknown", "unnamed", "left_out")} == {
        "files": 3, "models": 3, "unknown": 1, "unnamed": 1, "left_out": []
    }  # fmt: skip
    assert (whole["uses"][0]["name"], whole["uses"][0]["model"]) == ("acme/free", "acme/Free")


def test_what_is_left_out_is_said_in_every_format(world: Engine) -> None:
    Path("big.json").write_bytes(b" " * 1_000_001)
    told = "left out: big.json is larger than 1,000,000 bytes"
    assert told in lineage("scan", ".", "--db", database(world)).stderr
    assert told in lineage("scan", ".", "-f", "table", "--db", database(world)).stdout
    whole = json.loads(lineage("scan", ".", "-f", "json", "--db", database(world)).stdout)
    assert (whole["files"], [left["file"] for left in whole["left_out"]]) == (3, ["big.json"])


def test_what_cannot_be_scanned_is_refused_in_one_line(world: Engine, tmp_path: Path) -> None:
    assert refusal("scan", "nowhere", "--db", database(world)).startswith("cannot read nowhere (No such file")
    assert "see `lineage scan --help`" in refusal("scan", "--db", database(world))
    assert "no registry" in refusal("scan", ".", "--db", tmp_path / "none.db")


def test_an_audit_of_a_scan_tells_the_lines_of_the_code(world: Engine) -> None:
    done = piped(world, SCANNED, "-f", "sarif")
    assert done.exit_code == 1, done.output
    document = json.loads(done.stdout)
    VALIDATOR.validate(document)
    (run,) = document["runs"]
    assert places(run) == {
        "flow-down": [("conf/train.yaml", 2), ("src/app.py", 1)],
        "not-in-registry": [("run.sh", 1), ("src/app.py", 3)],
    }
    step = run["results"][0]["codeFlows"][0]["threadFlows"][0]["locations"][0]["location"]
    assert step["physicalLocation"]["artifactLocation"]["uri"] == "conf/train.yaml"
    root = ElementTree.fromstring(piped(world, SCANNED, "-f", "junit").stdout)
    assert {(case.get("name"), case.get("file"), case.get("line")) for case in root.iter("testcase")} == {
        ("acme/Drops", "conf/train.yaml", "2"), ("acme/Free", "conf/train.yaml", "1"), ("no/Body", "run.sh", "1")
    }  # fmt: skip
    for format_ in ("table", "csv", "html", "markdown", "json"):
        assert "train.yaml" in piped(world, SCANNED, "-f", format_).stdout, format_


def test_an_unknown_model_of_a_scan_never_passes(world: Engine) -> None:
    alone = "acme/Mit  # a.py:1\nno/Body@0123abc  # a.py:2\nNo/body  # b.py:3\n"
    done = piped(world, alone)  # whatever the claim: nobody can tell what it is
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("standard input: 0 of 1 models claim apache-2.0; 1 more is not in the registry\n")
    assert "review: no/Body (not known): unknown\n  named at a.py:2, b.py:3\n" in done.stdout
    assert "lineage crawl family --up no/Body" in done.stdout
    assert piped(world, alone, "--strict").exit_code == 3
    summary = json.loads(piped(world, alone, "--claim", "any", "-f", "json").stdout)["summary"]
    assert (summary["selected"], summary["audited"], summary["unknown"]) == (2, 2, 1)
    assert summary["classes"] == {"violation": 0, "review": 1, "pass": 1}
    assert [(o["model"], o["clears"]) for o in summary["offenders"]] == [("no/Body", 1)]


def test_a_policy_judges_an_unknown_model(world: Engine) -> None:
    alone = "no/Body  # a.py:2\n"
    Path("lineage.toml").write_text('[licenses]\non-unknown = "violation"\n')
    assert piped(world, alone).exit_code == 1
    waiver = '[[waiver]]\nmodel = "no/*"\nrule = "not-in-registry"\nreason = "ours"\nexpires = 2999-01-01\n'
    Path("lineage.toml").write_text(waiver)
    done = piped(world, alone, "--strict", "-f", "json")
    assert done.exit_code == 0, done.output
    (model,) = json.loads(done.stdout)["models"]
    assert (model["class"], model["findings"][0]["waived"], model["offenders"]) == ("pass", "ours", [])
    Path("lineage.toml").write_text('[rules]\nnot-in-registry = "pass"\n')
    assert piped(world, alone).exit_code == 2


def test_the_limit_holds_for_unknown_models_too(world: Engine) -> None:
    many = "".join(f"no/Body{n}  # a.py:{n}\n" for n in range(1, 6)) + SCANNED
    found = json.loads(piped(world, many, "--limit", "2", "-f", "json").stdout)
    assert [model["model"] for model in found["models"]] == ["acme/Drops", "no/Body1"]
    assert found["summary"]["more"] == {"models": 6, "offenders": 5, "branches": 0}


def test_a_list_that_people_write_is_as_strict_as_before(world: Engine) -> None:
    for line in ("no/Body", "no/Body # a.py:3", "no/Body  # a.py", "no/Body  # a b.py:3", "no/Body  # a.py:0"):
        done = piped(world, f"acme/Free\n{line}\n")
        assert done.exit_code == 2, line
        assert done.stderr.startswith("lineage: standard input:2: no such model: no/Body")


def test_a_scan_without_models_passes_and_an_empty_list_does_not(world: Engine) -> None:
    Path("empty").mkdir()
    done = lineage("scan", "empty", "--db", database(world))
    assert done.stdout == "# lineage scan: 0 models named; 0 files read\n"
    for format_ in ("table", "json", "sarif", "junit", "html", "csv"):
        assert piped(world, done.stdout, "--strict", "-f", format_).exit_code == 0, format_
    assert piped(world, "").exit_code == piped(world, "# nothing\n").exit_code == 2
    assert "standard input names no model" in piped(world, "").stderr
    assert "is not UTF-8" in piped(world, b"\xff").stderr


def test_a_scan_as_of_a_day(snapshot_registry: Engine) -> None:
    text = "Qwen/Qwen3-8B  # a.py:1\nno/Body  # b.py:2\n"
    done = piped(snapshot_registry, text, "--as-of", "2026-08-22", "--claim", "any", "-f", "json")
    assert done.exit_code == 0, done.output
    told = {model["model"]: (model["class"], model["places"]) for model in json.loads(done.stdout)["models"]}
    assert told == {
        "no/Body": ("review", [{"file": "b.py", "line": 2}]),
        "Qwen/Qwen3-8B": ("pass", [{"file": "a.py", "line": 1}]),
    }


def test_a_plain_list_on_standard_input(world: Engine) -> None:
    found = json.loads(piped(world, "# ours\nacme/Drops\n", "-f", "json").stdout)
    assert (found["summary"]["asked"], found["models"][0]["line"]) == ("standard input", 2)
    assert found["models"][0]["places"] == []
    document = json.loads(piped(world, "acme/Drops\n", "-f", "sarif").stdout)
    assert "physicalLocation" not in document["runs"][0]["results"][0]["locations"][0]


def test_the_pipe_itself(world: Engine) -> None:
    command = f"{sys.executable} -m lineage"
    done = subprocess.run(
        f"{command} scan . | {command} audit -r - --claim any -f sarif",
        shell=True, capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "LINEAGE_DB": database(world)},
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert places(json.loads(done.stdout)["runs"][0])["not-in-registry"] == [("run.sh", 1), ("src/app.py", 3)]


HOSTILE = {
    "ansi": "\x1b[31mred\x1b[0m.py",
    "newline": "a\nacme\u2028b.py",
    "comment": "a  # b:1 %41.py",
    "formula": "=HYPERLINK(1).py",
    "bytes": "\udcff.py",
    "bidi": "\u202egpj.py",
    "markup": "<b>|`x`.py",
    "quotes": "\"',;&.py",
    "dots": "..%2F..\\...py",
    "long": f"{'x' * 250}.py",
}


@pytest.mark.parametrize("name", HOSTILE.values(), ids=HOSTILE)
def test_hostile_names_of_files_steer_nothing_and_come_back(world: Engine, name: str) -> None:
    Path("x").mkdir()
    Path("x", name).write_text('LLM("no/Body")\n')
    said = {
        format_: lineage("scan", "x", "-f", format_, "--db", database(world))
        for format_ in ("list", "table", "json", "jsonl", "csv", "markdown")
    }
    for format_, done in said.items():
        assert done.exit_code == 0
        assert STEERING.search(done.stdout) is None, format_
    assert not [cell for row in csv.reader(io.StringIO(said["csv"].stdout)) for cell in row if cell[:1] == "="]
    assert json.loads(said["json"].stdout)["uses"][0]["file"] == f"x/{name}"
    (one,) = listed(said["list"].stdout.encode(), "list")
    assert one.place == Place(f"x/{name}", 1)
    for format_ in ("table", "csv", "html", "markdown", "json", "junit", "sarif"):
        done = piped(world, said["list"].stdout, "-f", format_)
        assert done.exit_code == 0, done.output
        assert STEERING.search(done.stdout) is None, format_
    (place,) = places(json.loads(done.stdout)["runs"][0])["not-in-registry"]
    assert place[0].isascii()
    assert not set(place[0]) & set(' <>"`|\n')


def test_an_audit_repeats_what_a_scan_could_not_tell(world: Engine) -> None:
    Path("big;1.json").write_bytes(b" " * 1_000_001)
    text = lineage("scan", ".", "--db", database(world)).stdout
    told = (UNNAMED, "1 file was left out")
    assert text.partition("\n")[0].endswith("; ".join(told))
    said = [f"the scan of the code: {one}" for one in told]
    assert json.loads(piped(world, text, "-f", "json").stdout)["summary"]["remarks"] == said
    for format_ in ("table", "html", "markdown", "junit", "sarif"):
        assert all(one in piped(world, text, "-f", format_).stdout for one in said), format_
    Path("list.txt").write_text(text)
    found = lineage("audit", "-r", "list.txt", "-f", "json", "--exit-zero", "--db", database(world))
    assert json.loads(found.stdout)["summary"]["remarks"] == said


@pytest.mark.parametrize(
    "first",
    [
        "# ours; 0 files; 1 call names",
        "# lineage scan: 1; 1; 1 \x1b[0m; 2 <b>; https://x; 0 calls; 1 \u202ex",
        "#",
    ],
)
def test_a_first_line_says_no_more_than_numbers_and_words(world: Engine, first: str) -> None:
    done = piped(world, f"{first}\nacme/Mit  # a.py:1\n", "-f", "json")
    assert json.loads(done.stdout)["summary"]["remarks"] == []


def test_only_commits_are_kept_in_a_list() -> None:
    place = Place("a b.py", 3)
    assert list_line("a/B", SHA, place) == f"a/B@{SHA}  # a%20b.py:3"
    assert list_line("a/B", "main", place) == list_line("a/B", None, place) == "a/B  # a%20b.py:3"


def test_lists_from_python(world: Engine) -> None:
    found = audit(world, Selection(file=Path("-"), content=b"acme/Drops  # a.py:7\n"))
    assert found.models[0].places == (Place("a.py", 7),)
    with pytest.raises(UnknownModel, match="standard input:1"):
        audit(world, Selection(file=Path("-"), content=b"no/Body\n"))
    with pytest.raises(RegistryError, match="names no model"):
        audit(world, Selection(file=Path("-"), content=b"\n"))


def test_a_scan_keeps_to_its_schema(world: Engine) -> None:
    schema = json.loads((CHECKOUT / "docs" / "schemas" / "scan-1.json").read_text(encoding="utf-8"))
    document = json.loads(lineage("scan", ".", "-f", "json", "--db", database(world)).stdout)
    jsonschema.Draft202012Validator(schema).validate(document)
    assert document["uses"]
    assert "acme/Free" in answer(world, "scan", "conf", "-f", "markdown").replace("\\", "")


def test_models_of_other_services_are_told_as_such(world: Engine) -> None:
    code = 'Agent(model="openai:gpt-4o")\nmodel = "ollama/llama3:8b"\nmodel_name = "openrouter/openai/gpt-4o"\n'
    code += 'm = dict(model="bedrock/anthropic.claude-v2:1")\nmodel = "openai/whisper-large-v3"\nmodel = "acme/free"\n'
    write(Path("hosted"), {"a.py": code, "b.yaml": "model: vertex_ai/claude-3-5-sonnet@20240620\n"})
    done = lineage("scan", "hosted", "--db", database(world))
    assert done.stdout.splitlines()[0] == (
        "# lineage scan: 7 models named, 6 of them not in the registry (5 look like another service's); 2 files read"
    )
    rows = json.loads(lineage("scan", "hosted", "-f", "json", "--db", database(world)).stdout)["uses"]
    assert {row["name"] for row in rows if row["state"] == "not in the registry"} == {"openai/whisper-large-v3"}
    audited = json.loads(piped(world, done.stdout, "--claim", "any", "-f", "json").stdout)["models"]
    mended = {model["model"]: model["findings"][0]["mend"] for model in audited if model["findings"]}
    assert "looks like a model of another service" in mended["openai:gpt-4o"]
    assert "lineage crawl family --up openai/whisper-large-v3" in mended["openai/whisper-large-v3"]
    page = piped(world, done.stdout, "--claim", "any", "-f", "html").stdout
    assert "ollama/llama3:8b" in page
    assert "huggingface.co/ollama" not in page
