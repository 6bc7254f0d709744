"""A trailing stop rests as a plain one, and is moved as the price improves."""

import pytest

from fillbridge.engine.messages import ReplaceRequested
from fillbridge_hooks import ExitReason, InvalidValue, OrderStatus, OrderType, ReplaceRejected


def trailing(world, direction="LONG", quantity=2):
    return world.opened(quantity, direction=direction, trailing_stop=True)


def rests(world, trade_id):
    """The trigger of the stop at the house, in ticks."""
    return world.house.orders[f"{trade_id}_SL"].trigger_ticks


def trades(world, *prices):
    for price in prices:
        world.price(price)
        world.pass_time(1.1)


@pytest.mark.parametrize(("direction", "sign"), [("LONG", 1), ("SHORT", -1)])
def test_the_stop_follows_the_best_price_and_never_goes_back(world, direction, sign):
    trade_id = trailing(world, direction)
    stop = world.house.orders[f"{trade_id}_SL"]
    assert (stop.order_type, stop.trigger_ticks) == (OrderType.STOP, 16_000 - sign * 40)
    trades(world, 4000.0 + sign * 2.5)
    assert rests(world, trade_id) == 16_000 - sign * 30
    trades(world, 4000.0, 4000.0 + sign * 2.0)
    assert rests(world, trade_id) == 16_000 - sign * 30
    trades(world, 4000.0 + sign * 5)
    assert rests(world, trade_id) == 16_000 - sign * 20
    assert world.trade(trade_id).stop.order.trigger_ticks == 16_000 - sign * 20
    assert world.house.sent.count(f"{trade_id}_SL") == 1


def test_it_moves_once_a_second_to_the_best_price_of_all(world):
    trade_id = trailing(world)
    moved = []
    for tick in range(1, 31):
        world.price(4000.0 + 0.25 * min(tick, 25))
        world.pass_time(0.1)
        moved.append(rests(world, trade_id))
    world.pass_time(1)
    assert len(set(moved)) <= 4
    assert rests(world, trade_id) == 15_960 + 25


def test_prices_from_before_the_fill_do_not_count(world):
    world.price(4010.0)
    world.price(4000.0)
    trade_id = trailing(world)
    trades(world, 4000.0)
    assert rests(world, trade_id) == 15_960


def test_a_move_that_is_refused_is_not_asked_for_again(world, monkeypatch):
    trade_id = trailing(world)
    asked = []

    def refuses(change):
        asked.append(change.trigger_ticks)
        world.house.said.append(ReplaceRejected(change.client_order_id, "no", world.clock.now_ns))

    monkeypatch.setattr(world.house, "_replace", refuses)
    trades(world, 4002.5, 4002.5, 4002.5, 4005.0)
    assert asked == [15_970, 15_980]
    assert world.trade(trade_id).stop.order.trigger_ticks == 15_960


def test_a_resize_keeps_the_trigger_that_it_was_moved_to(world):
    trade_id = trailing(world, quantity=3)
    trades(world, 4005.0)
    world.house.fill(f"{trade_id}_TP", 1, price=4010.0)
    world.exchange()
    stop = world.house.orders[f"{trade_id}_SL"]
    assert (stop.quantity, stop.trigger_ticks) == (2, 15_980)


def test_a_stop_that_is_lost_is_placed_where_it_was_moved_to_and_trails_on(world):
    trade_id = trailing(world)
    trades(world, 4005.0)
    world.house.end(f"{trade_id}_SL", OrderStatus.CANCELLED, "by the venue")
    world.exchange()
    again = world.house.orders[f"{trade_id}_SL2"]
    assert (again.order_type, again.trigger_ticks) == (OrderType.STOP, 15_980)
    trades(world, 4006.0)
    assert world.house.orders[f"{trade_id}_SL2"].trigger_ticks == 15_984


def test_its_fill_is_measured_against_the_last_trigger(world):
    trade_id = trailing(world)
    trades(world, 4005.0)
    world.house.fill(f"{trade_id}_SL", price=3994.5)
    world.exchange()
    (result,) = world.closed
    assert result.exit_reason is ExitReason.STOP_LOSS
    # The trigger is 3995.0; two contracts lost two ticks to it, none to where the stop began.
    assert result.slippage == 50.0
    assert result.pnl_net == (3994.5 - 4000.0) * 50 * 2


def test_after_a_restart_it_trails_on_from_where_it_rests(world):
    trade_id = trailing(world)
    trades(world, 4005.0)
    world.restart()
    world.connect()
    trades(world, 4001.0)
    assert rests(world, trade_id) == 15_980
    trades(world, 4007.5)
    assert rests(world, trade_id) == 15_990


def test_one_that_left_unrecorded_trails_too(world):
    trade_id = world.propose(trailing_stop=True)
    world.exchange()
    world.journal.fails = True
    world.house.fill(f"{trade_id}_ENTRY")
    world.exchange()
    world.restart()
    world.connect()
    trades(world, 4005.0)
    assert rests(world, trade_id) == 15_980


def test_one_that_a_person_moved_closer_trails_from_there(world):
    trade_id = trailing(world)
    world.trading.request(ReplaceRequested(f"{trade_id}_SL", None, 15_990, world.clock.now_ns))
    world.exchange()
    trades(world, 4001.0)
    assert rests(world, trade_id) == 15_990  # moved closer by hand: it trails from there
    trades(world, 4008.0)
    assert rests(world, trade_id) == 15_992


def test_where_stops_cannot_be_moved_the_proposal_is_refused(new_world):
    world = new_world(can_trail=False)
    world.connect()
    with pytest.raises(InvalidValue, match="trailing_stop: expected False at a broker"):
        world.propose(trailing_stop=True)
    world.propose()


def test_no_stop_moves_before_the_broker_has_said_how_things_stand(world):
    """What an earlier run could not record is not known yet: its terms would go back."""
    trade_id = trailing(world)
    stop_id = f"{trade_id}_SL"
    world.house.change(stop_id, quantity=3)
    world.restart()
    world.trading.link_up()
    world.price(4005.0)
    world.pass_time(1, asks=False)
    assert (world.house.orders[stop_id].quantity, rests(world, trade_id)) == (3, 15_960)
    world.house.change(stop_id, quantity=2)
    world.pass_time(3)
    assert rests(world, trade_id) == 15_980


@pytest.mark.parametrize(("direction", "sign"), [("LONG", 1), ("SHORT", -1)])
def test_a_price_that_has_come_back_too_far_is_not_jumped_over(world, direction, sign):
    """A stop beyond the market is refused, or trades at once: it rests as close as it can."""
    trade_id = trailing(world, direction)
    world.price(4000.0 + sign * 20.0)
    world.price(4000.0 + sign * 8.0)
    world.pass_time(1.1)
    assert rests(world, trade_id) == 16_000 + sign * 31
    trades(world, 4000.0 + sign * 8.0)
    assert rests(world, trade_id) == 16_000 + sign * 31
    trades(world, 4000.0 + sign * 15.0)
    assert rests(world, trade_id) == 16_000 + sign * 40
