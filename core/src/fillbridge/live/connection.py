"""The way to the broker: connecting, serving a session until it is lost, and connecting again.

Reconnecting is done here and nowhere else. An attempt that fails for a reason that may pass is
made again after a wait that doubles, with jitter, up to a maximum. A session that traded for long
enough is replaced at once, and the waits begin again with the shortest; so is the first that did
not last. When too many did not, a person decides: a broker locks out who logs in all the time.
"""

import logging
from collections import deque
from collections.abc import Awaitable, Callable

import anyio
import tenacity

from fillbridge.live.boundary import as_known
from fillbridge.live.pump import OrderPump
from fillbridge.live.questions import ask
from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge.live.trading import LiveTrading
from fillbridge_hooks import (
    ConfigurationError,
    ConnectionTerms,
    Driver,
    FatalError,
    FillbridgeError,
    ForcedLogout,
    LiveClock,
    RetryableError,
    Session,
)

_logger = logging.getLogger(__name__)

_ANSWER_TIME_S = 5.0
_LONGEST_ANSWER_S = 20.0
_SECOND = 1_000_000_000


class _TooManyLogins(FatalError):
    """Sessions come to trade and are lost again, one after the other."""


class Connection:
    """Keeps a session with the broker, as long as it runs.

    :param wrap: what plugins make of each new session
    :param changed: called after whatever came in; the pump is woken where there is none
    :param first_wait_s: the longest wait before a second attempt
    :param max_wait_s: the longest wait between two attempts
    """

    def __init__(
        self,
        driver: Driver,
        terms: ConnectionTerms,
        trading: LiveTrading,
        pump: OrderPump,
        *,
        wrap: Callable[[Session], Session] = lambda session: session,
        changed: Callable[[], None] | None = None,
        first_wait_s: float = 0.25,
        max_wait_s: float = 30.0,
    ) -> None:
        self._driver = driver
        self._terms = terms
        self._trading = trading
        self._pump = pump
        self._wrap = wrap
        self._changed = pump.wake if changed is None else changed
        self._first_wait_s = first_wait_s
        self._max_wait_s = max_wait_s
        self._resumed = anyio.Event()
        self.failure: FillbridgeError | None = None
        """What keeps it from connecting until a person has mended it."""
        self._sessions = 0
        self._lost = ""
        self._ended: FillbridgeError | None = None
        self._traded_since_ns: int | None = None
        self._short_ns: deque[int] = deque()
        """When sessions ended that came to trade and did not last."""
        self._may_hurry = True
        self._hurries = False

    @property
    def _clock(self) -> LiveClock:
        return self._terms.clock

    def resume(self) -> None:
        """A person decided: connect again after a forced logout or a fatal error."""
        self.failure = None
        self._resumed.set()

    async def run(self) -> None:
        """Connect and serve, for ever."""
        while True:
            try:
                await self._keep_connected()
            except _TooManyLogins as error:
                self._stay_away(str(error))
            except ForcedLogout as error:
                self._stay_away(f"another login took the session: {error}")
            except (FatalError, ConfigurationError) as error:
                self.failure = error
                self._stay_away(f"cannot connect: {error}")
            else:
                continue
            self._changed()
            # What was resumed before was another matter.
            self._resumed = anyio.Event()
            await self._resumed.wait()
            self._short_ns.clear()
            self._may_hurry = True

    def _stay_away(self, reason: str) -> None:
        with self._trading.guard():
            self._trading.logged_out(reason)

    async def _keep_connected(self) -> None:
        """Make attempts until one leads to a session that trades for long enough."""
        backoff = tenacity.wait_random_exponential(self._first_wait_s, self._max_wait_s)

        def wait_s(state: tenacity.RetryCallState) -> float:
            hurries, self._hurries = self._hurries, False
            return 0.0 if hurries else backoff(state)

        attempts = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(RetryableError),
            wait=wait_s,
            stop=tenacity.stop_never,
            sleep=self._sleep,
            before_sleep=self._say,
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                await self._attempt()

    async def _attempt(self) -> None:
        """One session; raises where it did not trade for long enough."""
        self._lost, self._ended, self._traded_since_ns = "", None, None
        try:
            async with self._driver.connect(self._terms) as session:
                self._begin(self._wrap(session))
                try:
                    await self._serve()
                finally:
                    self._pump.session = None
                    with self._trading.guard():
                        self._trading.link_lost(self._lost or "the session ended")
                    self._changed()
        except Exception as error:  # noqa: BLE001  # a driver or a plugin may raise anything
            known = self._known(error)
            self._lost = self._lost or str(known) or type(known).__name__
            if not isinstance(known, RetryableError):
                self._ended = self._ended or known
        # Not within the session, for its driver may put what passes through it into a group.
        if self._ended is not None:
            raise self._ended
        if not self._has_lasted():
            raise RetryableError(self._lost)

    def _has_lasted(self) -> bool:
        """Whether the session that ended was a good one.

        :raises _TooManyLogins: if it was not, as so many before
        """
        if self._traded_since_ns is None:
            return False
        now, rules, short = self._clock.now_ns, self._trading.rules, self._short_ns
        if now - self._traded_since_ns >= rules.lasting_session_ns:
            self._may_hurry = False
            return True
        short.append(now)
        while now - short[0] >= rules.short_sessions_ns:
            short.popleft()
        if len(short) > rules.short_sessions:
            raise _TooManyLogins(
                f"{len(short)} sessions within {rules.short_sessions_ns / _SECOND:.0f} s were lost"
                f" before they had traded for {rules.lasting_session_ns / _SECOND:.0f} s,"
                f" the last because: {self._lost}"
            )
        self._hurries, self._may_hurry = self._may_hurry, False
        return False

    def _begin(self, session: Session) -> None:
        self._sessions += 1
        if self._sessions > 1:
            self._trading.metrics.reconnects += 1
        self._pump.session = session
        self._trading.link_up()

    async def _serve(self) -> None:
        """Receive and ask until the connection is lost."""
        async with anyio.create_task_group() as group:
            for serve in (self._receive, self._ask):
                group.start_soon(self._until_lost, serve, group.cancel_scope)

    async def _until_lost(
        self, serve: Callable[[], Awaitable[None]], scope: anyio.CancelScope
    ) -> None:
        try:
            await serve()
        except Exception as error:  # noqa: BLE001  # a driver or a plugin may raise anything
            known = self._known(error)
            self._lost = self._lost or str(known) or type(known).__name__
            if not isinstance(known, RetryableError):
                self._ended = known
            scope.cancel()

    def _known(self, error: Exception) -> FillbridgeError:
        """What an error of the driver or of a plugin means; alarmed where it should not be."""
        known, is_meant = as_known(error)
        if not is_meant:
            _logger.error("the driver or a plugin around it failed", exc_info=error)
            self._trading.alarm(f"the driver or a plugin around it failed: {known}")
        return known

    async def _receive(self) -> None:
        session = self._pump.session
        assert session is not None  # noqa: S101  # it is set before anything is served
        while True:
            message = await session.receive()
            # What is wrong here is no reason to lose the broker, who protects positions.
            with self._trading.guard():
                self._trading.on_message(message)
            self._changed()

    async def _ask(self) -> None:
        """Ask how things stand whenever that is due.

        Answers get twice the time that the last ones took: where a trade date has many orders they
        take longer, and what is broken off says nothing.
        """
        trading, clock = self._trading, self._clock
        patience_s = _ANSWER_TIME_S
        while True:
            now = clock.now_ns
            if now < trading.snapshot_due_ns:
                await clock.sleep_until(min(trading.snapshot_due_ns, now + trading.rules.look_ns))
                continue
            session = self._pump.session
            assert session is not None  # noqa: S101  # it is set before anything is served
            since_ns, asked_ns = trading.fills_since_ns(), clock.now_ns
            try:
                snapshot = await ask(session, clock, since_ns, patience_s, trading.needs_today)
            except Exception as error:
                known, is_meant = as_known(error)
                if not is_meant or not isinstance(known, RetryableError):
                    raise
                with trading.guard():
                    trading.on_no_answer(str(known))
            else:
                self._take(snapshot)
            took_s = (clock.now_ns - asked_ns) / _SECOND
            patience_s = min(max(_ANSWER_TIME_S, 2 * took_s), _LONGEST_ANSWER_S)
            if trading.is_reconciled and self._traded_since_ns is None:
                self._traded_since_ns = clock.now_ns
            self._changed()

    def _take(self, snapshot: BrokerSnapshot) -> None:
        try:
            self._trading.on_snapshot(snapshot)
        except Exception as error:  # noqa: BLE001  # it is logged there
            self._trading.defect(error)
            with self._trading.guard():
                self._trading.on_no_answer("the answers could not be taken")

    async def _sleep(self, seconds: float) -> None:
        await self._clock.sleep_until(self._clock.now_ns + round(seconds * _SECOND))

    def _say(self, state: tenacity.RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        _logger.warning("attempt %d to connect failed: %s", state.attempt_number, error)
