"""What may be traded: C1."""

from collections.abc import Collection

from fillbridge_hooks import Exposure, MarketView, Order, OrderRole, Refuse, RiskCheck, RiskContext

_ENTRY = OrderRole.ENTRY


def symbols(allowed: Collection[str]) -> RiskCheck:
    """Refuse an entry in a contract whose exact symbol is not listed."""
    known = frozenset(allowed)
    rule = f"one of {', '.join(sorted(known))}" if known else "a symbol of the list, which is empty"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        symbol = order.instrument.symbol
        if symbol in known or order.role is not _ENTRY:
            return None
        return Refuse(check="C1 symbols", limit=rule, value=repr(symbol))

    return check


def exchanges(allowed: Collection[str]) -> RiskCheck:
    """Refuse an entry in a contract of an exchange that is not listed."""
    known = frozenset(allowed)
    rule = (
        f"one of {', '.join(sorted(known))}" if known else "an exchange of the list, which is empty"
    )

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        exchange = order.instrument.exchange
        if exchange in known or order.role is not _ENTRY:
            return None
        return Refuse(check="C1 exchanges", limit=rule, value=repr(exchange))

    return check
