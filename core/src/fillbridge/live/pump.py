"""The order pump: the one task through which requests leave, in order, and which nobody cancels."""

import logging

import anyio

from fillbridge.live.outbox import Cancellation, Change, Command, Submission
from fillbridge.live.trading import LiveTrading
from fillbridge.live.waking import Reminder
from fillbridge_hooks import (
    Clock,
    DriverError,
    NotSent,
    OrderRole,
    OutcomeUnknown,
    PermitSpent,
    SendOutcome,
    Session,
)

_logger = logging.getLogger(__name__)

_LOOKS = 4
"""How often it is looked at a sending before it counts as too long."""


class OrderPump:
    """Empties the outbox into the session that is there.

    Whoever waits for an order to leave may be cancelled: that ends the waiting, not the sending.

    :param send_timeout_s: writing that takes longer, by up to a quarter, leaves the outcome unknown
    """

    def __init__(self, trading: LiveTrading, clock: Clock, send_timeout_s: float = 1.0) -> None:
        self.session: Session | None = None
        """Where requests go; ``None`` while there is no connection."""
        self._trading = trading
        self._clock = clock
        self._send_timeout_s = send_timeout_s
        self._woken = Reminder()
        self._is_stopping = False
        self._waiting: dict[str, _Waiting] = {}
        self._sending: Command | None = None
        """What the session has been handed and not answered yet."""
        self._sends = 0
        self._limit: anyio.CancelScope
        """Around all sending, while it runs."""
        self._spare: _Waiting | None = None
        """Made while nobody waits for it, for the next who does."""

    def wake(self) -> None:
        """There may be something to send."""
        self._woken.set()

    def stop(self) -> None:
        """End once everything that may leave has left."""
        self._is_stopping = True
        self.wake()

    async def wait_left(self, client_order_id: str) -> int:
        """Wait until what became of the sending of an order is known; when that was, ns UTC."""
        waiting = self._waiting.get(client_order_id)
        if waiting is None:
            waiting = self._waiting[client_order_id] = self._spare or _Waiting()
            self._spare = None
        self.wake()
        await waiting.left.wait()
        return waiting.left_ns

    async def run(self) -> None:
        """Send what there is, until :meth:`stop`."""
        with anyio.CancelScope(shield=True):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch)
                while not await self._serve():
                    self._give_up()
                tasks.cancel_scope.cancel()

    async def _serve(self) -> bool:
        """Send what there is; true once that was the last, false where a send took too long."""
        # A time limit for each would take longer than most of them do.
        with anyio.CancelScope() as self._limit:
            while True:
                await self._empty()
                if self._limit.cancel_called:
                    break
                if self._is_stopping:
                    return True
                await self._woken.wait()
        return False

    async def _watch(self) -> None:
        """End the sending that takes too long, for ever."""
        seen, looks = 0, 0
        while True:
            await anyio.sleep(self._send_timeout_s / _LOOKS)
            if self._sending is None or self._sends != seen:
                seen, looks = self._sends, 0
                continue
            looks += 1
            if looks >= _LOOKS:
                self._limit.cancel()

    def _give_up(self) -> None:
        """Nobody knows how much has left of what took too long to send."""
        command, self._sending = self._sending, None
        if command is not None:
            reason = f"sending took longer than {self._send_timeout_s} s"
            now_ns = self._clock.now_ns
            self._conclude(command, OutcomeUnknown(command.client_order_id, reason, now_ns))

    async def _empty(self) -> None:
        self._woken.clear()
        ready = self._trading.outbox.ready
        while ready:
            command = ready.popleft()
            self._conclude(command, self._objection(command) or await self._send(command))
            if self._limit.cancel_called:
                return
        # What they wait for was taken back: it does not leave any more.
        for client_order_id in tuple(self._waiting):
            self._tell(client_order_id, self._clock.now_ns)
        self._spare = self._spare or _Waiting()

    def _conclude(self, command: Command, outcome: SendOutcome) -> None:
        left_ns = self._clock.now_ns
        with self._trading.guard():
            self._trading.on_outcome(command, outcome)
        self._tell(command.client_order_id, left_ns)

    def _objection(self, command: Command) -> NotSent | None:
        """Why a command must not leave; where looking breaks, what reduces a position leaves."""
        try:
            return self._trading.last_check(command)
        except Exception as error:  # noqa: BLE001  # it is logged there
            self._trading.defect(error)
        if isinstance(command, Submission) and command.approved.order.role is OrderRole.ENTRY:
            return NotSent(command.client_order_id, "the last check failed", self._clock.now_ns)
        return None

    def _tell(self, client_order_id: str, left_ns: int) -> None:
        waiting = self._waiting.pop(client_order_id, None)
        if waiting is not None:
            waiting.left_ns = left_ns
            waiting.left.set()

    async def _send(self, command: Command) -> SendOutcome:
        session, order_id = self.session, command.client_order_id
        if session is None:
            return NotSent(order_id, "not connected", self._clock.now_ns)
        self._sending = command
        self._sends += 1
        try:
            outcome = await _hand_over(session, command)
        except PermitSpent as error:
            # Whatever used it may have sent the order.
            _logger.critical("%s: %s", order_id, error)
            reason = str(error)
        except DriverError as error:
            reason = str(error) or type(error).__name__
        except Exception as error:
            _logger.exception("the session failed on %s", order_id)
            reason = f"{type(error).__name__}: {error}"
        else:
            self._sending = None
            return outcome
        self._sending = None
        return OutcomeUnknown(order_id, reason, self._clock.now_ns)


class _Waiting:
    """Those who wait for an order to leave."""

    def __init__(self) -> None:
        self.left = anyio.Event()
        self.left_ns = 0


async def _hand_over(session: Session, command: Command) -> SendOutcome:
    if isinstance(command, Cancellation):
        return await session.cancel(command.client_order_id)
    if isinstance(command, Change):
        return await session.replace(command.change)
    return await session.submit(command.approved)
