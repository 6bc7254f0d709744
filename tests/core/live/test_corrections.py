"""A trade that closes twice, or did not happen after all, is counted once, or not at all."""

import msgspec
import pytest

from fillbridge_hooks import TRADE_CLOSED, FillVoided


@pytest.fixture
def metadata(world):
    """What a bus is told beside each closed trade."""
    told = []

    async def publish(event_type, payload, **meta):
        if event_type == TRADE_CLOSED:
            told.append(meta["metadata"])

    world.bus.subscribe(TRADE_CLOSED, lambda event_type, payload: None)
    world.bus.publish = publish
    return told


def bust(world, fill):
    """The house takes a fill back."""
    world.house.fills.remove(fill)
    message = FillVoided(fill.client_order_id, fill.fill_id, "bust", world.clock.now_ns)
    world.trading.on_message(message)
    world.exchange()


def won(world):
    """A trade of two that ended at its target; its id and its fills."""
    trade_id = world.opened()
    entry = world.house.fills[-1]
    exit_fill = world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.exchange()
    return trade_id, entry, exit_fill


def counted(world):
    metrics = world.metrics
    return (
        metrics.trades_executed,
        metrics.trades_closed,
        metrics.winning_trades,
        metrics.losing_trades,
        metrics.contracts_filled,
    )


def test_the_second_result_of_a_trade_takes_the_place_of_the_first(world, metadata):
    trade_id, _, exit_fill = won(world)
    assert counted(world) == (1, 1, 1, 0, 2)
    bust(world, exit_fill)
    world.house.fill(f"{trade_id}_SL2", price=3990.0)
    world.exchange()
    assert [result.pnl_net for result in world.closed] == [1000.0, -1000.0]
    assert counted(world) == (1, 1, 0, 1, 2)
    assert world.metrics.orders_by_status["filled"] == 3  # the busted target as well
    assert world.state.counters.realised_cents == -100_000
    world.told()
    assert ["corrects" in one for one in metadata] == [False, True]
    assert metadata[1]["corrects"] is True


def test_a_round_trip_that_was_busted_whole_has_not_closed(world):
    _, entry, exit_fill = won(world)
    bust(world, exit_fill)
    bust(world, entry)
    world.pass_time(3)
    assert not world.state.trades
    assert world.metrics.trades_closed == world.metrics.winning_trades == 0
    assert world.metrics.contracts_filled == 0
    assert world.state.counters.realised_cents == 0


def test_what_was_counted_is_remembered_of_so_many_trades_alone(world, monkeypatch):
    monkeypatch.setattr("fillbridge.metrics.REMEMBERED_TRADES", 2)
    trades = [won(world) for _ in range(3)]
    assert len(world.metrics._counted) == 2
    world.metrics.forget_trade(trades[0][0])
    assert world.metrics.trades_closed == 3
    world.metrics.forget_trade(trades[2][0])
    assert world.metrics.trades_closed == 2


def test_a_fill_that_the_broker_stamps_days_ahead_does_not_roll_the_trade_date(world):
    trade_id = world.opened(proposal_id="p1")
    ends_ns = world.state.counters.trade_date_ends_ns
    fill = world.house.fill(f"{trade_id}_SL", price=3990.0)
    world.house.said.clear()
    ahead_ns = fill.time_ns + 3 * 86_400_000_000_000
    world.trading.on_message(msgspec.structs.replace(fill, time_ns=ahead_ns))
    world.exchange()
    (result,) = world.closed
    assert result.exit_time_ns == ahead_ns, "the result keeps what the broker said"
    counters = world.state.counters
    assert (counters.trade_date_ends_ns, counters.trades) == (ends_ns, 1)
    assert counters.realised_cents == -100_000
    assert world.state.proposed == {"p1": trade_id}
