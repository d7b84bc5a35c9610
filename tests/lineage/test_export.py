"""Exports: read by DuckDB as they are, and back into a registry of the same digest."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, insert

from lineage.audit import audit
from lineage.dictionary import VERDICTS
from lineage.export import export, verdict_rows
from lineage.inheritance import inheritance
from lineage.selection import Selection
from registry import exchange, parquet
from registry.columns import all_edges
from registry.database import open_registry, reading
from registry.read import briefs, data_date, totals
from registry.tables import MODELS
from tests.crawler.crawls import whole_digest
from tests.families import api_row, content, family, save
from tests.lineage.calls import database as name_of
from tests.lineage.calls import lineage, refusal

TABLES = (
    "models", "sights", "past", "names", "derivations", "defects", "versions", "tags", "events", "verdicts",
)  # fmt: skip
HOSTILE = [
    "\u202egnp.exe", "a\u2028b\tc\r\nd", "\U0001f999 🇨🇭 e\u0301", "'; DROP TABLE models; --", '["a"', "", " ",
    "x" * 2048, "\\N", "\x1b[2J", "ＡＢＣ", "ß", "İ",
]  # fmt: skip


def quietly(_done: int, _total: int) -> None:
    """No progress."""


def ask(query: str) -> list[tuple[Any, ...]]:
    """What DuckDB answers."""
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def columns(folder: Path, table: str) -> list[tuple[str, str]]:
    """What DuckDB sees of a table."""
    described = ask(f"DESCRIBE SELECT * FROM '{folder / table}/*.parquet'")
    return [(row[0], row[1]) for row in described]


@pytest.fixture(scope="session")
def exported(snapshot_registry: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The snapshot, exported."""
    folder = tmp_path_factory.mktemp("export") / "snapshot"
    export(snapshot_registry, folder, quietly)
    return folder


def test_an_export_read_back_is_the_registry(exported: Path, snapshot_registry: Engine, place: str) -> None:
    done = lineage("import", exported, "--db", place)
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == "17,690 models read from an export\n"
    engine = open_registry(place)
    digest = whole_digest(engine)
    assert digest == whole_digest(snapshot_registry)
    assert content(engine) == content(snapshot_registry)
    with reading(engine) as here, reading(snapshot_registry) as there:
        assert totals(here) == totals(there)
    manifest = json.loads((exported / "manifest.json").read_text())
    assert (manifest["digest"], manifest["data_date"]) == (digest, "2026-08-22T00:00:00Z")
    engine.dispose()


def test_duckdb_counts_what_the_registry_does(exported: Path, snapshot_registry: Engine) -> None:
    counted = ask(
        f"SELECT license, count(DISTINCT child) FROM '{exported}/models/*.parquet'"
        f" JOIN '{exported}/derivations/*.parquet' ON parent = model, unnest(licenses) AS t(license) GROUP BY license"
    )
    with reading(snapshot_registry) as connection:
        steps = all_edges(connection).tolist()
        facts = briefs(connection, {parent for _, parent in steps})
    pairs = {(license, child) for child, parent in steps for license in facts[parent].licenses or ()}
    assert dict(counted) == Counter(license for license, _ in pairs)
    assert len(counted) > 20


def test_duckdb_finds_a_family_by_its_recursive_query(exported: Path, snapshot_registry: Engine) -> None:
    below = ask(
        "WITH RECURSIVE below(model) AS (SELECT 'Qwen/Qwen3-1.7B' UNION"
        f" SELECT child FROM '{exported}/derivations/*.parquet' JOIN below ON parent = model)"
        " SELECT count(*) - 1 FROM below"
    )
    counted = json.loads(lineage("count", "Qwen/Qwen3-1.7B", "-f", "json", "--db", name_of(snapshot_registry)).stdout)
    assert below == [(next(c["value"] for c in counted["counts"] if c["name"] == "transitive"),)]


def test_verdicts_are_those_of_the_audit(exported: Path, snapshot_registry: Engine) -> None:
    found = audit(snapshot_registry, Selection(), claim="any")
    counted = ask(f"SELECT class, verdict, count(*) FROM '{exported}/verdicts/*.parquet' GROUP BY ALL")
    assert sorted(counted) == sorted((c, v, n) for c, by in found.summary.verdicts.items() for v, n in by.items())
    rows = ask(f"SELECT model, class, verdict, label, effective, rules FROM '{exported}/verdicts/*.parquet'")
    told = {model: rest for model, *rest in rows}
    for one in found.models:
        rules = sorted({finding.rule for finding in one.findings})
        assert told[one.model] == [one.grade, one.verdict, one.declared, one.effective, rules]


def test_a_verdict_says_what_it_rests_on(registry: Engine) -> None:
    family(registry, "g/Gemma gemma\n me/A mit\n  you/B mit\na/A mit\n me/C mit\n")
    with reading(registry) as connection:
        rows = {
            row[0]: dict(zip([field.name for field in VERDICTS], row, strict=True)) for row in verdict_rows(connection)
        }
    assert rows["you/B"]["because_of"] == inheritance(registry, "you/B").causes == ("g/Gemma",)
    assert (rows["you/B"]["class"], rows["you/B"]["inherited"]) == ("violation", ("gemma", "mit"))
    assert (rows["me/C"]["class"], rows["me/C"]["because_of"], rows["me/C"]["rules"]) == ("pass", (), ())


def test_the_types_are_what_they_should_be(exported: Path) -> None:
    types = dict(columns(exported, "models"))
    assert {types[name] for name in ("created_at", "last_modified")} == {"TIMESTAMP WITH TIME ZONE"}
    assert {types[name] for name in ("licenses", "datasets", "tools")} == {"VARCHAR[]"}
    assert (types["private"], types["downloads"], types["model"]) == ("BOOLEAN", "BIGINT", "VARCHAR")
    for table in TABLES:
        for path in (exported / table).glob("*.parquet"):
            held = pq.ParquetFile(path)
            assert {held.metadata.row_group(0).column(0).compression} == {"ZSTD"}
            assert not any(field.name.endswith("key") for field in held.schema_arrow)


def test_the_readme_and_the_manifest_say_what_is_there(exported: Path) -> None:
    readme, manifest = (exported / "README.md").read_text(), json.loads((exported / "manifest.json").read_text())
    assert set(manifest["tables"]) == set(TABLES)
    for table in TABLES:
        (rows,) = ask(f"SELECT count(*) FROM '{exported / table}/*.parquet'")[0]
        assert rows == manifest["tables"][table]["rows"]
        section = readme.partition(f"## {table}\n")[2].partition("\n## ")[0]
        assert [line.split(" | ")[0][2:] for line in section.splitlines() if line.startswith("| ")][2:] == [
            name for name, _ in columns(exported, table)
        ]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_comes_through(registry: Engine, place: str, tmp_path: Path, text: str) -> None:
    said = dict.fromkeys(("license_name", "license_link", "new_version"), text)
    save(
        registry,
        [
            api_row("me/Base", tags=[f"dataset:{text}"], cardData={"license": [text, "mit"], **said}, author=text),
            api_row("me/Tuned", tags=[], cardData={"base_model": ["me/Base", text], "license": []}),
            {"id": text},
        ],
    )
    with registry.begin() as connection:
        rows = [
            dict.fromkeys(("licenses", "datasets", "tools"), held)
            for held in (None, "[]", json.dumps([text, ""], ensure_ascii=False))
        ]
        for n, row in enumerate(rows):
            connection.execute(
                insert(MODELS).values(repo_id=f"{n}{text}", folded=f"{n}{text}".casefold(), state="gone", **row)
            )
    before = content(registry)
    export(registry, tmp_path / "out", quietly)
    exchange.restore(tmp_path / "out", place, quietly)
    engine = open_registry(place)
    assert content(engine) == before
    engine.dispose()


def test_a_registry_without_content(registry: Engine, place: str, tmp_path: Path) -> None:
    counts = export(registry, tmp_path / "out", quietly)
    assert counts == dict.fromkeys(TABLES, 0)
    assert [len(columns(tmp_path / "out", table)) > 2 for table in TABLES] == [True] * len(TABLES)
    assert lineage("import", tmp_path / "out", "--db", place).stdout == "0 models read from an export\n"
    engine = open_registry(place)
    with reading(engine) as connection:
        assert data_date(connection) is None
    assert not any(content(engine).values())
    engine.dispose()


def test_large_tables_have_several_files(
    registry: Engine, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "BATCH", 7)
    monkeypatch.setattr(parquet, "_BATCHES", 2)
    save(registry, [api_row(f"me/M{n}", ["me/Base"]) for n in range(50)])
    export(registry, tmp_path / "out", quietly)
    files = sorted(path.name for path in (tmp_path / "out" / "models").iterdir())
    assert files == [f"part-{n:05}.parquet" for n in range(4)]
    exchange.restore(tmp_path / "out", place, quietly)
    engine = open_registry(place)
    assert content(engine) == content(registry)
    engine.dispose()


def test_what_is_there_already_is_left_alone(registry: Engine, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("to do")
    for folder in (tmp_path, tmp_path / "notes"):
        assert refusal("export", folder, "--db", name_of(registry)).endswith("name a new folder, or remove it")
    (tmp_path / "empty").mkdir()
    assert lineage("export", tmp_path / "empty", "--db", name_of(registry)).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "notes"]


def test_what_breaks_off_leaves_nothing(registry: Engine, tmp_path: Path) -> None:
    family(registry, "a/A mit\n me/B\n")

    def interrupt(done: int, _total: int) -> None:
        if done > 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(registry, tmp_path / "out", interrupt)
    assert list(tmp_path.iterdir()) == []


def test_an_export_goes_into_an_empty_registry_only(registry: Engine, tmp_path: Path) -> None:
    family(registry, "a/A mit\n me/B\n")
    export(registry, tmp_path / "out", quietly)
    before = content(registry)
    said = refusal("import", tmp_path / "out", "--db", name_of(registry))
    assert said.endswith("holds data already: name a new file or an empty database")
    assert content(registry) == before


def damaged(folder: Path, what: str) -> None:
    """Do something to an export that keeps it from being one."""
    models = folder / "models" / "part-00000.parquet"
    table = pq.read_table(models)
    if what == "cut":
        models.write_bytes(models.read_bytes()[:-9])
    elif what == "a file is missing":
        models.unlink()
    elif what == "rows are missing":
        pq.write_table(table.slice(1), models)
    elif what == "a column is missing":
        pq.write_table(table.drop_columns(["state"]), models)
    elif what == "a column is of another type":
        states = pa.array([["x"]] * len(table), pa.list_(pa.string()))
        pq.write_table(table.set_column(table.column_names.index("state"), "state", states), models)
    elif what == "another format":
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps(manifest | {"format": "finetune-lineage/export/99"}))
    elif what == "no manifest":
        (folder / "manifest.json").unlink()
    else:
        (folder / "manifest.json").write_text("[]")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("cut", "part-00000.parquet is not what an export holds"),
        ("a file is missing", "is not whole: it holds 0 of models"),
        ("rows are missing", "export again"),
        ("a column is missing", "part-00000.parquet is not what an export holds"),
        ("a column is of another type", "part-00000.parquet is not what an export holds"),
        ("another format", "an export of another version of finetune-lineage (finetune-lineage/export/99)"),
        ("no manifest", "is a directory without a manifest.json"),
        ("a manifest of something else", "manifest.json is no manifest of an export"),
    ],
)
def test_what_is_no_whole_export_is_refused(registry: Engine, tmp_path: Path, what: str, said: str) -> None:
    family(registry, "a/A mit\n me/B\n")
    export(registry, tmp_path / "out", quietly)
    damaged(tmp_path / "out", what)
    assert said in refusal("import", tmp_path / "out", "--db", tmp_path / "new.db")
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
