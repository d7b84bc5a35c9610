"""Text from the Hub is anybody's: it is data in every format, and never steers what reads it."""

import csv
import io
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine

from lineage.formats.text import printable
from tests.databases import Database
from tests.families import api_row, save
from tests.lineage.calls import STEERING, answer, database, lineage, python

TEXTS = {
    "ansi": "\x1b[31mred\x1b[0m",
    "osc": "\x1b]8;;https://evil.example\x07click\x1b]8;;\x07",
    "c1": "\x9b31mred\x85next\x7f",
    "bidi": "\u202egpj.exe\u2066\u200b",
    "lines": "one\ntwo\r\nthree\u2028four\u2029five\vsix\fseven",
    "pipes": "a|b||c\\|d\\",
    "html": "<script>alert(1)</script><!-- <img src=x onerror=y>",
    "formula": '=HYPERLINK("https://evil.example","click")',
    "minus": "-1",
    "return": "\r=1",
    "nul": "a\x00b\ud800c",
    "backticks": "`` ` ``` ![x](y) [z](javascript:1) **b** _i_ # h",
    "quotes": '"\'""\',;',
    "long": "x" * 100_000,
}
COMMANDS = (
    "ancestors you/Tuned",
    "descendants me/Base",
    "why you/Tuned me/Base",
    "common you/Tuned me/Base",
    "show me/Base",
    "show you/Tuned",
    "search",
    "stats",
    "stats me/Base",
    "stats --licenses",
    "license you/Tuned",
    "audit --all --claim any --exit-zero",
    "count me/Base",
    "defects",
    "db info",
)


def stored(text: str) -> str:
    """The text as any database can hold it."""
    return text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")[:2048]


@pytest.fixture(scope="module", params=TEXTS, ids=str)
def hostile(request: pytest.FixtureRequest, database: Database) -> Iterator[tuple[Engine, str]]:
    """A registry in which everything that can be said freely is the text."""
    text = TEXTS[request.param]
    with database.registry() as engine:
        free = dict.fromkeys(("author", "pipeline_tag", "library_name", "sha"), text)
        said = dict.fromkeys(("license_name", "license_link", "new_version"), text)
        save(
            engine,
            [
                api_row("me/Base", tags=[f"dataset:{text}"], cardData={"license": "other", **said}, **free),
                api_row(
                    "you/Tuned",
                    tags=[],
                    cardData={"license": text, "base_model": ["me/Base", text]},
                    gated=text,
                    createdAt=text,
                    observation={"source": text},
                ),
                text,
                {"id": text},
            ],
        )
        yield engine, text


def outputs(engine: Engine, format_: str) -> Iterator[str]:
    for command in COMMANDS:
        if format_ != "tree" or command.startswith(("ancestors", "descendants", "why")):
            yield data(engine, command, format_).replace("\r\n", "\n")  # CSV ends its lines so


@cache
def data(engine: Engine, command: str, format_: str) -> str:
    """The output with its line ends as they are; nobody writes, so that all tests may look at the same."""
    result = lineage(*command.split(), "-f", format_, "--db", database(engine))
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout_bytes.decode()


@pytest.mark.parametrize("format_", ["tree", "table", "markdown", "csv", "json", "jsonl"])
def test_nothing_steers_the_terminal(hostile: tuple[Engine, str], format_: str) -> None:
    for output in outputs(hostile[0], format_):
        assert STEERING.search(output) is None
        assert output.strip()


def test_markdown_keeps_its_columns(hostile: tuple[Engine, str]) -> None:
    for output in outputs(hostile[0], "markdown"):
        rows = [line for line in output.split("\n") if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", row)) for row in rows}) == 1
        assert not re.search(r"(?<!\\)(?:\\\\)*[<`]", output)


def test_csv_keeps_its_columns_and_holds_no_formula(hostile: tuple[Engine, str]) -> None:
    for command in COMMANDS:
        rows = list(csv.reader(io.StringIO(data(hostile[0], command, "csv"), newline=""), strict=True))
        assert len({len(row) for row in rows}) == 1, command
        assert not [cell for row in rows for cell in row if cell.startswith(tuple("=+-@\t\r"))]


def test_csv_holds_the_text(hostile: tuple[Engine, str]) -> None:
    engine, text = hostile
    written = data(engine, "show me/Base", "csv")
    facts = {row[0]: row[1] for row in csv.reader(io.StringIO(written, newline=""), strict=True)}
    assert facts["pipeline_tag"].removeprefix("'" if text[0] in "=+-@" else "") == printable(stored(text))


def test_json_lines_are_objects_of_the_same_names(hostile: tuple[Engine, str]) -> None:
    for command in COMMANDS:
        lines = data(hostile[0], command, "jsonl").removesuffix("\n").split("\n")
        assert len({tuple(json.loads(line)) for line in lines}) == 1, command


def test_json_holds_the_text_itself(hostile: tuple[Engine, str]) -> None:
    engine, text = hostile
    facts = json.loads(data(engine, "show me/Base", "json"))["facts"]
    for field in ("license_name", "license_link", "new_version", "author", "pipeline_tag", "library_name", "sha"):
        assert facts[field] == stored(text), field
    assert facts["datasets"] == [stored(text)]
    for command in COMMANDS:
        assert json.loads(data(engine, command, "json"))["schema"]


def test_a_search_takes_the_text_as_it_is(hostile: tuple[Engine, str]) -> None:
    engine, text = hostile
    for option in ("--license", "--pipeline"):
        found = json.loads(answer(engine, "search", option, stored(text), "-f", "json"))
        assert "me/Base" in [model["id"] for model in found["models"]]


@pytest.mark.parametrize("text", [text for key, text in TEXTS.items() if key not in {"nul", "long"}])
def test_an_error_about_the_text_is_one_line(registry: Engine, text: str) -> None:
    for args in (("show", "--", text), ("descendants", f"author:{text}"), ("defects", "--kind", text)):
        result = lineage(args[0], "--db", database(registry), *args[1:])
        assert result.exit_code == 2
        assert re.fullmatch(r"lineage: [^\n]+\n", result.stderr)
        assert STEERING.search(result.stderr) is None


def test_a_file_gets_the_same_bytes_as_the_terminal(hostile: tuple[Engine, str], tmp_path: Path) -> None:
    for format_ in ("tree", "csv", "json"):
        path = tmp_path / f"out.{format_}"
        assert answer(hostile[0], "descendants", "me/Base", "-f", format_, "-o", path) == ""
        assert path.read_bytes().decode() == data(hostile[0], "descendants me/Base", format_)


def test_no_colour_where_there_is_no_terminal(snapshot_registry: Engine) -> None:
    done = python("-m", "lineage", "ancestors", "Qwen/Qwen3-8B", "--db", database(snapshot_registry))
    assert (done.returncode, done.stderr) == (0, "")
    assert "Qwen/Qwen3-8B-Base" in done.stdout
    assert "\x1b" not in done.stdout
