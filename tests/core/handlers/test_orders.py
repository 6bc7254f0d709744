"""The orders that a handler still knows are found by either id."""

from types import SimpleNamespace

import pytest

from fillbridge.engine.state import EngineState
from fillbridge.handlers.orders import KnownOrders
from fillbridge_hooks import UnknownOrder


def trade(number):
    order = SimpleNamespace(client_order_id=f"T{number}_ENTRY")
    return SimpleNamespace(orders=[SimpleNamespace(order=order, broker_order_id=f"B{number}")])


class TooOld:
    """A trade that nobody should have to look at."""

    @property
    def orders(self):
        raise AssertionError("it was looked at")


@pytest.fixture
def known():
    state = EngineState()
    state.trades["T3"] = trade(3)
    known = KnownOrders(state)
    for one in (TooOld(), trade(1), trade(2)):
        known.keep(one)
    return known


@pytest.mark.parametrize("number", [1, 2, 3])
def test_what_is_open_or_ended_last_is_found_first(known, number):
    """With hundreds of thousands that ended, all else would take longer and longer."""
    for order_id in (f"B{number}", f"T{number}_ENTRY"):
        _, found = known.find(order_id)
        assert found.broker_order_id == f"B{number}"


def test_an_order_that_nobody_knows():
    known = KnownOrders(EngineState())
    known.keep(trade(1))
    with pytest.raises(UnknownOrder):
        known.find("B2")
