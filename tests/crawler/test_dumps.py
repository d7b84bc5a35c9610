"""Files of raw rows: what a file is, is read from its bytes; what is damaged costs as little as possible."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crawler import dumps, parquet, reading
from crawler.dumps import Dump
from crawler.raw import DumpError, Unreadable
from registry.fingerprints import Fingerprints, Known

ROWS: list[dict[str, Any]] = [{"id": f"me/M{n}", "likes": n, "cardData": {"license": "mit"}} for n in range(5)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS)


def plain(data: bytes) -> bytes:
    return data


def crlf(data: bytes) -> bytes:
    return data.replace(b"\n", b"\r\n")


def with_bom(data: bytes) -> bytes:
    return b"\xef\xbb\xbf" + data


def with_blank_lines(data: bytes) -> bytes:
    return b"\n \n" + data.replace(b"\n", b"\n\n") + b"\n  \n"


def members(data: bytes) -> bytes:
    """Gzip in two members, as `cat a.gz b.gz` makes it."""
    return gzip.compress(data[:50]) + gzip.compress(data[50:])


def read(path: Path, data: bytes) -> list[object]:
    path.write_bytes(data)
    return list(Dump(path).rows())


def read_until_error(path: Path, data: bytes) -> tuple[list[object], str]:
    """The rows that came before the error, and its one line."""
    path.write_bytes(data)
    rows: list[object] = []
    with pytest.raises(DumpError) as caught:
        rows.extend(Dump(path).rows())
    return rows, one_line(caught.value)


def one_line(error: DumpError) -> str:
    text = str(error)
    assert "\n" not in text
    assert ": " in text  # ends with the way out
    return text


@pytest.mark.parametrize("packed", [plain, gzip.compress, members])
@pytest.mark.parametrize("dressed", [plain, crlf, with_bom, with_blank_lines])
@pytest.mark.parametrize("text", [LINES, LINES.rstrip("\n"), json.dumps(ROWS), json.dumps(ROWS, indent=2)])
def test_every_way_to_write_the_same_rows(
    tmp_path: Path, text: str, dressed: Callable[[bytes], bytes], packed: Callable[[bytes], bytes]
) -> None:
    assert read(tmp_path / "dump", packed(dressed(text.encode()))) == ROWS


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("dressed", [plain, with_bom, gzip.compress])
def test_one_object(tmp_path: Path, indent: int | None, dressed: Callable[[bytes], bytes]) -> None:
    data = dressed(json.dumps(ROWS[0], indent=indent).encode())
    assert read(tmp_path / "model.json", data) == ROWS[:1]


def test_the_name_of_a_file_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "rows.parquet", LINES.encode()) == ROWS
    assert read(tmp_path / "rows.gz", LINES.encode()) == ROWS
    assert read(tmp_path / "rows.txt", gzip.compress(LINES.encode())) == ROWS


def test_a_cut_off_last_line_is_a_defect(tmp_path: Path) -> None:
    *rows, last = read(tmp_path / "rows.jsonl", LINES.encode()[:-20])
    assert rows == ROWS[:-1]
    assert isinstance(last, Unreadable)
    assert (last.defect.kind, last.defect.field) == ("bad-json", "line 5")
    assert last.defect.value == LINES.splitlines()[-1][:-19].strip()


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_line_of_garbage_costs_that_line(tmp_path: Path, at: int) -> None:
    lines = LINES.encode().splitlines()
    lines[at] = b"\xff\xfe garbage \x00 {"
    rows = read(tmp_path / "rows.jsonl", b"\n".join(lines))
    bad = rows.pop(at)
    assert rows == ROWS[:at] + ROWS[at + 1 :]
    assert isinstance(bad, Unreadable)
    assert bad.defect.field == f"line {at + 1}"
    assert bad.defect.value == "\ufffd\ufffd garbage \ufffd {"


def test_a_deep_line_and_a_huge_number_are_defects(tmp_path: Path) -> None:
    deep, huge = b"[" * 100_000, b'{"likes": ' + b"9" * 5_000 + b"}"
    rows = read(tmp_path / "rows.jsonl", b'{"id": "me/M"}\n' + deep + b"\n" + huge + b"\n")
    assert rows[0] == {"id": "me/M"}
    bad = [row.defect for row in rows[1:] if isinstance(row, Unreadable)]
    assert [defect.field for defect in bad] == ["line 2", "line 3"]
    assert max(len(defect.value) for defect in bad) <= 2048


def test_a_file_of_another_kind_is_refused_and_makes_no_defects(tmp_path: Path) -> None:
    photo = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 50
    for data in (photo, b"name,likes\n" * 5_000, b"# A readme\n", gzip.compress(photo)):
        rows, said = read_until_error(tmp_path / "photo.jpg", data)
        assert rows == []
        assert "photo.jpg holds no JSON" in said


@pytest.mark.parametrize("indent", [None, 2])
def test_a_cut_off_array_gives_what_came_before_and_says_the_rest(tmp_path: Path, indent: int | None) -> None:
    found = read(tmp_path / "rows.json", json.dumps(ROWS, indent=indent).encode()[:-30])
    rest = [row.defect.value for row in found if isinstance(row, Unreadable)]
    assert found[: -len(rest)] == ROWS[:-1]
    assert any('"me/M4"' in value for value in rest)


def test_what_stands_behind_an_array_does_not_vanish(tmp_path: Path) -> None:
    assert read(tmp_path / "pages.json", b'[{"id": "a/A"}]\n[{"id": "b/B"}]\n') == [{"id": "a/A"}, {"id": "b/B"}]
    first, *rest = read(tmp_path / "tail.json", b'[{"id": "a/A"}] garbage')
    assert first == {"id": "a/A"}
    assert {type(row) for row in rest} == {Unreadable}


def test_files_of_no_rows(tmp_path: Path) -> None:
    for data in (b"[]", gzip.compress(b""), b"\n\n  \n"):
        assert read(tmp_path / "rows", data) == []


def test_a_broken_bracket_on_the_first_line_costs_that_line(tmp_path: Path) -> None:
    rows = read(tmp_path / "rows.jsonl", b"[broken\n" + LINES.encode())
    assert [row for row in rows if not isinstance(row, Unreadable)] == ROWS


def test_an_object_may_be_broken_over_lines_anywhere(tmp_path: Path) -> None:
    assert read(tmp_path / "model.json", b'{"id": "a/A",\n "likes": 1}\n') == [{"id": "a/A", "likes": 1}]


def test_line_numbers_count_blank_lines(tmp_path: Path) -> None:
    [_, bad] = read(tmp_path / "rows.jsonl", b'\n\n{"id": "a/A"}\n\nbad\n')
    assert isinstance(bad, Unreadable)
    assert bad.defect.field == "line 5"


def test_rows_of_other_types_are_handed_on(tmp_path: Path) -> None:
    assert read(tmp_path / "rows.json", b'[1, null, "x", [], {}]') == [1, None, "x", [], {}]
    assert read(tmp_path / "rows.jsonl", b'1\nnull\n"x"\n') == [1, None, "x"]


def test_a_truncated_gzip_gives_what_came_before(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": f"me/M{n}", "sha": f"{n * 7919:040x}"}) + "\n" for n in range(5_000))
    packed = gzip.compress(lines.encode())
    rows, said = read_until_error(tmp_path / "rows.jsonl.gz", packed[: len(packed) // 2])
    assert 1_000 < len(rows) < 4_000
    assert rows == [json.loads(line) for line in lines.splitlines()[: len(rows)]]
    assert f"damaged after {len(rows):,} rows" in said
    assert "fetch it again" in said


@pytest.mark.parametrize(
    "damage",
    [
        lambda packed: packed[:-8] + bytes(8),  # checksum and length
        lambda packed: packed[:10] + b"\xff" * 20 + packed[30:],  # deflate
        lambda packed: packed[:5],  # header
        lambda packed: b"\x1f\x8b\x07" + packed[3:],  # method
        lambda packed: packed + b"trailing garbage",
    ],
)
def test_a_bad_gzip(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    rows, said = read_until_error(tmp_path / "rows.jsonl.gz", damage(gzip.compress(LINES.encode())))
    assert rows == ROWS[: len(rows)]
    assert "rows.jsonl.gz is damaged" in said


@pytest.mark.parametrize(
    "piece",
    [b"x", b"\0", b"\n", b"5\n", b'{"id": "me/M"}\n', b" "],
    ids=["one line", "zeros", "blank lines", "numbers", "rows", "spaces"],
)
@pytest.mark.parametrize("head", [b"", b"[", LINES.encode()], ids=["alone", "in a list", "after rows"])
def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, head: bytes, piece: bytes) -> None:
    monkeypatch.setattr(dumps, "_SUSPICIOUS", 1_000_000)
    bomb = gzip.compress(head + piece * (20_000_000 // len(piece)), 9)
    rows, said = read_until_error(tmp_path / "rows.jsonl.gz", bomb)
    assert "rows.jsonl.gz unpacks to over 200 times its size" in said
    assert len(rows) * len(piece) < 4_000_000
    assert [row for row in rows if row in ROWS] == (ROWS if head == LINES.encode() else [])


def test_what_shrinks_a_hundred_times_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "_SUSPICIOUS", 1_000)
    lines = "".join(json.dumps({"id": f"me/M{n}", "x": "y" * 500}) + "\n" for n in range(2_000))
    packed = gzip.compress(lines.encode())
    assert 80 < len(lines) / len(packed) < 190
    assert len(read(tmp_path / "rows.jsonl.gz", packed)) == 2_000


def test_no_more_than_a_document_is_held_to_see_what_a_file_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "_DOCUMENT_LIMIT", 10_000)
    rows, said = read_until_error(tmp_path / "rows.jsonl", (b"x" * 3_000 + b"\n") * 4 + LINES.encode())
    assert rows == []
    assert "holds no JSON" in said
    assert len(read(tmp_path / "rows.jsonl", (b"x" * 3_000 + b"\n") * 3 + LINES.encode())) == 8


def test_large_rows_are_saved_a_few_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"id": f"me/M{n}", "x": "y" * 1_000} for n in range(10)]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    pq.write_table(pa.Table.from_pylist([row | {"tags": ["a" * 1_000]} for row in rows]), tmp_path / "rows.parquet")
    monkeypatch.setattr(dumps, "PAGE_BYTES", 2_500)
    monkeypatch.setattr(parquet, "PAGE_ROWS", 3)
    monkeypatch.setattr(reading, "_BATCH_BYTES", 5_000)
    for name in ("rows.jsonl", "rows.parquet"):
        batches = list(reading.read_batches(Dump(tmp_path / name), Known(Fingerprints.joined([]))))
        assert [record.repo_id for batch in batches for record in batch.records] == [row["id"] for row in rows]
        assert [batch.size for batch in batches] == [6, 4]


def test_a_batch_is_twice_the_one_before_up_to_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dumps, "PAGE_ROWS", 1)
    monkeypatch.setattr(reading, "FIRST", 2)
    monkeypatch.setattr(reading, "BATCH", 5)
    (tmp_path / "rows.jsonl").write_text("".join(f'{{"id": "me/M{n}"}}\n' for n in range(18)))
    batches = reading.read_batches(Dump(tmp_path / "rows.jsonl"), Known(Fingerprints.joined([])))
    assert [batch.size for batch in batches] == [2, 4, 5, 5, 2]


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    for path, words in [("missing", "No such file"), (".", "Is a directory"), ("empty", "is empty")]:
        with pytest.raises(DumpError, match=words) as caught:
            Dump(tmp_path / path)
        one_line(caught.value)


def test_position_grows_to_size(tmp_path: Path) -> None:
    for name, data in [("a", LINES.encode()), ("b", gzip.compress(LINES.encode())), ("c", json.dumps(ROWS).encode())]:
        (tmp_path / name).write_bytes(data)
        dump = Dump(tmp_path / name)
        seen = [dump.position for _ in dump.rows()]
        assert seen == sorted(seen)
        assert dump.position == dump.size == len(data)
