"""What a lock holds, and that whatever moves is told."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from lineage.audit import ANY, audit
from lineage.lock import lock
from lineage.selection import Selection
from tests.families import Row, api_row, imported
from tests.lineage.calls import STEERING, answer, database, lineage, refusal

DAYS = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z")


def rows() -> list[Row]:
    return [
        api_row("a/Base", license="apache-2.0", sha="a" * 40),
        api_row("b/Tuned", ["a/Base"], license="apache-2.0", sha="b" * 40),
        api_row("c/Merge", ["b/Tuned", "a/Base"], "merge", license="apache-2.0"),
        api_row("x/Other", license="mit"),
    ]


@pytest.fixture
def held(registry: Engine, tmp_path: Path) -> Path:
    imported(registry, rows(), DAYS[0])
    assert answer(registry, "lock", "c/Merge", "-o", tmp_path / "lineage.lock") == ""
    return tmp_path / "lineage.lock"


def moved(engine: Engine, file: Path, code: int) -> list[dict[str, Any]]:
    result = lineage("lock", "--verify", file, "-f", "jsonl", "--db", database(engine))
    assert result.exit_code == code, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_what_it_holds(registry: Engine, held: Path) -> None:
    said = json.loads(held.read_text())
    assert (said["schema"], said["asked"]) == ("finetune-lineage/lock/1", ["c/Merge"])
    assert [(one["id"], one["sha"], one["verdict"], one["parents"]) for one in said["models"]] == [
        ("a/Base", "a" * 40, "ok", []),
        ("b/Tuned", "b" * 40, "ok", ["finetune of a/Base"]),
        ("c/Merge", None, "ok", ["merge of b/Tuned", "merge of a/Base"]),
    ]
    assert held.read_text() == f"{answer(registry, 'lock', 'c/merge')}"


def test_nothing_moved(registry: Engine, held: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert moved(registry, held, 0) == []
    monkeypatch.chdir(held.parent)
    said = answer(registry, "lock", "--verify")
    assert "nothing moved: c/Merge as on 2026-01-01, data of 2026-01-01" in said
    assert "of 1 models no commit is known" in said


MOVES: list[tuple[Callable[[list[Row]], None], set[tuple[str, str]]]] = [
    (lambda new: new[0].update(sha="c" * 40), {("a/Base", "sha")}),
    (
        lambda new: new[0].update(cardData={"license": "gemma"}, tags=["license:gemma"]),
        {("a/Base", "license"), ("b/Tuned", "verdict"), ("c/Merge", "verdict")},
    ),
    (lambda new: new[0].update(observation={"gone": True}), {("a/Base", "state")}),
    (
        lambda new: new.__setitem__(1, api_row("b/Tuned", ["x/Other"], license="apache-2.0", sha="b" * 40)),
        {("b/Tuned", "parents"), ("b/Tuned", "verdict"), ("c/Merge", "verdict"), ("x/Other", "model")},
    ),
    (
        lambda new: new.__setitem__(2, api_row("c/Merge", ["a/Base"], "merge", license="apache-2.0")),
        {("c/Merge", "parents"), ("b/Tuned", "model")},
    ),
    (lambda new: new[3].update(cardData={"license": "gemma"}), set()),
]


@pytest.mark.parametrize(("change", "expected"), MOVES)
def test_whatever_moves_is_told(
    registry: Engine, held: Path, change: Callable[[list[Row]], None], expected: set[tuple[str, str]]
) -> None:
    new = rows()
    change(new)
    imported(registry, new, DAYS[1])
    found = moved(registry, held, 1 if expected else 0)
    assert {(one["model"], one["what"]) for one in found} == expected
    assert all(one["locked"] != one["now"] for one in found)


def test_a_model_that_is_asked_and_not_there(registry: Engine, another: Engine, held: Path) -> None:
    imported(another, rows()[:1])
    found = moved(another, held, 1)
    assert ("c/Merge", "model") in {(one["model"], one["what"]) for one in found}


def test_refusals(registry: Engine, held: Path, tmp_path: Path) -> None:
    db = ("--db", database(registry))
    assert "name the MODELs to lock" in refusal("lock", *db)
    assert "name the MODELs to lock" in refusal("lock", "c/Merge", "--verify", held, *db)
    assert "cannot read" in refusal("lock", "--verify", tmp_path / "none", *db)
    assert "no such model" in refusal("lock", "no/Such", *db)
    for text in ("", "[]", "{}", "[" * 100_000, '{"schema": "finetune-lineage/lock/1", "asked": [1]}'):
        (tmp_path / "bad").write_text(text)
        assert "is no lock" in refusal("lock", "--verify", tmp_path / "bad", *db)
    empty: dict[str, Any] = {
        "schema": "finetune-lineage/lock/1",
        "asked": [],
        "models": [],
        "data_date": None,
        "catalogue": "",
    }
    (tmp_path / "bad").write_text(json.dumps(empty))
    assert "is no lock" in refusal("lock", "--verify", tmp_path / "bad", *db)
    assert "is at" in refusal("lock", f"a/Base@{'c' * 40}", *db)
    (tmp_path / "bad").write_text('{"schema": "finetune-lineage/lock/9"}')
    assert "another version" in refusal("lock", "--verify", tmp_path / "bad", *db)


def test_hostile_texts(registry: Engine, held: Path, tmp_path: Path) -> None:
    said = json.loads(held.read_text())
    said["models"][0]["license"] = "\x1b[31m\u202e<script>"
    said["asked"].append("no/\x1b[2J")
    (tmp_path / "odd").write_text(json.dumps(said))
    still = json.loads(held.read_text()) | {"data_date": "\x1b[31m<b>", "asked": ["c/Merge?\x1b[31m"]}
    (tmp_path / "still").write_text(json.dumps(still))
    for format_ in ("table", "markdown"):
        quiet = lineage("lock", "--verify", tmp_path / "still", "-f", format_, "--db", database(registry))
        assert not STEERING.search(quiet.stdout)
        assert format_ == "table" or "<b>" not in quiet.stdout
    result = lineage("lock", "--verify", tmp_path / "odd", "--db", database(registry))
    assert result.exit_code == 1
    assert not STEERING.search(result.stdout)


def test_a_large_ancestry(registry: Engine) -> None:
    names = [f"m/{number}" for number in range(300)]
    rows = [api_row(names[0])] + [api_row(one, [before]) for before, one in pairwise(names)]
    imported(registry, rows)
    assert len(lock(registry, [names[-1]]).models) == 300


def test_the_verdicts_are_those_of_an_audit(sqlite_snapshot: Engine) -> None:
    audited = {one.model: one for one in audit(sqlite_snapshot, Selection(), claim=ANY).models}
    held = lock(sqlite_snapshot, list(audited)[::20])
    told = [(one.id, one.license, one.verdict) for one in held.models if one.id in audited]
    assert told == [(id, audited[id].declared, audited[id].verdict) for id, _, _ in told]
    assert len({verdict for _, _, verdict in told}) > 5
