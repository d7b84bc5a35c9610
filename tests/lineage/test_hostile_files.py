"""Each hostile value in each file that a person may give."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from tests.crawler.folders import write
from tests.databases import Files
from tests.families import family
from tests.hostile import VALUES
from tests.lineage.calls import STEERING, database, lineage

WORLD = """
meta-llama/Llama-3.1-8B  llama3.1
  me/Tuned  apache-2.0
"""


@pytest.fixture(scope="module")
def world(sqlite: Files) -> Iterator[Engine]:
    with sqlite.registry() as engine:
        family(engine, WORLD)
        yield engine


def quoted(text: str) -> str:
    """The value as a string of JSON, TOML and YAML, which no surrogate is part of."""
    return json.dumps(text.replace("\ud800", "?"))


def policies(folder: Path, text: str) -> Iterator[list[str | Path]]:
    said = f"reason = {quoted(text)}\nexpires = 2999-01-01\n"
    for n, content in enumerate((
        text,
        f'[[waiver]]\nmodel = "*"\n{said}',
        f"[[waiver]]\nmodel = {quoted(text)}\n{said}",
        f'[[clarify]]\nmodel = "meta-llama/Llama-3.1-8B"\nlicense = "mit"\nevidence = {quoted(text)}\n',
        f"[licenses]\nallow = [{quoted(text)}]\n",
        f'[[license]]\nid = {quoted(text)}\nname = {quoted(text)}\nlike = "mit"\n',
        f"[{quoted(text)}]\na = 1\n",
    )):  # fmt: skip
        file = write(folder, {f"{n}.toml": content.encode(errors="replace")}) / f"{n}.toml"
        for command in ("audit", "license", "dossier"):
            yield [command, "me/Tuned", "--policy", file]


def lists(folder: Path, text: str) -> Iterator[list[str | Path]]:
    for n, content in enumerate((text, f"me/Tuned  # {text}:3", f"me/Tuned # {text}", f"# lineage scan: {text}\n")):
        file = write(folder, {f"{n}.txt": content.encode(errors="replace")}) / f"{n}.txt"
        yield ["audit", "-r", file]


def locks(folder: Path, text: str) -> Iterator[list[str | Path]]:
    model = {"id": "me/Tuned", "sha": text, "state": text, "license": text, "verdict": text, "parents": [text]}
    whole = {"schema": "finetune-lineage/lock/1", "asked": ["me/Tuned", text], "models": [model], "data_date": text}
    for n, content in enumerate((text, json.dumps(whole | {"catalogue": text}), json.dumps({"schema": text}))):
        file = write(folder, {f"{n}.lock": content.encode(errors="replace")}) / f"{n}.lock"
        yield ["lock", "--verify", file]


def folders(folder: Path, text: str) -> Iterator[list[str | Path]]:
    for n, files in enumerate((
        {"README.md": text},
        {"README.md": f"---\n{text}\n---\n"},
        {"README.md": f"---\nlicense: {quoted(text)}\nbase_model: {quoted(text)}\n{quoted(text)}: 1\n---\n"},
        {"adapter_config.json": json.dumps({"base_model_name_or_path": text, "revision": text, "peft_type": text})},
        {"config.json": text, "mergekit_config.yml": text, "NOTICE": text, "LICENSE": text},
        {"model.safetensors": text, "model.gguf": text},
    )):  # fmt: skip
        place = folder / str(n)
        place.mkdir()
        write(place, {name: content.encode(errors="replace") for name, content in files.items()})
        yield ["check", place, "--name", "me/bot"]
        yield ["check", place, "--name", "me/bot", "--patch"]
        yield ["scan", place]


@pytest.mark.parametrize("calls", [policies, lists, locks, folders], ids=lambda made: made.__name__)
@pytest.mark.parametrize("name", VALUES)
def test_a_file_that_says_it_is_read_or_refused(
    world: Engine, calls: Callable[[Path, str], Iterator[list[str | Path]]], name: str, tmp_path: Path
) -> None:
    for call in calls(tmp_path, VALUES[name]):
        done = lineage(*call, "--db", database(world))
        assert done.exit_code in {0, 1, 2, 3}, (call, done.output[:1_000])
        assert STEERING.search(done.output) is None, call
        if done.exit_code == 2:
            assert re.fullmatch(r"lineage: [^\n]+\n", done.stderr), (call, done.stderr)
    assert not Path("/tmp/evil").exists()
