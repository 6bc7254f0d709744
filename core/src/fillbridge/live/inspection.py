"""What a broker sends is looked at before it counts: one bad number would spoil all others."""

import math

from fillbridge_hooks import (
    BrokerMargin,
    Cancelled,
    Expired,
    Fill,
    InvalidValue,
    QuoteTick,
    Replaced,
    Report,
    TradeTick,
)

_REPEATED_NS = 10_000_000_000


def objection(message: object) -> InvalidValue | None:
    """Why a message of a broker cannot be used, by field, value and rule; ``None`` if it can."""
    if isinstance(message, TradeTick):
        return _price(f"trade {message.symbol} price", message.price) or _quantity(
            f"trade {message.symbol} size", message.size
        )
    if isinstance(message, QuoteTick):
        return _price(f"quote {message.symbol} bid", message.bid) or _price(
            f"quote {message.symbol} ask", message.ask
        )
    if isinstance(message, Fill):
        name = f"fill {message.fill_id} of {message.client_order_id}"
        return _price(f"{name} price", message.price) or _quantity(
            f"{name} quantity", message.quantity
        )
    if isinstance(message, Replaced):
        return _quantity(f"change of {message.client_order_id} quantity", message.quantity)
    if isinstance(message, Cancelled | Expired):
        return _sum(f"end of {message.client_order_id} cumulative_quantity", message)
    if isinstance(message, BrokerMargin):
        return _margin(message)
    if not isinstance(message, Report):
        return InvalidValue("message", "a report or a price", message)
    return None


def _price(field: str, value: object) -> InvalidValue | None:
    return None if _is_positive(value) else InvalidValue(field, "a finite price > 0", value)


def _quantity(field: str, value: object) -> InvalidValue | None:
    return None if _is_positive(value) else InvalidValue(field, "a finite quantity > 0", value)


def _margin(margin: BrokerMargin) -> InvalidValue | None:
    amounts: list[tuple[str, object]] = [("available", margin.available)]
    amounts += [(f"needed.{symbol}", value) for symbol, value in margin.needed.items()]
    sizes = margin.max_order_quantity.items()
    amounts += [(f"max_order_quantity.{symbol}", value) for symbol, value in sizes]
    if margin.loss_limit is not None:
        amounts.append(("loss_limit", margin.loss_limit))
    for field, value in amounts:
        if not (isinstance(value, int | float) and math.isfinite(value)):
            return InvalidValue(f"margin {field}", "a finite amount", value)
    return None


def _sum(field: str, ended: Cancelled | Expired) -> InvalidValue | None:
    total = ended.cumulative_quantity
    if total is None or (isinstance(total, int) and total >= 0):
        return None
    return InvalidValue(field, "a quantity >= 0", total)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0


class Refusals:
    """What was refused lately: what is sent again and again is news once in ten seconds."""

    def __init__(self) -> None:
        self._told_ns: dict[str, int] = {}

    def is_news(self, refused: InvalidValue, now_ns: int) -> bool:
        """Whether nothing was refused for the same field lately."""
        told = self._told_ns = {
            field: time_ns
            for field, time_ns in self._told_ns.items()
            if now_ns - time_ns < _REPEATED_NS
        }
        is_news = refused.field not in told
        told.setdefault(refused.field, now_ns)
        return is_news
