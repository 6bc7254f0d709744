"""Trades of the tape from files."""

from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

from fillbridge.files.columns import Cell, Columns, OnBytes
from fillbridge.files.numbers import read_size, read_whole
from fillbridge.files.prices import Markets, read_price
from fillbridge.files.rows import open_rows
from fillbridge.files.times import check_sorted, read_time
from fillbridge_hooks import NEVER, Instrument, InvalidValue, TradeTick

_COLUMNS = Columns(("ts_event", "price", "size"), ("side", "seq", "symbol"))


def read_ticks(
    path: str | Path,
    instrument_of: Callable[[str], Instrument],
    default_symbol: str,
    on_bytes: OnBytes | None = None,
) -> Iterator[TradeTick]:
    """Stream the trades of a file, each checked, prices on the exact grid.

    Columns are ``ts_event,price,size`` and optionally ``side,seq,symbol``. Rows stand in the
    order of time, trades of one time in the order in which they happened. ``size`` may be 0:
    exchanges print such trades. ``seq`` becomes the sequence and must increase per symbol;
    without that column the trades are counted from 0.

    :param instrument_of: the instrument of a symbol; raises a ``FillbridgeError`` if unknown
    :param default_symbol: of rows that name none
    :raises BadFile: if the file or a row breaks a rule
    """
    markets = Markets(instrument_of, default_symbol)
    latest: dict[str, int] = {}
    previous = 0
    market_cell: Cell = object()
    count = -1
    with open_rows(path, _COLUMNS, on_bytes) as rows:
        numbered = "seq" in rows.present
        for ts, dealt, traded, side, seq, cell in rows.cells:
            if cell != market_cell:
                market_cell = cell
                symbol, prices = markets.of(cell)
            try:
                time_ns = int(ts)
            except (TypeError, ValueError):
                time_ns = read_time("ts_event", ts)
            if not previous <= time_ns < NEVER:
                check_sorted("ts_event", read_time("ts_event", ts), previous)
            try:
                price, size = prices[dealt], float(traded)
                sound = 0 <= size < inf
            except (TypeError, ValueError):
                sound = False
            if not sound:
                price = read_price(prices.instrument, "price", dealt)
                size = read_size("size", traded)
            if numbered:
                sequence = read_whole("seq", seq, 0)
                if sequence <= latest.get(symbol, -1):
                    rule = f"a number above {latest[symbol]}"
                    raise InvalidValue("seq", rule, sequence)
                latest[symbol] = sequence
            else:
                count += 1
                sequence = count
            previous = time_ns
            yield TradeTick(time_ns, price, size, symbol, sequence, side or "")
