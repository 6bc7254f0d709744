"""What a live fill is measured against."""

import msgspec
import pytest

from fillbridge.live.fills import at_reference
from fillbridge_hooks import (
    ArrivalPrice,
    Fill,
    Instrument,
    Liquidity,
    Order,
    OrderRole,
    OrderType,
    Side,
)

ES = Instrument(symbol="ES", tick_size=0.25, point_value=50.0)
ARRIVAL = ArrivalPrice(bid=4000.0, ask=4000.25)


def order(role, side, kind=OrderType.MARKET, *, limit=None, trigger=None, arrival=ARRIVAL):
    return Order("X", "T1", role, ES, side, 2, kind, limit, trigger, arrival=arrival)


def filled(price, step=""):
    return Fill("F1", "X", "B1", 2, 2, price, 0, 0.0, "", Liquidity.TAKER, 1, step)


ENTRY, STOP, TARGET, EXIT = OrderRole.ENTRY, OrderRole.STOP, OrderRole.TARGET, OrderRole.EXIT
BUY, SELL = Side.BUY, Side.SELL


@pytest.mark.parametrize(
    ("order", "price", "reference_ticks", "slippage"),
    [
        (order(ENTRY, BUY), 4000.5, 16_000.5, 0.375),
        (order(ENTRY, SELL), 4000.0, 16_000.5, 0.125),
        (order(ENTRY, BUY), 4000.0, 16_000.5, -0.125),
        (order(ENTRY, BUY, arrival=ArrivalPrice(last=4000.0)), 4000.25, 16_000, 0.25),
        (order(ENTRY, BUY, arrival=ArrivalPrice()), 4000.25, 16_001, 0.0),
        (order(ENTRY, BUY, arrival=None), 4000.25, 16_001, 0.0),
        (order(STOP, SELL, OrderType.STOP, trigger=15_960), 3989.5, 15_960, 0.5),
        (order(STOP, BUY, OrderType.STOP, trigger=16_040), 4010.0, 16_040, 0.0),
        (order(STOP, SELL, OrderType.STOP_LIMIT, limit=15_950, trigger=15_960), 3990, 15_960, 0),
        (order(STOP, SELL, OrderType.TRAILING_STOP, trigger=15_960), 3989.75, 15_960, 0.25),
        # A stop that was turned into the exit has no trigger: it is taken as it traded.
        (order(STOP, SELL), 3995.0, 15_980, 0.0),
        (order(EXIT, SELL), 3995.0, 15_980, 0.0),
        (order(TARGET, SELL, OrderType.LIMIT, limit=16_040), 4010.25, 16_041, 0.0),
        # A price between two ticks, as brokers tell of averages.
        (order(EXIT, SELL), 3995.125, 15_980.5, 0.0),
    ],
)
def test_a_fill_is_measured_against(order, price, reference_ticks, slippage):
    made = at_reference(filled(price), order)
    assert made.reference_ticks == reference_ticks
    assert made.slippage == pytest.approx(slippage, abs=1e-9)
    assert made.slippage_model == "measured"
    assert made.price == price


def test_the_price_is_the_reference_and_the_slippage():
    for side in (BUY, SELL):
        made = at_reference(filled(4001.75), order(ENTRY, side))
        price = ES.to_price(made.reference_ticks) + side.sign * made.slippage
        assert price == pytest.approx(4001.75, abs=1e-9)


def test_a_simulated_fill_stays_as_it_is():
    simulated = filled(4000.5, step="trade")
    assert at_reference(simulated, order(ENTRY, BUY)) is simulated


def test_nothing_else_of_a_fill_changes():
    made = at_reference(filled(4000.5), order(ENTRY, BUY))
    fields = ("reference_ticks", "slippage", "slippage_model")
    original = filled(4000.5)
    same = {name: getattr(original, name) for name in fields}
    assert msgspec.structs.replace(made, **same) == original
