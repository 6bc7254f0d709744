"""What both commands do: ask once, look until there is a clean answer, draw the conclusion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio

from fillbridge_hooks import DriverError
from fillbridge_rithmic.emergency.outcome import Outcome, State
from fillbridge_rithmic.link.errors import RequestRefused

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from fillbridge_rithmic.emergency.account import OpenAccount
    from fillbridge_rithmic.emergency.outcome import Report
    from fillbridge_rithmic.emergency.standing import Standing

_PAUSE_S: Final = 0.2


async def ask_once(request: Awaitable[None], what: str, report: Report) -> bool:
    """Make a request, and say what became of it; whether it may be under way.

    Nothing is ever asked for again because no answer came: it may have been done.
    """
    try:
        await request
    except RequestRefused as error:
        report.say(f"{what}: refused: {error.code} {error.text}".rstrip())
        return False
    except DriverError as error:
        report.say(f"{what}: asked for, and not known to be done: {error}")
    else:
        report.say(f"{what}: asked for")
    return True


async def look_again(account: OpenAccount, report: Report, deadline: float) -> Standing | None:
    """How the account stands a little later; ``None``: the connection ended, or it is too late."""
    while True:
        await anyio.sleep(_PAUSE_S)
        try:
            return await account.look()
        except DriverError as error:
            report.say(f"the account cannot be read: {error}")
        if account.lost is not None or anyio.current_time() >= deadline:
            return None


def conclude(
    account: OpenAccount,
    report: Report,
    before: Standing,
    left: Standing | None,
    is_clear: Callable[[Standing], bool],
) -> Outcome:
    """Say what is left.

    :param left: what was seen at last; ``None``: that is not known
    """
    if left is None:
        report.say("what is left is not known: look at the account, and run this again")
        state = State.UNKNOWN
    else:
        report.say("at last:")
        report.show(left)
        state = State.CLEAR if is_clear(left) else State.LEFT
    return report.outcome(account.account_id, state, before, left)
