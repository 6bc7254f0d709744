"""The range of prices within ten seconds is that of all of them, whatever is kept."""

from hypothesis import given
from hypothesis import strategies as st

from fillbridge.live.moves import Moves

SECOND = 1_000_000_000
STEPS = st.lists(st.tuples(st.integers(0, 4 * SECOND), st.integers(-50, 50)), max_size=60)


@given(steps=STEPS, wait_ns=st.integers(0, 12 * SECOND))
def test_it_is_the_range_of_the_window(steps, wait_ns):
    moves, now, prices = Moves(), 0, []
    for step, ticks in steps:
        now += step
        moves.on_price("ES", ticks, now)
        prices.append((now, ticks))
        inside = [price for time_ns, price in prices if time_ns >= now - 10 * SECOND]
        assert moves.view(now) == {"ES": max(inside) - min(inside)}
    now += wait_ns
    inside = [price for time_ns, price in prices if time_ns >= now - 10 * SECOND]
    expected = {"ES": float(max(inside) - min(inside)) if inside else None} if prices else {}
    assert moves.view(now) == expected


def test_each_symbol_has_its_own():
    moves = Moves()
    moves.on_price("ES", 1, 0)
    moves.on_price("NQ", 5, 0)
    moves.on_price("NQ", 9, 1)
    assert moves.view(2) == {"ES": 0.0, "NQ": 4.0}
