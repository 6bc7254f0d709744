"""How much: one order, one symbol, all of the account: C7 to C10 and C36."""

from fillbridge_hooks import (
    Exposure,
    MarketView,
    Order,
    OrderRole,
    Refuse,
    RiskCheck,
    RiskContext,
    Side,
)
from fillbridge_risk.pricing import arrival_half_ticks, market_half_ticks, points

HARD_ORDER_QUANTITY = 20
"""Contracts; no configuration lets a larger order through where the profile is ``live``."""
HARD_ORDER_VALUE = 10_000_000.0
"""Account currency, the same way."""

_ENTRY = OrderRole.ENTRY
_SECOND = 1_000_000_000


def max_order_quantity(limit: int) -> RiskCheck:
    """Refuse an entry of more than ``limit`` contracts."""
    rule = f"<= {limit} contracts"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.quantity <= limit or order.role is not _ENTRY:
            return None
        return Refuse(check="C7 max_order_quantity", limit=rule, value=str(order.quantity))

    return check


def max_order_value(limit: float) -> RiskCheck:
    """Refuse an entry of more than ``limit`` account currency at the highest price known of it.

    That is quantity x point value x price, whatever its sign. An entry without a price is valued
    at the market and at what it was decided at; where neither is known it is refused.
    """
    rule = f"<= {limit:.2f}"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        instrument = order.instrument
        prices = [2 * t for t in (order.limit_ticks, order.trigger_ticks) if t is not None]
        known = (
            market_half_ticks(market, instrument),
            arrival_half_ticks(order.arrival, instrument),
        )
        prices += [price for price in known if price is not None]
        if not prices:
            unpriced = f"{rule} at a known price"
            return Refuse(check="C8 max_order_value", limit=unpriced, value="unknown")
        highest = max(map(abs, prices))
        value = order.quantity * highest * instrument.tick_value_cents / 200
        if value <= limit:
            return None
        said = f"{value:.2f} ({order.quantity} at {points(highest, instrument)})"
        return Refuse(check="C8 max_order_value", limit=rule, value=said)

    return check


def max_position_size(limit: int) -> RiskCheck:
    """Refuse an order that could take its symbol's position beyond ``limit`` contracts.

    Judged by the worst case on the order's side: the position, all working and in-flight orders
    of that side, and the order.
    """
    rule = f"<= {limit} contracts"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        worst = exposure.worst_long if order.side is Side.BUY else exposure.worst_short
        worst += order.quantity
        if worst <= limit:
            return None
        return Refuse(check="C9 max_position_size", limit=rule, value=str(worst))

    return check


def max_gross_position(limit: int) -> RiskCheck:
    """Refuse an entry that could take the positions of all symbols beyond ``limit`` contracts.

    Of each symbol the larger of both sides counts, in the worst case.
    """
    rule = f"<= {limit} contracts over all symbols"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        longs, shorts = exposure.worst_long, exposure.worst_short
        others = exposure.account_worst - max(longs, shorts)
        if order.side is Side.BUY:
            longs += order.quantity
        else:
            shorts += order.quantity
        worst = others + max(longs, shorts)
        if worst <= limit:
            return None
        return Refuse(check="C9 max_gross_position", limit=rule, value=str(worst))

    return check


def max_open_positions(limit: int) -> RiskCheck:
    """Refuse an entry that would make more than ``limit`` trades open, over all symbols.

    A trade whose entry may still fill counts as open.
    """
    rule = f"<= {limit} open positions"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        positions = exposure.account_open_brackets + 1
        if positions <= limit:
            return None
        return Refuse(check="C10 max_open_positions", limit=rule, value=str(positions))

    return check


def max_brackets_per_strategy(limit: int) -> RiskCheck:
    """Refuse an entry that would make more than ``limit`` trades of its strategy in its symbol.

    Proposals without a strategy are one strategy.
    """
    rule = f"<= {limit} open trades of a strategy in a symbol"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        brackets = exposure.strategy_brackets + 1
        if brackets <= limit:
            return None
        said = f"{brackets} of {context.proposal.strategy!r} in {order.instrument.symbol}"
        return Refuse(check="C10 max_brackets_per_strategy", limit=rule, value=said)

    return check


def cooling_off(seconds: float, quantity: int) -> RiskCheck:
    """Refuse an entry of more than half of ``quantity`` until a session has lasted ``seconds``.

    A start begins a session, and so does a reconnection; a simulation has none to lose.
    """
    half = max(1, quantity // 2)
    lasting_ns = round(seconds * _SECOND)
    rule = f"<= {half} contracts within {seconds:g} s of a connection"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.quantity <= half or order.role is not _ENTRY or market.connected_ns is None:
            return None
        age_ns = context.now_ns - market.connected_ns
        if age_ns >= lasting_ns:
            return None
        said = f"{order.quantity} after {age_ns / _SECOND:.3f} s"
        return Refuse(check="C36 cooling_off_s", limit=rule, value=said)

    return check
