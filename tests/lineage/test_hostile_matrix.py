"""Every command in every format, over a registry in which each hostile value stands in every field that takes any text.

What each format must be is checked by a reader of it; what it looks like is the business of its own tests.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import click
import pytest
from playwright.sync_api import Browser
from sqlalchemy import Engine

from registry.database import reading
from registry.transfer import digest
from tests.browsers import needs_browser, page_of
from tests.databases import Files
from tests.families import api_row, imported
from tests.hostile import VALUES
from tests.lineage.calls import STEERING, database, lineage
from tests.lineage.pages import tree
from tests.lineage.test_cli import commands

NUMBERED = dict(enumerate(VALUES.values()))
PLAIN = {n: f"plain {n}" for n in NUMBERED}
#: What each command is asked; commands that are about one model ask about one of which everything above is hostile.
CALLS = {
    "ancestors": "all/Top --limit 0",
    "descendants": "p/N0 p/N1 --limit 0",
    "why": "all/Top p/N3",
    "common": "all/Top t/N4",
    "graph": "all/Top --limit 0",
    "map": "p/N0 p/N1",
    "license": "all/Top",
    "audit": "--all --claim any --exit-zero --limit 0",
    "scan": "FOLDER",
    "bom": "all/Top",
    "notice": "all/Top",
    "dossier": "all/Top",
    "lock": "--verify LOCK",
    "model list": "",
    "model show": "own/bot",
    "history": "p/N5",
    "diff": "--since 2025-01-01 --limit 0",
    "show": "all/Top",
    "search": "N --limit 0",
    "stats": "",
    "count": "p/N0",
    "defects": "--limit 0",
    "db info": "",
    "db check": "",
    "db digest": "",
}
#: Those that write no text of the registry, or read a folder, a server, a file: in tests of their own.
ELSEWHERE = {
    "demo", "import", "export", "policy init", "check", "register", "model alias", "model tag", "model note",
    "model remove", "watch", "db upgrade", "db copy",
}  # fmt: skip


def rows(values: dict[int, str]) -> Iterator[dict[str, object]]:
    """For each value two models that say nothing else, and one that was made from them all."""
    for n, text in values.items():
        free = dict.fromkeys(("author", "pipeline_tag", "library_name", "sha"), text)
        said = dict.fromkeys(("license_name", "license_link", "new_version"), text)
        yield api_row(f"p/N{n}", tags=[f"dataset:{text}"], cardData={"license": "other", **said}, **free)
        card = {"license": text, "base_model": [f"p/N{n}", text], "base_model_relation": text}
        yield api_row(f"t/N{n}", tags=[], cardData=card, gated=text, createdAt=text, observation={"source": text})
        yield {"id": text}
    yield api_row("all/Top", [f"t/N{n}" for n in values], "merge", "apache-2.0")


def filled(sqlite: Files, folder: Path, values: dict[int, str]) -> Iterator[Engine]:
    """A registry of a world in which all values moved on by one later; with code and a model that say the same."""
    code = folder / "code"
    code.mkdir()
    for n, text in values.items():
        (code / f"{n}.py").write_bytes(f"model_id = {text!r}\n".encode(errors="replace"))
        (code / f"{n}.yaml").write_bytes(f"model: {json.dumps(text)}\n".encode())
        name = re.sub("[/\x00\ud800]", "_", text)[:80]
        (code / f"{name}.env").write_text(f"MODEL_ID=p/N{n}\n", encoding="utf-8")
    bot = folder / "bot"
    bot.mkdir()
    said = {"license": values[0], "base_model": list(values.values())}
    (bot / "README.md").write_bytes(f"---\n{json.dumps(said)}\n---\n".encode())
    with sqlite.registry() as engine:
        imported(engine, list(rows(values)), seen="2025-06-01T00:00:00Z")
        locked = lineage("lock", "all/Top", "p/N0", "-o", folder / "lock", "--db", database(engine))
        assert locked.exit_code == 0, locked.output
        assert STEERING.search((folder / "lock").read_text(encoding="utf-8")) is None
        moved = {n: values[(n + 1) % len(values)] for n in values}
        imported(engine, list(rows(moved)), seen="2025-07-01T00:00:00Z")
        done = lineage("register", bot, "--name", "own/bot", "-m", values[1], "--db", database(engine))
        assert done.exit_code == 0, done.output
        yield engine


@pytest.fixture(scope="module")
def hostile(sqlite: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Path]]:
    folder = tmp_path_factory.mktemp("hostile")
    for engine in filled(sqlite, folder, NUMBERED):
        yield engine, folder


@pytest.fixture(scope="module")
def plain(sqlite: Files, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Engine, Path]]:
    folder = tmp_path_factory.mktemp("plain")
    for engine in filled(sqlite, folder, PLAIN):
        yield engine, folder


def formats_of(command: click.Command) -> list[str]:
    choices = [p.type.choices for p in command.params if p.name == "format_" and isinstance(p.type, click.Choice)]
    return [str(choice) for choice in choices[0]] if choices else [""]


def asked(world: tuple[Engine, Path], name: str, format_: str, folder: Path) -> str:
    """What a command writes in a format; as text, or as a file where it writes files alone."""
    engine, place = world
    call = CALLS[name].replace("FOLDER", str(place / "code")).replace("LOCK", str(place / "lock")).split()
    file = folder / f"out.{format_ or 'html'}"
    options = ["-f", format_] if format_ else []
    options += ["-o", str(file)] if name in {"graph", "map", "dossier"} else []
    done = lineage(*name.split(), *call, *options, "--db", database(engine))
    assert done.exit_code == (1 if name == "lock" else 0), (done.exit_code, done.output[:2_000])
    assert STEERING.search(done.stderr) is None
    return file.read_text(encoding="utf-8") if file.exists() else done.stdout_bytes.decode()


def of_json(text: str) -> list[str]:
    return sorted(json.loads(text))


def state(engine: Engine) -> str:
    with reading(engine) as connection:
        return digest(connection)


def of_csv(text: str) -> int:
    lines = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    assert len({len(line) for line in lines}) == 1
    assert not [cell for line in lines for cell in line if cell.startswith(tuple("=+-@\t\r"))]
    return len(lines[0])


def of_markdown(text: str) -> int:
    lines = [line for line in text.split("\n") if line.startswith("|")]
    assert len({len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in lines}) <= 1
    fenced = re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert not re.search(r"(?<!\\)(?:\\\\)*<(?!https://[\w./-]+>)", fenced)
    assert not re.search(r"(?<!\\)\]\((?!https://huggingface\.co/[\w./-]+\))", fenced)
    return 0


def of_lines(text: str) -> list[str]:
    (names,) = {tuple(json.loads(line)) for line in text.splitlines()}
    return list(names)


def of_html(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """The kinds of elements with the names of their attributes."""
    page = tree(text)
    assert STEERING.search(re.sub(r"<script.*?</script>", "", text, flags=re.DOTALL).replace("\t", "")) is None
    links = [element.attributes["href"] for element in page.all("a") if "href" in element.attributes]
    assert not [link for link in links if not re.match(r"#|https://(huggingface\.co|spdx\.org|github\.com)/", link)]
    return sorted({(element.name, tuple(sorted(element.attributes))) for element in page.all()})


def of_xml(text: str) -> list[str]:
    assert "<!DOCTYPE" not in text.removeprefix("<!DOCTYPE")
    return sorted({element.tag for element in ET.fromstring(text).iter()})


def of_dot(text: str) -> int:
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', text)
    assert re.fullmatch(r'[\w\s{}\[\];,=#.>"-]*', bare), bare[:500]
    return 0


def of_mermaid(text: str) -> int:
    lines = [line for line in text.splitlines() if line.strip()]
    assert not [line for line in lines if re.match(r"\s*(click|%%\{)", line)]
    labels = re.sub(r'"[^"]*"', '""', text)
    assert not re.search(r"[<>]script|javascript:", labels)
    return 0


def of_list(text: str) -> int:
    assert all(re.fullmatch(r"#.*|[\w./@-]+  # \S+:\d+", line, re.ASCII) for line in text.splitlines()), text[:500]
    return 0


#: Format → a reader of it, which gives what must not depend on what is said.
READERS: dict[str, Callable[[str], object]] = {
    "": lambda text: None, "tree": lambda text: None, "table": lambda text: None, "list": of_list,
    "json": of_json, "jsonl": of_lines, "csv": of_csv, "markdown": of_markdown,
    "html": of_html, "svg": of_xml, "graphml": of_xml, "gexf": of_xml, "junit": of_xml, "dot": of_dot,
    "mmd": of_mermaid, "sarif": of_json, "cyclonedx": of_json, "spdx": of_json,
}  # fmt: skip
MATRIX = [
    (name, format_)
    for name, command in commands().items()
    if name in CALLS
    for format_ in formats_of(command)
    if format_ != "png"
]


def test_every_command_is_here_or_has_its_own_test() -> None:
    assert {name for name in commands() if not name.startswith("crawl ")} == CALLS.keys() | ELSEWHERE
    assert len(VALUES) >= 60
    assert len(set(VALUES.values())) == len(VALUES)


@pytest.mark.parametrize(("name", "format_"), MATRIX, ids=[f"{n}-{f}".replace(" ", "-") for n, f in MATRIX])
def test_hostile_values_are_data(
    hostile: tuple[Engine, Path], plain: tuple[Engine, Path], name: str, format_: str, tmp_path: Path
) -> None:
    kind = format_ or ("html" if name in {"map", "dossier"} else "")
    written = asked(hostile, name, format_, tmp_path)
    assert kind == "html" or STEERING.search(written) is None
    said = READERS[kind](written)
    (tmp_path / "plain").mkdir()
    like = READERS[kind](asked(plain, name, format_, tmp_path / "plain"))
    if isinstance(said, list) and isinstance(like, list):
        assert set(said) <= set(like)
    else:
        assert said == like


#: Options and arguments that take any text, with the rest of a call that is in order.
TEXTS_TAKEN = [
    (name, param.opts[0] if isinstance(param, click.Option) else "")
    for name, command in commands().items()
    if name in CALLS and name not in {"scan", "model list"}
    for param in command.params
    if isinstance(param.type, click.types.StringParamType) and param.opts[0] not in {"--db", "--endpoint"}
]


@pytest.mark.parametrize(("name", "option"), TEXTS_TAKEN, ids=[f"{n}{o}".replace(" ", "-") for n, o in TEXTS_TAKEN])
def test_hostile_values_are_no_more_than_wrong_arguments(
    hostile: tuple[Engine, Path], name: str, option: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, _ = hostile
    monkeypatch.chdir(tmp_path)
    before = state(engine)
    for text in VALUES.values():
        given = [f"{option}={text}"] if option else ["--", text]
        call = [] if not option else CALLS[name].split()
        output = ["-f", "svg"] if name == "graph" else ["-o", "x.html"] if name == "map" else []
        done = lineage(*name.split(), *call, *output, "--db", database(engine), *given)
        assert done.exit_code in {0, 1, 2, 3}, (text, done.output[:500])
        assert STEERING.search(done.output) is None
        if done.exit_code == 2:
            assert re.fullmatch(r"lineage: [^\n]+\n", done.stderr), (text, done.stderr)
    assert state(engine) == before


@needs_browser
@pytest.mark.parametrize("name", ["graph", "map", "audit", "dossier"])
def test_pages_of_a_hostile_world_do_nothing(
    hostile: tuple[Engine, Path],
    browser: Browser,
    name: str,
    tmp_path: Path,
) -> None:
    format_ = "html" if name in {"graph", "audit"} else ""
    file = tmp_path / "page.html"
    file.write_text(asked(hostile, name, format_, tmp_path), encoding="utf-8")
    ready = {"graph": "html[data-ready]", "map": "body[data-drawn]"}.get(name, "footer")
    with page_of(browser, file, ready) as page:
        dialogs: list[str] = []
        page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        assert page.locator("body").inner_text().strip()
        for element in page.locator("summary").all()[:5]:
            element.click()
        assert page.evaluate("document.querySelectorAll('img, iframe, object, embed, base').length") == 0
        assert dialogs == []
