"""Parquet files in the shape of hub-stats, whole and damaged."""

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler.dumps import Dump
from crawler.parquet import TablePage
from crawler.parse import parse
from crawler.raw import DumpError


def read_until_error(path: Path, data: bytes) -> tuple[list[object], str]:
    """The rows that came before the error, and its one line."""
    path.write_bytes(data)
    rows: list[object] = []
    with pytest.raises(DumpError) as caught:
        rows.extend(Dump(path).rows())
    said = str(caught.value)
    assert "\n" not in said
    return rows, said


HUB_STATS = pa.schema(
    [
        ("_id", pa.string()),
        ("id", pa.string()),
        ("author", pa.string()),
        ("createdAt", pa.timestamp("us")),
        ("lastModified", pa.timestamp("us")),
        ("downloads", pa.int64()),
        ("downloadsAllTime", pa.int64()),
        ("likes", pa.int64()),
        ("trendingScore", pa.float64()),
        ("tags", pa.list_(pa.string())),
        ("cardData", pa.string()),
        (
            "baseModels",
            pa.struct(
                [
                    ("relation", pa.string()),
                    ("models", pa.list_(pa.struct([("_id", pa.string()), ("id", pa.string())]))),
                ]
            ),
        ),
        ("pipeline_tag", pa.string()),
        ("library_name", pa.string()),
    ]
)


def hub_stats_row(name: str) -> dict[str, Any]:
    return {
        "_id": f"{int(name.rpartition('M')[2]):024x}",
        "id": name,
        "author": "me",
        "createdAt": datetime(2025, 4, 27, 3, 41, 5),  # no zone in hub-stats
        "lastModified": None,
        "downloads": 7,
        "downloadsAllTime": 70,
        "likes": 1,
        "trendingScore": 0.5,
        "tags": ["base_model:Qwen/Base", "base_model:finetune:Qwen/Base", "license:mit"],
        "cardData": '{"license": "mit", "base_model": "Qwen/Base"}',
        "baseModels": {"relation": "finetune", "models": [{"_id": "f" * 24, "id": "Qwen/Base"}]},
        "pipeline_tag": "text-generation",
        "library_name": None,
    }


def write_parquet(path: Path, count: int = 3, group: int | None = None) -> list[dict[str, Any]]:
    rows = [hub_stats_row(f"me/M{n}") for n in range(count)]
    pq.write_table(pa.Table.from_pylist(rows, schema=HUB_STATS), path, row_group_size=group)
    return rows


def test_a_parquet_file_in_the_shape_of_hub_stats(tmp_path: Path) -> None:
    written = write_parquet(tmp_path / "models.dump")
    dump = Dump(tmp_path / "models.dump")
    rows = list(dump.rows())
    ours = [{k: v for k, v in row.items() if k not in ("downloadsAllTime", "trendingScore")} for row in written]
    assert rows == [row | {"createdAt": "2025-04-27T03:41:05Z"} for row in ours]
    assert (dump.position, dump.size) == (3, 3)


def test_a_parquet_file_of_something_else(tmp_path: Path) -> None:
    for columns in ({"x": [1]}, {"id": ["me/M"], "likes": [1]}, {"tags": [["license:mit"]]}):
        pq.write_table(pa.table(columns), tmp_path / "other.parquet")
        rows, said = read_until_error(tmp_path / "other.parquet", (tmp_path / "other.parquet").read_bytes())
        assert rows == []
        assert "is no table of models" in said


def test_a_truncated_parquet_file(tmp_path: Path) -> None:
    write_parquet(tmp_path / "whole.parquet")
    data = (tmp_path / "whole.parquet").read_bytes()
    for cut in (data[: len(data) // 2], b"PAR1", data[:-1]):
        rows, said = read_until_error(tmp_path / "cut.parquet", cut)
        assert rows == []
        assert "is not a whole Parquet file" in said


def test_a_parquet_file_with_a_damaged_page_gives_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "models.parquet"
    write_parquet(path, 6_000, group=2_000)
    last = pq.ParquetFile(path).metadata.row_group(2)
    at = last.column(1).dictionary_page_offset or last.column(1).data_page_offset
    data = bytearray(path.read_bytes())
    data[at : at + 40] = b"\xff" * 40
    rows, said = read_until_error(path, bytes(data))
    assert len(rows) == 4_000
    assert "is damaged after 4,000 rows" in said


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (pa.array([1_745_725_265_000_000_001], pa.timestamp("ns")), "2025-04-27T03:41:05Z"),
        (pa.array([1_745_725_265_999], pa.timestamp("ms", "Europe/Berlin")), "2025-04-27T03:41:05Z"),
        (pa.array([None], pa.timestamp("us")), None),
    ],
)
def test_times_of_every_unit_and_zone(tmp_path: Path, times: pa.Array, said: str | None) -> None:
    path = tmp_path / "models.parquet"
    pq.write_table(pa.table({"id": ["me/M"], "tags": [["a"]], "createdAt": times}), path)
    rows = list(Dump(path).rows())
    assert rows == [{"id": "me/M", "tags": ["a"], "createdAt": said}]


def test_a_time_beyond_the_year_9999_is_a_defect_of_its_row(tmp_path: Path) -> None:
    path = tmp_path / "models.parquet"
    pq.write_table(
        pa.table({"id": ["me/M"], "tags": [["a"]], "createdAt": pa.array([2**62], pa.timestamp("us"))}), path
    )
    record, _ = parse(next(Dump(path).rows()))
    assert record is not None
    assert [(d.kind, d.field) for d in record.defects] == [("bad-date", "createdAt")]


def test_a_text_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "models.parquet"
    broken = pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())
    pq.write_table(pa.table({"id": ["me/M"], "tags": [["a"]], "author": broken}), path)
    _, said = read_until_error(path, path.read_bytes())
    assert "is damaged after 0 rows" in said


_FIELDS = st.fixed_dictionaries(
    {
        "id": st.text(max_size=3),
        "tags": st.none() | st.lists(st.none() | st.text(max_size=2), max_size=3),
        "author": st.none() | st.text(max_size=2),
        "cardData": st.none() | st.text(max_size=2),
        "downloads": st.none() | st.integers(0, 9),
        "baseModels": st.none()
        | st.fixed_dictionaries(
            {
                "relation": st.none() | st.text(max_size=2),
                "models": st.none()
                | st.lists(st.none() | st.fixed_dictionaries({"id": st.none() | st.text(max_size=2)})),
            }
        ),
    }
)


@given(st.lists(_FIELDS, min_size=1, max_size=6))
def test_two_rows_have_one_fingerprint_only_if_they_say_the_same(rows: list[dict[str, Any]]) -> None:
    schema = pa.schema([HUB_STATS.field(name) for name in HUB_STATS.names if name in rows[0]])
    batch = pa.RecordBatch.from_pylist(rows, schema=schema)
    sums = TablePage(batch).fingerprints()
    if sums is None:
        assert re.search("[\x1d-\x1f]", repr_of(batch))
        return
    said = [repr(row) for row in batch.to_pylist()]
    assert len(sums) == len(rows)
    assert len(set(zip(said, sums, strict=True))) == len(set(said)) == len(set(sums))
    part = batch.slice(1)  # the same of a table that begins elsewhere
    assert TablePage(part).fingerprints() == sums[1:]
    assert list(TablePage(batch).rows(range(len(rows))[::2])) == batch.to_pylist()[::2]


def repr_of(batch: pa.RecordBatch) -> str:
    """All texts of a batch, as they are."""
    return json.dumps(batch.to_pylist(), ensure_ascii=False).encode().decode("unicode_escape", "replace")
