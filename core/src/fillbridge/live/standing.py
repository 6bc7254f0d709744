"""What follows from how things stand at the broker."""

import logging
from collections.abc import Collection, Iterator
from itertools import chain
from typing import NamedTuple

from fillbridge.engine.messages import CancelRequested, EntriesHalted, ProtectionDue
from fillbridge.engine.state import OrderState
from fillbridge.live.account import Account
from fillbridge.live.adoption import unrecorded
from fillbridge.live.elsewhere import closed_elsewhere, is_explained_by_nothing_of_ours
from fillbridge.live.gate import GateState
from fillbridge.live.outbox import Cancellation
from fillbridge.live.protection import ProtectionWatch
from fillbridge.live.reconciliation import Findings, Quarantine, Reconciler
from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge_hooks import TERMINAL_STATUSES, BrokerOrder, Fill, OrderStatus

_logger = logging.getLogger(__name__)

RECONCILED, STRANGERS, GONE = "reconciled", "strangers", "gone"
_BY = "fillbridge"
_FOREIGN, _MISMATCH, _ANSWERS = "foreign", "mismatch", "answers"
_SECOND = 1_000_000_000
_AGREEING = 3
"""Answers in a row before a position counts as closed by somebody else; a bust takes two."""
_UNPROVED = (OrderStatus.PENDING, OrderStatus.UNKNOWN)
_FILLS_MARGIN_NS = 120_000_000_000


class _Row(NamedTuple):
    """Answers in a row that differ by the same from what we hold."""

    difference: int
    began_ns: int
    times: int


class Standing:
    """Applies the broker's answers, and opens the gate once two in a row bring nothing new.

    :param tag: what every order id of this account begins with
    """

    def __init__(self, account: Account, protection: ProtectionWatch, tag: str) -> None:
        rules = account.rules
        quarantine = Quarantine(
            entry_ns=rules.entry_quarantine_ns, reducing_ns=rules.reducing_quarantine_ns
        )
        self._account = account
        self._protection = protection
        self._reconciler = Reconciler(tag, quarantine)
        self._last: tuple[object, ...] = ()
        self._mismatched_since: dict[str, int] = {}
        self._rows: dict[str, _Row] = {}
        """By symbol; nothing that was said before a session or a booking counts."""
        self.overstated: dict[str, int] = {}
        """By symbol, what the broker holds where that has been less than we hold for long.

        Somebody else closed it: nothing of ours may go on closing it.
        """
        self._strangers: set[str] = set()
        self._rounds = 0
        """Answers since it began again."""
        self._answered_ns = 0
        """When the last clean answer came, or the session began if none has yet."""
        self._today_due_ns = 0
        """When the orders of the trade date are asked for, whatever is known."""

    def begin_session(self) -> None:
        """A session began: nothing has been answered in it yet."""
        self._answered_ns = self._account.market.connected_ns = self._account.now_ns
        self.begin_again("not yet reconciled with the broker")

    def begin_again(self, reason: str) -> None:
        """What was known may be out of date: no entry leaves before the broker was asked."""
        self._reconciler.begin_again()
        self._last = ()
        self._rows = {}
        self._rounds = 0
        self._account.shut(RECONCILED, GateState.RECOVERING, reason)
        self._account.snapshot_due_ns = self._account.now_ns

    def miss(self, reason: str) -> None:
        """A report was missed: the broker is asked at once, and no entry leaves before it answers.

        Less than :meth:`begin_again`: what its answers have said so far counts.
        """
        self._last = ()
        self._rounds = 0
        self._account.shut(RECONCILED, GateState.RECOVERING, reason)
        self._account.snapshot_due_ns = self._account.now_ns

    def fills_since_ns(self) -> int:
        """From when on the broker must be asked for fills, ns UTC."""
        state = self._account.state
        trades = (*state.trades.values(), *state.ended.values())
        oldest = min((trade.entry.submitted_ns for trade in trades), default=self._account.now_ns)
        return max(0, oldest - _FILLS_MARGIN_NS)

    def needs_today(self, working: Collection[BrokerOrder]) -> bool:
        """Whether those that work leave open what became of an order, or anything is in doubt."""
        account = self._account
        if account.now_ns >= self._today_due_ns or not self._is_settled():
            return True
        gate, names = account.gate, {one.client_order_id for one in working}
        # What this process lacks the broker cannot tell: to ask may be what it lacks the time for.
        is_shut = gate.state not in (GateState.OPEN, GateState.REDUCE_ONLY)
        if is_shut or gate.shuts(_ANSWERS) or gate.has_blocks:
            return True
        return any(
            order_state.status not in TERMINAL_STATUSES and order_id not in names
            for order_id, (_, order_state) in account.state.orders.items()
        )

    def on_no_answer(self, reason: str) -> None:
        """The broker gave no clean answer: nothing is concluded from that."""
        self._last = ()
        self._reconciler.no_answer()
        self._rows = {}
        account = self._account
        account.snapshot_due_ns = account.now_ns + account.rules.doubtful_reconcile_ns
        _logger.warning("no clean answer of the broker: %s", reason)
        self.look()

    def look(self) -> None:
        """Let no entry out once a broker who can be reached has not answered for too long."""
        account = self._account
        limit_ns = account.rules.unanswered_ns
        if account.now_ns - self._answered_ns < limit_ns:
            return
        reason = f"no clean answer of the broker for {limit_ns / _SECOND:.0f} s"
        if account.shut(_ANSWERS, GateState.REDUCE_ONLY, reason):
            account.alarm(reason)

    def on_snapshot(self, snapshot: BrokerSnapshot) -> None:
        """Take the answers to one round of questions."""
        account = self._account
        self._rounds += 1
        self._answered_ns = account.now_ns
        if snapshot.today:
            self._today_due_ns = account.now_ns + account.rules.today_ns
        account.lift(_ANSWERS)
        # First, so that nothing is sent again which an earlier run could not record.
        taken_over: dict[str, None] = {}
        for found in unrecorded(account.state, snapshot, account.now_ns):
            taken_over[found.trade_id] = None
            with account.guard():
                account.shell.step(found)
        findings = self._reconciler.compare(account.state, snapshot, account.now_ns)
        known = set(account.state.orders)
        for report in chain(findings.reports, self._fills_of_legs(snapshot, known)):
            # What breaks over one must not hold up what is known of the others.
            with account.guard():
                trade, _ = account.state.orders[report.client_order_id]
                if trade.plan.trade_id in taken_over:
                    account.report(report, is_found=True)
                else:
                    account.report(report)
        for trade_id in taken_over:
            with account.guard():
                account.shell.step(ProtectionDue(trade_id, account.now_ns))
        self._repeat(findings)
        self._block(findings, snapshot)
        self._open(findings, snapshot)
        account.snapshot_due_ns = account.now_ns + self._wait_ns()

    def _fills_of_legs(self, snapshot: BrokerSnapshot, known: set[str]) -> Iterator[Fill]:
        """Fills of legs that are known only since the fill of their entry was reported.

        Told at once, or what the entry's fill brings about would not know that it is closed.
        """
        orders = self._account.state.orders
        for fill in sorted(snapshot.fills, key=lambda fill: fill.time_ns):
            if fill.client_order_id in orders and fill.client_order_id not in known:
                yield fill

    def _repeat(self, findings: Findings) -> None:
        account = self._account
        for request in findings.repeats:
            account.note("repeat", {"client_order_id": request.client_order_id})
            account.ask_again(request)
        for order_id in findings.strays:
            account.note("stray", {"client_order_id": order_id})
            account.alarm(f"{order_id} works at the broker although it has ended; cancelling it")
            account.ask_again(Cancellation(order_id))

    def _block(self, findings: Findings, snapshot: BrokerSnapshot) -> None:
        account, since = self._account, self._mismatched_since
        if findings.unknown:
            ids = ", ".join(sorted(findings.unknown))
            reason = f"the broker works orders with our tag that are not ours: {ids}"
            is_shut = account.shut(STRANGERS, GateState.HALTED, reason)
            if is_shut or not self._strangers.issuperset(findings.unknown):
                account.alarm(reason)
            self._strangers.update(findings.unknown)
        for symbol in since.keys() - findings.mismatched.keys():
            del since[symbol]
        rows = {
            symbol: self._row(symbol, theirs - ours, snapshot.asked_ns)
            for symbol, (ours, theirs) in findings.mismatched.items()
            if symbol not in findings.late
        }
        sure = {symbol for symbol, row in rows.items() if row.times >= _AGREEING}
        # What may only be late neither agrees with what was said before nor contradicts it.
        late = findings.late & self._rows.keys()
        self._rows = rows | {symbol: self._rows[symbol] for symbol in late}
        blocked = account.gate.blocked(_MISMATCH)
        mismatches = {}
        overstated: dict[str, int] = {}
        for symbol, (ours, theirs) in findings.mismatched.items():
            waited_ns = account.now_ns - since.setdefault(symbol, account.now_ns)
            is_unsure = symbol in findings.late and symbol not in blocked
            if waited_ns < account.rules.mismatch_ns or is_unsure:
                continue
            mismatches[symbol] = f"we hold {ours}, the broker says {theirs}"
            is_less = ours * theirs < 0 or abs(theirs) < abs(ours)
            if is_less and (symbol in self.overstated or symbol in sure):
                overstated[symbol] = theirs
        for symbol, theirs in tuple(overstated.items()):
            reason = mismatches[symbol]
            if symbol not in self.overstated:
                self._halt(symbol, reason)
            is_ours = not is_explained_by_nothing_of_ours(account.state, snapshot, symbol)
            if symbol in sure and not is_ours:
                self._book(symbol, theirs, snapshot)
                del overstated[symbol]
            elif symbol not in self.overstated:
                self._let_go(symbol)
        self.overstated = overstated
        for message in (
            *account.block(_FOREIGN, findings.foreign),
            *account.block(_MISMATCH, mismatches),
        ):
            account.alarm(message)

    def _row(self, symbol: str, difference: int, asked_ns: int) -> _Row:
        row = self._rows.get(symbol)
        if row is None or row.difference != difference:
            return _Row(difference, asked_ns, 1)
        return row._replace(times=row.times + 1)

    def _halt(self, symbol: str, reason: str) -> None:
        """Whatever closed a position of ours may do so again: a person decides."""
        account = self._account
        reason = f"{symbol}: {reason}; somebody else closed it"
        account.shut(GONE, GateState.HALTED, reason)
        # Once it is booked, nothing else would tell the next start of it.
        if account.state.halted is None:
            account.shell.step(EntriesHalted(reason, _BY, account.now_ns))
        account.alarm(f"{reason}: entries are halted")

    def _book(self, symbol: str, theirs: int, snapshot: BrokerSnapshot) -> None:
        """Close as much of our trades as the broker holds less of; their exits go or shrink."""
        account = self._account
        view = account.market.view(symbol)
        since_ns = self._rows.pop(symbol).began_ns
        for found, fill in closed_elsewhere(
            account.state, snapshot, symbol, theirs, view, since_ns
        ):
            with account.guard():
                account.note("elsewhere", {"trade_id": found.trade_id, "quantity": fill.quantity})
                account.shell.step(found)
                account.report(fill)

    def _let_go(self, symbol: str) -> None:
        """Withdraw what would close a position of ours that is no longer there.

        As long as an order of ours may have closed it, nothing is booked.
        """
        account = self._account
        for trade in tuple(account.state.trades.values()):
            if trade.plan.instrument.symbol != symbol:
                continue
            for order_state in tuple(trade.orders):
                if order_state is not trade.entry:
                    order_id = order_state.order.client_order_id
                    why = "the broker holds no such position"
                    account.shell.step(CancelRequested(order_id, why, account.now_ns))

    def _open(self, findings: Findings, snapshot: BrokerSnapshot) -> None:
        answers = _in_order(snapshot)
        # What has differed for long blocks its symbol, and is no matter of the others.
        fresh = findings.mismatched.keys() - self._account.gate.blocked(_MISMATCH)
        brings_news = findings.reports or findings.is_incomplete or fresh
        is_agreed = not brings_news and answers == self._last
        self._last = () if brings_news else answers
        if is_agreed and not self._protection.is_alert:
            self._account.lift(RECONCILED)

    def _wait_ns(self) -> int:
        """How long until the next round of questions."""
        rules = self._account.rules
        if self._is_settled():
            return rules.reconcile_ns
        if self._account.gate.shuts(RECONCILED) and self._rounds < rules.recovering_rounds:
            return rules.recovering_reconcile_ns
        return rules.doubtful_reconcile_ns

    def _is_settled(self) -> bool:
        account = self._account
        in_doubt = (
            _is_in_doubt(order_state)
            for trade in account.state.trades.values()
            for order_state in trade.orders
        )
        is_calm = not self._mismatched_since and not self._protection.is_alert
        return is_calm and not account.gate.shuts(RECONCILED) and not any(in_doubt)


def _in_order(snapshot: BrokerSnapshot) -> tuple[object, ...]:
    """The answers, as they are in whatever order the broker gives them."""
    return (
        sorted(snapshot.working, key=lambda one: (one.client_order_id, one.broker_order_id)),
        sorted(snapshot.fills, key=lambda one: one.fill_id),
        sorted(snapshot.positions, key=lambda one: one.symbol),
    )


def _is_in_doubt(order_state: OrderState) -> bool:
    """Whether the broker has yet to say whether it has an order, or what became of a request."""
    if order_state.status in _UNPROVED:
        return True
    is_asked = order_state.cancel_sent or order_state.requested is not None
    return is_asked and order_state.status not in TERMINAL_STATUSES
