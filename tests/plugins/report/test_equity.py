"""The equity curve and its drawdown, against a plain loop."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_report.equity import equity_curve

CLOSED = st.lists(
    st.tuples(st.integers(1, 40), st.integers(-100_000, 100_000)), min_size=1, max_size=60
)
"""Exit time and net PnL in cents, in the order of the file."""


def curve_of(closed, drawn_limit):
    exits, cents = zip(*closed, strict=True)
    return equity_curve(0, pa.array(exits, pa.int64()), pa.array(cents, pa.int64()), drawn_limit)


def plain_loop(closed):
    points = [(0, 0, 0)]
    equity = peak = 0
    for time_ns, cents in sorted(closed, key=lambda trade: trade[0]):
        equity += cents
        peak = max(peak, equity)
        points.append((time_ns, equity, equity - peak))
    return points


@given(CLOSED)
def test_drawdown_is_that_of_a_plain_loop(closed):
    curve = curve_of(closed, drawn_limit=1000)
    points = plain_loop(closed)
    drawn = list(zip(curve.times_ns, curve.equity, curve.drawdown, strict=True))
    assert drawn == points
    assert curve.maximum_drawdown == -min(drawdown for _, _, drawdown in points)


@given(CLOSED, st.integers(4, 20))
def test_thinning_keeps_extremes_and_end_and_every_figure(closed, drawn_limit):
    curve = curve_of(closed, drawn_limit)
    points = plain_loop(closed)
    drawn = list(zip(curve.times_ns, curve.equity, curve.drawdown, strict=True))
    assert len(drawn) <= drawn_limit + 1
    remaining = iter(points)
    assert all(point in remaining for point in drawn)  # a subsequence
    assert drawn[-1] == points[-1]
    for column in (1, 2):
        assert min(point[column] for point in drawn) == min(point[column] for point in points)
    assert max(curve.equity) == max(equity for _, equity, _ in points)
    assert curve.maximum_drawdown == -min(drawdown for _, _, drawdown in points)


def test_a_first_loss_is_a_drawdown_from_nothing():
    assert curve_of([(5, -250)], 100).maximum_drawdown == 250


def test_the_deepest_drawdown_is_drawn_even_where_equity_was_lower_before():
    closed = list(enumerate([10, 50, 40, -30, 60], start=1))
    curve = curve_of(closed, drawn_limit=4)
    assert curve.equity == [0, 10, 70, 130]
    assert curve.drawdown == [0, 0, -30, 0]
