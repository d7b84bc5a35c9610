"""Disks that are full: one line, and nothing torn. A disk is a small tmpfs, in a namespace of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import CHECKOUT, SNAPSHOT

_SCRIPT = """
mount -t tmpfs -o size={kilobytes}k tmpfs {folder} || exit 77
cd {checkout}
{python} -m lineage {command}
echo $?
test ! -e {db} || {python} -m lineage db check --db {db}
"""


@pytest.mark.parametrize("kilobytes", [300, 3_000])
@pytest.mark.parametrize("kind", ["import", "copy"])
def test_a_full_disk_is_told_and_tears_nothing(tmp_path: Path, kilobytes: int, kind: str) -> None:
    disk, source = tmp_path / "disk", tmp_path / "source.db"
    disk.mkdir()
    db = disk / "registry.db"
    command = f"import -q {SNAPSHOT} --db {db}"
    if kind == "copy":
        run = [sys.executable, "-m", "lineage", "import", "-q", str(SNAPSHOT), "--db", str(source)]
        subprocess.run(run, cwd=CHECKOUT, check=True)
        command = f"db copy {source} {db}"
    script = _SCRIPT.format(
        kilobytes=kilobytes, folder=disk, checkout=CHECKOUT, python=sys.executable, command=command, db=db
    )
    done = subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)
    if done.returncode in {1, 77} and "lineage" not in done.stderr:
        pytest.skip("no disk can be mounted here")
    status, *checked = done.stdout.splitlines()
    assert status == "2", done.stderr
    assert "has no room left on its disk: make room" in done.stderr
    assert "damaged" not in done.stderr
    assert "Traceback" not in done.stderr
    assert checked in ([], ["the registry is whole"])
