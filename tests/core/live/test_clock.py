"""The real clock never goes back, and a task makes its calls."""

import anyio
import pytest

from fillbridge.live import SystemClock

SECOND = 1_000_000_000
MILLISECOND = 1_000_000


@pytest.fixture
def hands(monkeypatch):
    """What the machine's clocks show, moved by hand."""

    class Hands:
        monotonic_ns = 5 * SECOND
        wall_ns = 1_700_000_000 * SECOND

        def move(self, ns):
            self.monotonic_ns += ns
            self.wall_ns += ns

    made = Hands()
    monkeypatch.setattr("fillbridge.live.clock.time.monotonic_ns", lambda: made.monotonic_ns)
    monkeypatch.setattr("fillbridge.live.clock.time.time_ns", lambda: made.wall_ns)
    return made


def test_it_shows_utc(hands):
    clock = SystemClock()
    assert clock.now_ns == hands.wall_ns
    hands.move(3 * SECOND)
    assert clock.now_ns == hands.wall_ns
    assert clock.skew_ns == 0


@pytest.mark.parametrize("step_ns", [-3600 * SECOND, 3600 * SECOND])
def test_a_step_of_the_wall_clock_does_not_move_it(hands, step_ns):
    clock = SystemClock()
    before = clock.now_ns
    hands.wall_ns += step_ns
    hands.move(1)
    assert clock.now_ns == before + 1
    assert clock.skew_ns == step_ns


def test_it_follows_a_wall_clock_that_is_ahead_once_that_is_accepted(hands):
    """As after a suspension, in which the monotonic clock stood still."""
    clock = SystemClock()
    hands.wall_ns += 3_600 * SECOND
    assert clock.accept_step() == 3_600 * SECOND
    assert clock.now_ns == hands.wall_ns
    assert clock.skew_ns == 0


def test_it_never_goes_back_with_the_wall_clock(hands):
    clock = SystemClock()
    before = clock.now_ns
    hands.wall_ns -= 7
    assert clock.accept_step() == 0
    assert (clock.now_ns, clock.skew_ns) == (before, 0)
    # Put right again, it is no further ahead than it was.
    hands.wall_ns += 7
    assert clock.skew_ns == 7
    assert clock.accept_step() == 0
    assert (clock.now_ns, clock.skew_ns) == (before, 0)
    hands.wall_ns += 5
    assert clock.accept_step() == 5
    assert clock.now_ns == hands.wall_ns


def test_calls_are_made_once_in_order_and_after_their_time(hands):
    clock = SystemClock()
    start_ns, calls = clock.now_ns, []
    clock.call_at(start_ns + 20, lambda: calls.append("second"))
    clock.call_at(start_ns + 10, lambda: calls.append("first"))
    clock.call_at(start_ns + 20, lambda: calls.append("third"))
    hands.move(10)
    clock._call_what_is_due()
    assert calls == []
    hands.move(1)
    clock._call_what_is_due()
    assert calls == ["first"]
    hands.move(100)
    clock._call_what_is_due()
    clock._call_what_is_due()
    assert calls == ["first", "second", "third"]


def test_a_cancelled_call_is_not_made(hands):
    clock = SystemClock()
    calls = []
    clock.call_at(clock.now_ns, lambda: calls.append(1)).cancel()
    hands.move(1)
    clock._call_what_is_due()
    assert calls == []


@pytest.mark.parametrize(
    ("due_in_ns", "wait_s"), [(2 * SECOND, 2.0001), (3_600 * SECOND, 60.0), (None, 60.0)]
)
def test_it_wakes_for_the_next_call_and_at_least_every_minute(hands, due_in_ns, wait_s):
    clock = SystemClock()
    if due_in_ns is not None:
        clock.call_at(clock.now_ns + due_in_ns, lambda: None)
    assert clock._call_what_is_due() == pytest.approx(wait_s)


@pytest.mark.anyio
async def test_its_task_makes_calls_that_were_asked_for_before_and_meanwhile():
    clock = SystemClock()
    first, second = anyio.Event(), anyio.Event()
    clock.call_at(clock.now_ns, first.set)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(clock.run)
            await first.wait()
            await anyio.wait_all_tasks_blocked()
            due_ns = clock.now_ns + MILLISECOND
            clock.call_at(due_ns, second.set)
            await second.wait()
            assert clock.now_ns >= due_ns
            group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_call_that_is_due_before_the_one_that_is_waited_for_is_not_late():
    clock = SystemClock()
    made, begun_ns = anyio.Event(), clock.now_ns
    clock.call_at(clock.now_ns + 3_600 * SECOND, lambda: None)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(clock.run)
            await anyio.wait_all_tasks_blocked()
            clock.call_at(clock.now_ns + 7_200 * SECOND, lambda: None)
            clock.call_at(clock.now_ns + MILLISECOND, made.set)
            await made.wait()
            group.cancel_scope.cancel()
    assert clock.now_ns < begun_ns + 3_600 * SECOND


@pytest.mark.anyio
async def test_sleeping_lasts_until_the_clock_shows_the_time():
    clock = SystemClock()
    until_ns = clock.now_ns + 2 * MILLISECOND
    await clock.sleep_until(until_ns)
    assert clock.now_ns >= until_ns


@pytest.mark.anyio
async def test_sleeping_until_a_time_that_has_passed_lets_others_run():
    clock = SystemClock()
    ran = []

    async def other():
        ran.append(1)

    async with anyio.create_task_group() as group:
        group.start_soon(other)
        for _ in range(2):  # within one turn, trio runs tasks in any order
            await clock.sleep_until(clock.now_ns - 1)
        assert ran == [1]


@pytest.mark.anyio
async def test_a_step_that_is_accepted_wakes_whoever_waits(hands):
    clock = SystemClock()
    woken = []

    async def sleep():
        await clock.sleep_until(clock.now_ns + 1_000 * SECOND)
        woken.append("sleeper")

    clock.call_at(clock.now_ns + 1_000 * SECOND, lambda: woken.append("timer"))
    async with anyio.create_task_group() as group:
        group.start_soon(clock.run)
        group.start_soon(sleep)
        await anyio.wait_all_tasks_blocked()
        hands.wall_ns += 999 * SECOND
        clock.accept_step()
        await anyio.wait_all_tasks_blocked()
        assert woken == []
        hands.wall_ns += 2 * SECOND
        clock.accept_step()
        await anyio.wait_all_tasks_blocked()
        assert sorted(woken) == ["sleeper", "timer"]
        group.cancel_scope.cancel()


def test_cancelled_calls_are_not_kept_until_they_would_be_due(hands):
    clock = SystemClock()
    calls = []
    for number in range(100):
        clock.call_at(clock.now_ns + number * SECOND, lambda number=number: calls.append(number))
    for _ in range(10_000):
        clock.call_at(clock.now_ns + 50 * SECOND, lambda: calls.append("never")).cancel()
    assert len(clock._timers) <= 400
    hands.move(200 * SECOND)
    clock._call_what_is_due()
    assert calls == list(range(100))
    assert clock._void == 0
