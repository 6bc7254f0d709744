"""Parquet files as a stream of rows, through pyarrow where it is installed."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from itertools import repeat
from pathlib import Path
from typing import Any

from fillbridge.files.columns import TIME_COLUMNS, Cell, Columns, OnBytes, Rows
from fillbridge.files.errors import BadFile

_BATCH = 8192


@contextmanager
def open_parquet(path: Path, columns: Columns, on_bytes: OnBytes | None) -> Iterator[Rows]:
    """Open a Parquet file.

    :raises BadFile: if it cannot be read, here or at any later row, or pyarrow is not installed
    """
    try:
        arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    except ImportError:
        raise BadFile(
            path, "expected pyarrow, which reads Parquet: pip install 'fillbridge[parquet]'"
        ) from None
    try:
        with path.open("rb") as raw, parquet.ParquetFile(raw) as file:
            schema = file.schema_arrow
            columns.locate(path, schema.names)
            present = [name for name in columns.names if name in schema.names]
            for name in present:
                _check_type(arrow, path, name, schema.field(name).type)
            rows = Rows(path, "row", frozenset(present))
            rows.cells = _cells(arrow, rows, file, columns, on_bytes)
            yield rows
    except arrow.ArrowException as error:
        reason = str(error).partition("\n")[0]
        raise BadFile(path, f"expected an intact Parquet file, was not ({reason})") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadFile(path, f"expected a readable file, was not ({reason})") from None


def _cells(
    arrow: Any, rows: Rows, file: Any, columns: Columns, on_bytes: OnBytes | None
) -> Iterator[tuple[Cell, ...]]:
    present = [name for name in columns.names if name in rows.present]
    size, total, done = rows.path.stat().st_size, file.metadata.num_rows, 0
    for batch in file.iter_batches(batch_size=_BATCH, columns=present):
        values = [
            _values(arrow, batch.column(name)) if name in rows.present else repeat(None)
            for name in columns.names
        ]
        for number, cells in enumerate(zip(*values, strict=False), done + 1):
            rows.number = number
            yield cells
        done += batch.num_rows
        if on_bytes is not None:
            on_bytes(size * done // total)


def _values(arrow: Any, column: Any) -> list[Cell]:
    if arrow.types.is_timestamp(column.type):
        column = column.cast(arrow.timestamp("ns", column.type.tz)).cast(arrow.int64())
    return column.to_pylist()  # type: ignore[no-any-return]


def _check_type(arrow: Any, path: Path, name: str, kind: Any) -> None:
    types = arrow.types
    if types.is_dictionary(kind):
        kind = kind.value_type
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_null(kind)
    if name in TIME_COLUMNS:
        rule = "integer nanoseconds UTC, timestamps with a time zone or ISO 8601"
        allowed = types.is_integer(kind) or (types.is_timestamp(kind) and kind.tz is not None)
    else:
        rule = "numbers or text"
        allowed = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    if not (allowed or text):
        raise BadFile(path, f"{name}: expected {rule}, was {kind}")
