"""Orders that left while the journal failed: the next run takes them over, and sends none again."""

import pytest

from fillbridge.live.gate import GateState
from fillbridge_hooks import ExitReason, OrderStatus, OrderType


def fail_as_the_entry_fills(world, quantity=None, **fields):
    """A trade whose fill and legs stand in no journal, with legs that left; its id."""
    trade_id = world.propose(**fields)
    world.exchange()
    world.journal.fails = True
    world.house.fill(f"{trade_id}_ENTRY", quantity)
    world.exchange()
    assert world.trading.gate.state is GateState.HALTED
    assert {f"{trade_id}_SL", f"{trade_id}_TP"} <= world.house.working().keys()
    return trade_id


def restart(world):
    world.restart()
    world.trading.link_up()


def test_a_stop_that_left_unrecorded_is_the_trades_and_is_not_sent_again(world):
    trade_id = fail_as_the_entry_fills(world)
    restart(world)
    assert world.trade(trade_id).stop is None
    world.pass_time(3)  # the house catches what is sent twice
    trade = world.trade(trade_id)
    assert (trade.held, trade.stop.order.client_order_id) == (2, f"{trade_id}_SL")
    assert trade.stop.status is trade.target.status is OrderStatus.SUBMITTED
    assert trade.stop.order.trigger_ticks == 15_960
    assert world.house.sent == [f"{trade_id}{one}" for one in ("_ENTRY", "_SL", "_TP")]
    assert world.trading.gate.state is GateState.OPEN
    assert any("this run did not send" in alarm for alarm in world.told())


def test_what_was_taken_over_stands_in_the_journal(world):
    trade_id = fail_as_the_entry_fills(world)
    restart(world)
    world.pass_time(3)
    world.restart()
    assert world.trade(trade_id).stop.order.client_order_id == f"{trade_id}_SL"
    world.connect()
    world.house.fill(f"{trade_id}_SL", price=3990.0)
    world.exchange()
    (result,) = world.closed
    assert result.exit_reason is ExitReason.STOP_LOSS
    assert not world.house.working()


def test_a_fill_that_is_heard_of_before_the_first_answers_waits_for_them(world):
    trade_id = fail_as_the_entry_fills(world, 1)
    restart(world)
    world.house.fill(f"{trade_id}_ENTRY")
    world.exchange()
    assert world.trade(trade_id).held == 0
    world.pass_time(3)
    assert world.trade(trade_id).held == 2
    assert world.house.sent.count(f"{trade_id}_SL") == 1
    assert world.house.covered() == 2


def test_one_that_no_answer_comes_after_is_taken_in_the_end(world):
    """Without answers nothing is known of the house; a position is bare then for all we know."""
    trade_id = world.propose()
    world.exchange()
    restart(world)
    world.house.fill(f"{trade_id}_ENTRY")
    world.pass_time(9, asks=False)
    assert world.trade(trade_id).held == 0
    world.pass_time(2, asks=False)
    assert world.trade(trade_id).held == 2
    assert world.house.covered() == 2


@pytest.mark.parametrize("lost", ["_SL", "_TP"])
def test_the_leg_that_did_not_arrive_is_placed(world, lost):
    trade_id = fail_as_the_entry_fills(world)
    del world.house.orders[trade_id + lost]
    restart(world)
    world.pass_time(3)
    assert world.house.sent.count(trade_id + "_SL") == 1 + (lost == "_SL")
    assert world.house.sent.count(trade_id + "_TP") == 1 + (lost == "_TP")
    assert world.house.working().keys() == {trade_id + "_SL", trade_id + "_TP"}


def test_numbers_go_on_after_the_last_that_the_broker_knows(world):
    trade_id = fail_as_the_entry_fills(world)
    world.house.end(f"{trade_id}_SL", OrderStatus.CANCELLED, "by the venue")
    world.exchange()
    assert f"{trade_id}_SL2" in world.house.working()
    del world.house.orders[f"{trade_id}_SL"]  # it is of another day
    restart(world)
    world.pass_time(3)
    assert world.trade(trade_id).stop.order.client_order_id == f"{trade_id}_SL2"
    world.house.end(f"{trade_id}_SL2", OrderStatus.CANCELLED, "by the venue")
    world.exchange()
    assert world.house.working().keys() == {f"{trade_id}_SL3", f"{trade_id}_TP"}


def test_a_stop_that_was_lost_and_placed_again_unrecorded(world):
    trade_id = fail_as_the_entry_fills(world)
    world.house.end(f"{trade_id}_SL", OrderStatus.CANCELLED, "by the venue")
    world.exchange()
    restart(world)
    world.pass_time(3)
    assert world.trade(trade_id).stop.order.client_order_id == f"{trade_id}_SL2"
    assert world.status(f"{trade_id}_SL") is OrderStatus.CANCELLED
    assert world.house.sent[-1] == f"{trade_id}_SL2"


def test_an_exit_on_its_way_unrecorded_closes_the_trade_once(world):
    trade_id = world.opened()
    world.journal.fails = True
    world.house.end(f"{trade_id}_SL", OrderStatus.REJECTED, "not today")
    world.exchange()
    assert f"{trade_id}_EXIT" in world.house.working()
    restart(world)
    world.pass_time(3)
    assert world.trade(trade_id).close_reason is ExitReason.MANUAL_OVERRIDE
    world.house.fill(f"{trade_id}_EXIT")
    world.exchange()
    assert world.house.sent[-1] == f"{trade_id}_EXIT"
    assert not world.house.held()
    (result,) = world.closed
    assert result.exit_reason is ExitReason.MANUAL_OVERRIDE


@pytest.mark.parametrize("filled", ["_SL", "_TP"])
def test_a_trade_that_closed_unrecorded_is_closed(world, filled):
    trade_id = fail_as_the_entry_fills(world)
    world.house.fill(trade_id + filled)
    world.exchange()
    assert not world.house.working()
    world.closed.clear()
    restart(world)
    world.pass_time(3)
    assert not world.state.trades
    assert len(world.closed) == 1
    assert not world.house.working()
    assert world.house.sent == [f"{trade_id}{one}" for one in ("_ENTRY", "_SL", "_TP")]


def test_terms_that_were_changed_unrecorded_are_those_of_the_broker(world):
    trade_id = world.opened()
    stop = world.trade(trade_id).stop.order
    world.house.change(stop.client_order_id, trigger_ticks=15_980)
    world.pass_time(15)
    assert world.trade(trade_id).stop.order.trigger_ticks == 15_980
    assert world.trade(trade_id).stop.order.order_type is OrderType.STOP
    assert world.trading.gate.state is GateState.OPEN
