"""`lineage license --fetch` over real HTTP: the model and all that it was made from, and nothing else."""

import json
from pathlib import Path

import pytest

from tests.crawler.crawls import models_asked, token_of_the_tests
from tests.fakehub.server import FakeHub
from tests.families import api_row
from tests.lineage.calls import lineage, refusal

ROWS = [
    api_row("Qwen/Root", license="other", cardData={"license": "other", "license_name": "qwen-research"}),
    api_row("a/Mid", ["Qwen/Root"], license="apache-2.0"),
    api_row("b/Me", ["a/Mid"], license="apache-2.0"),
    api_row("c/Other", ["a/Mid"], license="apache-2.0"),
]


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    token_of_the_tests(monkeypatch)


def test_what_is_missing_is_fetched_first(tmp_path: Path) -> None:
    db = tmp_path / "new.db"
    with FakeHub(ROWS) as hub:
        done = lineage("license", "b/Me", "--fetch", "--endpoint", hub.url, "--db", db, "-f", "json")
        assert models_asked(hub) == ["b/Me", "a/Mid", "Qwen/Root"]
    assert (done.exit_code, done.stderr) == (0, "fetched 3 models in 3 requests\n")
    found = json.loads(done.stdout)
    assert (found["verdict"], found["class"]) == ("restriction-dropped", "violation")
    assert found["findings"][0]["path"] == ["b/Me", "a/Mid", "Qwen/Root"]
    offline = lineage("license", "B/ME", "--db", db, "-f", "json")
    assert json.loads(offline.stdout) == found


def test_an_ancestor_that_the_hub_does_not_have_stays_unknown(tmp_path: Path) -> None:
    db = tmp_path / "new.db"
    with FakeHub([api_row("b/Me", cardData={"base_model": "gone/Lost", "license": "mit"})]) as hub:
        done = lineage("license", "b/Me", "--fetch", "--endpoint", hub.url, "--db", db, "-f", "json")
    assert json.loads(done.stdout)["verdict"] == "unknown"


def test_a_model_that_the_hub_does_not_have_is_said_in_one_line(tmp_path: Path) -> None:
    db = tmp_path / "new.db"
    with FakeHub(ROWS) as hub:
        said = refusal("license", "no/Such", "--fetch", "--endpoint", hub.url, "--db", db)
    assert said == "the Hub shows us no model no/Such: is the name right, or the model private?"


def test_a_fetched_answer_may_be_asked_for_with_a_question(tmp_path: Path) -> None:
    with FakeHub(ROWS) as hub:
        db = tmp_path / "new.db"
        done = lineage("license", "b/Me", "--fetch", "--may-i", "mit", "--endpoint", hub.url, "--db", db)
    assert (done.exit_code, done.stdout.splitlines()[0]) == (1, "b/Me: may it be published as mit? no")
