"""Live trading of one account: everything that can happen to it, and what is done about it.

Synchronous throughout. Whoever calls it finds in ``outbox.ready`` what may leave afterwards, and
tells it what became of that.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial

from fillbridge.engine.messages import (
    CancelRequested,
    CloseNoted,
    CloseRequested,
    ProtectionDue,
    ReplaceRequested,
)
from fillbridge.engine.state import EngineState, Trade
from fillbridge.excursions import Excursions
from fillbridge.journal.latch import Latch
from fillbridge.live.account import DEFECT, Account
from fillbridge.live.doubt import (
    block_what_is_unknown,
    doubt_what_is_under_way,
)
from fillbridge.live.early import closes_left
from fillbridge.live.gate import Gate, GateState
from fillbridge.live.hearing import Hearing
from fillbridge.live.inspection import objection
from fillbridge.live.intake import IntakeRules, Source
from fillbridge.live.killing import KillSwitch
from fillbridge.live.last_check import last_check
from fillbridge.live.market import LiveMarket
from fillbridge.live.outbox import Command, Outbox, Submission
from fillbridge.live.proposals import Proposals
from fillbridge.live.protection import ProtectionWatch
from fillbridge.live.recording import Recording
from fillbridge.live.rules import LiveRules
from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge.live.standing import GONE, RECONCILED, STRANGERS, Standing
from fillbridge.live.tally import Tally
from fillbridge.live.watching import Watches
from fillbridge.metrics import ExecutionMetrics
from fillbridge.publishing import Publisher
from fillbridge.shell_hooks import ShellHooks
from fillbridge_hooks import (
    BrokerOrder,
    Capabilities,
    Clock,
    Instrument,
    KillLevel,
    Message,
    NotSent,
    RiskProposal,
    SendOutcome,
    Sent,
    TradeResult,
    WatchFunction,
)

_SECOND = 1_000_000_000
_LINK, _SESSION, _DRAINING = "link", "session", "drain"


class LiveTrading:
    """Trades one account through whatever its outbox is emptied into.

    :param tag: what every trade id begins with; it names the account
    :param find_instrument: the contract of a symbol; raises ``InvalidValue`` for an unknown one
    :param default_symbol: of proposals that name none
    :param entry_life_s: of entries whose proposal has no timeout
    :param intake: which proposals are taken; where ``None`` any that has no signature
    :param on_trade_closed: takes each closed trade with its result
    :param latch: where it stands whether the account is stopped, beside the journal
    :param may_flatten: whether anything but a person may close positions
    :param watches: what watches over the account, by name
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
        intake: IntakeRules | None = None,
        on_trade_closed: Callable[[Trade, TradeResult], None] = lambda trade, result: None,
        latch: Latch | None = None,
        may_flatten: bool = True,
        watches: Sequence[tuple[str, WatchFunction]] = (),
    ) -> None:
        self.rules = rules or LiveRules()
        self._account = Account(
            hooks, clock, journal, publisher, metrics, self.rules, on_trade_closed
        )
        self._protection = ProtectionWatch(self.rules, self.state.trades)
        self._standing = Standing(self._account, self._protection, tag)
        self._kill = KillSwitch(self._account, latch, self._protection, may_flatten=may_flatten)
        self._watches = Watches(self._account, self._kill, watches)
        self._hearing = Hearing(self._account, self._standing)
        self._proposals = Proposals(
            self._account,
            f"{tag}{journal.epoch:x}-",
            find_instrument,
            default_symbol,
            entry_life_s=entry_life_s,
            position_life_ns=position_life_ns,
            capabilities=capabilities,
            intake=intake or IntakeRules(),
            epoch=journal.epoch,
        )
        self.holds = self._proposals.holds
        """The proposals that wait for a person."""
        self.market.open_market(find_instrument(default_symbol))
        self.gate.shut(_LINK, GateState.RECOVERING, "not connected")
        self._take_up()

    def _take_up(self) -> None:
        """Go on where the journal ends: what was on its way then is in doubt now."""
        account = self._account
        with account.recorded():
            self._kill.take_up()
            account.shell.resume()
            self.holds.take_up()
            for message in closes_left(self.state, account.now_ns):
                account.early.holds(partial(self.request, message))
            doubt_what_is_under_way(account, "the handler started anew")

    @property
    def state(self) -> EngineState:
        """What is known of every trade."""
        return self._account.state

    @property
    def gate(self) -> Gate:
        """Whether entries may leave."""
        return self._account.gate

    @property
    def market(self) -> LiveMarket:
        """What is known of prices."""
        return self._account.market

    @property
    def outbox(self) -> Outbox:
        """What may leave."""
        return self._account.outbox

    @property
    def tally(self) -> Tally:
        """What may leave, and what did."""
        return self._account.tally

    @property
    def metrics(self) -> ExecutionMetrics:
        """What is counted."""
        return self._account.metrics

    @property
    def excursions(self) -> Excursions:
        """How far the price went for and against each trade."""
        return self._account.shell.excursions

    @property
    def is_connected(self) -> bool:
        """Whether there is a session."""
        return self._account.is_connected

    @property
    def is_reconciled(self) -> bool:
        """Whether the answers of the broker have agreed since the session began."""
        return self.is_connected and not self.gate.shuts(RECONCILED)

    @property
    def snapshot_due_ns(self) -> int:
        """When the broker should be asked how things stand, while it can be."""
        return self._account.snapshot_due_ns

    # Proposals and requests

    def propose(self, proposal: RiskProposal, source: Source = Source.PROCESS, by: str = "") -> str:
        """Record a trade and let its entry leave; the trade id. See :meth:`Proposals.take`."""
        with self._account.recorded():
            return self._proposals.take(proposal, source, by)

    def validate(self, proposal: RiskProposal) -> None:
        """Check a proposal against the market as it is now; nothing is recorded or sent.

        :raises InvalidValue: naming field, value and rule
        """
        self._proposals.plan(proposal)

    def request(self, message: CancelRequested | ReplaceRequested | CloseRequested) -> bool:
        """Record a request and let what follows leave; whether anything does.

        :raises InvalidValue: if an order would move to where nobody can have meant it
        :raises OrderRefused: if it is an entry, and one with these terms could not leave now
        """
        account, shell = self._account, self._account.shell
        asked: CloseNoted | CancelRequested | ReplaceRequested | CloseRequested = message
        if isinstance(message, ReplaceRequested):
            self._proposals.refuse_change(message)
        with account.recorded():
            before = shell.recorded
            again = partial(self.request, message)
            if isinstance(message, CloseRequested) and account.early.holds(again):
                asked = CloseNoted(message)
            shell.step(asked)
            return shell.recorded > before

    @property
    def kill_switch(self) -> KillSwitch:
        """How much is stopped, and why."""
        return self._kill

    @property
    def watches(self) -> Watches:
        """What plugins watch the account for, and which strategies that suspended."""
        return self._watches

    def kill(self, level: KillLevel, reason: str, by: str, via: str = "api") -> None:
        """Stop, after a restart too, until :meth:`resume`; see :meth:`KillSwitch.kill`."""
        self._kill.kill(level, reason, by, via)

    def halt(self, reason: str, by: str) -> None:
        """Let no entry out until :meth:`resume`, after a restart neither."""
        self.kill(KillLevel.PAUSE, reason, by)

    def resume(self, by: str, approved_by: tuple[str, ...] = ()) -> None:
        """Lift what only a person may lift: a stop, a standby, strangers' orders, a defect.

        Whoever calls it has seen to it that enough operators have approved.
        """
        account = self._account
        with account.recorded():
            self._kill.arm(by, approved_by)
            for cause in (_SESSION, STRANGERS, GONE, DEFECT):
                account.lift(cause)
            account.forget_defects()

    def drain(self) -> None:
        """Let no entry out any more: the handler is about to stop."""
        self.shut(_DRAINING, "the handler is stopping")

    def shut(self, cause: str, reason: str) -> None:
        """Let no entry out while something is not as it should be."""
        with self._account.recorded():
            self._account.shut(cause, GateState.REDUCE_ONLY, reason)

    def lift(self, cause: str) -> None:
        """What shut the gate has passed."""
        with self._account.recorded():
            self._account.lift(cause)

    def alarm(self, message: str) -> None:
        """Tell a person."""
        with self._account.recorded():
            self._account.alarm(message)

    def defect(self, error: Exception) -> None:
        """Something here is broken: no entry leaves until somebody resumes, all else goes on."""
        self._account.defect(error)

    def guard(self) -> AbstractContextManager[None]:
        """A context that ends with what breaks within, and lets nothing through but a defect."""
        return self._account.guard()

    # The connection

    def link_up(self) -> None:
        """A session began: ask how things stand before any entry leaves."""
        account = self._account
        with account.recorded():
            account.is_connected = True
            self._protection.begin_again()
            self._standing.begin_session()
            account.lift(_LINK)

    def link_lost(self, reason: str) -> None:
        """The session is over: what had not left does not leave, what had is in doubt."""
        account = self._account
        with account.recorded():
            account.is_connected = False
            account.shut(_LINK, GateState.RECOVERING, reason)
            self._protection.begin_again()
            account.take_back(reason)
            doubt_what_is_under_way(account, reason)

    def logged_out(self, reason: str) -> None:
        """Stay away from the broker until a person decides."""
        self.link_lost(reason)
        with self._account.recorded():
            self._account.shut(_SESSION, GateState.STANDBY, reason)
            self._account.alarm(f"standby: {reason}")

    def doubt(self, reason: str) -> None:
        """Something was missed: no entry leaves before the broker was asked again."""
        with self._account.recorded():
            if self.is_connected:
                self._protection.begin_again()
                self._standing.begin_again(reason)

    # What the broker says

    def on_message(self, message: Message) -> None:
        """Take a report, or a price; what cannot be either is refused and alarmed."""
        self._hearing.on_message(message)

    def fills_since_ns(self) -> int:
        """From when on the broker must be asked for fills, ns UTC."""
        return self._standing.fills_since_ns()

    def needs_today(self, working: Collection[BrokerOrder]) -> bool:
        """Whether the broker must be asked for the orders of its trade date, too."""
        return self._standing.needs_today(working)

    def on_snapshot(self, snapshot: BrokerSnapshot) -> None:
        """Take the answers to one round of questions; they are none if one cannot be."""
        for fill in snapshot.fills:
            refused = objection(fill)
            if refused is not None:
                self._hearing.refuse(refused)
                self.on_no_answer(str(refused))
                return
        with self._account.recorded():
            self._protection.see()
            self._standing.on_snapshot(snapshot)
            self._hearing.take_early()
            self._kill.see(snapshot.held(), snapshot.asked_ns)

    def on_no_answer(self, reason: str) -> None:
        """The broker gave no clean answer: nothing is concluded from that."""
        with self._account.recorded():
            self._standing.on_no_answer(reason)

    # What leaves

    def last_check(self, command: Command) -> NotSent | None:
        """Why an order must not leave after all, right before it would."""
        return last_check(command, self._account, self._standing.overstated)

    def on_outcome(self, command: Command, outcome: SendOutcome) -> None:
        """Take what became of a command that was handed to the session."""
        if isinstance(outcome, Sent):
            return
        account = self._account
        with account.recorded():
            if isinstance(outcome, NotSent):
                account.not_sent(command, outcome.reason)
            elif isinstance(command, Submission):
                account.report(outcome)
                block_what_is_unknown(self._account)
            account.ask_soon()

    # Deadlines

    def look(self) -> None:
        """Look at what time alone brings about; call it every ``rules.look_ns``."""
        account = self._account
        with account.recorded():
            with self.guard():
                self._kill.follow()
            with self.guard():
                self._proposals.look()
            if self.is_connected:
                if account.early.is_waiting and self._protection.sees(account.now_ns):
                    self._hearing.take_early()
                with self.guard():
                    self._standing.look()
                with self.guard():
                    self._kill.look()
                limit_ns = self.rules.acknowledgement_ns
                waited = f"no answer for {limit_ns / _SECOND} s"
                is_doubtful = doubt_what_is_under_way(account, waited, account.now_ns - limit_ns)
                # What breaks over one trade must not leave the next one bare.
                for message in self._mending():
                    with self.guard():
                        account.shell.step(message)
                if is_doubtful or self._protection.is_alert:
                    account.ask_soon()
            block_what_is_unknown(account)
            self._watches.look()
            excess = account.tally.look(self.state)
        if excess:
            self.kill(KillLevel.PAUSE, excess, "the tally", "tally")

    def _mending(self) -> Iterator[ProtectionDue | CloseRequested | ReplaceRequested]:
        state, now = self.state, self._account.now_ns
        yield from self._protection.look(state, now, self._standing.overstated)
        # A change names all terms of an order: those of one that is not known would go back.
        if self.is_reconciled:
            yield from self._account.trailing.look(state, now)
