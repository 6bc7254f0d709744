"""The pre-trade limits, each a function that makes the check for one configured value."""

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
        return Refuse(check="max_position_size", limit=rule, value=str(worst))

    return check


def max_open_positions(limit: int) -> RiskCheck:
    """Refuse an entry that would make more than ``limit`` trades open, over all symbols.

    A trade whose entry may still fill counts as open.
    """
    rule = f"<= {limit} open positions"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not OrderRole.ENTRY:
            return None
        positions = exposure.account_open_brackets + 1
        if positions <= limit:
            return None
        return Refuse(check="max_open_positions", limit=rule, value=str(positions))

    return check


def max_daily_trades(limit: int) -> RiskCheck:
    """Refuse an entry after ``limit`` entries were approved on the trade date."""
    rule = f"<= {limit} trades a day"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not OrderRole.ENTRY:
            return None
        trades = context.trades_today + 1
        if trades <= limit:
            return None
        return Refuse(check="max_daily_trades", limit=rule, value=str(trades))

    return check
