"""What models were seen as before is kept, whatever came in which order."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from lineage.changes import differences, history
from registry.database import reading
from registry.spans import Span, all_spans, past_spans, stored_parents, with_sight
from registry.tables import MODELS, SIGHTS
from tests.databases import Files
from tests.families import api_row, content, edges, emptied, save

DAYS = [f"2026-01-{day:02}T00:00:00Z" for day in range(1, 29)]


def past(engine: Engine, model: str) -> list[tuple[str | None, str | None, dict[str, Any]]]:
    """The runs of a model before the one that holds now: first and last day, and what was seen."""
    with reading(engine) as connection:
        key = connection.execute(MODELS.select().where(MODELS.c.repo_id == model)).one().key
        spans = past_spans(connection, stored_parents(connection, [key]))[key]
    return [(span.since and span.since[8:10], span.until and span.until[8:10], span._asdict()) for span in spans]


def since(engine: Engine) -> dict[str, str | None]:
    with reading(engine) as connection:
        rows = connection.execute(SIGHTS.join(MODELS, MODELS.c.key == SIGHTS.c.model_key).select())
        return {row.repo_id: row.since and row.since[8:10] for row in rows}


def runs(engine: Engine, model: str, fact: str) -> list[tuple[str | None, str | None, Any]]:
    return [(first, last, facts[fact]) for first, last, facts in past(engine, model)]


def test_a_changed_licence(registry: Engine) -> None:
    save(registry, [api_row("me/M", license="mit")], seen=DAYS[0])
    save(registry, [api_row("me/M", license="mit", likes=7)], seen=DAYS[3])
    assert past(registry, "me/M") == []
    save(registry, [api_row("me/M", license="gemma")], seen=DAYS[6])
    save(registry, [api_row("me/M", license="gemma")], seen=DAYS[9])
    save(registry, [api_row("me/M", license="apache-2.0")], seen=DAYS[12])
    assert runs(registry, "me/M", "licenses") == [("01", "04", '["mit"]'), ("07", "10", '["gemma"]')]
    assert since(registry) == {"me/M": "13"}


def test_what_is_not_followed_makes_no_past(registry: Engine) -> None:
    save(registry, [api_row("me/M", license="mit")], seen=DAYS[0])
    save(registry, [api_row("me/M", license="mit", downloads=9, likes=3, sha="a" * 40)], seen=DAYS[1])
    assert past(registry, "me/M") == []
    assert since(registry) == {"me/M": None}


def test_changed_parents(registry: Engine) -> None:
    save(registry, [api_row("me/M", ["a/Base"], license="mit")], seen=DAYS[0])
    save(registry, [api_row("me/M", ["a/Base"], license="gemma")], seen=DAYS[1])
    save(registry, [api_row("me/M", ["b/Base"], "quantized", license="gemma")], seen=DAYS[2])
    found = [(facts["licenses"], [parent[:2] for parent in facts["parents"]]) for _, _, facts in past(registry, "me/M")]
    assert found == [('["mit"]', [("a/Base", "finetune")]), ('["gemma"]', [("a/Base", "finetune")])]


def test_gone_and_back_again(registry: Engine) -> None:
    gone = {"id": "me/M", "observation": {"source": "test", "seen": DAYS[2], "gone": True}}
    save(registry, [api_row("me/M", license="mit")], seen=DAYS[0])
    save(registry, [gone], seen=DAYS[2])
    save(registry, [api_row("me/M", license="mit")], seen=DAYS[4])
    assert runs(registry, "me/M", "state") == [("01", "01", "listed"), ("03", "03", "gone")]
    assert runs(registry, "me/M", "licenses") == [("01", "01", '["mit"]'), ("03", "03", '["mit"]')]


def test_another_name(registry: Engine) -> None:
    save(registry, [api_row("me/Old", _id="1" * 24)], seen=DAYS[0])
    save(registry, [api_row("me/New", _id="1" * 24)], seen=DAYS[4])
    assert runs(registry, "me/New", "name") == [("01", "01", "me/Old")]


def test_a_name_that_was_only_named_has_no_past(registry: Engine) -> None:
    save(registry, [api_row("me/M", ["a/Base"])], seen=DAYS[0])
    save(registry, [api_row("a/Base", license="mit")], seen=DAYS[1])
    assert past(registry, "a/Base") == []


def test_two_rows_of_one_time_are_one_sight(registry: Engine) -> None:
    first, then = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"
    save(registry, [api_row("me/M", license="mit", lastModified=first)], seen=DAYS[5])
    save(registry, [api_row("me/M", license="gemma", lastModified=then)], seen=DAYS[5])
    assert past(registry, "me/M") == []


def test_a_dump_of_before(registry: Engine) -> None:
    save(registry, [api_row("me/M", license="mit"), api_row("me/N", license="mit")], seen=DAYS[9])
    save(registry, [api_row("me/M", license="gemma"), api_row("me/N", license="mit")], seen=DAYS[2])
    assert runs(registry, "me/M", "licenses") == [("03", "03", '["gemma"]')]
    assert past(registry, "me/N") == []
    assert since(registry) == {"me/M": "10", "me/N": None}
    save(registry, [api_row("me/M", license="gemma")], seen=DAYS[1])
    assert runs(registry, "me/M", "licenses") == [("02", "03", '["gemma"]')]


def test_a_model_that_was_two_keeps_the_past_of_both(registry: Engine) -> None:
    save(registry, [api_row("me/New", ["p/A"], _id=None, license="mit")], seen=DAYS[0])
    save(registry, [api_row("me/New", ["p/A"], _id=None, license="gemma")], seen=DAYS[1])
    save(registry, [api_row("me/Old", ["p/B"], _id="1" * 24, license="gemma")], seen=DAYS[2])
    save(registry, [api_row("me/New", ["p/B"], _id="1" * 24, license="gemma")], seen=DAYS[3])
    found = [
        (first, facts["name"], facts["licenses"], facts["parents"][0].name)
        for first, _, facts in past(registry, "me/New")
    ]
    assert found == [
        ("01", "me/New", '["mit"]', "p/A"),
        ("02", "me/New", '["gemma"]', "p/A"),
        ("03", "me/Old", '["gemma"]', "p/B"),
    ]
    assert since(registry)["me/New"] == "04"


def span(first: str | None, last: str | None, value: str) -> Span:
    return Span(first, last, "me/M", "listed", None, None, value, None, None, ())


def grown(values: Sequence[str]) -> list[Span]:
    """The runs of sights that came day after day."""
    spans: list[Span] = []
    for day, value in zip(DAYS, values, strict=False):
        if spans and spans[-1].licenses == value:
            spans[-1] = spans[-1]._replace(until=day)
        else:
            spans.append(span(day, day, value))
    return spans


VALUES = st.lists(st.sampled_from("abc"), min_size=1, max_size=10)


@given(VALUES)
def test_sights_from_the_newest_to_the_oldest_make_the_same_runs(values: list[str]) -> None:
    last = len(values) - 1
    spans = [span(DAYS[last], DAYS[last], values[last])]
    for at in reversed(range(last)):
        spans = with_sight(spans, span(DAYS[at], DAYS[at], values[at]))
    assert spans == grown(values)


@given(VALUES, st.data())
def test_a_sight_that_was_missed_is_put_in_its_place(values: list[str], data: st.DataObject) -> None:
    missed = data.draw(st.integers(0, len(values) - 1))
    days = [(day, value) for at, (day, value) in enumerate(zip(DAYS, values, strict=False)) if at != missed]
    spans: list[Span] = []
    for day, value in days:
        spans = [*spans[:-1], spans[-1]._replace(until=day)] if spans and spans[-1].licenses == value else [
            *spans, span(day, day, value)
        ]  # fmt: skip
    if missed == len(values) - 1:
        return
    after = with_sight(spans, span(DAYS[missed], DAYS[missed], values[missed]))
    for day, value in zip(DAYS, values, strict=False):
        then = [one for one in after if (one.since or "") <= day][-1]
        known = next((one for one in grown(values) if (one.since or "") <= day <= (one.until or "")), None)
        assert known is not None
        if day in {one.since for one in after} | {one.until for one in after}:
            assert then.licenses == value
    assert all(one.licenses != other.licenses for one, other in pairwise(after))
    times = [time for one in after for time in (one.since, one.until)]
    assert times == sorted(times, key=str)


def test_a_sight_within_a_run_parts_it() -> None:
    spans = [span(DAYS[0], DAYS[8], "a"), span(DAYS[10], DAYS[12], "b")]
    assert with_sight(spans, span(DAYS[4], DAYS[4], "c")) == [
        span(DAYS[0], DAYS[0], "a"),
        span(DAYS[4], DAYS[4], "c"),
        span(DAYS[8], DAYS[8], "a"),
        span(DAYS[10], DAYS[12], "b"),
    ]
    assert with_sight(spans, span(DAYS[9], DAYS[9], "b")) == [spans[0], span(DAYS[9], DAYS[12], "b")]
    assert with_sight(spans, span(DAYS[8], DAYS[8], "c")) == spans


GONE = {"observation": {"gone": True}, "tags": None, "cardData": None}
SILENT = {"tags": None, "cardData": None}


@st.composite
def sights(draw: st.DrawFn) -> list[tuple[str, dict[str, Any]]]:
    """Days, and what a model was seen as on each: some sights say nothing of its licence and parents."""
    number = draw(st.integers(1, 6))
    found = []
    for day in DAYS[:number]:
        said: dict[str, Any] = draw(st.sampled_from([GONE, SILENT, {}, {}]))
        parents = draw(st.lists(st.sampled_from(["a/Base", "b/Base"]), max_size=1))
        license = draw(st.sampled_from([None, "mit", "gemma"]))
        found.append(
            (day, api_row("me/M", parents, license=license, gated=draw(st.sampled_from([None, False])), **said))
        )
    return found


def spans_of(engine: Engine) -> list[Span]:
    with reading(engine) as connection:
        key = connection.execute(MODELS.select().where(MODELS.c.repo_id == "me/M")).one().key
        return all_spans(connection, [key])[key]


def on(spans: Sequence[Span], day: str | None) -> Span:
    return [span for span in spans if (span.since or "") <= (day or "")][-1]


@settings(max_examples=50, phases=[Phase.explicit, Phase.generate])
@given(sights(), st.data())
def test_silent_sights_in_any_order(sqlite: Files, days: list[tuple[str, dict[str, Any]]], data: st.DataObject) -> None:
    """Of a run only the ends are kept, so a change may be missed, but none is told that never was."""
    with sqlite.registry() as engine:
        for day, row in days:
            save(engine, [row], seen=day)
        model, parents, spans = content(engine)["models"], edges(engine), spans_of(engine)
        emptied(engine)
        for day, row in data.draw(st.permutations(days)):
            save(engine, [row], seen=day)
        assert (content(engine)["models"], edges(engine)) == (model, parents)
        for change in history(engine, "me/M").changes:
            then, later = (on(spans, day) for day in (change.after, change.by))
            said = [(one.field, one.old, one.new) for one in differences("me/M", then, later, None)]
            assert (change.field, change.old, change.new) in said
