"""One account as all of live trading shares it: its state, its gate, what leaves, the record."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TYPE_CHECKING, Any

from fillbridge.engine.messages import Event, TradePlan
from fillbridge.engine.state import EngineState, Trade
from fillbridge.journal import JournalFailed, StateDiverged
from fillbridge.leaving import Leaving
from fillbridge.live.collar import objection
from fillbridge.live.early import Early
from fillbridge.live.fills import at_reference
from fillbridge.live.gate import Gate, GateState
from fillbridge.live.market import LiveMarket
from fillbridge.live.outbox import Cancellation, Change, Command, Outbox, Submission
from fillbridge.live.recording import NoRecording, Recording
from fillbridge.live.rules import LiveRules
from fillbridge.live.tally import CANCEL, CHANGE, Tally
from fillbridge.live.trailing import Trailing
from fillbridge.metrics import ExecutionMetrics
from fillbridge.publishing import Publisher
from fillbridge.shell import Shell
from fillbridge.shell_hooks import ShellHooks
from fillbridge_hooks import (
    Clock,
    Fill,
    FillbridgeError,
    NotSent,
    OrderRole,
    ReplaceRejected,
    Report,
    Timer,
    TradeResult,
    TradeTick,
)

if TYPE_CHECKING:
    from fillbridge.live.moves import Moves

_logger = logging.getLogger(__name__)

_JOURNAL = "journal"
DEFECT = "defect"
"""What shuts the gate where something here is broken; only a person lifts it."""
_FAILURES = (JournalFailed, StateDiverged)


class _RecordedClock:
    """The clock of the shell: what a deadline brings about is kept as everything else is."""

    def __init__(
        self, clock: Clock, recorded: Callable[[], AbstractContextManager[None]], early: Early
    ) -> None:
        self._clock = clock
        self._recorded = recorded
        self._early = early

    @property
    def now_ns(self) -> int:
        return self._clock.now_ns

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> Timer:
        def call() -> None:
            if not self._early.holds(call):
                with self._recorded():
                    callback()

        return self._clock.call_at(time_ns, call)


class Account:
    """What happens to an account goes through here, so that it is recorded before it has effects.

    :param on_trade_closed: takes each closed trade with its result
    """

    def __init__(
        self,
        hooks: ShellHooks,
        clock: Clock,
        journal: Recording,
        publisher: Publisher,
        metrics: ExecutionMetrics,
        rules: LiveRules,
        on_trade_closed: Callable[[Trade, TradeResult], None],
    ) -> None:
        self._within_record = Leaving(lambda error: self.keep())
        self._within_guard = Leaving(self._take_for_a_defect)
        self.clock = clock
        self.rules = rules
        self.gate = Gate()
        self.market = LiveMarket(clock)
        self.outbox = Outbox(self.market)
        self.trailing = Trailing(rules)
        self.moves: Moves | None = None
        """How far prices moved lately, where somebody asks."""
        self.early = Early(is_waiting=bool(journal.state.orders))
        self.metrics = metrics
        self.is_connected = False
        self.snapshot_due_ns = 0
        """When the broker should be asked how things stand, while it can be."""
        self.shell: Shell[Outbox, Clock] = Shell(
            hooks,
            _RecordedClock(clock, self.recorded, self.early),
            publisher,
            metrics,
            on_trade_closed,
            lambda trade, reason: None,
            self._record,
            state=journal.state,
            defers_observers=True,
            collar=partial(objection, market=self.market),
        )
        self.shell.attach(self.outbox)
        self.shell.judgement.margin = self.market.margin
        self.tally = Tally(lambda: clock.now_ns)
        self._journal = journal
        self._publisher = publisher
        self._known_defects: set[tuple[object, ...]] = set()

    @property
    def state(self) -> EngineState:
        """What is known of every trade."""
        return self.shell.state

    @property
    def now_ns(self) -> int:
        """The time, ns UTC."""
        return self.clock.now_ns

    # Recording

    def recorded(self) -> AbstractContextManager[None]:
        """A context that keeps what happens within, and then lets leave what follows from it."""
        return self._within_record

    def keep(self) -> None:
        """Keep what has happened, and only then let leave what follows from it."""
        try:
            self._journal.commit(is_urgent=self.outbox.holds_any)
            self._journal.check(self.state)
        except _FAILURES as error:
            self._go_on_without_journal(error)
        else:
            self.outbox.release()

    def note(self, kind: str, payload: Mapping[str, Any]) -> None:
        """Record a fact that is no event of the engine."""
        try:
            self._journal.note(kind, payload, self.now_ns)
        except _FAILURES as error:
            self._go_on_without_journal(error)

    def _record(self, events: Sequence[Event]) -> None:
        self.tally.allow(events)
        try:
            self._journal.append(events, self.now_ns)
        except _FAILURES as error:
            self._go_on_without_journal(error)

    def _go_on_without_journal(self, error: FillbridgeError) -> None:
        """Nothing more can be kept: entries are over, what reduces still leaves."""
        reason = f"the journal failed: {error}"
        _logger.critical("%s; orders that reduce positions still leave", reason)
        self._journal = NoRecording(self.state, self._journal.epoch)
        self.gate.shut(_JOURNAL, GateState.HALTED, reason)
        for command in self.outbox.take_held():
            if isinstance(command, Submission) and command.approved.order.role is OrderRole.ENTRY:
                self.not_sent(command, reason)
            else:
                self.outbox.ready.append(command)
        self.outbox.release()
        self.alarm(reason)

    # Defects

    def guard(self) -> AbstractContextManager[None]:
        """A context in which an error ends what is within, and nothing else: :meth:`defect`."""
        return self._within_guard

    def _take_for_a_defect(self, error: BaseException | None) -> bool:
        if not isinstance(error, Exception):
            return False
        self.defect(error)
        return True

    def defect(self, error: Exception) -> None:
        """Something here is broken: no entry leaves until somebody resumes, all else goes on.

        To end here would leave positions to whatever rests at the broker. The step in which it
        broke is lost; what that leaves in doubt is found by looking and asking, as after a crash.
        Only a state that is no longer the fold of its journal cannot be mended like this: then
        nothing more is recorded, and the gate stays shut until a restart has read the journal.
        """
        self.metrics.defects += 1
        reason = f"a defect: {type(error).__name__}: {error}"
        is_news = self._is_new(error)
        if is_news:
            _logger.critical("%s", reason, exc_info=error)
        try:
            with self.recorded():
                self.shut(DEFECT, GateState.HALTED, reason)
                if is_news:
                    self._publisher.execution_error(reason, None, self.now_ns)
            if is_news:
                self._compare()
        except Exception:
            # The gate is shut first of all: what cannot be told of is no reason to end either.
            _logger.exception("a defect could not be recorded")

    def forget_defects(self) -> None:
        """Somebody took note of them: tell of each again."""
        self._known_defects.clear()

    def _is_new(self, error: Exception) -> bool:
        """Whether nothing of this kind broke at this place before: it may ten times a second."""
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        where = () if place is None else (place.tb_frame.f_code, place.tb_lineno)
        kind = (type(error), *where)
        is_new = kind not in self._known_defects
        self._known_defects.add(kind)
        return is_new

    def _compare(self) -> None:
        """Look whether the state is still the fold of the journal."""
        try:
            self._journal.check(self.state, always=True)
        except _FAILURES as error:
            self._go_on_without_journal(error)

    # What happens

    def report(self, report: Report, *, is_found: bool = False) -> None:
        """Take a report of the broker; a fill gets the reference it is measured against.

        :param is_found: whether nothing shall follow from a fill yet
        """
        if isinstance(report, Fill):
            known = self.state.orders.get(report.client_order_id)
            if known is not None:
                report = at_reference(report, known[1].order)
        self.shell.on_report(report, is_found=is_found)

    def on_trade(self, trade: TradeTick) -> None:
        """Take a price of the market."""
        instrument = self.market.on_trade(trade)
        if instrument is not None:
            ticks = round(trade.price / instrument.tick_size)
            if self.moves is not None:
                self.moves.on_price(trade.symbol, ticks, self.now_ns)
            self.shell.on_price(trade.symbol, ticks, None)
            self.trailing.on_trade(self.state, trade.symbol, ticks)

    def not_sent(self, command: Command, reason: str) -> None:
        """Take that a command did not leave.

        A cancel or a change is recorded already: the next answers of the broker have it repeated,
        but a change that must not leave any more is given up.
        """
        order_id = command.client_order_id
        if isinstance(command, Submission):
            self.shell.step(NotSent(order_id, reason, self.now_ns))
        elif isinstance(command, Change) and self.objection_to_change(order_id):
            self.shell.step(ReplaceRejected(order_id, reason, self.now_ns, command.change))

    def objection_to_change(self, client_order_id: str) -> str:
        """Why an entry must stay where it is, once entries are stopped; empty for any other order.

        What may right itself by itself holds up no change that was asked for before.
        """
        known = self.state.orders.get(client_order_id)
        if known is None or known[1].order.role is not OrderRole.ENTRY:
            return ""
        plan = known[0].plan
        if self.gate.state is GateState.HALTED:
            return str(self.gate.objection(plan.instrument.symbol))
        suspended = self.suspension_of(plan)
        return "" if suspended is None else f"strategy: suspended: {suspended}"

    def suspension_of(self, plan: TradePlan) -> str | None:
        """Why the strategy of a plan is suspended; ``None`` if it is not."""
        return self.state.activity.suspended.get(plan.proposal.strategy or "")

    def take_back(self, reason: str) -> None:
        """Let nothing leave any more that could have: not in the next session either."""
        while self.outbox.ready:
            # What breaks over one must not leave the rest there.
            with self.guard():
                self.not_sent(self.outbox.ready.popleft(), reason)

    def ask_again(self, request: Cancellation | Change) -> None:
        """Let a request leave that the broker does not know of, or that nothing else asked for."""
        kind = CANCEL if isinstance(request, Cancellation) else CHANGE
        self.tally.allow_again(request.client_order_id, kind)
        self.outbox.repeat(request)

    def alarm(self, message: str) -> None:
        """Tell a person."""
        _logger.error(message)
        self._publisher.execution_error(message, None, self.now_ns)

    def ask_soon(self) -> None:
        """Something is in doubt: ask the broker before it would be due."""
        due_ns = self.now_ns + self.rules.doubtful_reconcile_ns
        self.snapshot_due_ns = min(self.snapshot_due_ns, due_ns)

    # The gate

    def shut(self, cause: str, state: GateState, reason: str) -> bool:
        """Shut the gate for ``cause``, and record it; whether that is news."""
        is_news = self.gate.shut(cause, state, reason)
        if is_news:
            self.note("gate", {"cause": cause, "state": state.value, "reason": reason})
        return is_news

    def lift(self, cause: str) -> None:
        """Shut the gate for ``cause`` no longer, and record it."""
        if self.gate.lift(cause):
            self.note("gate", {"cause": cause, "state": self.gate.state.value})

    def block(self, cause: str, reasons: Mapping[str, str]) -> list[str]:
        """Let ``cause`` block the symbols of ``reasons`` and no others; which are news."""
        news = []
        for symbol in self.gate.blocked(cause) | reasons.keys():
            reason = reasons.get(symbol)
            if reason is None:
                changed = self.gate.unblock(symbol, cause)
            else:
                changed = self.gate.block(symbol, cause, reason)
                if changed:
                    news.append(f"{symbol}: {reason}")
            if changed:
                self.note("gate", {"cause": cause, "symbol": symbol, "reason": reason})
        return news
