"""Disks that are full, and registries that may only be read: one line, nothing torn, and what was there goes on.

A disk is a file system in memory, which Linux lets anybody mount in a namespace of one's own: `python -m torture.disks
MODELS TIMES` runs in such a one, and prints what came of it as JSON. PostgreSQL refuses to run as root, and in a
namespace where there is nobody else: its disk is tried by root only.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from shutil import disk_usage, rmtree, which
from typing import NamedTuple

from sqlalchemy import make_url, select

from benchmarks.servers import postgresql
from registry.tables import DERIVATIONS, MODELS
from torture.parts import Part, table
from torture.places import Files, Places, Server
from torture.works import Work, digest_of, hub, opened, recovered, works

_CHECKOUT = Path(__file__).parents[1]
#: The room on a disk that is not full, in bytes.
_ROOM = 2**30
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
ever. (A disk of PostgreSQL's is tried where the torture is run by root: the server refuses to be root itself.)
"""
#: As root, and as anybody who is root in a namespace alone.
_NAMESPACES = (["unshare", "--mount"], ["unshare", "--mount", "--map-root-user"])


class _Came(NamedTuple):
    """What came of a run: whether it was refused, and what was wrong with that."""

    refused: bool
    wrong: list[str]


@dataclass
class _Tally:
    """Lines of the table, how often what was tried on registries that may only be read, and what was wrong."""

    rows: list[tuple[object, ...]] = field(default_factory=list)
    writers: int = 0
    readers: int = 0
    failures: list[str] = field(default_factory=list)

    def add(self, name: str, came: Iterable[_Came]) -> None:
        """A line of the table."""
        runs = list(came)
        refused = sum(run.refused for run in runs)
        self.rows.append((name, len(runs), refused, len(runs) - refused))
        self.failures += [f"{name}, on a full disk: {wrong}" for run in runs for wrong in run.wrong]


class _Disk:
    """A file system in memory, which has room until told otherwise."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def mounted(self) -> Iterator[None]:
        """Meanwhile it is there."""
        self.path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", str(self.path)], check=True)
        try:
            yield
        finally:
            subprocess.run(["umount", "--lazy", str(self.path)], check=True)

    @property
    def used(self) -> int:
        """What is taken of it, in bytes."""
        return disk_usage(self.path).used

    @contextmanager
    def left(self, room: int) -> Iterator[None]:
        """Meanwhile there are only so many bytes."""
        self._remount(f"size={self.used + max(room, 1)}")
        yield
        self._remount(f"size={_ROOM}")

    def lock(self) -> None:
        """Let nobody write any more."""
        self._remount("ro")

    def _remount(self, option: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.path)], check=True)


def disks(brief: bool) -> Part:
    """Both, where a disk can be mounted; `brief` with one run of each command."""
    models, times = (500, 1) if brief else (8_000, 8)
    namespace = next(filter(_can_mount, _NAMESPACES), None)
    if namespace is None:
        return Part("Disks", "Not done.", ("no disk can be mounted: that takes Linux, and the right to a namespace",))
    words = [sys.executable, "-m", "torture.disks", str(models), str(times)]
    done = subprocess.run([*namespace, *words], stdout=subprocess.PIPE, text=True, cwd=_CHECKOUT, check=True)
    tally = _Tally(**json.loads(done.stdout))
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        Path(name).chmod(0o755)  # PostgreSQL runs as another user than root
        with postgresql(Path(name) / "server") as url, hub(models) as running:
            made = list(works(Server(url), Path(name), running.url, models))
            _locked(tally, Server(url), made, _may_only_read)
    columns = ("command", "runs", "refused", "got along")
    text = _TEXT.format(models=models, table=table(columns, tally.rows), writers=tally.writers, readers=tally.readers)
    return Part("Disks", text.strip(), tuple(tally.failures))


def main() -> None:
    """What comes of disks without room, and of those that may only be read."""
    models, times = map(int, sys.argv[1:])
    tally = _Tally()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name, hub(models) as running:
        folder = Path(name)
        folder.chmod(0o755)
        disk = _Disk(folder / "disk")
        with disk.mounted():
            (folder / "files").mkdir()
            made = list(works(Files(folder / "files"), folder, running.url, models))
            _crowded(tally, Files(disk.path), made, disk, times)
            for words in _OUTPUTS:
                tally.add(f"`{words}`", _written_to_a_full_disk(words, _full(made), disk, times))
            _locked(tally, Files(disk.path), made, lambda place: _behind(disk, place))
        disk = _Disk(folder / "servers")
        if _somebody_else():
            with disk.mounted(), postgresql(disk.path / "server") as url:
                made = list(works(Server(url), folder, running.url, models))
                _crowded(tally, Server(url), made, disk, times)
    print(json.dumps(asdict(tally)))


def _can_mount(namespace: Sequence[str]) -> bool:
    mount = [*namespace, "mount", "-t", "tmpfs", "tmpfs", tempfile.gettempdir()]
    return bool(which("unshare")) and subprocess.run(mount, capture_output=True, check=False).returncode == 0


def _somebody_else() -> bool:
    """Whether there are users but root."""
    return int(Path("/proc/self/uid_map").read_text().split()[2]) > 1


def _full(made: Sequence[Work]) -> str:
    """The registry that has models in it."""
    return next(work.before for work in made if work.name == "register" and work.before)


def _crowded(tally: _Tally, places: Places, made: Sequence[Work], disk: _Disk, times: int) -> None:
    """Run commands that change a registry, with ever more room, but less than they need."""
    for work in made:
        tally.add(f"{work.name}, {places.name}", _on_a_full_disk(work, places, disk, times))


def _on_a_full_disk(work: Work, places: Places, disk: _Disk, times: int) -> Iterator[_Came]:
    whole = work.placed(places)
    used = disk.used
    _expect_well(_run(*work.arguments(whole)))
    needed, end = max(_LEAST, disk.used - used), digest_of(whole)
    for number in range(times):
        db = work.placed(places)
        with disk.left(int(needed * (number + 0.5) / times)):
            done = _run(*work.arguments(db))
        yield _Came(done.returncode == 2, [*_ended(done, _NO_ROOM), *recovered(work, db, end)])
        places.remove(db)
    places.remove(whole)


def _written_to_a_full_disk(words: str, db: str, disk: _Disk, times: int) -> Iterator[_Came]:
    """Run a command that writes a file where one is already, or a folder."""
    folder = Path(tempfile.mkdtemp(dir=disk.path))
    model = _some_model(db)

    def write(name: str) -> tuple[Path, subprocess.CompletedProcess[str]]:
        out = next(name + word.removeprefix("OUT") for word in words.split() if word.startswith("OUT"))
        if not words.startswith("export"):
            (folder / out).write_text("before")
        given = [model if w == "MODEL" else str(folder / out) if w.startswith("OUT") else w for w in words.split()]
        return folder / out, _run(*given, "--db", db)

    used = disk.used
    _expect_well(write("whole")[1])
    needed = max(_LEAST // 4, disk.used - used)
    for number in range(times):
        with disk.left(int(needed * (number + 0.5) / times)):
            out, done = write(f"out{number}")
        refused = done.returncode == 2
        wrong = _ended(done, _NO_ROOM)
        if refused and (out.exists() if words.startswith("export") else out.read_text() != "before"):
            wrong.append("it left a file that is not whole")
        if list(folder.glob(".lineage-*")):
            wrong.append("it left a draft")
        yield _Came(refused, wrong)
    rmtree(folder)


def _locked(tally: _Tally, places: Places, made: Sequence[Work], lock: Callable[[str], str]) -> None:
    """Run commands on registries that may only be read: `lock` gives the name of one, where nothing can be written."""
    given = {work: work.placed(places) for work in made}
    before = {work: digest_of(db, timeless=False) for work, db in given.items()}
    full = next(db for work, db in given.items() if work.name == "register")
    asked = [words.replace("MODEL", _some_model(full)).split() for words in _READERS]
    answers = [_expect_well(_run(*words, "--db", full)) for words in asked]
    locked = {work: lock(db) for work, db in given.items()}
    for work, db in given.items():
        wrong = _refusal(_run(*work.arguments(locked[work])), _READ_ONLY)
        wrong += ["it changed the registry"] if digest_of(db, timeless=False) != before[work] else []
        tally.failures += [f"{work.name}, {places.name} that may only be read: {one}" for one in wrong]
    for words, answer in zip(asked, answers, strict=True):
        done = _run(*words, "--db", lock(full))
        if done.stdout != answer:
            said = done.stderr.strip()
            tally.failures.append(f"{' '.join(words)}, {places.name} that may only be read: {said!r}")
    tally.writers += len(given)
    tally.readers += len(asked)


def _behind(disk: _Disk, place: str) -> str:
    disk.lock()
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
