"""The part of the reliability report about faults, in a tiny version; and the faults that it draws."""

from collections import Counter

from tests.fakehub.faults import Seen
from torture.chance import TROUBLE, Chance, kinds_met
from torture.faults import Course, run


def page(chance: Chance) -> Seen:
    seen = Seen("GET", "/api/models", "", None)
    seen.met = chance(seen)
    return seen


def test_faults_of_every_kind_are_drawn_alike() -> None:
    drawn = [page(Chance(1, TROUBLE, "http://stranger", most=200)) for _ in range(3)]
    assert len({str(seen.met) for seen in drawn}) == 1
    chance = Chance(1, TROUBLE, "http://stranger", most=200)
    met: Counter[str] = kinds_met(page(chance) for _ in range(1_000))
    assert 200 <= met.total() < 207
    assert len(met) >= len(TROUBLE)
    single = Chance(2, TROUBLE, "http://stranger", most=200)
    for _ in range(200):
        fault = single(Seen("GET", "/api/models/me/M", "", None))
        assert fault is None or fault.kind not in {"elsewhere", "twice", "missing"}


def test_the_part_tells_what_was_met_and_finds_nothing() -> None:
    part = run([Course(2, 60, 6, shifting=True)])
    assert part.failures == ()
    assert "A second host" in part.text
    assert "| crawl family | 1 | " in part.text
