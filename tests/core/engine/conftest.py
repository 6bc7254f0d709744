"""A desk: the engine of one account, driven through ``decide`` and ``fold`` alone."""

import msgspec
import pytest

from fillbridge.engine import EngineState, decide, fold
from fillbridge.engine.messages import (
    Cancel,
    CancelRequested,
    CloseRequested,
    EntryFailed,
    FillBooked,
    Measure,
    Protect,
    ProtectionDue,
    Raise,
    Replace,
    ReplaceRequested,
    SetTimer,
    Submit,
    TimerFired,
    Track,
    TradeApproved,
    TradeMeasured,
    TradePlan,
    TradeRefused,
)
from fillbridge.results import trade_result
from fillbridge_hooks import (
    Accepted,
    Cancelled,
    CancelRejected,
    Direction,
    ExitReason,
    Expired,
    Fill,
    FillVoided,
    Instrument,
    Liquidity,
    NotSent,
    Order,
    OrderRole,
    OrderType,
    OutcomeUnknown,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
    RiskProposal,
    Side,
)

SECOND = 1_000_000_000
ES = Instrument(symbol="ES", tick_size=0.25, point_value=50.0)
AT = 16_000
"""The tick at which entries fill unless a test says otherwise: 4000.00."""


class Desk:
    """The engine, everything it recorded, and what it asked for last."""

    def __init__(self):
        self.state = EngineState()
        self.events = []
        self.effects = []
        """Of the last input."""
        self.alarms = []
        self.now = 1_000 * SECOND
        self._fills = 0

    def feed(self, message):
        """Answer an input as the shell does; the events it led to."""
        self.now += 1
        events, effects = decide(self.state, message, self.now)
        for event in events:
            fold(self.state, event)
        self.events.extend(events)
        self.effects = list(effects)
        self.alarms.extend(effect for effect in effects if type(effect) is Raise)
        return events

    # What was asked for last

    def asked(self, kind):
        return [effect for effect in self.effects if type(effect) is kind]

    @property
    def submitted(self):
        return {effect.order.client_order_id: effect.order for effect in self.asked(Submit)}

    @property
    def cancels(self):
        return {effect.client_order_id for effect in self.asked(Cancel)}

    @property
    def changes(self):
        return {effect.change.client_order_id: effect.change for effect in self.asked(Replace)}

    @property
    def timers(self):
        return {effect.kind.value: effect.time_ns for effect in self.asked(SetTimer)}

    @property
    def is_tracked(self):
        return bool(self.asked(Track))

    @property
    def measures(self):
        return [effect.trade_id for effect in self.asked(Measure)]

    @property
    def failed(self):
        return {effect.entry_id: effect.reason for effect in self.asked(EntryFailed)}

    # Inputs

    def propose(self, plan):
        return self.feed(TradeApproved(plan, self.now))

    def accept(self, *order_ids):
        for order_id in order_ids:
            self.feed_accepted(order_id)

    def feed_accepted(self, order_id):
        return self.feed(Accepted(order_id, f"B-{order_id}", self.now))

    def feed_replaced(self, order_id, quantity):
        """The broker's new quantity of an order, at the terms it has."""
        order = self.order(order_id).order
        return self.replaced(
            Replacement(
                order_id, quantity, order.order_type, order.limit_ticks, order.trigger_ticks
            )
        )

    def fill(self, order_id, quantity=None, ticks=None, *, slippage=0.0, commission=0, other=None):
        """A fill at the order's level, or at ``ticks``, over all that is left of the order."""
        _, known = self.state.orders.get(order_id, (None, None))
        order = known.order if known else None
        if quantity is None:
            quantity = order.quantity - known.filled
        if ticks is None:
            level = order.trigger_ticks if order.limit_ticks is None else order.limit_ticks
            ticks = AT if level is None else level
        sign = order.side.sign if order else 1
        instrument = order.instrument if order else ES
        self._fills += 1
        fill = Fill(
            f"F{self._fills}",
            order_id,
            f"B-{order_id}",
            quantity,
            (known.filled if known else 0) + quantity,
            instrument.to_price(ticks) + sign * slippage,
            ticks,
            slippage,
            "fixed" if slippage else "",
            Liquidity.TAKER,
            self.now,
            other=other,
        )
        self.feed(FillBooked(fill, commission))
        return fill

    def again(self, fill, commission=0):
        return self.feed(FillBooked(fill, commission))

    def cancelled(self, order_id, reason="cancelled"):
        return self.feed(Cancelled(order_id, reason, self.now))

    def rejected(self, order_id, reason="no"):
        return self.feed(Rejected(order_id, reason, self.now))

    def expired(self, order_id, reason="the trade date ended"):
        return self.feed(Expired(order_id, reason, self.now))

    def lost(self, order_id, reason="no answer"):
        return self.feed(OutcomeUnknown(order_id, reason, self.now))

    def not_sent(self, order_id, reason="no connection"):
        return self.feed(NotSent(order_id, reason, self.now))

    def voided(self, fill, reason="busted"):
        return self.feed(FillVoided(fill.client_order_id, fill.fill_id, reason, self.now))

    def protect(self, trade_id="T1"):
        return self.feed(ProtectionDue(trade_id, self.now))

    @property
    def protections(self):
        return [effect.trade_id for effect in self.asked(Protect)]

    def replaced(self, change):
        return self.feed(
            Replaced(
                change.client_order_id,
                change.quantity,
                change.order_type,
                change.limit_ticks,
                change.trigger_ticks,
                self.now,
            )
        )

    def cancel_rejected(self, order_id, reason="too late"):
        return self.feed(CancelRejected(order_id, reason, self.now))

    def replace_rejected(self, order_id, reason="too late", change=None):
        return self.feed(ReplaceRejected(order_id, reason, self.now, change))

    def close(self, trade_id="T1", reason=ExitReason.MANUAL_OVERRIDE):
        return self.feed(CloseRequested(trade_id, reason, self.now))

    def cancel(self, order_id, reason="asked"):
        return self.feed(CancelRequested(order_id, reason, self.now))

    def replace(self, order_id, limit_ticks=None, trigger_ticks=None):
        return self.feed(ReplaceRequested(order_id, limit_ticks, trigger_ticks, self.now))

    def fire(self, kind, trade_id="T1"):
        return self.feed(TimerFired(trade_id, kind, self.now))

    def measure(self, trade_id="T1"):
        """Measure a trade that is flat, and have it forgotten; its result."""
        measured = TradeMeasured(trade_id, 0.0, 0.0, 1.0, self.now)
        result = trade_result(self.trade(trade_id), measured)
        self.feed(measured)
        return result

    def refuse(self, plan, reason="too large"):
        return self.feed(TradeRefused(plan.proposal, plan.instrument, (reason,), self.now))

    # State

    def trade(self, trade_id="T1"):
        return self.state.trades[trade_id]

    def order(self, order_id):
        return self.state.orders[order_id][1]

    def working(self, trade_id="T1"):
        """What may still fill, by order id: the quantity as it was last asked for."""
        trade = self.state.trades.get(trade_id)
        return {
            one.order.client_order_id: (one.requested or one.order).quantity - one.filled
            for one in (trade.orders if trade else ())
            if not one.status.is_terminal and not one.cancel_sent
        }

    def encoded(self):
        return encode(self.state)


def encode(state):
    """A state as bytes; what it holds is data alone, a deque aside."""
    return msgspec.msgpack.encode(state, enc_hook=list)


def make_plan(
    trade_id="T1",
    *,
    direction=Direction.LONG,
    quantity=2,
    stop_ticks=15_960,
    target_ticks=16_040,
    stop_distance=None,
    target_distance=None,
    trailing=False,
    entry_deadline_ns=None,
    position_life_ns=None,
    instrument=ES,
):
    proposal = RiskProposal(
        position_size=quantity, direction=direction.value, trailing_stop=trailing
    )
    side = Side.BUY if direction is Direction.LONG else Side.SELL
    entry = Order(
        f"{trade_id}_ENTRY", trade_id, OrderRole.ENTRY, instrument, side, quantity, OrderType.MARKET
    )
    return TradePlan(
        trade_id,
        proposal,
        instrument,
        direction,
        entry,
        None if stop_distance else stop_ticks,
        stop_distance,
        None if target_distance else target_ticks,
        target_distance,
        1_000 * SECOND,
        entry_deadline_ns,
        "not filled in time",
        position_life_ns,
    )


@pytest.fixture(scope="session")
def plan():
    """Makes the plan of a trade: long 2 ES, stop 3990, target 4010, unless told otherwise."""
    return make_plan


@pytest.fixture(scope="session")
def encode_state():
    return encode


@pytest.fixture(scope="session")
def new_desk():
    return Desk


@pytest.fixture
def desk():
    """A desk without trades."""
    return Desk()


@pytest.fixture
def pending(desk, plan):
    """Opens a trade whose entry is acknowledged and has not filled."""

    def open_trade(**changes):
        made = plan(**changes)
        desk.propose(made)
        desk.accept(made.entry.client_order_id)
        return desk

    return open_trade


@pytest.fixture
def opened(pending):
    """Opens a trade whose entry has filled, and whose stop and target work."""

    def open_trade(filled=None, **changes):
        desk = pending(**changes)
        trade_id = changes.get("trade_id", "T1")
        desk.fill(f"{trade_id}_ENTRY", filled)
        desk.accept(f"{trade_id}_SL", f"{trade_id}_TP")
        return desk

    return open_trade
