"""Reads recorded trades and quotes from CSV files."""

import csv
import gzip
import heapq
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import TextIO

from fillbridge_hooks import (
    ConfigurationError,
    FatalError,
    Instrument,
    InvalidValue,
    QuoteTick,
    TradeTick,
)
from fillbridge_sim.settings import LiveMarket

_TRADE_COLUMNS = ("ts_event", "price", "size")
_QUOTE_COLUMNS = ("ts_event", "bid_px", "bid_sz", "ask_px", "ask_sz")
_ENDINGS = (".csv", ".csv.gz")

_UNREADABLE = (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error)

Tick = TradeTick | QuoteTick
Row = Mapping[str, str]


def open_tape(
    settings: LiveMarket, instruments: Mapping[str, Instrument], default_symbol: str
) -> Iterator[Tick]:
    """Trades, and quotes before the trades of the same time, in the order of time.

    :param instruments: by symbol; rows of others are passed over
    :param default_symbol: of rows that name none
    :raises ConfigurationError: if a file cannot be opened, or its columns or its first row are
        wrong; a later row that is wrong raises ``FatalError`` when it is reached
    """
    sources = []
    if settings.quotes is not None:
        sources.append(_open(settings.quotes, _QUOTE_COLUMNS, _quote, instruments, default_symbol))
    if settings.ticks is not None:
        sources.append(_open(settings.ticks, _TRADE_COLUMNS, _trade, instruments, default_symbol))
    return heapq.merge(*sources, key=lambda tick: tick.timestamp)


def check_tape(settings: LiveMarket) -> None:
    """See that the files can be opened and have their columns; no row is read.

    :raises ConfigurationError: if not
    """
    for path, columns in ((settings.ticks, _TRADE_COLUMNS), (settings.quotes, _QUOTE_COLUMNS)):
        if path is not None:
            _check_name(path)
            try:
                with _text(path) as file:
                    _check_columns(csv.DictReader(file).fieldnames, columns)
            except (InvalidValue, *_UNREADABLE) as error:
                raise ConfigurationError(f"{path}: {_reason(error)}") from None


def _open(
    path: str,
    columns: tuple[str, ...],
    read: Callable[[Row, Instrument, int], Tick],
    instruments: Mapping[str, Instrument],
    default_symbol: str,
) -> Iterator[Tick]:
    """The rows of one file, the first of which is read already."""
    _check_name(path)
    rows = _read(path, columns, read, instruments, default_symbol)
    try:
        first = next(rows, None)
    except FatalError as error:
        raise ConfigurationError(str(error)) from None
    if first is None:
        raise ConfigurationError(f"{path}: expected at least one row of {default_symbol}, was none")

    def all_rows() -> Iterator[Tick]:
        yield first
        yield from rows

    return all_rows()


def _read(
    path: str,
    columns: tuple[str, ...],
    read: Callable[[Row, Instrument, int], Tick],
    instruments: Mapping[str, Instrument],
    default_symbol: str,
) -> Iterator[Tick]:
    line, latest_ns = 1, 0
    try:
        with _text(path) as file:
            rows = csv.DictReader(file)
            _check_columns(rows.fieldnames, columns)
            for count, row in enumerate(rows):
                line = rows.line_num
                instrument = instruments.get(row.get("symbol") or default_symbol)
                if instrument is None:
                    continue
                tick = read(row, instrument, count)
                if tick.timestamp < latest_ns:
                    rule = f"rows sorted by time, so at least {latest_ns}"
                    raise InvalidValue("ts_event", rule, tick.timestamp)
                latest_ns = tick.timestamp
                yield tick
    except (InvalidValue, *_UNREADABLE) as error:
        raise FatalError(f"{path}, line {line}: {_reason(error)}") from None


def _check_name(path: str) -> None:
    if not path.lower().endswith(_ENDINGS):
        raise ConfigurationError(f"{path}: expected a name that ends in {' or '.join(_ENDINGS)}")


def _check_columns(found: Sequence[str] | None, columns: tuple[str, ...]) -> None:
    if not set(columns) <= set(found or ()):
        raise InvalidValue("columns", ", ".join(columns), ", ".join(found or ()))


def _reason(error: Exception) -> str:
    if isinstance(error, InvalidValue):
        return str(error)
    return f"cannot be read: {getattr(error, 'strerror', None) or error}"


def _text(path: str) -> TextIO:
    if path.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return Path(path).open(encoding="utf-8", newline="")


def _trade(row: Row, instrument: Instrument, count: int) -> TradeTick:
    return TradeTick(
        _time(row["ts_event"]),
        _price("price", row["price"], instrument),
        _size("size", row["size"]),
        instrument.symbol,
        _whole("seq", row["seq"]) if row.get("seq") else count,
        row.get("side") or "",
    )


def _quote(row: Row, instrument: Instrument, count: int) -> QuoteTick:
    return QuoteTick(
        _time(row["ts_event"]),
        _price("bid_px", row["bid_px"], instrument),
        _size("bid_sz", row["bid_sz"]),
        _price("ask_px", row["ask_px"], instrument),
        _size("ask_sz", row["ask_sz"]),
        instrument.symbol,
    )


def _time(cell: str) -> int:
    if cell and cell.isascii() and cell.isdigit():
        return int(cell)
    try:
        time = datetime.fromisoformat(cell)
        if time.tzinfo is None:
            raise ValueError
    except (TypeError, ValueError):
        rule = "integer nanoseconds UTC, or ISO 8601 with Z or an offset"
        raise InvalidValue("ts_event", rule, cell) from None
    return round(time.timestamp() * 1e6) * 1000


def _price(field: str, cell: str, instrument: Instrument) -> float:
    return instrument.to_price(instrument.to_ticks(_number(field, cell), field))


def _size(field: str, cell: str) -> float:
    size = _number(field, cell)
    if size < 0:
        raise InvalidValue(field, "a number >= 0", cell)
    return size


def _whole(field: str, cell: str) -> int:
    number = _number(field, cell)
    if number != int(number):
        raise InvalidValue(field, "a whole number", cell)
    return int(number)


def _number(field: str, cell: str) -> float:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = float("nan")
    if not isfinite(number):
        raise InvalidValue(field, "a finite number", cell)
    return number
