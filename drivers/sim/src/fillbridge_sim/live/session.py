"""One login at a live simulated broker, in its own process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel

from fillbridge_hooks import (
    NEVER,
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    FatalError,
    Fill,
    ForcedLogout,
    Instrument,
    Message,
    NotSent,
    Order,
    Replacement,
    RetryableError,
    SendOutcome,
    Sent,
)
from fillbridge_sim.live.account import Account
from fillbridge_sim.live.broker import LiveBroker
from fillbridge_sim.live.inbox import Inbox

ANOTHER_LOGIN = "another login took the session"
_CLOSED = "the session is closed"
_FELL_BEHIND = "the session ended: what it had to hear was not received in time"


class LiveSession:
    """A session as :class:`fillbridge_hooks.Session` describes it.

    Every call first lets the broker make up for the time since the last one. A driver that does
    not declare brackets passes no legs.

    :param takes_legs: whether the driver declares ``bracket``
    """

    def __init__(
        self, broker: LiveBroker, account: Account, inbox: Inbox, takes_legs: bool
    ) -> None:
        self._broker = broker
        self._account = account
        self._inbox = inbox
        self._takes_legs = takes_legs
        self._is_open = True
        self._woken = anyio.Event()
        inbox.wake = self._wake

    # Requests

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        """Send an order; its permit is spent even if the session is closed."""
        approved.permit.spend()
        return self.submit_order(approved.order, approved.legs)

    def submit_order(self, order: Order, legs: tuple[Order, ...]) -> SendOutcome:
        """Send an order whose permit is spent."""
        name = order.client_order_id
        if legs and not self._takes_legs:
            now_ns = self._broker.clock.now_ns
            return NotSent(name, "legs: expected none, for no bracket is declared", now_ns)
        refused = self._refused(name)
        if refused is None:
            self._account.submit(order, legs)
        return refused or Sent(name)

    async def cancel(self, client_order_id: str) -> SendOutcome:
        """Ask for the rest of an order to be withdrawn."""
        return self.cancel_order(client_order_id)

    def cancel_order(self, client_order_id: str) -> SendOutcome:
        """As :meth:`cancel`, at once."""
        refused = self._refused(client_order_id)
        if refused is None:
            self._account.cancel(client_order_id)
        return refused or Sent(client_order_id)

    async def replace(self, change: Replacement) -> SendOutcome:
        """Ask for new terms of a working order."""
        return self.replace_order(change)

    def replace_order(self, change: Replacement) -> SendOutcome:
        """As :meth:`replace`, at once."""
        refused = self._refused(change.client_order_id)
        if refused is None:
            self._account.replace(change)
        return refused or Sent(change.client_order_id)

    def _refused(self, client_order_id: str) -> NotSent | None:
        now_ns = self._broker.advance()
        if self._inbox.ended_by_login:
            return NotSent(client_order_id, ANOTHER_LOGIN, now_ns)
        if not self._is_open or self._inbox.has_overflowed:
            return NotSent(client_order_id, _CLOSED, now_ns)
        return None

    # What is heard

    async def receive(self) -> Message:
        """Wait for what comes next.

        :raises RetryableError: if the session was closed, or fell too far behind
        :raises ForcedLogout: if another login took it, once everything before was received
        :raises FatalError: if the market data cannot be read
        """
        await anyio.lowlevel.checkpoint()
        while True:
            self._broker.advance()
            if self._inbox.messages:
                return self._inbox.messages.popleft()
            self._check()
            if self._broker.failure:
                raise FatalError(self._broker.failure)
            if self._broker.pull():
                await anyio.lowlevel.checkpoint()
                continue
            await self._wait()

    async def _wait(self) -> None:
        self._woken = woken = anyio.Event()
        due_ns = self._broker.next_due_ns
        if due_ns >= NEVER:
            await woken.wait()
            return

        async def ring() -> None:
            await self._broker.clock.sleep_until(due_ns)
            woken.set()

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ring)
            await woken.wait()
            tasks.cancel_scope.cancel()

    def _wake(self) -> None:
        self._woken.set()

    # Questions

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        """Every order of the account that may still fill, whoever sent it."""
        await self._ask()
        return self._account.ledger.working_orders()

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        """Every order of the account's trade date, and those that still work."""
        now_ns = await self._ask()
        return self._account.ledger.orders_today(now_ns)

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """Every fill of the account at or after ``since_ns``, oldest first."""
        await self._ask()
        return self._account.ledger.fills(since_ns)

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """The account's positions; a symbol that is left out is flat."""
        await self._ask()
        return self._account.ledger.positions()

    async def _ask(self) -> int:
        await anyio.lowlevel.checkpoint()
        now_ns = self._broker.advance()
        self._check()
        return now_ns

    def _check(self) -> None:
        if self._inbox.ended_by_login:
            raise ForcedLogout(ANOTHER_LOGIN)
        if not self._is_open:
            raise RetryableError(_CLOSED)
        if self._inbox.has_overflowed:
            raise RetryableError(_FELL_BEHIND)

    def close(self) -> None:
        """Log out; working orders stay."""
        self._is_open = False
        self._account.log_out(self._inbox)
        self._wake()


@asynccontextmanager
async def log_in(
    broker: LiveBroker, account: str, instruments: Sequence[Instrument], takes_legs: bool
) -> AsyncIterator[LiveSession]:
    """A session on the account, which ends the one that is open; leaving the context closes it.

    :raises ConfigurationError: if the broker cannot trade these instruments
    """
    await anyio.lowlevel.checkpoint()
    opened = broker.open_account(account, instruments)
    inbox = Inbox(frozenset(instrument.symbol for instrument in instruments))
    session = LiveSession(broker, opened, inbox, takes_legs)
    opened.log_in(inbox)
    try:
        yield session
    finally:
        session.close()
