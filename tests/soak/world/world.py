"""One run: a world made from a seed, lived through until there is calm, and judged."""

from random import Random
from typing import Any

import msgspec
from world.book import TradeTruth, role_of, trade_of
from world.broker import Broker
from world.bus import Bus
from world.cells import cell_at
from world.disk import Disk
from world.kills import Kills
from world.link import LONGEST_HOLD_NS, Link, role_name
from world.oracle import Oracle
from world.plan import Plan
from world.points import CALM_NS, Killed, Points
from world.process import Process, ProcessClock
from world.questions import Questions
from world.real_journal import JournalDisk
from world.timeline import MILLISECOND, SECOND, START_NS, Timeline
from world.violations import Violated

from fillbridge.bus import InProcessBus
from fillbridge.live import LiveRules
from fillbridge.live.outbox import Cancellation, Change, Command
from fillbridge.publishing import Publisher
from fillbridge.shell_hooks import ShellHooks
from fillbridge_hooks import (
    Capabilities,
    Instrument,
    InvalidValue,
    Order,
    OrderRole,
    Secret,
)
from fillbridge_risk import max_position_size

INSTRUMENTS = {
    "ES": Instrument(symbol="ES", tick_size=0.25, point_value=50.0),
    "NQ": Instrument(symbol="NQ", tick_size=0.25, point_value=20.0),
}
CANARY = "canary-7f3a"
TAG = "FB0000-"
_REAL_JOURNALS = 0.02
"""The share of runs on the journal as it ships."""
_MADE_ROOM = 0.5
"""How often somebody frees a full disk, and starts the handler again."""
_NOT_WHILE_FULL = ("kill", "limbo", "long_limbo")
_STEP_NS = 400 * MILLISECOND


class World:
    """Everything of one run."""

    def __init__(self, seed: int, profile: str, story: list[str] | None = None) -> None:
        self.random = random = Random(seed)
        self.story = story
        self.timeline = Timeline()
        self.points = Points()
        self.disk: Disk = Disk(self.passing)
        if profile == "journal" or (profile != "calm" and random.random() < _REAL_JOURNALS):
            self.disk = JournalDisk(self.passing, ProcessClock(self.timeline, lambda call: None))
        self.link = Link(self.timeline, random, random.choice((1, 5, 20, 60)))
        self.capabilities = Capabilities(
            bracket=random.random() < 0.4, replace=True, partial_fills=True
        )
        partial = random.choice((0.0, 0.2, 0.7))
        self.broker = Broker(
            self.timeline, random, INSTRUMENTS, self.report, self._changed, partial
        )
        self.broker.strike = self.passing
        # Not drawn from the dice of the world, so that all else in it stays as it is.
        self.broker.says_sums = seed % 4 != 0
        self.tag = TAG
        self.max_position = random.choice((2, 3, 6))
        self.hooks = ShellHooks(
            risk_checks=(("max_position_size", max_position_size(self.max_position)),)
        )
        quarantine = random.choice((6, 10, 30)) * SECOND
        self.rules = LiveRules(entry_quarantine_ns=quarantine)
        self.entry_life_s = random.choice((None, 3.0, 20.0))
        self.position_life_ns = random.choice((None, None, 8 * SECOND))
        self.secret = Secret(CANARY)
        self.oracle = Oracle(self)
        self.process: Process | None = None
        self.sent_ids: set[str] = set()
        self.held_long: set[str] = set()
        """Orders that the broker took longer over than any quarantine lasts."""
        self.under_way: dict[str, Order] = {}
        """Entries that left and have not arrived."""
        self.ended_as: dict[str, int] = {}
        self.cells: set[str] = set()
        self.is_locked_out = False
        """Whether the broker refuses sessions until a person resumes."""
        self.is_network_down = False
        self.may_stay_shut = False
        self.is_publishing = random.random() < 0.15
        self.bus = Bus(self)
        self.questions = Questions(self)
        self._volatility = random.choice((1, 2, 4))
        self.kills = Kills(self) if profile == "kills" else None
        """Who pulls the kill switch, where somebody does."""
        self.plan = Plan(self, profile)

    # The run

    def live(self) -> None:
        """Live through it.

        :raises Violated: if an invariant does not hold
        """
        self.plan.schedule()
        self.timeline.after(0, self.start_process)
        self.timeline.after(_STEP_NS, self._move)
        self.timeline.at(self.plan.faults_end_ns, self._no_more_faults)
        self._is_over = False
        try:
            while not self._is_over:
                self.timeline.step()
            self.oracle.judge_end()
            if self.kills is not None:
                self.kills.judge()
        finally:
            if self.process is not None:
                self.process.recording.end()
            self.disk.remove()

    def _no_more_faults(self) -> None:
        self.points.disarm()
        self._calm_by_ns = self.timeline.now_ns + CALM_NS
        self._calm_since = 0
        self._watch_calm()

    def _watch_calm(self) -> None:
        now = self.timeline.now_ns
        if not self.oracle.is_calm():
            self._calm_since = 0
        elif not self._calm_since:
            self._calm_since = now
        if now >= self._calm_by_ns or (
            self._calm_since and now - self._calm_since >= self.plan.calm_ns
        ):
            self._is_over = True
            return
        self.timeline.after(SECOND, self._watch_calm)

    def _move(self) -> None:
        size = self._volatility
        for symbol, last in self.broker.last.items():
            step = int((self.random.random() * 2 - 1) * (size + 1))
            if step:
                self.broker.move(symbol, last + step)
        self.timeline.after(_STEP_NS, self._move)

    def tell(self, what: str) -> None:
        """Add a line to the story."""
        if self.story is not None:
            self.story.append(f"{self.timeline.seconds:10.6f}  {what}")

    # Faults

    def passing(self, place: str) -> str:
        """Pass a place; the fault that strikes there."""
        fault = self.points.passing(place)
        if fault == "kill" and self.disk.is_full:
            return ""  # what left without a record is a person's to sort out
        if fault:
            self._struck(place, fault, "")
        return fault

    def passing_for(self, place: str, order_id: str) -> str:
        """Pass a place with an order of a trade."""
        fault = self.points.passing(place)
        # What the broker holds back unrecorded may be sent again by the next run.
        if fault.startswith(_NOT_WHILE_FULL) and self.disk.is_full:
            return ""
        if fault:
            self._struck(place, fault, trade_of(order_id))
        return fault

    def _struck(self, place: str, fault: str, trade_id: str) -> None:
        self.points.strike(f"{place}:{fault}", self.timeline.now_ns)
        if fault == "full" and self.random.random() < _MADE_ROOM:
            wait = int((0.1 + self.random.random() * 8) * SECOND)
            self.timeline.after(wait, self._make_room)
        self.cells.add(cell_at(place, fault))
        self.oracle.touch(trade_id)
        self.tell(f"!! {fault} at {place} {trade_id}")
        if self.has_had_enough:
            self.points.disarm()

    def _make_room(self) -> None:
        """Somebody frees the disk, and starts the handler again."""
        if self.disk.is_full and self.process is not None:
            self.tell("the disk has room again")
            self.oracle.touch("")
            self.disk.make_room()
            # What never arrived, and is recorded nowhere, may leave again.
            self.sent_ids &= self.broker.by_id.keys() | self.disk.proved.orders
            self.bus.forget_unrecorded(self.disk.proved.proposals)
            self.process_died(self.process)

    @property
    def has_had_enough(self) -> bool:
        """Whether as many faults struck as shall."""
        return len(self.points.struck) >= self.plan.most_faults

    # The process

    @property
    def can_act(self) -> bool:
        """Whether the process runs and reaches the broker."""
        process = self.process
        return (
            process is not None
            and self.link.is_up
            and not self.link.is_hung
            and process.resumes_ns <= self.timeline.now_ns
        )

    def start_process(self) -> None:
        """Start the handler on what the disk holds."""
        if self.process is not None:
            return
        self.tell(f"start {len(self.disk.starts) + 1} on {len(self.disk.records)} records")
        self.is_locked_out = False
        try:
            self.process = Process(self)
        except Killed:
            self.tell("killed while starting")
            self._restart_later()
            return
        if self.kills is not None:
            self.kills.started()
        self.process.run(self.bus.deliver_again)

    def open_recording(self) -> Any:
        """What the next process records with."""
        return self.disk.open()

    def process_died(self, process: Process) -> None:
        """A process is gone."""
        process.is_dead = True
        process.recording.end()
        if process is not self.process:
            return
        self.tell("killed")
        self.process = None
        self.link.end()
        self.oracle.pause()
        self._restart_later()

    def kill(self) -> None:
        """Kill the process now."""
        if self.process is not None and not self.disk.is_full:
            self.points.strike("time:kill", self.timeline.now_ns)
            self.process_died(self.process)

    def _restart_later(self) -> None:
        wait = self.random.choice((50, 300, 2000, 2000, 9000)) * MILLISECOND
        self.timeline.after(wait, self.start_process)

    def find_instrument(self, symbol: str) -> Instrument:
        """The contract of a symbol."""
        try:
            return INSTRUMENTS[symbol]
        except KeyError:
            raise InvalidValue("symbol", "ES or NQ", symbol) from None

    def publisher(self) -> Publisher:
        """Takes the events of a process; in some runs somebody wants them."""
        bus = InProcessBus()
        if self.is_publishing:
            for kind in (
                "ORDER_STATUS_CHANGE",
                "POSITION_UPDATE",
                "TRADE_CLOSED",
                "EXECUTION_ERROR",
            ):
                bus.subscribe(kind, lambda kind, payload: None)
        return Publisher(bus, ())

    def deliver(self, publisher: Publisher) -> None:
        """Hand published events over."""
        queue = publisher._queue
        while queue:
            if self.passing("publish") == "kill":
                raise Killed
            event = queue.popleft()
            if callable(event):
                event()
            elif CANARY in repr(event):
                raise Violated("I10: a secret stands in an event")

    # The link

    def connects(self) -> bool:
        """Whether an attempt to connect gets through."""
        return not self.is_network_down and not self.is_locked_out

    def link_up(self) -> int:
        """A session began; its number."""
        self.link.begin()
        self.questions.clean_answers = 0
        self.tell(f"session {self.link.number}")
        self.timeline.after(0, self.oracle.begin_again)
        return self.link.number

    def cut(self, why: str, *, is_logged_out: bool = False) -> None:
        """The session ends, and the process hears of it at once."""
        if not self.link.is_up:
            return
        self.tell(f"cut: {why}")
        self.link.end()
        self.oracle.pause()
        process = self.process
        if process is not None:
            # A reason may quote the terms of the connection: the secret in it must not show.
            reason = f"{why} (login {self.secret})"
            process.run(lambda: process.lost(reason, is_logged_out=is_logged_out))

    @property
    def symbols(self) -> dict[str, str]:
        """Symbol of every trade, by its id."""
        return self.disk.proved.symbols

    def sent(self, command: Command) -> None:
        """A request leaves."""
        if self.story is not None:
            self.tell(f"-> {_words(command)}")
        self.oracle.sent(command)

    def carry(self, command: Command, fault: str) -> None:
        """Take a request to the broker, or lose it."""
        order_id = command.client_order_id
        is_entry = role_of(order_id) is OrderRole.ENTRY and not isinstance(
            command, Cancellation | Change
        )
        is_lost = fault == "lost" or self.link.is_hung
        if fault in ("link_during", "link_after", "stall"):
            is_lost = is_lost or self.random.random() < 0.5
        if is_lost:
            self.oracle.touch(trade_of(order_id))
            return
        held_ns = 0
        if fault == "limbo":
            held_ns = int(self.random.random() * LONGEST_HOLD_NS)
        elif fault == "long_limbo":
            held_ns = self.rules.entry_quarantine_ns + int(self.random.random() * 5 * SECOND)
            self.held_long.add(order_id)
        if is_entry:
            self.under_way[order_id] = command.approved.order  # type: ignore[union-attr]
        self.link.to_broker(self._arrived, command, fault, held_ns=held_ns)

    def _arrived(self, command: Command, fault: str) -> None:
        order_id = command.client_order_id
        if fault in ("limbo", "long_limbo"):
            self.oracle.touch(trade_of(order_id))
        if self.story is not None:
            self.tell(f"   broker takes {_words(command)}")
        if isinstance(command, Cancellation):
            self.broker.cancel(order_id, fault)
        elif isinstance(command, Change):
            self.broker.replace(command.change, fault)
        else:
            self.under_way.pop(order_id, None)
            self.broker.submit(command.approved, fault)

    def report(self, message: Any, role: OrderRole | None) -> None:
        """The broker says something to the session, if there is one."""
        kind = type(message).__name__
        place = f"{kind}.{role_name(role)}"
        fault = self.passing_for(place, message.client_order_id)
        if self.story is not None:
            self.tell(f"   broker says {_words(message)}")
        if fault == "cut":
            self.timeline.after(0, self.cut, "before a report")
            self.timeline.after(0, self.link.end)
        process = self.process
        if fault == "lose" or process is None:
            return
        held_ns = 0
        if fault == "late":
            held_ns = int(self.random.random() * 3 * SECOND)
        self.link.to_process(process.run, process.receive, message, held_ns=held_ns)
        if fault == "twice":
            again_ns = int(self.random.random() * 2 * SECOND)
            self.link.to_process(process.run, process.receive, message, held_ns=again_ns)

    def _changed(self, trade: TradeTruth) -> None:
        self.oracle.changed(trade)


def _words(message: Any) -> str:
    if isinstance(message, Cancellation):
        return f"cancel {message.client_order_id}"
    if isinstance(message, Change):
        return f"replace {message.change}"
    approved = getattr(message, "approved", None)
    if approved is not None:
        order = approved.order
        terms = f"limit {order.limit_ticks} trigger {order.trigger_ticks}"
        return f"submit {order.client_order_id} {order.side.value} {order.quantity} {terms}"
    name = type(message).__name__
    fields = {
        key: value
        for key, value in msgspec.structs.asdict(message).items()
        if key in ("client_order_id", "fill_id", "quantity", "price", "reason", "trigger_ticks")
    }
    return f"{name} {fields}"


__all__ = ["START_NS", "Killed", "Violated", "World"]
