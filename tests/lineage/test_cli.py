"""Every command in every format, where its output goes, and what people may type."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest
from sqlalchemy import Engine

from lineage.cli.main import COMMANDS, main
from tests.families import api_row, family, save
from tests.lineage.calls import CHECKOUT, answer, database, lineage, on_terminal, refusal

QUERIES = {
    "ancestors": "ancestors Qwen/Qwen3-8B",
    "descendants": "descendants Qwen/Qwen3-8B --limit 30",
    "why": "why reaperdoesntknow/DualMind Qwen/Qwen3-1.7B-Base",
    "common": "common reaperdoesntknow/DualMind Qwen/Qwen3-1.7B",
    "audit": "audit --family Qwen/Qwen2.5-3B-Instruct --exit-zero",
    "stats, licenses": "stats Qwen/Qwen3-1.7B --licenses",
    "license": "license reaperdoesntknow/Qemma-Q1.7B",
    "license, suggest": "license reaperdoesntknow/Qemma-Q1.7B --suggest",
    "license, may": "license reaperdoesntknow/Qemma-Q1.7B --may-i gemma",
    "license, explain": "license --explain llama3.1",
    "license, list": "license --list",
    "bom": "bom reaperdoesntknow/Qemma-Q1.7B",
    "show": "show Qwen/Qwen3-8B",
    "search": "search qwen3 --author Qwen --limit 0",
    "stats": "stats author:Qwen",
    "stats, all": "stats",
    "count": "count author:Qwen",
    "defects": "defects --limit 30",
    "db info": "db info",
    "diff": "diff --since 2026-01-01 --family Qwen/Qwen3-1.7B",
}
#: What the snapshot has no answer to: in test_changes.py, test_register.py and test_watch.py.
ELSEWHERE = {"check", "history", "lock", "model list", "model show", "notice", "watch"}


def commands() -> dict[str, click.Command]:
    """Every command that can be called, by its full name."""
    context = click.Context(main)
    found: dict[str, click.Command] = {}
    for name in main.list_commands(context):
        command = main.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            found |= {f"{name} {sub}": inner for sub, inner in command.commands.items()}
        else:
            found[name] = command
    return found


def formats(command: click.Command) -> list[str]:
    """The formats in which a command answers; what it draws has none by default, and is tested elsewhere."""
    options = [p.type for p in command.params if p.name == "format_" and isinstance(p.default, str)]
    return [str(choice) for option in options if isinstance(option, click.Choice) for choice in option.choices]


CALLS = [
    pytest.param(call.split(), format_, id=f"{name}-{format_}")
    for name, call in QUERIES.items()
    for format_ in formats(commands()[name.partition(",")[0]])
]


def test_every_command_with_formats_is_called_here() -> None:
    called = {name.partition(",")[0] for name in QUERIES}
    assert called | ELSEWHERE == {name for name, command in commands().items() if formats(command)}


@pytest.mark.parametrize(("call", "format_"), CALLS)
def test_every_command_in_every_format(
    snapshot_registry: Engine, tmp_path: Path, call: list[str], format_: str
) -> None:
    written = answer(snapshot_registry, *call, "-f", format_)
    assert written.strip()
    match format_:
        case "json":
            assert json.loads(written)["schema"].startswith("finetune-lineage/")
        case "jsonl":
            assert len({tuple(json.loads(line)) for line in written.splitlines()}) == 1
        case "csv":
            rows = list(csv.reader(io.StringIO(written), strict=True))
            assert len({len(row) for row in rows}) == 1
            assert len(rows) > 1
        case "markdown":
            assert "| --- |" in written
    path = tmp_path / "out"
    assert answer(snapshot_registry, *call, "--format", format_, "--output", path) == ""
    assert path.read_text("utf-8") == written


@pytest.mark.parametrize("name", QUERIES)
def test_the_first_format_is_the_default(snapshot_registry: Engine, name: str) -> None:
    first = formats(commands()[name.partition(",")[0]])[0]
    call = QUERIES[name].split()
    assert answer(snapshot_registry, *call) == answer(snapshot_registry, *call, "-f", first)


def test_help_lists_every_command_with_its_own_first_line() -> None:
    result = lineage("--help")
    assert result.exit_code == 0
    for name, (_, line) in COMMANDS.items():
        command = main.get_command(click.Context(main), name)
        assert command is not None
        assert (command.help or "").split("\n")[0] == line
        assert f"  {name.ljust(11)}  {line}\n" in result.stdout
    assert result.stdout.partition("Commands:\n")[2].count("\n") == len(COMMANDS)


@pytest.mark.parametrize("name", commands())
def test_every_command_has_help_and_explains_every_option(name: str) -> None:
    result = lineage(*name.split(), "-h")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: lineage {name} ")
    for option in (p for p in commands()[name].params if isinstance(p, click.Option)):
        assert option.help, option.name


def test_version() -> None:
    result = lineage("--version")
    assert (result.exit_code, result.stdout.split()[:2]) == (0, ["lineage,", "version"])


@pytest.mark.parametrize(
    "asked",
    ["Qwen/Qwen3-8B", "qwen/qwen3-8b", "https://huggingface.co/Qwen/Qwen3-8B", "hf.co/Qwen/Qwen3-8B/tree/main",
     " Qwen/Qwen3-8B "],
)  # fmt: skip
def test_a_model_may_be_given_in_many_ways(snapshot_registry: Engine, asked: str) -> None:
    assert answer(snapshot_registry, "ancestors", asked) == answer(snapshot_registry, "ancestors", "Qwen/Qwen3-8B")


@pytest.mark.parametrize("command", ["ancestors", "descendants", "show", "count", "stats", "common"])
def test_the_revision_asked_for_is_in_the_output(registry: Engine, command: str) -> None:
    family(registry, "a/A\n a/B\n  a/C\n")
    assert "a/B@0123abc" in answer(registry, command, "A/b@0123abc")
    assert "a/B@0123abc" in answer(registry, command, "https://huggingface.co/a/B/tree/0123abc")


def test_an_old_name_leads_to_the_model(registry: Engine) -> None:
    save(registry, [api_row("new/Name", _id="a" * 24)], seen="2026-02-01T00:00:00Z")
    save(registry, [api_row("old/Name", _id="a" * 24)], seen="2026-01-01T00:00:00Z")
    assert answer(registry, "show", "OLD/name").split("\n")[1].split() == ["model", "new/Name"]


@pytest.mark.parametrize("options", [["--depth", "1"], ["--relation", "adapter"], ["--limit", "1"]])
@pytest.mark.parametrize("format_", ["tree", "table", "json", "jsonl", "csv", "markdown"])
def test_filters_hold_for_every_format(registry: Engine, options: list[str], format_: str) -> None:
    family(registry, "a/Root\n a/Near  adapter\n  a/Far  quantized\n")
    written = answer(registry, "descendants", "a/Root", "-f", format_, *options)
    assert "a/Near" in written
    assert "a/Far" not in written


def test_people_are_shown_a_hundred_and_data_formats_hold_all(registry: Engine) -> None:
    save(registry, [api_row("a/Root"), *(api_row(f"a/M{n}", ["a/Root"]) for n in range(120))])
    assert answer(registry, "descendants", "a/Root").split("\n")[-2] == "└─ … and 20 more"
    assert answer(registry, "descendants", "a/Root").count("finetune") == 100
    assert answer(registry, "descendants", "a/Root", "--limit", "0").count("finetune") == 120
    for format_, rows in (("table", 103), ("csv", 122), ("jsonl", 121), ("markdown", 105)):
        assert answer(registry, "descendants", "a/Root", "-f", format_).count("\n") == rows
    assert answer(registry, "descendants", "a/Root", "-f", "table", "--limit", "1").endswith("\n… and 119 more\n")


def found(registry: Engine, *args: str) -> list[str]:
    """The ids that a search finds."""
    return [model["id"] for model in json.loads(answer(registry, "search", *args, "-f", "json"))["models"]]


def test_search_filters(registry: Engine) -> None:
    save(
        registry,
        [
            api_row("a/Root", license="mit", downloads=5),
            api_row("a/Root-GGUF", ["a/Root"], "quantized", license="apache-2.0", downloads=9, pipeline_tag="asr"),
            api_row("b/root_x", ["a/Root-GGUF"], cardData={"license": "other", "license_name": "mine"}, downloads=7),
            api_row("b/1.0-x", ["c/Other"], downloads=1),
        ],
    )
    assert found(registry, "ROOT") == ["a/Root-GGUF", "b/root_x", "a/Root"]
    assert found(registry, "a/root") == ["a/Root", "a/Root-GGUF"]  # the exact one first
    assert found(registry, "root", "--author", "A") == ["a/Root-GGUF", "a/Root"]
    assert found(registry, "--license", "mit") == ["a/Root"]
    assert found(registry, "--license", "mine") == ["b/root_x"]
    assert found(registry, "--pipeline", "asr") == ["a/Root-GGUF"]
    assert found(registry, "--descends-from", "a/root") == ["a/Root-GGUF", "b/root_x"]
    assert found(registry, "x", "--descends-from", "author:a") == ["b/root_x"]
    assert found(registry, "--limit", "1") == ["a/Root-GGUF"]
    assert len(found(registry, "--limit", "0")) == 5
    assert (found(registry, "t_x"), found(registry, "1.0"), found(registry, "o%t")) == (["b/root_x"], ["b/1.0-x"], [])
    assert found(registry, "1_0") == []
    assert answer(registry, "search", "nothing") == "no model is like that\n"
    assert answer(registry, "search", "root", "--limit", "2").endswith("\n… and 1 more\n")


def test_defects_by_kind_and_model(snapshot_registry: Engine) -> None:
    everything = json.loads(answer(snapshot_registry, "defects", "--limit", "0", "-f", "json"))
    assert everything["total"] == len(everything["defects"]) > 100
    one = everything["defects"][0]
    kinds = json.loads(answer(snapshot_registry, "defects", "--kind", one["kind"], "--limit", "0", "-f", "json"))
    assert kinds["defects"] == [d for d in everything["defects"] if d["kind"] == one["kind"]]
    model = json.loads(answer(snapshot_registry, "defects", "--model", one["model"], "-f", "json"))
    assert model["defects"] == [d for d in everything["defects"] if d["model"] == one["model"]]
    assert answer(snapshot_registry, "defects", "--model", "Qwen/Qwen3-8B") == "no defect is known\n"


def test_an_output_file_is_replaced_whole(registry: Engine, tmp_path: Path) -> None:
    family(registry, "a/A\n")
    path = tmp_path / "out.csv"
    path.write_text("old and much longer than what comes\n" * 100)
    answer(registry, "show", "a/A", "-f", "csv", "-o", path)
    assert path.read_text().startswith("fact,value\nmodel,a/A\n")
    assert "old" not in path.read_text()
    assert [file.name for file in tmp_path.iterdir() if "registry.db" not in file.name] == ["out.csv"]


def test_an_output_file_is_readable_as_others_are(registry: Engine, tmp_path: Path) -> None:
    family(registry, "a/A\n")
    answer(registry, "show", "a/A", "-o", tmp_path / "out")
    (tmp_path / "other").write_text("x")
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_device_can_be_written_to(registry: Engine) -> None:
    family(registry, "a/A\n")
    assert answer(registry, "show", "a/A", "-o", "/dev/null") == ""
    assert not Path("/dev/null").is_file()


def test_a_failing_command_leaves_the_output_file_as_it_was(registry: Engine, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("old\n")
    refusal("show", "a/Unknown", "--db", database(registry), "-o", path)
    assert path.read_text() == "old\n"


def test_what_cannot_be_written_is_refused(registry: Engine, tmp_path: Path) -> None:
    family(registry, "a/A\n")
    base = ("show", "a/A", "--db", database(registry), "-o")
    assert "is a directory" in refusal(*base, tmp_path)
    assert f"cannot write {tmp_path}/none/out" in refusal(*base, tmp_path / "none" / "out")
    (tmp_path / "file").write_text("x")
    assert "name another file with -o" in refusal(*base, tmp_path / "file" / "out")
    assert (tmp_path / "file").read_text() == "x"


def test_a_reader_that_has_seen_enough_gets_no_complaint(snapshot_registry: Engine) -> None:
    command = [sys.executable, "-m", "lineage", "descendants", "author:Qwen", "-f", "jsonl"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env={**os.environ, "LINEAGE_DB": database(snapshot_registry)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["depth"] == 0
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == 0


def test_colour_on_a_terminal_only_and_not_where_it_is_unwanted(snapshot_registry: Engine) -> None:
    call = ("ancestors", "Qwen/Qwen3-8B", "--db", database(snapshot_registry))
    status, painted = on_terminal(*call)
    assert status == 0
    assert "\x1b[1mQwen/Qwen3-8B\x1b[0m" in painted
    assert on_terminal(*call, NO_COLOR="1") == (0, answer(snapshot_registry, *call[:2]))


def test_the_environment_names_the_registry(registry: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    family(registry, "a/A\n")
    monkeypatch.setenv("LINEAGE_DB", database(registry))
    result = lineage("show", "a/A")
    assert (result.exit_code, result.stderr) == (0, "")
    url = registry.url.render_as_string(hide_password=False)
    assert lineage("show", "a/A", "--db", url).stdout == result.stdout
    monkeypatch.setenv("LINEAGE_DB", "/nonexistent/registry.db")
    assert lineage("show", "a/A", "--db", database(registry)).exit_code == 0
