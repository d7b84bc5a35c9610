"""Rows as aligned text, CSV, Markdown or JSON Lines."""

import csv
import html
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lineage.formats.text import columns_wide, json_text, number, printable

Cell = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and their rows; `title` and `notes` stand above and below in text."""

    columns: tuple[str, ...]
    rows: Sequence[tuple[Cell, ...]]
    title: str = ""
    notes: tuple[str, ...] = ()


def text_table(table: Table) -> str:
    """Aligned columns; a column of numbers stands to the right, one without any value is left out."""
    kept = [i for i in range(len(table.columns)) if any(row[i] is not None for row in table.rows)]
    cells = [[_shown(row[i]) for i in kept] for row in table.rows]
    header = [printable(table.columns[i]) for i in kept]
    widths = [max(map(columns_wide, column)) for column in zip(header, *cells, strict=True)]
    right = [all(isinstance(row[i], int | None) and not isinstance(row[i], bool) for row in table.rows) for i in kept]
    lines = [_aligned(line, widths, right) for line in [header, *cells]] if kept else []
    above = [printable(table.title), ""] if table.title else []
    return "\n".join([*above, *lines, *map(printable, table.notes)])


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
    """CSV after RFC 4180, one line a row; text that a spreadsheet would take for a formula begins with an apostrophe.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([[_harmless(cell) for cell in row] for row in table.rows])
    return text.getvalue().rstrip("\n")


def _harmless(cell: Cell) -> Cell:
    if not isinstance(cell, str):
        return cell
    text = printable(cell)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@") else text


def markdown_table(table: Table) -> str:
    """A GitHub Markdown table; nothing in a cell is markup."""
    lines = [table.columns, tuple("---" for _ in table.columns), *table.rows]
    rows = [
        "| " + " | ".join(markdown_text(cell) if i != 1 else "---" for cell in row) + " |"
        for i, row in enumerate(lines)
    ]
    above = [markdown_text(table.title), ""] if table.title else []
    below = ["", *map(markdown_text, table.notes)] if table.notes else []
    return "\n".join([*above, *rows, *below])


def markdown_text(cell: Cell) -> str:
    """A value in Markdown: nothing in it is markup."""
    text = "" if cell is None else _shown(cell)
    return re.sub(r"[\\`*_{}\[\]#|!~]", r"\\\g<0>", html.escape(text, quote=False))


def json_lines(table: Table) -> str:
    """One JSON object a row."""
    objects: list[dict[str, Any]] = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    return "\n".join(json_text(row) for row in objects)
