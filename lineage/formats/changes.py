"""Changes as rows and as text."""

from lineage.changes import Change, Changes, History
from lineage.formats.rows import Cell, Table, text_table
from lineage.formats.tables import as_table, as_text, more_left
from lineage.formats.text import number, printable
from lineage.watch import News

_COLUMNS = ("change", "model", "from", "to", "after", "by")


@as_table.register
def _(found: History) -> Table:
    rows = [(change.field, change.old, change.new, *_days(change)) for change in found.changes]
    return Table(
        ("change", "from", "to", "after", "by"), rows, title=_looked_at(found),
        notes=() if rows else ("nothing is known to have changed",),
    )  # fmt: skip


@as_table.register
def _(found: Changes) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (change.field, change.model, change.old, change.new, *_days(change)) for change in found.changes
    ]
    rows += [("new", new.id, None, _day(new.created_at), None, _day(new.first_seen)) for new in found.added]
    return Table(_COLUMNS, rows, title=_title(found), notes=more_left(sum(found.more.values())))


@as_table.register
def _(found: News) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (what, turn.model, _standing(turn.before, turn.before_grade), _standing(turn.after, turn.grade), None, None)
        for what, turns in (("worse", found.worse), ("better", found.better))
        for turn in turns
    ]
    changed = as_table(found.changes)
    return Table(_COLUMNS, [*rows, *changed.rows], notes=changed.notes)


@as_text.register
def _(found: News) -> str:
    parts = []
    for words, turns in (("verdicts that got worse", found.worse), ("verdicts that got better", found.better)):
        rows = [
            (
                turn.model,
                _standing(turn.before, turn.before_grade),
                _standing(turn.after, turn.grade),
                ", ".join(turn.because_of) or None,
            )
            for turn in turns
        ]
        if rows:
            parts.append(f"{words}\n{_indented(Table(('model', 'before', 'now', 'because of'), rows))}")
    return "\n\n".join([*(parts or ["no verdict turned"]), as_text(found.changes)])


@as_text.register
def _(found: Changes) -> str:
    counts = [*found.counts.items(), *([("new", found.new)] if found.new else [])]
    if not counts:
        return f"{printable(_title(found))}\n\nnothing is known to have changed"
    parts = [f"{printable(_title(found))}\n{', '.join(f'{number(count)} {_CALLED[name]}' for name, count in counts)}"]
    for field in found.counts:
        rows = [(c.model, c.old, c.new, *_days(c)) for c in found.changes if c.field == field]
        if rows:
            notes = more_left(found.counts[field] - len(rows))
            parts.append(f"{field}\n{_indented(Table(('model', 'from', 'to', 'after', 'by'), rows, notes=notes))}")
    if found.weeks:
        weeks = Table(("made in the week of", "models"), list(found.weeks.items()))
        added = [(new.id, new.downloads, _day(new.created_at), _day(new.first_seen)) for new in found.added]
        models = Table(("model", "downloads", "created", "first seen"), added, notes=more_left(found.more["new"]))
        parts.append(f"new\n{_indented(weeks)}\n\n{_indented(models)}")
    return "\n\n".join(parts)


#: What so many changes of a field are called.
_CALLED = {
    "gone": "gone",
    "missing": "missing",
    "returned": "returned",
    "name": "renamed",
    "license": "with another licence label",
    "base_model": "with other base models",
    "gated": "gated otherwise",
    "disabled": "disabled or no longer",
    "new": "new",
}


def _standing(verdict: str, grade: str) -> str:
    return f"{verdict} ({grade})"


def _indented(table: Table) -> str:
    return "\n".join(f"  {line}" for line in text_table(table).split("\n"))


def _days(change: Change) -> tuple[str | None, str | None]:
    """The days between which something happened; the time too, if it is one day."""
    after, by = change.after, change.by
    if after and by and after[:10] == by[:10]:
        return after[:16].replace("T", " "), by[:16].replace("T", " ")
    return _day(after), _day(by)


def _day(time: str | None) -> str | None:
    return time[:10] if time else None


def _looked_at(found: History) -> str:
    days = dict.fromkeys(_day(time) or "an unknown date" for time in (found.first_seen, found.last_seen))
    return f"{found.asked}, seen {' to '.join(days)}"


def _title(found: Changes) -> str:
    what = f"about {', '.join(found.asked)}" if found.asked else "the whole registry"
    unknown = "an unknown date"
    return f"{what} since {found.since[:10] or unknown}, data of {_day(found.data_date) or unknown}"
