"""Reads recorded trades and quotes: CSV, plain or compressed, sorted by time."""

import csv
import gzip
import heapq
import zlib
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from math import isfinite
from pathlib import Path

from fillbridge_hooks import ConfigurationError, InvalidValue
from fillbridge_rithmic.gateway.book.brackets import on_tick
from fillbridge_rithmic.gateway.market.ticks import Quote, Tick, Trade
from fillbridge_rithmic.gateway.settings import Contract

_TRADES = ("ts_event", "price", "size")
_QUOTES = ("ts_event", "bid_px", "ask_px")
_UNREADABLE = (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error)
_OFF_GRID = 1e-6

Contracts = Mapping[str, Contract]


def recorded_ticks(
    trades: str | None, quotes: str | None, contracts: Contracts, symbol: str
) -> Iterator[Tick]:
    """The ticks of the files, quotes before trades of the same time.

    :param contracts: rows of other symbols are passed over
    :param symbol: of rows that name none
    :raises ConfigurationError: naming file, line and rule, if a file cannot be read; of the first
        row at once, of a later one when it is reached
    """
    sources = []
    if quotes is not None:
        sources.append(_begun(quotes, _rows(quotes, _QUOTES, _quote, contracts, symbol)))
    if trades is not None:
        sources.append(_begun(trades, _rows(trades, _TRADES, _trade, contracts, symbol)))
    return heapq.merge(*sources, key=lambda tick: tick.time_ns)


def _begun(path: str, ticks: Iterator[Tick]) -> Iterator[Tick]:
    """The ticks, of which there is at least one."""
    first = next(ticks, None)
    if first is None:
        raise ConfigurationError(f"{path}: expected a row of a contract that is traded, was none")

    def all_ticks() -> Iterator[Tick]:
        yield first
        yield from ticks

    return all_ticks()


def _rows(
    path: str,
    columns: tuple[str, ...],
    read: Callable[[Mapping[str, str], Contract], Tick],
    contracts: Contracts,
    symbol: str,
) -> Iterator[Tick]:
    line, latest_ns = 1, 0
    is_compressed = path.lower().endswith(".gz")
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8", newline="")
            if is_compressed
            else Path(path).open(encoding="utf-8", newline="")
        ) as file:
            rows = csv.DictReader(file)
            if not set(columns) <= set(rows.fieldnames or ()):
                raise InvalidValue("columns", ", ".join(columns), ", ".join(rows.fieldnames or ()))
            for row in rows:
                line = rows.line_num
                contract = contracts.get(row.get("symbol") or symbol)
                if contract is None:
                    continue
                tick = read(row, contract)
                if tick.time_ns < latest_ns:
                    raise InvalidValue("ts_event", f"at least {latest_ns}", tick.time_ns)
                latest_ns = tick.time_ns
                yield tick
    except InvalidValue as error:
        raise ConfigurationError(f"{path}, line {line}: {error}") from None
    except _UNREADABLE as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{path}, line {line}: cannot be read: {reason}") from None


def _trade(row: Mapping[str, str], contract: Contract) -> Trade:
    return Trade(
        time_ns=_time(row["ts_event"]),
        symbol=contract.symbol,
        price=_price("price", row["price"], contract),
        size=max(1, round(_number("size", row["size"]))),
    )


def _quote(row: Mapping[str, str], contract: Contract) -> Quote:
    return Quote(
        time_ns=_time(row["ts_event"]),
        symbol=contract.symbol,
        bid=_price("bid_px", row["bid_px"], contract),
        ask=_price("ask_px", row["ask_px"], contract),
    )


def _time(cell: str) -> int:
    if cell and cell.isascii() and cell.isdigit():
        return int(cell)
    try:
        time = datetime.fromisoformat(cell)
    except (TypeError, ValueError):
        time = None
    if time is None or time.tzinfo is None:
        rule = "integer nanoseconds UTC, or ISO 8601 with Z or an offset"
        raise InvalidValue("ts_event", rule, cell)
    return round(time.timestamp() * 1e6) * 1000


def _price(field: str, cell: str, contract: Contract) -> float:
    number = _number(field, cell)
    price = on_tick(number, contract.tick_size)
    if abs(price - number) > _OFF_GRID:
        raise InvalidValue(field, f"a multiple of {contract.tick_size}", cell)
    return price


def _number(field: str, cell: str) -> float:
    try:
        number = float(cell)
    except (TypeError, ValueError):
        number = float("nan")
    if not isfinite(number):
        raise InvalidValue(field, "a finite number", cell)
    return number
