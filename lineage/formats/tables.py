"""Results as rows, and rows as aligned text, CSV, Markdown or JSON Lines."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

from lineage.describe import ModelPage
from lineage.family import Common, Edge, Family, Paths
from lineage.formats.text import columns_wide, number, printable
from lineage.lists import DefectList, ModelList
from lineage.statistics import FamilyCount, Statistics, license_label

Cell = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and their rows; `title` and `notes` stand above and below in text."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    title: str = ""
    notes: tuple[str, ...] = ()


@singledispatch
def as_table(result: object) -> Table:
    """A result as rows."""
    raise TypeError(f"no table of a {type(result).__name__}")


@as_table.register
def _(family: Family) -> Table:
    rows = [
        (m.depth, m.id, m.relation, m.via, m.evidence, license_label(m.licenses, m.license_name), m.downloads, m.state)
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
    return Table(
        ("ancestor", "nearest", *(f"steps from {m}" for m in common.models), "license", "downloads", "state"),
        rows,
        notes=() if rows else ("no common ancestor is known",),
    )


@as_table.register
def _(page: ModelPage) -> Table:
    facts = page.facts
    rows: list[tuple[Cell, ...]] = [
        ("model", page.asked),
        ("page", f"https://huggingface.co/{facts.id}"),
        ("state", facts.state),
        ("license", license_label(facts.licenses, facts.license_name)),
    ]
    if facts.license_link:
        rows.append(("license_link", facts.license_link))
    rows += [("base_model", _edge_words(edge)) for edge in page.parents]
    rows += [("derivatives", f"{count:,} {relation}") for relation, count in page.children.items()]
    shown = (
        "downloads likes created_at last_modified pipeline_tag library_name gated private disabled sha hub_id new_version"
    ).split()
    rows += [(name, getattr(facts, name)) for name in shown if getattr(facts, name) is not None]
    rows += [("datasets", ", ".join(facts.datasets))] if facts.datasets else []
    rows += [("also called", f"{name} ({evidence})") for name, evidence in page.names.items()]
    rows += [("defect", f"{d.kind}: {d.field} {d.value!r}: {d.reason}") for d in page.defects]
    rows += [("seen", f"{facts.first_seen or '?'} to {facts.last_seen or '?'}, by {facts.source}")] if facts.source else []
    return Table(("fact", "value"), rows)


@as_table.register
def _(models: ModelList) -> Table:
    rows = [
        (m.id, license_label(m.licenses, m.license_name), m.downloads, (m.created_at or "")[:10] or None, m.state)
        for m in models.models
    ]
    return Table(("model", "license", "downloads", "created", "state"), rows, notes=_more(models.total - len(rows)))


@as_table.register
def _(defects: DefectList) -> Table:
    rows = [(d.kind, d.model, d.field, d.value, d.reason) for d in defects.defects]
    notes = _more(defects.total - len(rows))
    return Table(("kind", "model", "field", "value", "reason"), rows, notes=notes)


@as_table.register
def _(count: FamilyCount) -> Table:
    rows = [(c.name, c.value, c.definition) for c in count.counts]
    return Table(("count", "models", "definition"), rows, title=_title(count.asked, count.data_date))


@as_table.register
def _(statistics: Statistics) -> Table:
    rows = [(s.name, label, value) for s in statistics.sections for label, value in s.rows]
    return Table(("section", "label", "count"), rows, title=_title(statistics.asked, statistics.data_date))


def more_paths(paths: Paths) -> tuple[str, ...]:
    """What is to be said below paths of which not all are shown."""
    if paths.total is None:
        return ("the number of paths is not known: a cycle lies between",)
    return _more(paths.total - len(paths.paths))


def _edge_words(edge: Edge) -> str:
    declared = "" if edge.declared == edge.parent else f", declared as {edge.declared}"
    return f"{edge.parent} ({edge.relation}; {edge.evidence}{declared})"


def _more(left_out: int) -> tuple[str, ...]:
    return (f"… and {left_out:,} more",) if left_out > 0 else ()


def _title(asked: tuple[str, ...], date: str | None) -> str:
    roots = "the whole registry" if not asked else ", ".join(asked[:3])
    more = f" and {len(asked) - 3:,} more roots" if len(asked) > 3 else ""
    return f"{roots}{more}, data of {(date or 'an unknown date')[:10]}"


def text_table(table: Table) -> str:
    """Aligned columns; a column of numbers stands to the right, one without any value is left out."""
    kept = [i for i in range(len(table.columns)) if any(row[i] is not None for row in table.rows)]
    cells = [[_shown(row[i]) for i in kept] for row in table.rows]
    header = [printable(table.columns[i]) for i in kept]
    widths = [max(map(columns_wide, column)) for column in zip(header, *cells, strict=True)]
    right = [all(isinstance(row[i], int | None) for row in table.rows) for i in kept]
    lines = [_aligned(line, widths, right) for line in [header, *cells]] if kept else []
    above = [printable(table.title), ""] if table.title else []
    return "\n".join([*above, *lines, *table.notes])


def _aligned(cells: list[str], widths: list[int], right: list[bool]) -> str:
    padded = (
        " " * (width - columns_wide(cell)) + cell if to_right else cell + " " * (width - columns_wide(cell))
        for cell, width, to_right in zip(cells, widths, right, strict=True)
    )
    return "  ".join(padded).rstrip()


def _shown(value: Cell) -> str:
    if value is None:
        return "?"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, int) else printable(value)


def csv_table(table: Table) -> str:
    """CSV after RFC 4180; text that a spreadsheet would take for a formula begins with an apostrophe.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([[_harmless(cell) for cell in row] for row in table.rows])
    return text.getvalue().rstrip("\n")


def _harmless(cell: Cell) -> Cell:
    if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{cell}"
    return cell


def markdown_table(table: Table) -> str:
    """A GitHub Markdown table; nothing in a cell is markup."""
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    rows = ["| " + " | ".join(_markdown(cell) if i != 1 else "---" for cell in row) + " |" for i, row in enumerate(lines)]
    above = [_markdown(table.title), ""] if table.title else []
    below = ["", *table.notes] if table.notes else []
    return "\n".join([*above, *rows, *below])


def _markdown(cell: Cell) -> str:
    text = "" if cell is None else _shown(cell)
    for mark in "\\`*_{}[]<>#|!~":
        text = text.replace(mark, f"\\{mark}" if mark not in "<>" else {"<": "&lt;", ">": "&gt;"}[mark])
    return text


def json_lines(table: Table) -> str:
    """One JSON object a row."""
    objects: list[dict[str, Any]] = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in objects)
