"""Numbers that NautilusTrader publishes in its own tests (LGPL-3.0; none of its code).

``tests/unit_tests/backtest/test_exchange_margin.py`` and ``test_matching_engine.py``.
"""

import pytest

BAR = (90.020, 90.030, 90.010, 90.015)
VOLUME = 20_000

STOPS = [
    ("LONG", 90.015, (90.005, 90.020, 90.000, 90.018), 90.015),
    ("LONG", 90.015, (90.025, 90.030, 90.020, 90.028), 90.025),  # gapped over: the open
    ("SHORT", 89.985, (89.995, 90.000, 89.980, 89.982), 89.985),
    ("SHORT", 89.985, (89.975, 89.980, 89.970, 89.972), 89.975),
]


def enter(run, direction, size=1, **terms):
    stop, target = (80, 100) if direction == "LONG" else (100, 80)
    return run.enter(direction, stop, target, size, **terms)


@pytest.mark.parametrize(("direction", "stop", "bar", "price"), STOPS)
def test_stop_market_fills_at_its_trigger_or_at_the_gap(backtest, direction, stop, bar, price):
    run = backtest(tick_size=0.001)
    run.flat(90.000)
    enter(run, direction, entry_type="stop", entry_trigger_price=stop)

    run.bar(*bar)

    assert run.fills == [(1, price)]


@pytest.mark.parametrize(
    ("bar_path", "order"),
    [
        ("nearest", [90.010, 90.030]),  # adaptive ordering
        ("open-high-low-close", [90.030, 90.010]),  # the default
    ],
)
def test_adaptive_ordering_takes_the_nearer_extreme_first(backtest, bar_path, order):
    run = backtest(tick_size=0.001, bar_path=bar_path)
    run.flat(90.012)
    enter(run, "LONG", entry_type="stop", entry_trigger_price=90.030)
    enter(run, "SHORT", entry_type="stop", entry_trigger_price=90.010)

    run.bar(90.012, 90.030, 90.010, 90.015)

    assert [price for _, price in run.fills] == order


def test_a_limit_takes_its_share_of_each_bar(backtest):
    """A quarter of the bar's volume fills at the limit, the rest with the next bar's."""
    run = backtest(tick_size=0.001, volume_share=0.25)
    run.flat(90.020)
    enter(run, "LONG", 10_000, entry_type="limit", entry_limit_price=90.012)

    run.bar(*BAR, VOLUME)
    assert run.fills == [(5_000, 90.012)]

    run.bar(*BAR, VOLUME)
    assert run.fills == [(5_000, 90.012), (5_000, 90.012)]


def test_a_market_order_larger_than_the_share_waits_for_the_next_bar(backtest):
    """NautilusTrader fills 5000 at 90.015 and the rest at once, one tick worse (90.016).

    We wait for the next bar's volume: a tick is not the price of size, a slippage model is.
    """
    run = backtest(tick_size=0.001, volume_share=0.25, market_entry="on_close")
    run.bar(*BAR, VOLUME)
    enter(run, "LONG", 10_000)
    assert run.fills == [(5_000, 90.015)]

    run.bar(90.017, 90.020, 90.015, 90.018, VOLUME)
    assert run.fills == [(5_000, 90.015), (5_000, 90.017)]
