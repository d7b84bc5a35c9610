"""`lineage license`: exit statuses, formats, and text from the Hub that is anybody's."""

import csv
import io
import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pytest
from click.testing import Result
from sqlalchemy import Engine

from lineage.formats.text import printable
from lineage.licenses.catalogue import catalogue
from tests.databases import Database
from tests.families import api_row, family, save
from tests.lineage.calls import CHECKOUT, STEERING, answer, database, lineage, refusal
from tests.lineage.test_hostile_text import TEXTS, stored

FORMATS = ("table", "json", "jsonl", "csv", "markdown")
WORLD = """
    meta-llama/Llama-3.1-8B  llama3.1
      me/Llama-Tuned  llama3.1
      me/Wrong  apache-2.0
        you/Wrong-LoRA  adapter  apache-2.0
    a/Free  apache-2.0
      me/Free  mit
      me/Silent
    b/Research  cc-by-nc-4.0
      me/Dropped  apache-2.0
    c/Unseen  unseen
      me/Dark  mit
    d/Lib  mpl-2.0
      me/Lib  mit
    e/Shared  cc-by-sa-4.0
      me/Stuck  merge  mit
    google/gemma-2b  gemma
      me/Stuck
    """


@pytest.fixture(scope="module")
def world(database: Database) -> Iterator[Engine]:
    """Read only: all tests share it."""
    with database.registry() as engine:
        family(engine, WORLD)
        yield engine


def asked(engine: Engine, *args: str) -> Result:
    return lineage("license", *args, "--db", database(engine))


def shown(engine: Engine, *args: str) -> dict[str, Any]:
    """The JSON of an answer, which keeps to its schema."""
    found: dict[str, Any] = json.loads(answer(engine, "license", *args, "-f", "json"))
    _, name, version = found["schema"].split("/")
    schema = json.loads((CHECKOUT / "docs" / "schemas" / f"{name}-{version}.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


@pytest.mark.parametrize("model", ["me/Free", "me/Wrong", "me/Silent", "me/Dark", "me/Lib", "a/Free", "c/Unseen"])
@pytest.mark.parametrize("format_", FORMATS)
def test_a_verdict_whatever_it_is_ends_well(world: Engine, model: str, format_: str) -> None:
    assert answer(world, "license", model, "-f", format_).strip() or format_ == "jsonl"


@pytest.mark.parametrize(
    ("args", "status", "said"),
    [
        ("me/Free --may-i mit", 0, "yes"),
        ("me/Free --may-i cc-by-nc-4.0", 0, "yes"),
        ("me/Wrong --may-i llama3.1", 0, "yes"),
        ("me/Wrong --may-i Llama-3.1", 0, "yes"),
        ("me/Wrong --may-i apache-2.0", 1, "no"),
        ("me/Wrong --may-i llama3", 1, "no"),
        ("me/Dropped --may-i mit", 1, "no"),
        ("me/Free --may-i llama2", 3, "depends"),
        ("me/Lib --may-i mit", 3, "depends"),
        ("me/Dark --may-i mit", 3, "cannot be known"),
        ("me/Silent --may-i mit", 0, "yes"),
        ("me/Free --for commercial", 0, "yes"),
        ("me/Llama-Tuned --for commercial", 3, "depends"),
        ("me/Dropped --for commercial", 1, "no"),
        ("me/Dark --for commercial", 3, "cannot be known"),
        ("me/Silent --for commercial", 3, "cannot be known"),
        ("me/Free --for redistribute", 0, "yes"),
        ("me/Free --for hosted", 0, "yes"),
        ("me/Dropped --for hosted", 3, "depends"),
        ("me/Free --for train-on-outputs", 0, "yes"),
        ("me/Llama-Tuned --for train-on-outputs", 3, "depends"),
        ("me/Dark --for train-on-outputs", 3, "cannot be known"),
    ],
)
@pytest.mark.parametrize("format_", ["table", "json"])
def test_a_question_ends_with_its_answer(world: Engine, args: str, status: int, said: str, format_: str) -> None:
    result = asked(world, *args.split(), "-f", format_)
    assert (result.exit_code, result.stderr) == (status, "")
    first = result.stdout.partition("\n")[0]
    assert (json.loads(result.stdout)["answer"] if format_ == "json" else first.rpartition("? ")[2]) == said


def test_a_label_of_several_licences_may_be_asked_for(world: Engine) -> None:
    assert asked(world, "me/Wrong", "--may-i", "apache-2.0 AND llama3.1").exit_code == 0
    assert asked(world, "me/Free", "--may-i", "mit AND apache-2.0").exit_code == 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], r"name a MODEL, or --list, or --explain LICENSE: see `lineage license --help`"),
        (["no/One"], "no such model: no/One"),
        (["no/One", "--suggest"], "no such model: no/One"),
        (["me/Free", "--may-i", "nonsense"], "no such licence: nonsense"),
        (["me/Free", "--may-i", "mit AND nonsense"], "no such licence: mit AND nonsense"),
        (["me/Free", "--may-i", "other"], "no such licence: other"),
        (["me/Free", "--may-i", ""], "no such licence"),
        (["me/Free", "--may-i", "\x1b[31m\n=1"], "no such licence"),
        (["me/Free", "--for", "fun"], "Invalid value for '--for'"),
        (["me/Free", "--for", ""], "Invalid value for '--for'"),
        (["--explain", "nonsense"], "no such licence: nonsense"),
        (["--explain", "\x1b[31m\n"], "no such licence"),
        (["me/Free", "-f", "tree"], "Invalid value for '-f'"),
        (["me/Free", "me/Wrong"], "Got unexpected extra argument"),
    ],
)
def test_what_cannot_be_answered_is_one_line(world: Engine, args: list[str], said: str) -> None:
    line = refusal("license", *args, "--db", database(world))
    assert line.startswith(said)
    assert STEERING.search(line) is None


def test_json_names_everything_that_a_finding_rests_on(world: Engine) -> None:
    found = shown(world, "you/Wrong-LoRA")
    assert found["schema"] == "finetune-lineage/license/1"
    assert {"model", "declared", "effective", "verdict", "class", "obligations", "data_date"} <= found.keys()
    assert (found["verdict"], found["class"], found["declared"]) == ("conflict", "violation", "apache-2.0")
    assert found["catalogue"] == catalogue().version
    assert found["delta"] == found["combined"] == {"verdict": "conflict", "class": "violation"}
    finding = found["findings"][0]
    assert finding["path"] == ["you/Wrong-LoRA", "me/Wrong", "meta-llama/Llama-3.1-8B"]
    expected = {
        "rule": "direct-licence",
        "verdict": "conflict",
        "class": "violation",
        "ancestor": "meta-llama/Llama-3.1-8B",
        "license": "llama3.1",
        "relations": ["adapter", "finetune"],
        "axis": "child",
        "section": "1.a",
        "arguable": False,
        "mend": "declare llama3.1",
    }
    assert {name: finding[name] for name in expected} == expected
    assert finding["clause"]
    assert finding["source"]
    duty = found["obligations"][0]
    assert duty.keys() == {"axis", "says", "license", "ancestor", "section", "source", "unverified", "met"}


@pytest.mark.parametrize(
    "args",
    [["me/Free"], ["me/Silent"], ["me/Dark"], ["me/Stuck", "--suggest"], ["--list"], ["--explain", "gemma"]],
    ids=" ".join,
)
def test_every_answer_keeps_to_its_schema(world: Engine, args: list[str]) -> None:
    shown(world, *args)


def test_suggestions_stand_most_permissive_first(world: Engine) -> None:
    labels = [entry["label"] for entry in shown(world, "me/Free", "--suggest")["suggestions"]]
    use = [("yes", "conditional", "unknown", "no").index(catalogue().licenses[label].commercial) for label in labels]
    assert use == sorted(use)
    assert catalogue().licenses[labels[0]].terms == "free"
    assert labels.index("mit") < labels.index("gpl-3.0") < labels.index("cc-by-nc-4.0")
    assert not {"llama3.1", "gemma", "other", "unknown", "openrail", "cc"} & set(labels)


def test_suggestions_are_labels_that_would_pass(world: Engine) -> None:
    for model in ("me/Free", "me/Wrong", "me/Dropped", "me/Lib"):
        found = shown(world, model, "--suggest")["suggestions"]
        assert found
        for label in found:
            assert asked(world, model, "--may-i", label["label"]).exit_code == 0, label
    assert [entry["label"] for entry in shown(world, "me/Wrong", "--suggest")["suggestions"]] == ["llama3.1"]
    kept = [entry["label"] for entry in shown(world, "me/Dropped", "--suggest")["suggestions"]]
    assert {catalogue().licenses[label].commercial for label in kept} == {"no"}


def test_there_is_no_suggestion_where_something_above_is_unknown(world: Engine) -> None:
    found = shown(world, "me/Dark", "--suggest")
    assert found["suggestions"] == []
    assert found["notes"] == ["the terms of c/Unseen cannot be told"]


def test_there_is_no_suggestion_where_parents_exclude_each_other(world: Engine) -> None:
    """CC-BY-SA forbids further restrictions (3(b)(3)), Gemma obliges to pass some on (3.1): no label meets both."""
    found = shown(world, "me/Stuck", "--suggest")
    assert found["suggestions"] == []
    assert found["notes"] == ["no label meets all that is inherited: the parents exclude each other"]


@pytest.mark.parametrize("name", ["gemma", "Gemma Terms of Use", "GEMMA", "gemma_terms-of-use"])
def test_a_licence_is_explained_by_any_of_its_names(name: str) -> None:
    found = json.loads(lineage("license", "--explain", name, "-f", "json").stdout)
    assert (found["id"], found["catalogue"]) == ("gemma", catalogue().version)
    assert [fact["section"] for fact in found["facts"]]
    assert "Gemma Terms of Use" in lineage("license", "--explain", name).stdout


@pytest.mark.parametrize("id", [id for id, license in catalogue().licenses.items() if license.kind != "none"])
def test_every_licence_can_be_explained(id: str) -> None:
    result = lineage("license", "--explain", id)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(f"{id}: ")
    for fact in catalogue().licenses[id].facts:
        assert fact.says in result.stdout
        assert fact.source in result.stdout


def test_the_list_holds_all_and_needs_no_registry(tmp_path: object) -> None:
    result = lineage("license", "--list", "-f", "json", "--db", f"{tmp_path}/no.db")
    assert [entry["id"] for entry in json.loads(result.stdout)["licenses"]] == sorted(catalogue().licenses)


@pytest.fixture(scope="module", params=TEXTS, ids=str)
def hostile(request: pytest.FixtureRequest, database: Database) -> Iterator[tuple[Engine, str]]:
    """Licence labels, names and owners that are the text."""
    text = TEXTS[request.param]
    with database.registry() as engine:
        said = {"license": "other", "license_name": text, "license_link": text}
        save(
            engine,
            [
                api_row("a/Base", author=text, cardData=said, tags=[]),
                api_row("a/Free", tags=[], cardData={"license": ["mit", text]}),
                api_row("me/Named", ["a/Base"], cardData={**said, "base_model": ["a/Base"]}),
                api_row(
                    "me/Labelled", ["a/Base"], tags=[], cardData={"license": text, "base_model": ["a/Base", "a/Free"]}
                ),
                api_row(
                    "me/Both", ["a/Free"], tags=[], cardData={**said, "license": "mit", "base_model": ["a/Base", text]}
                ),
            ],
        )
        yield engine, text


COMMANDS = [
    *(f"license {model}" for model in ("a/Base", "me/Named", "me/Labelled", "me/Both")),
    "license me/Both --suggest",
    "license a/Base --suggest",
]
QUESTIONS = ["license me/Both --may-i mit", "license me/Both --for commercial", "license a/Base --for commercial"]


@cache
def written(engine: Engine, command: str, format_: str) -> str:
    """The output with its line ends as they are; nobody writes, so that all tests may look at the same."""
    result = lineage(*command.split(), "-f", format_, "--db", database(engine))
    assert result.exit_code in {0, 1, 3}
    assert result.stderr == ""
    return result.stdout_bytes.decode()


@pytest.mark.parametrize("format_", FORMATS)
def test_no_label_steers_a_terminal(hostile: tuple[Engine, str], format_: str) -> None:
    for command in COMMANDS + QUESTIONS:
        assert STEERING.search(written(hostile[0], command, format_)) is None


def test_a_label_is_text_in_a_table(hostile: tuple[Engine, str]) -> None:
    engine, text = hostile
    assert printable(stored(text)) in written(engine, "license me/Named", "table")


def test_a_label_is_no_markup(hostile: tuple[Engine, str]) -> None:
    for command in COMMANDS + QUESTIONS:
        output = written(hostile[0], command, "markdown")
        rows = [line for line in output.split("\n") if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}) == 1
        assert not re.search(r"(?<!\\)(?:\\\\)*[<`]", output)


def test_a_label_is_no_formula(hostile: tuple[Engine, str]) -> None:
    for command in COMMANDS + QUESTIONS:
        output = written(hostile[0], command, "csv")
        rows = list(csv.reader(io.StringIO(output, newline=""), strict=True))
        assert len({len(row) for row in rows}) == 1, command
        assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r"))]


def test_json_holds_the_label_itself(hostile: tuple[Engine, str]) -> None:
    engine, text = hostile
    assert stored(text).strip() in json.loads(written(engine, "license me/Named", "json"))["declared"]
    for line in written(engine, "license me/Named", "jsonl").splitlines():
        assert json.loads(line)["verdict"]
