"""Files of models over real HTTP: which are read, kept by commit, and what is said of those that cannot be had."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from crawler.evidence import RepoFiles, cache_folder, read_files
from crawler.files import LIMIT
from crawler.hub import Hub
from tests.crawler.crawls import TOKEN, token_of_the_tests
from tests.crawler.replies import server
from tests.fakehub.server import FakeHub
from tests.families import Row, api_row

SHA, LATER = "1" * 40, "2" * 40
TEXTS = {"LICENSE": "Do what you like.", "NOTICE.txt": "By us.", "model.safetensors": "\0", "docs/LICENSE": "no"}


def row(name: str, files: dict[str, Any] | None = None, **facts: Any) -> Row:
    """A model with files."""
    return api_row(name, sha=facts.pop("sha", SHA), files=TEXTS if files is None else files, **facts)


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)


def read(hub: FakeHub, cache: Path, *models: str) -> dict[str, RepoFiles]:
    with Hub(hub.url) as asked:
        return read_files(asked, models, cache)


def files_asked(hub: FakeHub) -> list[str]:
    return sorted(seen.path for seen in hub.requests if "/resolve/" in seen.path)


def test_licence_notice_and_readme_of_the_top_folder_are_read(tmp_path: Path) -> None:
    with FakeHub([row("me/Model", license="mit")]) as hub:
        found = read(hub, tmp_path, "me/Model")["me/Model"]
        assert files_asked(hub) == [
            f"/me/Model/resolve/{SHA}/{name}" for name in ("LICENSE", "NOTICE.txt", "README.md")
        ]
    assert (found.model, found.sha, found.problem) == ("me/Model", SHA, None)
    assert {file.path: file.text for file in found.files if file.path != "README.md"} == {
        "LICENSE": "Do what you like.",
        "NOTICE.txt": "By us.",
    }
    assert found.files[0].sha256 == hashlib.sha256(b"Do what you like.").hexdigest()
    assert not any(file.truncated for file in found.files)


@pytest.mark.parametrize("name", ["LICENCE", "license.md", "License-MIT", "COPYING", "USE_POLICY.md", "notice"])
def test_names_of_such_files_in_any_letter_case(tmp_path: Path, name: str) -> None:
    with FakeHub([row("me/Model", {name: "text"})]) as hub:
        assert name in [file.path for file in read(hub, tmp_path, "me/Model")["me/Model"].files]


def test_a_commit_is_read_once(tmp_path: Path) -> None:
    with FakeHub([row("me/Model")]) as hub:
        first = read(hub, tmp_path, "me/Model")
        before = len(files_asked(hub))
        assert read(hub, tmp_path, "me/Model") == first
        assert len(files_asked(hub)) == before
        hub.world.edit("me/Model", sha=LATER, files={"LICENSE": "Changed."})
        changed = read(hub, tmp_path, "me/Model")["me/Model"]
    assert (changed.sha, changed.files[0].text) == (LATER, "Changed.")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    rows = [
        row("a/Gated", gated="manual"),
        row("b/Off", disabled=True),
        row("c/Elsewhere", {"LICENSE": {"lfs": "https://elsewhere.invalid/x"}}),
        row("d/Binary", {"LICENSE": b"\0\1\2"}),
        row("e/Bare", {}),
    ]
    with FakeHub(rows) as hub:
        found = read(hub, tmp_path, "a/Gated", "b/Off", "c/Elsewhere", "d/Binary", "e/Bare", "no/Such")
    problems = {name: files.problem or "" for name, files in found.items()}
    assert "gated: ask for access" in problems["a/Gated"]
    assert "403" in problems["b/Off"]
    assert problems["c/Elsewhere"] == "LICENSE: kept elsewhere, not as text"
    assert problems["d/Binary"] == "LICENSE: no text"
    assert problems["e/Bare"] == ""
    assert problems["no/Such"] == "not on the Hub, or private"
    assert [file.path for file in found["c/Elsewhere"].files] == ["README.md"]


@pytest.mark.parametrize("siblings", [5, "LICENSE", {"rfilename": "LICENSE"}, [5, None, {"rfilename": ["LICENSE"]}]])
def test_a_list_of_files_that_is_none_holds_none(tmp_path: Path, siblings: object) -> None:
    body = json.dumps({"id": "me/M", "sha": SHA, "siblings": siblings}).encode()
    with server(lambda path: (200, {}, body)) as url, Hub(url) as hub:
        assert read_files(hub, ["me/M"], tmp_path) == {"me/M": RepoFiles("me/M", SHA)}


def test_the_token_is_sent_nowhere_else(tmp_path: Path) -> None:
    with FakeHub([]) as other, FakeHub([row("me/Model", {"LICENSE": {"lfs": f"{other.url}/x"}})]) as hub:
        read(hub, tmp_path, "me/Model")
        assert other.requests == []
        assert {seen.authorization for seen in hub.requests} == {f"Bearer {TOKEN}"}
    assert TOKEN not in "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())


def test_a_gated_model_is_asked_for_again_once_access_is_given(tmp_path: Path) -> None:
    with FakeHub([row("me/Model", gated="manual")]) as hub:
        assert read(hub, tmp_path, "me/Model")["me/Model"].files == ()
        hub.world.edit("me/Model", gated=False)
        assert read(hub, tmp_path, "me/Model")["me/Model"].files


def test_a_large_file_is_cut(tmp_path: Path) -> None:
    with FakeHub([row("me/Model", {"LICENSE": "x" * (LIMIT + 5)})]) as hub:
        (licence,) = [f for f in read(hub, tmp_path, "me/Model")["me/Model"].files if f.path == "LICENSE"]
    assert (len(licence.text), licence.truncated) == (LIMIT, True)


def test_a_renamed_model_is_followed(tmp_path: Path) -> None:
    with FakeHub([row("old/Name")]) as hub:
        hub.world.rename("old/Name", "new/Name")
        found = read(hub, tmp_path, "old/Name")["old/Name"]
    assert (found.model, found.files[0].text) == ("new/Name", "Do what you like.")


def test_files_whose_answers_fail_at_first_are_had_in_the_end(tmp_path: Path) -> None:
    with FakeHub([row("me/Model")]) as hub:
        hub.faults.status(503, times=1, skip=1)
        found = read(hub, tmp_path, "me/Model")["me/Model"]
    assert (found.problem, len(found.files)) == (None, 3)


def test_a_used_up_quota_of_files_is_waited_for_and_the_api_is_not(tmp_path: Path) -> None:
    with FakeHub([row("me/Model")], files_quota=2, window=1) as hub:
        found = read(hub, tmp_path, "me/Model")["me/Model"]
        # Those that were under way before the first answer told the quota are refused once.
        assert [seen.path for seen in hub.requests if seen.status == 429 and "/resolve/" not in seen.path] == []
        assert len(files_asked(hub)) <= 4
    assert len(found.files) == 3


@pytest.mark.parametrize(
    "broken", [b"", b"{", b"[]", b'{"model": 1}', b'{"files": [{}]}', b"\xff", b'{"model":"x","sha":"y","files":[]}']
)
def test_a_broken_entry_of_the_cache_is_read_anew(tmp_path: Path, broken: bytes) -> None:
    with FakeHub([row("me/Model")]) as hub:
        first = read(hub, tmp_path, "me/Model")
        (entry,) = tmp_path.rglob("*.json")
        entry.write_bytes(broken)
        assert read(hub, tmp_path, "me/Model") == first
    assert json.loads(entry.read_text())["sha"] == SHA


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with FakeHub([row("me/Model")]) as hub:
        assert len(read(hub, tmp_path / "file", "me/Model")["me/Model"].files) == 3


def test_hostile_names_stay_inside_the_cache_and_the_repository(tmp_path: Path) -> None:
    names = ["LICENSE\n../../x", "LICENSE\u202e", "LICENSE " + "x" * 200, "LICENSE?a=b#c", "../LICENSE"]
    with FakeHub([row("me/Model", dict.fromkeys(names, "text"))]) as hub:
        found = read(hub, tmp_path / "cache", "me/Model")["me/Model"]
        assert all(seen.path.startswith(("/api/models/me/Model", f"/me/Model/resolve/{SHA}/")) for seen in hub.requests)
    assert {file.path for file in found.files} == {
        "LICENSE\u202e",
        "LICENSE " + "x" * 200,
        "LICENSE?a=b#c",
        "README.md",
    } | ({"LICENSE\n../../x"} & {file.path for file in found.files})
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]


def test_no_more_than_some_files_of_a_model_are_asked_for(tmp_path: Path) -> None:
    with FakeHub([row("me/Model", {f"LICENSE-{n:02}": "text" for n in range(30)})]) as hub:
        read(hub, tmp_path, "me/Model")
        assert len(files_asked(hub)) == 12


def test_many_models_are_asked_for_a_request_each(tmp_path: Path) -> None:
    with FakeHub([row(f"me/M{n}", {}) for n in range(70)]) as hub:
        found = read(hub, tmp_path, *(f"me/M{n}" for n in range(70)), "me/M1")
        assert len(found) == 70
        assert len([seen for seen in hub.requests if seen.path.startswith("/api/")]) == 70


def test_the_cache_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LINEAGE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("LINEAGE_CACHE")
    assert cache_folder().name == "files"
