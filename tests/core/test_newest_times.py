from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.newest_times import NewestTimes


@given(st.lists(st.integers(0, 30)), st.integers(-1, 31), st.integers(1, 8))
def test_the_newest_of_those_that_are_late_enough_are_shown(times, since_ns, most):
    times.sort()
    expected = [one for one in reversed(times) if one > since_ns][:most]

    shown = NewestTimes(deque(times), since_ns, most)

    assert list(shown) == expected
    assert len(shown) == len(expected)
    assert [shown[place] for place in range(len(shown))] == expected
    assert [shown[-1 - place] for place in range(len(shown))] == expected[::-1]
    assert shown[1:3] == tuple(expected[1:3])


@pytest.mark.parametrize("place", [2, -3])
def test_nothing_is_shown_beyond_them(place):
    shown = NewestTimes(deque([1, 2, 3]), 1, 5)

    with pytest.raises(IndexError):
        shown[place]


def test_none_of_none():
    assert list(NewestTimes(deque(), 0, 5)) == []
