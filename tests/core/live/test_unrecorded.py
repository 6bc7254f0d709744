"""Orders that left while the journal failed: the next run takes them over, and sends none again."""

import msgspec
import pytest

from fillbridge.engine.messages import CancelRequested
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


def test_a_trade_is_taken_over_whatever_order_the_broker_stamps_its_fills_in(world):
    """By the clock of another host the target filled before the entry did."""
    trade_id = fail_as_the_entry_fills(world)
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    entry, target = world.house.fills
    world.house.fills[1] = msgspec.structs.replace(target, time_ns=entry.time_ns - 1_000_000)
    world.exchange()
    restart(world)
    world.pass_time(3)
    assert world.house.sent == [f"{trade_id}{one}" for one in ("_ENTRY", "_SL", "_TP")]
    assert not world.house.held()


@pytest.mark.parametrize("what", ["quantity", "trigger_ticks"])
def test_terms_that_are_told_only_once_are_not_those_of_the_broker(world, what):
    """Answers may be older than a change, again and again, where changes are many."""
    trade_id = world.opened(3)
    name = f"{trade_id}_SL"
    ours = getattr(world.trade(trade_id).stop.order, what)
    for value in (ours + 1, ours + 2, ours + 3):
        stale = msgspec.structs.replace(world.house.orders[name], **{what: value})
        others = tuple(one for one in world.house.orders.values() if one.client_order_id != name)
        world.ask(working=(*others[1:], stale), today=others)
    assert getattr(world.trade(trade_id).stop.order, what) == ours


def test_a_trigger_that_the_broker_does_not_tell_stays(world):
    trade_id = world.opened(3)
    world.house.change(f"{trade_id}_SL", quantity=2, trigger_ticks=None)
    for _ in range(2):
        world.ask()
    stop = world.trade(trade_id).stop.order
    assert (stop.quantity, stop.trigger_ticks) == (2, 15_960)


def test_an_exit_that_is_heard_of_before_its_entry_closes_the_trade_in_the_end(world):
    trade_id = fail_as_the_entry_fills(world)
    restart(world)
    world.ask(fills=())  # they are not complete: the order has filled by more
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.pass_time(5)
    assert world.state.trades == {}
    assert not world.house.held()
    assert world.metrics.defects == 0


@pytest.mark.parametrize("is_filled", [True, False])
@pytest.mark.parametrize("is_told", [True, False])
def test_the_exit_of_a_trade_that_had_ended_is_not_sent_again(world, is_filled, is_told):
    """The entry filled after it was cancelled, when nothing could be recorded any more."""
    trade_id = world.propose()
    entry_id = f"{trade_id}_ENTRY"
    world.exchange()
    world.trading.request(CancelRequested(entry_id, "asked", world.clock.now_ns))
    world.exchange()
    assert world.state.trades == {}
    world.journal.fails = True
    world.house.change(entry_id, status=OrderStatus.SUBMITTED)
    fill = world.house.fill(entry_id)
    world.exchange()
    if is_filled:
        world.house.fill(f"{trade_id}_EXIT")
    restart(world)
    if is_told:
        world.trading.on_message(fill)
        world.exchange()
    world.pass_time(3)  # the house catches what is sent twice
    if not is_filled:
        world.house.fill(f"{trade_id}_EXIT")
        world.exchange()
    assert world.house.sent == [entry_id, f"{trade_id}_EXIT"]
    assert not world.house.held()
    assert world.closed[-1].exit_reason is ExitReason.MANUAL_OVERRIDE
    assert world.state.trades == {}
    world.pass_time(10)
    assert world.trading.gate.state is GateState.OPEN


def test_a_trade_that_had_ended_closes_its_excess_once(world):
    """Its stop filled as well, when nothing could be recorded any more."""
    trade_id = world.opened()
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.exchange()
    world.journal.fails = True
    world.house.change(f"{trade_id}_SL", status=OrderStatus.SUBMITTED)
    world.house.fill(f"{trade_id}_SL", price=3990.0)
    world.exchange()
    world.house.fill(f"{trade_id}_EXIT", price=3990.0)
    restart(world)
    world.pass_time(3)
    assert world.house.sent[-1] == f"{trade_id}_EXIT"
    assert not world.house.held()
    assert world.state.trades == {}
    assert world.metrics.defects == 0
