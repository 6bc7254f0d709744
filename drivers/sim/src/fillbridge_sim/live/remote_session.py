"""One login at a simulated broker that is another process."""

from __future__ import annotations

from collections import deque
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import anyio
import anyio.lowlevel

from fillbridge_hooks import (
    FatalError,
    ForcedLogout,
    NotSent,
    OutcomeUnknown,
    RetryableError,
    Sent,
)
from fillbridge_sim.live.frames import LOST, Frames
from fillbridge_sim.live.session import ANOTHER_LOGIN
from fillbridge_sim.live.wire import (
    VERSION,
    Answer,
    Ask,
    BadFrame,
    Broken,
    Cancel,
    Filled,
    LoggedOut,
    LogIn,
    Quoted,
    Refused,
    Replace,
    Reported,
    Submit,
    Traded,
    Welcome,
    frame,
    from_wire,
    read_reply,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fillbridge_hooks import (
        ApprovedOrder,
        BrokerOrder,
        BrokerPosition,
        ConnectionTerms,
        DriverError,
        Fill,
        Message,
        Replacement,
        SendOutcome,
    )
    from fillbridge_sim.live.wire import Question, Reply, Request

_CLOSED = "the session is closed"
_GRACE_S = 1.0


class _Pending:
    """A question that waits for its answer, which may come in parts."""

    def __init__(self) -> None:
        self.parts: list[Answer] = []
        self.is_over = anyio.Event()


class RemoteSession:
    """A session as :class:`fillbridge_hooks.Session` describes it, over a socket.

    A request whose bytes could not be written is ``NotSent``; one that was cut short on the way
    is ``OutcomeUnknown``, and so is the connection's end.
    """

    def __init__(self, frames: Frames, terms: ConnectionTerms, takes_legs: bool) -> None:
        self._frames = frames
        self._clock = terms.clock
        self._takes_legs = takes_legs
        self._heard: deque[Message] = deque()
        self._woken = anyio.Event()
        self._end: DriverError | None = None
        self._asked = 0
        self._pending: dict[int, _Pending] = {}
        self.has_ended = anyio.Event()
        """Set once nothing can be heard any more."""

    # Requests

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        """Send an order; its permit is spent even if the session is closed."""
        approved.permit.spend()
        order, legs = approved.order, approved.legs
        if legs and not self._takes_legs:
            reason = "legs: expected none, for no bracket is declared"
            return NotSent(order.client_order_id, reason, self._clock.now_ns)
        return await self._send(Submit(order=order, legs=legs), order.client_order_id)

    async def cancel(self, client_order_id: str) -> SendOutcome:
        """Ask for the rest of an order to be withdrawn."""
        return await self._send(Cancel(client_order_id=client_order_id), client_order_id)

    async def replace(self, change: Replacement) -> SendOutcome:
        """Ask for new terms of a working order."""
        return await self._send(Replace(change=change), change.client_order_id)

    async def _send(self, request: Request, client_order_id: str) -> SendOutcome:
        if self._end is not None:
            return NotSent(client_order_id, str(self._end), self._clock.now_ns)
        try:
            written = await self._frames.write(frame(request))
        except BadFrame as error:
            return NotSent(client_order_id, str(error), self._clock.now_ns)
        except LOST as error:
            self._lose(error)
            reason = f"the connection ended while it was sent: {_reason(error)}"
            return OutcomeUnknown(client_order_id, reason, self._clock.now_ns)
        if not written:
            return NotSent(client_order_id, "the connection has ended", self._clock.now_ns)
        return Sent(client_order_id)

    # What is heard

    async def receive(self) -> Message:
        """Wait for what comes next.

        :raises RetryableError: once the connection is lost and all that came before is received
        :raises ForcedLogout: likewise, if another login took the session
        """
        await anyio.lowlevel.checkpoint()
        while not self._heard:
            self._check()
            self._woken = anyio.Event()
            await self._woken.wait()
        return self._heard.popleft()

    async def listen(self) -> None:
        """Take in what the broker says until the connection ends."""
        try:
            while True:
                self._take(read_reply(await self._frames.read()))
        except (BadFrame, *LOST) as error:
            self._lose(error)
        finally:
            self.has_ended.set()

    def _take(self, reply: Reply) -> None:
        if isinstance(reply, Reported | Filled | Traded | Quoted):
            if self._end is None:
                self._heard.append(from_wire(reply))
                self._woken.set()
        elif isinstance(reply, Answer):
            pending = self._pending.get(reply.number)
            if pending is not None:
                pending.parts.append(reply)
                if not reply.more:
                    pending.is_over.set()
        elif isinstance(reply, LoggedOut):
            self.end(ForcedLogout(ANOTHER_LOGIN))
        elif isinstance(reply, Broken):
            self.end(FatalError(reply.reason) if reply.is_fatal else RetryableError(reply.reason))
        else:
            raise BadFrame(f"expected no {type(reply).__name__} within a session")

    # Questions

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        """Every order of the account that may still fill, whoever sent it."""
        return tuple(one for part in await self._ask("working_orders") for one in part.orders)

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        """Every order of the account's trade date, and those that still work."""
        return tuple(one for part in await self._ask("orders_today") for one in part.orders)

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """Every fill of the account at or after ``since_ns``, oldest first."""
        return tuple(one for part in await self._ask("fills", since_ns) for one in part.fills)

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """The account's positions; a symbol that is left out is flat."""
        return tuple(one for part in await self._ask("positions") for one in part.positions)

    async def _ask(self, question: Question, since_ns: int = 0) -> list[Answer]:
        self._check()
        self._asked += 1
        number = self._asked
        pending = self._pending[number] = _Pending()
        try:
            ask = Ask(number=number, question=question, since_ns=since_ns)
            if not await self._frames.write(frame(ask)):
                self._lose(None)
            await pending.is_over.wait()
        except LOST as error:
            self._lose(error)
        finally:
            del self._pending[number]
        if not pending.parts or pending.parts[-1].more:
            self._check()
            raise RetryableError(_CLOSED)
        return pending.parts

    # The end

    def end(self, reason: DriverError) -> None:
        """Let every request and question fail from now on; what came before is still heard."""
        if self._end is None:
            self._end = reason
        self._woken.set()
        for pending in self._pending.values():
            pending.is_over.set()

    def close(self) -> None:
        """Say that the session was left."""
        self.end(RetryableError(_CLOSED))

    def _lose(self, error: Exception | None) -> None:
        self.end(RetryableError(f"the connection to the broker is lost{_because(error)}"))

    def _check(self) -> None:
        if self._end is not None:
            raise type(self._end)(*self._end.args)


def _because(error: Exception | None) -> str:
    reason = "" if error is None else _reason(error)
    return f": {reason}" if reason else ""


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


@asynccontextmanager
async def log_in_at(
    path: str, terms: ConnectionTerms, takes_legs: bool
) -> AsyncIterator[RemoteSession]:
    """A session at the broker behind the socket; leaving the context closes the connection.

    :raises RetryableError: if nobody answers there
    :raises FatalError: if the login is refused
    """
    try:
        stream = await anyio.connect_unix(path)
    except (ValueError, OSError) as error:
        raise RetryableError(f"{path}: nobody answers there{_because(error)}") from None
    frames = Frames(stream)
    failure: Exception | None = None
    try:
        await _greet(frames, path, terms)
        session = RemoteSession(frames, terms, takes_legs)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(session.listen)
            try:
                yield session
            except Exception as error:  # noqa: BLE001  # a task group would wrap it into a group
                failure = error
            finally:
                session.close()
                # Whoever says that he has finished is answered with the end of the connection;
                # to cancel a read while something arrives upsets asyncio.
                with anyio.move_on_after(_GRACE_S, shield=True), suppress(*LOST):
                    await frames.end_writing()
                    await session.has_ended.wait()
            tasks.cancel_scope.cancel()
    finally:
        await frames.close()
    if failure is not None:
        raise failure


async def _greet(frames: Frames, path: str, terms: ConnectionTerms) -> None:
    greeting = LogIn(version=VERSION, account=terms.account, instruments=terms.instruments)
    try:
        await frames.write(frame(greeting))
        reply = read_reply(await frames.read())
    except LOST as error:
        raise RetryableError(f"{path}: the connection ended at once{_because(error)}") from None
    except BadFrame as error:
        raise FatalError(f"{path}: no simulated broker answers there: {error}") from None
    if isinstance(reply, Refused):
        raise FatalError(f"the login was refused: {reply.reason}")
    if not isinstance(reply, Welcome):
        raise FatalError(f"{path}: expected a welcome, was {type(reply).__name__}")
