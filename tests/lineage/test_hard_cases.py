"""What went wrong once: extreme numbers, odd bytes, closed pipes, cycles that lead back."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from lineage.family import common_ancestors, descendants, paths
from lineage.formats.tree import tree
from lineage.graph import family_graph
from lineage.statistics import count_family
from tests.families import api_row, emptied, family, save
from tests.lineage.calls import CHECKOUT, answer, database, lineage, on_terminal, python, refusal


def in_bytes(registry: Engine, *args: str) -> "subprocess.CompletedProcess[bytes]":
    command = [os.fsencode(arg) for arg in (sys.executable, "-m", "lineage", *args, "--db", database(registry))]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, timeout=60, check=False)


def test_ways_that_lead_back_to_the_model_are_not_tried_one_by_one(registry: Engine) -> None:
    rows = [api_row("x/E"), api_row("x/S", ["x/E", "x/L0"], "merge")]
    for n in range(30):
        rows.append(api_row(f"x/L{n}", [f"x/A{n}", f"x/B{n}"], "merge"))
        rows += [api_row(f"x/{side}{n}", [f"x/L{n + 1}" if n < 29 else "x/S"]) for side in "AB"]
    save(registry, rows)
    start = time.monotonic()
    assert len(paths(registry, "x/S", "x/E").paths) == 1
    assert time.monotonic() - start < 5


def test_a_path_of_thousands_of_steps_takes_no_square_of_time(deep_registry: Engine) -> None:
    start = time.monotonic()
    assert len(paths(deep_registry, "c/19999", "c/0").paths[0]) == 19_999
    assert time.monotonic() - start < 5


def test_a_huge_depth_in_a_cycle_ends(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["a/B"]), api_row("a/B", ["a/A"])])
    start = time.monotonic()
    assert descendants(registry, "a/A", depth=10**8).total == 1
    assert time.monotonic() - start < 2


@pytest.mark.parametrize("call", ["search a --limit", "defects --limit", "descendants a/A --depth", "stats --limit"])
def test_numbers_that_no_database_holds(registry: Engine, call: str) -> None:
    family(registry, "a/A\n")
    assert lineage(*call.split(), "9" * 20, "--db", database(registry)).exit_code in {0, 2}


@pytest.mark.parametrize(
    "args",
    [["show", "\udcff"], ["show", "a/A@\udcff", "-f", "json"], ["search", "\udcff"], ["search", "--author", "\udcff"]],
)
def test_arguments_that_are_no_text(registry: Engine, args: list[str]) -> None:
    family(registry, "a/A\n")
    done = in_bytes(registry, *args)
    assert done.returncode in {0, 2}
    assert done.stderr.count(b"\n") == (1 if done.returncode else 0)


@pytest.mark.parametrize("call", [["search", "m"], ["descendants", "author:me", "-f", "jsonl"], ["db", "digest"]])
def test_a_pipe_that_is_closed_at_once(registry: Engine, call: list[str]) -> None:
    save(registry, [api_row(f"me/m{n}") for n in range(1_000)])
    command = [sys.executable, "-m", "lineage", *call, "--db", database(registry)]
    with subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)


@pytest.mark.parametrize("group", [[], ["db"]])
def test_no_command_shows_the_help_as_it_is(group: list[str]) -> None:
    done = python("-m", "lineage", *group)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: lineage ")
    assert done.stderr.count("\n") > 8


def test_debug_leaves_a_persons_error_one_line(registry: Engine) -> None:
    done = python("-m", "lineage", "--debug", "show", "x/x", "--db", database(registry))
    assert (done.returncode, done.stderr) == (2, "lineage: no such model: x/x: try `lineage search TEXT`\n")


def test_debug_leaves_the_exit_status_of_a_crash(registry: Engine) -> None:
    family(registry, "a/A\n")
    with registry.begin() as connection:
        connection.execute(text("UPDATE models SET licenses = 'not json'"))
    done = python("-m", "lineage", "--debug", "show", "a/A", "--db", database(registry))
    assert (done.returncode, "Traceback" in done.stderr) == (70, True)


def test_output_through_a_link_goes_where_it_leads(registry: Engine, tmp_path: Path) -> None:
    family(registry, "a/A\n")
    (tmp_path / "target").write_text("x")
    (tmp_path / "link").symlink_to("target")
    answer(registry, "show", "a/A", "-o", tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert "a/A" in (tmp_path / "target").read_text()


def test_output_keeps_a_files_mode(registry: Engine, tmp_path: Path) -> None:
    family(registry, "a/A\n")
    (tmp_path / "out").write_text("x")
    (tmp_path / "out").chmod(0o600)
    answer(registry, "show", "a/A", "-o", tmp_path / "out")
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("call", ["defects", "search nothing", "common a/A b/B", "why a/A b/B"])
def test_no_rows_are_no_json_lines(registry: Engine, call: str) -> None:
    family(registry, "a/A\nb/B\n")
    assert answer(registry, *call.split(), "-f", "jsonl") == ""


def test_what_is_drawn_above_still_says_what_its_edge_rests_on(registry: Engine) -> None:
    tags = ["base_model:a/A", "base_model:finetune:a/A"]
    save(registry, [api_row("a/A"), api_row("b/B"), api_row("x/C", ["a/A", "B/b"], tags=tags)])
    last = tree(descendants(registry, "a/A", "b/B")).split("\n")[-1]
    assert "↑ drawn above" in last
    assert "mended letter case" in last


def test_a_root_below_another_keeps_its_revision(registry: Engine) -> None:
    family(registry, "a/A\n a/B\n")
    assert "a/B@abc1234" in answer(registry, "descendants", "a/A", "a/B@abc1234")


def test_statistics_that_were_cut_say_so(registry: Engine) -> None:
    save(registry, [api_row(f"a/M{n}", ["a/R"], license=f"l{n}") for n in range(30)])
    for format_ in ("table", "markdown"):
        assert "20 more" in answer(registry, "stats", "a/R", "-f", format_)


def test_an_author_of_a_root_that_was_never_seen_is_no_other(registry: Engine) -> None:
    family(registry, "r/Root unseen\n r/Own\n a/Other\n")
    assert {c.name: c.value for c in count_family(registry, "r/Root").counts}["by others"] == 1


def test_one_of_a_cycle_is_nearest(registry: Engine) -> None:
    save(registry, [api_row("a/A", ["a/B"]), api_row("a/B", ["a/A"]), api_row("x/1", ["a/A"]), api_row("x/2", ["a/A"])])
    assert any(a.nearest for a in common_ancestors(registry, "x/1", "x/2").ancestors)


def test_a_date_that_is_not_known_is_said_so(registry: Engine) -> None:
    family(registry, "a/A\n")
    assert "a/A, data of an unknown date\n" in answer(registry, "count", "a/A")


def test_an_entity_in_markdown_is_text(registry: Engine) -> None:
    save(registry, [api_row("a/A", pipeline_tag="&copy;")])
    assert "&copy;" not in answer(registry, "show", "a/A", "-f", "markdown")


def test_near_matches_do_not_depend_on_the_order_of_rows(registry: Engine) -> None:
    rows = [api_row(f"o{n}/thing") for n in range(30)]
    said = set()
    for seed in range(3):
        engine = emptied(registry)
        save(engine, random.Random(seed).sample(rows, 30))
        said.add(refusal("show", "thing", "--db", database(engine)))
    assert len(said) == 1


def test_a_graph_upward_keeps_the_nearest_depth_and_takes_authors(registry: Engine) -> None:
    family(registry, "a/R\n a/M\n  a/L\n")
    assert family_graph(registry, "a/M", "a/L", up=True).nodes["a/R"]["depth"] == 1
    assert len(family_graph(registry, "author:a", up=True)) == 3


def test_no_colour_around_nothing(registry: Engine) -> None:
    family(registry, "a/A\n")
    assert "\x1b[33m\x1b[0m" not in on_terminal("ancestors", "a/A", "--db", database(registry))[1]


def test_an_import_that_is_refused_makes_no_registry(tmp_path: Path) -> None:
    refusal("import", tmp_path / "none", "--db", tmp_path / "new.db")
    assert not (tmp_path / "new.db").exists()


def test_a_date_out_of_range(tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"id": "a/A"}\n')
    assert "--seen" in refusal("import", "--seen", "0001-01-01T00:00:00+23:00", tmp_path / "x", "--db", tmp_path / "d")


def test_a_terminal_that_is_not_utf8_gets_escapes(registry: Engine) -> None:
    family(registry, "a/A\n a/B\n")
    done = python("-m", "lineage", "descendants", "a/A", "--db", database(registry), PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "a/B" in done.stdout


def test_a_text_longer_than_a_pattern_may_be(registry: Engine) -> None:
    family(registry, "a/A\n")
    assert answer(registry, "search", "x" * 60_000) == "no model is like that\n"
    assert answer(registry, "search", "--license", "x" * 60_000) == "no model is like that\n"


def test_an_author_without_a_name_is_told_what_to_do(registry: Engine) -> None:
    family(registry, "a/A\n")
    assert refusal("descendants", "author:", "--db", database(registry)).endswith("try `lineage search TEXT`")


def test_a_file_of_another_name_changes_nothing(tmp_path: Path) -> None:
    for name, day, said in (("x", "2026-01-01", "1 new, 0 changed"), ("y", "2026-01-02", "0 new, 0 changed")):
        (tmp_path / name).write_text('{"id": "a/A"}\n')
        result = lineage("import", tmp_path / name, "--seen", day, "--db", tmp_path / "registry.db")
        assert said in result.stdout


def test_a_schema_that_never_was_cannot_be_upgraded(registry: Engine) -> None:
    with registry.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert "cannot upgrade" in refusal("db", "upgrade", "--db", database(registry))


def test_an_option_without_its_value_names_the_right_help() -> None:
    assert refusal("stats", "--db").endswith("see `lineage stats --help`")
