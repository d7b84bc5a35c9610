"""Results as rows of named columns."""

from functools import singledispatch

from lineage.describe import ModelPage
from lineage.family import Common, Edge, Family, Paths
from lineage.formats.rows import Cell, Table, text_table
from lineage.formats.text import number, printable
from lineage.lists import DefectList, ModelList
from lineage.overview import Overview
from lineage.statistics import FamilyCount, Statistics, license_label
from registry.records import State

#: Facts of a model that stand under their own name.
_SHOWN = (
    "downloads likes created_at last_modified pipeline_tag library_name gated private disabled sha hub_id new_version"
).split()

_UNITS = {"downloads": "downloads, last 30 days"}


@singledispatch
def as_table(result: object) -> Table:
    """A result as rows."""
    raise TypeError(f"a {type(result).__name__} has no table")


@as_table.register
def _(family: Family) -> Table:
    labels = {label.partition("@")[0]: label for label in family.roots}
    rows = [
        (
            m.depth,
            labels.get(m.id, m.id),
            m.relation,
            m.via,
            m.evidence,
            license_label(m.licenses, m.license_name),
            m.downloads,
            m.state,
        )
        for m in family.members
    ]
    left_out = sum(family.hidden.values())
    return Table(
        ("depth", "model", "relation", "from" if family.direction == "descendants" else "of", "evidence",
         "license", "downloads", "state"),
        rows,
        notes=(f"… and {left_out:,} more",) if left_out else (),
    )  # fmt: skip


@as_table.register
def _(paths: Paths) -> Table:
    rows = [
        (index, step, edge.child, edge.relation, edge.parent, edge.evidence)
        for index, path in enumerate(paths.paths, 1)
        for step, edge in enumerate(path, 1)
    ]
    return Table(("path", "step", "model", "relation", "base_model", "evidence"), rows, notes=more_paths(paths))


@as_table.register
def _(common: Common) -> Table:
    rows = [
        (a.id, a.nearest, *a.depths, license_label(a.licenses, a.license_name), a.downloads, a.state)
        for a in common.ancestors
    ]
    steps = tuple(f"steps from {number}" for number in range(1, len(common.models) + 1))
    return Table(
        ("ancestor", "nearest", *steps, "license", "downloads", "state"),
        rows,
        title=", ".join(f"{number}: {model}" for number, model in enumerate(common.models, 1)),
        notes=() if rows else ("no common ancestor is known",),
    )


@as_table.register
def _(page: ModelPage) -> Table:
    facts = page.facts
    rows: list[tuple[Cell, ...]] = [
        ("model", page.asked),
        *([] if facts.state == State.REGISTERED else [("page", f"https://huggingface.co/{facts.id}")]),
        ("state", facts.state),
        ("license", license_label(facts.licenses, facts.license_name)),
    ]
    if facts.license_link:
        rows.append(("license_link", facts.license_link))
    rows += [("base_model", _edge_words(edge)) for edge in page.parents]
    rows += [(f"direct derivatives, {relation}", count) for relation, count in page.children.items()]
    rows += [(_UNITS.get(name, name), getattr(facts, name)) for name in _SHOWN if getattr(facts, name) is not None]
    rows += [("datasets", ", ".join(facts.datasets))] if facts.datasets else []
    rows += [("made with", ", ".join(facts.tools))] if facts.tools else []
    rows += [("also called", f"{name} ({evidence})") for name, evidence in page.names.items()]
    rows += [("defect", f"{d.kind}: {d.field} {d.value!r}: {d.reason}") for d in page.defects]
    if facts.source:
        days = (facts.first_seen or "?", facts.last_seen or "?")
        rows.append(("seen", f"{' to '.join(dict.fromkeys(days))}, last by {facts.source}"))
    return Table(("fact", "value"), rows)


@as_table.register
def _(models: ModelList) -> Table:
    rows = [
        (m.id, license_label(m.licenses, m.license_name), m.downloads, (m.created_at or "")[:10] or None, m.state)
        for m in models.models
    ]
    notes = more_left(models.total - len(rows)) if rows else ("no model is like that",)
    return Table(("model", "license", "downloads", "created", "state"), rows, notes=notes)


@as_table.register
def _(defects: DefectList) -> Table:
    rows = [(d.kind, d.model, d.field, d.value, d.reason) for d in defects.defects]
    notes = more_left(defects.total - len(rows)) if rows else ("no defect is known",)
    return Table(("kind", "model", "field", "value", "reason"), rows, notes=notes)


@as_table.register
def _(overview: Overview) -> Table:
    rows: list[tuple[Cell, ...]] = [("registry", "", overview.registry), ("schema", "", overview.schema_version)]
    rows.append(("data of", "", overview.data_date or "nothing imported yet"))
    for kind, counts in (("models", overview.models), ("edges", overview.edges), ("defects", overview.defects)):
        rows += [(kind, label, count) for label, count in counts.items()]
    rows.append(("names", "other names of models", overview.names))
    for run in overview.runs:
        done = f"{number(run.models)} models, {number(run.new)} new, {number(run.changed)} changed"
        ended = f"ended {run.finished_at}" if run.finished_at else "did not end"
        rows.append((run.command, f"{run.source} of {run.seen}", f"{done}, {ended}"))
    return Table(("fact", "of", "value"), rows)


@as_table.register
def _(count: FamilyCount) -> Table:
    rows = [(c.name, c.value, c.definition) for c in count.counts]
    return Table(("count", "models", "definition"), rows, title=_title(count.asked, count.roots, count.data_date))


@as_table.register
def _(statistics: Statistics) -> Table:
    rows = [(s.name, label, value) for s in statistics.sections for label, value in s.rows]
    notes = tuple(f"{s.name}: {note}" for s in statistics.sections for note in more_left(s.more))
    title = _title(statistics.asked, statistics.roots, statistics.data_date)
    return Table(("section", "label", "count"), rows, title=title, notes=notes)


def more_paths(paths: Paths) -> tuple[str, ...]:
    """What is to be said below paths of which not all are shown, or in place of them."""
    if paths.total == 0:
        return (f"{printable(paths.ancestor)} is not an ancestor of {printable(paths.model)}, as far as is known",)
    if paths.total is None:
        return ("the number of paths is not known: a cycle lies between",)
    return more_left(paths.total - len(paths.paths))


def _edge_words(edge: Edge) -> str:
    declared = "" if edge.declared == edge.parent else f", declared as {edge.declared}"
    return f"{edge.parent} ({edge.relation}; {edge.evidence}{declared})"


def more_left(left_out: int) -> tuple[str, ...]:
    """The note below rows of which so many are not shown."""
    return (f"… and {left_out:,} more",) if left_out > 0 else ()


def _title(asked: tuple[str, ...], roots: int, date: str | None) -> str:
    subject = ", ".join(asked) or "the whole registry"
    number_of_roots = f" ({roots:,} roots)" if roots > 1 else ""
    return f"{subject}{number_of_roots}, data of {date[:10] if date else 'an unknown date'}"


@singledispatch
def as_text(result: object) -> str:
    """A result as aligned text."""
    return text_table(as_table(result))


@as_text.register
def _(statistics: Statistics) -> str:
    parts = [printable(_title(statistics.asked, statistics.roots, statistics.data_date))]
    for section in statistics.sections:
        if section.rows:
            table = Table(("", ""), [(label, value) for label, value in section.rows], notes=more_left(section.more))
            lines = text_table(table).split("\n")[1:]
            parts.append("\n".join([f"{section.name}: {section.definition}", *(f"  {line}" for line in lines)]))
    return "\n\n".join(parts)
