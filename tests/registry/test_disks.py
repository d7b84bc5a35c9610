"""Disks that are full, or may only be read: one line, and nothing torn. A disk is a small tmpfs, in a namespace of its
own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, SNAPSHOT
from tests.families import api_row

_LINEAGE = f"{sys.executable} -m lineage"


def _on_a_disk(disk: Path, kilobytes: int, script: str) -> subprocess.CompletedProcess[str]:
    """Run a script where a disk of this size is mounted. Only Linux lets anybody do so, and not in every container:
    nothing else ends a write as a full disk does. Where it cannot be tried it is left out; CI has to."""
    disk.mkdir()
    mount = f"mount -t tmpfs -o size={kilobytes}k tmpfs {disk} || exit 77\ncd {CHECKOUT}\n"
    command = ["unshare", "-rm", "sh", "-c", mount + script]
    can = shutil.which("unshare") and subprocess.run([*command[:-1], mount], capture_output=True, check=False)
    if not os.environ.get("CI") and (not can or can.returncode):
        pytest.skip("no disk can be mounted here")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    return done


def _few_models(folder: Path) -> Path:
    """A dump of a small family."""
    dump = folder / "few.jsonl"
    rows = [api_row("me/Base"), *(api_row(f"me/M{n}", ["me/Base"]) for n in range(300))]
    dump.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return dump


@pytest.mark.parametrize("kilobytes", [300, 3_000])
@pytest.mark.parametrize("kind", ["import", "copy"])
def test_a_full_disk_is_told_and_tears_nothing(tmp_path: Path, kilobytes: int, kind: str) -> None:
    disk, source = tmp_path / "disk", tmp_path / "source.db"
    db = disk / "registry.db"
    command = f"import -q {SNAPSHOT} --db {db}"
    if kind == "copy":
        run = [sys.executable, "-m", "lineage", "import", "-q", str(SNAPSHOT), "--db", str(source)]
        subprocess.run(run, cwd=CHECKOUT, check=True)
        command = f"db copy {source} {db}"
    script = f"{_LINEAGE} {command}\necho $?\ntest ! -e {db} || {_LINEAGE} db check --db {db}\n"
    done = _on_a_disk(disk, kilobytes, script)
    status, *checked = done.stdout.splitlines()
    assert status == "2", done.stderr
    assert "has no room left on its disk: make room" in done.stderr
    assert "damaged" not in done.stderr
    assert checked in ([], ["the registry is whole"])


def test_an_export_that_has_no_room_leaves_nothing(tmp_path: Path) -> None:
    source, disk = tmp_path / "source.db", tmp_path / "disk"
    run = [sys.executable, "-m", "lineage", "import", "-q", str(_few_models(tmp_path)), "--db", str(source)]
    subprocess.run(run, cwd=CHECKOUT, check=True)
    done = _on_a_disk(disk, 16, f"{_LINEAGE} export {disk}/export --db {source}\necho $?\nls -A {disk}\n")
    assert done.stdout == "2\n"
    assert done.stderr.startswith(f"lineage: cannot write {disk}/export (")
    assert done.stderr.count("\n") == 1


def test_a_registry_that_may_only_be_read_is_read_and_not_written(tmp_path: Path) -> None:
    disk, dump = tmp_path / "disk", _few_models(tmp_path)
    db = f"--db {disk}/registry.db"
    script = f"""
{_LINEAGE} import -q {dump} {db} || exit 1
{_LINEAGE} count me/Base {db} > {tmp_path}/before
mount -o remount,ro {disk}
{_LINEAGE} count me/Base {db} | diff {tmp_path}/before - && echo same
{_LINEAGE} db check {db}
{_LINEAGE} import -q {dump} {db}
echo $?
{_LINEAGE} import -q {dump} --db {disk}/new.db
echo $?
"""
    done = _on_a_disk(disk, 30_000, script)
    assert done.stdout.splitlines() == ["same", "the registry is whole", "2", "2"], done.stderr
    first, second = done.stderr.splitlines()
    assert first.startswith(f"lineage: {disk}/registry.db is read-only: copy it")
    assert second.startswith(f"lineage: cannot use {disk}/new.db (Read-only file system): name another place")
