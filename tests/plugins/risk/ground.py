"""An order and all that it is judged by, as each test wants it."""

import msgspec

from fillbridge_hooks import (
    ArrivalPrice,
    Exposure,
    Instrument,
    MarketView,
    Order,
    OrderRole,
    OrderType,
    RiskContext,
    RiskProposal,
    Side,
)

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
NOON = 1_764_777_600 * SECOND
"""Wednesday 2025-12-03, 16:00 UTC: 11:00 in New York, 10:00 in Chicago."""
ES = Instrument(symbol="ESZ5", tick_size=0.25, point_value=50, exchange="CME")
EMPTY = Exposure("ESZ5", 0, 0, 0, 0, 0, 0, 0, 0)

PRICE = 20_000
"""Ticks: 5000.00."""


def order(**changes):
    terms = {
        "client_order_id": "T1_ENTRY",
        "trade_id": "T1",
        "role": OrderRole.ENTRY,
        "instrument": ES,
        "side": Side.BUY,
        "quantity": 1,
        "order_type": OrderType.MARKET,
        "arrival": ArrivalPrice(price(PRICE), price(PRICE + 1), price(PRICE)),
    }
    return Order(**{**terms, **changes})


def market(**changes):
    terms = {
        "symbol": "ESZ5",
        "bar": None,
        "bid": price(PRICE),
        "ask": price(PRICE + 1),
        "last": price(PRICE),
        "volume": None,
        "time_ns": NOON,
        "quote_ns": NOON,
        "connected_ns": NOON - 3_600 * SECOND,
    }
    return MarketView(**{**terms, **changes})


def proposal(**changes):
    terms = {
        "position_size": 1,
        "direction": "LONG",
        "stop_loss_ticks": 20,
        "take_profit_ticks": 40,
        "symbol": "ESZ5",
        "strategy": "calm",
        "proposal_id": "P1",
    }
    return RiskProposal(**{**terms, **changes})


def context(**changes):
    known = RiskContext(NOON, proposal(), 0, 0, 0, 0.0, 0.0, 0, ())
    return msgspec.structs.replace(known, **changes)


def exposure(**changes):
    return msgspec.structs.replace(EMPTY, **changes)


def case(**parts):
    """Order, exposure, market and context; each as given, else one that nothing objects to."""
    return (
        parts.get("order") or order(),
        parts.get("exposure") or EMPTY,
        parts.get("market") or market(),
        parts.get("context") or context(),
    )


def price(ticks):
    return ticks * 0.25
