"""The part of the reliability report about kills, in a tiny version."""

from torture.kills import run


def test_the_part_tells_where_kills_hit_and_finds_nothing() -> None:
    part = run(models=200, times=1, only=("crawl", "db copy"))
    assert part.failures == ()
    assert part.text.startswith("4 times a command")
    assert "| crawl, SQLite | " in part.text
    assert "| db copy, PostgreSQL | " in part.text
