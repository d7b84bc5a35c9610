"""A registry as it was on a day is what it would be if it had stopped then."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from registry.as_of import as_of
from registry.database import reading
from registry.names import UnknownModel, find_model, known_models
from registry.read import data_date, walk
from registry.records import RegistryError
from registry.spans import all_spans
from registry.tables import MODELS
from tests.databases import Files
from tests.families import Row, api_row, content, imported

DAYS = [f"2026-01-{day:02}T00:00:00Z" for day in range(1, 29)]
#: What is followed, and what is not: of a model as `content` has it.
_KEPT = ("repo_id", "hub_id", "author", "gated", "disabled", "licenses", "license_name", "state")


def world(engine: Engine) -> dict[str, Any]:
    """What a registry says of licences and lineage."""
    held = content(engine)
    columns = [column.name for column in MODELS.c if column.name != "key"]
    models = [{name: row[columns.index(name)] for name in _KEPT} for row in held["models"]]
    with reading(engine) as connection:
        keys = connection.scalars(MODELS.select().where(MODELS.c.state != "placeholder"))
        spans = sorted(
            (runs[-1].name, [(run.since, run.values) for run in runs])
            for runs in all_spans(connection, list(keys)).values()
        )
    return {"models": models, "derivations": held["derivations"], "names": held["names"], "spans": spans}


def stopped_at(engine: Engine, day: str) -> dict[str, Any]:
    with as_of(engine, day) as then:
        return world(then)


@contextmanager
def new(sqlite: Files) -> Iterator[Engine]:
    with sqlite.registry() as engine:
        yield engine


IDS = ["a/Base", "a/base", "b/Tuned", "c/Q", "d/Merge"]
LICENSES = st.sampled_from([None, "mit", "gemma", "apache-2.0"])


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """What one day brings of some models."""
    found = []
    for number, id in enumerate(IDS):
        if not draw(st.booleans()):
            continue
        name = draw(st.sampled_from([id, f"{id}-2"]))
        if draw(st.integers(0, 5)) == 0:
            found.append({"id": name, "_id": f"{number:024x}", "observation": {"gone": True}})
            continue
        parents = draw(st.lists(st.sampled_from(IDS), max_size=2, unique=True))
        tags: dict[str, Any] = draw(st.sampled_from([{}, {"tags": None}]))
        found.append(api_row(name, parents, license=draw(LICENSES), _id=f"{number:024x}", **tags))
    return found


@settings(max_examples=40, phases=[Phase.explicit, Phase.generate])
@given(st.lists(rows(), min_size=2, max_size=5))
def test_every_day_is_as_if_the_registry_had_stopped_then(sqlite: Files, days: list[list[Row]]) -> None:
    stops = []
    with new(sqlite) as engine:
        for seen, brought in zip(DAYS, days, strict=False):
            imported(engine, brought, seen)
            stops.append(world(engine))
        for day, (seen, stop) in enumerate(zip(DAYS, stops, strict=False)):
            if any(days[: day + 1]):
                assert stopped_at(engine, seen) == stop


def test_on_both_databases(registry: Engine) -> None:
    imported(registry, [api_row("a/Base", license="mit"), api_row("b/M", ["a/Base"], license="mit")], DAYS[0])
    stop = world(registry)
    imported(registry, [api_row("a/Base", license="gemma"), api_row("b/M", ["c/Other"], license="mit")], DAYS[5])
    assert stopped_at(registry, "2026-01-04") == stop
    assert stopped_at(registry, "2026-01-06T00:00:00Z") == world(registry)
    with as_of(registry, "2026-01-04", ["b/m"]) as then, reading(then) as connection:
        assert data_date(connection) == DAYS[0]
        ids = {row.repo_id for row in connection.execute(MODELS.select())}
    assert ids == {"a/Base", "b/M"}


def test_a_name_of_before_leads_to_what_was_called_so(registry: Engine) -> None:
    imported(registry, [api_row("a/Old", _id="1" * 24, license="mit"), api_row("b/M", ["a/Old"])], DAYS[0])
    imported(registry, [api_row("a/New", _id="1" * 24, license="mit")], DAYS[5])
    with as_of(registry, "2026-01-03", [], ["a/Old"]) as then, reading(then) as connection:
        key = connection.execute(MODELS.select().where(MODELS.c.repo_id == "a/Old")).one().key
        assert {brief.id for brief in walk(connection, [key], up=False)[1].values()} == {"a/Old", "b/M"}


def test_descendants_that_have_other_parents_today(registry: Engine) -> None:
    imported(registry, [api_row("a/Base"), api_row("b/M", ["a/Base"]), api_row("c/M", ["b/M"])], DAYS[0])
    imported(registry, [api_row("b/M", ["z/Other"])], DAYS[5])
    with as_of(registry, "2026-01-03", [], ["author:A"]) as then, reading(then) as connection:
        key = connection.execute(MODELS.select().where(MODELS.c.repo_id == "a/Base")).one().key
        assert {brief.id for brief in walk(connection, [key], up=False)[1].values()} == {"a/Base", "b/M", "c/M"}


def test_days_and_models_that_are_not_known(registry: Engine) -> None:
    with pytest.raises(RegistryError, match="no data yet"), as_of(registry, "2026-01-03"):
        pass
    imported(registry, [api_row("a/Base")], DAYS[9])
    imported(registry, [api_row("b/Late")], DAYS[11])
    with pytest.raises(RegistryError, match="nothing is known of 2026-01-03: the first data is of 2026-01-10"):
        stopped_at(registry, "2026-01-03")
    with pytest.raises(UnknownModel, match="b/Late was not known on 2026-01-11: ask for 2026-01-12"), as_of(
        registry, "2026-01-11", ["b/late"]
    ):  # fmt: skip
        pass
    with pytest.raises(UnknownModel, match="did you mean b/Late"), as_of(registry, "2026-01-11", ["b/latee"]):
        pass


def test_nothing_is_left_behind(registry: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    imported(registry, [api_row("a/Base")], DAYS[0])
    with as_of(registry, "2026-01-03"):
        assert list(tmp_path.iterdir()) != []
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_two_models_had_one_after_the_other(registry: Engine) -> None:
    one, two = "1" * 24, "2" * 24
    imported(registry, [api_row("o/X", _id=one)], DAYS[0])
    imported(registry, [api_row("o/Y", _id=one), api_row("o/X", _id=two)], DAYS[5])
    imported(registry, [api_row("o/Z", _id=one), api_row("o/X", _id=two)], DAYS[9])
    for day, hub_id in (("2026-01-03", one), ("2026-01-07", two), ("2026-01-20", two)):
        with as_of(registry, day, ["o/X"]) as then, reading(then) as connection:
            key = find_model(connection, "o/X").key
            assert connection.execute(MODELS.select().where(MODELS.c.key == key)).one().hub_id == hub_id


def test_names_that_may_mean_nothing(registry: Engine) -> None:
    old = "1" * 24
    rows = [
        api_row("a/Old", ["u/Unseen"], _id=old),
        api_row("b/Copied", ["c/Base"]),
        api_row("c/Base"),
        api_row("d/No"),
    ]
    imported(registry, [*rows, api_row("e/Child", ["f/Later"])], DAYS[0])
    imported(registry, [api_row("a/New", ["u/Unseen"], _id=old), api_row("f/Later"), api_row("g/Later")], DAYS[5])
    maybe = ["A/old@0123abc", "b/copied", "no/Body", "openai:gpt-4o", "f/Later", "g/Later"]
    with as_of(registry, "2026-01-03", [], maybe=maybe) as then, reading(then) as connection:
        held = {row.repo_id: str(row.state) for row in connection.execute(MODELS.select())}
        found = {name: model.repo_id for name, model in known_models(connection, maybe).items()}
    # f/Later was only named then, by e/Child; nobody knew g/Later; d/No is not asked about.
    assert held == {
        "a/Old": "listed", "u/Unseen": "placeholder", "b/Copied": "listed", "c/Base": "listed", "e/Child": "listed",
        "f/Later": "placeholder",
    }  # fmt: skip
    assert found == {"A/old@0123abc": "a/Old", "b/copied": "b/Copied", "f/Later": "f/Later"}
    with as_of(registry, "2026-01-03", ["u/Unseen"]) as then, reading(then) as connection:
        assert find_model(connection, "u/Unseen")  # as it is where nobody asks for a day
