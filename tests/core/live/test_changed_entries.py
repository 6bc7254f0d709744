"""New terms of an entry are judged as if it was proposed with them."""

import pytest

from fillbridge.engine.messages import ReplaceRequested
from fillbridge.live.tally import CHANGE
from fillbridge_hooks import Hold, OrderRefused, OrderRole, OrderType, Refuse

LIMIT = {"entry_type": OrderType.LIMIT, "entry_limit_price": 3999.0}
seen: list[tuple[int, int, int]] = []


def collar(order, exposure, market, context):
    if order.role is not OrderRole.ENTRY:
        raise AssertionError("exits are never asked about")
    seen.append((order.limit_ticks, exposure.worst_long, context.trades_today))
    if order.limit_ticks > 16_000:
        return Refuse(check="collar", limit="<= 16000", value=str(order.limit_ticks))
    if order.limit_ticks == 15_990:
        return Hold(check="collar", reason="a round number")
    return None


@pytest.fixture
def world(new_world):
    seen.clear()
    made = new_world(checks=(collar,))
    made.connect()
    return made


def resting(world):
    entry = world.propose(**LIMIT) + "_ENTRY"
    world.exchange()
    return entry


def move(world, order_id, limit, trigger=None):
    message = ReplaceRequested(order_id, limit, trigger, world.clock.now_ns)
    done = world.trading.request(message)
    world.exchange()
    return done


def test_terms_that_a_check_refuses_are_not_asked_for(world):
    entry = resting(world)
    with pytest.raises(OrderRefused, match="expected <= 16000, was 16001"):
        move(world, entry, 16_001)
    world.exchange()
    assert world.house.orders[entry].limit_ticks == 15_996
    assert move(world, entry, 16_000)
    assert world.house.orders[entry].limit_ticks == 16_000


def test_a_change_waits_for_no_approval(world):
    entry = resting(world)
    with pytest.raises(OrderRefused, match="a round number"):
        move(world, entry, 15_990)
    assert world.house.orders[entry].limit_ticks == 15_996


def test_the_entry_does_not_stand_in_its_own_way(world):
    entry = resting(world)
    move(world, entry, 15_998)
    assert seen[-1] == (15_998, 0, 0)


def test_an_entry_stays_where_it_is_while_none_may_leave(world):
    entry = resting(world)
    world.trading.halt("news", "me")
    with pytest.raises(OrderRefused, match="news"):
        move(world, entry, 15_998)
    assert world.house.orders[entry].limit_ticks == 15_996


def suspend(world):
    with world.trading._account.recorded():
        world.trading.watches._suspend("test", "a", "3 stop-outs")


STOPS = {
    "a stop": lambda world: world.trading.halt("news", "me"),
    "a suspension": suspend,
}


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("is_lost", [False, True])
def test_a_change_that_was_asked_for_before_a_stop_does_not_leave_after_it(world, stop, is_lost):
    entry = world.propose(**LIMIT, strategy="a") + "_ENTRY"
    world.exchange()
    world.trading.request(ReplaceRequested(entry, 15_999, None, world.clock.now_ns))
    if is_lost:  # it looks sent, and never arrives: the answers of the broker have it repeated
        world.trading.outbox.ready.clear()
        world.trading.tally.left(entry, CHANGE)
    STOPS[stop](world)
    world.pass_time(20)
    assert world.house.orders[entry].limit_ticks == 15_996
    # It is given up, so that nobody asks for it again and again.
    assert world.state.orders[entry][1].requested is None
    world.trading.resume("me")
    world.trading.watches.resume("a", "me")
    world.pass_time(20)
    assert world.house.orders[entry].limit_ticks == 15_996
    assert move(world, entry, 15_998)


def test_a_change_is_repeated_where_nothing_is_stopped(world):
    entry = resting(world)
    world.trading.request(ReplaceRequested(entry, 15_999, None, world.clock.now_ns))
    world.cut()
    world.connect()
    world.pass_time(20)
    assert world.house.orders[entry].limit_ticks == 15_999


def test_exits_move_while_no_entry_may_leave(world):
    trade_id = resting(world).removesuffix("_ENTRY")
    world.house.fill(f"{trade_id}_ENTRY")
    world.exchange()
    world.trading.halt("news", "me")
    asked = len(seen)
    assert move(world, f"{trade_id}_SL", None, 15_970)
    assert world.house.orders[f"{trade_id}_SL"].trigger_ticks == 15_970
    assert len(seen) == asked


def test_what_is_not_known_is_not_judged(world):
    assert not move(world, "T9_ENTRY", 20_000)
