"""The wide collar around the prices of exits, and one exit, however often it is asked for."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.engine.messages import CloseRequested, ReplaceRequested
from fillbridge.live.collar import objection
from fillbridge.live.market import LiveMarket
from fillbridge.live.outbox import Change, Submission
from fillbridge_hooks import (
    ExitReason,
    Instrument,
    InvalidValue,
    KillLevel,
    Order,
    OrderRole,
    OrderStatus,
    OrderType,
    QuoteTick,
    Side,
    TradeTick,
    VirtualClock,
)

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50.0)
FLATTEN = KillLevel.FLATTEN


def refused(level, last=None, bid=None, ask=None, instrument=ES):
    market = LiveMarket(VirtualClock(0))
    market.open_market(instrument)
    if last is not None:
        market.on_trade(TradeTick(0, last, 1, "ES"))
    if bid is not None:
        market.on_quote(QuoteTick(0, bid, ask, 1, 1, "ES"))
    stop = Order("S", "T", OrderRole.STOP, instrument, Side.SELL, 1, OrderType.STOP, None, level)
    return objection(stop, market)


def stop(price):
    return {"stop_loss_price": price, "stop_loss_ticks": None}


def target(price):
    return {"take_profit_price": price, "take_profit_ticks": None}


# What passes


@given(st.integers(2_000, 100_000_000))
def test_a_fifth_of_the_price_passes_and_a_tick_more_does_not(ticks):
    price, away = ticks / 4, ticks // 5
    assert not refused(ticks + away, price)
    assert not refused(ticks - away, price)
    assert refused(ticks + away + 1, price)
    assert refused(ticks - away - 1, price)


@given(st.integers(-2_000, 2_000), st.integers(-400, 400))
def test_where_a_fifth_is_little_400_ticks_pass_and_one_more_does_not(ticks, away):
    assert bool(refused(ticks + away, ticks / 4)) is (ticks > 0 and ticks + away <= 0)
    assert refused(ticks + 401, ticks / 4)
    assert refused(ticks - 401, ticks / 4)


@given(st.integers(-(10**9), 10**9))
def test_where_nothing_is_known_of_the_market_nothing_is_refused(ticks):
    assert not refused(ticks)


def test_one_bad_print_among_good_prices_refuses_nothing():
    assert not refused(15_960, last=0.25, bid=3999.75, ask=4000.0)
    assert not refused(15_960, last=1e9, bid=3999.75, ask=4000.0)
    assert refused(15_960, last=0.25, bid=0.25, ask=0.5)


def test_it_says_what_was_expected():
    assert refused(1, 4000.0) == (
        "collar: expected a price above 0 within 20 % (or 400 ticks) of the market's 4000, was 0.25"
    )


def test_an_order_at_the_market_has_no_price_to_refuse():
    market = LiveMarket(VirtualClock(0))
    assert not objection(
        Order("S", "T", OrderRole.EXIT, ES, Side.SELL, 1, OrderType.MARKET), market
    )


# Proposals


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (stop(3199.75), "stop_loss_price"),
        (target(4800.25), "take_profit_price"),
        ({"stop_loss_ticks": 3_201}, "stop_loss_ticks"),
        ({"take_profit_ticks": 3_201}, "take_profit_ticks"),
    ],
)
def test_a_trade_whose_leg_could_not_be_placed_is_not_opened(world, fields, field):
    with pytest.raises(InvalidValue, match=rf"{field}.*within 20 %"):
        world.propose(**fields)
    assert not world.state.trades
    assert not world.trading.outbox.ready


@pytest.mark.parametrize(
    "fields",
    [
        {**stop(3200.0), **target(4800.0)},
        {"stop_loss_ticks": 3_200, "take_profit_ticks": 3_200},
    ],
)
def test_legs_at_the_edge_of_it_are_placed(world, fields):
    trade_id = world.opened(**fields)
    assert set(world.house.working()) == {f"{trade_id}_SL", f"{trade_id}_TP"}


def test_legs_of_an_entry_far_from_the_market_are_looked_at_from_there(world):
    far = {"entry_type": OrderType.LIMIT, "entry_limit_price": 3000.0}
    trade_id = world.propose(**stop(2990.0), **target(3010.0), **far)
    assert trade_id in world.state.trades


# Exits


def test_a_stop_that_is_refused_leaves_no_position_naked(world):
    trade_id = world.propose()
    world.exchange()
    world.price(5100.0)
    world.house.fill(f"{trade_id}_ENTRY")
    world.exchange()
    # Before any time has passed: the exit left in place of the stop.
    assert f"{trade_id}_SL" not in world.house.orders
    assert world.house.covered() == 2
    (exit_id,) = world.house.working()
    assert world.house.orders[exit_id].order_type is OrderType.MARKET
    assert any("collar: expected a price" in alarm for alarm in world.told())
    world.house.fill(exit_id, price=5100.0)
    world.exchange()
    assert world.house.held() == {}
    assert world.state.trades == {}


def test_a_stop_that_is_refused_is_the_same_after_a_restart(world):
    trade_id = world.propose()
    world.exchange()
    world.price(5100.0)
    world.house.fill(f"{trade_id}_ENTRY")
    world.exchange()
    world.restart()
    world.connect()
    assert world.state.trades[trade_id].stop.status is OrderStatus.REJECTED
    assert world.house.covered() == 2


def test_a_target_that_is_refused_leaves_the_stop(world):
    trade_id = world.propose(**target(4700.0))
    world.exchange()
    world.price(3900.0)
    world.house.fill(f"{trade_id}_ENTRY")
    world.pass_time(10)
    assert set(world.house.working()) == {f"{trade_id}_SL"}
    world.price(4000.0)
    world.pass_time(60)
    assert not [name for name in world.house.sent if "_EXIT" in name]


def test_legs_that_the_broker_keeps_are_looked_at_with_the_proposal(new_world):
    world = new_world(bracket=True)
    world.connect()
    with pytest.raises(InvalidValue, match="stop_loss_price"):
        world.propose(**stop(3000.0))


@pytest.mark.parametrize(("trigger", "passes"), [(12_800, True), (12_799, False), (-1, False)])
def test_a_stop_is_not_moved_to_where_nobody_meant_it(world, trigger, passes):
    stop = world.opened() + "_SL"
    message = ReplaceRequested(stop, None, trigger, world.clock.now_ns)
    if passes:
        assert world.trading.request(message)
    else:
        with pytest.raises(InvalidValue, match=r"trigger_price.*within 20 %"):
            world.trading.request(message)
    world.exchange()
    assert world.house.orders[stop].trigger_ticks == (trigger if passes else 15_960)
    assert world.house.covered() == 2


# One exit, however often it is asked for


def _close(world, trade_id):
    world.trading.request(CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, world.clock.now_ns))


def _kill(world, trade_id):
    world.trading.kill(FLATTEN, "fire", "ann")


def _wait(world, trade_id):
    world.pass_time(20)


def _reconnect(world):
    """Log in, and ask a few times; the gate may stay shut."""
    world.trading.link_up()
    world.pass_time(5)


def _restart(world, trade_id):
    world.restart()
    _reconnect(world)


def _cut(world, trade_id):
    world.cut()
    _reconnect(world)


ACTIONS = [_close, _kill, _wait, _restart, _cut]


def _is_exit(command):
    if isinstance(command, Submission):
        order = command.approved.order
        return order.role is not OrderRole.ENTRY and order.order_type is OrderType.MARKET
    return isinstance(command, Change) and command.change.order_type is OrderType.MARKET


@pytest.mark.parametrize("has_stop", [True, False], ids=["stop", "no stop"])
@pytest.mark.parametrize(
    "actions", list(product(ACTIONS, repeat=3)), ids=lambda one: "-".join(a.__name__ for a in one)
)
def test_a_position_is_sent_one_exit_however_often_it_is_closed(
    world, actions, has_stop, monkeypatch
):
    """It rests unfilled at the broker meanwhile, so that one too many would be seen."""
    sent, take = [], world.house.take
    monkeypatch.setattr(world.house, "take", lambda command: (sent.append(command), take(command)))
    if not has_stop:
        world.house.rejects.add("stop")
    trade_id = world.opened()
    world.house.rejects.clear()
    _close(world, trade_id)
    world.exchange()
    for action in actions:
        action(world, trade_id)
        world.exchange()
    assert len([command for command in sent if _is_exit(command)]) == 1
    at_market = [
        one for one in world.house.working().values() if one.order_type is OrderType.MARKET
    ]
    assert [one.quantity - one.filled for one in at_market] == [2]
