"""Files into the registry: what was good is in, the rest is a defect, and a second import changes nothing."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from crawler.dumps import Dump
from crawler.load import import_files
from crawler.raw import PAGE_ROWS, DumpError
from crawler.reading import FIRST
from registry.database import reading
from registry.tables import RUNS
from registry.transfer import check
from registry.write import Saved
from tests.families import Row, api_row, content, defects, edges, models, save

SEEN = "2026-02-01T00:00:00Z"
WORLD = [
    api_row("Qwen/Base", license="apache-2.0"),
    api_row("me/Tuned", ["Qwen/Base"]),
    api_row("me/Cased", ["qwen/base"], tags=[]),
    api_row("me/Open", ["nobody/knows"], tags=[]),
    api_row("me/Merged", ["me/Tuned", "me/Cased"], "merge"),
]


def load(engine: Engine, *paths: Path, seen: str | None = SEEN) -> Saved:
    return import_files(engine, paths, seen=seen, progress=lambda dump, models: None)


def jsonl(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def refused(engine: Engine, *paths: Path) -> str:
    with pytest.raises(DumpError) as caught:
        load(engine, *paths)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_import_saves_models_edges_and_defects(registry: Engine, tmp_path: Path) -> None:
    saved = load(registry, jsonl(tmp_path / "world.jsonl", WORLD))
    assert saved == Saved(models=5, new=5, changed=0)
    assert edges(registry) == {
        ("me/Tuned", "Qwen/Base"): "both",
        ("me/Cased", "Qwen/Base"): "recovered-by-case",
        ("me/Open", "nobody/knows"): "card",
        ("me/Merged", "me/Tuned"): "both",
        ("me/Merged", "me/Cased"): "both",
    }
    assert defects(registry) == {("me/Open", "unresolved-parent", "nobody/knows")}
    base = models(registry)["Qwen/Base"]
    assert (base["source"], base["first_seen"], base["last_seen"]) == ("world.jsonl", SEEN, SEEN)


def test_importing_again_changes_nothing(registry: Engine, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "world.jsonl", [*WORLD, "junk", {"id": "no id"}])
    load(registry, path)
    before = content(registry)
    assert load(registry, path) == Saved(models=5, new=0, changed=0)
    assert content(registry) == before


def test_a_file_and_its_packed_and_joined_forms_are_the_same(registry: Engine, tmp_path: Path) -> None:
    load(registry, jsonl(tmp_path / "world", WORLD))
    before = content(registry)
    (tmp_path / "packed").mkdir()
    for data in (gzip.compress((tmp_path / "world").read_bytes()), json.dumps(WORLD, indent=1).encode()):
        (tmp_path / "packed" / "world").write_bytes(data)
        assert load(registry, tmp_path / "packed" / "world").new == 0
        assert content(registry) == before


def test_rows_that_are_no_models_are_defects(registry: Engine, tmp_path: Path) -> None:
    path = tmp_path / "mixed.jsonl"
    path.write_text('{"id": "me/M"}\n{"id": "me/N", \n[1]\n\n{"id": "a b"}\n{"name": "x"}\n', "utf-8")
    assert load(registry, path).models == 1
    assert list(models(registry)) == ["me/M"]
    assert defects(registry) == {
        (None, "bad-json", '{"id": "me/N",'),
        (None, "not-an-object", "[1]"),
        (None, "bad-id", "a b"),
        (None, "bad-id", "null"),
    }


@pytest.mark.parametrize("count", [1, PAGE_ROWS - 1, PAGE_ROWS, PAGE_ROWS + 1, FIRST * 3 + 1])
def test_page_boundaries(registry: Engine, tmp_path: Path, count: int) -> None:
    progress: list[int] = []
    rows = [{"id": f"me/M{n}", "tags": ["base_model:Qwen/Base", "base_model:finetune:Qwen/Base"]} for n in range(count)]
    path = jsonl(tmp_path / "rows.jsonl", rows)
    saved = import_files(registry, [path], seen=SEEN, progress=lambda dump, models: progress.append(models))
    assert saved == Saved(models=count, new=count, changed=0)
    assert progress == sorted({min(done, count) for done in (FIRST, 3 * FIRST, count)})
    assert len(edges(registry)) == count


def test_a_parent_that_comes_pages_after_its_child(registry: Engine, tmp_path: Path) -> None:
    rows: list[Row] = [{"id": "me/Child", "cardData": {"base_model": "qwen/base"}}]
    rows += [{"id": f"me/M{n}"} for n in range(PAGE_ROWS)] + [{"id": "Qwen/Base"}]
    load(registry, jsonl(tmp_path / "rows.jsonl", rows))
    assert edges(registry) == {("me/Child", "Qwen/Base"): "recovered-by-case"}


def test_an_error_on_a_page_boundary_keeps_the_page(registry: Engine, tmp_path: Path) -> None:
    lines = "".join(json.dumps({"id": f"me/M{n}", "sha": f"{n * 7919:040x}"}) + "\n" for n in range(2_000))
    packed = gzip.compress(lines.encode())
    (tmp_path / "rows.gz").write_bytes(packed[:-8] + bytes(8))
    said = refused(registry, tmp_path / "rows.gz")
    assert "damaged after 2,000 rows" in said
    assert len(models(registry)) == 2_000


def test_a_file_that_breaks_off_leaves_what_came_before_and_a_defect(registry: Engine, tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in WORLD) + "".join(
        json.dumps({"id": f"me/M{n}", "sha": f"{n * 7919:040x}"}) + "\n" for n in range(3_000)
    )
    packed = gzip.compress(lines.encode())
    (tmp_path / "broken.gz").write_bytes(packed[: len(packed) // 2])
    said = refused(registry, tmp_path / "broken.gz")
    assert len(models(registry)) > 500
    assert edges(registry)["me/Cased", "Qwen/Base"] == "recovered-by-case"  # names are led all the same
    assert (None, "broken-file", "") in defects(registry)
    with registry.connect() as connection:
        run = connection.execute(select(RUNS)).one()
    assert run.finished_at is not None  # it ended, and the defect says how
    assert f"{run.models:,} rows" in said
    before = content(registry)
    refused(registry, tmp_path / "broken.gz")
    assert content(registry) == before


def test_the_files_after_a_broken_one_are_still_read(registry: Engine, tmp_path: Path) -> None:
    (tmp_path / "broken.gz").write_bytes(gzip.compress(b'{"id": "a/A"}\n')[:-8])
    said = refused(registry, tmp_path / "broken.gz", jsonl(tmp_path / "good.jsonl", WORLD))
    assert "broken.gz" in said
    assert {"a/A", "me/Merged"} <= models(registry).keys()


def test_a_file_that_cannot_be_opened_is_refused_before_anything_is_saved(registry: Engine, tmp_path: Path) -> None:
    assert "missing.jsonl" in refused(registry, tmp_path / "missing.jsonl", jsonl(tmp_path / "good.jsonl", WORLD))
    assert content(registry)["models"] == []


def test_runs_are_kept(registry: Engine, tmp_path: Path) -> None:
    path = jsonl(tmp_path / "world.jsonl", WORLD)
    load(registry, path)
    load(registry, path, seen="2026-03-01T00:00:00Z")
    with registry.connect() as connection:
        runs = connection.execute(select(RUNS).order_by(RUNS.c.key)).all()
    assert [(r.command, r.source, r.seen, r.models, r.new, r.changed) for r in runs] == [
        ("import", "world.jsonl", SEEN, 5, 5, 0),
        ("import", "world.jsonl", "2026-03-01T00:00:00Z", 5, 0, 0),
    ]
    assert all(run.started_at <= run.finished_at for run in runs)


def test_without_a_date_the_import_is_todays(registry: Engine, tmp_path: Path) -> None:
    load(registry, jsonl(tmp_path / "world.jsonl", WORLD), seen=None)
    seen = models(registry)["Qwen/Base"]["last_seen"]
    assert len(seen) == 20
    assert seen > "2025"


def test_a_row_with_its_own_observation_is_dated_by_it(registry: Engine, tmp_path: Path) -> None:
    rows = [
        api_row("a/A", observation={"source": "radar", "seen": "2025-12-01"}),
        api_row("b/B", observation={"source": "old", "seen": None}),
    ]
    load(registry, jsonl(tmp_path / "rows.jsonl", rows))
    seen = {id: (row["source"], row["last_seen"]) for id, row in models(registry).items()}
    assert seen == {"a/A": ("radar", "2025-12-01T00:00:00Z"), "b/B": ("old", None)}


def test_progress_can_be_told_from_the_dump(registry: Engine, tmp_path: Path) -> None:
    shares: list[float] = []
    path = jsonl(tmp_path / "rows.jsonl", [{"id": f"me/M{n}"} for n in range(2 * PAGE_ROWS + 1)])

    def progress(dump: Dump, models: int) -> None:
        shares.append(dump.position / dump.size)

    import_files(registry, [path], seen=SEEN, progress=progress)
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_saving_rows_by_hand_is_the_same_as_a_file(registry: Engine, tmp_path: Path) -> None:
    save(registry, WORLD, seen=SEEN, source="world.jsonl")
    by_hand = content(registry)
    assert load(registry, jsonl(tmp_path / "world.jsonl", WORLD)) == Saved(models=5, new=0, changed=0)
    assert content(registry) == by_hand


def test_an_import_has_not_ended_before_its_names_are_led_to_models(
    registry: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(api_row("a/A", ["b/Unseen"])), encoding="utf-8")

    def killed(_connection: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crawler.load.resolve_names", killed)
    with pytest.raises(KeyboardInterrupt):
        import_files(registry, [tmp_path / "a.jsonl"], progress=lambda dump, models: None)
    with reading(registry) as connection:
        (said,) = check(connection)
    assert said.startswith("1 imports or crawls that did not end")
