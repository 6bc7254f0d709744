"""What is sent is held until it is recorded, and leaves in its order."""

import pytest

from fillbridge.live.market import LiveMarket
from fillbridge.live.outbox import Cancellation, Change, Outbox, Submission
from fillbridge_hooks import (
    ApprovedOrder,
    Order,
    OrderRole,
    OrderType,
    Permit,
    Replacement,
    Side,
    VirtualClock,
)


@pytest.fixture
def clock():
    return VirtualClock(1_000)


@pytest.fixture
def outbox(clock):
    return Outbox(LiveMarket(clock))


@pytest.fixture
def approved(instruments):
    order = Order("T1_ENTRY", "T1", OrderRole.ENTRY, instruments["ES"], Side.BUY, 2, "market")
    return ApprovedOrder(order, Permit())


CHANGE = Replacement("T1_SL", 3, OrderType.STOP, None, 15_960)


def test_nothing_leaves_before_it_is_released_and_then_in_order(outbox, approved):
    outbox.submit(approved)
    outbox.replace(CHANGE)
    outbox.cancel("T1_TP")
    outbox.repeat(Cancellation("T0_TP"))
    assert not outbox.ready
    outbox.release()
    assert [type(one) for one in outbox.ready] == [Submission, Change, Cancellation, Cancellation]
    ids = [one.client_order_id for one in outbox.ready]
    assert ids == ["T1_ENTRY", "T1_SL", "T1_TP", "T0_TP"]


def test_what_was_released_is_not_released_again(outbox):
    outbox.cancel("T1_TP")
    outbox.release()
    outbox.cancel("T2_TP")
    outbox.release()
    assert [one.client_order_id for one in outbox.ready] == ["T1_TP", "T2_TP"]


def test_a_submission_knows_when_and_under_which_gate_it_was_judged(outbox, clock, approved):
    outbox.gate_version = 7
    clock.advance_to(2_000)
    outbox.submit(approved)
    clock.advance_to(3_000)
    outbox.release()
    (submission,) = outbox.ready
    assert submission == Submission(approved, 2_000, 7)


def test_what_could_not_be_recorded_is_taken_back(outbox, approved):
    outbox.cancel("T1_TP")
    outbox.release()
    outbox.submit(approved)
    assert [one.client_order_id for one in outbox.take_held()] == ["T1_ENTRY"]
    outbox.release()
    assert [one.client_order_id for one in outbox.ready] == ["T1_TP"]


def test_it_is_a_desk_with_the_markets_prices(outbox, instruments):
    watch = outbox.open_market(instruments["ES"])
    assert outbox.open_market(instruments["ES"]) is watch
    assert outbox.market("ES").symbol == "ES"
