"""The handler of live trading: the engine, the journal and a broker, run by a few tasks."""

import logging
import os
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import anyio
import msgspec

from fillbridge.bus import EventBus
from fillbridge.config import Settings
from fillbridge.config.sealing import sealed
from fillbridge.engine.messages import CancelRequested
from fillbridge.engine.state import EngineState, Trade
from fillbridge.handlers.counting import CountedSession
from fillbridge.handlers.intake_wiring import intake_rules
from fillbridge.handlers.live_proposing import LiveProposing
from fillbridge.handlers.live_wiring import (
    Credentials,
    account_tag,
    live_rules,
    live_secrets,
    note_plugins,
    settled,
    wrapped_driver,
    wrapped_session,
)
from fillbridge.handlers.orders import KnownOrders
from fillbridge.handlers.redaction import RedactedDriver, RedactedSession, Redactor
from fillbridge.handlers.resource_wiring import watch_resources
from fillbridge.handlers.slowness import SlowExecutions
from fillbridge.handlers.wiring import shell_hooks, slippage_model
from fillbridge.journal import Journal, open_journal
from fillbridge.journal.latch import LatchFile
from fillbridge.journal.places import places
from fillbridge.limits import LimitsRefused, enforce, limits_in_force, read_approvals
from fillbridge.live import Connection, Health, LiveTrading, OrderPump, SystemClock
from fillbridge.live.waking import Bell, Reminder
from fillbridge.plugins import Models, Plugins
from fillbridge.positions import OpenPositions
from fillbridge.publishing import Publisher
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    ConnectionTerms,
    Instrument,
    LiveClock,
    Session,
    TradeResult,
)

_logger = logging.getLogger(__name__)

_HOUR_NS = 3_600_000_000_000
_DRAIN_S = 5.0
_PATIENCE_S = 5.0
_MAX_WAITING = 100_000
_WITHDRAW_S = 3.0
"""Of the time to drain, so that the rest of it is left for what is to be told."""
_NOTHING = ""
"""No order: whoever waits for it to leave waits until everything has."""
_KEPT_TRADES = 1_000


class LiveExecutionHandler(LiveProposing):
    """Trades one account at a broker, and survives what may happen to it.

    Use it as a context: ``async with LiveExecutionHandler(config) as handler``. Inside, it is
    connected or trying to be, and recovers what an earlier run left; leaving it drains: no entry
    leaves any more, one that works without a stop at the broker is withdrawn, stops and targets
    stay at the broker.

    Nothing leaves before it stands in the journal, and nothing is published before either.

    :param config: a ``Settings``, or the configuration file's mapping
    :param event_bus: where events come from and go to; an in-process bus where ``None``
    :param plugins: the plugins to use; those installed where ``None``
    :param clock: tells the time; the system's where ``None``
    :param trade_sink: told each closed trade once it is recorded
    :param redactor: learns the secrets of the login; one of its own where ``None``
    :raises ConfigurationError: if the configuration cannot be used
    :raises PluginError: if a plugin cannot be loaded

    Entering it raises ``LimitsRefused`` if its limits are looser than the account's last ones.
    """

    def __init__(
        self,
        config: Settings | Mapping[str, Any] | None = None,
        event_bus: EventBus | None = None,
        *,
        plugins: Plugins | None = None,
        clock: LiveClock | None = None,
        trade_sink: Callable[[TradeResult], None] | None = None,
        redactor: Redactor | None = None,
    ) -> None:
        super().__init__(config := sealed(config or {}), event_bus)
        config, plugins = settled(config, plugins)
        self.settings = config
        self.clock: LiveClock = SystemClock() if clock is None else clock
        self._plugins = plugins
        self._trade_sink = trade_sink
        self._closed_trades: OrderedDict[str, TradeResult] = OrderedDict()
        self._models: Models = plugins.configure(config.plugin_sections)
        self._checks = list(self._models.risk_checks())
        self._watched = list(self._models.watches())
        hooks = shell_hooks(config, plugins, self._models)
        self._hooks = msgspec.structs.replace(hooks, risk_checks=self._checks)
        self._driver_name = config.live_settings.provider or "sim"
        self._driver = wrapped_driver(self._driver_name, config, plugins)
        self.redactor = redactor or Redactor()
        secrets = live_secrets(config, plugins, self.redactor)
        self._intake = intake_rules(config, secrets, self.redactor)
        self._credentials = Credentials(config.live_settings.credentials, secrets, self.redactor)
        self._events = Publisher(
            self.event_bus,
            plugins.resolve("fillbridge_handle_event"),
            patience_s=_PATIENCE_S,
            max_waiting=_MAX_WAITING,
        )
        self._slow_executions = SlowExecutions(
            self.metrics, self.clock, config.performance.max_execution_latency_ms
        )
        self._published = Reminder()
        self._changed = Bell()
        self._receiving: anyio.CancelScope
        self._received: anyio.Event
        self._stack = AsyncExitStack()
        self._is_running = False
        self._journal: Journal
        self._trading: LiveTrading
        self._pump: OrderPump
        self._connection: Connection
        self._orders: KnownOrders

    # Running

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            # A second attempt fails, for the account is locked, and must not end the run there is.
            if not self._is_running:
                stack.callback(self._end)
            await stack.enter_async_context(self._running())
            self._is_running = True
            self._join_bus_again()
            self._stack = stack.pop_all()
        return self

    def _end(self) -> None:
        self._is_running = False
        self._leave_bus()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return await self._stack.__aexit__(kind, error, traceback)

    async def initialize(self) -> None:
        """Open the journal, recover, and begin to connect; as entering the context does."""
        await self.__aenter__()

    async def shutdown(self) -> None:
        """Drain and stop, in the task that called :meth:`initialize`."""
        await self._stack.aclose()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[None]:
        live = self.settings.live_settings
        self._places = places(Path(live.journal), live.account)
        self._journal = open_journal(
            Path(live.journal), live.account, clock=self.clock, durability=live.durability
        )
        is_clean = False
        try:
            note_plugins(self._journal, self._plugins, self.clock)
            self._enforce_limits()
            self._build()
            async with anyio.create_task_group() as group:
                if isinstance(self.clock, SystemClock):
                    group.start_soon(self.clock.run, self._guard)
                group.start_soon(self._pump.run)
                group.start_soon(self._receive)
                group.start_soon(self._look)
                group.start_soon(self._deliver)
                health = Health(self._trading, self.clock, round(live.max_loop_lag_ms * 1e6))
                group.start_soon(health.run)
                group.start_soon(self._resources.run)
                try:
                    yield
                finally:
                    await self._stop()
                    group.cancel_scope.cancel()
            is_clean = True
        finally:
            self._journal.close(is_clean and not self._journal.failure)

    def _enforce_limits(self) -> None:
        """Start with no limits that are looser than the last ones, unless that was approved.

        :raises LimitsRefused: if they are
        """
        content = limits_in_force(self.settings, self._plugins.settings_sections())
        approvals = read_approvals(self._places.approvals)
        by = f"process {os.getpid()}"
        try:
            found = enforce(self._journal, content, approvals, by, self._now_ns())
        except LimitsRefused:
            self._journal.close(clean=True)
            raise
        for change in found:
            _logger.info("limits: %s", change)

    def _build(self) -> None:
        settings, live = self.settings, self.settings.live_settings
        hours = settings.performance.position_timeout_hours
        self._trading = LiveTrading(
            tag=account_tag(live.account),
            hooks=self._hooks,
            clock=self.clock,
            journal=self._journal,
            publisher=self._events,
            metrics=self.metrics,
            capabilities=self._driver.capabilities,
            find_instrument=self.instrument,
            default_symbol=live.symbol,
            entry_life_s=live.order_timeout,
            position_life_ns=None if hours is None else round(hours * _HOUR_NS),
            rules=live_rules(settings),
            intake=self._intake,
            on_trade_closed=self._trade_closed,
            may_flatten=self.may_stop,
            watches=self._watched,
            latch=LatchFile(self._places.latch, self._journal.seal),
        )
        self._attend_to_stops()
        self._begin_limits()
        self._resources = watch_resources(self._trading, self.clock, self._journal, settings)
        self._pump = OrderPump(self._trading, self.clock)
        self._connection = Connection(
            RedactedDriver(self._driver, self.redactor),
            self._terms(),
            self._trading,
            self._pump,
            wrap=self._wrapped,
            changed=self._wake,
            first_wait_s=live.reconnect_first,
            max_wait_s=live.reconnect_max,
        )
        self._receiving, self._received = anyio.CancelScope(), anyio.Event()
        self._orders = KnownOrders(self._trading.state, with_ended=True)
        self._open_positions = OpenPositions(self._trading.state, self._excursion_of)

    def _wrapped(self, session: Session) -> Session:
        session = CountedSession(session, self._trading.tally)
        wrapped = wrapped_session(session, self._driver_name, self._plugins)
        return RedactedSession(wrapped, self.redactor)

    def _terms(self) -> ConnectionTerms:
        live = self.settings.live_settings
        plugin = self._plugins.driver_plugin(self._driver_name)
        return ConnectionTerms(
            account=live.account,
            instruments=(self.instrument(live.symbol),),
            settings=self.settings.plugin_sections.get(plugin),
            credentials=self._credentials,
            clock=self.clock,
            heartbeat_interval_s=live.heartbeat_interval,
            slippage=slippage_model(self.settings, self._models),
        )

    async def _look(self) -> None:
        while True:
            with self._guard():
                self._look_for_stops()
                self._trading.look()
                self._look_at_limits()
            self._wake()
            await self.clock.sleep_until(self.clock.now_ns + self._trading.rules.look_ns)

    @contextmanager
    def _guard(self) -> Iterator[None]:
        """Let what breaks within be a defect, and not the end; a driver's timers hold secrets."""
        with self._trading.guard(), self.redactor.errors():
            yield

    async def _deliver(self) -> None:
        while True:
            self._published.clear()
            await self.drain()
            await self._published.wait()

    async def _receive(self) -> None:
        try:
            with self._receiving:
                await self._connection.run()
        finally:
            self._received.set()

    # Stopping

    async def _stop(self) -> None:
        """Leave nothing at the broker that needs somebody here, and tell what happened.

        The order matters: what an entry fills at the last moment still gets its stop, so the pump
        outlives the receiver.
        """
        self._trading.drain()
        ends_s = anyio.current_time() + _DRAIN_S
        with anyio.move_on_after(_WITHDRAW_S, shield=True):
            await self._withdraw()
        self._receiving.cancel()
        with anyio.CancelScope(deadline=ends_s, shield=True):
            await self._received.wait()
            await self._left()
            await self._events.wait_idle()
        self._pump.stop()

    async def _withdraw(self) -> None:
        """Withdraw the entries whose stop would have to be placed from here, until they ended."""
        await self._left()
        entries = [
            trade.entry
            for trade in tuple(self._trading.state.trades.values())
            if not trade.plan.has_broker_legs and trade.entry.status not in TERMINAL_STATUSES
        ]
        for entry in entries:
            entry_id = entry.order.client_order_id
            self._request(CancelRequested(entry_id, "the handler is stopping", self._now_ns()))
        while self._pump.session is not None and any(
            entry.status not in TERMINAL_STATUSES for entry in entries
        ):
            await self._changed.wait()
        await self._left()

    async def _left(self) -> None:
        """Wait until the pump has nothing more to send."""
        await self._pump.wait_left(_NOTHING)

    # What requests need

    @property
    def _state(self) -> EngineState:
        return self._trading.state

    def _last_price(self, instrument: Instrument) -> float | None:
        return self._trading.market.view(instrument.symbol).last

    def _trade_closed(self, trade: Trade, result: TradeResult) -> None:
        self._closed_trades[result.trade_id] = result
        if len(self._closed_trades) > _KEPT_TRADES:
            self._closed_trades.popitem(last=False)
        if self._trade_sink is not None:
            self._events.call_later(partial(self._trade_sink, result))
