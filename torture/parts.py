"""A part of the report: what was tried, how often, and what went wrong."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the page: its heading, what was tried and found (Markdown), and what should not have happened."""

    title: str
    text: str
    failures: tuple[str, ...] = ()


def table(columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> str:
    """A Markdown table; numbers with thousands separated."""
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)
