"""The registry as tables for others: models by id instead of key, times and lists as such; and back into a registry.

What is left out can be told from the rest (keys, case-folded names), or is no content (runs, tasks).
"""

import json
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Integer, LargeBinary, Table, select
from sqlmodel import SQLModel

from registry.copy import Progress, filling
from registry.insert import insert_rows, keys_of
from registry.parquet import Field, read
from registry.records import RegistryError
from registry.runs import begin_run, end_run, save_position
from registry.tables import MODELS, RUNS, TASKS
from registry.write import Saved

#: What the manifest of an export says of its form.
FORMAT = "finetune-lineage/export/3"
MANIFEST = "manifest.json"
#: Rows in memory at a time, and in a row group of a file.
BATCH = 100_000
_TIMES = {
    "created_at", "last_modified", "first_seen", "last_seen", "since", "until", "registered_at", "removed_at", "at",
}  # fmt: skip
_LISTS = {"licenses", "datasets", "tools"}
#: The name by which rows are found, and the column that follows from it.
_FOLDED = {"models": "repo_id", "names": "name"}


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A table, and the fields that it has in an export, each with the column that it is of."""

    table: Table
    fields: tuple[Field, ...]
    columns: tuple[Column[Any], ...]

    @property
    def name(self) -> str:
        """What the table is called, here and there."""
        return str(self.table.name)


@cache
def exchanged() -> tuple[Exchanged, ...]:
    """The tables of an export, those that others refer to first."""
    tables = [table for table in SQLModel.metadata.sorted_tables if table not in (RUNS, TASKS)]
    return tuple(_exchanged(table) for table in tables)


def batches(connection: Connection, what: Exchanged) -> Generator[Sequence[Sequence[Any]], None, None]:
    """All rows of a table, in the order of its keys, with the values as they are stored."""
    joined: Any = what.table
    chosen: list[Any] = []
    for column in what.columns:
        if column.foreign_keys:
            model = MODELS.alias()
            joined = joined.outerjoin(model, model.c.key == column)
            chosen.append(model.c.repo_id)
        else:
            chosen.append(column)
    rows = select(*chosen).select_from(joined).order_by(*what.table.primary_key.columns)
    with connection.execute(rows, execution_options={"yield_per": BATCH}) as result:
        yield from result.partitions()


def restore(folder: Path, name: str, progress: Progress) -> int:
    """Read an export into the registry called `name` (a file or URL), which must not be there yet or be empty.

    Nothing is half written. Returns the number of models. Raises RegistryError where the folder is no whole export.
    """
    manifest = read_manifest(folder)
    counts = {what.name: int(manifest["tables"][what.name]["rows"]) for what in exchanged()}
    done, total = 0, sum(counts.values())
    with filling(name) as connection:
        for what in exchanged():
            columns = [column.name for column in what.columns]
            held = 0
            for values in read(folder / what.name, what.fields):
                held += _put(connection, what, dict(zip(columns, values, strict=True)))
                progress(done + held, total)
            if held != counts[what.name]:
                raise RegistryError(f"{folder} is not whole: it holds {held:,} of {what.name}: export again")
            done += held
        _note(connection, folder.name, manifest["data_date"], counts["models"])
    return counts["models"]


def read_manifest(folder: Path) -> dict[str, Any]:
    """What an export says of itself. Raises RegistryError where it is none, or of another form."""
    hint = "name a file of Hub metadata, or a folder that `lineage export` made"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        form, tables = manifest["format"], set(manifest["tables"])
    except FileNotFoundError as error:
        raise RegistryError(f"{folder} is a directory without a {MANIFEST}: {hint}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise RegistryError(f"{folder / MANIFEST} is no manifest of an export: {hint}") from error
    if form != FORMAT or not tables.issuperset(what.name for what in exchanged()):
        raise RegistryError(f"{folder} is an export of another version of finetune-lineage ({form}): export it again")
    return dict(manifest)


def _exchanged(table: Table) -> Exchanged:
    columns = [column for column in table.columns if column.name not in {"key", "folded"}]
    return Exchanged(table, tuple(map(_field, columns)), tuple(columns))


def _field(column: Column[Any]) -> Field:
    name = "model" if column.name == "repo_id" else column.name.removesuffix("_key")
    return Field(name, _kind(column), bool(column.nullable))


def _kind(column: Column[Any]) -> str:
    if column.name in _TIMES:
        return "time"
    if column.name in _LISTS:
        return "list"
    if column.foreign_keys:
        return "text"
    kinds = ((Boolean, "boolean"), (Integer, "integer"), (LargeBinary, "binary"))
    return next((kind for type_, kind in kinds if isinstance(column.type, type_)), "text")


def _put(connection: Connection, what: Exchanged, values: dict[str, list[Any]]) -> int:
    """Insert a batch of an export, with the keys that models have here; returns the number of rows."""
    references = [column.name for column in what.columns if column.foreign_keys]
    if references:
        named = {name for column in references for name in values[column]} - {None}
        keys: dict[str | None, int | None] = {None: None}
        keys.update(keys_of(connection, named))
        if missing := next((name for name in named if name not in keys), None):
            raise RegistryError(f"the {what.name} of the export name {missing!r}, which it does not hold: export again")
        values |= {column: [keys[name] for name in values[column]] for column in references}
    if (named_by := _FOLDED.get(what.name)) is not None:
        values["folded"] = [name.casefold() for name in values[named_by]]
    insert_rows(connection, what.table, list(values), list(zip(*values.values(), strict=True)))
    return len(next(iter(values.values())))


def _note(connection: Connection, source: str, day: str | None, models: int) -> None:
    """Note the import as a run: the date of the data is that of runs."""
    if day is not None:
        run = begin_run(connection, "import", source, day)
        save_position(connection, run, Saved(models=models, new=models))
        end_run(connection, run)
