"""Rows of a hub-stats Parquet file, a page at a time. Needs pyarrow, an extra of 150 MB."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import IO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow.parquet import ParquetFile

from crawler.raw import PAGE_ROWS, DumpError, fingerprint

#: The columns of a hub-stats file that say something we keep. Its schema: `cardData` is JSON text, `baseModels` a
#: struct, times have no zone; there is no `sha`, `gated` or `private`.
COLUMNS = (
    "_id id author createdAt lastModified sha downloads likes tags cardData baseModels pipeline_tag library_name "
    "gated private disabled"
).split()
#: What a damaged file raises, and one with texts that are none.
ERRORS = (pa.ArrowException, OSError, ValueError, OverflowError)
#: They stand between the values of a row when it is summed up; a row that holds one itself has no sum.
_BETWEEN_ITEMS, _BETWEEN_FIELDS, _NOTHING = "\x1d", "\x1e", "\x1f"


@dataclass(frozen=True, slots=True)
class TablePage:
    """Some rows of a table."""

    batch: pa.RecordBatch

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return int(self.batch.nbytes)

    def fingerprints(self) -> list[bytes] | None:
        """A sum for each row; None if the page holds what cannot be told apart by one."""
        if any(_holds_marks(column) for column in self.batch.columns):
            return None
        joined = _joined([_text(column) for column in self.batch.columns])
        return [fingerprint(row) for row in pc.cast(joined, pa.binary()).to_pylist()]

    def rows(self, wanted: Sequence[int] | None = None) -> Iterator[object]:
        """What the rows say, or those at the wanted places."""
        batch = self.batch if wanted is None else self.batch.take(pa.array(wanted, pa.int64()))
        columns = [_iso(column) if pa.types.is_timestamp(column.type) else column for column in batch.columns]
        return iter(pa.RecordBatch.from_arrays(columns, batch.schema.names).to_pylist())


def open_table(file: IO[bytes], path: object) -> tuple[ParquetFile, list[str]]:
    """The file as a table, and which of its columns we read; DumpError where it is not whole, or of something else."""
    try:
        table = ParquetFile(file)
    except (pa.ArrowException, OSError) as error:
        raise DumpError(f"{path} is not a whole Parquet file ({one_line(error)}): fetch it again") from error
    columns = [c for c in COLUMNS if c in table.schema_arrow.names]
    if "id" not in columns or not {"tags", "cardData", "baseModels"} & set(columns):
        raise DumpError(
            f"{path} is no table of models (it has no columns id and tags, cardData or baseModels): "
            "name a hub-stats models.parquet"
        )
    return table, columns


def pages(table: ParquetFile, columns: list[str]) -> Iterator[TablePage]:
    """The rows in the file's order; raises one of ERRORS where it is damaged."""
    for group in range(table.num_row_groups):  # one by one: a damaged one costs no other
        for batch in table.iter_batches(PAGE_ROWS, row_groups=[group], columns=columns):
            batch.validate(full=True)
            yield TablePage(batch)


def one_line(error: Exception) -> str:
    """What an error says, for the middle of a line."""
    return " ".join(str(error).split())[:200]


def _iso(times: pa.Array) -> pa.Array:
    """Times as the registry writes them; those without a zone are UTC."""
    seconds = pc.cast(times, pa.timestamp("s", times.type.tz), safe=False)
    texts = pc.cast(pc.cast(seconds, pa.timestamp("s")), pa.string())  # strftime takes ten times as long
    return pc.binary_join_element_wise(pc.binary_replace_slice(texts, 10, 11, "T"), "Z", "")


def _text(values: pa.Array) -> pa.Array:
    """Values of any type as text, nothing as nothing."""
    kind = values.type
    if pa.types.is_struct(kind):
        joined = _joined([_text(field) for field in values.flatten()])
    elif pa.types.is_list(kind):
        items = pc.fill_null(_text(values.values), _NOTHING)
        lists = pa.ListArray.from_arrays(values.offsets, items)
        joined = _joined([_text(pc.list_value_length(lists)), pc.binary_join(lists, _BETWEEN_ITEMS)])
    else:
        return pc.cast(values, pa.string())
    return pc.if_else(values.is_null(), pa.scalar(None, pa.string()), joined)


def _joined(texts: list[pa.Array]) -> pa.Array:
    return pc.binary_join_element_wise(*texts, _BETWEEN_FIELDS, null_handling="replace", null_replacement=_NOTHING)


def _holds_marks(values: pa.Array) -> bool:
    """Whether a text among the values holds one of the marks that stand between them."""
    kind = values.type
    if pa.types.is_struct(kind):
        return any(_holds_marks(field) for field in values.flatten())
    if pa.types.is_list(kind):
        return _holds_marks(values.flatten())
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return False
    return bool(pc.any(pc.match_substring_regex(values, "[\x1d-\x1f]")).as_py())
