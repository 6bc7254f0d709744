"""A second's worth of orders may leave at once, and no more."""

from itertools import accumulate

from hypothesis import example, given
from hypothesis import strategies as st

from fillbridge_rithmic.throttle import Throttle

SECOND = 1_000_000_000


def test_what_is_left_over_comes_back_with_time():
    throttle = Throttle(2)
    assert [throttle.allows(SECOND) for _ in range(3)] == [True, True, False]
    assert not throttle.allows(SECOND + SECOND // 4)
    assert throttle.allows(SECOND + SECOND // 2)


def test_a_rate_below_one_still_lets_one_leave():
    throttle = Throttle(0.5)
    assert [throttle.allows(SECOND * at) for at in (1, 2, 3, 4, 5)] == [
        True,
        False,
        True,
        False,
        True,
    ]


@given(
    rate=st.integers(1, 20),
    pauses=st.lists(st.just(0) | st.integers(-SECOND, 2 * SECOND), max_size=200),
)
@example(rate=1, pauses=[-1, SECOND])
def test_never_more_than_the_rate_and_a_second_ahead(rate, pauses):
    throttle = Throttle(rate)
    times = list(accumulate(pauses, initial=10 * SECOND))
    allowed = sum(map(throttle.allows, times))
    assert allowed <= rate * (1 + (max(times) - times[0]) / SECOND) + 1e-6
