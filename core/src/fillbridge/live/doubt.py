"""Orders whose outcome is not known: when they are held to be so, and what that blocks."""

from fillbridge.live.account import Account
from fillbridge_hooks import OrderStatus, OutcomeUnknown

_UNKNOWN = "unknown"


def doubt_what_is_under_way(account: Account, reason: str, before_ns: int | None = None) -> bool:
    """Hold the outcome of what has no answer to be unknown; whether there was any.

    :param before_ns: of orders that left until then; ``None``: of all
    """
    found = False
    for trade in tuple(account.state.trades.values()):
        for order_state in tuple(trade.orders):
            if order_state.status is not OrderStatus.PENDING:
                continue
            if before_ns is None or order_state.submitted_ns <= before_ns:
                order_id = order_state.order.client_order_id
                with account.guard():
                    account.shell.on_report(OutcomeUnknown(order_id, reason, account.now_ns))
                found = True
    return found


def block_what_is_unknown(account: Account) -> None:
    """Let no entry of a symbol out while the outcome of one of its orders is unknown."""
    outcome = "the outcome of {} is unknown"
    unknown = {
        trade.plan.instrument.symbol: outcome.format(order_state.order.client_order_id)
        for trade in account.state.trades.values()
        for order_state in trade.orders
        if order_state.status is OrderStatus.UNKNOWN
    }
    account.block(_UNKNOWN, unknown)
