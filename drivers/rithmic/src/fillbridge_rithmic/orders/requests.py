"""From orders to the fields of requests: 312, 330, 314, 316, 332 and 334."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from fillbridge_hooks import (
    Order,
    OrderRole,
    OrderType,
    Side,
    TimeInForce,
)
from fillbridge_rithmic.orders.legs import Leg, distance, window_name
from fillbridge_rithmic.wire.codes import (
    BracketType,
    Duration,
    OrderPlacement,
    PriceType,
    TransactionType,
)

NEW_ORDER: Final = 312
BRACKET_ORDER: Final = 330
MODIFY_ORDER: Final = 314
CANCEL_ORDER: Final = 316
MOVE_TARGET: Final = 332
MOVE_STOP: Final = 334

_PRICE_TYPES: Final = {
    OrderType.MARKET: PriceType.MARKET,
    OrderType.LIMIT: PriceType.LIMIT,
    OrderType.STOP: PriceType.STOP_MARKET,
    OrderType.STOP_LIMIT: PriceType.STOP_LIMIT,
    OrderType.TRAILING_STOP: PriceType.STOP_MARKET,
}
_LIMITED: Final = (OrderType.LIMIT, OrderType.STOP_LIMIT)
_TRIGGERED: Final = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP)
_DURATIONS: Final = {
    TimeInForce.DAY: Duration.DAY,
    TimeInForce.GTC: Duration.GTC,
    TimeInForce.IOC: Duration.IOC,
    TimeInForce.FOK: Duration.FOK,
}
_SIDES: Final = {Side.BUY: TransactionType.BUY, Side.SELL: TransactionType.SELL}


class Refusal(ValueError):
    """The order cannot be asked of Rithmic; ``str()`` says why."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request as it is to be sent; its answer bears ``key`` as ``user_msg``."""

    key: str
    template: int
    fields: dict[str, Any]


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where orders go: the account as every request names it, and the route of an exchange."""

    fcm_id: str
    ib_id: str
    account_id: str

    def account(self) -> dict[str, str]:
        """The fields that name the account."""
        return {"fcm_id": self.fcm_id, "ib_id": self.ib_id, "account_id": self.account_id}


def new_order(
    order: Order,
    legs: dict[OrderRole, Leg],
    place: Place,
    trade_route: str,
    user_type: int | None,
    market_ticks: float | None,
) -> tuple[int, dict[str, Any]]:
    """Template and fields of the request for an order.

    :param legs: what Rithmic shall keep for it
    :param market_ticks: where a market order is expected to fill, if its arrival does not say
    :raises Refusal: if it cannot be asked for
    """
    _check(order)
    instrument = order.instrument
    fields: dict[str, Any] = {
        **place.account(),
        "user_tag": order.client_order_id,
        "window_name": window_name(order.client_order_id, legs),
        "symbol": instrument.symbol,
        "exchange": instrument.exchange,
        "quantity": order.quantity,
        "transaction_type": int(_SIDES[order.side]),
        "duration": int(_DURATIONS[order.time_in_force]),
        "trade_route": trade_route,
        "manual_or_auto": int(OrderPlacement.AUTO),
        **_prices(
            order.order_type,
            None if order.limit_ticks is None else instrument.to_price(order.limit_ticks),
            None if order.trigger_ticks is None else instrument.to_price(order.trigger_ticks),
        ),
    }
    if not legs:
        if order.order_type is OrderType.TRAILING_STOP:
            fields["trailing_stop"] = True
            fields["trail_by_ticks"] = order.trail_ticks
        return NEW_ORDER, fields
    if order.time_in_force is TimeInForce.DAY:
        # One duration counts for the entry and for its legs, which must outlive the day.
        fields["duration"] = int(Duration.GTC)
    fields.update(_bracket(order, legs, market_ticks))
    fields["user_type"] = user_type
    return BRACKET_ORDER, fields


def _bracket(
    order: Order, legs: dict[OrderRole, Leg], market_ticks: float | None
) -> dict[str, Any]:
    reference = reference_ticks(order, market_ticks)
    if reference is None and any(leg.distance is None for leg in legs.values()):
        raise Refusal(
            "legs: expected a price that their distance counts from, neither limit, trigger nor"
            " arrival price is known"
        )
    fields: dict[str, Any] = {}
    for role, leg in legs.items():
        ticks = distance(leg, order.side, reference)
        if ticks < 1:
            where = "" if reference is None else f" at {order.instrument.to_price(reference)}"
            raise Refusal(
                f"{leg.client_order_id}: expected at least 1 tick beyond the expected fill{where},"
                f" was {ticks}"
            )
        name = "stop" if role is OrderRole.STOP else "target"
        fields[f"{name}_ticks"] = ticks
        fields[f"{name}_quantity"] = order.quantity
    if len(legs) > 1:
        kind = BracketType.TARGET_AND_STOP_STATIC
    elif OrderRole.STOP in legs:
        kind = BracketType.STOP_ONLY_STATIC
    else:
        kind = BracketType.TARGET_ONLY_STATIC
    if OrderRole.STOP in legs:
        # A stop that the exchange refuses closes the position instead of leaving it bare.
        fields["stop_market_on_reject"] = True
    return {**fields, "bracket_type": int(kind)}


def reference_ticks(order: Order, market_ticks: float | None) -> float | None:
    """Where an entry is expected to fill, in ticks, whole or half."""
    if order.order_type is OrderType.LIMIT:
        return order.limit_ticks
    if order.trigger_ticks is not None:
        return order.trigger_ticks
    arrival = order.arrival
    if arrival is not None and arrival.price is not None:
        return round(2 * arrival.price / order.instrument.tick_size) / 2
    return market_ticks


def modify_order(
    place: Place,
    basket_id: str,
    symbol: str,
    exchange: str,
    quantity: int,
    order_type: OrderType,
    limit: float | None,
    trigger: float | None,
) -> tuple[int, dict[str, Any]]:
    """Template and fields of a change; ``quantity`` is the total, prices are points.

    Every term is sent: a stop whose trigger is left out keeps its own without a word.
    """
    return MODIFY_ORDER, {
        **place.account(),
        "basket_id": basket_id,
        "symbol": symbol,
        "exchange": exchange,
        "quantity": quantity,
        "manual_or_auto": int(OrderPlacement.AUTO),
        **_prices(order_type, limit, trigger),
    }


def cancel_order(place: Place, basket_id: str) -> tuple[int, dict[str, Any]]:
    """Template and fields of a cancel."""
    return CANCEL_ORDER, {
        **place.account(),
        "basket_id": basket_id,
        "manual_or_auto": int(OrderPlacement.AUTO),
    }


def move_leg(
    place: Place, basket_id: str, role: OrderRole, before: int, ticks: int
) -> tuple[int, dict[str, Any]]:
    """Template and fields of a new distance for a leg that is to come.

    :param basket_id: of the entry
    :param before: the distance that Rithmic has, ticks from the fill
    :param ticks: the new one
    """
    fields = {**place.account(), "basket_id": basket_id, "level": before}
    if role is OrderRole.STOP:
        return MOVE_STOP, {**fields, "stop_ticks": ticks}
    return MOVE_TARGET, {**fields, "target_ticks": ticks}


def _check(order: Order) -> None:
    if order.quantity < 1:
        raise Refusal(f"quantity: expected at least 1, was {order.quantity}")
    check_prices(order.order_type, order.limit_ticks, order.trigger_ticks)
    if not order.client_order_id or not order.client_order_id.isascii():
        raise Refusal(f"client_order_id: expected ASCII, was {order.client_order_id!r}")


def check_prices(order_type: OrderType, limit_ticks: int | None, trigger_ticks: int | None) -> None:
    """See that an order has the prices that its type needs.

    :raises Refusal: if one is missing
    """
    if order_type in _LIMITED and limit_ticks is None:
        raise Refusal(f"limit_ticks: expected a price for a {order_type.value} order, was None")
    if order_type in _TRIGGERED and trigger_ticks is None:
        raise Refusal(f"trigger_ticks: expected a price for a {order_type.value} order, was None")


def _prices(order_type: OrderType, limit: float | None, trigger: float | None) -> dict[str, Any]:
    fields: dict[str, Any] = {"price_type": int(_PRICE_TYPES[order_type])}
    if order_type in _LIMITED:
        fields["price"] = limit
    if order_type in _TRIGGERED:
        fields["trigger_price"] = trigger
    return fields
