"""``trades.csv`` as Parquet, in memory that does not grow with the number of trades."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from fillbridge_hooks import InvalidValue
from fillbridge_report.schema import SCHEMA

BLOCK_BYTES = 1024 * 1024
"""CSV read at a time; Arrow reads some 40 blocks ahead."""
ROW_GROUP_TRADES = 100_000


def write_parquet(
    trades_csv: Path,
    target: Path,
    *,
    block_bytes: int = BLOCK_BYTES,
    row_group_trades: int = ROW_GROUP_TRADES,
) -> None:
    """Write the trades of ``trades_csv`` to ``target``, in the same order, under ``SCHEMA``.

    An empty field becomes null; no other spelling does, so that an id may read ``NA``. Each row
    group but the last has at least ``row_group_trades`` trades.

    :raises InvalidValue: if the file lacks a column, or a field is not of its column's type
    """
    try:
        reader = pa_csv.open_csv(
            trades_csv,
            read_options=pa_csv.ReadOptions(block_size=block_bytes),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=SCHEMA,
                include_columns=SCHEMA.names,
                null_values=[""],
                strings_can_be_null=True,
                true_values=["true"],
                false_values=["false"],
            ),
        )
        with pq.ParquetWriter(target, SCHEMA, compression="zstd") as writer:
            for batches in _row_groups(reader, row_group_trades):
                writer.write_table(pa.Table.from_batches(batches, SCHEMA))
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise InvalidValue(str(trades_csv), "the columns of a closed trade", str(error)) from error


def _row_groups(reader: Iterable[Any], trades: int) -> Iterator[list[Any]]:
    batches: list[Any] = []
    waiting = 0
    for batch in reader:
        # The reader forgets which columns must be filled; under the schema the writer checks it.
        batches.append(pa.RecordBatch.from_arrays(batch.columns, schema=SCHEMA))
        waiting += batch.num_rows
        if waiting >= trades:
            yield batches
            batches, waiting = [], 0
    if batches:
        yield batches
