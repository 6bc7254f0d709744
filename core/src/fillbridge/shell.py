"""The shell around the engine: feeds it, records and folds its events, carries out its effects.

It holds the clock, the plugins and the driver session, so that the engine needs none of them.
"""

import logging
import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec

from fillbridge.approval import (
    NamedCheck,
    RefusedAtTheWire,
    approve_entry,
    approve_reducing,
    judge,
)
from fillbridge.engine import EngineState, decide, fold
from fillbridge.engine.messages import (
    Cancel,
    EntryFailed,
    Event,
    FillBooked,
    Input,
    Measure,
    OrdersPlaced,
    Raise,
    Replace,
    SetTimer,
    Submit,
    TimerFired,
    Track,
    TradeApproved,
    TradeMeasured,
    TradePlan,
    TradeRefused,
)
from fillbridge.engine.state import Trade
from fillbridge.excursions import Excursion
from fillbridge.exposure import exposure, risk_context
from fillbridge.metrics import ExecutionMetrics
from fillbridge.plugins import Implementation
from fillbridge.publishing import Publisher
from fillbridge.results import trade_execution, trade_result
from fillbridge.scoring import score_execution, shortfall_scale
from fillbridge_hooks import (
    Accepted,
    Cancelled,
    CommissionFunction,
    Direction,
    Expired,
    Fill,
    FillbridgeError,
    Hold,
    Instrument,
    InvalidValue,
    MarketView,
    Order,
    OrderRefused,
    OrderRole,
    OrderType,
    OutcomeUnknown,
    PositionView,
    PriceWatch,
    Refuse,
    Rejected,
    Replaced,
    Report,
    SimulationSession,
    TradeResult,
    VirtualClock,
)

_logger = logging.getLogger(__name__)

_ENTRY = OrderRole.ENTRY
_SHORT = Direction.SHORT
_NONE: dict[str, Excursion] = {}
_PRICES_OF = {
    OrderType.MARKET: (False, False),
    OrderType.LIMIT: (True, False),
    OrderType.STOP: (False, True),
    OrderType.STOP_LIMIT: (True, True),
}
"""Whether an entry of this type has a limit and a trigger."""
_REPORTS = (Accepted, Cancelled, Expired, OutcomeUnknown, Rejected, Replaced)

Recorder = Callable[[Sequence[Event]], None]
"""Keeps events before their effects leave."""


class ShellHooks(msgspec.Struct, frozen=True, kw_only=True):
    """The plugins of one handler, resolved to plain functions."""

    prepare_order: tuple[Implementation, ...] = ()
    risk_checks: tuple[NamedCheck, ...] = ()
    commission: tuple[str, CommissionFunction] | None = None
    handle_fill: tuple[Implementation, ...] = ()
    score_execution: tuple[Implementation, ...] = ()


class Shell:
    """Runs the engine for one account.

    :param hooks: the plugins that are asked
    :param clock: the time
    :param publisher: takes what happens to the bus
    :param metrics: counts what happens
    :param on_trade_closed: takes each closed trade with its result, before it is forgotten
    :param on_entry_failed: takes each trade whose entry ended without a fill, and why
    :param record: keeps events before their effects leave; ``None`` keeps nothing
    """

    def __init__(
        self,
        hooks: ShellHooks,
        clock: VirtualClock,
        publisher: Publisher,
        metrics: ExecutionMetrics,
        on_trade_closed: Callable[[Trade, TradeResult], None],
        on_entry_failed: Callable[[Trade, str], None],
        record: Recorder | None = None,
    ) -> None:
        self.state = EngineState()
        self.clock = clock
        self.excursions: dict[str, dict[str, Excursion]] = {}
        """Of the trades that hold a position, by symbol and trade id."""
        self._hooks = hooks
        self._publisher = publisher
        self._metrics = metrics
        self._on_trade_closed = on_trade_closed
        self._on_entry_failed = on_entry_failed
        self._record = record
        self._session: SimulationSession | None = None
        self._inbox: deque[Input] = deque()
        self._is_stepping = False
        self._recorded = 0
        self._judged = ("", 0)
        self._timers: dict[str, list[Callable[[], None]]] = {}
        self._effects: dict[type, Callable[..., None]] = {
            Submit: self._submit,
            Cancel: self._cancel,
            Replace: self._replace,
            SetTimer: self._set_timer,
            Track: self._track,
            Measure: self._measure,
            EntryFailed: self._entry_failed,
            Raise: self._raise_alarm,
        }

    @property
    def session(self) -> SimulationSession:
        """The driver's session, once it is opened."""
        if self._session is None:
            raise FillbridgeError("expected an open session, was none")
        return self._session

    @property
    def events_recorded(self) -> int:
        """How many events have been folded."""
        return self._recorded

    def attach(self, session: SimulationSession) -> None:
        """Hand orders to this session from now on."""
        self._session = session

    # Proposals

    def open_trade(self, plan: TradePlan) -> None:
        """Judge the plan's entry and send it.

        :raises OrderRefused: with every objection; nothing was sent
        """
        market = self.session.market(plan.instrument.symbol)
        plan = self._prepare(plan, market)
        now = self.clock.now_ns()
        objections = self._objections(plan, market)
        if objections:
            reasons = tuple(str(objection) for objection in objections)
            self.step(TradeRefused(plan.proposal, plan.instrument, reasons, now))
            raise OrderRefused(objections)
        self._metrics.contracts_requested += plan.entry.quantity
        self._judged = (plan.trade_id, self._recorded)
        self.step(TradeApproved(plan, now))

    def _prepare(self, plan: TradePlan, market: MarketView) -> TradePlan:
        order = plan.entry
        for plugin in self._hooks.prepare_order:
            try:
                changed = plugin.function(order, market)
            except Exception as error:
                _logger.exception("plugin %s failed to prepare an order", plugin.plugin)
                value = f"{type(error).__name__}: {error}"
                raise OrderRefused(
                    [Refuse(check=plugin.plugin, limit="a prepared order", value=value)]
                ) from error
            if changed is not None:
                order = _checked_change(plugin.plugin, order, changed)
        return plan if order is plan.entry else msgspec.structs.replace(plan, entry=order)

    def _objections(
        self, plan: TradePlan, market: MarketView, without: Trade | None = None
    ) -> list[Refuse | Hold]:
        checks = self._hooks.risk_checks
        if not checks:
            return []
        now = self.clock.now_ns()
        return judge(
            checks,
            plan.entry,
            exposure(self.state, plan.instrument.symbol, without),
            market,
            risk_context(self.state, plan.proposal, now, self._last_price, without),
        )

    def _last_price(self, symbol: str) -> float | None:
        return self.session.market(symbol).last

    # The step

    def on_report(self, report: Report) -> None:
        """Take a report of the driver; a fill is charged first."""
        if type(report) is Fill:
            self.step(FillBooked(report, self._commission_cents(report)))
        else:
            if type(report) is OutcomeUnknown:
                self._metrics.unknown_orders += 1
            self.step(report)  # type: ignore[arg-type]  # every other report is an input

    def step(self, message: Input) -> None:
        """Feed one input; what follows from it has happened when this returns.

        Called from within itself, by a report on an effect, it queues the input.
        """
        self._inbox.append(message)
        if self._is_stepping:
            return
        self._is_stepping = True
        inbox, state, effects_of = self._inbox, self.state, self._effects
        observed = self._publisher.interest.any or self._hooks.handle_fill
        try:
            while inbox:
                events, effects = decide(state, inbox.popleft(), self.clock.now_ns())
                if self._record is not None and events:
                    self._record(events)
                self._recorded += len(events)
                for event in events:
                    fold(state, event)
                    if observed:
                        self._observe(event)
                for effect in effects:
                    effects_of[type(effect)](effect)
        finally:
            self._is_stepping = False

    # Effects

    def _submit(self, effect: Submit) -> None:
        order = effect.order
        trade = self.state.trades[order.trade_id]
        if order.role is _ENTRY:
            self._submit_entry(order, trade)
            return
        position = -trade.held if trade.plan.direction is _SHORT else trade.held
        approved = approve_reducing(order, position)
        approved.permit.spend()
        self.session.submit(approved)

    def _submit_entry(self, order: Order, trade: Trade) -> None:
        try:
            approved = approve_entry(order, partial(self._objections_at_the_wire, trade))
        except RefusedAtTheWire as refusal:
            self.step(Rejected(order.client_order_id, str(refusal), self.clock.now_ns()))
            return
        approved.permit.spend()
        self.session.submit(approved)

    def _objections_at_the_wire(self, trade: Trade) -> list[Refuse | Hold]:
        plan = trade.plan
        # The checks are pure: where only the approval happened since, their answer stands.
        if self._judged == (plan.trade_id, self._recorded - 1):
            return []
        market = self.session.market(plan.instrument.symbol)
        return self._objections(plan, market, without=trade)

    def _cancel(self, effect: Cancel) -> None:
        self.session.cancel(effect.client_order_id)

    def _replace(self, effect: Replace) -> None:
        self.session.replace(effect.change)

    def _set_timer(self, effect: SetTimer) -> None:
        def fire() -> None:
            self.step(TimerFired(effect.trade_id, effect.kind, self.clock.now_ns()))

        timer = self.clock.call_at(effect.time_ns, fire)
        self._timers.setdefault(effect.trade_id, []).append(timer.cancel)

    def _track(self, effect: Track) -> None:
        trade = self.state.trades[effect.trade_id]
        plan = trade.plan
        self._metrics.trades_executed += 1
        self.flush_extremes(self.session.open_market(plan.instrument), plan.instrument)
        tracked = self.excursions.setdefault(plan.instrument.symbol, {})
        tracked[effect.trade_id] = Excursion(plan.direction)

    def _measure(self, effect: Measure) -> None:
        """Measure a trade, have it forgotten, and hand over its result."""
        trade_id = effect.trade_id
        trade = self.state.trades[trade_id]
        plan = trade.plan
        instrument = plan.instrument
        last_exit = trade.last_exit
        if last_exit is None:
            raise AssertionError(f"trade {trade_id} is flat but has no exit")
        entry_price = trade.entry_value / trade.entry_quantity
        self.flush_extremes(self.session.open_market(instrument), instrument)
        excursion = self.excursions[instrument.symbol].pop(trade_id)
        favourable, adverse = excursion.measure(instrument, entry_price, last_exit.price)
        score = self._score(trade, entry_price)
        measured = TradeMeasured(trade_id, favourable, adverse, score, last_exit.time_ns)
        result = trade_result(trade, measured)
        self._cancel_timers(trade_id)
        # Now, not once the queue is done: whoever takes the result finds the trade gone.
        events, _ = decide(self.state, measured, self.clock.now_ns())
        if self._record is not None:
            self._record(events)
        self._recorded += len(events)
        for event in events:
            fold(self.state, event)

        metrics = self._metrics
        metrics.trades_closed += 1
        if result.pnl_net > 0:
            metrics.winning_trades += 1
        else:
            metrics.losing_trades += 1
        self._count_orders(trade)
        self._on_trade_closed(trade, result)
        self._publisher.trade_closed(result)

    def _score(self, trade: Trade, entry_price: float) -> float:
        for plugin in self._hooks.score_execution:
            try:
                score = plugin.function(trade_execution(trade))
                if score is None:
                    continue
                if 0 <= score <= 1:
                    return float(score)
                raise InvalidValue("score", "a number from 0 to 1", score)
            except Exception:
                _logger.exception(
                    "plugin %s failed to score %s", plugin.plugin, trade.plan.trade_id
                )
        plan = trade.plan
        arrival = plan.entry.arrival
        price = None if arrival is None else arrival.price
        shortfall = None
        if price is not None:
            shortfall = price - entry_price if plan.direction is _SHORT else entry_price - price
        entry = trade.entry
        return score_execution(
            entry.filled / plan.proposal.position_size,
            shortfall,
            shortfall_scale(plan.proposal.max_slippage, plan.instrument.tick_size),
            (entry.first_fill_ns or 0) - plan.decided_at_ns,
        )

    def _entry_failed(self, effect: EntryFailed) -> None:
        trade, entry = self.state.orders[effect.entry_id]
        plan = trade.plan
        self._cancel_timers(plan.trade_id)
        self._metrics.execution_errors += 1
        self._metrics.orders_by_status[entry.status] += 1
        self._on_entry_failed(trade, effect.reason)
        error = f"trade {plan.trade_id}: {effect.reason}"
        self._publisher.execution_error(error, plan.proposal, self.clock.now_ns())

    def _raise_alarm(self, effect: Raise) -> None:
        error = f"trade {effect.trade_id}: {effect.message}" if effect.trade_id else effect.message
        _logger.error(error)
        self._publisher.execution_error(error, None, self.clock.now_ns())

    def _cancel_timers(self, trade_id: str) -> None:
        for cancel in self._timers.pop(trade_id, ()):
            cancel()

    def _count_orders(self, trade: Trade) -> None:
        counts = self._metrics.orders_by_status
        for order_state in trade.orders:
            counts[order_state.status] += 1
        self._metrics.contracts_filled += trade.entry.filled

    # What others are told

    def _observe(self, event: Any) -> None:
        kind = type(event)
        if kind is FillBooked:
            self._observe_fill(event)
        elif kind is TradeApproved:
            self._order_changed(event.plan.entry.client_order_id)
        elif kind is OrdersPlaced:
            for order in event.orders:
                self._order_changed(order.client_order_id)
        elif kind in _REPORTS:
            self._order_changed(event.client_order_id)

    def _order_changed(self, client_order_id: str) -> None:
        trade, order_state = self.state.orders[client_order_id]
        self._publisher.order_changed(trade, order_state, self.clock.now_ns())

    def _observe_fill(self, event: FillBooked) -> None:
        fill = event.fill
        trade, order_state = self.state.orders[fill.client_order_id]
        self._publisher.order_changed(trade, order_state, fill.time_ns)
        position = PositionView(
            trade.plan.trade_id,
            trade.plan.instrument.symbol,
            trade.held * trade.plan.direction.sign,
            trade.entry_value / trade.entry_quantity,
            fill.time_ns,
        )
        self._publisher.position_changed(position)
        for plugin in self._hooks.handle_fill:
            try:
                plugin.function(fill, order_state.order, position)
            except Exception:
                _logger.exception("plugin %s failed on fill %s", plugin.plugin, fill.fill_id)

    # Costs and prices

    def _commission_cents(self, fill: Fill) -> int | None:
        """The charge for a fill; ``None``, with an alarm, where the model fails."""
        model = self._hooks.commission
        known = self.state.orders.get(fill.client_order_id)
        if model is None or known is None:
            return 0
        name, function = model
        try:
            charge = function(fill, known[1].order.instrument)
            if not math.isfinite(charge):
                raise InvalidValue("commission", "a finite number", charge)
            return round(charge * 100)
        except Exception as error:
            _logger.exception("commission model %s failed on fill %s", name, fill.fill_id)
            self._publisher.execution_error(
                f"commission model '{name}' failed on fill {fill.fill_id}, its cost is unknown: "
                f"{type(error).__name__}: {error}",
                known[0].plan.proposal,
                fill.time_ns,
            )
            return None

    def on_price(self, symbol: str, ticks: int, direction: Direction | None) -> None:
        """Take in that the price stands at ``ticks``."""
        for excursion in self.excursions.get(symbol, _NONE).values():
            if direction is None or excursion.direction is direction:
                excursion.reach(ticks, ticks)

    def flush_extremes(self, watch: PriceWatch, instrument: Instrument) -> None:
        """Take in how far the price went while nobody looked.

        :raises InvalidValue: if it went off the grid; that is said once
        """
        highest, lowest = watch.high, watch.low
        if highest < lowest:
            return
        watch.high, watch.low = -math.inf, math.inf
        high, low = instrument.to_ticks(highest, "high"), instrument.to_ticks(lowest, "low")
        for excursion in self.excursions.get(instrument.symbol, _NONE).values():
            excursion.reach(high, low)


def _checked_change(plugin: str, order: Order, changed: object) -> Order:
    """What a plugin made of an order, if it kept what it must keep."""
    if not isinstance(changed, Order):
        raise OrderRefused([Refuse(check=plugin, limit="an Order or None", value=repr(changed))])
    for field in ("client_order_id", "trade_id", "role", "instrument", "side"):
        if getattr(changed, field) != getattr(order, field):
            value = repr(getattr(changed, field))
            raise OrderRefused([Refuse(check=plugin, limit=f"an unchanged {field}", value=value)])
    if type(changed.quantity) is not int or changed.quantity < 1:
        value = repr(changed.quantity)
        raise OrderRefused([Refuse(check=plugin, limit="a quantity >= 1", value=value)])
    has_limit, has_trigger = changed.limit_ticks is not None, changed.trigger_ticks is not None
    if _PRICES_OF.get(changed.order_type) != (has_limit, has_trigger):
        limit = f"the prices of a {changed.order_type} order and no other"
        value = f"limit {changed.limit_ticks}, trigger {changed.trigger_ticks}"
        raise OrderRefused([Refuse(check=plugin, limit=limit, value=value)])
    return changed
