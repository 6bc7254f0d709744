"""Fills that nobody reported: the broker holds less than we do, so somebody else closed it.

They are booked for an order that was never sent, and give way where a fill of our own turns up
late that explains the same.
"""

from fillbridge.engine.exits import cancel_all
from fillbridge.engine.legs import ELSEWHERE_SUFFIX
from fillbridge.engine.messages import (
    Decision,
    Effect,
    Event,
    FillBooked,
    Measure,
    StopTracking,
    Track,
)
from fillbridge.engine.state import OrderState, Trade
from fillbridge_hooks import TERMINAL_STATUSES, Fill, FillVoided

_AGAIN = "+"
_CLOCKS_DIFFER_NS = 1_000_000_000
"""By no more than this from the broker's."""


def assumed_fills(trade: Trade) -> list[FillBooked]:
    """Those of a trade, the newest first."""
    stem = trade.plan.trade_id + ELSEWHERE_SUFFIX
    return [
        booked
        for booked in reversed(trade.fills.values())
        if booked.fill.client_order_id.startswith(stem)
    ]


def in_their_place(
    trade: Trade, filled: OrderState, message: FillBooked, excess: int, now: int
) -> Decision | None:
    """Take ``excess`` contracts of assumed fills back for a fill of our own; ``None``: too few."""
    events = taken_back(trade, message.fill, excess, now)
    if events is None:
        return None
    trade_id = trade.plan.trade_id
    is_done = filled.filled + message.fill.quantity >= filled.order.quantity
    ended = filled if is_done else None
    others = trade.working - (is_done and filled.status not in TERMINAL_STATUSES)
    effects: tuple[Effect, ...] = (Track(trade_id),) if trade.closed else ()
    if not others:
        return (*events, message), (*effects, Measure(trade_id))
    sent, cancels = cancel_all(trade, ended, "the position is closed", now)
    return (*events, message, *sent), (*effects, StopTracking(trade_id), *cancels)


def taken_back(trade: Trade, fill: Fill, excess: int, now: int) -> tuple[Event, ...] | None:
    """What takes ``excess`` contracts of assumed fills back for ``fill``; ``None``: too few.

    A fill that was made after the broker held less is not what closed the position.
    """
    events: list[Event] = []
    for booked in assumed_fills(trade):
        assumed = booked.fill
        if not excess:
            break
        if fill.time_ns > assumed.time_ns + _CLOCKS_DIFFER_NS:
            continue
        reason = f"fill {fill.fill_id} is what closed the position"
        events.append(FillVoided(assumed.client_order_id, assumed.fill_id, reason, now))
        kept = assumed.quantity - min(excess, assumed.quantity)
        excess -= assumed.quantity - kept
        if kept:
            cents = booked.commission_cents
            if cents is not None:
                cents = round(cents * kept / assumed.quantity)
            events.append(FillBooked(_smaller(assumed, kept), cents))
    return None if excess else tuple(events)


def _smaller(fill: Fill, quantity: int) -> Fill:
    return Fill(
        fill.fill_id + _AGAIN,
        fill.client_order_id,
        fill.broker_order_id,
        quantity,
        quantity,
        fill.price,
        fill.reference_ticks,
        fill.slippage,
        fill.slippage_model,
        fill.liquidity,
        fill.time_ns,
    )
