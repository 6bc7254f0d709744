import anyio
import pytest

from fillbridge_hooks.testing import ManualClock

pytestmark = pytest.mark.anyio


async def test_sleepers_wake_in_the_order_of_their_times_and_see_them():
    clock = ManualClock(100)
    seen = []

    async def sleeper(time_ns):
        await clock.sleep_until(time_ns)
        seen.append((time_ns, clock.now_ns))

    async with anyio.create_task_group() as tasks:
        for time_ns in (130, 110, 120, 90):
            tasks.start_soon(sleeper, time_ns)
        await clock.advance_to(125)
        assert seen == [(90, 100), (110, 110), (120, 120)]
        assert clock.now_ns == 125
        await clock.advance_to(130)
    assert seen[-1] == (130, 130)


async def test_what_a_task_does_when_it_wakes_is_done_before_time_goes_on():
    clock = ManualClock()
    seen = []

    async def worker():
        while True:
            await clock.sleep_until(clock.now_ns + 10)
            for _ in range(20):
                await anyio.lowlevel.checkpoint()
            seen.append(clock.now_ns)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(worker)
        await clock.advance_to(35)
        assert seen == [10, 20, 30]
        assert clock.next_due_ns == 40
        tasks.cancel_scope.cancel()


async def test_callbacks_are_made_once_the_time_is_after_theirs():
    clock = ManualClock()
    seen = []
    clock.call_at(10, lambda: seen.append("kept"))
    clock.call_at(10, lambda: seen.append("cancelled")).cancel()
    await clock.advance_to(10)
    assert seen == []
    await clock.advance_to(11)
    assert seen == ["kept"]


async def test_callbacks_and_sleepers_take_turns():
    clock = ManualClock()
    seen = []
    clock.call_at(9, lambda: seen.append("called"))
    clock.call_at(20, lambda: seen.append("called"))

    async def sleeper():
        await clock.sleep_until(15)
        seen.append("slept")

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(sleeper)
        await clock.advance_to(30)
    assert seen == ["called", "slept", "called"]


async def test_a_sleeper_that_is_cancelled_is_forgotten():
    clock = ManualClock()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(clock.sleep_until, 10)
        await clock.settle()
        tasks.cancel_scope.cancel()
    before = clock.next_due_ns
    await clock.advance(1)
    assert before > clock.now_ns == 1_000_000_000


async def test_time_never_goes_back():
    clock = ManualClock(100)
    await clock.advance_to(50)
    assert clock.now_ns == 100
