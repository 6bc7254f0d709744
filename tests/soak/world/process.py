"""One life of the handler: drives ``LiveTrading`` as its pump, its connection and its tasks do."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from world.book import role_of
from world.points import Killed
from world.timeline import MILLISECOND, SECOND, Timeline
from world.violations import Violated

from fillbridge.live import LiveTrading
from fillbridge.live.gate import GateState
from fillbridge.live.health import Health
from fillbridge.live.outbox import Cancellation, Command, Submission
from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge.metrics import ExecutionMetrics
from fillbridge_hooks import (
    InvalidValue,
    KillLevel,
    NotSent,
    OrderRefused,
    OrderStatus,
    OutcomeUnknown,
    RiskProposal,
    SendOutcome,
    Sent,
)

if TYPE_CHECKING:
    from world.world import World

_SEND_TIMEOUT_NS = SECOND
_ANSWER_TIME_NS = 5 * SECOND
_LOOK_NS = 100 * MILLISECOND
_IDLE_LOOK_NS = 5 * SECOND
"""While nothing waits for a deadline, looks find nothing: they are left out."""
_FIRST_WAIT_NS = 250 * MILLISECOND
_MAX_WAIT_NS = 4 * SECOND


class ProcessTimer:
    """A call that a process asked for."""

    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Do not make it."""
        self.callback = None


class ProcessClock:
    """The time, as one process sees it; its timers end with it."""

    def __init__(self, timeline: Timeline, run: Callable[..., None]) -> None:
        self._timeline = timeline
        self._run = run

    @property
    def now_ns(self) -> int:
        """The time now."""
        return self._timeline.now_ns

    def call_at(self, time_ns: int, callback: Callable[[], None]) -> ProcessTimer:
        """Call back once it is after ``time_ns``."""
        timer = ProcessTimer(callback)
        self._timeline.at(time_ns + 1, self._fire, timer)
        return timer

    def _fire(self, timer: ProcessTimer) -> None:
        if timer.callback is not None:
            self._run(timer.callback)


class Process:
    """Lives from a start to a kill.

    :raises Killed: if it is killed while it starts
    """

    def __init__(self, world: "World") -> None:
        self.world = world
        self.is_dead = False
        self.is_logged_out = False
        self.resumes_ns = 0
        """Until when it is suspended."""
        self._timeline = world.timeline
        self.recording = world.open_recording()
        self.publisher = world.publisher()
        self.metrics = ExecutionMetrics()
        self.clock = ProcessClock(world.timeline, self.run)
        try:
            self.trading = self._begin()
        except Killed:
            self.is_dead = True
            raise

        self.health = Health(self.trading, self.clock, 100 * MILLISECOND)  # type: ignore[arg-type]
        self._session = 0
        """Number of the connection; 0 while there is none."""
        self._is_pumping = False
        self._is_asking = False
        self._ask_at = 0
        self._asks = 0
        self._is_restless = False
        self._recorded = -1
        self._look_at = 0
        self._looks = 0
        self._wait_ns = _FIRST_WAIT_NS
        self._timeline.after(0, self.run, self._look)
        self._timeline.after(0, self.run, self._connect)

    def _begin(self) -> LiveTrading:
        world = self.world
        return LiveTrading(
            tag=world.tag,
            hooks=world.hooks,
            clock=self.clock,
            journal=self.recording,
            publisher=self.publisher,
            metrics=self.metrics,
            capabilities=world.capabilities,
            find_instrument=world.find_instrument,
            default_symbol="ES",
            entry_life_s=world.entry_life_s,
            position_life_ns=world.position_life_ns,
            rules=world.rules,
            latch=None if world.kills is None else world.kills.latch,
        )

    # Running

    def run(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Let the process do something, unless it is dead or suspended."""
        if self.is_dead:
            return
        if self.resumes_ns > self._timeline.now_ns:
            self._timeline.at(self.resumes_ns, self.run, call, *arguments)
            return
        try:
            call(*arguments)
            self._afterwards()
        except Killed:
            self.world.process_died(self)

    def _afterwards(self) -> None:
        trading = self.trading
        if self.metrics.defects:
            raise Violated(f"crash: {trading.gate.reasons()}")
        if trading._account.shell.recorded != self._recorded:
            self._recorded = trading._account.shell.recorded
            self._look_soon()
        if trading.outbox.ready and not self._is_pumping:
            self._is_pumping = True
            self._timeline.after(0, self.run, self._pump)
        if self._session and not self._is_asking and trading.snapshot_due_ns != self._ask_at:
            self._ask_at = trading.snapshot_due_ns
            self._asks += 1
            jitter = int(self.world.random.random() * trading.rules.look_ns)
            due = max(self._ask_at, self._timeline.now_ns) + jitter
            self._timeline.at(due, self._ask_if, self._asks)
        if self.publisher.is_pending:
            self.world.deliver(self.publisher)

    def _look(self) -> None:
        trading = self.trading
        trading.look()
        is_blind = bool(self._session) and not trading._protection.sees(self._timeline.now_ns)
        self._is_restless = (
            is_blind
            or trading._protection.is_alert
            or self._is_waiting_for_an_answer()
            or self._is_stopping()
        )
        self._look_next(_LOOK_NS if self._is_restless else _IDLE_LOOK_NS)

    def _is_waiting_for_an_answer(self) -> bool:
        return any(
            order_state.status is OrderStatus.PENDING
            for trade in self.trading.state.trades.values()
            for order_state in trade.orders
        )

    def _is_stopping(self) -> bool:
        """Whether a kill switch that was pulled has yet to get flat."""
        switch = self.trading.kill_switch
        is_pulled = switch.level not in (None, KillLevel.PAUSE)
        return is_pulled and not switch.document().get("is_flat")

    def _look_soon(self) -> None:
        """Something happened: looks count again."""
        if self._look_at - self._timeline.now_ns > _LOOK_NS:
            self._look_next(_LOOK_NS)

    def _look_next(self, wait_ns: int) -> None:
        self._look_at = self._timeline.now_ns + wait_ns
        self._looks += 1
        self._timeline.at(self._look_at, self._look_if, self._looks)

    def _look_if(self, number: int) -> None:
        if number == self._looks:
            self.run(self._look)

    # The pump

    def _pump(self) -> None:
        self._is_pumping = False
        ready, trading = self.trading.outbox.ready, self.trading
        while ready:
            command = ready.popleft()
            outcome = trading.last_check(command) or self._send(command)
            if outcome is None:
                self._is_pumping = True
                return
            self._outcome(command, outcome)

    def _outcome(self, command: Command, outcome: SendOutcome) -> None:
        if self.world.passing("outcome") == "kill":
            raise Killed
        self.trading.on_outcome(command, outcome)

    def _send(self, command: Command) -> SendOutcome | None:
        """Hand a command over; ``None`` where that takes its time."""
        world, order_id, now = self.world, command.client_order_id, self._timeline.now_ns
        kind = "cancel" if isinstance(command, Cancellation) else "replace"
        if isinstance(command, Submission):
            kind = "submit"
        fault = world.passing_for(f"{kind}.{role_of(order_id).value}", order_id)
        if fault == "kill_before":
            raise Killed
        if fault == "link_before":
            world.cut("lost before a send")
        if not self._session:
            return NotSent(order_id, "not connected", now)
        if isinstance(command, Submission):
            command.approved.permit.spend()
        world.sent(command)
        world.carry(command, fault)
        if fault == "kill_after":
            raise Killed
        if fault == "link_after":
            world.cut("lost after a send")
        if fault == "link_during":
            world.cut("lost during a send")
            return OutcomeUnknown(order_id, "connection lost while sending", now)
        if fault == "stall":
            self._timeline.after(_SEND_TIMEOUT_NS, self.run, self._stalled, command)
            return None
        return Sent(order_id)

    def _stalled(self, command: Command) -> None:
        reason = "sending took longer than 1.0 s"
        now = self._timeline.now_ns
        self._outcome(command, OutcomeUnknown(command.client_order_id, reason, now))
        self._pump()

    # The connection

    def _connect(self) -> None:
        if self._session or self.is_logged_out:
            return
        if self.world.connects():
            self._timeline.after(20 * MILLISECOND, self.run, self._connected)
            return
        self._try_again()

    def _try_again(self) -> None:
        wait = int(self._wait_ns * self.world.random.random())
        self._wait_ns = min(2 * self._wait_ns, _MAX_WAIT_NS)
        self._timeline.after(wait + 1, self.run, self._connect)

    def _connected(self) -> None:
        if not self.world.connects():
            self._try_again()
            return
        self._session = self.world.link_up()
        self._is_asking = False
        self._ask_at = 0
        self.trading.link_up()
        self._look_soon()

    def lost(self, reason: str, *, is_logged_out: bool = False) -> None:
        """The connection is over."""
        if not self._session:
            return
        if self.trading.gate.state is not GateState.RECOVERING:
            self._wait_ns = _FIRST_WAIT_NS
        self._session = 0
        self.is_logged_out = is_logged_out
        if is_logged_out:
            self.trading.logged_out(reason)
        else:
            self.trading.link_lost(reason)
            self._try_again()

    def resume(self) -> None:
        """A person lifts what only a person may lift."""
        kills = self.world.kills
        # What was stopped by the switch stays stopped, whatever else a person lifts.
        if kills is None or not kills.count:
            self.trading.resume("operator")
        if self.is_logged_out:
            self.is_logged_out = False
            self._connect()

    def receive(self, message: Any) -> None:
        """A report arrived."""
        world = self.world
        if world.passing("receive") == "kill":
            raise Killed
        self.trading.on_message(message)
        if world.passing("received") == "kill":
            raise Killed

    # Questions

    def _ask_if(self, number: int) -> None:
        if number == self._asks and self._session and not self._is_asking:
            self.run(self._ask)

    def _ask(self) -> None:
        if self._timeline.now_ns < self.trading.snapshot_due_ns or not self._session:
            self._ask_at = 0
            return
        self._is_asking = True
        session = self._session
        since_ns, asked_ns = self.trading.fills_since_ns(), self._timeline.now_ns
        self._timeline.after(_ANSWER_TIME_NS, self.run, self._no_answer, session, asked_ns)
        self._asked_ns = asked_ns
        self.world.questions.ask(asked_ns, since_ns)

    def answered(self, snapshot: BrokerSnapshot) -> None:
        """The answers arrived."""
        if not self._is_asking or snapshot.asked_ns != self._asked_ns:
            return
        self._is_asking = False
        self._ask_at = 0
        if self.world.passing("snapshot") == "kill":
            raise Killed
        self.trading.on_snapshot(snapshot)
        # What was not looked at while nothing was known of the broker is looked at now.
        self._look_soon()

    def failed_answer(self, reason: str) -> None:
        """One of the answers was not clean."""
        if self._is_asking:
            self._is_asking = False
            self._ask_at = 0
            self.trading.on_no_answer(reason)

    def _no_answer(self, session: int, asked_ns: int) -> None:
        if self._is_asking and session == self._session and asked_ns == self._asked_ns:
            self.failed_answer("no answer within 5.0 s")

    # Proposals

    def propose(self, proposal: RiskProposal) -> str:
        """Hand a proposal over; what became of it in a word."""
        try:
            return self.trading.propose(proposal)
        except (OrderRefused, InvalidValue) as error:
            return f"refused: {error}"
