"""The wide collar around the prices of stops, targets and moved orders: what nobody can have meant.

It stands against a slip of the hand or of a unit, not against a bad trade, so nothing configures
it. A price passes that is near any price that is known of the market: one bad print among good
ones refuses nothing. Where nothing is known, nothing is refused.
"""

from collections.abc import Iterable

from fillbridge.engine.messages import ReplaceRequested, TradePlan
from fillbridge.engine.state import EngineState
from fillbridge.live.market import LiveMarket
from fillbridge_hooks import Instrument, InvalidValue, Order

_SHARE = 0.2
_LEAST_TICKS = 400
"""Where a fifth of the price is less than this, as for coarse grids and prices around zero."""


def refuse_plan(plan: TradePlan, market: LiveMarket) -> None:
    """Open no trade whose stop or target could not be placed afterwards.

    They are looked at from where the entry may fill, too.

    :raises InvalidValue: if one of them is beyond the collar
    """
    entry, instrument, sign = plan.entry, plan.instrument, plan.direction.sign
    known = [*_known(market, instrument), *_levels(entry)]
    for name, level, distance, away in (
        ("stop_loss", plan.stop_ticks, plan.stop_distance, -sign),
        ("take_profit", plan.target_ticks, plan.target_distance, sign),
    ):
        if level is not None:
            rule = _broken(level, known, instrument)
            if rule:
                raise InvalidValue(f"{name}_price", rule, instrument.to_price(level))
        elif distance is not None:
            rules = [_broken(one + away * distance, [one], instrument) for one in known]
            if rules and all(rules):
                raise InvalidValue(f"{name}_ticks", f"so many that it is at {rules[0]}", distance)


def refuse_move(message: ReplaceRequested, state: EngineState, market: LiveMarket) -> None:
    """Move no order to where nobody can have meant it: it stays where it is.

    :raises InvalidValue: if a price is beyond the collar
    """
    found = state.orders.get(message.client_order_id)
    if found is None:
        return
    instrument = found[1].order.instrument
    known = _known(market, instrument)
    for name, level in (
        ("limit_price", message.limit_ticks),
        ("trigger_price", message.trigger_ticks),
    ):
        rule = "" if level is None else _broken(level, known, instrument)
        if level is not None and rule:
            raise InvalidValue(name, rule, instrument.to_price(level))


def objection(order: Order, market: LiveMarket) -> str:
    """Why an order that reduces a position must not be sent at its price; empty if it may."""
    instrument = order.instrument
    levels = _levels(order)
    if not levels:
        return ""
    known = _known(market, instrument)
    for level in levels:
        rule = _broken(level, known, instrument)
        if rule:
            return f"collar: expected {rule}, was {instrument.to_price(level)}"
    return ""


def _levels(order: Order) -> list[int]:
    return [one for one in (order.limit_ticks, order.trigger_ticks) if one is not None]


def _known(market: LiveMarket, instrument: Instrument) -> list[float]:
    if instrument.symbol not in market.instruments:
        return []
    view = market.view(instrument.symbol)
    prices = (view.last, view.bid, view.ask)
    return [price / instrument.tick_size for price in prices if price is not None]


def _broken(level: float, known: Iterable[float], instrument: Instrument) -> str:
    """The rule that a level breaks; empty if there is one known price that it is near."""
    nearest: tuple[float, float] | None = None
    for one in known:
        beyond = abs(level - one) - max(_SHARE * abs(one), _LEAST_TICKS)
        if beyond <= 0 and (level > 0 or one <= 0):
            return ""
        if nearest is None or beyond < nearest[0]:
            nearest = beyond, one
    if nearest is None:
        return ""
    price = nearest[1] * instrument.tick_size
    return f"a price above 0 within 20 % (or {_LEAST_TICKS} ticks) of the market's {price:.10g}"
