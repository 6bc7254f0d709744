"""A live run from its start until somebody ends it."""

from __future__ import annotations

import logging
import os
import signal
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import anyio

from fillbridge.live.stop_sources import Stop
from fillbridge.logs import RedactionFilter, cause_of
from fillbridge.management import Management, serve_management, socket_path
from fillbridge.runs.summary import Summary
from fillbridge_hooks import (
    EXECUTION_ERROR,
    ORDER_STATUS_CHANGE,
    TRADE_CLOSED,
    ConfigurationError,
    FillbridgeError,
    KillLevel,
    OrderInfo,
    TradeResult,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from anyio.abc import TaskStatus

    from fillbridge.handlers.live import LiveExecutionHandler

    Tell = Callable[[dict[str, Any]], None]

_SECOND = 1_000_000_000
_LOOK_NS = 250_000_000
_REMEMBERED = 64
_REMEMBERED_TRADES = 1_000
_NOT_DRAINED = 1
_LOGGER = "fillbridge"
_SIGNAL = Stop(KillLevel.FLATTEN, "SIGUSR1", "somebody (signal)", "signal")
"""A signal says nothing more: who sends it gets the most."""


@runtime_checkable
class EndingMarket(Protocol):
    """A driver whose market may end, as that of recorded data does."""

    @property
    def is_over(self) -> bool:
        """Whether it has ended and everything was received."""


class LiveRun:
    """Runs a handler with its socket, and tells what happens.

    :param tell: told each event as plain data; it must neither wait nor raise
    :param seconds: end after this time; ``None``: never
    :param market: end with it; ``None``: it has no end
    """

    def __init__(
        self,
        handler: LiveExecutionHandler,
        tell: Tell,
        *,
        seconds: float | None = None,
        market: EndingMarket | None = None,
    ) -> None:
        self._handler = handler
        self._tell = tell
        self._seconds = seconds
        self._market = market
        self._ending = ""
        self._failure: FillbridgeError | None = None
        self._was_connected = False
        self._is_entered = False
        self._is_killed = False
        self._asked = anyio.Event()
        self._summary = Summary()
        self._counted: dict[str, TradeResult] = {}
        self._gate: tuple[Any, ...] = ()
        self._shown: deque[str] = deque(maxlen=_REMEMBERED)
        for event_type, listen in (
            (ORDER_STATUS_CHANGE, self._on_order),
            (TRADE_CLOSED, self._on_trade),
            (EXECUTION_ERROR, self._on_error),
        ):
            handler.event_bus.subscribe(event_type, listen)

    async def run(self) -> bool:
        """Run until a signal, the time or the market ends it; whether everything is recorded.

        The first SIGTERM or SIGINT drains: no entry leaves any more, one that works without a stop
        at the broker is withdrawn, stops and targets stay at the broker, the end is recorded. A
        second one ends the process at once. SIGUSR1 stops everything, as the emergency stop does.

        :raises ConfigurationError: if another handler has the account, or the journal, the socket,
            the market or the way to the broker cannot be used
        :raises FatalError: if the data of the market cannot be read on
        """
        handler = self._handler
        is_recorded = False
        with self._telling_logs():
            async with anyio.create_task_group() as group:
                await group.start(self._heed_signals)
                async with handler:
                    self._is_entered = True
                    if self._is_killed:
                        handler.stop_by(_SIGNAL)
                    path = socket_path(handler.settings)
                    async with serve_management(Management(handler), path):
                        self._began(str(path))
                        await self._until_the_end()
                    self._tell(self._event("stopping", reason=self._ending))
                    is_recorded = handler.is_recording
                group.cancel_scope.cancel()
            self._ended(is_recorded)
        if self._failure is not None:
            raise self._failure
        return is_recorded

    async def _heed_signals(self, *, task_status: TaskStatus[None]) -> None:
        kill = signal.SIGUSR1
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, kill) as signals:
            task_status.started()
            async for number in signals:
                if number == kill:
                    self._kill()
                    continue
                if self._asked.is_set():
                    os._exit(_NOT_DRAINED)
                self._end(signal.Signals(number).name)

    def _kill(self) -> None:
        """Somebody stops everything, where perhaps nothing else is heard any more."""
        self._is_killed = True
        if self._is_entered:
            self._handler.stop_by(_SIGNAL)

    def _end(self, reason: str) -> None:
        self._ending = self._ending or reason
        self._asked.set()

    async def _until_the_end(self) -> None:
        clock = self._handler.clock
        end_ns = None if self._seconds is None else clock.now_ns + round(self._seconds * _SECOND)
        was_over = False
        async with anyio.create_task_group() as group:

            async def look() -> None:
                nonlocal was_over
                while True:
                    self._look()
                    if end_ns is not None and clock.now_ns >= end_ns:
                        self._end("the time is over")
                    self._end_without_broker()
                    # Twice, so that what the last prices brought about is done.
                    is_over = self._market is not None and self._market.is_over
                    if is_over and was_over:
                        self._end("the market data has ended")
                    was_over = is_over
                    due_ns = clock.now_ns + _LOOK_NS
                    await clock.sleep_until(due_ns if end_ns is None else min(due_ns, end_ns))

            group.start_soon(look)
            await self._asked.wait()
            group.cancel_scope.cancel()

    def _end_without_broker(self) -> None:
        """End where no person can help but whoever started this.

        A broker that ends a session later, or refuses one, is waited for: somebody may resume.
        """
        failure = self._handler.connection_failure
        is_never = isinstance(failure, ConfigurationError) and not self._was_connected
        if failure is not None and (is_never or self._market is not None):
            self._failure = failure
            self._end("there is no way to the broker")

    # What is told

    def _event(self, kind: str, **values: Any) -> dict[str, Any]:
        return {"event": kind, "time_ns": self._handler.clock.now_ns, **values}

    def _began(self, path: str) -> None:
        handler = self._handler
        live, status = handler.settings.live_settings, handler.get_connection_status()
        self._tell(
            self._event(
                "started",
                account=live.account,
                driver=status["driver"],
                symbol=live.symbol,
                socket=path,
                durability=live.durability,
                epoch=status["epoch"],
                recovery=handler.recovery,
                open_positions=status["open_positions"],
                process=os.getpid(),
            )
        )

    def _look(self) -> None:
        handler = self._handler
        status = handler.get_connection_status()
        self._was_connected |= status["status"] == "connected"
        gate = status["gate"], status["reasons"], status["status"]
        if gate != self._gate:
            self._gate = gate
            self._tell(self._event("gate", gate=gate[0], reasons=gate[1], connection=gate[2]))
        held = [position for position in handler.open_positions.values() if position.size]
        self._tell(
            self._event(
                "status",
                **{name: status[name] for name in ("account", "driver", "gate", "reasons")},
                connection=status["status"],
                positions=[
                    {
                        "trade_id": one.trade_id,
                        "symbol": one.entry_order.symbol if one.entry_order else "",
                        "direction": one.direction,
                        "size": one.size,
                        "entry_price": one.entry_price,
                        "stop_loss_price": one.stop_loss_price,
                        "take_profit_price": one.take_profit_price,
                    }
                    for one in held
                ],
                pending=status["open_positions"] - len(held),
                trades=self._summary.trades,
                pnl_net=self._summary.pnl_net,
            )
        )

    def _on_order(self, kind: str, order: OrderInfo) -> None:
        self._tell(self._event("order", order=order))

    def _on_trade(self, kind: str, trade: TradeResult) -> None:
        counted = self._counted
        corrected = counted.pop(trade.trade_id, None)
        if corrected is not None:
            self._summary.remove(corrected)
        self._summary.add(trade)
        counted[trade.trade_id] = trade
        if len(counted) > _REMEMBERED_TRADES:
            del counted[next(iter(counted))]
        correction = {} if corrected is None else {"corrects": True}
        self._tell(self._event("trade", trade=trade, **correction))

    def _on_error(self, kind: str, payload: dict[str, Any]) -> None:
        message, proposal = payload["error"], payload["proposal"]
        if proposal is not None:
            proposal_id = getattr(proposal, "proposal_id", None)
            self._tell(self._event("refused", message=message, proposal_id=proposal_id))
        elif message not in self._shown:  # it was logged too
            self._tell(self._event("alarm", message=message))

    def _on_log(self, record: logging.LogRecord) -> None:
        message, cause = record.getMessage(), cause_of(record)
        if cause:
            message = f"{message}: {cause}"
        self._shown.append(message)
        kind = "alarm" if record.levelno >= logging.ERROR else "warning"
        self._tell(self._event(kind, message=message))

    @contextmanager
    def _telling_logs(self) -> Iterator[None]:
        """Tell what is logged in place of those who print it, for printing may wait."""
        logger = logging.getLogger(_LOGGER)
        before = logger.handlers[:]
        logger.handlers[:] = [_Teller(self._on_log, self._handler.redactor)]
        try:
            yield
        finally:
            logger.handlers[:] = before

    def _ended(self, is_recorded: bool) -> None:
        handler = self._handler
        figures = self._summary.document("", (), 0)
        kept = ("trades", "by_exit_reason", "pnl_gross", "pnl_net", "commission", "slippage")
        self._tell(
            self._event(
                "ended",
                reason=self._ending,
                account=handler.settings.live_settings.account,
                open_positions=sorted(handler.open_positions),
                is_recorded=is_recorded,
                **{name: figures[name] for name in kept},
                win_rate=figures["win_rate"],
            )
        )


class _Teller(logging.Handler):
    def __init__(
        self, on_log: Callable[[logging.LogRecord], None], redact: Callable[[str], str]
    ) -> None:
        super().__init__(logging.WARNING)
        self.addFilter(RedactionFilter(redact))
        self._on_log = on_log

    def emit(self, record: logging.LogRecord) -> None:
        self._on_log(record)
