"""Lets the gateway's market do what was recorded, or comes by chance."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import anyio

from fillbridge_hooks import ConfigurationError, InvalidValue
from fillbridge_rithmic.gateway.clock import SECOND_NS
from fillbridge_rithmic.gateway.market.tick_files import recorded_ticks
from fillbridge_rithmic.gateway.market.ticks import Trade
from fillbridge_rithmic.gateway.market.walk import random_walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.market.ticks import Tick

_LOG: Final = logging.getLogger(__name__)


def ticks_of(gateway: Gateway) -> Iterator[Tick] | None:
    """What the market is to do; ``None``: nothing but what it is told.

    :raises ConfigurationError: if it is recorded, and cannot be read
    """
    market = gateway.settings.market
    contracts = gateway.settings.contracts
    if market is None:
        return None
    if market.ticks is None and market.quotes is None:
        return random_walk(
            contracts,
            seed=market.seed,
            trades_per_s=market.trades_per_s,
            volatility=market.volatility,
        )
    symbol = contracts[0].symbol if market.symbol is None else market.symbol
    if symbol not in gateway.book.contracts:
        error = InvalidValue("symbol", " or ".join(sorted(gateway.book.contracts)), symbol)
        raise ConfigurationError(str(error))
    return recorded_ticks(market.ticks, market.quotes, gateway.book.contracts, symbol)


async def play(gateway: Gateway, ticks: Iterator[Tick], speed: float) -> None:
    """Let the market do this, so many times as fast as it was; 0: without any pause.

    A recording that turns out to be damaged ends the market, and nothing else.
    """
    start = anyio.current_time()
    first_ns = None
    try:
        for tick in ticks:
            first_ns = tick.time_ns if first_ns is None else first_ns
            due = start + (tick.time_ns - first_ns) / SECOND_NS / speed if speed else start
            await anyio.sleep(max(0.0, due - anyio.current_time()))
            if isinstance(tick, Trade):
                gateway.trade(tick.symbol, tick.price, tick.size)
            else:
                gateway.quote(tick.symbol, tick.bid, tick.ask)
    except ConfigurationError as error:
        _LOG.error("The market has ended: %s", error)
