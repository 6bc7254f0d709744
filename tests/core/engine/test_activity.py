"""What is remembered of an account's activity is bounded, and right within its window."""

from hypothesis import given
from hypothesis import strategies as st

from fillbridge.engine.activity import (
    Activity,
    StrategyActivity,
    begin_trade_date,
    count_entry,
    count_fill,
    count_message,
    count_reject,
    count_result,
    resume,
    suspend,
    within,
)

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND


@given(st.lists(st.integers(0, 200 * SECOND), max_size=50))
def test_times_are_counted_within_ten_minutes(steps):
    activity, now, all_times = Activity(), START, []
    for step in steps:
        now += step
        count_entry(activity, "a", now)
        count_fill(activity, now)
        all_times.append(now)
        expected = sum(time_ns > now - 600 * SECOND for time_ns in all_times)
        assert within(activity.strategies["a"].entry_times, now - 600 * SECOND) == expected
        assert within(activity.fill_times, now - 600 * SECOND) == expected
    assert all(one > now - 600 * SECOND for one in activity.fill_times)


@given(st.lists(st.integers(-SECOND, 200 * SECOND), max_size=80))
def test_messages_are_counted_to_ten_seconds(steps):
    activity, now, all_times = Activity(), START, []
    for step in steps:
        now += step
        count_message(activity, now)
        all_times.append(now)
    latest = max(all_times, default=START)
    counted = sum(count for slot, count in activity.messages if slot > latest - 600 * SECOND)
    sure = sum(latest - 589 * SECOND < one for one in all_times)
    possible = sum(latest - 611 * SECOND < one for one in all_times)
    assert sure <= counted <= possible
    assert len(activity.messages) <= 62


def test_rejects_are_those_of_a_minute_and_no_more_than_a_hundred():
    activity = Activity()
    for number in range(300):
        count_reject(activity, START + number, f"r{number}")
    assert len(activity.rejects) == 100
    count_reject(activity, START + 61 * SECOND, "last")
    assert list(activity.rejects) == [(START + 61 * SECOND, "last")]


def test_of_too_many_strategies_the_oldest_is_forgotten_unless_it_is_suspended():
    activity = Activity()
    suspend(activity, "kept", "too many", START)
    for number in range(1_500):
        count_entry(activity, f"s{number}", START)
    assert len(activity.strategies) == 1_000
    assert "kept" in activity.strategies
    assert "s0" not in activity.strategies
    assert "s1499" in activity.strategies


def test_of_a_strategy_that_goes_on_nothing_before_counts():
    activity = Activity()
    for name in ("a", "b"):
        for _ in range(3):
            count_entry(activity, name, START)
            count_result(activity, name, is_stop_out=True)
        suspend(activity, name, "3 in a row", START)
    resume(activity, "a")
    assert activity.suspended == {"b": "3 in a row"}
    assert activity.suspended_ns == {"b": START}
    assert activity.strategies["a"] == StrategyActivity()
    before = activity.strategies["b"]
    assert (before.stop_outs, before.entries_today, len(before.entry_times)) == (3, 3, 3)
    count_entry(activity, "a", START)
    resume(activity, "a")  # not suspended: changes nothing
    assert activity.strategies["a"].entries_today == 1


def test_a_strategy_that_an_older_version_suspended_goes_on():
    activity = Activity(suspended={"a": "3 in a row"})
    resume(activity, "a")
    assert activity.suspended == {}


def test_a_new_trade_date_begins_with_no_entries():
    activity = Activity()
    count_entry(activity, None, START)
    begin_trade_date(activity)
    assert activity.strategies[""].entries_today == 0
    assert within(activity.strategies[""].entry_times, START - 1) == 1
