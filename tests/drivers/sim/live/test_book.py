"""Whatever is sent and traded, the book adds up."""

from collections import Counter

import anyio
import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fillbridge_hooks import (
    Fill,
    Instrument,
    Order,
    OrderRole,
    OrderStatus,
    OrderType,
    Replacement,
    Side,
    TimeInForce,
)
from fillbridge_hooks.testing import ManualClock
from fillbridge_sim import SimulationSettings
from fillbridge_sim.live import LiveBroker
from fillbridge_sim.live.inbox import Inbox

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50)
HOUR = 3_600_000_000_000
TICKS = st.integers(19_990, 20_010)
NAMES = st.sampled_from(["A", "B", "C", "D"])
SIDES = st.sampled_from(list(Side))
KINDS = st.sampled_from([OrderType.MARKET, OrderType.LIMIT, OrderType.STOP])
LIVES = st.sampled_from(list(TimeInForce))


class Book(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock(1_772_460_000_000_000_000)
        rules = {"volume_share": 1.0, "limit_fill": "touch", "live": {"market": "manual"}}
        self.broker = LiveBroker(msgspec.convert(rules, SimulationSettings), self.clock)
        self.account = self.broker.open_account("A", [ES])
        self.inbox = Inbox(frozenset())
        self.account.log_in(self.inbox)
        self.start_ns = self.clock.now_ns

    def order(self, name, side, quantity, kind, ticks, life=TimeInForce.GTC, role="entry"):
        return Order(
            client_order_id=name,
            trade_id="T",
            role=OrderRole(role),
            instrument=ES,
            side=side,
            quantity=quantity,
            order_type=kind,
            limit_ticks=ticks if kind is OrderType.LIMIT else None,
            trigger_ticks=ticks if kind is OrderType.STOP else None,
            time_in_force=life,
        )

    @rule(name=NAMES, side=SIDES, quantity=st.integers(0, 5), kind=KINDS, ticks=TICKS, life=LIVES)
    def submit(self, name, side, quantity, kind, ticks, life):
        self.account.submit(self.order(name, side, quantity, kind, ticks, life))

    @rule(name=NAMES, side=SIDES, quantity=st.integers(1, 5), kind=KINDS, ticks=TICKS)
    def submit_a_bracket(self, name, side, quantity, kind, ticks):
        below, above = ticks - 3, ticks + 3
        stop, target = (below, above) if side is Side.BUY else (above, below)
        legs = (
            self.order(f"{name}_SL", side.opposite, 1, OrderType.STOP, stop, role="stop"),
            self.order(f"{name}_TP", side.opposite, 1, OrderType.LIMIT, target, role="target"),
        )
        self.account.submit(self.order(name, side, quantity, kind, ticks), legs)

    @rule(name=NAMES, leg=st.sampled_from(["", "_SL", "_TP"]))
    def cancel(self, name, leg):
        self.account.cancel(name + leg)

    @rule(name=NAMES, leg=st.sampled_from(["", "_TP"]), quantity=st.integers(1, 6), ticks=TICKS)
    def replace(self, name, leg, quantity, ticks):
        self.account.replace(Replacement(name + leg, quantity, OrderType.LIMIT, ticks, None))

    @rule(ticks=TICKS, size=st.integers(0, 6))
    def trade(self, ticks, size):
        self.broker.trade("ES", ES.to_price(ticks), size)

    @rule(ticks=TICKS, size=st.integers(0, 6))
    def quote(self, ticks, size):
        self.broker.quote("ES", ES.to_price(ticks), ES.to_price(ticks + 1), size, size)

    @rule(hours=st.sampled_from([0.001, 1, 9, 30]))
    def wait(self, hours):
        anyio.run(self.clock.advance, hours * 3600)
        self.broker.advance()

    @property
    def is_whole(self):
        """Whether nothing has been forgotten yet."""
        return self.broker.advance() - self.start_ns < 48 * HOUR

    @invariant()
    def the_position_is_the_sum_of_the_fills(self):
        ledger = self.account.ledger
        heard = [one for one in self.inbox.messages if isinstance(one, Fill)]
        kept = list(ledger.fills())
        assert kept == heard[len(heard) - len(kept) :]
        assert len({fill.fill_id for fill in heard}) == len(heard)
        if self.is_whole:
            assert len(kept) == len(heard)
            sides = {one.broker_order_id: one.side for one in ledger.orders()}
            held = sum(sides[fill.broker_order_id].sign * fill.quantity for fill in kept)
            assert [one.quantity for one in ledger.positions()] == ([held] if held else [])

    @invariant()
    def each_order_adds_up(self):
        ledger = self.account.ledger
        filled = Counter()
        for fill in ledger.fills():
            filled[fill.broker_order_id] += fill.quantity
            if self.is_whole:
                assert fill.cumulative_quantity == filled[fill.broker_order_id]
        for one in ledger.orders():
            if self.is_whole:
                assert one.filled == filled[one.broker_order_id]
            if one.status is not OrderStatus.REJECTED:
                assert 0 <= one.filled <= one.quantity
                assert (one.status is OrderStatus.FILLED) == (one.filled == one.quantity)

    @invariant()
    def what_works_is_of_today(self):
        ledger = self.account.ledger
        today = ledger.orders_today(self.broker.advance())
        assert tuple(one for one in today if not one.status.is_terminal) == ledger.working_orders()
        assert set(today) <= set(ledger.orders())

    @invariant()
    def legs_never_exceed_what_their_entry_filled(self):
        for bracket in self.account._brackets.values():
            entry = bracket._entry.state
            assert 0 <= bracket._held <= entry.filled
            legs = [leg for leg in bracket._legs if leg.is_working]
            assert {leg.open_quantity for leg in legs} <= {bracket._held}


Book.TestCase.settings = settings(max_examples=120, stateful_step_count=30, deadline=None)
TestBook = Book.TestCase
