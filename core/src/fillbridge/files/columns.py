"""Which columns a reader wants of a file, and the rows that it gets."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from fillbridge.files.errors import BadFile

Cell = Any
"""Text of a CSV file; a number, text or ``None`` of a Parquet file."""

OnBytes = Callable[[int], None]
"""Told how many bytes of the file, as it is on disk, have been read so far."""

TIME_COLUMNS = frozenset({"ts", "ts_event"})
"""Columns of times: integer ns UTC, ISO 8601 or, in Parquet, Arrow timestamps."""


class Columns(NamedTuple):
    """The columns that a reader understands; all others of a file are ignored."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of each row, in order; an absent optional one is an empty cell there."""
        return self.required + self.optional

    def locate(self, path: Path, found: Sequence[str]) -> list[int | None]:
        """Where each of ``names`` stands in the file, ``None`` for an absent optional one.

        :raises BadFile: if a required column is absent or a wanted one stands there twice
        """
        missing = [name for name in self.required if name not in found]
        if missing:
            raise BadFile(
                path,
                f"expected the columns {', '.join(self.required)}, "
                f"was without {', '.join(missing)} (found: {', '.join(found)[:200]})",
            )
        for name in self.names:
            if found.count(name) > 1:
                raise BadFile(path, f"expected one column {name}, was {found.count(name)}")
        return [found.index(name) if name in found else None for name in self.names]


@dataclass(slots=True)
class Rows:
    """An open file of rows."""

    path: Path
    unit: str
    """What ``number`` counts: ``line`` or ``row``."""
    present: frozenset[str]
    """The wanted columns that the file has."""
    number: int = 0
    """Of the row that ``cells`` gave last."""
    cells: Iterator[Sequence[Cell]] = field(default_factory=lambda: iter(()))
    """The cells of each row, in the order of ``Columns.names``."""
