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

TROUBLES = (
    "hear_the_last_first",
    "hear_again",
    "hear_nothing",
    "lose_the_line",
    "lose_the_line_while_sending",
    "fail_to_send",
    "die_and_start_anew",
    "end_an_order",
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

    @property
    def house(self):
        return self.world.house

    def pick(self, data, names):
        return data.draw(st.sampled_from(sorted(names)))

    # What goes on

    @rule(
        number=st.integers(1, 30),
        size=st.integers(1, 3),
        filled=st.integers(0, 3),
        is_heard=st.booleans(),
    )
    def propose(self, number, size, filled, is_heard):
        name = f"p{number}"
        try:
            trade_id = self.world.propose(proposal_id=name, position_size=size)
        except OrderRefused:
            return
        assert self.answers.setdefault(name, trade_id) == trade_id
        if self.trading.outbox.ready and filled:
            self.world.leave()
            self._fill(f"{trade_id}_ENTRY", filled, is_heard)

    @precondition(lambda self: self.house.working())
    @rule(data=st.data(), quantity=st.integers(1, 3), is_heard=st.booleans())
    def fill(self, data, quantity, is_heard):
        self._fill(self.pick(data, self.house.working()), quantity, is_heard)

    def _fill(self, order_id, quantity, is_heard):
        if not self.house.is_working(order_id):
            return
        order = self.house.orders[order_id]
        self.house.fill(order_id, min(quantity, order.quantity - order.filled))
        if is_heard and self.trading.is_connected:
            self.world.hear()
            self.world.leave()

    @rule(tenths=st.integers(1, 25))
    def go_on(self, tenths):
        """Send, hear and ask, as on any other day."""
        if not self.trading.is_connected:
            self.trading.link_up()
        self.world.exchange()
        self.world.pass_time(tenths / 10)

    @rule(tenths=st.integers(1, 25), asks=st.booleans())
    def wait(self, tenths, asks):
        """Nothing leaves, and nothing is heard but answers."""
        asks = asks and self.trading.is_connected
        self.world.pass_time(tenths / 10, asks=asks, exchanges=False)

    @precondition(lambda self: self.world.state.trades)
    @rule(data=st.data(), closes=st.booleans())
    def ask_for_an_end(self, data, closes):
        trade_id = self.pick(data, self.world.state.trades)
        now = self.world.clock.now_ns
        if closes:
            request = CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, now)
        else:
            request = CancelRequested(f"{trade_id}_ENTRY", "asked", now)
        self.trading.request(request)

    # What goes wrong

    @rule(data=st.data(), trouble=st.sampled_from(TROUBLES))
    def suffer(self, data, trouble):
        getattr(self, f"_{trouble}")(data)

    def _hear_the_last_first(self, data):
        said = self.house.said
        said.rotate(data.draw(st.integers(0, 3)))
        if self.trading.is_connected:
            self.world.hear()

    def _hear_again(self, data):
        if self.house.fills:
            self.trading.on_message(data.draw(st.sampled_from(self.house.fills)))

    def _lose_the_line(self, data):
        if self.trading.is_connected:
            self.world.cut()

    def _lose_the_line_while_sending(self, data):
        if not self.trading.outbox.ready:
            return
        command = self.trading.outbox.ready.popleft()
        outcome = self.trading.last_check(command)
        if outcome is None:
            if data.draw(st.booleans()):
                self.house.take(command)
            now = self.world.clock.now_ns
            outcome = OutcomeUnknown(command.client_order_id, "cut while sending", now)
        self.trading.on_outcome(command, outcome)
        self.world.cut()

    def _fail_to_send(self, data):
        if self.trading.outbox.ready:
            command = self.trading.outbox.ready.popleft()
            now = self.world.clock.now_ns
            self.trading.on_outcome(command, NotSent(command.client_order_id, "no way", now))

    def _hear_nothing(self, data):
        self.house.said.clear()

    def _die_and_start_anew(self, data):
        self.trading.outbox.ready.clear()
        self.world.restart()

    def _end_an_order(self, data):
        if self.house.working():
            order_id = self.pick(data, self.house.working())
            self.house.end(order_id, OrderStatus.CANCELLED, "the broker's doing")

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
        for name, order in self.house.working().items():
            if order.order_type is OrderType.MARKET and not name.endswith("_ENTRY"):
                self.house.fill(name)

    def check(self):
        house, state = self.house, self.world.state
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
    rests = []

    class Here(Lives):
        make_world = new_world

        def check(self):
            super().check()
            rests.append(len(self.house.fills))

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
    assert any(rests), "something was traded before the account came to rest"
