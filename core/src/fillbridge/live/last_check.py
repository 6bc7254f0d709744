"""The last look at an order, right before it would leave."""

from collections.abc import Mapping

from fillbridge.live.account import Account
from fillbridge.live.outbox import Change, Command, Submission
from fillbridge_hooks import NotSent, OrderRole

_SECOND = 1_000_000_000


def last_check(command: Command, account: Account, overstated: Mapping[str, int]) -> NotSent | None:
    """Why an order must not leave after all; ``None`` if it may.

    An entry must not be stale, nor the gate have shut since it was judged; nor does one that works
    already move once entries are stopped, whatever was asked for before. Nothing holds up what
    reduces a position; but what had to wait must still reduce one, of ours and of the broker's.

    :param overstated: by symbol, what the broker holds where that is less than we do
    """
    now = account.now_ns
    if isinstance(command, Change):
        reason = account.objection_to_change(command.client_order_id)
        return NotSent(command.client_order_id, reason, now) if reason else None
    if not isinstance(command, Submission):
        return None
    order = command.approved.order
    symbol = order.instrument.symbol
    trade, _ = account.state.orders[order.client_order_id]
    reason = ""
    if order.role is not OrderRole.ENTRY:
        theirs = overstated.get(symbol)
        held = trade.held * trade.plan.direction.sign
        if theirs is not None and order.side.sign * theirs + order.quantity > 0:
            reason = f"the broker holds {theirs}"
        elif order.side.sign * held >= 0:
            reason = f"it reduces nothing any more: {held} held"
    elif now - command.made_ns > account.rules.stale_send_ns:
        reason = f"judged {(now - command.made_ns) / _SECOND:.3f} s before it could leave"
    elif (suspended := account.suspension_of(trade.plan)) is not None:
        reason = f"strategy: suspended: {suspended}"
    elif command.gate_version != account.gate.version:
        objection = account.gate.objection(symbol)
        reason = str(objection) if objection else ""
    return NotSent(order.client_order_id, reason, now) if reason else None
