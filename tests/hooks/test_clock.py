from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge_hooks import NEVER, VirtualClock

times = st.integers(0, 50)


class Log:
    """Callbacks that write down their name and the time at which they were called."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.calls: list[tuple[str, int]] = []

    def entry(self, name: str) -> Callable[[], None]:
        return lambda: self.calls.append((name, self.clock.now_ns))


def test_calls_are_made_in_order_of_their_time_then_of_their_making() -> None:
    clock = VirtualClock()
    log = Log(clock)
    for name, time_ns in (("late", 30), ("first", 10), ("second", 10), ("early", 5)):
        clock.call_at(time_ns, log.entry(name))
    clock.advance_to(40)
    assert log.calls == [("early", 5), ("first", 10), ("second", 10), ("late", 30)]
    assert clock.now_ns == 40


def test_what_is_due_exactly_now_waits() -> None:
    clock = VirtualClock()
    log = Log(clock)
    clock.call_at(10, log.entry("due"))
    clock.advance_to(10)
    assert log.calls == []
    clock.advance_to(11)
    clock.advance_to(12)
    assert log.calls == [("due", 10)]


def test_a_cancelled_call_is_not_made() -> None:
    clock = VirtualClock()
    log = Log(clock)
    timers = [clock.call_at(time_ns, log.entry(str(time_ns))) for time_ns in (10, 20, 30)]
    timers[1].cancel()
    timers[1].cancel()
    clock.advance_to(100)
    timers[0].cancel()
    assert log.calls == [("10", 10), ("30", 30)]


def test_the_next_due_time_passes_over_cancelled_calls() -> None:
    clock = VirtualClock()
    log = Log(clock)
    first, second, third, last = (clock.call_at(at, log.entry("call")) for at in (10, 20, 30, 40))
    assert clock.next_due_ns == 10
    second.cancel()
    assert clock.next_due_ns == 10
    first.cancel()
    assert clock.next_due_ns == 30
    last.cancel()
    clock.advance_to(31)
    assert clock.next_due_ns == NEVER
    third.cancel()
    assert clock.next_due_ns == NEVER


def test_a_callback_may_cancel_what_is_due_after_it() -> None:
    clock = VirtualClock()
    log = Log(clock)
    clock.call_at(10, lambda: victim.cancel())
    victim = clock.call_at(20, log.entry("victim"))
    clock.call_at(30, log.entry("kept"))
    clock.advance_to(40)
    assert log.calls == [("kept", 30)]


def test_a_callback_may_ask_for_another_call() -> None:
    clock = VirtualClock()
    log = Log(clock)

    def chain() -> None:
        log.entry("chain")()
        clock.call_at(clock.now_ns + 10, chain if clock.now_ns < 30 else log.entry("end"))

    clock.call_at(10, chain)

    def look_back() -> None:
        clock.call_at(5, log.entry("overdue"))

    clock.call_at(15, look_back)
    clock.advance_to(100)
    assert log.calls == [("chain", 10), ("overdue", 15), ("chain", 20), ("chain", 30), ("end", 40)]


def test_a_callback_may_move_the_clock() -> None:
    clock = VirtualClock()
    log = Log(clock)
    clock.call_at(10, lambda: clock.advance_to(50))
    clock.call_at(20, log.entry("once"))
    clock.advance_to(30)
    assert log.calls == [("once", 20)]
    assert clock.now_ns == 50


def test_a_callback_that_raises_loses_no_other_call() -> None:
    clock = VirtualClock()
    log = Log(clock)

    def fail() -> None:
        raise ZeroDivisionError

    clock.call_at(10, fail)
    clock.call_at(20, log.entry("next"))
    with pytest.raises(ZeroDivisionError):
        clock.advance_to(30)
    assert log.calls == []
    clock.advance_to(30)
    assert log.calls == [("next", 20)]


def test_the_clock_never_goes_back() -> None:
    clock = VirtualClock(100)
    log = Log(clock)
    clock.call_at(50, log.entry("overdue"))
    clock.advance_to(60)
    assert log.calls == [("overdue", 100)]
    assert clock.now_ns == 100


@given(st.lists(times), st.sets(st.integers(0, 9)), st.lists(times))
def test_each_call_that_stands_is_made_once_and_on_time(
    due: list[int], cancelled: set[int], moves: list[int]
) -> None:
    clock = VirtualClock()
    log = Log(clock)
    for number, time_ns in enumerate(due):
        timer = clock.call_at(time_ns, log.entry(f"{time_ns:02} {number:02}"))
        if number in cancelled:
            timer.cancel()
    standing = sorted(
        (f"{time_ns:02} {number:02}", time_ns)
        for number, time_ns in enumerate(due)
        if number not in cancelled
    )
    seen = [clock.now_ns]
    for move in moves:
        clock.advance_to(move)
        seen.append(clock.now_ns)
        assert log.calls == [call for call in standing if call[1] < clock.now_ns]
        waiting = [time_ns for _, time_ns in standing if time_ns >= clock.now_ns]
        assert clock.next_due_ns == min(waiting, default=NEVER)
    assert seen == sorted(seen)
    assert clock.now_ns == max(moves, default=0)


def test_cancelled_calls_are_not_kept_until_they_would_be_due() -> None:
    clock = VirtualClock()
    log = Log(clock)
    kept = [clock.call_at(2 * number, log.entry(str(number))) for number in range(1, 101)]
    for number in range(10_000):
        clock.call_at(1_000 + number, log.entry("never")).cancel()
    assert len(clock._timers) <= 400
    for timer in kept[:50]:
        timer.cancel()
        timer.cancel()
    clock.advance_to(20_000)
    assert [name for name, _ in log.calls] == [str(number) for number in range(51, 101)]
    assert clock._void == 0


def test_calls_that_are_cancelled_by_a_call_are_not_made() -> None:
    clock = VirtualClock()
    log = Log(clock)
    others = [clock.call_at(20 + number, log.entry("never")) for number in range(200)]

    def cancel_all() -> None:
        for timer in others:
            timer.cancel()

    clock.call_at(10, cancel_all)
    last = clock.call_at(500, log.entry("last"))
    clock.advance_to(1_000)
    last.cancel()
    assert log.calls == [("last", 500)]
    assert clock.next_due_ns == NEVER
    assert clock._void == 0
