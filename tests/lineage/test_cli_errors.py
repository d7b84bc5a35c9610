"""Whatever goes wrong ends in one line that says the way out, and in the right exit status."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.families import api_row, family, save
from tests.lineage.calls import answer, database, lineage, python, refusal

QUERIES = (
    ["ancestors", "a/A"],
    ["descendants", "a/A"],
    ["why", "a/A", "a/B"],
    ["common", "a/A"],
    ["show", "a/A"],
    ["search", "a"],
    ["stats"],
    ["count", "a/A"],
    ["defects"],
    ["db", "info"],
    ["db", "digest"],
    ["db", "check"],
    ["db", "upgrade"],
)


@pytest.mark.parametrize("query", QUERIES, ids=" ".join)
def test_a_missing_registry(tmp_path: Path, query: list[str]) -> None:
    said = refusal(*query, "--db", tmp_path / "no.db")
    assert said == f"no registry at {tmp_path}/no.db: load one with `lineage demo` or `lineage import FILE`"
    assert list(tmp_path.iterdir()) == []


def test_a_missing_registry_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAGE_DB", str(tmp_path / "no.db"))
    assert refusal("stats").startswith(f"no registry at {tmp_path}/no.db: ")


@pytest.mark.parametrize("query", QUERIES, ids=" ".join)
def test_a_file_that_is_no_database(tmp_path: Path, query: list[str]) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("to do\n" * 1000)
    assert refusal(*query, "--db", path) == f"{path} is not a database: name another with --db"
    assert path.read_text() == "to do\n" * 1000


@pytest.mark.parametrize("query", QUERIES, ids=" ".join)
def test_a_database_that_is_no_registry(tmp_path: Path, query: list[str]) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE models (x)")
    connection.close()
    assert f"{path} is not a lineage registry: name another with --db" in refusal(*query, "--db", path)


@pytest.mark.parametrize("query", QUERIES, ids=" ".join)
def test_a_registry_of_a_newer_version(registry: Engine, query: list[str]) -> None:
    with registry.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    said = refusal(*query, "--db", database(registry))
    assert "9999" in said
    assert said.endswith(": upgrade finetune-lineage")


def test_a_registry_of_an_older_version(registry: Engine) -> None:
    with registry.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert refusal("stats", "--db", database(registry)).endswith("has the older schema 0000: run `lineage db upgrade`")


@pytest.mark.parametrize(
    ("db", "words"),
    [
        ("sqlite://", "in memory"),
        (":memory:", "in memory"),
        ("foo://x", "no registry on foo"),
        ("://", "not a database URL"),
        ("/", "name another with --db"),
    ],
)
def test_a_registry_that_cannot_be(db: str, words: str) -> None:
    assert words in refusal("stats", "--db", db)


def test_an_unknown_model_with_near_matches(snapshot_registry: Engine) -> None:
    said = refusal("show", "Qwen/Qwen3-8Bx", "--db", database(snapshot_registry))
    assert re.fullmatch(r"no such model: Qwen/Qwen3-8Bx: did you mean Qwen/Qwen3-8B or \S+ or \S+\?", said)
    assert "Qwen/Qwen3-8B " in refusal("show", "qwen3-8b", "--db", database(snapshot_registry))


def test_an_unknown_model_that_is_like_none(registry: Engine) -> None:
    family(registry, "a/A\n")
    said = refusal("show", "zzz/zzz", "--db", database(registry))
    assert said == "no such model: zzz/zzz: try `lineage search TEXT`"


@pytest.mark.parametrize(
    "call", ["ancestors x/x", "descendants a/A x/x", "why a/A x/x", "why x/x a/A", "common a/A x/x", "stats x/x",
             "count a/A x/x", "search a --descends-from x/x", "defects --model x/x"],
)  # fmt: skip
def test_an_unknown_model_anywhere(registry: Engine, call: str) -> None:
    family(registry, "a/A\n")
    assert refusal(*call.split(), "--db", database(registry)).startswith("no such model: x/x: ")


def test_a_name_that_could_be_two_models(registry: Engine) -> None:
    save(registry, [api_row("a/Model"), api_row("A/model")])
    said = refusal("show", "a/MODEL", "--db", database(registry))
    assert said == "'a/MODEL' could be any of A/model, a/Model: give the id in its exact letter case"
    assert lineage("show", "a/Model", "--db", database(registry)).exit_code == 0


def test_an_unknown_author(registry: Engine) -> None:
    family(registry, "a/A\n")
    for command in ("descendants", "count", "stats"):
        said = refusal(command, "author:nobody", "--db", database(registry))
        assert said == "no model by the author 'nobody': try `lineage search TEXT`"


def test_an_unknown_kind_of_defect(registry: Engine) -> None:
    said = refusal("defects", "--kind", "foo", "--db", database(registry))
    assert re.fullmatch(
        r"Invalid value for '--kind': 'foo' is not one of ('[a-z-]+'(, )?)+: see `lineage defects --help`", said
    )


def test_a_kind_of_defect_that_the_registry_does_not_hold(registry: Engine) -> None:
    save(registry, [api_row("a/A", downloads=-1)])
    assert answer(registry, "defects", "--kind", "cycle") == "no defect is known\n"
    assert "bad-type" in answer(registry, "defects", "--kind", "cycle", "--kind", "bad-type")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("ancestors", "Missing argument 'MODEL': see `lineage ancestors --help`"),
        ("descendants", "Missing argument 'ROOT...': see `lineage descendants --help`"),
        ("why a/A", "Missing argument 'ANCESTOR': see `lineage why --help`"),
        ("import", "Missing argument 'FILE...': see `lineage import --help`"),
        ("count", "Missing argument 'ROOT...': see `lineage count --help`"),
        ("nothing", "No such command 'nothing': see `lineage --help`"),
        ("db nothing", "No such command 'nothing': see `lineage db --help`"),
        ("show a/A b/B", "Got unexpected extra argument (b/B): see `lineage show --help`"),
        ("show a/A --limit", "No such option '--limit': see `lineage show --help`"),
        ("import --seen yesterday x", "Invalid value for --seen: 'yesterday' is no ISO 8601 date such as 2026-08-22: "
                                      "see `lineage import --help`"),
        ("import --seen 2026-13-01 x", "Invalid value for --seen: '2026-13-01' is no ISO 8601 date such as 2026-08-22: "
                                       "see `lineage import --help`"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be(call: str, said: str) -> None:
    assert refusal(*call.split()) == said


@pytest.mark.parametrize(
    "call", ["show a/A -f tree", "common a/A -f tree", "ancestors a/A -f xml", "ancestors a/A --depth 0",
             "ancestors a/A --depth x", "ancestors a/A --relation child", "stats --limit -1", "db digest --part half"],
)  # fmt: skip
def test_an_option_that_cannot_be(call: str) -> None:
    said = refusal(*call.split())
    command = " ".join(call.split()[: 2 if call.startswith("db") else 1])
    assert said.endswith(f": see `lineage {command} --help`")


def test_the_formats_that_can_be_are_named() -> None:
    said = refusal("show", "a/A", "-f", "yaml")
    assert "'yaml' is not one of 'table', 'json', 'jsonl', 'csv', 'markdown'" in said


def test_a_missing_table_is_the_databases_error(registry: Engine) -> None:
    family(registry, "a/A\n")
    with registry.begin() as connection:
        connection.execute(text("DROP TABLE derivations"))
    said = refusal("ancestors", "a/A", "--db", database(registry))
    assert re.search(r'no such table: derivations|relation "derivations" does not exist', said)


def test_a_file_with_a_torn_page_is_the_databases_error(sqlite_registry: Engine, tmp_path: Path) -> None:
    save(sqlite_registry, [api_row(f"a/M{n}", [f"a/M{n - 1}"] if n else []) for n in range(500)])
    with sqlite_registry.connect() as connection:
        connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))
    sqlite_registry.dispose()
    whole = Path(database(sqlite_registry)).read_bytes()
    torn = tmp_path / "torn.db"
    torn.write_bytes(whole[: 4096 * 3] + b"\xa5" * (len(whole) - 4096 * 3))
    said = refusal("descendants", "a/M0", "--db", torn)
    assert "damaged" in said or "malformed" in said


@pytest.mark.parametrize(
    ("column", "asked"), [("sights.fingerprint", "import rows.jsonl"), ("models.sha", "audit --all")]
)
def test_a_torn_page_that_is_met_midway(tmp_path: Path, column: str, asked: str) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(api_row(f"a/M{n}", sha=f"{n:040x}")) + "\n" for n in range(3_000)), "utf-8")
    torn = tmp_path / "torn.db"
    assert lineage("import", rows, "--db", torn).exit_code == 0
    table, name = column.split(".")
    with sqlite3.connect(torn) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (value,) = connection.execute(f"SELECT {name} FROM {table} ORDER BY rowid LIMIT 1 OFFSET 1500").fetchone()
    connection.close()
    whole = torn.read_bytes()
    page = whole.index(value if isinstance(value, bytes) else value.encode()) // size
    torn.write_bytes(whole[: page * size] + b"\xa5" * size + whole[(page + 1) * size :])
    command, argument = asked.replace("rows.jsonl", str(rows)).split()
    assert "damaged" in refusal(command, argument, "--db", torn)


def crash(registry: Engine) -> str:
    """A registry in which a column holds what the code never writes there."""
    family(registry, "a/A\n")
    with registry.begin() as connection:
        connection.execute(text("UPDATE models SET licenses = 'not json'"))
    return database(registry)


def test_a_crash_of_ours_is_one_line_that_asks_for_a_report(registry: Engine) -> None:
    result = lineage("show", "a/A", "--db", crash(registry))
    assert (result.exit_code, result.stdout) == (70, "")
    assert re.fullmatch(
        r"lineage: internal error \(JSONDecodeError: [^\n]+\): run `lineage --debug …` and report what it says\n",
        result.stderr,
    )


def test_a_crash_shows_its_traceback_where_it_is_asked_for(registry: Engine) -> None:
    done = python("-m", "lineage", "--debug", "show", "a/A", "--db", crash(registry))
    assert done.returncode != 0
    assert "Traceback" in done.stderr
    assert "JSONDecodeError" in done.stderr
    assert "Traceback" not in python("-m", "lineage", "show", "a/A", "--db", database(registry)).stderr


def test_debug_changes_nothing_where_nothing_goes_wrong(registry: Engine) -> None:
    family(registry, "a/A\n")
    plain, debug = (lineage(*flag, "show", "a/A", "--db", database(registry)) for flag in ([], ["--debug"]))
    assert (debug.exit_code, debug.output) == (plain.exit_code, plain.output)


def test_a_name_may_look_like_an_option(registry: Engine) -> None:
    family(registry, "a/A\n")
    assert refusal("show", "--db", database(registry), "--", "--debugger").startswith("no such model: --debugger: ")


@pytest.mark.parametrize("name", ["'; DROP TABLE models; --", "%", "_", "a/%", "\\", "a/A' OR '1'='1", "x" * 5_000])
def test_a_name_is_never_sql(registry: Engine, name: str) -> None:
    family(registry, "a/A\n")
    for command in ("show", "descendants", "count"):
        assert refusal(command, name, "--db", database(registry)).startswith("no such model: ")
    result = lineage("search", name, "-f", "json", "--db", database(registry))
    assert json.loads(result.stdout)["total"] == 0
    assert lineage("show", "a/A", "--db", database(registry)).exit_code == 0
