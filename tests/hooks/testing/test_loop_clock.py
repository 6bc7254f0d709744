"""A clock that runs with the loop, here with one whose time jumps."""

import anyio
from trio.testing import MockClock

from fillbridge_hooks.testing import loop_clock

SECOND = 1_000_000_000


def run(scenario):
    clock = MockClock(autojump_threshold=0)
    anyio.run(scenario, backend="trio", backend_options={"clock": clock})


def test_sleeping_ends_at_its_time():
    async def scenario():
        async with loop_clock(5 * SECOND) as clock:
            assert clock.now_ns == 5 * SECOND
            await clock.sleep_until(65 * SECOND)
            assert 65 * SECOND <= clock.now_ns < 65 * SECOND + 1000
            await clock.sleep_until(0)

    run(scenario)


def test_calls_are_made_after_their_time_unless_they_are_cancelled():
    made = []

    async def scenario():
        async with loop_clock(0) as clock:
            clock.call_at(2 * SECOND, lambda: made.append(("second", clock.now_ns > 2 * SECOND)))
            clock.call_at(SECOND, lambda: made.append(("first", clock.now_ns > SECOND)))
            clock.call_at(SECOND, lambda: made.append("cancelled")).cancel()
            clock.call_at(9 * SECOND, lambda: made.append("dropped with the clock"))
            await clock.sleep_until(3 * SECOND)

    run(scenario)

    assert made == [("first", True), ("second", True)]
