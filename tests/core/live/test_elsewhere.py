"""What is held to have been closed by somebody else, and what only looks like it."""

import msgspec
import pytest

from fillbridge.live.gate import GateState
from fillbridge_hooks import BrokerPosition, ExitReason, OrderStatus

SECOND = 1_000_000_000


def at(quantity):
    return {"positions": (BrokerPosition(symbol="ES", quantity=quantity),)}


def late(world, order_id, quantity, price, made_ns):
    """A fill of ours that the house made long ago and tells of only now."""
    world.house.change(order_id, status=OrderStatus.SUBMITTED)
    fill = world.house.fill(order_id, quantity, price=price)
    world.house.fills[-1] = msgspec.structs.replace(fill, time_ns=made_ns)
    world.house.said.clear()


# One answer is none


def test_one_answer_that_says_less_does_not_close_what_others_left(world):
    trade_id = world.opened(3)
    world.house.elsewhere["ES"] = -2
    while world.trade(trade_id).held == 3:
        world.pass_time(0.1)
    world.clock.advance_to(world.clock.now_ns + SECOND)
    world.ask(**at(0))
    world.exchange()
    assert world.trade(trade_id).held == 1
    assert world.house.covered() == 1


def test_one_answer_that_says_less_than_those_before_does_not_count_with_them(world):
    trade_id = world.opened(3)
    world.house.elsewhere["ES"] = -1
    world.pass_time(1, asks=False)
    for _ in range(4):
        world.ask()
        world.pass_time(1.3, asks=False)
    assert world.trade(trade_id).held == 3
    world.ask(**at(0))
    world.exchange()
    assert world.trade(trade_id).held == 3
    assert world.house.covered() == 3
    world.pass_time(5)
    assert world.trade(trade_id).held == 2


def test_a_fill_of_ours_that_is_late_by_a_moment_is_not_somebody_elses(world):
    """Others hold one as well: the position has differed for long, but not by this."""
    trade_id = world.opened()
    world.house.elsewhere["ES"] = 1
    world.pass_time(30)
    before = world.house.snapshot(world.trading.fills_since_ns())
    world.house.fill(f"{trade_id}_SL", price=3990.0)
    said = tuple(world.house.said)
    world.house.said.clear()
    # The orders and fills of these answers are from before the fill, the position is not.
    world.trading.on_snapshot(msgspec.structs.replace(before, **at(1)))
    assert world.trade(trade_id).held == 2
    world.house.said.extend(said)
    world.exchange()
    assert len(world.closed) == 1
    assert not any("ELSEWHERE" in order_id for order_id in world.state.orders)


def test_positions_that_lag_behind_our_fills_close_nothing(world):
    for _ in range(8):
        trade_id = world.opened()
        # As it was a moment ago.
        world.ask(**at(0))
        world.exchange()
        assert world.house.covered() == 2
        world.house.fill(f"{trade_id}_TP")
        world.exchange()
        world.ask(**at(2))
        world.pass_time(1, asks=False)
    assert world.trading.gate.state is GateState.OPEN
    assert [result.exit_reason for result in world.closed] == [ExitReason.TAKE_PROFIT] * 8


def test_what_fills_while_answers_take_long_is_missed_by_none_of_them(world):
    """Positions may be told long before the last answer comes."""
    for _ in range(4):
        asked_ns = world.clock.now_ns
        nothing = world.house.snapshot(0, asked_ns=asked_ns).positions
        world.pass_time(5, asks=False)
        world.opened()
        world.pass_time(5, asks=False)
        snapshot = world.house.snapshot(0, asked_ns=asked_ns)
        world.trading.on_snapshot(msgspec.structs.replace(snapshot, positions=nothing))
        world.exchange()
    assert world.trading.gate.state is GateState.OPEN
    assert world.house.covered() == 8


def test_a_position_that_lags_for_long_is_believed(world):
    trade_id = world.opened()
    world.house.elsewhere["ES"] = -2
    for _ in range(8):
        world.ask()
        world.pass_time(1, asks=False)
    assert world.trading.gate.state is GateState.HALTED
    assert trade_id not in world.state.trades


def test_what_somebody_sold_is_found_while_we_trade_on(world):
    world.house.elsewhere["ES"], began_ns = -1, world.clock.now_ns
    while world.trading.gate.objection("ES") is None:
        trade_id = world.opened(1)
        world.ask()
        world.house.fill(f"{trade_id}_TP")
        world.exchange()
        world.pass_time(0.4, asks=False)
        world.ask()
    assert "we hold 0, the broker says -1" in str(world.trading.gate.objection("ES"))
    assert world.clock.now_ns - began_ns < 6 * SECOND


def test_answers_of_another_session_do_not_count(world):
    trade_id = world.opened()
    world.house.elsewhere["ES"] = -2
    world.ask()
    world.ask()
    world.cut()
    world.pass_time(6)
    world.trading.link_up()
    world.ask()
    assert world.trading.gate.state is GateState.RECOVERING
    assert world.trade(trade_id).held == 2


# What we did ourselves


def test_a_fill_of_ours_that_turns_up_late_takes_the_place_of_what_was_booked(world):
    trade_id = world.opened()
    made_ns = world.clock.now_ns
    world.house.elsewhere["ES"] = -2
    world.pass_time(20)
    before = list(world.house.sent)
    world.house.elsewhere.clear()
    late(world, f"{trade_id}_TP", None, 4010.0, made_ns)
    world.pass_time(5)
    assert world.house.sent == before
    assert world.closed[-1].trade_id == trade_id
    assert world.closed[-1].exit_reason is ExitReason.TAKE_PROFIT
    assert world.closed[-1].exit_price == 4010.0
    assert world.house.held() == {}
    assert world.metrics.trades_closed == 1


def test_part_of_it_may_have_been_ours(world):
    trade_id = world.opened(3)
    made_ns = world.clock.now_ns
    world.house.elsewhere["ES"] = -3
    world.pass_time(20)
    before = list(world.house.sent)
    world.house.elsewhere["ES"] = -2
    late(world, f"{trade_id}_TP", 1, 4010.0, made_ns)
    world.house.change(f"{trade_id}_TP", status=OrderStatus.CANCELLED)
    world.pass_time(5)
    assert world.house.sent == before
    assert world.state.trades == {}
    assert world.closed[-1].exit_price == pytest.approx((4010.0 + 2 * 4000.0) / 3)


def test_a_stop_that_fills_while_it_is_withdrawn_opens_a_position_that_is_closed(world):
    """The position was gone, so what the stop sold is short: it must not pass for the close."""
    trade_id = world.opened()
    world.house.elsewhere["ES"] = -2
    while world.trading.state.trades[trade_id].held:
        world.pass_time(0.1, exchanges=False)
    world.clock.advance_to(world.clock.now_ns + SECOND // 20)
    world.house.fill(f"{trade_id}_SL", price=3990.0)
    world.exchange()
    assert world.house.sent[-1] == f"{trade_id}_EXIT2"
    world.house.fill(f"{trade_id}_EXIT2", price=3990.0)
    world.pass_time(5)
    assert world.house.held() == {}
    assert world.house.working() == {}
    assert world.state.trades == {}


def test_the_cost_of_what_is_left_of_an_assumed_fill_is_of_that_part(new_world):
    world = new_world(commission=("test", lambda fill, instrument: 1.0 * fill.quantity))
    world.connect()
    trade_id = world.opened(3)
    made_ns = world.clock.now_ns
    world.house.elsewhere["ES"] = -3
    world.pass_time(20)
    assert world.closed[-1].commission == 6.0
    world.house.elsewhere["ES"] = -2
    late(world, f"{trade_id}_TP", 1, 4010.0, made_ns)
    world.pass_time(5)
    assert world.closed[-1].commission == 6.0


def test_a_bust_that_nobody_tells_of_shows_beside_what_was_closed_elsewhere(world):
    first = world.opened()
    world.house.elsewhere["ES"] = -2
    world.pass_time(20)
    world.trading.resume("me")
    second = world.opened()
    world.pass_time(10)
    assert world.trading.gate.state is GateState.OPEN
    world.house.fills.pop()
    world.pass_time(20)
    assert world.trading.gate.state is GateState.OPEN
    assert second not in world.state.trades
    assert [result.trade_id for result in world.closed] == [first]


# The halt


def test_the_halt_outlasts_the_handler(world):
    world.opened()
    world.house.elsewhere["ES"] = -2
    world.pass_time(20)
    world.restart()
    world.trading.link_up()
    world.pass_time(20)
    assert world.state.trades == {}
    assert world.trading.gate.state is GateState.HALTED
    world.trading.resume("me")
    assert world.trading.gate.state is GateState.OPEN
    world.restart()
    world.connect()


def test_the_halt_of_a_person_keeps_its_reason(world):
    world.opened()
    world.trading.halt("lunch", "ann")
    world.house.elsewhere["ES"] = -2
    world.pass_time(20)
    assert world.state.halted.by == "ann"
