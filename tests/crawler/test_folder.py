"""Model folders: what their content is called, and what is no model folder."""

import hashlib
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from crawler.folder import FolderError, Hashed, read_folder
from registry.records import RegistryError
from tests.crawler.folders import SHA, adapter, finetune, merge, safetensors, write


def refused(path: Path) -> str:
    with pytest.raises(FolderError) as caught:
        read_folder(path)
    said = str(caught.value)
    assert isinstance(caught.value, RegistryError)
    assert said.isprintable()
    assert ": " in said  # ends with the way out
    return said


# Content


def test_the_digest_is_of_names_and_content_alone(tmp_path: Path) -> None:
    first = read_folder(merge(tmp_path / "one"))
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    for path in (tmp_path / "two").iterdir():
        os.utime(path, (1, 1))
    write(
        tmp_path / "two",
        {".git/HEAD": "x", ".cache/huggingface/x": "x", "sub/__pycache__/x.pyc": "x", ".DS_Store": "x"},
    )
    assert read_folder(tmp_path / "two") == first
    lines = "".join(
        f"{hashlib.sha256((tmp_path / 'one' / f.path).read_bytes()).hexdigest()}  {f.path}\n" for f in first.files
    )
    assert first.digest == hashlib.sha256(lines.encode()).hexdigest()
    for change in ({"model.safetensors": safetensors({"format": "PT"})}, {"sub/new.txt": ""}):
        write(tmp_path / "two", change)
        assert read_folder(tmp_path / "two").digest != first.digest
    (tmp_path / "one" / "config.json").rename(tmp_path / "one" / "config2.json")
    assert read_folder(tmp_path / "one").digest != first.digest


def test_progress_counts_bytes(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", {"a.bin": b"x" * 2_500_000, "b.bin": b"y", "c.bin": b""})
    told: list[tuple[int, int]] = []
    read = read_folder(folder, lambda done, total: told.append((done, total)))
    assert told[0] == (0, 2_500_001)
    assert told[-1] == (2_500_001, 2_500_001)
    assert len(told) == 5
    assert read.files[0] == Hashed("a.bin", 2_500_000, hashlib.sha256(b"x" * 2_500_000).hexdigest())


def test_a_large_sparse_readme(tmp_path: Path) -> None:
    folder = write(tmp_path / "m", {"README.md": "---\nlicense: mit\n---\n"})
    os.truncate(folder / "README.md", 200_000_000)
    read = read_folder(folder)
    assert read.card == {"license": "mit"}
    assert read.files[0].size == 200_000_000


def test_names_that_are_no_text(tmp_path: Path) -> None:
    told = {
        b"a\nb.txt": "a\\nb.txt",
        b"a\\nb.txt": "a\\\\nb.txt",
        "é — 漢字.txt".encode(): "é — 漢字.txt",
        b"\x1b[31m.txt": "\\x1b[31m.txt",
        "\u202e.txt".encode(): "\\u202e.txt",
    }
    if sys.platform != "darwin":  # whose file systems refuse names that are no UTF-8
        told[b"\xff.txt"] = "\\xff.txt"
    (tmp_path / "m").mkdir()
    for name in told:
        Path(os.fsdecode(bytes(tmp_path / "m") + b"/" + name)).write_bytes(b"x")
    read = read_folder(tmp_path / "m")
    paths = [file.path for file in read.files]
    assert set(paths) == set(told.values())
    assert paths == sorted(paths)
    assert all(path.isprintable() for path in paths)


# What is no model folder


def test_places_that_are_no_folders(tmp_path: Path) -> None:
    (tmp_path / "empty" / ".git").mkdir(parents=True)
    write(tmp_path, {"x.txt": "x", "pytorch_model.bin": "x"})
    os.mkfifo(tmp_path / "x.gguf")
    assert "No such file" in refused(tmp_path / "missing")
    assert "No such file" in refused(tmp_path / "miss\ning\udcff")
    assert "is no path" in refused(Path("a\0b"))
    assert "holds no files" in refused(tmp_path / "empty")
    for name in ("x.txt", "pytorch_model.bin", "x.gguf"):
        assert "is no folder: give" in refused(tmp_path / name)
    (tmp_path / "loop").symlink_to("loop")
    assert "check the path" in refused(tmp_path / "loop")


def test_links_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("x")
    (tmp_path / "m-of-another").mkdir()
    for target in (tmp_path / "secret", tmp_path / "m-of-another", "../secret", "/etc/passwd", "/dev/zero", "/"):
        folder = adapter(tmp_path / "m")
        (folder / "link").symlink_to(target)
        said = refused(folder)
        assert "link leads out of the folder" in said
        assert "put its file in its place" in said
        shutil.rmtree(folder)


@pytest.mark.parametrize("target", ["missing", "link"])
def test_links_to_nowhere(tmp_path: Path, target: str) -> None:
    folder = adapter(tmp_path / "m")
    (folder / "link").symlink_to(target)
    assert "leads nowhere" in refused(folder)


def test_links_within_the_folder(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "m")
    (folder / "sub").mkdir()
    (folder / "sub" / "again.safetensors").symlink_to("../adapter_model.safetensors")
    (folder / "sub" / "up").symlink_to("..")
    (folder / "here").symlink_to(".")
    (tmp_path / "link").symlink_to(folder)
    read = read_folder(tmp_path / "link")
    assert [file.path for file in read.files][-1] == "sub/again.safetensors"
    assert len(read.files) == 4


def cached(tmp_path: Path, model: str = "models--me--my-lora") -> tuple[Path, Path]:
    """A download as huggingface_hub keeps it: a snapshot of links to blobs."""
    cache = tmp_path / model
    snapshot = cache / "snapshots" / SHA
    plain = adapter(tmp_path / "plain")
    for path in plain.iterdir():
        blob = cache / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        write(blob.parent, {blob.name: path.read_bytes()})
        snapshot.mkdir(parents=True, exist_ok=True)
        (snapshot / path.name).symlink_to(f"../../blobs/{blob.name}")
    return snapshot, plain


def test_a_snapshot_in_the_hubs_cache(tmp_path: Path) -> None:
    snapshot, plain = cached(tmp_path)
    assert read_folder(snapshot) == read_folder(plain)
    (snapshot / "other").symlink_to("../../../plain/README.md")
    assert "leads out of the folder" in refused(snapshot)


def test_what_only_looks_like_a_snapshot(tmp_path: Path) -> None:
    snapshot, plain = cached(tmp_path, "me--my-lora")
    assert "leads out of the folder" in refused(snapshot)
    blobs = tmp_path / "models--x" / "blobs"
    lure = tmp_path / "models--x" / "snapshots" / SHA
    lure.mkdir(parents=True)
    blobs.symlink_to(plain)
    (lure / "README.md").symlink_to("../../blobs/README.md")
    assert "leads out of the folder" in refused(lure)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize("make", [os.mkfifo, make_socket])
@pytest.mark.parametrize("name", ["README.md", "x.gguf", "sub/x"])
def test_what_is_no_file_is_refused_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None], name: str
) -> None:
    folder = finetune(tmp_path / "m")
    (folder / "sub").mkdir()
    monkeypatch.chdir(folder)  # the path of a socket must be short
    make(Path(name))
    assert "is a pipe, a socket or a device: move it" in refused(folder)
    (folder / "link").symlink_to(name)
    assert "is a pipe, a socket or a device: move it" in refused(folder)


@contextmanager
def not_as_root() -> Iterator[None]:
    """Root may read everything."""
    mine = os.geteuid()
    os.seteuid(65534 if mine == 0 else mine)
    try:
        yield
    finally:
        os.seteuid(mine)


def test_what_may_not_be_read() -> None:
    with TemporaryDirectory() as place:  # pytest's own folders are closed to others
        Path(place).chmod(0o755)
        folder = adapter(Path(place) / "m")
        (folder / "README.md").chmod(0)
        with not_as_root():
            assert "(Permission denied): make it readable" in refused(folder)
        (folder / "README.md").chmod(0o644)
        (folder / "sub").mkdir(mode=0)
        with not_as_root():
            assert "(Permission denied): make it readable" in refused(folder)
        (folder / "sub").chmod(0o700)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def replace(path: Path) -> None:
    other = path.with_name("other")
    shutil.copy2(path, other)
    other.replace(path)


CHANGES: list[Callable[[Path], None]] = [append, replace, Path.unlink, lambda path: os.truncate(path, 1_500_000)]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["a.bin", "b.bin"])
def test_a_file_that_changes_while_it_is_read(tmp_path: Path, change: Callable[[Path], None], name: str) -> None:
    folder = write(tmp_path / "m", {"a.bin": b"x" * 3_000_000, "b.bin": b"y" * 3_000_000})
    changed: list[int] = []

    def meanwhile(done: int, total: int) -> None:
        if done > 1_000_000 and not changed:
            changed.append(done)
            change(folder / name)

    with pytest.raises(FolderError, match="read it again when nothing writes to the folder"):
        read_folder(folder, meanwhile)


def test_an_error_of_the_one_who_is_told_is_his(tmp_path: Path) -> None:
    def broken(done: int, total: int) -> None:
        if done:
            raise BrokenPipeError("mine")

    with pytest.raises(BrokenPipeError, match="mine"):
        read_folder(adapter(tmp_path / "m"), broken)


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crawler.folder._MOST_FILES", 10)
    write(tmp_path / "m", {f"{n % 3}/{n}.txt": "x" for n in range(7)})
    assert len(read_folder(tmp_path / "m").files) == 7
    write(tmp_path / "m", {"one-more.txt": "x"})
    assert "over 10 files and folders: give the folder of one model" in refused(tmp_path / "m")


def test_deep_folders(tmp_path: Path) -> None:
    deep = [f"{tmp_path}/m" + "/d" * n for n in range(1_200)]
    for folder in deep:
        os.mkdir(folder)
    Path(deep[-1], "x.txt").write_text("x")
    assert read_folder(tmp_path / "m").files[0].path == "d/" * 1_199 + "x.txt"
    os.remove(f"{deep[-1]}/x.txt")
    for folder in reversed(deep):  # shutil.rmtree would recurse
        os.rmdir(folder)


def test_without_hashing_it_says_the_same_but_for_the_sums(tmp_path: Path) -> None:
    told: list[int] = []
    whole = read_folder(merge(tmp_path / "one"))
    bare = read_folder(tmp_path / "one", lambda done, total: told.append(done), hashing=False)
    assert told == [0]
    assert bare.digest == ""
    assert bare.files == tuple(Hashed(file.path, file.size, "") for file in whole.files)
    assert (bare.card, bare.clues, bare.facts, bare.defects) == (whole.card, whole.clues, whole.facts, whole.defects)
