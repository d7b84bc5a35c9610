"""Parquet files in the shape of hub-stats, whole and damaged."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler.dumps import Dump, DumpError


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
    assert rows == ours
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
    ("column", "values"),
    [
        ("createdAt", pa.array([2**62], pa.timestamp("us"))),  # beyond the year 9999
        ("createdAt", pa.array([1_745_725_265_000_000_001], pa.timestamp("ns"))),
        ("author", pa.Array.from_buffers(pa.string(), 1, pa.array([b"\xff"]).buffers())),
    ],
)
def test_a_parquet_value_that_python_cannot_hold(tmp_path: Path, column: str, values: pa.Array) -> None:
    path = tmp_path / "models.parquet"
    pq.write_table(pa.table({"id": ["me/M"], "tags": [["a"]], column: values}), path)
    _, said = read_until_error(path, path.read_bytes())
    assert "is damaged after 0 rows" in said
