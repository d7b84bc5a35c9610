"""Each part of the report on reliability, in a version of seconds, so that it can be made at any time."""

from torture.__main__ import page
from torture.dirt import dirt, shapes
from torture.graphs import asked
from torture.registries import chain, circles


def test_every_query_answers_or_refuses() -> None:
    answers = asked(circles(), ["license LOW", "audit --all --claim any", "common LOW LOWER", "show x/y"])
    assert [answer.wrong for answer in answers] == [None] * 4
    assert [answer.status for answer in answers] == [0, 1, 0, 2]


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
