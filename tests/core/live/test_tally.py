"""What left against what was recorded."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.engine import EngineState
from fillbridge.engine.messages import CancelRequested, CancelSent, ReplaceRequested
from fillbridge.live import GateState
from fillbridge.live.tally import CANCEL, CHANGE, SUBMIT, Tally
from fillbridge_hooks import KillLevel

SECOND = 1_000_000_000
HALTED, OPEN = GateState.HALTED, GateState.OPEN
KINDS = [SUBMIT, CANCEL, CHANGE]


def settled(world):
    """Two looks, a second apart."""
    world.pass_time(2.1)
    return world.trading.gate


def test_a_life_of_a_trade_leaves_as_often_as_it_was_decided(world):
    trade_id = world.opened()
    stop = f"{trade_id}_SL"
    world.trading.request(ReplaceRequested(stop, None, 15_970, world.clock.now_ns))
    world.exchange()
    world.trading.kill(KillLevel.FLATTEN, "enough", "ann")
    world.exchange()
    world.house.fill(stop)
    world.exchange()
    assert settled(world).reasons() == ("halted: enough",)


@pytest.mark.parametrize("kind", KINDS)
def test_one_more_than_was_decided_stops_entries_until_a_person_resumes(world, kind):
    entry = world.propose() + "_ENTRY"
    world.exchange()
    world.trading.tally.left(entry, kind)
    gate = settled(world)
    assert gate.state is HALTED
    word, most, was = [
        ("submitted", 1, 2),
        ("cancelled", 0, 1),
        ("changed", 0, 1),
    ][kind]
    said = f"more left than was decided: {entry}: expected to be {word} at most {most} times"
    assert gate.reasons() == (f"halted: {said}, was {was}",)
    assert world.state.halted.by == "the tally"
    assert world.trading.kill_switch.level is KillLevel.PAUSE
    # It is told once: whoever resumes is not stopped by the same again.
    world.trading.resume("ann")
    assert settled(world).state is OPEN
    world.trading.tally.left(entry, kind)
    assert settled(world).state is HALTED


def test_an_order_that_nobody_recorded_stops_it(world):
    world.trading.tally.left("FBtest-1-9_ENTRY", SUBMIT)
    assert settled(world).state is HALTED


def test_what_protects_goes_on_leaving(world):
    trade_id = world.propose()
    world.exchange()
    world.trading.tally.left("X", SUBMIT)
    settled(world)
    world.house.fill(f"{trade_id}_ENTRY")
    world.exchange()
    assert world.house.covered() == 2


def test_a_cancel_that_is_asked_for_again_may_leave_again(world):
    entry = world.propose() + "_ENTRY"
    world.exchange()
    world.trading.request(CancelRequested(entry, "asked", world.clock.now_ns))
    world.trading.outbox.ready.clear()  # it looks sent, and never arrives
    world.trading.tally.left(entry, CANCEL)
    world.pass_time(20)
    assert not world.house.is_working(entry)
    assert settled(world).state is OPEN


def test_a_restart_counts_anew_and_stops_nothing(world):
    world.opened()
    world.restart()
    world.connect()
    assert settled(world).state is OPEN


# The counts alone


def cancel_sent(order_id):
    return CancelSent(order_id, "", 0)


@given(
    st.lists(st.tuples(st.sampled_from(["A", "B", "C"]), st.sampled_from(KINDS), st.booleans())),
)
def test_it_tells_exactly_what_left_more_often_than_it_may(steps):
    now = [0]
    tally = Tally(lambda: now[0])
    balance = {}
    for order_id, kind, leaves in steps:
        if leaves:
            tally.left(order_id, kind)
        else:
            tally.allow_again(order_id, kind)
        key = order_id, kind
        balance[key] = balance.get(key, 0) + (1 if leaves else -1)
    found = tally.look(EngineState())
    assert bool(found) is any(more > 0 for more in balance.values())
    now[0] = SECOND
    assert tally.look(EngineState()) == ""


def test_it_looks_once_a_second():
    now = [0]
    tally = Tally(lambda: now[0])
    assert tally.look(EngineState()) == ""
    tally.left("A", CANCEL)
    now[0] = SECOND - 1
    assert tally.look(EngineState()) == ""
    now[0] = SECOND
    assert tally.look(EngineState())


def test_orders_that_are_known_no_more_are_forgotten_after_ten_minutes():
    now = [0]
    tally = Tally(lambda: now[0])
    tally.allow([cancel_sent("A")])
    now[0] = 600 * SECOND - 1
    tally.look(EngineState())
    tally.left("A", CANCEL)  # as late as that it may still leave
    now[0] += SECOND
    assert tally.look(EngineState()) == ""
    now[0] += 600 * SECOND
    tally.look(EngineState())
    assert not tally._intents


def test_of_many_the_first_are_told():
    tally = Tally(lambda: 0)
    for number in range(8):
        tally.left(f"A{number}", SUBMIT)
    found = tally.look(EngineState())
    assert found.count("expected") == 5
    assert found.endswith("; and 3 more")


def test_what_has_left_is_not_remembered_and_still_leaves_but_once():
    now = [0]
    tally = Tally(lambda: now[0])
    for number in range(3):
        tally.allow_again(f"A{number}", SUBMIT)
        tally.left(f"A{number}", SUBMIT)
    assert tally.look(EngineState()) == ""
    assert not tally._intents
    tally.left("A1", SUBMIT)
    now[0] = SECOND
    assert "A1: expected to be submitted at most 0 times, was 1" in tally.look(EngineState())
