"""Closes positions, and withdraws what works once nothing is held any more.

The order of things: exits first, then nothing until the account is flat, only then withdrawals. A
stop is never withdrawn from what is open. So an entry may fill meanwhile; it is closed as well.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import anyio
import msgspec

from fillbridge_hooks import InvalidValue
from fillbridge_rithmic.emergency.asking import ask_once, conclude, look_again
from fillbridge_rithmic.emergency.outcome import Outcome, Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from fillbridge_rithmic.emergency.account import OpenAccount
    from fillbridge_rithmic.emergency.standing import Position, Standing, WorkingOrder

_MOST_EXITS: Final = 3
"""Of one symbol: entries that fill again and again are a matter for a person."""
_MARKET: Final = "market"


class Scope(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be closed: everything, or one symbol."""

    symbol: str | None = None
    """``None``: every position, and every order."""
    exchange: str | None = None
    """Only at this exchange; needs a symbol."""

    def holds(self, what: Position | WorkingOrder) -> bool:
        """Whether a position or an order belongs to it."""
        return self.symbol in (None, what.symbol) and self.exchange in (None, what.exchange)

    def check(self, standing: Standing) -> None:
        """Go on if there may be something to do.

        :raises InvalidValue: if the account has positions or orders, but none of this symbol; it
            may be misspelt
        """
        everything: list[Position | WorkingOrder] = [*(standing.positions or ()), *standing.orders]
        if everything and not any(map(self.holds, everything)):
            known = sorted({f"{each.symbol}.{each.exchange}" for each in everything})
            wanted = self.symbol if self.exchange is None else f"{self.symbol}.{self.exchange}"
            raise InvalidValue("symbol", f"one of {', '.join(known)}", wanted)


async def flatten(
    account: OpenAccount, scope: Scope, wait_s: float, tell: Callable[[str], None]
) -> Outcome:
    """Close the positions at the market, and withdraw the orders once they are closed.

    :param wait_s: for the positions and orders to be gone
    :raises DriverError: if the account could not be read; nothing was asked for then
    :raises InvalidValue: if the account has something, but not of the symbol that is wanted
    """
    report = Report(tell)
    before = await account.look()
    report.show(before)
    scope.check(before)
    course = _Course(account, scope, report)
    deadline = anyio.current_time() + wait_s
    standing: Standing | None = before
    while standing is not None:
        if not await course.act(standing) and (
            course.is_clear(standing)
            or course.is_stuck(standing)
            or anyio.current_time() >= deadline
        ):
            break
        standing = await look_again(account, report, deadline)
    if standing is not None and course.open(standing):
        report.say("nothing is withdrawn, since what is still open would lose its stops")
    return conclude(account, report, before, standing, course.is_clear)


class _Course:
    """What was asked for so far, and what is to be asked for next."""

    def __init__(self, account: OpenAccount, scope: Scope, report: Report) -> None:
        self._account = account
        self._scope = scope
        self._report = report
        self._exits: dict[tuple[str, str], int] = {}
        """Positions whose exit was asked for and that were not seen flat since, by their sign."""
        self._refused: set[tuple[str, str]] = set()
        self._asked: dict[tuple[str, str], int] = {}
        """How many exits of a symbol were asked for."""
        self._is_withdrawn = False
        self._withdrawn: set[str] = set()
        """Baskets that were withdrawn one by one: what is complete must not be asked for again."""

    def open(self, standing: Standing) -> tuple[Position, ...]:
        """Positions that are to be closed."""
        return tuple(filter(self._scope.holds, standing.positions or ()))

    def working(self, standing: Standing) -> tuple[WorkingOrder, ...]:
        """Orders that are to be withdrawn in the end."""
        return tuple(filter(self._scope.holds, standing.orders))

    def is_clear(self, standing: Standing) -> bool:
        """Whether nothing is left to be done."""
        return not self.open(standing) and not self.working(standing)

    def is_stuck(self, standing: Standing) -> bool:
        """Whether waiting is of no use: what is open is what could not be closed."""
        positions = self.open(standing)
        return bool(positions) and all(_key(each) in self._refused for each in positions)

    async def act(self, standing: Standing) -> bool:
        """Ask for what is next; whether anything was asked for."""
        if positions := self.open(standing):
            self._forget_what_is_flat(positions)
            due = [each for each in positions if self._is_due(each, standing)]
            async with anyio.create_task_group() as tasks:
                for position in due:
                    tasks.start_soon(self._exit, position)
            return bool(due)
        self._forget_what_is_flat(())
        return await self._withdraw(standing)

    def _forget_what_is_flat(self, positions: tuple[Position, ...]) -> None:
        """What is flat, or on the other side now, is not what an exit was asked for."""
        signs = {_key(each): _sign(each) for each in positions}
        self._exits = {key: sign for key, sign in self._exits.items() if signs.get(key) == sign}
        self._refused &= self._exits.keys()

    def _is_due(self, position: Position, standing: Standing) -> bool:
        key = _key(position)
        if key in self._exits:
            return False
        for order in standing.orders:
            if order.price_type == _MARKET and order.closes(position):
                # A second one would open a position on the other side.
                self._report.say(f"exit of {position}: not asked for, since one works: {order}")
                return False
        if self._asked.get(key, 0) >= _MOST_EXITS:
            self._report.say(f"exit of {position}: not asked for again: something opens it anew")
            return False
        return True

    async def _exit(self, position: Position) -> None:
        key = _key(position)
        self._exits[key] = _sign(position)
        self._asked[key] = self._asked.get(key, 0) + 1
        self._is_withdrawn = False
        request = self._account.exit(position)
        if not await ask_once(request, f"exit of {position} at the market", self._report):
            self._refused.add(key)

    async def _withdraw(self, standing: Standing) -> bool:
        if self._scope.symbol is not None:
            return await self._withdraw_one_by_one(standing)
        if self._is_withdrawn:
            return False
        self._is_withdrawn = True
        # Also where no order is seen: a list may lack one.
        await ask_once(self._account.withdraw_all(), "withdrawal of every order", self._report)
        return True

    async def _withdraw_one_by_one(self, standing: Standing) -> bool:
        """Those of one symbol: to withdraw all would take the stops of other positions too."""
        due = [order for order in self.working(standing) if order.basket_id not in self._withdrawn]
        for order in due:
            self._withdrawn.add(order.basket_id)
            await ask_once(self._account.withdraw(order), f"withdrawal of {order}", self._report)
        return bool(due)


def _key(position: Position) -> tuple[str, str]:
    return position.symbol, position.exchange


def _sign(position: Position) -> int:
    return 1 if position.quantity > 0 else -1
