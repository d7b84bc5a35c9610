"""Commands that make, fill and look after a registry: import, demo, db."""

import gzip
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from crawler.dumps import Dump
from lineage.cli.load import _Pace, _plain_lines
from registry.database import SCHEMA
from tests.families import Row, api_row, save
from tests.lineage.calls import STEERING, answer, database, lineage, on_terminal, refusal

WORLD = [
    api_row("Qwen/Base", license="apache-2.0"),
    api_row("me/Tuned", ["Qwen/Base"]),
    api_row("me/Cased", ["qwen/base"], tags=[]),
    api_row("me/Open", ["nobody/knows"], tags=[]),
    api_row("me/Lost", ["me/Tuned", "me/Cased"], "merge", observation={"gone": True}),
]


def jsonl(path: Path, rows: Sequence[object] = WORLD) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def imported(*args: str | Path) -> str:
    result = lineage("import", *args)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


def test_an_import_makes_the_registry_and_says_what_it_holds(tmp_path: Path) -> None:
    db = tmp_path / "new" / "folder" / "registry.db"
    assert imported(jsonl(tmp_path / "world.jsonl"), "--db", db) == (
        "5 models read: 5 new, 0 changed, 0 unchanged\n"
        "the registry holds 6 models (1 gone, 4 listed, 1 placeholder), 5 edges (1 recovered)\n"
        "defects: 1 unresolved-parent\n"
    )
    assert db.is_file()


def test_importing_twice_changes_nothing(place: str, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "world.jsonl")
    first = imported(path, "--db", place)
    digest = lineage("db", "digest", "--db", place).stdout
    second = imported(path, "--db", place)
    assert second.split("\n")[0] == "5 models read: 0 new, 0 changed, 5 unchanged"
    assert second.split("\n")[1:] == first.split("\n")[1:]
    assert lineage("db", "digest", "--db", place).stdout == digest


def test_an_import_of_news_says_what_changed(place: str, tmp_path: Path) -> None:
    imported(jsonl(tmp_path / "world.jsonl"), "--seen", "2026-01-01", "--db", place)
    news = [WORLD[0] | {"downloads": 11}, *WORLD[1:], api_row("me/New", ["me/Open"])]
    said = imported(jsonl(tmp_path / "world.jsonl", news), "--seen", "2026-01-02", "--db", place)
    assert said.startswith("6 models read: 1 new, 1 changed, 4 unchanged\nthe registry holds 7 models ")


def test_a_quiet_import_says_nothing(place: str, tmp_path: Path) -> None:
    assert imported("-q", jsonl(tmp_path / "world.jsonl"), "--db", place) == ""
    assert "me/Tuned" in lineage("search", "me/", "--db", place).stdout


def test_several_files_are_one_import(place: str, tmp_path: Path) -> None:
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(jsonl(tmp_path / "b.jsonl", WORLD[2:]).read_bytes()))
    said = imported(jsonl(tmp_path / "a.jsonl", WORLD[:2]), packed, "--db", place)
    assert said.startswith("5 models read: 5 new, ")


@pytest.mark.parametrize(
    ("seen", "stored"),
    [
        ("2026-08-22", "2026-08-22T00:00:00Z"),
        ("2026-08-22T12:00:00+02:00", "2026-08-22T10:00:00Z"),
        ("20260822", "2026-08-22T00:00:00Z"),
    ],
)
def test_the_date_of_a_dump(place: str, tmp_path: Path, seen: str, stored: str) -> None:
    imported(jsonl(tmp_path / "world.jsonl"), "--seen", seen, "--db", place)
    assert json.loads(lineage("db", "info", "-f", "json", "--db", place).stdout)["data_date"] == stored
    assert f"data of {stored[:10]}\n" in lineage("count", "Qwen/Base", "--db", place).stdout


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    db = ("--db", tmp_path / "registry.db")
    assert "no.jsonl" in refusal("import", tmp_path / "no.jsonl", *db)
    assert "is a directory without a manifest.json" in refusal("import", tmp_path, *db)
    (tmp_path / "empty").touch()
    assert refusal("import", tmp_path / "empty", *db) == f"{tmp_path}/empty is empty: fetch it again"
    (tmp_path / "cut.gz").write_bytes(gzip.compress(jsonl(tmp_path / "world").read_bytes())[:-9])
    assert "is damaged after" in refusal("import", "-q", tmp_path / "cut.gz", *db)


def test_an_import_into_what_is_no_registry(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("to do\n" * 100)
    assert "is not a database" in refusal("import", jsonl(tmp_path / "world.jsonl"), "--db", notes)
    assert notes.read_text() == "to do\n" * 100


def test_progress_is_plain_lines_where_there_is_no_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dump = Dump(jsonl(tmp_path / "world.jsonl"))
    for _ in dump.rows():
        pass
    _plain_lines(every=0.0)(dump, 1_234)
    said = capsys.readouterr()
    assert said.out == ""
    assert re.fullmatch(r"world\.jsonl: 1,234 models, [\d,]+/s, 100%, 0 s left\n", said.err)
    _plain_lines()(dump, 1_234)
    assert capsys.readouterr().err == ""


def test_each_file_has_a_pace_of_its_own(tmp_path: Path) -> None:
    pace = _Pace()
    first, second = Dump(jsonl(tmp_path / "a.jsonl")), Dump(jsonl(tmp_path / "b\x1b[2J.jsonl"))
    pace.words(first, 1_000)
    begun = pace.now
    assert pace.words(second, 10).startswith("b\\x1b[2J.jsonl: 10 models, ")
    assert pace.start == begun
    second.position = second.size // 2
    assert pace.left(second) == pytest.approx((pace.now - begun) * 1.0, rel=0.1)


def test_a_refused_file_leaves_the_registry_whole(place: str, tmp_path: Path) -> None:
    imported(jsonl(tmp_path / "world.jsonl"), "--db", place, "--seen", "2026-01-01")
    (tmp_path / "notes.txt").write_text("to do\n")
    assert "holds no JSON" in refusal("import", tmp_path / "notes.txt", "--db", place)
    assert lineage("db", "check", "--db", place).stdout == "the registry is whole\n"
    assert lineage("count", "Qwen/Base", "--db", place).stdout.startswith("Qwen/Base, data of 2026-01-01\n")


def test_the_demo_keeps_out_of_a_registry_of_your_own(place: str, tmp_path: Path) -> None:
    imported(jsonl(tmp_path / "world.jsonl"), "--db", place)
    assert "holds data of your own" in refusal("demo", "--db", place)


def test_progress_is_a_bar_on_a_terminal(place: str, tmp_path: Path) -> None:
    status, shown = on_terminal("import", str(jsonl(tmp_path / "world.jsonl")), "--db", place)
    assert status == 0
    assert re.search(r"world\.jsonl: 5 models, [\d,]+/s 100%\|█+\| \[00:0\d<00:00\]", shown)
    assert "5 models read: 5 new" in shown


def test_the_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a map is written where one is
    db = tmp_path / "demo.db"
    result = lineage("demo", "--db", db)
    assert f"  {tmp_path}/lineage-demo.html" in result.stdout.splitlines()
    assert "Qwen/Qwen3-1.7B and its relatives" in (tmp_path / "lineage-demo.html").read_text("utf-8")
    assert (result.exit_code, result.stderr) == (0, "")
    said = result.stdout
    assert f" into {db}\n" in said
    assert "\n16,491 models read: 16,491 new, 0 changed, 0 unchanged\n" in said
    assert "\nQwen/Qwen3-1.7B  apache-2.0\n├─ " in said
    assert "\ntransitive " in said
    assert STEERING.search(said) is None
    advised = re.findall(rf"^  lineage (.+) --db {re.escape(str(db))}$", said, re.MULTILINE)
    assert len(advised) == 6
    for call in advised:
        assert lineage(*call.split(), "--db", db).exit_code == (1 if call.startswith("audit") else 0)
    for verdict in ("violation: exeterminal/", "review: hexgrad/", "pass: sentence-transformers/"):
        assert f"\n{verdict}" in said
    assert "    path    exeterminal/Exe-Guard-Dynamic-GGUF ← quantized of Qwen/Qwen2.5-Coder-3B-Instruct ←" in said
    judged = re.search(
        r"\nOf ([\d,]+) claims of Apache-2.0 in the snapshot ([\d,]+) can be judged: (\d,\d+) pass", said
    )
    assert judged is not None
    assert [int(number.replace(",", "")) for number in judged.groups()] == [6910, 4889, 4512]
    assert re.search(r"\nThe other 2,021 have an ancestor whose terms .*:\n(  \S+/\S+, above \d+ of them\n){5}\n", said)
    assert lineage("db", "check", "--db", db).stdout == "the registry is whole\n"
    assert "16,491 models read: 0 new, 0 changed, 16,491 unchanged" in lineage("demo", "--db", db).stdout


def digest(registry: Engine, *args: str) -> str:
    said = answer(registry, "db", "digest", *args)
    assert re.fullmatch(r"[0-9a-f]{64}\n", said)
    return said


def test_a_digest_does_not_depend_on_the_order(registry: Engine, tmp_path: Path) -> None:
    save(registry, WORLD, seen="2026-01-01T00:00:00Z", source="world.jsonl")
    before = digest(registry)
    for seed in range(5):
        (tmp_path / str(seed)).mkdir()
        rows = random.Random(seed).sample(WORLD, len(WORLD))
        db = tmp_path / f"{seed}.db"
        imported(jsonl(tmp_path / str(seed) / "world.jsonl", rows), "--seen", f"2026-02-0{seed + 1}", "--db", db)
        assert lineage("db", "digest", "--db", db).stdout == before


@pytest.mark.parametrize(
    ("row", "lineage_differs"),
    [
        (api_row("me/Tuned", ["Qwen/Other"]), True),
        (api_row("me/Tuned", ["Qwen/Base"], "adapter"), True),
        (api_row("me/Tuned", ["Qwen/Base"], cardData={}), True),
        (api_row("me/Tuned", ["Qwen/Base"], downloads=11), False),
        (api_row("me/Tuned", ["Qwen/Base"], license="mit"), False),
        (api_row("me/Tuned", ["Qwen/Base"], observation={"gone": True}), False),
    ],
)
def test_a_digest_changes_with_the_content(registry: Engine, row: Row, lineage_differs: bool) -> None:
    save(registry, WORLD)
    before = digest(registry), digest(registry, "--part", "lineage")
    assert before[0] != before[1]
    save(registry, [row], seen="2026-06-01T00:00:00Z")
    assert digest(registry) != before[0]
    assert (digest(registry, "--part", "lineage") != before[1]) == lineage_differs


def test_a_whole_registry_is_found_whole(registry: Engine, snapshot_registry: Engine) -> None:
    assert answer(registry, "db", "check") == "the registry is whole\n"
    assert answer(snapshot_registry, "db", "check") == "the registry is whole\n"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("DELETE FROM derivations WHERE parent_key IN (SELECT key FROM models WHERE repo_id = 'nobody/knows')",
         "1 placeholders that no model names"),
        ("UPDATE derivations SET parent_key = child_key", "5 models that are their own parent"),
        ("UPDATE derivations SET parent_key = NULL WHERE name = 'Qwen/Base'", "1 declared parents that are neither"),
        ("INSERT INTO runs (command, source, seen, started_at, models, new, changed) VALUES ('import', '', '', '', 0, "
         "0, 0)", "1 imports or crawls that did not end"),
        ("UPDATE derivations SET parent_key = 999 WHERE name = 'Qwen/Base'", "a row of derivations points at a model"),
        ("DROP INDEX ix_models_folded; DROP TABLE names", "no such table: names"),
    ],
)  # fmt: skip
def test_damage_is_found(sqlite_registry: Engine, damage: str, said: str) -> None:
    save(sqlite_registry, WORLD)
    with sqlite_registry.connect() as connection:
        connection.execute(text("PRAGMA foreign_keys=OFF"))
        for statement in damage.split("; "):
            connection.execute(text(statement))
        connection.commit()
    assert said in refusal("db", "check", "--db", database(sqlite_registry))


def test_info(registry: Engine, tmp_path: Path) -> None:
    assert "nothing imported yet" in answer(registry, "db", "info")
    imported(jsonl(tmp_path / "world.jsonl"), "--seen", "2026-08-22", "--db", database(registry))
    found = json.loads(answer(registry, "db", "info", "-f", "json"))
    (run,) = found.pop("runs")
    assert run.pop("started_at") <= run.pop("finished_at")
    assert run == {
        "command": "import", "source": "world.jsonl", "seen": "2026-08-22T00:00:00Z", "models": 5, "new": 5,
        "changed": 0,
    }  # fmt: skip
    assert found.pop("registry") == registry.url.render_as_string(hide_password=True)
    assert found == {
        "schema": "finetune-lineage/overview/1",
        "schema_version": SCHEMA,
        "data_date": "2026-08-22T00:00:00Z",
        "models": {"gone": 1, "listed": 4, "placeholder": 1},
        "edges": {"both": 3, "card": 1, "recovered-by-case": 1},
        "defects": {"unresolved-parent": 1},
        "names": 1,
    }


def test_an_upgrade_of_the_newest_schema_changes_nothing(registry: Engine) -> None:
    save(registry, WORLD)
    before = digest(registry)
    assert answer(registry, "db", "upgrade") == f"schema {SCHEMA} is the newest\n"
    assert digest(registry) == before
