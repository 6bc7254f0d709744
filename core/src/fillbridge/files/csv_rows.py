"""CSV files, plain or compressed by gzip, as a stream of rows.

The dialect: UTF-8, a byte order mark tolerated; comma; a header; one row per line, so no line
break inside quotes; blank lines are skipped.
"""

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from fillbridge.files.columns import Cell, Columns, OnBytes, Rows
from fillbridge.files.errors import BadFile
from fillbridge_hooks import InvalidValue

_BLOCK = 1 << 16


@contextmanager
def open_csv(path: Path, columns: Columns, on_bytes: OnBytes | None) -> Iterator[Rows]:
    """Open a file whose name ends in ``.csv`` or ``.csv.gz``.

    :raises BadFile: if it cannot be read, here or at any later row
    """
    with _readable(path), path.open("rb") as raw, _text(path, raw) as text:
        found = _header(path, text)
        positions = columns.locate(path, found)
        rows = Rows(path, "line", frozenset(columns.names).intersection(found))
        rows.cells = _cells(rows, _lines(text, raw, on_bytes), len(found), positions)
        yield rows


def _header(path: Path, text: TextIOWrapper) -> list[str]:
    line = text.readline()
    if not line:
        raise BadFile(path, "expected a header and rows, was an empty file")
    try:
        return [name.strip() for name in _split_quoted(line)]
    except InvalidValue as error:
        raise BadFile(path, str(error), 1) from None


def _lines(text: TextIOWrapper, raw: BinaryIO, on_bytes: OnBytes | None) -> Iterator[str]:
    rest = ""
    while block := text.read(_BLOCK):
        lines = (rest + block).split("\n")
        rest = lines.pop()
        yield from lines
        if on_bytes is not None:
            on_bytes(raw.tell())
    if rest:
        yield rest


def _cells(
    rows: Rows, lines: Iterable[str], width: int, positions: list[int | None]
) -> Iterator[Sequence[Cell]]:
    # An absent column is read from the empty cell that is appended to each row.
    picked = [width if position is None else position for position in positions]
    pick = itemgetter(*picked)
    in_order = picked == list(range(width + 1))
    for number, line in enumerate(lines, 2):
        rows.number = number
        cells = _split_quoted(line) if '"' in line else line.split(",")
        if len(cells) != width:
            if not line.strip():
                continue
            raise InvalidValue("row", f"{width} values", len(cells))
        cells.append("")
        yield cells if in_order else pick(cells)


def _split_quoted(line: str) -> list[str]:
    try:
        return next(csv.reader((line,), strict=True))
    except csv.Error:
        rule = "comma-separated values, each quote closed on its line"
        raise InvalidValue("row", rule, line.strip()[:80]) from None


def _text(path: Path, raw: BinaryIO) -> TextIOWrapper:
    return TextIOWrapper(_unpacked(path, raw), encoding="utf-8-sig")


def _unpacked(path: Path, raw: BinaryIO) -> BinaryIO:
    if path.suffix.lower() == ".gz":
        return gzip.GzipFile(fileobj=raw, mode="rb")  # type: ignore[return-value]
    return raw


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        byte = error.object[error.start]
        raise BadFile(
            path, f"expected text in UTF-8, was byte 0x{byte:02x}", _undecodable_line(path)
        ) from None
    except EOFError:
        raise BadFile(path, "expected a complete gzip file, was cut off") from None
    except (gzip.BadGzipFile, zlib.error) as error:
        raise BadFile(path, f"expected an intact gzip file, was corrupt ({error})") from None
    except OSError as error:
        raise BadFile(
            path, f"expected a readable file, was not ({error.strerror or error})"
        ) from None


def _undecodable_line(path: Path) -> int | None:
    # Text is decoded in blocks, so the line of a wrong byte has to be looked for.
    with suppress(EOFError, OSError, zlib.error), path.open("rb") as raw:
        for number, line in enumerate(_unpacked(path, raw), 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return None
