"""A file that another process reads is read the same."""

import gzip
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine

from crawler import ahead, reading
from crawler.ahead import read_ahead
from crawler.dumps import Dump
from crawler.load import import_files
from crawler.raw import PAGE_ROWS, DumpError
from crawler.reading import Batch, read_batches
from registry.fingerprints import Fingerprints, Known
from registry.write import Saved
from tests.families import api_row, content, models

NOTHING = Fingerprints.joined([])
ROWS = [api_row(f"me/M{n}", ["Qwen/Base"], likes=n) for n in range(PAGE_ROWS + 1)] + ["no model"]


@pytest.fixture(autouse=True)
def _two_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "WORTHWHILE", 0)


def written(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def told(batches: Iterator[Batch], *wanted: bytes) -> list[tuple[Any, ...]]:
    return [
        (batch.size, batch.records, batch.loose, dict(batch.again.pairs()), batch.reread(wanted)) for batch in batches
    ]


def test_lines_and_tables(tmp_path: Path) -> None:
    table = pa.table({"id": ["me/M", "me/N"], "tags": [["license:mit"], []], "likes": [1, 2]})
    pq.write_table(table, tmp_path / "t.parquet")
    for path in (written(tmp_path / "rows.jsonl", ROWS), tmp_path / "t.parquet"):
        here, there = Dump(path), Dump(path)
        assert told(read_ahead(there, NOTHING)) == told(read_batches(here, Known(NOTHING)))
        assert (there.position, there.size) == (here.position, here.size)


def test_known_rows_are_told_and_read_on_demand(tmp_path: Path) -> None:
    dump = Dump(written(tmp_path / "rows.jsonl", ROWS[:3]))
    (batch,) = read_batches(dump, Known(NOTHING))
    sums = [record.fingerprint or b"" for record in batch.records]
    known = Fingerprints.of(np.array([2, 1]), sums[1] + sums[0])
    ((size, records, loose, again, read),) = told(read_ahead(dump, known), sums[1])
    assert (size, list(records), loose) == (3, list(batch.records)[2:], [])
    assert again == {1: sums[0], 2: sums[1]}
    assert [record.repo_id for record in read[0]] == ["me/M1"]


def test_several_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "FIRST", 1)  # here only: the other process makes one batch of both pages
    dump = Dump(written(tmp_path / "rows.jsonl", ROWS))
    assert [batch.size for batch in read_batches(dump, Known(NOTHING))] == [PAGE_ROWS, 2]
    assert [size for size, *_ in told(read_ahead(dump, NOTHING))] == [PAGE_ROWS + 2]


def test_a_row_that_was_known_and_a_later_one_of_its_model(registry: Engine, tmp_path: Path) -> None:
    old, new = api_row("me/M", likes=1), api_row("me/M", likes=2)
    for day, rows in enumerate(([old], [old, new]), 1):
        path = written(tmp_path / "rows.jsonl", [api_row("me/N"), *rows])
        saved = import_files(registry, [path], seen=f"2026-01-0{day}T00:00:00Z", progress=lambda dump, models: None)
    assert saved == Saved(models=3, changed=1)
    assert models(registry)["me/M"]["likes"] == 2


def test_a_broken_file(registry: Engine, tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": f"me/M{n}", "sha": f"{n * 7919:040x}"}) + "\n" for n in range(2_000))
    (tmp_path / "rows.gz").write_bytes(gzip.compress(lines.encode())[:-8] + bytes(8))
    with pytest.raises(DumpError, match="damaged after 2,000 rows"):
        import_files(registry, [tmp_path / "rows.gz"], seen=None, progress=lambda dump, models: None)
    assert len(models(registry)) == 2_000


def test_another_process_that_dies(registry: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    path = written(tmp_path / "rows.jsonl", ROWS)
    with pytest.raises(DumpError, match=r"rows.jsonl ended early \(status 1\)"):
        import_files(registry, [path], seen=None, progress=lambda dump, models: None)
    assert content(registry)["models"] == []
    more_than_a_pipe_holds = Fingerprints.of(np.arange(100_000), bytes(16 * 100_000))
    with pytest.raises(DumpError, match=r"rows.jsonl ended early \(status 1\)"):
        told(read_ahead(Dump(path), more_than_a_pipe_holds))


def test_nothing_is_left_behind(tmp_path: Path, begun: list[subprocess.Popen[bytes]]) -> None:
    batches = read_ahead(Dump(written(tmp_path / "rows.jsonl", ROWS)), NOTHING)
    assert next(batches).size == PAGE_ROWS + 2
    batches.close()  # type: ignore[attr-defined]
    assert [process.returncode for process in begun] == [-signal.SIGKILL]


def test_modules_of_the_folder_one_is_in_are_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gzip.py").write_text("raise SystemExit('run')")
    path = written(tmp_path / "rows.jsonl", ROWS)
    monkeypatch.chdir(tmp_path)
    assert len(told(read_ahead(Dump(path), NOTHING))) == 1
