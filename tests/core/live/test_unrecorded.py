"""Orders that left while the journal failed: the next run takes them over, and sends none again."""

import msgspec
import pytest

from fillbridge.engine.messages import CancelRequested, CloseRequested
from fillbridge.live.gate import GateState
from fillbridge_hooks import ExitReason, OrderStatus, OrderType, Side

SECOND = 1_000_000_000


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


def test_fills_that_come_together_are_answered_once_all_are_booked(world):
    """Stop and target both filled unrecorded, and what they sold too much was bought back."""
    trade_id = world.opened()
    world.journal.fails = True
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.house.fill(f"{trade_id}_SL", price=3990.0)
    world.exchange()
    world.house.fill(f"{trade_id}_EXIT", price=3990.0)
    sent = list(world.house.sent)
    restart(world)
    world.pass_time(5)
    assert world.house.sent == sent
    assert f"{trade_id}_EXIT2" not in world.state.orders
    assert not world.house.held()
    assert world.state.trades == {}
    assert world.metrics.defects == 0


def test_the_life_of_a_position_that_is_over_at_the_start_waits_for_the_answers(new_world):
    """The exit that it sends would bear the id of one that left unrecorded."""
    world = new_world(position_life_ns=8 * SECOND)
    world.connect()
    trade_id = world.opened()
    world.journal.fails = True
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.house.fill(f"{trade_id}_SL", price=3990.0)
    world.exchange()
    world.house.fill(f"{trade_id}_EXIT", price=3990.0)
    sent = list(world.house.sent)
    world.clock.advance_to(world.clock.now_ns + 20 * SECOND)
    world.restart()
    world.pass_time(1)
    assert world.trade(trade_id).close_reason is None
    world.trading.link_up()
    world.pass_time(5)
    assert world.house.sent == sent
    assert not world.house.held()
    assert world.state.trades == {}


def test_the_life_of_a_position_ends_it_after_the_first_answers(new_world):
    world = new_world(position_life_ns=8 * SECOND)
    world.connect()
    trade_id = world.opened()
    world.clock.advance_to(world.clock.now_ns + 20 * SECOND)
    restart(world)
    world.pass_time(1)
    assert world.trade(trade_id).close_reason is ExitReason.TIMEOUT
    world.house.fill(f"{trade_id}_SL")
    world.exchange()
    assert world.closed[-1].exit_reason is ExitReason.TIMEOUT
    assert not world.house.held()


@pytest.mark.parametrize("is_up", [True, False])
def test_a_close_before_the_first_answers_is_kept_and_carried_out_after_them(world, is_up):
    trade_id = world.opened()
    world.restart()
    if is_up:
        world.trading.link_up()
    request = CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, world.clock.now_ns)
    assert world.trading.request(request)
    assert not world.trading.request(request)
    assert world.trade(trade_id).close_reason is ExitReason.MANUAL_OVERRIDE
    world.exchange()
    assert world.house.orders[f"{trade_id}_SL"].order_type is OrderType.STOP
    world.restart()  # it stands in the journal
    world.trading.link_up()
    world.pass_time(1)
    assert world.house.orders[f"{trade_id}_SL"].order_type is OrderType.MARKET
    world.house.fill(f"{trade_id}_SL")
    world.exchange()
    assert not world.house.held()
    assert world.closed[-1].exit_reason is ExitReason.MANUAL_OVERRIDE


def test_a_close_does_not_send_again_the_exit_that_left_unrecorded(world):
    trade_id = world.opened()
    world.journal.fails = True
    world.house.end(f"{trade_id}_SL", OrderStatus.REJECTED, "not today")
    world.exchange()
    assert f"{trade_id}_EXIT" in world.house.working()
    restart(world)
    request = CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, world.clock.now_ns)
    world.trading.request(request)
    world.pass_time(3)  # the house catches what is sent twice
    assert world.house.sent[-1] == f"{trade_id}_EXIT"
    world.house.fill(f"{trade_id}_EXIT")
    world.exchange()
    assert not world.house.held()


def test_a_target_that_was_placed_again_unrecorded_is_not_placed_once_more(world):
    """The first one filled for all that it was for, when more was held by then."""
    trade_id = world.propose()
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY", 1)
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    world.house.fill(f"{trade_id}_TP", 1, price=4010.0)
    world.journal.fails = True
    world.exchange()
    assert f"{trade_id}_TP2" in world.house.working()
    restart(world)
    world.pass_time(5)
    assert world.house.sent[-1] == f"{trade_id}_TP2"
    assert world.trade(trade_id).held == world.house.covered() == 1
    assert world.trading.gate.state is GateState.OPEN


def test_of_two_targets_that_work_one_is_withdrawn(world):
    """The first was given up unrecorded, and came to work after all."""
    trade_id = fail_as_the_entry_fills(world)
    target = world.house.orders[f"{trade_id}_TP"]
    world.house.orders[f"{trade_id}_TP2"] = msgspec.structs.replace(
        target, client_order_id=f"{trade_id}_TP2", broker_order_id="B-2"
    )
    restart(world)
    world.pass_time(2)
    assert world.house.working().keys() == {f"{trade_id}_SL", f"{trade_id}_TP2"}


def test_an_entry_that_was_taken_back_unheard_leaves_what_its_exits_traded(new_world):
    """The broker's own target closed it; what that bought too much was sold again, unrecorded."""
    world = new_world(bracket=True)
    world.connect()
    trade_id = world.propose()
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY")
    world.house.change(f"{trade_id}_ENTRY", quantity=1, filled=0)
    world.house.fills.clear()
    for name, side, status in (
        ("SL", Side.SELL, OrderStatus.CANCELLED),
        ("TP", Side.SELL, OrderStatus.SUBMITTED),
        ("EXIT", Side.BUY, OrderStatus.SUBMITTED),
    ):
        world.house.place(f"{trade_id}_{name}", side=side, quantity=2, status=status)
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.house.fill(f"{trade_id}_EXIT", price=4011.0)
    sent = list(world.house.sent)
    restart(world)
    world.pass_time(5)
    assert world.house.sent == sent
    assert world.state.trades == {}
    assert world.metrics.defects == 0
    (result,) = world.closed
    assert (result.entry_price, result.exit_price) == (4011.0, 4010.0)
    assert world.trading.gate.state is GateState.OPEN


def test_a_leg_of_the_broker_that_filled_for_an_entry_that_was_taken_back_is_covered(new_world):
    world = new_world(bracket=True)
    world.connect()
    trade_id = world.propose()
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY")
    world.house.change(f"{trade_id}_ENTRY", quantity=1, filled=0)
    world.house.fills.clear()
    world.house.place(f"{trade_id}_TP", side=Side.SELL, quantity=2)
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    restart(world)
    world.pass_time(3)
    assert world.house.sent[-1] == f"{trade_id}_EXIT"
    world.house.fill(f"{trade_id}_EXIT", price=4011.0)
    world.exchange()
    assert not world.house.held()
    assert world.state.trades == {}
    assert world.metrics.defects == 0


def test_a_fill_that_was_not_heard_of_shuts_the_gate_until_the_answers_agree(world):
    trade_id = world.propose(position_size=3)
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY", 1)
    world.house.said.clear()
    world.house.fill(f"{trade_id}_ENTRY", 1)
    world.exchange()
    assert world.trade(trade_id).held == 1
    assert world.trading.gate.state is GateState.RECOVERING
    assert world.trading.snapshot_due_ns <= world.clock.now_ns
    world.pass_time(2)
    assert world.trade(trade_id).held == 2
    assert world.house.covered() == 2
    assert world.trading.gate.state is GateState.OPEN


@pytest.mark.parametrize("says_sums", [True, False], ids=["the sum is said", "no sum is said"])
def test_a_withdrawn_entry_that_filled_unheard_shuts_the_gate_until_the_answers_agree(
    world, says_sums
):
    world.house.says_sums = says_sums
    trade_id = world.propose(position_size=3)
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY", 2)
    world.house.said.clear()
    world.house.end(f"{trade_id}_ENTRY", OrderStatus.CANCELLED)
    world.exchange()
    assert world.trading.gate.state is GateState.RECOVERING
    assert world.trading.snapshot_due_ns <= world.clock.now_ns
    world.pass_time(2)
    assert world.trade(trade_id).held == 2
    assert world.house.covered() == 2
    assert world.trading.gate.state is GateState.OPEN


def test_a_withdrawn_entry_that_filled_as_was_heard_leaves_the_gate_open(world):
    trade_id = world.propose(position_size=3)
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY", 2)
    world.exchange()
    world.house.end(f"{trade_id}_ENTRY", OrderStatus.CANCELLED)
    world.exchange()
    assert world.trading.gate.state is GateState.OPEN
