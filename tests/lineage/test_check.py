"""A model folder before it is published: what is said of it, the lines to put, and that they make it pass."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from sqlalchemy import Engine

from registry.database import reading
from registry.transfer import digest
from tests.crawler.folders import write
from tests.families import api_row, family, imported
from tests.lineage.calls import CHECKOUT, STEERING, database, lineage, refusal

WORLD = """
meta-llama/Llama-3.1-8B  llama3.1
  meta-llama/Llama-3.1-8B-Instruct  llama3.1
Qwen/Qwen3-8B  apache-2.0
x/Plain  mit
"""
LLAMA = "meta-llama/Llama-3.1-8B-Instruct"
NOTICE = (
    "Llama 3.1 is licensed under the Llama 3.1 Community License, Copyright © Meta Platforms, Inc. All Rights Reserved."
)
CARD = "---\n# ours\nlicense: apache-2.0  # for now\ntags: [lora]\n---\n# Bot\n"


@pytest.fixture
def world(registry: Engine) -> Engine:
    family(registry, WORLD)
    imported(registry, [api_row("x/Other")])
    return registry


def adapter(folder: Path, base: str = LLAMA, card: str | None = CARD, **files: str) -> Path:
    config = json.dumps({"peft_type": "LORA", "base_model_name_or_path": base})
    texts = {"adapter_config.json": config, **({} if card is None else {"README.md": card}), **files}
    return write(folder, texts)


def checked(engine: Engine, *args: str | Path, code: int = 0) -> dict[str, Any]:
    result = lineage("check", *args, "-f", "json", "--db", database(engine))
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    schema = json.loads((CHECKOUT / "docs" / "schemas" / "check-1.json").read_text("utf-8"))
    jsonschema.Draft202012Validator(schema).validate(found)
    return found


def rules(found: dict[str, Any]) -> dict[str, str]:
    return {problem["rule"]: problem["class"] for problem in found["problems"]}


def test_an_apache_claim_on_a_llama_adapter_fails_and_the_patched_card_passes(world: Engine, tmp_path: Path) -> None:
    folder = adapter(tmp_path / "bot")
    found = checked(world, folder, code=1)
    assert (found["verdict"], found["class"], found["base_models"]) == ("conflict", "violation", [LLAMA])
    assert rules(found) == {
        "base-model-missing": "violation",
        "name": "review",
        "display": "review",
        "notice": "review",
        "license-file": "review",
    }
    assert found["front_matter"] == {"license": "llama3.1", "base_model": LLAMA, "base_model_relation": "adapter"}
    assert found["findings"][0]["path"] == ["local/bot", LLAMA, "meta-llama/Llama-3.1-8B"]
    patch = lineage("check", folder, "--patch", "--db", database(world))
    assert patch.exit_code == 1
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch.stdout_bytes, check=True)
    lines = f"license: llama3.1  # for now\ntags: [lora]\nbase_model: {LLAMA}\nbase_model_relation: adapter\n"
    assert (folder / "README.md").read_text() == f"---\n# ours\n{lines}---\n# Bot\n"
    again = checked(world, folder, "--name", "me/Llama-3.1-Bot")
    assert (again["verdict"], again["class"], again["front_matter"]) == ("ok", "review", {})
    assert lineage("check", folder, "--name", "me/Llama-3.1-Bot", "--strict", "--db", database(world)).exit_code == 3
    write(
        folder,
        {"NOTICE": f"Notice\n\n{NOTICE}\n", "LICENSE": "text", "README.md": f"---\n{lines}---\nBuilt with\nLlama\n"},
    )
    assert checked(world, folder, "--name", "me/Llama-3.1-Bot")["class"] == "pass"


def test_fix_writes_what_patch_shows_and_nothing_is_registered(world: Engine, tmp_path: Path) -> None:
    one, two = adapter(tmp_path / "a" / "bot"), adapter(tmp_path / "b" / "bot")
    before = digested(world)
    patch = lineage("check", one, "--patch", "-o", tmp_path / "card.diff", "--db", database(world))
    assert (patch.exit_code, patch.stdout) == (1, "")
    subprocess.run(["git", "apply", tmp_path / "card.diff"], cwd=one, check=True)
    fixed = lineage("check", two, "--fix", "--db", database(world))
    assert fixed.exit_code == 1
    assert "check it once more" in fixed.stderr
    assert (one / "README.md").read_bytes() == (two / "README.md").read_bytes()
    assert sorted(path.name for path in two.iterdir()) == ["README.md", "adapter_config.json"]
    assert digested(world) == before


def digested(engine: Engine) -> str:
    with reading(engine) as connection:
        return digest(connection)


def test_a_folder_without_a_card_gets_one(world: Engine, tmp_path: Path) -> None:
    folder = adapter(tmp_path / "bot", "Qwen/Qwen3-8B", card=None)
    found = checked(world, folder, code=1)
    assert rules(found)["no-card"] == "violation"
    lineage("check", folder, "--fix", "--db", database(world))
    card = "---\nlicense: apache-2.0\nbase_model: Qwen/Qwen3-8B\nbase_model_relation: adapter\n---\n"
    assert (folder / "README.md").read_text() == card
    assert checked(world, folder)["verdict"] == "ok"
    assert lineage("check", folder, "--patch", "--db", database(world)).stdout == ""


def test_what_is_wrong_in_a_card(world: Engine, tmp_path: Path) -> None:
    card = "---\nlicense: apache-2.0\nbase_model: qwen/qwen3-8b\nbase_model_relation: quantized\n---\n"
    found = checked(world, adapter(tmp_path / "case", "Qwen/Qwen3-8B", card), code=1)
    assert rules(found) | {"license-file": ""} == {
        "base-model-name": "review", "base-model-relation": "violation", "license-file": "",
    }  # fmt: skip
    assert found["front_matter"] == {"base_model": "Qwen/Qwen3-8B", "base_model_relation": "adapter"}
    other = checked(world, adapter(tmp_path / "other", "x/Plain", card.replace("quantized", "adapter")), code=1)
    assert rules(other)["base-model-missing"] == "violation"
    assert other["front_matter"]["base_model"] == ["Qwen/Qwen3-8B", "x/Plain"]


def test_what_is_only_concluded_changes_no_relation(world: Engine, tmp_path: Path) -> None:
    card = "---\nlicense: apache-2.0\nbase_model: Qwen/Qwen3-8B\n---\n"
    config = {"_name_or_path": "/home/ada/out", "model_type": "qwen3"}
    folder = write(tmp_path / "bot", {"README.md": card, "config.json": json.dumps(config)})
    assert checked(world, folder)["front_matter"] == {}
    folder = write(tmp_path / "two", {"README.md": card, "config.json": '{"_name_or_path": "Qwen/Qwen3-8B"}'})
    found = checked(world, folder)
    assert (found["front_matter"], found["base_models"]) == ({}, ["Qwen/Qwen3-8B"])


def test_a_base_that_nobody_has_seen_never_passes(world: Engine, tmp_path: Path) -> None:
    card = "---\nlicense: mit\nbase_model: no/Such\n---\n"
    found = checked(world, adapter(tmp_path / "bot", "no/Such", card))
    assert found["class"] == "review"
    assert found["verdict"] == "unknown"
    assert rules(found)["base-model-unknown"] == "review"


def test_a_licence_that_the_hub_has_no_id_for_is_declared_by_its_name(registry: Engine, tmp_path: Path) -> None:
    row = api_row("Qwen/Q", license="other", cardData={"license": "other", "license_name": "qwen-research"})
    imported(registry, [row])
    found = checked(registry, adapter(tmp_path / "bot", "Qwen/Q", "---\nlicense: apache-2.0\n---\n"), code=1)
    wanted = {"license": "other", "license_name": "qwen-research", "license_link": "LICENSE"}
    assert wanted.items() <= found["front_matter"].items()
    assert rules(found)["license-file"] == "review"


def test_a_policy_waives(world: Engine, tmp_path: Path) -> None:
    folder = adapter(tmp_path / "bot", card=f"---\nlicense: apache-2.0\nbase_model: {LLAMA}\n---\n")
    policy = tmp_path / "lineage.toml"
    args = ("check", folder, "--name", "me/Llama-Bot", "-f", "json", "--db", database(world))
    rule = json.loads(lineage(*args).stdout)["findings"][0]["rule"]
    policy.write_text(f'[[waiver]]\nrule = "{rule}"\nmodel = "me/Llama-Bot"\nreason = "asked"\nexpires = 2099-01-01\n')
    waived = lineage(*args, "--policy", policy)
    assert waived.exit_code == 0, waived.output
    assert json.loads(waived.stdout)["findings"] == []
    assert [one["waived"] for one in json.loads(waived.stdout)["waived"]] == ["asked"]
    assert f"waived: {rule} of" in lineage(*args[:4], *args[6:], "--policy", policy).stdout


def test_hostile_cards_and_names(world: Engine, tmp_path: Path) -> None:
    card = '---\nlicense: "apache-2.0\\e[31m\\u202e"\nbase_model: "<b>\\n\\e[2J"\n---\n'
    folder = adapter(tmp_path / "bo\x1bt", "../../etc/passwd", card)
    said = lineage("check", folder, "--db", database(world))
    assert said.exit_code in (0, 1)
    assert not STEERING.search(said.stdout)
    assert "local-path" in said.stdout


def test_refusals(world: Engine, tmp_path: Path) -> None:
    folder, db = adapter(tmp_path / "bot"), ("--db", database(world))
    assert "choose one" in refusal("check", folder, "--patch", "--fix", *db)
    assert "is no name for a model" in refusal("check", folder, "--name", "bot", *db)
    assert "cannot read" in refusal("check", tmp_path / "none", *db)
    linked = adapter(tmp_path / "linked", card=None, **{"card.md": CARD})
    (linked / "README.md").symlink_to("card.md")
    for place in (linked, write(tmp_path / "one", {"m.gguf": "x"}) / "m.gguf"):
        assert "name the folder that holds it" in refusal("check", place, "--fix", *db)
    assert (linked / "card.md").read_text() == CARD
    flow = adapter(tmp_path / "flow", card="---\n{license: mit}\n---\n")
    assert "put the lines by hand" in refusal("check", flow, "--fix", *db)
    assert (flow / "README.md").read_text() == "---\n{license: mit}\n---\n"


def test_the_hook_runs_on_a_folder(world: Engine, tmp_path: Path) -> None:
    (hook,) = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())
    assert (hook["language"], hook["pass_filenames"]) == ("python", False)
    folder = adapter(tmp_path / "bot")
    assert ran(hook["entry"], folder, world) == 1
    lineage("check", folder, "--fix", "--db", database(world))
    assert ran(hook["entry"], folder, world) == 0
    assert ran(f"{hook['entry']} --name me/bot", folder, world) == 1


def test_the_action_runs_on_a_folder(world: Engine, tmp_path: Path) -> None:
    action = yaml.safe_load((CHECKOUT / "action.yml").read_text())
    step = action["runs"]["steps"][-1]
    given = {name: value.get("default", "") for name, value in action["inputs"].items()}
    assert set(step["env"]) == {"FOLDER", "NAME", "LINEAGE_DB", "STRICT"}
    (tmp_path / "finetune-lineage").symlink_to(Path(sys.executable).parents[1])  # as its first step makes it
    folder = adapter(tmp_path / "bot", card=f"---\nlicense: llama3.1\nbase_model: {LLAMA}\n---\n")
    for strict, status in (("false", 0), ("true", 3)):
        inputs = given | {"folder": str(folder), "name": "me/Llama-Bot", "registry": database(world), "strict": strict}
        names = {name: value.split("inputs.")[1].split(" ")[0] for name, value in step["env"].items()}
        env = {name: inputs[which] for name, which in names.items()} | {"RUNNER_TEMP": str(tmp_path)}
        assert ran(step["run"], folder, world, **env) == status


def ran(command: str, folder: Path, engine: Engine, **environment: str) -> int:
    """How a command of a hook or an action exits, in the folder."""
    bin = Path(sys.executable).parent
    env = {"PATH": f"{bin}:/usr/bin:/bin", "HOME": "/nonexistent", "PYTHONPATH": str(CHECKOUT)}
    env |= {"LINEAGE_DB": database(engine), **environment}
    return subprocess.run(["bash", "-euc", command], cwd=folder, env=env, check=False, capture_output=True).returncode


def test_a_card_in_another_letter_case_is_the_card(world: Engine, tmp_path: Path) -> None:
    card = f"---\nlicense: mit\nbase_model: {LLAMA}\n---\nBuilt with Llama\n"
    folder = adapter(tmp_path / "bot", card=None, **{"readme.md": card})
    assert "display" not in rules(checked(world, folder, code=1))
    lineage("check", folder, "--fix", "--db", database(world))
    assert sorted(path.name for path in folder.iterdir()) == ["adapter_config.json", "readme.md"]
    assert "license: llama3.1\n" in (folder / "readme.md").read_text()
    write(folder, {"README.md": card})
    assert "keep one card" in refusal("check", folder, "--db", database(world))


def test_what_a_policy_knows_and_allows_counts_for_all(world: Engine, tmp_path: Path) -> None:
    policy = tmp_path / "lineage.toml"
    policy.write_text('[[clarify]]\nmodel = "x/Other"\nlicense = "llama3.1"\nevidence = "told"\n')
    folder = adapter(tmp_path / "bot", "x/Other", "---\nlicense: mit\nbase_model: x/Other\n---\n")
    found = checked(world, folder, "--policy", policy, code=1)
    assert {"name", "display", "notice", "license-file"} <= rules(found).keys()
    assert found["front_matter"]["license"] == "llama3.1"
    policy.write_text(policy.read_text() + '\n[licenses]\nallow = ["mit", "apache-2.0"]\n')
    assert "license" not in checked(world, folder, "--policy", policy, code=1)["front_matter"]


def test_files_that_only_begin_like_a_licence_or_a_notice(world: Engine, tmp_path: Path) -> None:
    card = "---\nlicense: apache-2.0\nbase_model: Qwen/Qwen3-8B\n---\n"
    files = {"licensed_vocab.json": "{}", "LICENSE": "", "noticeboard.bin": "x" * 100, "NOTICE.gguf": "x"}
    folder = adapter(tmp_path / "bot", "Qwen/Qwen3-8B", card, **files)
    assert "license-file" in rules(checked(world, folder))
    write(folder, {"LICENSE-APACHE.txt": "text"})
    assert "license-file" not in rules(checked(world, folder))


def test_a_card_that_is_no_yaml_is_told_as_that(world: Engine, tmp_path: Path) -> None:
    found = checked(world, adapter(tmp_path / "bot", "Qwen/Qwen3-8B", "---\nlicense: [\n---\n"), code=1)
    assert "no-card" not in rules(found)
    assert "broken-file" in rules(found)


def test_a_patch_is_in_no_format(world: Engine, tmp_path: Path) -> None:
    said = refusal("check", adapter(tmp_path / "bot"), "--patch", "-f", "json", "--db", database(world))
    assert "leave -f out" in said
