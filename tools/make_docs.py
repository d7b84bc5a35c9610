"""Write the generated pages: the CLI reference, the JSON schemas, and the README's transcript.

    python -m tools.make_docs

The tests compare what is generated with what is committed.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from pydantic import TypeAdapter

from crawler.dumps import Dump
from crawler.load import import_sample
from lineage.audit import Audit
from lineage.changes import Changes, History
from lineage.check import Check
from lineage.cli.main import main as cli
from lineage.describe import ModelPage
from lineage.dictionary import guide
from lineage.drift import Drift
from lineage.family import Common, Family, Paths
from lineage.formats.documents import NAMES, Result
from lineage.inheritance import Inheritance
from lineage.licenses.explain import LicenseList, LicensePage, all_licenses, explain
from lineage.lists import DefectList, ModelList
from lineage.lock import Lock, Moves
from lineage.notice import Notice
from lineage.overview import Overview
from lineage.questions import Answer, Suggestions
from lineage.registered import Registered, VersionPage
from lineage.rules import RULES
from lineage.scan import Scan
from lineage.statistics import FamilyCount, Statistics
from lineage.watch import News
from registry.database import open_registry
from tests.fakehub.server import FakeHub

ROOT = Path(__file__).parents[1]
SNAPSHOT = ROOT / "crawler" / "data" / "snapshot.jsonl.gz"
#: A console block of Markdown: one or more `$ command` lines, each with its output.
CONSOLE = re.compile(r"```console\n(.*?)```", re.DOTALL)

#: Every type that a query may come to.
RESULTS: tuple[type[Result], ...] = (
    Answer, Audit, Changes, Check, Common, DefectList, Drift, Family, FamilyCount, History, Inheritance, LicenseList,
    LicensePage, Lock, ModelList, ModelPage, Moves, News, Notice, Overview, Paths, Registered, Scan, Statistics,
    Suggestions, VersionPage,
)  # fmt: skip
#: Where the README has the fake Hub listen.
_HUB = "http://127.0.0.1:8123"

_EXPORT = """# Exports

Written by `make docs` from lineage/dictionary.py and the schema.

`lineage export DIR` writes the registry as it is at one moment, with all verdicts, to a new folder: a folder of Parquet
files (zstd, a million rows each) for each table, a README.md with what stands below, and a manifest.json:

| key | meaning |
| --- | --- |
| `format` | finetune-lineage/export/3: changes when a reader has to |
| `product` | the version that wrote it |
| `data_date` | the date of the newest data |
| `catalogue` | the version of the facts about licences on which the verdicts rest |
| `digest` | what `lineage db digest` says of the registry, and of any that the export is imported into |
| `tables` | the rows of each table |

`lineage import DIR` reads an export into a new registry, which has the same digest; verdicts are worked out anew
whenever they are asked for. What crawls have done and have still to do does not come along: `lineage db copy` copies a
registry with that too. Whoever cites the data finds the words in CITATION.cff.
"""

_INTRODUCTION = """# The commands

Generated from `--help` by `make docs`.

## Exit status

| status | meaning |
| --- | --- |
| 0 | fine |
| 2 | a mistake in the command or the data: one line on stderr that ends with the way out |
| 70 | a crash of ours: please report it, with what `lineage --debug` says |
| 130 | interrupted (Ctrl-C) |

1 and 3 are kept for audits.

"""


_RULES = """# The rules

Generated from lineage/rules.py by `make docs`.

A model's label is compared with each licence that its ancestors brought along, from the roots down: a wrong label in
the middle neither hides nor launders what is above it. The verdict is the worst finding; the order below is from worst
to best, and `undeclared` stands by itself. A verdict is a pass, a violation, or for review; nothing passes while an
ancestor's terms are not known. The owner of an ancestor may put its own work under another licence: no finding against
that ancestor, but what others put above it still counts. An adapter is judged together with its base.

The rules speak of labels and terms. They are no legal advice."""

_LICENSES = """# The licences

Generated from lineage/data/licenses by `make docs`: one file a licence, each fact in our own words with its section and
source. "unverified" says that the operative text was not read in full. This is no legal advice."""


def main() -> None:
    """Write every generated file."""
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    readme = ROOT / "README.md"
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder) / "registry.db")
        engine = open_registry(database, create=True)
        import_sample(engine)
        engine.dispose()
        readme.write_text(with_transcripts(readme.read_text(encoding="utf-8"), database), encoding="utf-8")


def generated() -> dict[Path, str]:
    """The generated files of docs/ and their text."""
    pages = {
        ROOT / "docs" / "cli.md": cli_reference(),
        ROOT / "docs" / "export.md": export_page(),
        ROOT / "docs" / "rules.md": rules_page(),
        ROOT / "docs" / "licenses.md": licenses_page(),
    }
    for result in RESULTS:
        _, short, version = result.SCHEMA.split("/")
        pages[ROOT / "docs" / "schemas" / f"{short}-{version}.json"] = json_schema(result, result.SCHEMA)
    return pages


def export_page() -> str:
    """What an export holds."""
    return f"{_EXPORT}\n{guide()}"


def cli_reference() -> str:
    """The help of every command."""
    blocks = [
        f"## {path}\n\n```text\n{context.get_help()}\n```\n"
        for path, context in _commands(
            cli, click.Context(cli, info_name="lineage", terminal_width=88, **cli.context_settings)
        )
    ]
    return _INTRODUCTION + "\n".join(blocks)


def rules_page() -> str:
    """Every rule by which a label is judged."""
    blocks = [
        f"## {rule.id}\n\n{rule.says} Verdict: {rule.verdict.word} ({rule.weight})."
        + (f" To mend it: {_mend(rule.mend)}." if rule.mend else "")
        for rule in sorted(RULES.values(), key=lambda rule: -rule.verdict)
    ]
    return "\n\n".join([_RULES, *blocks]) + "\n"


def _mend(text: str) -> str:
    return text.format(ancestor="the inherited licence", model="the ancestor")


def licenses_page() -> str:
    """Every licence of the catalogue with its facts."""
    blocks = []
    for line in all_licenses().licenses:
        page = explain(line.id)
        rows = [f"| {name} | {_cell(value)} |" for name, value in page.axes]
        facts = [
            f"- {fact.axis}{f', section {fact.section}' if fact.section else ''}: {fact.says} "
            f"({fact.source}{'; unverified' if fact.unverified else ''})"
            for fact in page.facts
        ]
        table = "\n".join(["| about | |", "| --- | --- |", *rows])
        blocks.append("\n\n".join([f"## {page.id}\n\n{page.name}", table, *(["\n".join(facts)] if facts else [])]))
    return "\n\n".join([_LICENSES, *blocks]) + "\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _commands(command: click.Command, context: click.Context) -> Iterator[tuple[str, click.Context]]:
    yield context.command_path, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None:
                yield from _commands(below, click.Context(below, info_name=name, parent=context, terminal_width=88))


def json_schema(result: type, name: str) -> str:
    """The JSON schema of a result's document, from the types that the program itself uses."""
    text = json.dumps(TypeAdapter(result).json_schema(mode="serialization"))
    for field, word in NAMES.items():
        text = text.replace(f'"{field}"', f'"{word}"').replace(f'"{field.title()}"', f'"{word.title()}"')
    schema = json.loads(text)
    schema["properties"] = {"schema": {"const": name}, **schema["properties"]}
    schema["required"] = ["schema", *schema["required"]]
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": name, **schema}
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def with_transcripts(markdown: str, database: str) -> str:
    """The text with the output of every `$ lineage …` line of its console blocks made anew."""
    return CONSOLE.sub(lambda block: f"```console\n{rerun(block[1], database)}```", markdown)


def rerun(block: str, database: str) -> str:
    """A console block with the output that its commands have now: of the snapshot, or of a fake Hub that serves it."""
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    if not all(command.startswith("$ lineage ") for command in commands):
        return block  # installs something: not for a transcript
    with tempfile.TemporaryDirectory() as folder:
        if _HUB not in block:
            return "\n".join(f"{command}\n{run(command[2:], database, folder)}" for command in commands)
        with FakeHub(row for row in Dump(SNAPSHOT).rows() if isinstance(row, dict)) as hub:
            done = [(command, run(command[2:].replace(_HUB, hub.url), database, folder)) for command in commands]
            return "\n".join(f"{command}\n{said.replace(hub.url, _HUB)}" for command, said in done)


def run(command: str, database: str, folder: str) -> str:
    """What a person sees who types `command` in `folder`, with the snapshot loaded."""
    arguments = command.split()[1:]
    environment = {**os.environ, "LINEAGE_DB": database, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", "lineage", *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        env=environment,
        check=False,
    )
    return done.stdout + (done.stderr if done.returncode else "")  # else what a slow machine says of its progress


if __name__ == "__main__":
    main()
