"""Tables in folders of Parquet files, as DuckDB, polars and Spark read them: the values of a registry in and out."""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count, islice
from pathlib import Path
from typing import Any, NamedTuple

from registry.read import labels
from registry.records import RegistryError

#: Batches in a file; whoever reads with several cores takes several files at once.
_BATCHES = 10
#: Rows read at a time.
_ROWS = 100_000
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Field(NamedTuple):
    """A column. `kind`: text, integer, boolean, binary, time (as a registry has it, ISO 8601 in UTC) or list (of texts,
    as a registry has it, in JSON, or as a tuple)."""

    name: str
    kind: str
    optional: bool


def pyarrow() -> Any:
    """The library that writes and reads Parquet; raises RegistryError where it is not installed."""
    try:
        import pyarrow.compute  # noqa: PLC0415 - an extra of 150 MB that only Parquet needs
        import pyarrow.parquet  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise RegistryError("Parquet needs pyarrow: pip install 'finetune-lineage[parquet]'") from error
    return pyarrow


def write(folder: Path, fields: Sequence[Field], batches: Iterable[Sequence[Sequence[Any]]]) -> Iterator[int]:
    """Write batches of rows to a new folder; after each, tells how many rows there are by now."""
    pa = pyarrow()
    schema = pa.schema([pa.field(field.name, _type(field), nullable=field.optional) for field in fields])
    folder.mkdir()
    left, done = iter(batches), 0
    for number in count():
        part = islice(left, _BATCHES)
        first = next(part, None)
        if first is None and number:  # a table without rows has a file, with its columns
            return
        path = folder / f"part-{number:05}.parquet"
        with pa.parquet.ParquetWriter(path, schema, compression="zstd") as writer:
            for rows in chain([first or ()], part):
                columns = zip(*rows, strict=True) if rows else ((),) * len(fields)
                written = [_array(field, values) for field, values in zip(fields, columns, strict=True)]
                writer.write_table(pa.table(written, schema))
                done += len(rows)
                yield done


def read(folder: Path, fields: Sequence[Field]) -> Iterator[list[list[Any]]]:
    """The columns of a table that was written, batch by batch. Raises RegistryError where they are not all there."""
    pa = pyarrow()
    for path in sorted(folder.glob("*.parquet")):
        try:
            with pa.parquet.ParquetFile(path) as file:
                for batch in file.iter_batches(_ROWS, columns=[field.name for field in fields]):
                    yield [_values(field, batch.column(field.name)) for field in fields]
        except (pa.ArrowException, OSError, ValueError, KeyError) as error:
            said = " ".join(str(error).split())[:200]
            raise RegistryError(f"{path} is not what an export holds ({said}): export again") from error


def _type(field: Field) -> Any:
    pa = pyarrow()
    return {
        "text": pa.string(),
        "integer": pa.int64(),
        "boolean": pa.bool_(),
        "binary": pa.binary(),
        "time": pa.timestamp("ms", tz="UTC"),
        "list": pa.list_(pa.string()),
    }[field.kind]


def _array(field: Field, values: Sequence[Any]) -> Any:
    """Values of a registry as Arrow has them."""
    pa = pyarrow()
    if field.kind == "time":
        texts = pa.array(values, pa.string())
        try:
            times = texts.cast(_type(field))
            if _texts_of(times).equals(texts):
                return times
        except pa.ArrowInvalid:
            pass
        raise RegistryError(f"a {field.name} of the registry is no time as it writes them: restore a copy")
    if field.kind == "list":
        values = [labels(value) if isinstance(value, str) else value for value in values]
    return pa.array(values, _type(field))


def _values(field: Field, column: Any) -> list[Any]:
    """Arrow's values as a registry has them."""
    typed = column.cast(_type(field))
    if typed.null_count and not field.optional:
        raise ValueError(f"{field.name} is missing")
    if field.kind == "time":
        typed = _texts_of(typed)
    found: list[Any] = typed.to_pylist()
    if field.kind == "list":
        return [None if value is None else json.dumps(value, ensure_ascii=False) for value in found]
    return found


def _texts_of(times: Any) -> Any:
    pa = pyarrow()
    # By way of the zone-less type: Arrow would look for a time zone database, which not every machine has.
    seconds = times.cast(pa.timestamp("s", tz="UTC"), safe=False).cast(pa.int64()).cast(pa.timestamp("s"))
    return pa.compute.strftime(seconds, format=_TIME)
