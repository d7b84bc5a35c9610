"""Registries whose families have odd shapes: long, wide, in circles, alike but for letter case."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Row = dict[str, Any]
#: Of each few models one declares a licence, and not always the same.
_LABELS = ("apache-2.0", None, "mit", None, None, "cc-by-nc-4.0", "llama3.1", None, "other", None, "gpl-3.0")


@dataclass(frozen=True, slots=True)
class Graph:
    """A registry's rows; `low` and `lower` are models far down in it, `high` is what they were made from."""

    name: str
    high: str
    low: str
    lower: str
    rows: Callable[[], Iterator[Row]]

    def imported(self, folder: Path) -> Path:
        """The registry, in a folder of its own."""
        dump, db = folder / "rows.jsonl", folder / "registry.db"
        with dump.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in self.rows())
        command = [sys.executable, "-m", "lineage", "import", "-q", str(dump), "--db", str(db), "--seen", "2026-01-01"]
        subprocess.run(command, check=True)
        dump.unlink()
        return db


def graphs(brief: bool) -> list[Graph]:
    """The graphs, smaller and fewer in brief."""
    length, parents, children = (2_000, 500, 2_000) if brief else (100_000, 10_000, 200_000)
    alike = circles()
    if brief:
        return [chain(length, labelled=False), many_parents(parents), alike]
    return [
        chain(length, labelled=False),
        chain(length, labelled=True),
        many_parents(parents),
        many_children(children),
        alike,
    ]


def chain(length: int, *, labelled: bool) -> Graph:
    """Each model made from the one before it, the first by another owner; all without a licence, or some with one, and
    then the first had another when they were made."""
    high = "a/0"

    def rows() -> Iterator[Row]:
        if labelled:
            for day in ("2024-12-01", "2025-02-01"):
                yield _row(high, [], "apache-2.0") | {"observation": {"seen": day, "source": "crawl"}}
        yield _row(high, [], "cc-by-nc-4.0" if labelled else "apache-2.0")
        for n in range(1, length):
            above = f"c/{n - 1}" if n > 1 else high
            yield _row(f"c/{n}", [above], _LABELS[n % len(_LABELS)] if labelled else None)

    name = f"chain of {length:,}, {'mixed licences' if labelled else 'no licences'}"
    return Graph(name, high, f"c/{length - 1}", f"c/{length // 2}", rows)


def many_parents(count: int) -> Graph:
    """Two models merged from so many, which were all made from one."""

    def rows() -> Iterator[Row]:
        names = [f"p/{n}" for n in range(count)]
        yield _row("p/Root", [], "llama3.1")
        yield from (_row(name, ["p/Root"], _LABELS[n % len(_LABELS)]) for n, name in enumerate(names))
        yield _row("m/One", names, "apache-2.0", "merge")
        yield _row("m/Two", names[::-1], None, "merge")

    return Graph(f"merge of {count:,}", "p/Root", "m/One", "m/Two", rows)


def many_children(count: int) -> Graph:
    """So many models made from one."""

    def rows() -> Iterator[Row]:
        yield _row("r/Root", [], "llama3.1")
        yield from (_row(f"w/{n}", ["r/Root"], _LABELS[n % len(_LABELS)]) for n in range(count))

    return Graph(f"{count:,} children", "r/Root", "w/0", f"w/{count - 1}", rows)


def circles() -> Graph:
    """Models made from themselves, from each other, in a circle of fifty, and of names that differ in letter case."""

    def rows() -> Iterator[Row]:
        yield _row("o/Self", ["o/Self"], "mit")
        yield from _ring(["o/A", "o/B"], ["o/Self"])
        yield from _ring([f"o/R{n}" for n in range(50)], ["o/A"])
        for n, name in enumerate(("o/same", "o/Same", "o/SAME")):
            yield _row(name, ["o/R25", "O/r0"], _LABELS[n])
        yield _row("o/Low", ["o/sAME", "o/Same", "o/R7"], "apache-2.0", "merge")
        yield _row("o/Lower", ["o/Low", "o/SAME", "o/Lower"], None, "quantized")

    return Graph("circles of 1, 2 and 50, names alike", "o/A", "o/Lower", "o/Low", rows)


def _ring(names: Sequence[str], above: Sequence[str]) -> Iterator[Row]:
    """Models of which each was made from the one before it, the first from the last, and from others."""
    for n, name in enumerate(names):
        yield _row(name, [names[n - 1], *(above if n == 0 else ())], _LABELS[n % len(_LABELS)])


def _row(id: str, parents: Sequence[str], label: str | None, relation: str = "finetune") -> Row:
    tags = [f"base_model:{parent}" for parent in parents]
    tags += [f"base_model:{relation}:{parent}" for parent in parents]
    card: Row = {"base_model": list(parents)} if parents else {}
    if label:
        tags.append(f"license:{label}")
        card["license"] = label
    return {"id": id, "downloads": len(id), "tags": tags, "cardData": card, "createdAt": "2025-01-01T00:00:00.000Z"}
