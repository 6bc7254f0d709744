"""What nobody here can tell: outcomes that are held to be unknown, fills that were not heard of."""

from fillbridge.engine.state import EngineState
from fillbridge.live.account import Account
from fillbridge_hooks import (
    Cancelled,
    Expired,
    Fill,
    OrderRole,
    OrderStatus,
    OutcomeUnknown,
)

_UNKNOWN = "unknown"


def doubt_what_is_under_way(account: Account, reason: str, before_ns: int | None = None) -> bool:
    """Hold the outcome of what has no answer to be unknown; whether there was any.

    :param before_ns: only what was sent until then, ns UTC
    """
    found = False
    for trade in tuple(account.state.trades.values()):
        for order_state in tuple(trade.orders):
            if order_state.status is not OrderStatus.PENDING:
                continue
            if before_ns is None or order_state.submitted_ns <= before_ns:
                order_id = order_state.order.client_order_id
                with account.guard():
                    unknown = OutcomeUnknown(order_id, reason, account.now_ns)
                    account.shell.on_report(unknown)
                found = True
    return found


def block_what_is_unknown(account: Account) -> None:
    """Let no entry out in symbols of orders whose outcome is unknown, and in those alone."""
    outcome = "the outcome of {} is unknown"
    unknown = {
        trade.plan.instrument.symbol: outcome.format(order_state.order.client_order_id)
        for trade in account.state.trades.values()
        for order_state in trade.orders
        if order_state.status is OrderStatus.UNKNOWN
    }
    account.block(_UNKNOWN, unknown)


def has_missed_fills(state: EngineState, report: Fill | Cancelled | Expired) -> bool:
    """Whether an order has filled by more than is known of it, this report included.

    Of an entry that ended it may, where the broker does not say by how much it filled.
    """
    known = state.orders.get(report.client_order_id)
    if known is None:
        return False
    order_state = known[1]
    if report.cumulative_quantity is None:
        return order_state.order.role is OrderRole.ENTRY
    return order_state.filled < report.cumulative_quantity
