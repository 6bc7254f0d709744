"""The shell around the engine: feeds it, records and folds its events, carries out its effects.

It holds the clock, the plugins and the driver session, so that the engine needs none of them.
"""

import logging
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Generic, TypeVar

import msgspec

from fillbridge.approval import RefusedAtTheWire, approve_entry, approve_reducing
from fillbridge.charging import Charging
from fillbridge.desk import Desk
from fillbridge.engine import EngineState, decide, fold
from fillbridge.engine.decide import entry_deadlines
from fillbridge.engine.messages import (
    Cancel,
    Effect,
    EntryFailed,
    Event,
    FillBooked,
    FillFound,
    Input,
    Measure,
    Protect,
    ProtectionDue,
    Raise,
    Replace,
    SetTimer,
    StopTracking,
    Submit,
    TimerFired,
    TimerKind,
    Track,
    TradeApproved,
    TradePlan,
    TradeRefused,
)
from fillbridge.engine.state import Trade
from fillbridge.excursions import Excursions
from fillbridge.judgement import Judgement
from fillbridge.measurement import measure_trade
from fillbridge.metrics import ExecutionMetrics
from fillbridge.observation import Observation
from fillbridge.preparation import prepare_order
from fillbridge.publishing import Publisher
from fillbridge.results import trade_result
from fillbridge.shell_hooks import ShellHooks
from fillbridge_hooks import (
    Clock,
    Direction,
    Fill,
    Hold,
    Order,
    OrderRefused,
    OrderRole,
    OutcomeUnknown,
    PriceWatch,
    Refuse,
    Rejected,
    Report,
    SimulationSession,
    TradeResult,
    VirtualClock,
)

_logger = logging.getLogger(__name__)

_ENTRY = OrderRole.ENTRY
_SHORT = Direction.SHORT
_REMAINDER = TimerKind.REMAINDER

Recorder = Callable[[Sequence[Event]], None]
"""Keeps events before their effects leave."""


OnObjections = Callable[[TradePlan, Sequence[Refuse | Hold]], None]

DeskT = TypeVar("DeskT", bound=Desk)
ClockT = TypeVar("ClockT", bound=Clock)


class Shell(Generic[DeskT, ClockT]):
    """Runs the engine for one account.

    :param hooks: the plugins that are asked
    :param clock: the time
    :param publisher: takes what happens to the bus
    :param metrics: counts what happens
    :param on_trade_closed: takes each closed trade with its result, before it is forgotten
    :param on_entry_failed: takes each trade whose entry ended without a fill, and why
    :param record: keeps events before their effects leave; ``None`` keeps nothing
    :param state: what is known already
    :param next_data_ns: when the data that is on its way has come: before, an entry has not met
        the market, and the rest of it is not withdrawn; ``None`` where it meets it when it is sent
    :param defers_observers: whether plugins are told of fills when events are delivered
    :param collar: why an order that reduces must not be sent at its price; empty if it may
    """

    def __init__(
        self,
        hooks: ShellHooks,
        clock: ClockT,
        publisher: Publisher,
        metrics: ExecutionMetrics,
        on_trade_closed: Callable[[Trade, TradeResult], None],
        on_entry_failed: Callable[[Trade, str], None],
        record: Recorder | None = None,
        *,
        state: EngineState | None = None,
        next_data_ns: Callable[[], int] | None = None,
        defers_observers: bool = False,
        collar: Callable[[Order], str] | None = None,
    ) -> None:
        self.state = EngineState() if state is None else state
        self.clock = clock
        self.excursions = Excursions()
        self.on_price = self.excursions.on_price
        """Take in a price: the session tells it for every step of the market."""
        self.session: DeskT
        """Where orders go, once it is attached."""
        self.recorded = 0
        """How many events have been folded."""
        self.judgement = Judgement(
            hooks, self.state, clock, lambda symbol: self.session.market(symbol)
        )
        """What risk checks say to entries."""
        self._charging = Charging(hooks.commission, self.state, publisher)
        self._observation = Observation(
            self.state, clock, publisher, hooks.handle_fill, defers_observers
        )
        self._hooks = hooks
        self._publisher = publisher
        self._metrics = metrics
        self._on_trade_closed = on_trade_closed
        self._on_entry_failed = on_entry_failed
        self._record = record
        self._next_data_ns = next_data_ns
        self._collar = collar
        self._inbox: deque[Input] = deque()
        self._is_stepping = False
        self._judged = ("", 0)
        self._timers: dict[str, list[Callable[[], None]]] = {}
        self._effects: dict[type, Callable[..., None]] = {
            Submit: self._submit,
            Cancel: self._cancel,
            Replace: self._replace,
            SetTimer: self._set_timer,
            Track: self._track,
            StopTracking: self._stop_tracking,
            Measure: self._measure,
            Protect: self._protect,
            EntryFailed: self._entry_failed,
            Raise: self._raise_alarm,
        }

    def attach(self, session: DeskT) -> None:
        """Hand orders to this session from now on."""
        self.session = session

    def resume(self) -> None:
        """Watch what the state that was given holds: deadlines of entries and of positions."""
        for trade in tuple(self.state.trades.values()):
            plan = trade.plan
            self.session.open_market(plan.instrument)
            for kind, deadline_ns in entry_deadlines(plan):
                self._set_timer(SetTimer(plan.trade_id, kind, deadline_ns))
            first_ns = trade.entry.first_fill_ns
            # An exit may have filled for an entry whose fills were taken back unheard.
            if trade.fills or first_ns is not None:
                self.excursions.track(plan.instrument.symbol, plan.trade_id, plan.direction)
            if first_ns is not None and plan.position_life_ns is not None:
                ends_ns = first_ns + plan.position_life_ns
                self._set_timer(SetTimer(plan.trade_id, TimerKind.POSITION, ends_ns))

    # Proposals

    def open_trade(self, plan: TradePlan, on_objections: OnObjections | None = None) -> None:
        """Judge the plan's entry and send it.

        :param on_objections: raises where the plan is to be kept; what it lets pass refuses
        :raises OrderRefused: with every objection; nothing was sent
        """
        market = self.session.market(plan.instrument.symbol)
        if self._hooks.prepare_order:
            order = prepare_order(self._hooks.prepare_order, plan.entry, market)
            plan = msgspec.structs.replace(plan, entry=order)
        now = self.clock.now_ns
        objections = self.judgement.objections(plan, market)
        if objections:
            if on_objections is not None:
                on_objections(plan, objections)
            reasons = tuple(str(objection) for objection in objections)
            self.step(TradeRefused(plan.proposal, plan.instrument, reasons, now))
            raise OrderRefused(objections)
        self._metrics.contracts_requested += plan.entry.quantity
        self._judged = (plan.trade_id, self.recorded)
        self.step(TradeApproved(plan, now))

    # The step

    def on_report(self, report: Report, *, is_found: bool = False) -> None:
        """Take a report of the driver; a fill is charged first, and only booked if ``is_found``."""
        if type(report) is Fill:
            booked = FillBooked(report, self._charging.cents(report))
            self.step(FillFound(booked) if is_found else booked)
        else:
            if type(report) is OutcomeUnknown:
                self._metrics.unknown_orders += 1
            self.step(report)  # type: ignore[arg-type]  # every other report is an input

    def step(self, message: Input) -> None:
        """Feed one input; what follows from it has happened when this returns.

        Called from within itself, by a report on an effect, it queues the input.
        """
        if self._is_stepping:
            self._inbox.append(message)
            return
        self._is_stepping = True
        inbox = self._inbox
        try:
            self._advance(message)
            while inbox:
                self._advance(inbox.popleft())
        finally:
            self._is_stepping = False

    def _advance(self, message: Input) -> None:
        state = self.state
        events, effects = decide(state, message, self.clock.now_ns)
        if self._record is not None and events:
            self._record(events)
        self.recorded += len(events)
        for event in events:
            fold(state, event)
        try:
            if self._observation.is_wanted:
                for event in events:
                    self._observation.observe(event)
        finally:
            self._carry_out(effects)

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        """Act on what was recorded: what breaks over one effect must not hold back a stop."""
        for number, effect in enumerate(effects, 1):
            try:
                self._effects[type(effect)](effect)
            except Exception:
                self._carry_out(effects[number:])
                raise

    # Effects

    def _submit(self, effect: Submit) -> None:
        order = effect.order
        trade = self.state.trades[order.trade_id]
        if order.role is _ENTRY:
            self._submit_entry(effect, trade)
            return
        reason = self._collar(order) if self._collar is not None else ""
        if reason:
            self.step(Rejected(order.client_order_id, reason, self.clock.now_ns))
            return
        position = -trade.held if trade.plan.direction is _SHORT else trade.held
        self.session.submit(approve_reducing(order, position))

    def _submit_entry(self, effect: Submit, trade: Trade) -> None:
        order = effect.order
        objections = partial(self._objections_at_the_wire, trade)
        try:
            approved = approve_entry(order, objections, effect.legs)
        except RefusedAtTheWire as refusal:
            self.step(Rejected(order.client_order_id, str(refusal), self.clock.now_ns))
            return
        self.session.submit(approved)

    def _objections_at_the_wire(self, trade: Trade) -> list[Refuse | Hold]:
        plan = trade.plan
        # The checks are pure: where only the approval happened since, their answer stands.
        if self._judged == (plan.trade_id, self.recorded - 1):
            return []
        market = self.session.market(plan.instrument.symbol)
        return self.judgement.objections(plan, market, trade)

    def _cancel(self, effect: Cancel) -> None:
        self.session.cancel(effect.client_order_id)

    def _replace(self, effect: Replace) -> None:
        self.session.replace(effect.change)

    def _set_timer(self, effect: SetTimer) -> None:
        fire = partial(self._fire, effect)
        if effect.kind is _REMAINDER and self._next_data_ns is not None:
            trade = self.state.trades[effect.trade_id]
            watch = self.session.open_market(trade.plan.instrument)
            fire = partial(self._fire_once_met, effect, watch, watch.now, self._next_data_ns)
        self._call_at(effect.time_ns, effect.trade_id, fire)

    def _call_at(self, time_ns: int, trade_id: str, fire: Callable[[], None]) -> None:
        timer = self.clock.call_at(time_ns, fire)
        self._timers.setdefault(trade_id, []).append(timer.cancel)

    def _fire(self, effect: SetTimer) -> None:
        self.step(TimerFired(effect.trade_id, effect.kind, self.clock.now_ns))

    def _fire_once_met(
        self,
        effect: SetTimer,
        watch: PriceWatch,
        seen_ns: int,
        next_data_ns: Callable[[], int],
    ) -> None:
        """Fire, or wait for the data that is on its way, if there was none since ``seen_ns``."""
        if seen_ns != watch.now <= self.clock.now_ns:
            self._fire(effect)
            return
        again = partial(self._fire_once_met, effect, watch, seen_ns, next_data_ns)
        self._call_at(next_data_ns(), effect.trade_id, again)

    def _track(self, effect: Track) -> None:
        trade = self.state.trades[effect.trade_id]
        plan = trade.plan
        instrument = plan.instrument
        if not trade.exit_quantity and trade.realised_cents is None:
            self._metrics.trades_executed += 1
        self.excursions.flush(self.session.open_market(instrument), instrument)
        self.excursions.track(instrument.symbol, plan.trade_id, plan.direction)

    def _stop_tracking(self, effect: StopTracking) -> None:
        instrument = self.state.trades[effect.trade_id].plan.instrument
        self.excursions.flush(self.session.open_market(instrument), instrument)
        self.excursions.stop(instrument.symbol, effect.trade_id)

    def _measure(self, effect: Measure) -> None:
        """Measure a trade, have it forgotten, and hand over its result."""
        trade_id = effect.trade_id
        trade = self.state.trades[trade_id]
        instrument = trade.plan.instrument
        self.excursions.flush(self.session.open_market(instrument), instrument)
        excursion = self.excursions.pop(instrument.symbol, trade_id)
        now = self.clock.now_ns
        measured = measure_trade(trade, excursion, self._hooks.score_execution, now)
        result = trade_result(trade, measured)
        self._cancel_timers(trade_id)
        corrects = trade.realised_cents is not None
        # Now, not once the queue is done: whoever takes the result finds the trade gone.
        self._advance(measured)
        self._metrics.count_trade(result, trade)
        self._on_trade_closed(trade, result)
        self._publisher.trade_closed(result, corrects=corrects)

    def _protect(self, effect: Protect) -> None:
        self.step(ProtectionDue(effect.trade_id, self.clock.now_ns))

    def _entry_failed(self, effect: EntryFailed) -> None:
        trade, entry = self.state.orders[effect.entry_id]
        plan = trade.plan
        self._cancel_timers(plan.trade_id)
        self.excursions.forget(plan.instrument.symbol, plan.trade_id)
        self._metrics.forget_trade(plan.trade_id)
        self._metrics.execution_errors += 1
        self._metrics.orders_by_status[entry.status] += 1
        self._on_entry_failed(trade, effect.reason)
        error = f"trade {plan.trade_id}: {effect.reason}"
        self._publisher.execution_error(error, plan.proposal, self.clock.now_ns)

    def _raise_alarm(self, effect: Raise) -> None:
        error = f"trade {effect.trade_id}: {effect.message}" if effect.trade_id else effect.message
        _logger.error(error)
        self._publisher.execution_error(error, None, self.clock.now_ns)

    def _cancel_timers(self, trade_id: str) -> None:
        for cancel in self._timers.pop(trade_id, ()):
            cancel()


SimulationShell = Shell[SimulationSession, VirtualClock]
"""A shell that trades on a simulated market."""
