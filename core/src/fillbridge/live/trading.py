"""One account, live: what comes in, what is recorded, what leaves, and what is done about faults.

Synchronous throughout. Whatever calls it finds in ``outbox.ready`` what may leave afterwards, and
tells it what became of that.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fillbridge.engine.messages import (
    CancelRequested,
    CloseRequested,
    EntriesHalted,
    EntriesResumed,
    ReplaceRequested,
    TradePlan,
    TradeRefused,
)
from fillbridge.engine.state import EngineState, Trade
from fillbridge.excursions import Excursions
from fillbridge.handlers.requests import refuse_opposite
from fillbridge.journal import JournalFailed
from fillbridge.live.fills import at_reference
from fillbridge.live.gate import Gate, GateState
from fillbridge.live.market import LiveMarket
from fillbridge.live.outbox import Command, Outbox, Submission
from fillbridge.live.protection import ProtectionWatch
from fillbridge.live.reconciliation import Findings, Quarantine, Reconciler
from fillbridge.live.recording import NoRecording, Recording
from fillbridge.live.rules import LiveRules
from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge.metrics import ExecutionMetrics
from fillbridge.planning import plan_trade
from fillbridge.publishing import Publisher
from fillbridge.shell import Shell, ShellHooks
from fillbridge_hooks import (
    Capabilities,
    Clock,
    Fill,
    Instrument,
    InvalidValue,
    Message,
    NotSent,
    OrderRefused,
    OrderRole,
    OrderStatus,
    OutcomeUnknown,
    QuoteTick,
    Refuse,
    RiskProposal,
    SendOutcome,
    Sent,
    TradeResult,
    TradeTick,
)

_logger = logging.getLogger(__name__)

_SECOND = 1_000_000_000
_UNPROVED = (OrderStatus.PENDING, OrderStatus.UNKNOWN)
_FILLS_MARGIN_NS = 120 * _SECOND
_LINK, _RECONCILED, _SESSION, _HALTED, _JOURNAL = "link", "reconciled", "session", "halt", "journal"
_UNKNOWN, _FOREIGN, _MISMATCH, _STRANGERS = "unknown", "foreign", "mismatch", "strangers"


class LiveTrading:
    """Trades one account through whatever its outbox is emptied into.

    :param tag: what every trade id begins with; it names the account
    :param find_instrument: the contract of a symbol; raises ``InvalidValue`` for an unknown one
    :param default_symbol: of proposals that name none
    :param entry_life_s: of entries whose proposal has no timeout
    """

    def __init__(
        self,
        *,
        tag: str,
        hooks: ShellHooks,
        clock: Clock,
        journal: Recording,
        publisher: Publisher,
        metrics: ExecutionMetrics,
        capabilities: Capabilities,
        find_instrument: Callable[[str], Instrument],
        default_symbol: str,
        entry_life_s: float | None = None,
        position_life_ns: int | None = None,
        rules: LiveRules | None = None,
        on_trade_closed: Callable[[Trade, TradeResult], None] = lambda trade, result: None,
    ) -> None:
        self.rules = rules or LiveRules()
        self.gate = Gate()
        self.market = LiveMarket(clock)
        self.outbox = Outbox(self.market)
        self.metrics = metrics
        self.is_connected = False
        self.snapshot_due_ns = 0
        """When the broker should be asked how things stand, while it can be."""
        self._tag = f"{tag}{journal.epoch:x}-"
        self._clock = clock
        self._journal = journal
        self._publisher = publisher
        self._capabilities = capabilities
        self._find_instrument = find_instrument
        self._default_symbol = default_symbol
        self._entry_life_s = entry_life_s
        self._position_life_ns = position_life_ns
        self._protection = ProtectionWatch(self.rules)
        quarantine = Quarantine(
            entry_ns=self.rules.entry_quarantine_ns, reducing_ns=self.rules.reducing_quarantine_ns
        )
        self._reconciler = Reconciler(tag, quarantine)
        self._trades = 0
        self._agreements = 0
        self._last_answers: tuple[Any, ...] = ()
        self._mismatched_since: dict[str, int] = {}
        self._shell: Shell[Outbox, Clock] = Shell(
            hooks,
            clock,
            publisher,
            metrics,
            on_trade_closed,
            lambda trade, reason: None,
            self._record,
            state=journal.state,
            defers_observers=True,
        )
        self._shell.attach(self.outbox)
        self.market.open_market(find_instrument(default_symbol))
        self.gate.shut(_LINK, GateState.RECOVERING, "not connected")
        self._take_up()

    @property
    def state(self) -> EngineState:
        """What is known of every trade."""
        return self._shell.state

    @property
    def excursions(self) -> Excursions:
        """How far the price went for and against each trade."""
        return self._shell.excursions

    def _take_up(self) -> None:
        """Go on where the journal ends: what was on its way then is in doubt now."""
        with self._recorded():
            if self.state.halted is not None:
                self.gate.shut(_HALTED, GateState.HALTED, self.state.halted.reason)
            self._shell.resume()
            self._doubt_what_is_under_way("the handler started anew")

    # Proposals and requests

    def propose(self, proposal: RiskProposal) -> str:
        """Record a trade and let its entry leave; the trade id.

        A ``proposal_id`` that was proposed before answers as it did then and sends nothing.

        :raises InvalidValue: if the proposal breaks a rule
        :raises OrderRefused: if a check or the gate refuses it
        """
        known = self._answered(proposal.proposal_id)
        if known is not None:
            return known
        instrument = self._find_instrument(proposal.symbol or self._default_symbol)
        with self._recorded():
            try:
                return self._open(proposal, instrument)
            except (InvalidValue, OrderRefused):
                self.metrics.execution_errors += 1
                raise

    def _answered(self, proposal_id: str | None) -> str | None:
        if proposal_id is None:
            return None
        state = self.state
        answer = state.proposed.get(proposal_id) or state.proposed_before.get(proposal_id)
        if answer is None or isinstance(answer, str):
            return answer
        first = Refuse(check="proposal_id", limit="not refused before", value="; ".join(answer))
        raise OrderRefused([first])

    def _open(self, proposal: RiskProposal, instrument: Instrument) -> str:
        plan = self._plan(proposal, instrument)
        try:
            self._refuse_if_shut_or_late(plan)
            refuse_opposite(self.state, plan)
        except OrderRefused as refusal:
            reasons = tuple(str(one) for one in refusal.refusals)
            now = self._clock.now_ns
            self._shell.step(TradeRefused(proposal, instrument, reasons, now))
            raise
        self._trades += 1
        self.outbox.gate_version = self.gate.version
        self._shell.open_trade(plan)
        return plan.trade_id

    def _plan(self, proposal: RiskProposal, instrument: Instrument) -> TradePlan:
        self.market.open_market(instrument)
        decided_ns = proposal.decided_at_ns
        if decided_ns is None:
            decided_ns = self._clock.now_ns
        elif type(decided_ns) is not int:
            raise InvalidValue("decided_at_ns", "integer nanoseconds UTC", decided_ns)
        return plan_trade(
            proposal,
            f"{self._tag}{self._trades + 1}",
            instrument,
            proposal.arrival or self.market.arrival(instrument.symbol),
            decided_ns,
            self._position_life_ns,
            entry_life_s=self._entry_life_s,
            has_broker_legs=self._capabilities.bracket,
        )

    def validate(self, proposal: RiskProposal) -> None:
        """Check a proposal against the market as it is now; nothing is recorded or sent.

        :raises InvalidValue: naming field, value and rule
        """
        self._plan(proposal, self._find_instrument(proposal.symbol or self._default_symbol))

    def _refuse_if_shut_or_late(self, plan: TradePlan) -> None:
        objection = self.gate.objection(plan.instrument.symbol)
        if objection is not None:
            raise OrderRefused([objection])
        deadline_ns, now = plan.entry_deadline_ns, self._clock.now_ns
        if deadline_ns is not None and deadline_ns < now:
            late = f"{(now - plan.decided_at_ns) / _SECOND:.1f} s ago"
            limit = f"decided at most {(deadline_ns - plan.decided_at_ns) / _SECOND} s ago"
            raise OrderRefused([Refuse(check="age", limit=limit, value=late)])

    def request(self, message: CancelRequested | ReplaceRequested | CloseRequested) -> bool:
        """Record a request and let what follows leave; whether anything does."""
        with self._recorded():
            before = self._shell.recorded
            self._shell.step(message)
            return self._shell.recorded > before

    def halt(self, reason: str, by: str) -> None:
        """Let no entry out until :meth:`resume`, after a restart neither."""
        with self._recorded():
            self._shell.step(EntriesHalted(reason, by, self._clock.now_ns))
            self.gate.shut(_HALTED, GateState.HALTED, reason)
            self._note("halt", reason=reason, by=by)

    def resume(self, by: str) -> None:
        """Lift what only a person may lift: a halt, a standby, strangers' orders."""
        with self._recorded():
            if self.state.halted is not None:
                self._shell.step(EntriesResumed(by, self._clock.now_ns))
            for cause in (_HALTED, _SESSION, _STRANGERS):
                self.gate.lift(cause)
            self._note("resume", by=by)

    def drain(self) -> None:
        """Let no entry out any more: the handler is about to stop."""
        with self._recorded():
            self.gate.shut("drain", GateState.REDUCE_ONLY, "the handler is stopping")

    def shut(self, cause: str, reason: str) -> None:
        """Let no entry out while something is not as it should be."""
        with self._recorded():
            self._shut(cause, GateState.REDUCE_ONLY, reason)

    def lift(self, cause: str) -> None:
        """What shut the gate has passed."""
        with self._recorded():
            self._lift(cause)

    # The connection

    def link_up(self) -> None:
        """A session began: ask how things stand before any entry leaves."""
        with self._recorded():
            self.is_connected = True
            self._reconciler.begin_again()
            self._protection.begin_again()
            self._agreements, self._last_answers = 0, ()
            self._shut(_RECONCILED, GateState.RECOVERING, "not yet reconciled with the broker")
            self._lift(_LINK)
            self.snapshot_due_ns = self._clock.now_ns

    def link_lost(self, reason: str) -> None:
        """The session is over: what had not left does not leave, what had is in doubt."""
        with self._recorded():
            self.is_connected = False
            self._shut(_LINK, GateState.RECOVERING, reason)
            self._reconciler.begin_again()
            self._protection.begin_again()
            while self.outbox.ready:
                self._not_sent(self.outbox.ready.popleft(), reason)
            self._doubt_what_is_under_way(reason)

    def logged_out(self, reason: str) -> None:
        """Another login took the session: stay away until a person decides."""
        self.link_lost(reason)
        with self._recorded():
            self._shut(_SESSION, GateState.STANDBY, reason)
            self._alarm(f"standby: {reason}")

    def _doubt_what_is_under_way(self, reason: str) -> None:
        now = self._clock.now_ns
        for trade in tuple(self.state.trades.values()):
            for order_state in tuple(trade.orders):
                if order_state.status is OrderStatus.PENDING:
                    order_id = order_state.order.client_order_id
                    self._shell.on_report(OutcomeUnknown(order_id, reason, now))

    def doubt(self, reason: str) -> None:
        """Something was missed: no entry leaves before the broker was asked again."""
        with self._recorded():
            if not self.is_connected:
                return
            self._agreements = 0
            self._shut(_RECONCILED, GateState.RECOVERING, reason)
            self.snapshot_due_ns = self._clock.now_ns

    # What the broker says

    def on_message(self, message: Message) -> None:
        """Take a report, or a price."""
        if isinstance(message, TradeTick):
            instrument = self.market.on_trade(message)
            if instrument is not None:
                ticks = round(message.price / instrument.tick_size)
                self._shell.on_price(message.symbol, ticks, None)
            return
        if isinstance(message, QuoteTick):
            self.market.on_quote(message)
            return
        with self._recorded():
            self._report(message)

    def _report(self, report: Any) -> None:
        if type(report) is Fill:
            known = self.state.orders.get(report.client_order_id)
            if known is not None:
                report = at_reference(report, known[1].order)
        self._shell.on_report(report)

    # What leaves

    def last_check(self, command: Command) -> NotSent | None:
        """Why an entry must not leave after all, right before it would."""
        if not isinstance(command, Submission):
            return None
        order = command.approved.order
        if order.role is not OrderRole.ENTRY:
            return None
        now = self._clock.now_ns
        reason = ""
        if now - command.made_ns > self.rules.stale_send_ns:
            reason = f"judged {(now - command.made_ns) / 1e9:.3f} s before it could leave"
        elif command.gate_version != self.gate.version:
            objection = self.gate.objection(order.instrument.symbol)
            reason = str(objection) if objection else ""
        return NotSent(order.client_order_id, reason, now) if reason else None

    def on_outcome(self, command: Command, outcome: SendOutcome) -> None:
        """Take what became of a command that was handed to the session."""
        if isinstance(outcome, Sent):
            return
        with self._recorded():
            if isinstance(outcome, NotSent):
                self._not_sent(command, outcome.reason)
            elif isinstance(command, Submission):
                self._shell.on_report(outcome)
            self._ask_soon()

    def _not_sent(self, command: Command, reason: str) -> None:
        # A cancel or a change that did not leave is recorded: the next answers have it repeated.
        if isinstance(command, Submission):
            self._shell.step(NotSent(command.client_order_id, reason, self._clock.now_ns))

    # How things stand

    def fills_since_ns(self) -> int:
        """From when on the broker must be asked for fills, ns UTC."""
        trades = (*self.state.trades.values(), *self.state.ended.values())
        oldest = min((trade.entry.submitted_ns for trade in trades), default=self._clock.now_ns)
        return max(0, oldest - _FILLS_MARGIN_NS)

    def on_snapshot(self, snapshot: BrokerSnapshot) -> None:
        """Take the answers to one round of questions."""
        with self._recorded():
            now = self._clock.now_ns
            findings = self._reconciler.compare(self.state, snapshot, now)
            for report in findings.reports:
                self._report(report)
            self._repeat(findings)
            self._judge(findings, snapshot, now)
            in_doubt = not self._is_settled() or bool(self._mismatched_since)
            wait = self.rules.doubtful_reconcile_ns if in_doubt else self.rules.reconcile_ns
            self.snapshot_due_ns = now + wait

    def on_no_answer(self, reason: str) -> None:
        """The broker gave no clean answer: nothing is concluded from that."""
        self._agreements = 0
        self.snapshot_due_ns = self._clock.now_ns + self.rules.doubtful_reconcile_ns
        _logger.warning("no clean answer of the broker: %s", reason)

    def _repeat(self, findings: Findings) -> None:
        for request in findings.repeats:
            self._note("repeat", client_order_id=request.client_order_id)
            if isinstance(request, Submission):
                raise AssertionError("an order is never sent again")
            self.outbox.repeat(request)
        for order_id in findings.strays:
            self._note("stray", client_order_id=order_id)
            self._alarm(f"{order_id} works at the broker although it has ended; cancelling it")
            self.outbox.cancel(order_id)

    def _judge(self, findings: Findings, snapshot: BrokerSnapshot, now: int) -> None:
        if findings.unknown:
            reason = f"orders with our tag that are not ours: {', '.join(sorted(findings.unknown))}"
            if self.gate.shut(_STRANGERS, GateState.HALTED, reason):
                self._note("gate", cause=_STRANGERS, reason=reason)
                self._alarm(reason)
        self._block_symbols(_FOREIGN, findings.foreign)
        for symbol in self._mismatched_since.keys() - findings.mismatched.keys():
            del self._mismatched_since[symbol]
        for symbol in findings.mismatched:
            self._mismatched_since.setdefault(symbol, now)
        self._block_symbols(
            _MISMATCH,
            {
                symbol: f"we hold {ours}, the broker says {theirs}"
                for symbol, (ours, theirs) in findings.mismatched.items()
                if now - self._mismatched_since[symbol] >= self.rules.mismatch_ns
            },
        )
        answers = (snapshot.working, snapshot.fills, snapshot.positions)
        is_quiet = not findings.reports and not findings.is_incomplete and not findings.mismatched
        is_same = answers == self._last_answers
        self._last_answers = answers
        self._agreements = self._agreements + 1 if is_quiet and is_same else 0
        if self._agreements and self.gate.shuts(_RECONCILED) and not self._protection.is_alert:
            self._lift(_RECONCILED)

    def _is_settled(self) -> bool:
        return (
            not self.gate.shuts(_RECONCILED)
            and not self._protection.is_alert
            and not any(
                order_state.status in _UNPROVED
                for trade in self.state.trades.values()
                for order_state in trade.orders
            )
        )

    # Deadlines

    def look(self) -> None:
        """Look at what time alone brings about; call it every ``rules.look_ns``."""
        now = self._clock.now_ns
        with self._recorded():
            if self.is_connected:
                self._doubt_what_has_no_answer(now)
                for message in self._protection.look(self.state, now):
                    self._shell.step(message)
                if self._protection.is_alert:
                    self._ask_soon()
            self._block_unknown()

    def _doubt_what_has_no_answer(self, now: int) -> None:
        for trade in tuple(self.state.trades.values()):
            for order_state in tuple(trade.orders):
                waited = now - order_state.submitted_ns
                is_pending = order_state.status is OrderStatus.PENDING
                if is_pending and waited >= self.rules.acknowledgement_ns:
                    order_id = order_state.order.client_order_id
                    reason = f"no answer for {waited / _SECOND:.1f} s"
                    self._shell.on_report(OutcomeUnknown(order_id, reason, now))
                    self._ask_soon()

    def _block_unknown(self) -> None:
        unknown: dict[str, str] = {}
        for trade in self.state.trades.values():
            for order_state in trade.orders:
                if order_state.status is OrderStatus.UNKNOWN:
                    order_id = order_state.order.client_order_id
                    symbol = trade.plan.instrument.symbol
                    unknown[symbol] = f"the outcome of {order_id} is unknown"
        self._block_symbols(_UNKNOWN, unknown)

    def _block_symbols(self, cause: str, reasons: dict[str, str]) -> None:
        for symbol in self.market.instruments.keys() | reasons.keys():
            reason = reasons.get(symbol)
            if reason is None:
                is_news = self.gate.unblock(symbol, cause)
            else:
                is_news = self.gate.block(symbol, cause, reason)
                if is_news and cause is not _UNKNOWN:
                    self._alarm(f"{symbol}: {reason}")
            if is_news:
                self._note("gate", symbol=symbol, cause=cause, reason=reason)

    def _ask_soon(self) -> None:
        due = self._clock.now_ns + self.rules.doubtful_reconcile_ns
        self.snapshot_due_ns = min(self.snapshot_due_ns, due)

    # Recording

    @contextmanager
    def _recorded(self) -> Iterator[None]:
        """Keep what happens within before anything of it leaves."""
        try:
            yield
        finally:
            try:
                self._journal.commit()
                self._journal.check(self.state)
            except JournalFailed as error:
                self._go_on_without_journal(error)
            else:
                self.outbox.release()

    def _record(self, events: Any) -> None:
        self._journal.append(events, self._clock.now_ns)

    def _note(self, kind: str, **payload: Any) -> None:
        self._journal.note(kind, payload, self._clock.now_ns)

    def _go_on_without_journal(self, error: JournalFailed) -> None:
        """Nothing more can be kept: entries are over, what reduces still leaves."""
        reason = f"the journal failed: {error}"
        _logger.critical("%s; orders that reduce positions still leave", reason)
        self._journal = NoRecording(self.state, self._journal.epoch)
        self.gate.shut(_JOURNAL, GateState.HALTED, reason)
        for command in self.outbox.drop():
            if isinstance(command, Submission) and command.approved.order.role is OrderRole.ENTRY:
                self._not_sent(command, reason)
            else:
                self.outbox.ready.append(command)
        self.outbox.release()
        self._alarm(reason)

    def _shut(self, cause: str, state: GateState, reason: str) -> None:
        if self.gate.shut(cause, state, reason):
            self._note("gate", cause=cause, state=state.value, reason=reason)

    def _lift(self, cause: str) -> None:
        if self.gate.lift(cause):
            self._note("gate", cause=cause, state=self.gate.state.value, reason=None)

    def _alarm(self, message: str) -> None:
        _logger.error(message)
        self._publisher.execution_error(message, None, self._clock.now_ns)
