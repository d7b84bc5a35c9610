"""Fuzzing: what reads the files of others gets inputs that a fuzzer makes, guided by the lines that they reach."""

import hashlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from torture.parts import Part, table
from torture.targets import CORPUS, TARGETS

#: Seconds for each target, in full and in brief; of the files that strangers send, more.
_LONG, _SHORT, _BRIEF = 600, 120, 8
_FIRST = {"card", "gguf", "safetensors", "policy"}
#: What one input may take, in seconds and in MB of the whole process.
_SLOWEST, _MOST_MEMORY = 10, 1_024
_SEED = 20_260_101
_STATUS = re.compile(r"cov: (\d+) ")
_FINAL = re.compile(r"stat::(\w+):\s+(\d+)")
#: The exception that ended it, or else what the fuzzer complains of.
_FAULTS = (re.compile(r"=== Uncaught Python exception: ===\n(.*)"), re.compile(r"==\d+== ?(ERROR: .*)"))


@dataclass(frozen=True, slots=True)
class Fuzzed:
    """What came of fuzzing a target: how much was tried, how many edges that reached, and what went wrong."""

    target: str
    seconds: int
    tried: int = 0
    edges: int = 0
    memory: int = 0
    fault: str | None = None

    def row(self) -> tuple[object, ...]:
        """A line of the table."""
        pace = self.tried // max(1, self.seconds)
        return self.target, self.seconds, self.tried, pace, self.edges, self.memory, self.fault or "nothing"


def fuzzing(brief: bool) -> Part:
    """All targets, two at a time."""
    if find_spec("atheris") is None:
        return Part("Fuzzing", "Not done: atheris is not made for this Python or this system.")
    seconds = {name: _BRIEF if brief else _LONG if name in _FIRST else _SHORT for name in TARGETS}
    with ThreadPoolExecutor(2) as workers:
        found = list(workers.map(fuzz, seconds, seconds.values()))
    columns = ("target", "seconds", "inputs", "per second", "edges reached", "peak MB", "found")
    text = (
        "[atheris](https://github.com/google/atheris) makes inputs from a small corpus, and keeps those that reach new "
        "branches. A finding is any exception but the product's own errors, a result that cannot be stored, an input "
        f"that takes over {_SLOWEST} s, or over {_MOST_MEMORY:,} MB. What failed once is kept in torture/corpus, and "
        f"every test run reads it again.\n\n{table(columns, [one.row() for one in found])}"
    )
    return Part("Fuzzing", text, tuple(f"{one.target}: {one.fault}" for one in found if one.fault))


def fuzz(name: str, seconds: int, keep: Path | None = None) -> Fuzzed:
    """Fuzz a target for so long; an input that fails is put into its corpus, or into `keep`."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "made")
        made.mkdir()
        options = {
            "max_total_time": seconds,
            "timeout": _SLOWEST,
            "rss_limit_mb": _MOST_MEMORY,
            "seed": _SEED,
            "max_len": 1_024,
            "print_final_stats": 1,
            "artifact_prefix": f"{folder}/failed-",
        }
        command = [sys.executable, "-m", "torture.fuzzing", name, *(f"-{k}={v}" for k, v in options.items())]
        done = subprocess.run(
            # A process begins with the peak of the one that it took the place of: a shell stands between us and it.
            ["sh", "-c", '"$@"; exit $?', "sh", *command, str(made), str(CORPUS / name)],
            cwd=CORPUS.parents[1],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        failed = sorted(Path(folder).glob("failed-*"))
        kept = [_keep(path.read_bytes(), keep or CORPUS / name) for path in failed]
    return _read(name, seconds, done.stderr + done.stdout, done.returncode, kept)


def _keep(content: bytes, folder: Path) -> str:
    name = f"failed-{hashlib.sha256(content).hexdigest()[:8]}"
    (folder / name).write_bytes(content)
    return name


def _read(name: str, seconds: int, said: str, status: int, kept: list[str]) -> Fuzzed:
    """What the fuzzer said of itself."""
    final = {key: int(value) for key, value in _FINAL.findall(said)}
    edges = [int(edges) for edges in _STATUS.findall(said)]
    fault = None
    if status or kept:
        told = next((found[1] for pattern in _FAULTS if (found := pattern.search(said))), "no word")
        fault = f"{told[:200]} ({', '.join(kept) or f'exit status {status}'})"
    return Fuzzed(
        name,
        seconds,
        final.get("number_of_executed_units", 0),
        max(edges, default=0),
        final.get("peak_rss_mb", 0),
        fault,
    )
