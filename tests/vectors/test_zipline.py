"""Numbers that zipline publishes in its own tests (Apache-2.0): ``tests/finance/test_slippage.py``.

Its volume share is our ``volume_share`` with a slippage model of a few lines.
"""

import pytest


def volume_impact(most, impact):
    """zipline's price impact: quadratic in the share of the volume, which has a bound."""

    def slippage(order, market):
        share = min(order.quantity / market.volume, most)
        return market.last * impact * share**2

    return slippage


LIMIT_36 = {"entry_type": "limit", "entry_limit_price": 3.6}
LIMIT_34 = {"entry_type": "limit", "entry_limit_price": 3.4}
STOP = {"entry_type": "stop", "entry_trigger_price": 3.5}
SHARES = [
    pytest.param(3.0, 200, "LONG", {}, (5, 3.0001875), id="market"),
    pytest.param(3.5, 2000, "LONG", LIMIT_36, (50, 3.50021875), id="buy limit"),
    pytest.param(3.5, 2000, "SHORT", LIMIT_34, (50, 3.49978125), id="sell limit"),
    pytest.param(4.0, 2000, "LONG", STOP, (50, 4.00025), id="buy stop"),
    pytest.param(3.0, 2000, "SHORT", STOP, (50, 2.9998125), id="sell stop"),
]


@pytest.mark.parametrize(("price", "volume", "direction", "entry", "fill"), SHARES)
def test_volume_share(backtest, price, volume, direction, entry, fill):
    run = backtest(tick_size=0.1, slippage=volume_impact(0.025, 0.1), volume_share=0.025)
    run.flat(price)
    run.enter(direction, *((0.1, 9) if direction == "LONG" else (9, 0.1)), size=100, **entry)

    run.flat(price, volume)

    ((quantity, paid),) = run.fills
    assert (quantity, pytest.approx(paid, rel=1e-12)) == fill


def test_future_volume_share(backtest):
    run = backtest(tick_size=0.1, slippage=volume_impact(1, 0.3), volume_share=1)
    run.flat(5)
    run.enter("LONG", 0.1, 9, size=10)

    run.flat(5, volume=100)

    ((quantity, paid),) = run.fills
    assert (quantity, pytest.approx(paid, rel=1e-12)) == (10, 5.015)


def test_an_order_that_comes_worse_than_its_limit_is_bounded_by_it(backtest):
    """zipline does not fill it in this bar; ours fills at the limit, which the market is within."""
    run = backtest(tick_size=0.1, slippage=lambda order, market: 0.5, volume_share=0.025)
    run.flat(3.5)
    run.enter("LONG", 0.1, 9, size=100, **LIMIT_36)

    run.flat(3.5, volume=2000)

    assert run.fills == [(50, 3.6)]


def test_stops_and_limits_see_more_than_the_close(backtest):
    """zipline looks at closes only; a bar that reaches the stop and comes back fills ours."""
    run = backtest(tick_size=0.1)
    run.flat(3.0)
    run.enter("LONG", 0.1, 9, **STOP)

    run.bar(3.0, 3.5, 3.0, 3.0)

    assert run.fills == [(1, 3.5)]
