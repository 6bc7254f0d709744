"""A second's worth of orders may leave at once, and no more."""

from hypothesis import given
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
    pauses=st.lists(st.integers(-SECOND, 2 * SECOND), min_size=1, max_size=200),
)
def test_never_more_than_the_rate_and_a_second_ahead(rate, pauses):
    throttle, now_ns, latest_ns, allowed = Throttle(rate), SECOND, SECOND, 0
    for pause in pauses:
        now_ns += pause
        latest_ns = max(latest_ns, now_ns)
        allowed += throttle.allows(now_ns)
    assert allowed <= rate * (1 + (latest_ns - SECOND) / SECOND)
