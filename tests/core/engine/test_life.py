"""The whole life of brackets: whatever a broker does, and in whatever order it is heard of.

A broker of a few lines holds the truth; what it reports waits in a mailbox, from which reports are
delivered late, twice and, fills at least, out of order. A ledger counts the fills that were
delivered, and is the oracle for what the engine holds and what it books.
"""

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from fillbridge.engine import EngineState, fold
from fillbridge.engine.messages import (
    Cancel,
    Event,
    FillBooked,
    Measure,
    Replace,
    SetTimer,
    Submit,
    TimerFired,
    TradeMeasured,
)
from fillbridge.engine.state import REMEMBERED_TRADES
from fillbridge.results import trade_result
from fillbridge_hooks import (
    Accepted,
    Cancelled,
    CancelRejected,
    Direction,
    ExitReason,
    Expired,
    Fill,
    Liquidity,
    OrderRole,
    OrderType,
    OutcomeUnknown,
    Rejected,
    Replaced,
    ReplaceRejected,
)

COMMISSION = 380
"""Cents per contract and side."""


PROPOSAL = {
    "direction": st.sampled_from(Direction),
    "quantity": st.integers(1, 4),
    "trailing": st.booleans(),
    "by_distance": st.booleans(),
    "deadline": st.booleans(),
    "life": st.booleans(),
}


class BrokerOrder:
    """The truth about one order."""

    def __init__(self, order):
        self.order = order
        self.quantity = order.quantity
        self.filled = 0
        self.is_alive = True
        self.is_accepted = False

    @property
    def left(self):
        return self.quantity - self.filled if self.is_alive else 0


class Ledger:
    """What the fills that were delivered add up to, each once."""

    def __init__(self):
        self.held = {}
        self.gross = {}
        self.slippage = {}
        self.commission = {}
        self._seen = set()

    def is_news(self, trade_id, fill):
        return (trade_id, fill.fill_id) not in self._seen

    def book(self, plan, order, fill):
        if not self.is_news(plan.trade_id, fill):
            return
        self._seen.add((plan.trade_id, fill.fill_id))
        trade_id = plan.trade_id
        signed = fill.quantity * (1 if order.side is plan.entry.side else -1)
        cents = fill.reference_ticks * 1250 * fill.quantity  # ES: 12.50 a tick
        moved = -cents if order.side.value == "BUY" else cents
        self.held[trade_id] = self.held.get(trade_id, 0) + signed
        self.gross[trade_id] = self.gross.get(trade_id, 0) + moved
        slipped = round(fill.slippage * 5000) * fill.quantity  # 50.00 a point
        self.slippage[trade_id] = self.slippage.get(trade_id, 0) + slipped
        paid = COMMISSION * fill.quantity
        self.commission[trade_id] = self.commission.get(trade_id, 0) + paid


class Life(RuleBasedStateMachine):
    def __init__(self, desk, plan, encode):
        super().__init__()
        self.desk = desk
        self.make_plan = plan
        self.encode = encode
        self.ledger = Ledger()
        self.plans = {}
        self.broker = {}
        self.requests = []
        """Cancels and changes on their way to the broker, oldest first."""
        self.mailbox = []
        """Reports on their way back, oldest first."""
        self.timers = []
        self.results = {}
        self.is_faithful = True
        """Whether the broker has done nothing that an alarm is for."""
        self._fills = 0

    # The shell

    def feed(self, message):
        self.desk.feed(message)
        self.carry_on()

    def carry_on(self):
        """Do what the engine asked for last."""
        for effect in self.desk.effects:
            kind = type(effect)
            if kind is Submit:
                order = effect.order
                assert order.client_order_id not in self.broker, "an order is sent once"
                self.broker[order.client_order_id] = BrokerOrder(order)
            elif kind is Cancel or kind is Replace:
                self.requests.append(effect)
            elif kind is SetTimer:
                self.timers.append(effect)
            elif kind is Measure:
                self.measure(effect.trade_id)

    def measure(self, trade_id):
        trade = self.desk.state.trades[trade_id]
        measured = TradeMeasured(trade_id, 0.0, 0.0, 1.0, self.desk.now)
        result = trade_result(trade, measured)
        assert trade_id not in self.results, "a trade closes once"
        assert self.ledger.held[trade_id] == 0, "a trade that is measured is flat"
        cents = {
            "pnl_gross": self.ledger.gross[trade_id],
            "slippage": self.ledger.slippage[trade_id],
            "commission": self.ledger.commission[trade_id],
        }
        for field, expected in cents.items():
            assert round(getattr(result, field) * 100) == expected, field
        net = cents["pnl_gross"] - cents["commission"] - cents["slippage"]
        assert round(result.pnl_net * 100) == net
        assert result.pnl_net_low <= result.pnl_net <= result.pnl_net_high
        self.results[trade_id] = result
        self.feed(measured)
        assert trade_id not in self.desk.state.trades, "a trade that is done is forgotten"

    def report(self, message):
        self.mailbox.append(message)

    def deliver(self, message):
        if type(message) is Fill:
            known = self.desk.state.orders.get(message.client_order_id)
            order = self.broker[message.client_order_id].order
            if known is not None:
                if self.ledger.is_news(order.trade_id, message):
                    # A fill after the end brings its trade back: it will close once more.
                    self.is_faithful &= self.results.pop(order.trade_id, None) is None
                self.ledger.book(self.plans[order.trade_id], order, message)
            else:
                self.is_faithful = False  # its trade was done: a person is told
            alarms = len(self.desk.alarms)
            self.feed(FillBooked(message, COMMISSION * message.quantity))
            assert known is not None or len(self.desk.alarms) == alarms + 1
        else:
            self.feed(message)

    # What the strategy does

    @initialize(**PROPOSAL)  # type: ignore[call-overload]  # a mapping hides its keys
    def propose_the_first(self, **proposal):
        self.open(**proposal)

    @precondition(lambda self: len(self.desk.state.trades) < 3)
    @rule(**PROPOSAL)  # type: ignore[call-overload]  # a mapping hides its keys
    def propose_another(self, **proposal):
        self.open(**proposal)

    def open(self, direction, quantity, trailing, by_distance, deadline, life):
        sign = direction.sign
        plan = self.make_plan(
            f"T{len(self.plans) + 1}",
            direction=direction,
            quantity=quantity,
            stop_ticks=16_000 - 40 * sign,
            target_ticks=16_000 + 40 * sign,
            stop_distance=40 if by_distance else None,
            target_distance=40 if by_distance else None,
            trailing=trailing,
            entry_deadline_ns=self.desk.now + 1 if deadline else None,
            position_life_ns=1 if life else None,
        )
        self.plans[plan.trade_id] = plan
        self.desk.propose(plan)
        self.carry_on()

    def open_trade(self, data):
        return data.draw(st.sampled_from(sorted(self.desk.state.trades)))

    @precondition(lambda self: self.desk.state.trades)
    @rule(data=st.data(), reason=st.sampled_from(ExitReason))
    def ask_to_close(self, data, reason):
        self.desk.close(self.open_trade(data), reason)
        self.carry_on()

    @precondition(lambda self: self.desk.state.trades)
    @rule(data=st.data())
    def withdraw_the_entry(self, data):
        self.desk.cancel(f"{self.open_trade(data)}_ENTRY")
        self.carry_on()

    @precondition(lambda self: self.desk.state.trades)
    @rule(data=st.data(), ticks=st.integers(15_950, 15_990))
    def move_the_stop(self, data, ticks):
        self.desk.replace(f"{self.open_trade(data)}_SL", trigger_ticks=ticks)
        self.carry_on()

    @precondition(lambda self: self.timers)
    @rule(data=st.data())
    def a_deadline_passes(self, data):
        timer = self.timers.pop(data.draw(st.integers(0, len(self.timers) - 1)))
        self.feed(TimerFired(timer.trade_id, timer.kind, self.desk.now))

    # What the broker does

    def alive(self):
        return [order_id for order_id, one in self.broker.items() if one.is_alive]

    def unanswered(self):
        return [order_id for order_id in self.alive() if not self.broker[order_id].is_accepted]

    @precondition(lambda self: self.unanswered())
    @rule(data=st.data())
    def answer(self, data):
        order_id = data.draw(st.sampled_from(self.unanswered()))
        one = self.broker[order_id]
        answers = ["accept", "accept", "accept", "lose"] + ["reject"] * (not one.filled)
        answer = data.draw(st.sampled_from(answers))
        if answer == "accept":
            one.is_accepted = True
            self.report(Accepted(order_id, f"B-{order_id}", self.desk.now))
        elif answer == "reject":
            one.is_alive = False
            self.report(Rejected(order_id, "no", self.desk.now))
        else:
            self.report(OutcomeUnknown(order_id, "no answer", self.desk.now))

    @precondition(lambda self: self.alive())
    @rule(
        data=st.data(), share=st.integers(1, 4), offset=st.integers(-8, 8), slip=st.integers(0, 3)
    )
    def trade(self, data, share, offset, slip):
        order_id = data.draw(st.sampled_from(self.alive()))
        self.execute(order_id, min(share, self.broker[order_id].left), offset, slip)

    def execute(self, order_id, quantity, offset=0, slip=0):
        one = self.broker[order_id]
        order = one.order
        level = order.trigger_ticks if order.limit_ticks is None else order.limit_ticks
        ticks = (16_000 if level is None else level) + offset
        one.filled += quantity
        if one.filled >= one.quantity:
            one.is_alive = False
        self._fills += 1
        self.report(
            Fill(
                f"F{self._fills}",
                order_id,
                f"B-{order_id}",
                quantity,
                one.filled,
                ticks * 0.25 + order.side.sign * slip * 0.25,
                ticks,
                slip * 0.25,
                "fixed" if slip else "",
                Liquidity.TAKER,
                self.desk.now,
            )
        )

    @precondition(lambda self: self.alive())
    @rule(data=st.data(), expires=st.booleans())
    def end_unasked(self, data, expires):
        order_id = data.draw(st.sampled_from(self.alive()))
        self.broker[order_id].is_alive = False
        kind = Expired if expires else Cancelled
        self.report(kind(order_id, "the broker's doing", self.desk.now))

    @precondition(lambda self: self.requests)
    @rule()
    def carry_out(self):
        request = self.requests.pop(0)
        now = self.desk.now
        if type(request) is Cancel:
            one = self.broker[request.client_order_id]
            if one.is_alive:
                one.is_alive = False
                self.report(Cancelled(request.client_order_id, "cancelled", now))
            else:
                self.report(CancelRejected(request.client_order_id, "no working order", now))
            return
        change = request.change
        one = self.broker[change.client_order_id]
        if not one.is_alive or change.quantity <= one.filled:
            self.report(ReplaceRejected(change.client_order_id, "too late", now))
            return
        one.quantity = change.quantity
        one.is_accepted = True
        self.report(
            Replaced(
                change.client_order_id,
                change.quantity,
                change.order_type,
                change.limit_ticks,
                change.trigger_ticks,
                now,
            )
        )

    @precondition(lambda self: self.requests)
    @rule()
    def refuse(self):
        request = self.requests.pop(0)
        self.is_faithful = False
        if type(request) is Cancel:
            self.report(CancelRejected(request.client_order_id, "not now", self.desk.now))
        else:
            order_id = request.change.client_order_id
            self.report(ReplaceRejected(order_id, "not now", self.desk.now))

    # What is heard of it

    @precondition(lambda self: self.mailbox)
    @rule()
    def hear_the_next(self):
        self.deliver(self.mailbox.pop(0))

    @precondition(lambda self: len(self.mailbox) > 1)
    @rule(data=st.data())
    def hear_one_early(self, data):
        index = data.draw(st.integers(0, len(self.mailbox) - 1))
        if type(self.mailbox[index]) in (Fill, Accepted):
            self.deliver(self.mailbox.pop(index))

    @precondition(lambda self: len(self.mailbox) > 1)
    @rule(data=st.data())
    def hold_one_back(self, data):
        index = data.draw(st.integers(0, len(self.mailbox) - 1))
        if type(self.mailbox[index]) in (Fill, Accepted):
            self.mailbox.append(self.mailbox.pop(index))

    @precondition(lambda self: self.mailbox)
    @rule()
    def hear_twice(self):
        message = self.mailbox.pop(0)
        self.deliver(message)
        if type(message) in (Fill, Accepted, Cancelled, Rejected, Expired, OutcomeUnknown):
            self.hear_again(message)

    def hear_again(self, message):
        known = message.client_order_id in self.desk.state.orders
        before = self.encode(self.desk.state)
        self.deliver(message)
        if known and type(message) is not Accepted:
            assert self.encode(self.desk.state) == before, "a repeated report changes nothing"

    # What must hold at any time

    @invariant()
    def the_engine_holds_what_was_filled(self):
        for trade_id, trade in self.desk.state.trades.items():
            assert trade.held == self.ledger.held.get(trade_id, 0)

    @invariant()
    def what_works_is_counted(self):
        for trade in self.desk.state.trades.values():
            assert trade.working == sum(not one.status.is_terminal for one in trade.orders)

    @invariant()
    def a_position_is_protected_or_being_closed_or_somebody_was_told(self):
        alarmed = {alarm.trade_id for alarm in self.desk.alarms}
        for trade_id, trade in self.desk.state.trades.items():
            if trade.held <= 0 or trade_id in alarmed:
                continue
            working = self.desk.working(trade_id)
            covered = sum(
                left
                for order_id, left in working.items()
                if self.desk.order(order_id).order.role in (OrderRole.STOP, OrderRole.EXIT)
            )
            assert covered == trade.held, (trade_id, working)

    @invariant()
    def an_excess_is_being_bought_back_or_somebody_was_told(self):
        alarmed = {alarm.trade_id for alarm in self.desk.alarms}
        for trade_id, trade in self.desk.state.trades.items():
            assert trade.held >= 0 or trade_id in alarmed

    @invariant()
    def a_trade_that_is_flat_and_idle_is_not_kept(self):
        for trade in self.desk.state.trades.values():
            assert trade.held or trade.working

    @invariant()
    def few_ended_trades_are_kept(self):
        state = self.desk.state
        assert len(state.ended) <= REMEMBERED_TRADES
        kept = (*state.trades.values(), *state.ended.values())
        known = {one.order.client_order_id for trade in kept for one in trade.orders}
        assert set(state.orders) == known

    # The end

    def settle(self):
        """Let the broker answer everything, and hear all of it."""
        for _ in range(1000):
            for order_id, one in tuple(self.broker.items()):
                if one.is_alive and not one.is_accepted:
                    one.is_accepted = True
                    self.report(Accepted(order_id, f"B-{order_id}", self.desk.now))
            if self.mailbox:
                self.deliver(self.mailbox.pop(0))
            elif self.requests:
                self.carry_out()
            else:
                return
        raise AssertionError("the engine and the broker never come to rest")

    def check_rest(self):
        """Nothing is on its way: what works at the broker fits what is held."""
        for trade_id, plan in self.plans.items():
            held = self.ledger.held.get(trade_id, 0)
            if not self.is_faithful:
                continue
            left = {}
            for one in self.broker.values():
                order = one.order
                if order.trade_id == trade_id and one.left and order.role is not OrderRole.ENTRY:
                    left.setdefault(order.role, []).append((order.side, one.left))
            exit_side = plan.entry.side.opposite
            for role, working in left.items():
                total = sum(quantity for side, quantity in working if side is exit_side)
                assert total <= max(held, 0), (trade_id, role, working, held)
            if held == 0 and self.ledger.gross.get(trade_id) is not None:
                assert not left, (trade_id, left)

    def teardown(self):
        self.settle()
        self.check_rest()
        # Every market order fills, then every stop: whatever was held is closed.
        for _ in range(50):
            alive = [(i, one) for i, one in self.broker.items() if one.is_alive]
            if not alive:
                break
            order_id, one = min(
                alive, key=lambda pair: (pair[1].order.order_type is not OrderType.MARKET, pair[0])
            )
            self.execute(order_id, one.left)
            self.settle()
        alarmed = {alarm.trade_id for alarm in self.desk.alarms}
        assert set(self.desk.state.trades) <= alarmed, "a trade neither ends nor alarms"
        self.check_replay()

    def check_replay(self):
        """The state follows from the recorded events, and from their encoding."""
        replayed = EngineState()
        for event in self.desk.events:
            fold(replayed, event)
        assert self.encode(replayed) == self.encode(self.desk.state)
        # Whole references come back as floats of the same value, so states are compared by value.
        decoder = msgspec.msgpack.Decoder(Event)
        decoded = EngineState()
        for event in self.desk.events:
            again = decoder.decode(msgspec.msgpack.encode(event))
            assert again == event
            fold(decoded, again)
        assert decoded == self.desk.state


def test_brackets_keep_their_promises_whatever_the_broker_does(new_desk, plan, encode_state):
    lived = []

    def live():
        lived.append(Life(new_desk(), plan, encode_state))
        return lived[-1]

    run_state_machine_as_test(live, settings=settings(max_examples=100, stateful_step_count=50))
    assert sum(bool(life.desk.events) for life in lived) > 50
