"""A team's own models: registered from folders, found by every command, with versions, aliases and a record."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import Engine, select

from registry.database import open_registry, reading
from registry.tables import EVENTS, MODELS, RUNS, SIGHTS, VERSIONS
from registry.versions import on_the_hub
from tests.crawler.folders import finetune, merge, safetensors, write
from tests.families import family
from tests.lineage.calls import CHECKOUT, STEERING, answer, database, lineage, python, refusal

WORLD = """
google/gemma-3-1b-pt  gemma
  google/gemma-3-1b-it  gemma
Qwen/Qwen3-8B  apache-2.0
  me/Tuned  apache-2.0
"""


@pytest.fixture
def world(registry: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    family(registry, WORLD)
    monkeypatch.setenv("LINEAGE_USER", "ada")
    return registry


def bot(folder: Path, base: str = "google/gemma-3-1b-it", license: str = "apache-2.0") -> Path:
    """A PEFT adapter whose card claims a licence."""
    return write(
        folder,
        {
            "README.md": f"---\nlicense: {license}\nbase_model: {base}\n---\n# Bot\n",
            "adapter_config.json": json.dumps({"peft_type": "LORA", "base_model_name_or_path": base}),
            "adapter_model.safetensors": safetensors({}),
        },
    )


def register(engine: Engine, *args: str | Path) -> str:
    result = lineage("register", *args, "--db", database(engine))
    assert result.exit_code == 0, result.output
    return result.stdout


def listed(engine: Engine, *args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(answer(engine, "model", "list", "-f", "json", *args))["versions"]
    return found


def test_an_adapter_is_registered_and_asked_about(world: Engine, tmp_path: Path) -> None:
    folder = bot(tmp_path / "bot")
    said = register(world, folder, "--name", "acme/bot", "-m", "first")
    assert re.match(r"registered acme/bot@1 \(3 files, \d+ B, sha256 [0-9a-f]{12}\)\n", said)
    assert "google/gemma-3-1b-it (adapter), a file, adapter_config.json: base_model_name_or_path" in said
    assert "(violation)" in said
    assert "adapter of  google/gemma-3-1b-it" in answer(world, "ancestors", "acme/bot")
    assert "acme/bot@1" in answer(world, "descendants", "google/gemma-3-1b-pt")
    assert answer(world, "license", "ACME/bot").startswith("acme/bot@1: ")
    shown = json.loads(answer(world, "show", "acme/bot", "-f", "json"))["facts"]
    assert (shown["state"], shown["licenses"], shown["library_name"]) == ("registered", ["apache-2.0"], "peft")
    assert lineage("audit", "--author", "acme", "--db", database(world)).exit_code == 1
    assert "acme/bot@1" in answer(world, "search", "bot")
    assert "acme/bot@1" in answer(world, "graph", "acme/bot", "-f", "json")
    assert answer(world, "db", "check").startswith("the registry is whole")


def test_the_same_content_is_the_same_version(world: Engine, tmp_path: Path) -> None:
    folder = bot(tmp_path / "bot")
    register(world, folder, "--name", "acme/bot")
    assert register(world, folder, "--name", "acme/bot").startswith(
        "registered already, the content is the same: acme/bot@1"
    )
    (folder / "more.txt").write_text("more")
    assert register(world, folder, "--name", "acme/bot").startswith("registered acme/bot@2")
    assert register(world, folder, "--name", "acme/other").startswith("registered acme/other@1")
    assert [line["id"] for line in listed(world)] == ["acme/bot@1", "acme/bot@2", "acme/other@1"]


def test_versions_are_meant_by_number_alias_and_digest(world: Engine, tmp_path: Path) -> None:
    folder = bot(tmp_path / "bot")
    register(world, folder, "--name", "acme/bot")
    bot(folder, "Qwen/Qwen3-8B")
    register(world, folder, "--name", "acme/bot")
    first, second = listed(world)
    assert answer(world, "model", "alias", "acme/bot@1", "approved") == "acme/bot@approved means acme/bot@1\n"
    for text, id in (
        ("acme/bot", "acme/bot@2"), ("acme/bot@1", "acme/bot@1"), ("Acme/Bot@Approved", "acme/bot@1"),
        (f"acme/bot@{second['digest'][:8]}", "acme/bot@2"), (f"acme/bot@{first['digest']}", "acme/bot@1"),
    ):  # fmt: skip
        assert answer(world, "ancestors", text).startswith(id), text
    assert "Qwen/Qwen3-8B" in answer(world, "ancestors", "acme/bot")
    said = refusal("ancestors", "acme/bot@9", "--db", database(world))
    assert said == "acme/bot has no version 9: see `lineage model show acme/bot`"
    answer(world, "model", "alias", "acme/bot", "approved", "-m", "better")
    assert answer(world, "ancestors", "acme/bot@approved").startswith("acme/bot@2")
    answer(world, "model", "alias", "acme/bot", "approved", "--remove")
    assert "no version approved" in refusal("license", "acme/bot@approved", "--db", database(world))


def test_a_parent_that_is_registered_is_the_version_of_that_day(world: Engine, tmp_path: Path) -> None:
    register(world, bot(tmp_path / "base", "Qwen/Qwen3-8B"), "--name", "acme/base")
    answer(world, "model", "alias", "acme/base", "shipping")
    parent = ("--parent", "acme/base@shipping", "--relation", "finetune")
    said = register(world, finetune(tmp_path / "tuned"), "--name", "acme/tuned", *parent)
    assert "made from acme/base@1\n" in said
    register(world, bot(tmp_path / "base2"), "--name", "acme/base")
    assert "Qwen/Qwen3-8B" in answer(world, "why", "acme/tuned", "Qwen/Qwen3-8B")
    assert "as stated when it was registered" in answer(world, "ancestors", "acme/tuned")


def test_merges_and_fine_tunes_and_what_is_concluded(world: Engine, tmp_path: Path) -> None:
    said = register(world, merge(tmp_path / "merge"), "--name", "acme/merge")
    assert "(merge), a file, mergekit_config.yml" in said
    folder = write(tmp_path / "tuned", {"config.json": json.dumps({"_name_or_path": "Qwen/Qwen3-8B"})})
    said = register(world, folder)
    assert said.startswith("registered local/tuned@1")
    assert "Qwen/Qwen3-8B (finetune), concluded, config.json: _name_or_path: config.json says which" in said
    assert "[concluded, not stated]" in answer(world, "ancestors", "local/tuned")
    page = json.loads(answer(world, "model", "show", "local/tuned", "-f", "json"))
    assert [one["origin"] for one in page["named_by"]] == ["heuristic"]
    schema = json.loads((CHECKOUT / "docs" / "schemas" / "version-1.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(page)


def test_what_is_stated_is_surer_than_what_is_concluded(world: Engine, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", {"config.json": json.dumps({"_name_or_path": "Qwen/Qwen3-8B"})})
    said = register(world, folder, "--name", "acme/m", "--parent", "me/Tuned", "--relation", "quantized")
    assert "made from me/Tuned\n" in said
    assert "made from Qwen/Qwen3-8B\n" not in said
    assert "defect: contradiction: config.json: _name_or_path 'Qwen/Qwen3-8B': not among the parents: me/Tuned" in said


def test_a_model_of_the_hub(world: Engine) -> None:
    with world.begin() as connection:
        connection.execute(MODELS.update().where(MODELS.c.repo_id == "me/Tuned").values(sha="a" * 40))
    said = register(world, "me/Tuned", "--name", "acme/approved-base")
    assert said.startswith("registered acme/approved-base@1 (commit aaaaaaaaaaaa)\nit is me/Tuned of the Hub")
    assert answer(world, "ancestors", "acme/approved-base").startswith("me/Tuned")
    register(world, "https://huggingface.co/me/Tuned")
    answer(world, "model", "alias", "me/Tuned", "approved")
    assert answer(world, "license", "me/Tuned@approved").startswith("me/Tuned: ok")
    assert "no commit of Qwen/Qwen3-8B is known" in refusal("register", "Qwen/Qwen3-8B", "--db", database(world))
    assert "neither a folder here nor a model" in refusal("register", "no/such", "--db", database(world))


def test_who_did_what_and_why_is_kept(world: Engine, tmp_path: Path) -> None:
    folder = bot(tmp_path / "bot")
    register(world, folder, "--name", "acme/bot", "-m", "first try")
    answer(world, "model", "alias", "acme/bot", "approved", "-m", "legal agreed")
    assert answer(world, "model", "tag", "acme/bot", "eu", "prod") == "acme/bot@1 is tagged eu, prod\n"
    assert answer(world, "model", "tag", "acme/bot", "eu", "--remove") == "acme/bot@1 is tagged prod\n"
    answer(world, "model", "note", "acme/bot", "trained on tickets")
    answer(world, "model", "remove", "acme/bot@1", "-m", "leaked")
    events = json.loads(answer(world, "model", "show", "acme/bot@1", "-f", "json"))["events"]
    assert [(e["who"], e["action"], e["what"], e["why"]) for e in events] == [
        ("ada", "register", str(folder), "first try"),
        ("ada", "alias", "approved", "legal agreed"),
        ("ada", "tag", "eu", None),
        ("ada", "tag", "prod", None),
        ("ada", "untag", "eu", None),
        ("ada", "note", "trained on tickets", None),
        ("ada", "unalias", "approved", "leaked"),
        ("ada", "remove", events[-1]["what"], "leaked"),
    ]
    assert listed(world) == []
    assert [line["id"] for line in listed(world, "--removed")] == ["acme/bot@1"]
    assert "[gone]" in answer(world, "ancestors", "acme/bot@1")
    assert "all versions of acme/bot were removed" in refusal("model", "show", "acme/bot", "--db", database(world))
    assert register(world, folder, "--name", "acme/bot").startswith("registered acme/bot@1")
    assert "[gone]" not in answer(world, "ancestors", "acme/bot")


@pytest.mark.parametrize("word", ["1", "", "a b", "x" * 65, "@", "a/b", "é"])
def test_words_that_are_no_alias(world: Engine, tmp_path: Path, word: str) -> None:
    register(world, bot(tmp_path / "bot"), "--name", "acme/bot")
    assert "is no alias" in refusal("model", "alias", "acme/bot", word, "--db", database(world))
    assert "is no tag" in refusal("model", "tag", "acme/bot", word, "--db", database(world))


@pytest.mark.parametrize("name", ["bot", "acme/bot@2", "../x", "a b/c", "acme/", "acme/b/c"])
def test_names_that_are_none(world: Engine, tmp_path: Path, name: str) -> None:
    said = refusal("register", bot(tmp_path / "bot"), "--name", name, "--db", database(world))
    assert "is no name for a model" in said


def leads_out(folder: Path) -> None:
    (folder / "weights.bin").symlink_to("/etc/hostname")


def holds_a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")


@pytest.mark.parametrize("spoil", [leads_out, holds_a_pipe])
def test_nothing_of_a_folder_that_is_refused_is_registered(
    world: Engine, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    folder = bot(tmp_path / "bot")
    spoil(folder)
    said = refusal("register", folder, "--name", "acme/bot", "--db", database(world))
    assert str(folder) in said
    with reading(world) as connection:
        assert connection.execute(select(VERSIONS)).all() == []
        assert connection.execute(select(EVENTS)).all() == []
        assert connection.scalars(select(MODELS.c.repo_id).where(MODELS.c.repo_id.contains("bot"))).all() == []


def test_broken_files_are_registered_with_their_defects(world: Engine, tmp_path: Path) -> None:
    pairs = zip("abcdefghijklmnopqr", "bcdefghijklmnopqrs", strict=True)
    bomb = "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in pairs)
    claims = (3).to_bytes(4, "little") + (0).to_bytes(8, "little") + (2**60).to_bytes(8, "little")
    files: dict[str, str | bytes] = {
        "README.md": f"---\n{bomb}---\n",
        "model.safetensors": (2**60).to_bytes(8, "little") + b"{}",
        "model.gguf": b"GGUF" + claims,
        "adapter_config.json": "[" * 100_000,
    }
    folder = write(tmp_path / "bad", files)
    said = register(world, folder, "--name", "acme/bad")
    assert said.count("defect: ") == 4
    assert "made from nothing that is known" in said


def test_a_readme_of_five_gigabytes_takes_no_memory(sqlite_registry: Engine, tmp_path: Path) -> None:
    folder = bot(tmp_path / "bot")
    os.truncate(folder / "README.md", 5_000_000_000)  # sparse: it takes no room on the disk
    program = (
        "import re; from lineage.cli.main import main\n"
        "try: main()\n"  # what a process holds at most; ru_maxrss begins with what the one before it held
        "finally: print(int(re.search(r'VmHWM:\\s*(\\d+)', open('/proc/self/status').read())[1]) // 1024)"
    )
    args = ("register", str(folder), "--name", "acme/bot", "--db", database(sqlite_registry))
    done = python("-c", program, *args, timeout=600)  # hashing takes its time
    assert "registered acme/bot@1 (3 files, 5.0 GB" in done.stdout, done.stderr
    assert "made from google/gemma-3-1b-it" in done.stdout
    assert int(done.stdout.splitlines()[-1]) < 300  # MB


def test_hostile_text_of_a_folder(world: Engine, tmp_path: Path) -> None:
    hostile = "\x1b[31m<b>|=cmd()\u202e"
    folder = write(tmp_path / "m", {
        "README.md": "---\n" + json.dumps({"license": hostile, "base_model": [hostile, "../../etc"]}) + "\n---\n",
        f"{hostile.replace('/', '')}.txt": "x",
    })  # fmt: skip
    said = register(world, folder, "--name", "acme/m", "-m", hostile)
    assert not STEERING.search(said)
    for format_ in ("table", "json", "csv", "markdown", "jsonl"):
        for command in (("model", "list"), ("model", "show", "acme/m"), ("show", "acme/m"), ("history", "acme/m")):
            text = answer(world, *command, "-f", format_)
            assert not STEERING.search(text)
            assert format_ != "markdown" or "<b>" not in text


def test_as_of_a_day_before(world: Engine, tmp_path: Path) -> None:
    register(world, bot(tmp_path / "bot", "me/Tuned"), "--name", "acme/bot")
    answer(world, "model", "alias", "acme/bot", "approved")
    with world.begin() as connection:  # as if it had been last year
        then = "2025-12-01T00:00:00Z"
        connection.execute(VERSIONS.update().values(registered_at=then))
        connection.execute(EVENTS.update().values(at=then))
        key = select(MODELS.c.key).where(MODELS.c.repo_id == "acme/bot@1").scalar_subquery()
        connection.execute(SIGHTS.update().where(SIGHTS.c.model_key == key).values(first_seen=then, last_seen=then))
        connection.execute(SIGHTS.update().where(SIGHTS.c.model_key != key).values(first_seen=then))
        connection.execute(
            RUNS.insert().values(command="import", source="x", seen=then, started_at=then, models=1, new=0, changed=0,
                                 renamed=0, gone=0, returned=0)
        )  # fmt: skip
    register(world, bot(tmp_path / "bot2"), "--name", "acme/bot")
    answer(world, "model", "alias", "acme/bot", "approved")
    assert answer(world, "ancestors", "acme/bot@approved").startswith("acme/bot@2")
    for name in ("acme/bot", "acme/bot@approved"):
        said = answer(world, "ancestors", name, "--as-of", "2025-12-24")
        assert said.startswith("acme/bot@1"), said
        assert "me/Tuned" in said


def test_a_copy_and_an_export_bring_them_along(world: Engine, place: str, tmp_path: Path) -> None:
    register(world, bot(tmp_path / "bot"), "--name", "acme/bot")
    answer(world, "model", "tag", "acme/bot", "prod")
    before = answer(world, "model", "show", "acme/bot", "-f", "json")
    assert lineage("db", "copy", database(world), place).exit_code == 0
    copied = open_registry(place)
    assert answer(copied, "model", "show", "acme/bot", "-f", "json") == before
    copied.dispose()
    answer(world, "export", str(tmp_path / "out"))
    assert lineage("import", tmp_path / "out", "--db", str(tmp_path / "new.db")).exit_code == 0
    restored = open_registry(str(tmp_path / "new.db"))
    assert answer(restored, "model", "show", "acme/bot", "-f", "json") == before
    restored.dispose()


def test_an_import_leaves_registered_models_alone(world: Engine, tmp_path: Path) -> None:
    register(world, bot(tmp_path / "bot"), "--name", "acme/bot")
    answer(world, "model", "alias", "acme/bot", "approved")
    before = answer(world, "model", "show", "acme/bot", "-f", "json")
    family(world, "acme/bot  mit\n  you/Child  mit")
    assert answer(world, "model", "show", "acme/bot@1", "-f", "json") == before
    assert answer(world, "license", "acme/bot").startswith("acme/bot: ok")  # the Hub's, by now
    assert answer(world, "license", "acme/bot@approved").startswith("acme/bot@1: ")
    assert answer(world, "db", "check").startswith("the registry is whole")


def test_a_name_keeps_its_letter_case_and_so_do_aliases(world: Engine, tmp_path: Path) -> None:
    folder = bot(tmp_path / "bot")
    register(world, folder, "--name", "acme/bot")
    (folder / "more.txt").write_text("more")
    assert register(world, folder, "--name", "Acme/BOT").startswith("registered acme/bot@2")
    answer(world, "model", "alias", "acme/bot@1", "Prod")
    answer(world, "model", "alias", "acme/bot@2", "prod")
    for alias in ("prod", "Prod", "PROD"):
        assert answer(world, "ancestors", f"acme/bot@{alias}").startswith("acme/bot@2")


def test_one_model_of_the_hub_at_two_commits(world: Engine) -> None:
    def at(sha: str) -> None:
        with world.begin() as connection:
            connection.execute(MODELS.update().where(MODELS.c.repo_id == "me/Tuned").values(sha=sha * 40))

    at("a")
    register(world, "me/Tuned", "--name", "acme/base")
    answer(world, "model", "alias", "acme/base", "old")
    at("b")
    assert "is at bbbbbbbbbbbb here, not at aaaa" in refusal("register", "me/Tuned@aaaa", "--db", database(world))
    register(world, "me/Tuned@bbbb", "--name", "acme/base")
    assert [(line["number"], line["aliases"]) for line in listed(world)] == [(1, ["old"]), (2, [])]
    answer(world, "model", "remove", "acme/base@2")
    assert [(line["number"], line["aliases"]) for line in listed(world)] == [(1, ["old"])]


def test_a_version_that_is_to_be_removed_has_to_be_named(world: Engine, tmp_path: Path) -> None:
    register(world, bot(tmp_path / "bot"), "--name", "acme/bot")
    for text in ("acme/bot", "acme/bot@"):
        assert "say which version" in refusal("model", "remove", text, "--db", database(world))
    assert "names no version" in refusal("model", "show", "acme/bot@", "--db", database(world))
    assert "name a folder" in refusal("register", "", "--db", database(world))


def test_a_parent_that_was_forgotten_is_added(world: Engine, tmp_path: Path) -> None:
    folder = write(tmp_path / "m", {"config.json": "{}"})
    assert "made from nothing that is known" in register(world, folder, "--name", "acme/m")
    said = register(world, folder, "--name", "acme/m", "--parent", "me/Tuned", "--relation", "finetune", "-m", "forgot")
    assert said.startswith("registered already, the content is the same: acme/m@1")
    assert "made from me/Tuned\n" in said
    assert "finetune of  me/Tuned" in answer(world, "ancestors", "acme/m")
    events = json.loads(answer(world, "model", "show", "acme/m", "-f", "json"))["events"]
    assert [event["why"] for event in events] == [None, "forgot"]
    assert "base_model  none  me/Tuned (finetune)" in answer(world, "history", "acme/m")


@pytest.mark.parametrize("parent", ["", "@", "a b", "../x", "x" * 500])
def test_parents_that_are_none(world: Engine, tmp_path: Path, parent: str) -> None:
    said = refusal("register", bot(tmp_path / "bot"), "--parent", parent, "--db", database(world))
    assert "--parent" in said


def test_a_revision_in_a_file_that_no_version_has(world: Engine, tmp_path: Path) -> None:
    register(world, bot(tmp_path / "base"), "--name", "acme/base")
    config = {"base_model_name_or_path": "acme/base", "revision": "main"}
    folder = write(tmp_path / "m", {"adapter_config.json": json.dumps(config)})
    assert "made from acme/base@1\n" in register(world, folder, "--name", "acme/m")
    said = refusal("register", folder, "--name", "acme/n", "--parent", "acme/base@main", "--db", database(world))
    assert "has no version main" in said
    config["base_model_name_or_path"] = "me/Tuned@x\u0007\r\u009b2J"
    folder = write(tmp_path / "evil", {"adapter_config.json": json.dumps(config)})
    result = lineage("register", folder, "--name", "acme/evil", "--db", database(world))
    assert result.exit_code == 0
    assert not STEERING.search(result.output)


def test_text_that_is_none(world: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_USER", "a\udcff")
    folder = bot(tmp_path / "bad\udcff")
    register(world, folder, "--name", "acme/bot", "-m", "why\udcff")
    answer(world, "model", "note", "acme/bot", "note\udcff")
    assert "no registered model" in refusal("model", "show", "acme/x\udcff", "--db", database(world))


def test_the_hub_is_asked_for_what_is_above_a_registered_model(world: Engine, tmp_path: Path) -> None:
    register(world, bot(tmp_path / "base", "me/Tuned"), "--name", "acme/base")
    register(world, finetune(tmp_path / "tuned"), "--name", "acme/tuned", "--parent", "acme/base")
    with reading(world) as connection:
        asked = on_the_hub(connection, ["acme/tuned", "Qwen/Qwen3-8B", "no/Such"])
    assert asked == ["me/Tuned", "Qwen/Qwen3-8B", "no/Such"]


def test_a_registry_of_own_models_alone(registry: Engine, tmp_path: Path) -> None:
    register(registry, bot(tmp_path / "bot"), "--name", "acme/bot")
    today = listed(registry)[0]["registered_at"][:10]
    assert answer(registry, "ancestors", "acme/bot", "--as-of", today).startswith("acme/bot@1")
    found = json.loads(answer(registry, "diff", "--since", "2020-01-01", "-f", "json"))
    assert [one["id"] for one in found["added"]] == ["acme/bot@1"]
