"""Graph torture: every query, asked of families of odd shapes, answers within bounds or says what it left out."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torture.parts import Part, table
from torture.registries import Graph, graphs

#: Seconds of a processor and MB within which a command is to answer.
_SLOWEST, _MOST_MEMORY = 30, 2_048
#: What a command may take before it is stopped, in seconds of the clock and kB of addresses: the machine is not ours
#: alone.
_STOP_AFTER, _STOP_AT = 300, 6 * 2**20
_BRIEF = (
    "ancestors LOW",
    "why LOW HIGH",
    "license LOW",
    "audit --all --claim any",
    "graph LOW -o OUT.svg",
    "bom LOW -o OUT",
    "dossier LOW -o OUT.html",
    "stats HIGH",
)
_FULL = (
    *_BRIEF,
    "ancestors LOW -f json --limit 0",
    "descendants HIGH",
    "descendants HIGH -f jsonl --limit 0",
    "why LOW HIGH -f json",
    "common LOW LOWER",
    "common LOW LOWER -f json",
    "license LOW -f json",
    "license LOW --suggest",
    "license LOW --may-i apache-2.0",
    "license LOW --for commercial",
    "audit LOW LOWER --claim any",
    "audit LOW --claim any -f sarif -o OUT",
    "audit --family HIGH --claim any",
    "audit --all --claim any --limit 0 -f jsonl",
    "audit --all --claim any -f html -o OUT",
    "stats",
    "stats --licenses",
    "count HIGH",
    *(f"graph LOW -o OUT.{ending}" for ending in "html png json graphml gexf dot mmd".split()),
    "graph HIGH --down -o OUT.svg",
    "graph LOW --why HIGH -o OUT.svg",
    "map HIGH -o OUT.html",
    "map HIGH -o OUT.png",
    "export OUT",
    "db copy DB OUT",
    "db check",
    "db digest",
    "notice LOW",
    "bom LOW -f spdx -o OUT",
    "lock LOW -o OUT",
    "history LOW",
    "show LOW",
    "show HIGH -f json",
    "search o",
    "defects",
    "check FOLDER",
)
#: By which words a command says that there is more than it shows.
_LEFT_OUT = re.compile(r"[^.\n:;│|]*\b(?:more|not shown|left out|hidden|not listed|folded|of which)\b[^.\n;│|]*", re.I)


@dataclass(frozen=True, slots=True)
class Answer:
    """How a command ended, what it took, and what it said that it left out; `wrong` is what should not have been."""

    graph: str
    command: str
    status: int
    seconds: float
    memory: int
    left_out: str
    wrong: str | None

    def row(self) -> tuple[object, ...]:
        """A line of the table."""
        return self.graph, f"`{self.command}`", self.status, f"{self.seconds:.1f}", self.memory, self.left_out


def torture_graphs(brief: bool) -> Part:
    """All commands on all graphs."""
    answers = [answer for graph in graphs(brief) for answer in asked(graph, _BRIEF if brief else _FULL)]
    columns = ("graph", "command", "exit", "seconds", "peak MB", "left out, in its own words")
    text = (
        f"Each command in a process of its own, on registries of odd shapes. It is to answer within {_SLOWEST} s of a "
        f"processor and {_MOST_MEMORY:,} MB, or to refuse in one line.\n\n"
        f"{table(columns, [answer.row() for answer in answers])}"
    )
    wrong = tuple(f"{answer.graph}, `{answer.command}`: {answer.wrong}" for answer in answers if answer.wrong)
    return Part("Graph torture", text, wrong)


def asked(graph: Graph, commands: Sequence[str]) -> list[Answer]:
    """The answers to some commands about a graph."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        db = graph.imported(folder)
        model = folder / "model"
        model.mkdir()
        (model / "README.md").write_text(f"---\nlicense: mit\nbase_model: {graph.low}\n---\n")
        (model / "config.json").write_text("{}")
        places = {"HIGH": graph.high, "LOWER": graph.lower, "LOW": graph.low, "FOLDER": str(model), "DB": str(db)}
        return [_asked(graph, command, places, folder, n) for n, command in enumerate(commands)]


def _asked(graph: Graph, command: str, places: dict[str, str], folder: Path, number: int) -> Answer:
    out = folder / f"out{number}"
    words = [
        places.get(word) or (str(out) + word.removeprefix("OUT") if word.startswith("OUT") else word)
        for word in command.split()
    ]
    if not command.startswith("db copy"):
        words += ["--db", places["DB"]]
    status, seconds, memory, said, complaint = _run(words, folder)
    found = _LEFT_OUT.search(complaint) or _LEFT_OUT.search(said)
    left_out = " ".join(found[0].split())[:100].replace("|", "/") if found else ""
    return Answer(graph.name, command, status, seconds, memory, left_out, _wrong(status, seconds, memory, complaint))


#: A command that writes down its peak. A process begins with the peak of the one that it took the place of, so that a
#: shell, which goes on, has to stand between us and it.
_PROGRAM = """
import resource, sys
from lineage.cli.main import main

sys.argv[0], peak = "lineage", sys.argv.pop(1)
try:
    main()
finally:
    with open(peak, "w") as file:
        file.write(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))
"""


def _run(words: Sequence[str], folder: Path) -> tuple[int, float, int, str, str]:
    """Run a command: its exit status, its seconds and peak in MB, and what it said on either channel (the end of it).

    Seconds are those of a processor, so that they tell the same beside other work.
    """
    said, complaint, peak = folder / "stdout", folder / "stderr", folder / "peak"
    peak.unlink(missing_ok=True)
    with said.open("wb") as out, complaint.open("wb") as err:
        process = subprocess.Popen(
            [
                "sh",
                "-c",
                f'ulimit -v {_STOP_AT}; "$@"; exit $?',
                "sh",
                sys.executable,
                "-c",
                _PROGRAM,
                str(peak),
                *words,
            ],
            stdout=out,
            stderr=err,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            cwd=folder,
            start_new_session=True,
        )
        stop = threading.Timer(_STOP_AFTER, os.killpg, (process.pid, signal.SIGKILL))
        stop.start()
        _, status, usage = os.wait4(process.pid, 0)
        stop.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    unit = 2**20 if sys.platform == "darwin" else 2**10
    seconds = usage.ru_utime + usage.ru_stime
    memory = int(peak.read_text()) // unit if peak.exists() else 0
    return process.returncode, seconds, memory, _end(said), _end(complaint)


def _end(file: Path) -> str:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - 20_000))
        return opened.read().decode("utf-8", "replace")


def _wrong(status: int, seconds: float, memory: int, complaint: str) -> str | None:
    """What should not have happened, if anything."""
    if status == -signal.SIGKILL:
        return f"was stopped after {_STOP_AFTER} s"
    if "Traceback" in complaint or status not in (0, 1, 2, 3):
        return f"ended with {status}: {complaint.strip().splitlines()[-1][:200] if complaint.strip() else 'no word'}"
    if status == 2 and not re.fullmatch(r"lineage: [^\n]+\n", complaint):
        return f"refused in other than one line: {complaint[:200]!r}"
    if seconds > _SLOWEST:
        return f"took {seconds:.0f} s"
    if memory > _MOST_MEMORY:
        return f"took {memory:,} MB"
    return None
