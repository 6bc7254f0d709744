"""Best bids and offers from files."""

from collections.abc import Callable, Iterator
from math import inf
from pathlib import Path

from fillbridge.files.columns import Cell, Columns, OnBytes
from fillbridge.files.numbers import read_size
from fillbridge.files.prices import Markets, read_price
from fillbridge.files.rows import open_rows
from fillbridge.files.times import check_sorted, read_time
from fillbridge_hooks import NEVER, Instrument, QuoteTick

_COLUMNS = Columns(("ts_event", "bid_px", "bid_sz", "ask_px", "ask_sz"), ("symbol",))


def read_quotes(
    path: str | Path,
    instrument_of: Callable[[str], Instrument],
    default_symbol: str,
    on_bytes: OnBytes | None = None,
) -> Iterator[QuoteTick]:
    """Stream the quotes of a file, each checked, prices on the exact grid.

    Columns are ``ts_event,bid_px,bid_sz,ask_px,ask_sz`` and optionally ``symbol``. Rows stand in
    the order of time. A bid at or above the ask is taken as it is: markets lock and cross.

    :param instrument_of: the instrument of a symbol; raises a ``FillbridgeError`` if unknown
    :param default_symbol: of rows that name none
    :raises BadFile: if the file or a row breaks a rule
    """
    markets = Markets(instrument_of, default_symbol)
    previous = 0
    market_cell: Cell = object()
    with open_rows(path, _COLUMNS, on_bytes) as rows:
        for ts, bid_px, bid_sz, ask_px, ask_sz, cell in rows.cells:
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
                bid, bid_size = prices[bid_px], float(bid_sz)
                ask, ask_size = prices[ask_px], float(ask_sz)
                sound = 0 <= bid_size < inf and 0 <= ask_size < inf
            except (TypeError, ValueError):
                sound = False
            if not sound:
                bid = read_price(prices.instrument, "bid_px", bid_px)
                bid_size = read_size("bid_sz", bid_sz)
                ask = read_price(prices.instrument, "ask_px", ask_px)
                ask_size = read_size("ask_sz", ask_sz)
            previous = time_ns
            yield QuoteTick(time_ns, bid, bid_size, ask, ask_size, symbol)
