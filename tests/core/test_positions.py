"""Positions as users see and keep them."""

import math
import threading
from datetime import UTC, datetime

import pytest

from fillbridge.positions import OpenPositions, Position, PositionManager
from fillbridge_hooks import ExitReason

NOON = datetime(2024, 1, 10, 12, tzinfo=UTC)


def position(trade_id="T1", direction="LONG"):
    return Position(trade_id, NOON, 4000.0, 2, direction, 3990.0, 4010.0, "open")


@pytest.mark.parametrize(("direction", "mfe", "mae"), [("LONG", 3.0, -2.0), ("SHORT", 2.0, -3.0)])
def test_excursions_widen_by_each_price(direction, mfe, mae):
    one = position(direction=direction)
    assert (one.mfe, one.mae) == (0.0, 0.0)
    for price in (4001.0, 3998.0, 4003.0, 4000.0):
        one.update_excursions(price)
    assert (one.mfe, one.mae) == (mfe, mae)


def test_a_closed_position_moves_to_the_history():
    manager = PositionManager()
    manager.add_position(position())
    assert manager.get_position_count() == 1
    closed = manager.close_position("T1", 4010.0, NOON, ExitReason.TAKE_PROFIT)
    assert (closed.status, closed.exit_price, closed.exit_timestamp) == ("closed", 4010.0, NOON)
    assert manager.position_history == {"T1": closed}
    assert manager.get_position_count() == 0


def test_closing_what_is_not_open_answers_none():
    assert PositionManager().close_position("T9", 1.0, NOON, ExitReason.STOP_LOSS) is None


def test_open_positions_are_handed_out_as_a_copy():
    manager = PositionManager()
    manager.add_position(position())
    manager.get_open_positions().clear()
    assert manager.get_position_count() == 1


def test_threads_neither_lose_nor_double_a_position():
    manager = PositionManager()
    threads, each = 8, 200
    barrier = threading.Barrier(threads)
    closed = []

    def trade(number):
        barrier.wait()
        for index in range(each):
            manager.add_position(position(f"{number}-{index}"))
        for other in range(threads):  # all threads race to close each one
            for index in range(each):
                found = manager.close_position(
                    f"{other}-{index}", 4010.0, NOON, ExitReason.TAKE_PROFIT
                )
                if found is not None:
                    closed.append(found.trade_id)

    running = [threading.Thread(target=trade, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    for trade_id in tuple(manager.get_open_positions()):
        manager.close_position(trade_id, 4010.0, NOON, ExitReason.TAKE_PROFIT)
        closed.append(trade_id)
    assert len(closed) == len(set(closed)) == threads * each
    assert len(manager.position_history) == threads * each


# The positions of an engine


@pytest.fixture
def opened(account):
    made = account()
    return made, OpenPositions(made.state, lambda trade: (1.5, -0.5))


def test_a_pending_trade_shows_what_was_proposed(opened):
    made, positions = opened
    made.open(stop_loss_ticks=None, stop_loss_price=3990.0)
    one = positions["T1"]
    assert (one.status, one.size, one.entry_price) == ("pending", 0, 4000.0)
    assert one.stop_loss_price == 3990.0
    assert math.isnan(one.take_profit_price)
    assert (one.mfe, one.mae) == (0.0, 0.0)
    assert one.entry_order.status == "submitted"
    assert one.bracket_orders == []


def test_an_open_trade_shows_its_fills_and_its_orders(opened):
    made, positions = opened
    made.open(direction="SHORT", size=3)
    made.broker.fill("T1_ENTRY", 4000.0, 1)
    made.broker.fill("T1_ENTRY", 3999.0, 1)
    one = positions["T1"]
    assert (one.status, one.size, one.direction) == ("open", 2, "SHORT")
    assert one.entry_price == 3999.5
    assert (one.stop_loss_price, one.take_profit_price) == (4010.0, 3990.0)
    assert [order.internal_id for order in one.bracket_orders] == ["T1_SL", "T1_TP"]
    assert [order.size for order in one.bracket_orders] == [2, 2]
    assert (one.mfe, one.mae) == (1.5, -0.5)


def test_the_view_lives(opened):
    made, positions = opened
    assert len(positions) == 0
    made.open()
    made.open()
    assert list(positions) == ["T1", "T2"]
    made.broker.fill("T1_ENTRY", 4000.0)
    made.broker.fill("T1_TP", 4010.0)
    assert list(positions) == ["T2"]
    with pytest.raises(KeyError):
        positions["T1"]
