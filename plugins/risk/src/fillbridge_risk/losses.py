"""What was lost, and what is left: C17 and C18."""

from fillbridge_hooks import Exposure, MarketView, Order, OrderRole, Refuse, RiskCheck, RiskContext

_ENTRY = OrderRole.ENTRY
_SECOND = 1_000_000_000
_MARGIN_READ_S = 60


def daily_loss_reduce_only(limit: float) -> RiskCheck:
    """Refuse an entry once ``limit`` account currency is lost on the trade date.

    Realised, net, and open at last prices; where a price is unknown, so is the loss, and the entry
    is refused.
    """
    rule = f"a loss of the day < {limit:.2f}"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        realised, open_pnl = context.realised_pnl, context.open_pnl
        if open_pnl is None:
            said = f"unknown: {realised:.2f} realised, open positions without a price"
            return Refuse(check="C17 daily_loss_reduce_only", limit=rule, value=said)
        if realised + open_pnl > -limit:
            return None
        said = f"{-realised - open_pnl:.2f} ({-realised:.2f} realised, {-open_pnl:.2f} open)"
        return Refuse(check="C17 daily_loss_reduce_only", limit=rule, value=said)

    return check


def margin_factor(factor: float) -> RiskCheck:
    """Refuse an entry that needs more margin, times ``factor``, than the broker has available.

    Entries of the symbol that work or are in doubt count as if they needed it on top: the broker
    may not have taken them into account yet. Its own order size and loss limit are kept to, and
    what it said must be fresh. Where its driver tells nothing there is no objection.
    """
    rule = f"needed x {factor:g} <= available"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        margin = context.margin
        if margin is None or order.role is not _ENTRY:
            return None
        limit, said = rule, ""
        age_ns = context.now_ns - margin.read_ns
        contracts = order.quantity + exposure.working_buys + exposure.working_sells
        needed = contracts * margin.needed_per_contract * factor
        lost = -(context.realised_pnl + (context.open_pnl or 0.0))
        most = margin.max_order_quantity
        if age_ns > _MARGIN_READ_S * _SECOND:
            limit = f"a margin read <= {_MARGIN_READ_S} s ago"
            said = f"{age_ns / _SECOND:.3f} s"
        elif needed > margin.available:
            said = f"{needed:.2f} of {margin.available:.2f}"
        elif most is not None and order.quantity > most:
            limit, said = f"<= {most} contracts, by the broker", str(order.quantity)
        elif margin.loss_limit is not None and lost >= margin.loss_limit:
            limit = f"a loss of the day < {margin.loss_limit:.2f}, by the broker"
            said = f"{lost:.2f}"
        return Refuse(check="C18 margin_factor", limit=limit, value=said) if said else None

    return check
