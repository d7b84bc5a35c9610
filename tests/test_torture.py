"""Each part of the report on reliability, in a version of seconds, so that it can be made at any time."""

import pytest

from torture.__main__ import page
from torture.answers import answers, complaints
from torture.dirt import dirt, shapes
from torture.graphs import asked
from torture.registries import chain, circles


def test_every_query_answers_or_refuses() -> None:
    found = asked(circles(), ["license LOW", "audit --all --claim any", "common LOW LOWER", "show x/y"])
    assert [answer.wrong for answer in found] == [None] * 4
    assert [answer.status for answer in found] == [0, 1, 0, 2]


def test_what_is_left_out_is_told() -> None:
    (answer,) = asked(chain(300, labelled=False), ["ancestors LOW"])
    assert answer.left_out == "└─ … and 199 more"
    assert 10 < answer.memory < 500


def test_what_this_process_holds_is_not_that_of_others() -> None:
    held = b"x" * 800_000_000
    (answer,) = asked(circles(), ["show x/y"])
    assert 10 < answer.memory < 500
    assert len(held) == 800_000_000


def test_what_goes_wrong_is_told() -> None:
    (answer,) = asked(circles(), ["no-such-command"])
    assert answer.status == 2
    assert answer.wrong is None


def test_odd_answers_end_no_command_badly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torture.answers._BRIEF", 22)
    part = answers(brief=True)
    assert part.failures == ()
    assert part.text.startswith("22 times")


@pytest.mark.parametrize(
    ("status", "said", "seconds", "complaint"),
    [
        (0, "saved 1 model\n", 1, []),
        (2, "note: this\nlineage: no answer\n", 1, []),
        (2, "Usage: lineage\n", 1, ["refused without a line: Usage: lineage"]),
        (70, "lineage: internal error\n", 1, ["ended with 70: lineage: internal error"]),
        (1, "Traceback (most recent call last)\nTypeError\n", 1, ["ended with 1: TypeError"]),
        (0, "saved \x1b[2J\n", 1, ["steers the terminal: 'saved \\x1b[2J\\n'"]),
        (0, "", 99, ["took 99 s"]),
    ],
)
def test_what_should_not_be_said_to_an_odd_answer(status: int, said: str, seconds: float, complaint: list[str]) -> None:
    assert list(complaints(status, said, seconds)) == complaint


def test_dirt_is_accounted_for() -> None:
    part = dirt(brief=True)
    assert part.failures == ()
    assert "card: base_model" in part.text
    assert len(list(shapes())) > 150


def test_a_part_takes_its_place_in_the_page() -> None:
    written = page("", "dirt", "## Dirt\n\nsome\n")
    written = page(written, "fuzzing", "## Fuzzing\n\n<!-- none -->\n")
    again = page(written, "dirt", "## Dirt\n\nless\n")
    assert again.startswith("# Reliability\n")
    assert again.index("## Fuzzing\n\n<!-- none -->\n") < again.index("<!-- dirt -->\n## Dirt\n\nless\n")
    assert "some" not in again
    assert page(again, "dirt", "## Dirt\n\nless\n") == again
