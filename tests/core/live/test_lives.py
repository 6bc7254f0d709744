"""Whatever happens in whatever order: at rest, the account and the broker agree."""

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from fillbridge.engine import EngineState, fold
from fillbridge.engine.messages import CancelRequested, CloseRequested
from fillbridge_hooks import (
    ExitReason,
    NotSent,
    OrderRefused,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
)

IN_DOUBT = (OrderStatus.PENDING, OrderStatus.UNKNOWN)


class Lives(RuleBasedStateMachine):
    """One account through fills, losses and restarts; every draw is a choice among what is."""

    make_world = None

    def __init__(self):
        super().__init__()
        self.world = None
        self.answers = {}
        """By proposal id: the trade that was answered."""

    @initialize()
    def begin(self):
        self.world = type(self).make_world()
        self.world.connect()

    @property
    def trading(self):
        return self.world.trading

    def pick(self, data, names):
        return data.draw(st.sampled_from(sorted(names)))

    # What the account does

    @rule(number=st.integers(1, 6), size=st.integers(1, 3), is_long=st.booleans())
    def propose(self, number, size, is_long):
        name = f"p{number}"
        try:
            trade_id = self.world.propose(
                proposal_id=name, position_size=size, direction="LONG" if is_long else "SHORT"
            )
        except OrderRefused:
            return
        assert self.answers.setdefault(name, trade_id) == trade_id

    @precondition(lambda self: self.world and self.world.state.trades)
    @rule(data=st.data(), closes=st.booleans())
    def ask_for_an_end(self, data, closes):
        trade_id = self.pick(data, self.world.state.trades)
        now = self.world.clock.now_ns
        if closes:
            request = CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, now)
        else:
            request = CancelRequested(f"{trade_id}_ENTRY", "asked", now)
        self.trading.request(request)

    # What the line does

    @precondition(lambda self: self.world and self.trading.is_connected)
    @rule()
    def leave(self):
        self.world.leave()

    @precondition(lambda self: self.world and self.world.house.said)
    @rule(count=st.integers(1, 3))
    def hear(self, count):
        said = self.world.house.said
        for _ in range(min(count, len(said))):
            self.trading.on_message(said.popleft())

    @precondition(lambda self: self.world and self.world.house.said)
    @rule()
    def hear_the_last_first(self):
        said = self.world.house.said
        self.trading.on_message(said.pop())

    @precondition(lambda self: self.world and self.world.house.fills)
    @rule(data=st.data())
    def hear_again(self, data):
        self.trading.on_message(data.draw(st.sampled_from(self.world.house.fills)))

    @precondition(lambda self: self.world and self.trading.is_connected)
    @rule()
    def lose_the_line(self):
        self.world.cut()

    @precondition(lambda self: self.world and self.trading.outbox.ready)
    @rule(arrives=st.booleans())
    def lose_the_line_while_sending(self, arrives):
        command = self.trading.outbox.ready.popleft()
        outcome = self.trading.last_check(command)
        if outcome is None:
            if arrives:
                self.world.house.take(command)
            now = self.world.clock.now_ns
            outcome = OutcomeUnknown(command.client_order_id, "cut while sending", now)
        self.trading.on_outcome(command, outcome)
        self.world.cut()

    @precondition(lambda self: self.world and self.trading.outbox.ready)
    @rule()
    def fail_to_send(self):
        command = self.trading.outbox.ready.popleft()
        now = self.world.clock.now_ns
        self.trading.on_outcome(command, NotSent(command.client_order_id, "no way out", now))

    @precondition(lambda self: self.world and not self.trading.is_connected)
    @rule()
    def find_the_line(self):
        self.trading.link_up()

    @rule()
    def die_and_start_anew(self):
        self.trading.outbox.ready.clear()
        self.world.restart()

    # What the broker does

    @precondition(lambda self: self.world and self.world.house.working())
    @rule(data=st.data(), quantity=st.integers(1, 3))
    def fill(self, data, quantity):
        house = self.world.house
        order_id = self.pick(data, house.working())
        order = house.orders[order_id]
        house.fill(order_id, min(quantity, order.quantity - order.filled))

    @precondition(lambda self: self.world and self.world.house.working())
    @rule(data=st.data())
    def end_an_order(self, data):
        house = self.world.house
        house.end(self.pick(data, house.working()), OrderStatus.CANCELLED, "the broker's doing")

    @rule(tenths=st.integers(1, 25), exchanges=st.booleans())
    def wait(self, tenths, exchanges):
        is_connected = self.trading.is_connected
        self.world.pass_time(tenths / 10, asks=is_connected, exchanges=exchanges and is_connected)

    # At rest

    def teardown(self):
        if self.world is None:
            return
        if not self.trading.is_connected:
            self.trading.link_up()
        for _ in range(60):
            self.world.exchange()
            self._trade_at_the_market()
            self.world.exchange()
            self.world.pass_time(1)
        self.check()

    def _trade_at_the_market(self):
        for name, order in self.world.house.working().items():
            if order.order_type is OrderType.MARKET and not name.endswith("_ENTRY"):
                self.world.house.fill(name)

    def check(self):
        house, state = self.world.house, self.world.state
        held = sum(trade.held * trade.plan.direction.sign for trade in state.trades.values())
        assert {"ES": held} == (house.held() or {"ES": 0})
        for trade in state.trades.values():
            assert trade.held >= 0
            names = {one.order.client_order_id for one in trade.orders}
            working = {name: one for name, one in house.working().items() if name in names}
            stops = sum(one.quantity - one.filled for name, one in working.items() if "_SL" in name)
            assert stops == trade.held, "a position rests behind its stop, and nothing else does"
            for order_state in trade.orders:
                assert order_state.status not in IN_DOUBT
        ours = {one.order.client_order_id for t in state.trades.values() for one in t.orders}
        assert set(house.working()) <= ours, "the broker works nothing that is not known"
        assert len(set(house.sent)) == len(house.sent)
        entries = [name for name in house.sent if name.endswith("_ENTRY")]
        assert len(entries) <= len(self.answers)
        assert self.trading.gate.state == "open", self.trading.gate.reasons()
        folded = EngineState()
        for event in self.world.journal.events:
            fold(folded, event)
        assert encoded(folded) == encoded(state)


def encoded(state):
    return msgspec.msgpack.encode(state, enc_hook=list)


@pytest.mark.parametrize("seed", [0])
def test_at_rest_the_account_and_the_broker_agree(new_world, seed):
    class Here(Lives):
        make_world = new_world

    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=40,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
