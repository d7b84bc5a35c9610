"""What a call imports: the start of a process is most of the time that a question takes."""

import subprocess

import pytest
from sqlalchemy import Engine

from tests.lineage.calls import database, python

#: Runs the command as `python -m lineage` does, then prints what was imported on stderr.
SCRIPT = """
import atexit, sys
atexit.register(lambda: print(*sorted(sys.modules), file=sys.stderr))
from lineage.cli.main import main
main(prog_name="lineage")
"""
QUERIES = ("ancestors Qwen/Qwen3-8B", "descendants Qwen/Qwen3-8B", "show Qwen/Qwen3-8B", "count Qwen/Qwen3-8B",
           "search qwen3", "why Qwen/Qwen3-8B Qwen/Qwen3-8B-Base")  # fmt: skip


def modules(*args: str) -> tuple[set[str], str]:
    """What a call imported, and what it printed."""
    done: subprocess.CompletedProcess[str] = python("-c", SCRIPT, *args)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.split()), done.stdout


@pytest.mark.parametrize("args", [["--help"], ["-h"]])
def test_help_imports_no_library_but_click(args: list[str]) -> None:
    loaded, said = modules(*args)
    assert said.startswith("Usage: lineage ")
    assert "click" in loaded
    heavy = {"sqlalchemy", "sqlmodel", "pydantic", "networkx", "alembic", "huggingface_hub", "tqdm", "pyarrow", "numpy"}
    assert loaded.isdisjoint(heavy)


@pytest.mark.parametrize("query", QUERIES)
def test_a_query_imports_only_what_it_needs(snapshot_registry: Engine, query: str) -> None:
    loaded, said = modules(*query.split(), "--db", database(snapshot_registry))
    assert "Qwen/Qwen3-8B" in said
    assert "sqlalchemy" in loaded
    heavy = {"alembic", "networkx", "huggingface_hub", "tqdm", "pyarrow", "numpy", "platformdirs"}
    assert loaded.isdisjoint(heavy)
    assert loaded.isdisjoint({"crawler", "lineage.licenses", "lineage.rules", "lineage.audit"})
    if snapshot_registry.dialect.name == "sqlite":
        assert loaded.isdisjoint({"sqlalchemy.dialects.postgresql", "psycopg"})


@pytest.mark.parametrize("args", [["license"], ["audit", "--exit-zero"]])
def test_numpy_is_for_many_models(snapshot_registry: Engine, args: list[str]) -> None:
    loaded, said = modules(*args, "Qwen/Qwen3-8B", "--db", database(snapshot_registry))
    assert "Qwen/Qwen3-8B" in said
    assert ("numpy" in loaded) == (args[0] == "audit")
    assert loaded.isdisjoint({"alembic", "networkx", "pyarrow", "crawler"})
