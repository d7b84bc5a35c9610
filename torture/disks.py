"""Disks that are full, and registries that may only be read: one line, nothing torn, and what was there goes on.

A disk is a small file system in memory, which Linux lets anybody mount in a namespace of one's own: `python -m
torture.disks MODELS TIMES` runs in such a one, and prints what came of it as JSON.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import Any, NamedTuple

from sqlalchemy import make_url, select

from benchmarks.servers import postgresql
from registry.tables import DERIVATIONS, MODELS
from torture.parts import Part, table
from torture.places import Files, Places, Server
from torture.works import Work, digest_of, hub, opened, recovered, works

_CHECKOUT = Path(__file__).parents[1]
_MEGABYTES = 256
#: The least that is left to a command, in bytes: what it needs is more than it keeps.
_LEAST = 2**16
#: How commands end that did their work: an audit also tells what it found that way.
_WELL = frozenset({0, 1, 3})
_NO_ROOM, _READ_ONLY = re.compile(r"[Nn]o (space|room) left|is its disk full"), re.compile(r"read-only", re.I)
_OUTPUTS = (
    "export OUT",
    "graph MODEL -o OUT.html",
    "graph MODEL -o OUT.png",
    "audit --all --claim any -f html -o OUT",
    "dossier MODEL -o OUT.html",
    "bom MODEL -o OUT",
    "lock MODEL -o OUT",
)
_READERS = ("ancestors MODEL", "license MODEL", "audit --all --claim any", "stats", "search me", "db check")
_TEXT = """Commands were run on a disk with room for less than they need, in equal shares of it, {models:,} models in
each registry. Each is to refuse in one line, with exit status 2, or to get along. Then there was room: the registry was
checked, the command run again (or `crawl resume`), and the digest compared with that of an undisturbed run. One that
writes a file is to leave the one that was there before, and no draft.

{table}

{writers:,} times a command that writes was run on a file system that may only be read, or on PostgreSQL by somebody who
may only read: each is to refuse in one line and change nothing. {readers:,} times one that reads: it is to answer as
ever. A PostgreSQL server whose disk is full was not tried.
"""


class _Came(NamedTuple):
    """What came of a run: whether it was refused, and what was wrong with that."""

    refused: bool
    wrong: list[str]


def disks(brief: bool) -> Part:
    """Both, where a disk can be mounted; `brief` with a few of each."""
    models, times = (500, 2) if brief else (8_000, 8)
    command = ["unshare", "--map-root-user", "--mount", sys.executable, "-m", "torture.disks", str(models), str(times)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=_CHECKOUT, check=False)
    if done.returncode:
        return Part("Disks", "Not done: no disk could be mounted.", (done.stderr.strip()[-300:],))
    found: dict[str, Any] = json.loads(done.stdout)
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # PostgreSQL runs as another user than root
        with postgresql(Path(name) / "server") as url, hub(models) as running:
            made = list(works(Server(url), Path(name), running.url, models))
            locked = _locked(Server(url), made, _may_only_read)
    text = _TEXT.format(
        models=models,
        table=table(("command", "runs", "refused", "got along"), found["rows"]),
        writers=found["writers"] + locked["writers"],
        readers=found["readers"] + locked["readers"],
    )
    return Part("Disks", text.strip(), (*found["failures"], *locked["failures"]))


def main() -> None:
    """What comes of disks without room, and of those that may only be read."""
    models, times = map(int, sys.argv[1:])
    with tempfile.TemporaryDirectory() as name:
        folder, disk = Path(name), Path(name, "disk")
        (folder / "files").mkdir()
        disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_MEGABYTES}m", "tmpfs", str(disk)], check=True)
        try:
            with hub(models) as running:
                made = list(works(Files(folder / "files"), folder, running.url, models))
                rows, failures = _crowded(made, disk, times)
                found = _locked(Files(disk), made, lambda place: _remounted(disk, place))
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
    print(json.dumps({**found, "rows": rows, "failures": [*failures, *found["failures"]]}))


def _full(made: Sequence[Work]) -> str:
    """The registry that has models in it."""
    return next(work.before for work in made if work.name == "register" and work.before)


def _crowded(made: Sequence[Work], disk: Path, times: int) -> tuple[list[tuple[str, int, int, int]], list[str]]:
    """Lines of the table, and what was wrong."""
    rows, failures = [], []
    runs = {work.name: _on_a_full_disk(work, disk, times) for work in made}
    runs |= {f"`{words}`": _written_to_a_full_disk(words, _full(made), disk, times) for words in _OUTPUTS}
    for name, run in runs.items():
        came = list(run)
        refused = sum(one.refused for one in came)
        rows.append((name, len(came), refused, len(came) - refused))
        failures += [f"{name}, on a full disk: {wrong}" for one in came for wrong in one.wrong]
    return rows, failures


def _on_a_full_disk(work: Work, disk: Path, times: int) -> Iterator[_Came]:
    """Run a command that changes a registry, with ever more room, but less than it needs."""
    places = Files(Path(tempfile.mkdtemp(dir=disk)))
    whole = work.placed(places)
    free = disk_usage(disk).free
    _expect_well(_run(*work.arguments(whole)))
    needed, end = max(_LEAST, free - disk_usage(disk).free), digest_of(whole)
    for number in range(times):
        db = work.placed(places)
        filler = _filled(disk, int(needed * (number + 0.5) / times))
        done = _run(*work.arguments(db))
        filler.unlink()
        yield _Came(done.returncode == 2, [*_ended(done, _NO_ROOM), *recovered(work, db, end)])
        rmtree(Path(db).parent)
    rmtree(Path(whole).parents[1])


def _filled(disk: Path, room: int) -> Path:
    """A file that leaves so much room, in bytes."""
    filler = disk / "filler"
    with filler.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, disk_usage(disk).free - room))
    return filler


def _written_to_a_full_disk(words: str, db: str, disk: Path, times: int) -> Iterator[_Came]:
    """Run a command that writes a file where one is already, or a folder."""
    folder = Path(tempfile.mkdtemp(dir=disk))
    model = _some_model(db)

    def write(name: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
        out = next(name + word.removeprefix("OUT") for word in words.split() if word.startswith("OUT"))
        if not words.startswith("export"):
            (folder / out).write_text("before")
        given = [model if w == "MODEL" else str(folder / out) if w.startswith("OUT") else w for w in words.split()]
        return folder / out, _run(*given, "--db", db)

    free = disk_usage(disk).free
    _expect_well(write("whole")[1])
    needed = max(_LEAST // 4, free - disk_usage(disk).free)
    for number in range(times):
        filler = _filled(disk, int(needed * (number + 0.5) / times))
        out, done = write(f"out{number}")
        filler.unlink()
        refused = done.returncode == 2
        wrong = _ended(done, _NO_ROOM)
        if refused and (out.exists() if words.startswith("export") else out.read_text() != "before"):
            wrong.append("it left a file that is not whole")
        if list(folder.glob(".lineage-*")):
            wrong.append("it left a draft")
        yield _Came(refused, wrong)
    rmtree(folder)


def _locked(places: Places, made: Sequence[Work], lock: Callable[[str], str]) -> dict[str, Any]:
    """How many commands were run on registries that may only be read, by `lock`, and what was wrong."""
    failures: list[str] = []
    given = {work: work.placed(places) for work in made}
    before = {work: digest_of(db, timeless=False) for work, db in given.items()}
    full = next(db for work, db in given.items() if work.name == "register")
    asked = [words.replace("MODEL", _some_model(full)).split() for words in _READERS]
    answers = [_expect_well(_run(*words, "--db", full)) for words in asked]
    locked = {work: lock(db) for work, db in given.items()}
    for work, db in given.items():
        wrong = _refusal(_run(*work.arguments(locked[work])), _READ_ONLY)
        wrong += ["it changed the registry"] if digest_of(db, timeless=False) != before[work] else []
        failures += [f"{work.name}, {places.name} that may only be read: {one}" for one in wrong]
    for words, answer in zip(asked, answers, strict=True):
        done = _run(*words, "--db", lock(full))
        if done.stdout != answer:
            failures.append(f"{' '.join(words)}, {places.name} that may only be read: {done.stderr.strip()!r}")
    return {"writers": len(given), "readers": len(asked), "failures": failures}


def _remounted(disk: Path, place: str) -> str:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    return place


def _may_only_read(place: str) -> str:
    url = make_url(place).update_query_dict({"options": "-c default_transaction_read_only=on"})
    return url.render_as_string(hide_password=False)


def _some_model(db: str) -> str:
    """A model of a registry that was made from another."""
    with opened(db) as engine:
        if engine is None:
            raise RuntimeError("no registry to ask")
        query = select(MODELS.c.repo_id).join(DERIVATIONS, DERIVATIONS.c.child_key == MODELS.c.key).limit(1)
        with engine.connect() as connection:
            return str(connection.scalar(query))


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    command: Sequence[str] = [sys.executable, "-m", "lineage", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=_CHECKOUT, check=False)


def _expect_well(done: subprocess.CompletedProcess[str]) -> str:
    """What a command says that nobody disturbs."""
    if done.returncode not in _WELL:
        raise RuntimeError(f"{' '.join(done.args)} failed undisturbed: {done.stderr.strip()[-300:]}")
    return done.stdout


def _ended(done: subprocess.CompletedProcess[str], why: re.Pattern[str]) -> list[str]:
    """What is wrong with how a command ended that may be refused, if anything."""
    return [] if done.returncode in _WELL else _refusal(done, why)


def _refusal(done: subprocess.CompletedProcess[str], why: re.Pattern[str]) -> list[str]:
    """What is wrong with a refusal, if anything: it is to be one line that says why."""
    if done.returncode == 2 and re.fullmatch(r"lineage: [^\n]+\n", done.stderr) and why.search(done.stderr):
        return []
    return [f"it ended with {done.returncode}, and said {done.stderr.strip()[-300:]!r}"]


if __name__ == "__main__":
    main()
