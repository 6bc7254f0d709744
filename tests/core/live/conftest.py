"""A live account on a clock that is moved by hand, with a house that books what it is sent."""

from collections import deque

import msgspec
import pytest

from fillbridge.bus import InProcessBus
from fillbridge.engine import EngineState, fold
from fillbridge.journal import JournalFailed, StateDiverged
from fillbridge.live import BrokerSnapshot, LiveRules, LiveTrading
from fillbridge.live.outbox import Cancellation, Change, Submission
from fillbridge.live.tally import CANCEL, CHANGE, SUBMIT
from fillbridge.metrics import ExecutionMetrics
from fillbridge.plugins import Implementation
from fillbridge.publishing import Publisher
from fillbridge.shell_hooks import ShellHooks
from fillbridge_hooks import (
    EXECUTION_ERROR,
    Accepted,
    BrokerOrder,
    BrokerPosition,
    Cancelled,
    CancelRejected,
    Capabilities,
    Fill,
    Instrument,
    InvalidValue,
    Liquidity,
    OrderStatus,
    OrderType,
    Rejected,
    Replaced,
    ReplaceRejected,
    RiskProposal,
    Sent,
    Side,
    TradeTick,
    VirtualClock,
)

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
TAG = "FBtest-"
INSTRUMENTS = {
    "ES": Instrument(symbol="ES", tick_size=0.25, point_value=50.0),
    "NQ": Instrument(symbol="NQ", tick_size=0.25, point_value=20.0),
}
KINDS = {Submission: SUBMIT, Cancellation: CANCEL, Change: CHANGE}
LAST = {"ES": 4000.0, "NQ": 15000.0}


class Recorder:
    """A journal in memory. ``log`` tells in which order it was asked what."""

    def __init__(self, events=(), epoch=1):
        self.epoch = epoch
        self.events = list(events)
        """What is kept."""
        self.state = EngineState()
        for event in self.events:
            fold(self.state, event)
        self.notes = []
        self.log = []
        self.urgent = []
        """Of each commit."""
        self.fails = False
        self.appending_fails = False
        self.diverges = False
        self._taken = []

    def append(self, events, now_ns):
        if self.appending_fails:
            raise JournalFailed("it is quarantined")
        self._taken += events
        self.log += [type(event).__name__ for event in events]

    def note(self, kind, payload, now_ns):
        self.notes.append((kind, dict(payload)))

    def commit(self, *, is_urgent=False):
        if self.fails or self.appending_fails:
            raise JournalFailed("the disk is full")
        if self._taken:
            self.log.append("commit")
            self.urgent.append(is_urgent)
        self.events += self._taken
        self._taken = []

    def check(self, live, *, always=False):
        """Nothing diverges here, unless a test says so."""
        if self.diverges:
            raise StateDiverged("another state")

    @property
    def is_durable(self):
        """Whether all that was taken is kept."""
        return not self._taken

    def reopened(self):
        """As the next start finds it: what was not committed is gone."""
        return Recorder(self.events, self.epoch + 1)


class House:
    """A truthful broker: it books what it is sent, and says so when it is let."""

    def __init__(self, clock):
        self.clock = clock
        self.orders = {}
        """By client order id; whoever sends one twice is caught."""
        self.says_sums = True
        """Whether it is said by how much an order had filled that is withdrawn."""
        self.fills = []
        self.said = deque()
        """Reports that have yet to be delivered."""
        self.sent = []
        """Ids of submissions in order."""
        self.rejects = set()
        """Roles, or ids, that are rejected."""
        self.elsewhere = {}
        """Signed contracts by symbol that orders traded which nobody here sent."""
        self._traded = {}

    def take(self, command):
        if isinstance(command, Submission):
            self._submit(command.approved)
        elif isinstance(command, Cancellation):
            self._cancel(command.client_order_id)
        else:
            self._replace(command.change)

    def _submit(self, approved):
        approved.permit.spend()
        order = approved.order
        name = order.client_order_id
        assert name not in self.orders, f"{name} was sent twice"
        self.sent.append(name)
        rejected = bool(self.rejects & {name, order.role.value})
        self.orders[name] = BrokerOrder(
            client_order_id=name,
            broker_order_id=f"B-{name}",
            symbol=order.instrument.symbol,
            side=order.side,
            quantity=order.quantity,
            filled=0,
            status=OrderStatus.REJECTED if rejected else OrderStatus.SUBMITTED,
            order_type=order.order_type,
            limit_ticks=order.limit_ticks,
            trigger_ticks=order.trigger_ticks,
            time_ns=self.clock.now_ns,
        )
        if rejected:
            self.said.append(Rejected(name, "not today", self.clock.now_ns))
        else:
            self.said.append(Accepted(name, f"B-{name}", self.clock.now_ns))

    def _cancel(self, name):
        if self.is_working(name):
            self.end(name, OrderStatus.CANCELLED, "as asked")
        else:
            self.said.append(CancelRejected(name, "it does not work", self.clock.now_ns))

    def _replace(self, change):
        name = change.client_order_id
        if not self.is_working(name):
            self.said.append(ReplaceRejected(name, "it does not work", self.clock.now_ns))
            return
        terms = (change.quantity, change.order_type, change.limit_ticks, change.trigger_ticks)
        self.change(
            name,
            quantity=change.quantity,
            order_type=change.order_type,
            limit_ticks=change.limit_ticks,
            trigger_ticks=change.trigger_ticks,
        )
        self.said.append(Replaced(name, *terms, self.clock.now_ns))
        if self.orders[name].filled >= change.quantity:
            self.change(name, status=OrderStatus.FILLED)

    # What happens at the broker

    def change(self, name, **fields):
        fields.setdefault("time_ns", self.clock.now_ns)
        self.orders[name] = msgspec.structs.replace(self.orders[name], **fields)

    def is_working(self, name):
        return name in self.orders and not self.orders[name].status.is_terminal

    def end(self, name, status, reason=""):
        self.change(name, status=status, reason=reason)
        if status is OrderStatus.REJECTED:
            self.said.append(Rejected(name, reason, self.clock.now_ns))
        else:
            filled = self.orders[name].filled if self.says_sums else None
            self.said.append(Cancelled(name, reason, self.clock.now_ns, filled))

    def fill(self, name, quantity=None, price=4000.0):
        """Trade some of a working order, all that is left unless told otherwise."""
        order = self.orders[name]
        assert not order.status.is_terminal
        quantity = order.quantity - order.filled if quantity is None else quantity
        filled = order.filled + quantity
        done = filled >= order.quantity
        self.change(
            name,
            filled=filled,
            status=OrderStatus.FILLED if done else OrderStatus.PARTIAL_FILLED,
        )
        made = Fill(
            fill_id=f"F{len(self.fills) + 1}",
            client_order_id=name,
            broker_order_id=order.broker_order_id,
            quantity=quantity,
            cumulative_quantity=filled,
            price=price,
            reference_ticks=0,
            slippage=0.0,
            slippage_model="",
            liquidity=Liquidity.TAKER,
            time_ns=self.clock.now_ns,
        )
        self.fills.append(made)
        self._traded[name] = order.symbol, order.side
        self.said.append(made)
        return made

    def working(self):
        return {name: one for name, one in self.orders.items() if self.is_working(name)}

    def held(self):
        held = dict(self.elsewhere)
        for fill in self.fills:
            symbol, side = self._traded[fill.client_order_id]
            held[symbol] = held.get(symbol, 0) + side.sign * fill.quantity
        return {symbol: quantity for symbol, quantity in held.items() if quantity}

    def covered(self, symbol="ES"):
        """Contracts that rest to close a position, stops and orders at the market alone."""
        kinds = (OrderType.STOP, OrderType.MARKET)
        return sum(
            one.quantity - one.filled
            for name, one in self.working().items()
            if one.symbol == symbol and one.order_type in kinds and "_ENTRY" not in name
        )

    def snapshot(self, since_ns=0, **changes):
        """Clean answers to every question, now."""
        answers = {
            "asked_ns": self.clock.now_ns,
            "fills_since_ns": since_ns,
            "working": tuple(self.working().values()),
            "today": tuple(self.orders.values()),
            "fills": tuple(fill for fill in self.fills if fill.time_ns >= since_ns),
            "positions": tuple(
                BrokerPosition(symbol=symbol, quantity=quantity)
                for symbol, quantity in self.held().items()
            ),
            **changes,
        }
        return BrokerSnapshot(**answers)

    def place(self, name, *, symbol="ES", side=Side.SELL, quantity=1, **fields):
        """An order that came from somewhere else."""
        terms = {
            "order_type": OrderType.LIMIT,
            "status": OrderStatus.SUBMITTED,
            "filled": 0,
            "broker_order_id": f"B-{name}",
            "time_ns": self.clock.now_ns,
            **fields,
        }
        self.orders[name] = BrokerOrder(
            client_order_id=name, symbol=symbol, side=side, quantity=quantity, **terms
        )


class World:
    """One account, its journal, its house, and the line between them."""

    def __init__(
        self,
        *,
        checks=(),
        commission=None,
        bracket=False,
        distances=False,
        rules=None,
        can_trail=True,
        **settings,
    ):
        self.clock = VirtualClock(START)
        self.house = House(self.clock)
        self.journal = Recorder()
        self.bus = InProcessBus()
        self.closed = []
        self.alarms = []
        named = tuple((one.__name__, one) for one in checks)
        self._hooks = ShellHooks(risk_checks=named, commission=commission)
        self._capabilities = Capabilities(
            bracket=bracket,
            bracket_distances=distances,
            replace=can_trail,
            market_data=can_trail,
        )
        self._rules = rules or LiveRules()
        self._settings = settings
        self._start()

    def _start(self):
        self.metrics = ExecutionMetrics()
        observer = Implementation(plugin="test", hook="event", function=self._on_event)
        self.publisher = Publisher(self.bus, [observer])
        self.trading = LiveTrading(
            tag=TAG,
            hooks=self._hooks,
            clock=self.clock,
            journal=self.journal,
            publisher=self.publisher,
            metrics=self.metrics,
            capabilities=self._capabilities,
            find_instrument=find_instrument,
            default_symbol="ES",
            rules=self._rules,
            on_trade_closed=lambda trade, result: self.closed.append(result),
            **self._settings,
        )
        for symbol, price in LAST.items():
            self.trading.market.open_market(INSTRUMENTS[symbol])
            self.price(price, symbol)

    def _on_event(self, event):
        if event.event_type == EXECUTION_ERROR:
            self.alarms.append(event.payload["error"])

    def price(self, price, symbol="ES"):
        self.trading.on_message(TradeTick(self.clock.now_ns, price, 1, symbol))

    def restart(self):
        """Lose all that was not kept, and start anew; the house stays as it is."""
        self.journal = self.journal.reopened()
        self.house.said.clear()
        self.clock = self.house.clock = VirtualClock(self.clock.now_ns)
        self._start()

    # The line

    def connect(self):
        """Log in, and be reconciled."""
        self.trading.link_up()
        for _ in range(4):
            self.ask()
            self.exchange()
            self.pass_time(1.0, asks=False)
        assert self.trading.gate.state == "open", self.trading.gate.reasons()

    def cut(self, reason="the line broke"):
        self.house.said.clear()
        self.trading.link_lost(reason)

    def ask(self, **changes):
        """Ask the house how things stand, and take the answers."""
        if not self.trading.needs_today(tuple(self.house.working().values())):
            changes = {"today": (), **changes}
        snapshot = self.house.snapshot(self.trading.fills_since_ns(), **changes)
        self.trading.on_snapshot(snapshot)

    def leave(self):
        """Let everything that is ready leave, without a word from the house."""
        ready, left = self.trading.outbox.ready, []
        while ready:
            command = ready.popleft()
            refused = self.trading.last_check(command)
            if refused is None:
                assert self.journal.is_durable or self.journal.fails, (
                    "an order left before it was kept"
                )
                self.trading.tally.left(command.client_order_id, KINDS[type(command)])
                self.house.take(command)
                left.append(command)
            self.trading.on_outcome(command, refused or Sent(command.client_order_id))
        return left

    def hear(self):
        """Deliver everything that the house has said."""
        said = self.house.said
        while said:
            self.trading.on_message(said.popleft())

    def exchange(self):
        """Send and hear until nothing is under way."""
        while self.trading.outbox.ready or self.house.said:
            self.leave()
            self.hear()

    def pass_time(self, seconds, *, asks=True, exchanges=True):
        """Let time go on in steps of 0.1 s, in which deadlines are looked at."""
        ends_ns = self.clock.now_ns + round(seconds * SECOND)
        while self.clock.now_ns < ends_ns:
            self.clock.advance_to(min(ends_ns, self.clock.now_ns + SECOND // 10))
            self.trading.look()
            is_due = self.clock.now_ns >= self.trading.snapshot_due_ns
            if asks and self.trading.is_connected and is_due:
                self.ask()
            if exchanges:
                self.exchange()

    def told(self):
        """Deliver the events that wait; the alarms so far."""
        while self.publisher.is_pending:
            try:
                self.publisher.drain().send(None)
            except StopIteration:
                continue
        return self.alarms

    # Trades

    @property
    def state(self):
        return self.trading.state

    def propose(self, **fields):
        """Two ES long at the market, ten points to stop and target, unless told otherwise."""
        return self.trading.propose(proposal(**fields))

    def opened(self, quantity=2, **fields):
        """A trade whose entry has filled and whose legs rest; its id."""
        trade_id = self.propose(position_size=quantity, **fields)
        self.exchange()
        self.house.fill(f"{trade_id}_ENTRY")
        self.exchange()
        return trade_id

    def trade(self, trade_id):
        return self.state.trades[trade_id]

    def status(self, order_id):
        return self.state.orders[order_id][1].status


def find_instrument(symbol):
    try:
        return INSTRUMENTS[symbol]
    except KeyError:
        raise InvalidValue("symbol", "a known one", symbol) from None


def proposal(**fields):
    values = {
        "position_size": 2,
        "direction": "LONG",
        "urgency": "high",
        "stop_loss_ticks": 40,
        "take_profit_ticks": 40,
        **fields,
    }
    return RiskProposal(**values)


@pytest.fixture(scope="session")
def new_world():
    """Makes an account that is not connected yet."""
    return World


@pytest.fixture
def world():
    """An account that is connected and reconciled."""
    made = World()
    made.connect()
    return made


@pytest.fixture(scope="session")
def propose():
    """Makes a proposal."""
    return proposal


@pytest.fixture(scope="session")
def instruments():
    return INSTRUMENTS


@pytest.fixture(scope="session")
def recorder():
    """Makes a journal in memory."""
    return Recorder
