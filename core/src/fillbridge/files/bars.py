"""Bars from files."""

from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

from fillbridge.files.columns import Cell, Columns, OnBytes
from fillbridge.files.numbers import read_size
from fillbridge.files.prices import Markets, read_price
from fillbridge.files.rows import open_rows
from fillbridge.files.times import check_sorted, read_time
from fillbridge_hooks import NEVER, BarData, Instrument, InvalidValue

_COLUMNS = Columns(("ts", "open", "high", "low", "close", "volume"), ("symbol",))
_TIMES = Columns(("ts",), ("symbol",))


def read_bars(
    path: str | Path,
    instrument_of: Callable[[str], Instrument],
    default_symbol: str,
    on_bytes: OnBytes | None = None,
) -> Iterator[BarData]:
    """Stream the bars of a file, each checked, prices on the exact grid.

    Columns are ``ts,open,high,low,close,volume`` and optionally ``symbol``; ``ts`` is the start
    of the bar. Rows stand in the order of time, with one bar per time and symbol.

    :param instrument_of: the instrument of a symbol; raises a ``FillbridgeError`` if unknown
    :param default_symbol: of rows that name none
    :raises BadFile: if the file or a row breaks a rule
    """
    markets = Markets(instrument_of, default_symbol)
    latest: dict[str, int] = {}
    previous = -1
    market_cell: Cell = object()
    with open_rows(path, _COLUMNS, on_bytes) as rows:
        for ts, opening, highest, lowest, closing, traded, cell in rows.cells:
            if cell != market_cell:
                market_cell = cell
                symbol, prices = markets.of(cell)
            try:
                time_ns = int(ts)
            except (TypeError, ValueError):
                time_ns = read_time("ts", ts)
            if not previous < time_ns < NEVER:
                _check_time(ts, previous, symbol, latest)
            try:
                open_, high = prices[opening], prices[highest]
                low, close = prices[lowest], prices[closing]
                volume = float(traded)
                sound = low <= open_ <= high and low <= close <= high and 0 <= volume < inf
            except (TypeError, ValueError):
                sound = False
            if not sound:
                open_, high, low, close, volume = _exact_values(
                    prices.instrument, opening, highest, lowest, closing, traded
                )
            latest[symbol] = previous = time_ns
            yield BarData(time_ns, open_, high, low, close, volume, symbol)


def bar_length_ns(path: str | Path, on_bytes: OnBytes | None = None) -> int | None:
    """The length of a file's bars, ns: the least time between two of one symbol.

    Reads the times alone, so it can run before the bars are read.

    :returns: ``None`` where no symbol has two bars
    :raises BadFile: if the file cannot be read or the times of a symbol do not increase
    """
    latest: dict[str, int] = {}
    shortest = NEVER
    with open_rows(path, _TIMES, on_bytes) as rows:
        for ts, symbol in rows.cells:
            time_ns = read_time("ts", ts)
            previous = latest.get(symbol)
            if previous is not None and time_ns - previous < shortest:
                _check_time(ts, previous, symbol, latest)
                shortest = time_ns - previous
            latest[symbol] = time_ns
    return None if shortest == NEVER else shortest


def _check_time(cell: Cell, previous: int, symbol: str, latest: dict[str, int]) -> None:
    time_ns = read_time("ts", cell)
    check_sorted("ts", time_ns, previous)
    if latest.get(symbol) == time_ns:
        name = f" of {symbol}" if symbol else ""
        raise InvalidValue("ts", f"one bar{name} per time, without duplicates", time_ns)


def _exact_values(
    instrument: Instrument, opening: Cell, highest: Cell, lowest: Cell, closing: Cell, traded: Cell
) -> tuple[float, float, float, float, float]:
    open_ = read_price(instrument, "open", opening)
    high = read_price(instrument, "high", highest)
    low = read_price(instrument, "low", lowest)
    close = read_price(instrument, "close", closing)
    volume = read_size("volume", traded)
    if high < low:
        raise InvalidValue("high", f"at least low, which is {low}", high)
    for field, price in (("open", open_), ("close", close)):
        if not low <= price <= high:
            raise InvalidValue(field, f"a price from low {low} to high {high}", price)
    return open_, high, low, close, volume
