"""The pass over many models comes to what the walk up from each comes to, and tells where a finding begins."""

from pathlib import Path
from random import Random

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from crawler.load import import_files
from lineage.ancestry import read_ancestry
from lineage.claims import Claims
from lineage.inheritance import judge_ancestry
from lineage.judgement import Judgement
from lineage.offenders import Offenders
from lineage.verdicts import Verdicts
from registry.bulk import Columns, everything, gathered
from registry.database import reading
from tests.lineage.worlds import World, ancestry_of, finetunes, model, worlds

SNAPSHOT = Path(__file__).parents[2] / "crawler" / "data" / "snapshot.jsonl.gz"


class Judged:
    """The verdicts of a few models, asked and told by key."""

    def __init__(self, columns: Columns) -> None:
        self.keys: list[int] = columns.keys.tolist()
        self._places = {key: place for place, key in enumerate(self.keys)}
        self._verdicts = Verdicts(columns, Claims(columns))
        self._offenders = Offenders(self._verdicts)

    def judgements(self, key: int) -> tuple[Judgement, ...]:
        return tuple(self._keyed(j) for j in self._verdicts.judgements(self._places[key]))

    def offender(self, key: int, judgement: Judgement) -> int:
        place = None if judgement.key is None else self._places[judgement.key]
        return self.keys[self._offenders.of(self._places[key], judgement._replace(key=place))]

    def brought(self, key: int) -> list[tuple[str, int]]:
        place = self._places[key]
        reach = self._verdicts.reach
        return [
            (license, self.keys[model])
            for license, model in zip(reach.shape(place).licenses, reach.models(place), strict=False)
        ]

    def opaque_above(self, key: int) -> list[int]:
        place = self._places[key]
        shape, models = self._verdicts.reach.shape(place), self._verdicts.reach.models(place)
        return [self.keys[model] for model in models[len(shape.licenses) : len(shape.licenses) + shape.opaque]]

    def in_one_go(self) -> list[tuple[int, Judgement, int]]:
        """Each model with each of its judgements and where that begins, as the scoreboard asks for it."""
        cases = [self._verdicts.cases[case].judgements for case in self._verdicts.case.tolist()]
        every = [judgement for judgements in cases for judgement in judgements]
        places = np.repeat(np.arange(len(cases)), [len(judgements) for judgements in cases])
        begins = self._offenders.of_all(places, np.arange(len(every)), every).tolist()
        return [
            (self.keys[place], self._keyed(*self._verdicts.placed(place, [judgement])), self.keys[offender])
            for place, judgement, offender in zip(places.tolist(), every, begins, strict=True)
        ]

    def _keyed(self, judgement: Judgement) -> Judgement:
        return judgement if judgement.key is None else judgement._replace(key=self.keys[judgement.key])


@settings(max_examples=500)
@given(worlds())
def test_the_pass_and_a_walk_from_each_model_come_to_the_same(world: World) -> None:
    steps, briefs = world
    verdicts = Judged(gathered(steps, briefs))
    for key in briefs:
        ancestry = ancestry_of(key, steps, briefs)
        assert set(verdicts.judgements(key)) == set(judge_ancestry(ancestry)), key
        assert sorted(verdicts.brought(key)) == sorted(ancestry.origins())
        assert sorted(verdicts.opaque_above(key)) == sorted(ancestry.opaque)
    assert verdicts.in_one_go() == [
        (key, judgement, verdicts.offender(key, judgement))
        for key in sorted(briefs)
        for judgement in verdicts.judgements(key)
    ]


@given(worlds(), st.randoms())
def test_the_pass_does_not_depend_on_the_order_of_its_input(world: World, random: Random) -> None:
    steps, briefs = world
    mixed, keys = list(steps), list(briefs)
    random.shuffle(mixed)
    random.shuffle(keys)
    one, other = Judged(gathered(steps, briefs)), Judged(gathered(mixed, {key: briefs[key] for key in keys}))
    for key in briefs:
        assert one.judgements(key) == other.judgements(key)
        assert [one.offender(key, j) for j in one.judgements(key)] == [
            other.offender(key, j) for j in other.judgements(key)
        ]


@given(worlds(), st.data())
def test_verdicts_on_some_are_those_on_all(world: World, data: st.DataObject) -> None:
    steps, briefs = world
    columns = gathered(steps, briefs)
    some = data.draw(st.lists(st.sampled_from(range(len(columns.keys)))))
    one, other = Verdicts(columns, Claims(columns)), Verdicts(columns, Claims(columns), some=np.array(some, np.int64))
    assert [other.judgements(place) for place in some] == [one.judgements(place) for place in some]


def test_every_model_of_the_snapshot_gets_the_verdict_that_it_gets_alone(registry: Engine) -> None:
    import_files(registry, [SNAPSHOT], seen="2026-08-22T00:00:00Z", progress=lambda dump, models: None)
    with reading(registry) as connection:
        verdicts = Judged(everything(connection))
        every = 1 if registry.dialect.name == "sqlite" else 4  # a walk takes four times as long on a server
        different = [
            key
            for key in verdicts.keys[::every]
            if set(verdicts.judgements(key)) != set(judge_ancestry(read_ancestry(connection, key)))
        ]
    assert len(verdicts.keys) > 16_000
    assert different == []


def test_what_stands_on_a_cycle_reaches_what_is_below_it_and_all_who_have_it_there_brought_it() -> None:
    briefs = {
        1: model(1, "a/One", "qwen-research"),
        2: model(2, "b/Two", "qwen-research", "mit"),
        3: model(3, "c/Below", "mit"),
        4: model(4, "d/Me", "apache-2.0"),
    }
    verdicts = Judged(gathered(finetunes((1, 2), (2, 1), (3, 1), (4, 3)), briefs))
    assert verdicts.brought(4) == [("mit", 2), ("qwen-research", 1), ("qwen-research", 2)]
    assert verdicts.brought(1) == [("mit", 2), ("qwen-research", 2)]


def test_a_finding_begins_at_the_first_model_on_the_way_down_that_dropped_the_terms() -> None:
    briefs = {
        1: model(1, "Qwen/Root", "qwen-research"),
        2: model(2, "a/Right", "qwen-research"),
        3: model(3, "b/First", "apache-2.0"),
        4: model(4, "c/Copy", "apache-2.0"),
        5: model(5, "d/Me", "apache-2.0"),
    }
    verdicts = Judged(gathered(finetunes((2, 1), (3, 2), (4, 3), (5, 4)), briefs))
    begins = {key: {verdicts.offender(key, j) for j in verdicts.judgements(key) if j.objects} for key in briefs}
    assert begins == {1: set(), 2: set(), 3: {3}, 4: {3}, 5: {3}}


def test_each_of_two_parents_answers_for_what_came_by_it() -> None:
    briefs = {
        1: model(1, "Qwen/Root", "qwen-research"),
        2: model(2, "a/Drops", "apache-2.0"),
        3: model(3, "meta-llama/Root", "llama3.1"),
        4: model(4, "b/Merge", "apache-2.0"),
    }
    verdicts = Judged(gathered(finetunes((2, 1), (4, 2), (4, 3)), briefs))
    begins = {(j.license, verdicts.offender(4, j)) for j in verdicts.judgements(4) if j.objects}
    assert begins == {("qwen-research", 2), ("llama3.1", 4)}


def test_an_unknown_ancestor_is_where_its_finding_begins() -> None:
    briefs = {1: model(1, "a/Lost", "who-knows"), 2: model(2, "b/Mid", "mit"), 3: model(3, "c/Me", "mit")}
    verdicts = Judged(gathered(finetunes((2, 1), (3, 2)), briefs))
    assert [verdicts.offender(3, j) for j in verdicts.judgements(3) if j.objects] == [1]
