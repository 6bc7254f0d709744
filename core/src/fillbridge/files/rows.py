"""Opens any file of rows by the ending of its name."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path

from fillbridge.files.columns import Columns, OnBytes, Rows
from fillbridge.files.csv_rows import open_csv
from fillbridge.files.errors import BadFile
from fillbridge.files.parquet_rows import open_parquet
from fillbridge_hooks import FillbridgeError

_OPENERS = {
    ".csv": open_csv,
    ".csv.gz": open_csv,
    ".parquet": open_parquet,
    ".pq": open_parquet,
}

ROW_ENDINGS = tuple(_OPENERS)
"""How the names of files with rows end."""


@contextmanager
def open_rows(
    path: str | Path, columns: Columns, on_bytes: OnBytes | None = None
) -> Iterator[Rows]:
    """Open ``path`` and give its rows as a stream, of which a few thousand are in memory.

    A ``FillbridgeError`` that is raised within the context is about the row that was given last.

    :raises BadFile: naming the row, if that happens; if the file cannot be read, lacks a
        required column or has no row
    """
    path = Path(path)
    with suppress(OSError):
        if path.is_dir():
            raise BadFile(path, "expected a file, was a directory")
    name = path.name.lower()
    opener = next((opener for end, opener in _OPENERS.items() if name.endswith(end)), None)
    if opener is None:
        raise BadFile(path, f"expected a name that ends in {', '.join(_OPENERS)}, was {path.name}")
    with opener(path, columns, on_bytes) as rows:
        try:
            first = next(rows.cells, None)
            if first is None:
                raise BadFile(path, "expected at least one row, was none")
            rows.cells = chain((first,), rows.cells)
            yield rows
        except BadFile:
            raise
        except FillbridgeError as error:
            raise BadFile(path, str(error), rows.number, rows.unit) from None
