"""Withdraws every order of an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from fillbridge_rithmic.emergency.asking import ask_once, conclude, look_again
from fillbridge_rithmic.emergency.outcome import Outcome, Report, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from fillbridge_rithmic.emergency.account import OpenAccount
    from fillbridge_rithmic.emergency.standing import Standing


async def cancel_all(account: OpenAccount, wait_s: float, tell: Callable[[str], None]) -> Outcome:
    """Withdraw every order, unless positions are read and one is open: it would lose its stops.

    :param wait_s: for the orders to be gone
    :raises DriverError: if the account could not be read; nothing was asked for then
    """
    report = Report(tell)
    before = await account.look()
    report.show(before)
    if before.positions:
        report.say("nothing is withdrawn, since what is held would lose its stops: flatten it")
        return report.outcome(account.account_id, State.LEFT, before, before)
    deadline = anyio.current_time() + wait_s
    is_asked = await ask_once(account.withdraw_all(), "withdrawal of every order", report)
    left = await look_again(account, report, deadline)
    while is_asked and left is not None and left.orders and anyio.current_time() < deadline:
        left = await look_again(account, report, deadline)
    return conclude(account, report, before, left, _is_clear)


def _is_clear(standing: Standing) -> bool:
    return not standing.orders and not standing.positions
