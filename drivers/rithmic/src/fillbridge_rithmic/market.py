"""Trades and quotes of the ticker plant, as the core hears them."""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

from fillbridge_hooks import QuoteTick, TradeTick
from fillbridge_rithmic.wire.messages import sent

LAST_TRADE: Final = 150
BEST_BID_OFFER: Final = 151

_SECOND: Final = 1_000_000_000
_MICROSECOND: Final = 1_000
_BID, _ASK = 1, 2
"""Bits of what a quote has, or no longer has."""

_Level = tuple[float, float]


class Market:
    """The last of everything, by symbol: quotes come with one side at a time."""

    def __init__(self) -> None:
        self._last: dict[str, float] = {}
        self._bids: dict[str, _Level | None] = {}
        self._asks: dict[str, _Level | None] = {}

    def last(self, symbol: str) -> float | None:
        """The price of the last trade in points; ``None`` if there was none."""
        return self._last.get(symbol)

    def hear(self, message: Any) -> TradeTick | QuoteTick | None:
        """What a message of the ticker plant says; ``None`` where that is nothing to hand on."""
        if message.template_id == LAST_TRADE:
            return self._trade(message)
        if message.template_id == BEST_BID_OFFER:
            return self._quote(message)
        return None

    def _trade(self, message: Any) -> TradeTick | None:
        price = sent(message, "trade_price")
        if not _is_price(price):
            return None
        self._last[message.symbol] = price
        return TradeTick(_time_ns(message), price, message.trade_size, message.symbol)

    def _quote(self, message: Any) -> QuoteTick | None:
        symbol = message.symbol
        for levels, side, bit in ((self._bids, "bid", _BID), (self._asks, "ask", _ASK)):
            price = sent(message, f"{side}_price")
            if message.clear_bits & bit:
                levels[symbol] = None
            elif _is_price(price):
                levels[symbol] = price, sent(message, f"{side}_size") or 0
        bid, ask = self._bids.get(symbol), self._asks.get(symbol)
        if bid is None or ask is None:
            return None
        return QuoteTick(_time_ns(message), *bid, *ask, symbol)


def _is_price(price: float | None) -> bool:
    return price is not None and isfinite(price) and price > 0


def _time_ns(message: Any) -> int:
    return int(message.ssboe) * _SECOND + int(message.usecs) * _MICROSECOND
