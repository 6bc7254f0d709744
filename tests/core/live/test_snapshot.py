"""The answers to one round of questions, put together."""

import pytest

from fillbridge.live import BrokerSnapshot
from fillbridge_hooks import BrokerOrder, BrokerPosition, OrderStatus, OrderType, Side

WORKING, PARTIAL, DONE = OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILLED, OrderStatus.FILLED


def order(name, status=WORKING, filled=0, time_ns=1, broker_id="B1"):
    return BrokerOrder(
        client_order_id=name,
        broker_order_id=broker_id,
        symbol="ES",
        side=Side.BUY,
        quantity=2,
        filled=filled,
        status=status,
        order_type=OrderType.MARKET,
        time_ns=time_ns,
    )


def snapshot(working=(), today=(), positions=()):
    return BrokerSnapshot(
        asked_ns=5,
        fills_since_ns=0,
        working=tuple(working),
        today=tuple(today),
        fills=(),
        positions=tuple(positions),
    )


@pytest.mark.parametrize(
    ("first", "second", "counts"),
    [
        (order("A"), order("A"), WORKING),
        (order("A"), order("A", DONE, 2, 2), DONE),
        (order("A", DONE, 2, 2), order("A"), DONE),
        # Within one nanosecond, what filled more is what happened later.
        (order("A"), order("A", PARTIAL, 1), PARTIAL),
        (order("A", PARTIAL, 1), order("A"), PARTIAL),
    ],
)
def test_an_order_in_both_answers_counts_once_as_it_was_last(first, second, counts):
    (found,) = snapshot([first], [second]).orders()["A"]
    assert found.status is counts


def test_an_order_in_one_answer_counts():
    found = snapshot([order("A")], [order("B", DONE)]).orders()
    assert set(found) == {"A", "B"}


def test_two_orders_of_one_id_are_both_found():
    found = snapshot([order("A"), order("A", broker_id="B2")]).orders()
    assert [one.broker_order_id for one in found["A"]] == ["B1", "B2"]


def test_what_is_held_is_told_by_symbol():
    positions = (
        BrokerPosition(symbol="ES", quantity=2),
        BrokerPosition(symbol="NQ", quantity=-1),
    )
    assert snapshot(positions=positions).held() == {"ES": 2, "NQ": -1}
