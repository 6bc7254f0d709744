"""``trades.csv`` as Parquet, without ever holding more than a block of it."""

from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from fillbridge_hooks import InvalidValue
from fillbridge_report.schema import SCHEMA

BLOCK_BYTES = 32 * 1024 * 1024
"""CSV read at a time; the trades in it, some 150,000, make one row group."""


def write_parquet(trades_csv: Path, target: Path, block_bytes: int = BLOCK_BYTES) -> None:
    """Write the trades of ``trades_csv`` to ``target``, in the same order, under ``SCHEMA``.

    An empty field becomes null; no other spelling does, so that an id may read ``NA``.

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
            for batch in reader:
                # A reader forgets which columns must be filled; the writer then checks it.
                writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=SCHEMA))
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise InvalidValue(str(trades_csv), "the columns of a closed trade", str(error)) from error
