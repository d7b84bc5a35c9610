"""How the tests of queries call the command, and the small worlds that they share."""

import contextlib
import os
import pty
import re
import subprocess
import sys
import termios
from collections.abc import Iterable, Sequence
from pathlib import Path

import networkx as nx
from click.testing import CliRunner, Result
from hypothesis import strategies as st
from sqlalchemy import Engine

from lineage.cli.main import main
from tests.families import Row, api_row

CHECKOUT = Path(__file__).parents[2]
#: All that a terminal would act upon: C0 but newline, DEL, C1, bidi and zero-width marks, line separators, surrogates.
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")

#: Parents of each model, by number.
Graph = dict[int, tuple[int, ...]]


def lineage(*args: str | Path) -> Result:
    """The command as a person calls it; what it exits with is for the caller to judge."""
    return CliRunner().invoke(main, [str(arg) for arg in args], prog_name="lineage")


def answer(engine: Engine, *args: str | Path) -> str:
    """What the command prints about a registry; it ends well and says nothing on stderr."""
    result = lineage(*args, "--db", database(engine))
    assert (result.exit_code, result.stderr) == (0, ""), result.stderr
    return result.stdout


def refusal(*args: str | Path) -> str:
    """The one line by which the command refuses; without `lineage: ` and the end of line."""
    result = lineage(*args)
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert re.fullmatch(r"lineage: [^\n]+\n", result.stderr), result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr.removeprefix("lineage: ").removesuffix("\n")


def database(engine: Engine) -> str:
    """What a person calls a registry: its file or URL."""
    assert engine.url.database is not None
    sqlite = engine.dialect.name == "sqlite"
    return engine.url.database if sqlite else engine.url.render_as_string(hide_password=False)


def python(*args: str, timeout: float = 60, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Python in a process of its own, in the checkout."""
    return subprocess.run(
        [sys.executable, *args],
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT), "HOME": "/nonexistent", **environment},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def on_terminal(*args: str, **environment: str) -> tuple[int, str]:
    """The command with a terminal for its stdout and stderr: how it exits, and what the terminal got."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    done = subprocess.Popen(
        [sys.executable, "-m", "lineage", *args],
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "TERM": "xterm", **environment},
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    got = b""
    with contextlib.suppress(OSError):  # Linux ends a terminal that nobody writes to with an error
        while piece := os.read(ours, 65_536):
            got += piece
    os.close(ours)
    return done.wait(timeout=60), got.decode().replace("\r\n", "\n")


def chain(length: int) -> list[Row]:
    """c/0, and c/1 made from it, and so on; no more in a row than it takes."""
    rows: list[Row] = [{"id": "c/0", "tags": []}]
    rows += [
        {"id": f"c/{n}", "tags": [f"base_model:c/{n - 1}", f"base_model:finetune:c/{n - 1}"]} for n in range(1, length)
    ]
    return rows


def ladder(rungs: int) -> list[Row]:
    """x/Top, made from x/L0, from which two ways lead to x/L1, and so on to x/Bottom: 2 ** rungs paths."""
    rows = [api_row("x/Top", ["x/L0"]), api_row("x/Bottom"), api_row(f"x/L{rungs}", ["x/Bottom"])]
    for n in range(rungs):
        rows.append(api_row(f"x/L{n}", [f"x/A{n}", f"x/B{n}"], "merge"))
        rows += [api_row(f"x/{side}{n}", [f"x/L{n + 1}"]) for side in "AB"]
    return rows


def name(number: int) -> str:
    """The id of a graph's model."""
    return f"m/{number}"


def graph_rows(graph: Graph, downloads: Sequence[int] | None = None) -> list[Row]:
    """A graph as rows of the Hub's API."""
    return [
        api_row(name(child), [name(parent) for parent in parents], downloads=downloads[child] if downloads else 10)
        for child, parents in graph.items()
    ]


def upward(graph: Graph) -> "nx.DiGraph[str]":
    """A graph with edges child → parent."""
    drawn: nx.DiGraph[str] = nx.DiGraph()
    drawn.add_nodes_from(map(name, graph))
    drawn.add_edges_from((name(child), name(parent)) for child, parents in graph.items() for parent in parents)
    return drawn


def ids(members: Iterable[object]) -> list[str]:
    """The ids of members."""
    return [str(getattr(member, "id")) for member in members]  # noqa: B009 - of several types


@st.composite
def graphs(draw: st.DrawFn, *, cyclic: bool, most: int = 7) -> Graph:
    """Models with parents in any order; without cycles, a model's parents have smaller numbers."""
    size = draw(st.integers(2, most))
    graph: Graph = {}
    for child in range(size):
        others = [n for n in range(size if cyclic else child) if n != child]
        parents = draw(st.lists(st.sampled_from(others), max_size=3, unique=True)) if others else []
        graph[child] = tuple(parents)
    return graph
