"""A plugin may change an entry before it is judged, within bounds."""

import msgspec
import pytest

from fillbridge_hooks import (
    OrderRefused,
    OrderType,
    Side,
)


def refusal(account, **fields):
    with pytest.raises(OrderRefused) as caught:
        account.open(**fields)
    return [str(one) for one in caught.value.refusals]


def prepared(order, **changes):
    return msgspec.structs.replace(order, **changes)


def test_a_prepared_order_is_the_one_that_is_judged_and_sent(account):
    judged = []

    def half(order, market):
        return prepared(order, quantity=order.quantity // 2)

    def limit(order, market):
        ticks = order.instrument.to_ticks(market.last)
        return prepared(order, order_type=OrderType.LIMIT, limit_ticks=ticks)

    def nothing(order, market):
        return None

    def check(order, exposure, market, context):
        judged.append((order.quantity, order.order_type))

    made = account(prepare=[half, nothing, limit], checks=[check])
    made.open(size=4)
    assert judged == [(2, OrderType.LIMIT)]
    sent = made.broker.approved["T1_ENTRY"].order
    assert (sent.quantity, sent.limit_ticks) == (2, 16_000)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda order: 1 / 0, "a prepared order, was ZeroDivisionError: division by zero"),
        (lambda order: "x", "an Order or None, was 'x'"),
        (lambda order: prepared(order, side=Side.SELL), "an unchanged side, was"),
        (lambda order: prepared(order, trade_id="X"), "an unchanged trade_id, was 'X'"),
        (lambda order: prepared(order, quantity=0), "a quantity >= 1, was 0"),
        (lambda order: prepared(order, quantity=1.5), "a quantity >= 1, was 1.5"),
        (
            lambda order: prepared(order, order_type=OrderType.LIMIT),
            "the prices of a limit order and no other, was limit None, trigger None",
        ),
        (
            lambda order: prepared(order, trigger_ticks=5),
            "the prices of a market order and no other, was limit None, trigger 5",
        ),
        (
            lambda order: prepared(order, order_type=OrderType.TRAILING_STOP, trigger_ticks=5),
            "the prices of a trailing_stop order and no other",
        ),
    ],
)
def test_a_plugin_that_breaks_an_order_refuses_it(account, change, sentence):
    def theirs(order, market):
        return change(order)

    made = account(prepare=[theirs])
    (said,) = refusal(made)
    assert said.startswith(f"theirs: expected {sentence}")
    assert made.broker.submitted == []
    assert made.state.trades == {}
