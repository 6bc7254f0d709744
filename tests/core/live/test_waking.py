"""Those who wait are woken, and nobody else is."""

import anyio
import pytest

from fillbridge.live.waking import Bell, Reminder

pytestmark = pytest.mark.anyio


async def test_a_bell_wakes_everyone_who_waits_and_nobody_who_comes_later():
    bell, woken = Bell(), []

    async def wait(name):
        await bell.wait()
        woken.append(name)

    bell.ring()  # there is nobody
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait, "one")
            tasks.start_soon(wait, "other")
            await anyio.wait_all_tasks_blocked()
            assert woken == []
            bell.ring()
            tasks.start_soon(wait, "later")
            await anyio.wait_all_tasks_blocked()
            assert sorted(woken) == ["one", "other"]
            bell.ring()
    assert woken[-1] == "later"


async def test_whoever_waits_for_a_bell_can_be_cancelled():
    bell, woken = Bell(), []

    async def wait():
        await bell.wait()
        woken.append(True)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            with anyio.CancelScope() as scope:
                scope.cancel()
                await bell.wait()
            assert scope.cancelled_caught
            await anyio.wait_all_tasks_blocked()
            assert woken == []
            bell.ring()
    assert woken == [True]


async def test_a_reminder_is_not_lost_on_whoever_has_yet_to_wait():
    reminder, times = Reminder(), 0
    reminder.set()
    with anyio.move_on_after(5):
        for _ in range(2):
            await reminder.wait()
            times += 1
    assert times == 2


async def test_a_cleared_reminder_has_to_be_set_again():
    reminder, woken = Reminder(), []

    async def wait():
        await reminder.wait()
        woken.append(True)

    reminder.set()
    reminder.clear()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert woken == []
            reminder.set()
    assert woken == [True]


async def test_waiting_for_a_reminder_that_is_set_already_lets_others_run():
    reminder = Reminder()
    reminder.set()
    with anyio.CancelScope() as scope:
        scope.cancel()
        await reminder.wait()
    assert scope.cancelled_caught, "it never came to where a task may stop"


async def test_a_reminder_outlives_whoever_was_cancelled_while_it_waited():
    reminder = Reminder()
    with anyio.move_on_after(0) as first:
        await reminder.wait()
    assert first.cancelled_caught
    reminder.set()
    with anyio.move_on_after(5) as second:
        await reminder.wait()
    assert not second.cancelled_caught, "it was set, and the next who waited was not woken"
