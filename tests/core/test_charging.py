"""Fills are charged by the chosen model, which may fail."""

import anyio
import pytest

from fillbridge.engine.messages import FillBooked
from fillbridge_hooks import (
    Fill,
    Liquidity,
)


def test_a_commission_is_rounded_to_the_cent_fill_by_fill(account):
    made = account(commission=lambda fill, instrument: 1.005 * fill.quantity)
    trade_id = made.open(size=2)
    made.broker.fill(f"{trade_id}_ENTRY", 4000.0, 1)
    made.broker.fill(f"{trade_id}_ENTRY", 4000.0, 1)
    made.broker.fill(f"{trade_id}_TP", 4010.0)
    assert made.closed[0].commission == 1.0 + 1.0 + 2.01


@pytest.mark.parametrize(
    ("charge", "cause"),
    [
        (lambda: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda: float("nan"), "InvalidValue: commission: expected a finite number, was nan"),
        (lambda: float("inf"), "InvalidValue: commission: expected a finite number, was inf"),
        (lambda: "free", "TypeError"),
        (lambda: None, "TypeError"),
    ],
)
def test_a_commission_model_that_fails_leaves_the_fill_and_alarms(account, charge, cause):
    errors = []
    made = account(commission=lambda fill, instrument: charge())
    made.bus.subscribe("EXECUTION_ERROR", lambda kind, payload: errors.append(payload))
    result = made.trade()
    assert (result.pnl_net, result.commission, result.cost_complete) == (1000.0, 0.0, False)
    charges = [event.commission_cents for event in made.recorded if type(event) is FillBooked]
    assert charges == [None, None]
    anyio.run(made.publisher.drain)
    said = f"commission model 'theirs' failed on fill F2, its cost is unknown: {cause}"
    assert errors[0]["error"].startswith(said)
    assert errors[0]["proposal"].position_size == 2
    assert len(errors) == 2


def test_a_fill_of_an_order_that_nobody_knows_is_recorded_and_alarms(account):
    made = account(commission=lambda fill, instrument: 1 / 0)
    stray = Fill("F9", "X", "B9", 1, 1, 4000.0, 16_000, 0.0, "", Liquidity.TAKER, made.broker.now)
    made.broker.report(stray)
    assert [event.reason for event in made.recorded] == ["no such order is known"]
