"""What a broker sends is looked at before it counts: one bad number would spoil all others."""

import math

from fillbridge_hooks import Fill, InvalidValue, QuoteTick, Replaced, Report, TradeTick


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
    if not isinstance(message, Report):
        return InvalidValue("message", "a report or a price", message)
    return None


def _price(field: str, value: object) -> InvalidValue | None:
    return None if _is_positive(value) else InvalidValue(field, "a finite price > 0", value)


def _quantity(field: str, value: object) -> InvalidValue | None:
    return None if _is_positive(value) else InvalidValue(field, "a finite quantity > 0", value)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value) and value > 0
