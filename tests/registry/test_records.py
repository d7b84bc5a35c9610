"""Records by columns are the same records."""

import pickle

from registry.records import Defect, ModelRecord, Parent, Records
from registry.sights import Sights, sights_of

ONE = ModelRecord("me/b", licenses=("mit",), parents=(Parent("me/a", "merge", "tag"),), source="hub", seen="2026-01-01")
TWO = ModelRecord("ME/A", hub_id="0" * 24, likes=7, defects=(Defect("bad-date", "createdAt", "x", "no"),), dated=False)
THREE = ModelRecord("me/a", gone=True)


def test_they_are_told_one_by_one_and_by_field() -> None:
    records = Records.of([ONE, TWO])
    assert list(records) == [ONE, TWO]
    assert len(records) == 2
    assert records.column("likes") == (None, 7)
    assert Records.of(records) is records


def test_in_the_order_of_names_in_any_letter_case() -> None:
    assert [record.repo_id for record in Records.by_name([ONE, TWO, THREE])] == ["ME/A", "me/a", "me/b"]


def test_several_together_and_none() -> None:
    none = Records.of([])
    assert (len(none), list(none), none.column("repo_id")) == (0, [], ())
    assert Records.joined([none, Records.of([ONE]), Records.of([TWO, THREE])]) == Records.of([ONE, TWO, THREE])
    assert Records.joined([]) == Records.joined([none, none]) == none


def test_they_cross_to_another_process() -> None:
    for records in (Records.of([ONE, TWO, THREE]), Records.of([])):
        assert pickle.loads(pickle.dumps(records)) == records


def test_sights_are_the_same_by_columns_and_one_by_one() -> None:
    sights = sights_of(Records.of([ONE, TWO, THREE]), seen="2026-09-25", source="dump")
    one, two, three = sights
    assert [(sight.seen, sight.values[-1], sight.state) for sight in sights] == [
        ("2026-01-01", "hub", "listed"),
        (None, "dump", "listed"),
        ("2026-09-25", "dump", "gone"),
    ]
    assert [sight.values[-2] for sight in sights] == [None] * 3
    assert one.record == ONE
    assert sights.states() == [sight.state for sight in sights]
    assert sights.silent() == [sight.silent for sight in sights] == [False, True, True]
    assert [list(facts) for facts in zip(*sights.facts(), strict=True)] == [list(sight.values[:-1]) for sight in sights]
    assert list(sights.take([2, 0])) == [three, one]
    assert list(sights.take([])) == []
    assert list(Sights.of([two, three])) == [two, three]
