"""Entries stay in while disk or memory are short, and leave again by themselves."""

import threading

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.live import GateState
from fillbridge.live.resources import (
    MIB,
    ResourceLimits,
    Resources,
    Volume,
    resident_memory,
    room,
)
from fillbridge_hooks.testing.clock import ManualClock

MILLISECOND = 1_000_000
OPEN, REDUCE_ONLY = GateState.OPEN, GateState.REDUCE_ONLY
GIB = 1_024 * MIB
TERABYTE = 1_000 * GIB
LIVE = ResourceLimits(
    min_free_bytes=GIB,
    min_free_share=0.1,
    max_sync_ns=250 * MILLISECOND,
    max_memory_bytes=2 * GIB,
)


class Machine:
    """A machine whose figures a test sets."""

    def __init__(self, world, limits=LIVE, clock=None):
        self.world = world
        self.clock = clock or ManualClock(world.clock.now_ns)
        self.volume = Volume(5 * GIB, 10 * GIB)
        self.memory = GIB
        self.slowest_ns = 0
        self.error = None
        self.threads = set()
        self.resources = Resources(
            world.trading, self.clock, limits, self.take_slowest, self.room, self.resident
        )

    def take_slowest(self):
        slowest_ns, self.slowest_ns = self.slowest_ns, 0
        return slowest_ns

    def room(self):
        self.threads.add(threading.get_ident())
        if self.error:
            raise self.error
        return self.volume

    def resident(self):
        self.threads.add(threading.get_ident())
        return self.memory

    @property
    def is_open(self):
        return self.world.trading.gate.state is OPEN

    @property
    def reasons(self):
        return self.world.trading.gate.reasons()

    def wait(self, seconds):
        self.clock._move_to(self.clock.now_ns + round(seconds * 1e9))


@pytest.fixture
def machine(world):
    return Machine(world)


# The disk


@pytest.mark.parametrize(
    ("total", "least"), [(5 * GIB, GIB), (10 * GIB, GIB), (TERABYTE, TERABYTE // 10)]
)
def test_less_room_than_the_stricter_bound_shuts_it(machine, total, least):
    machine.resources.see_room(Volume(least, total))
    assert machine.is_open
    machine.resources.see_room(Volume(least - 1, total))
    assert not machine.is_open


def test_it_says_how_much_is_free(machine):
    machine.resources.see_room(Volume(512 * MIB, 5 * GIB))
    assert machine.reasons == ("reduce_only: 512 MiB are free for the journal, less than 1,024",)


def test_it_opens_once_a_tenth_more_is_free(machine):
    machine.resources.see_room(Volume(GIB - 1, 5 * GIB))
    machine.resources.see_room(Volume(GIB * 11 // 10 - 1, 5 * GIB))
    assert not machine.is_open
    machine.resources.see_room(Volume(GIB * 11 // 10 + 1, 5 * GIB))
    assert machine.is_open


def test_what_can_be_no_freer_is_free_enough(world):
    machine = Machine(world, ResourceLimits(min_free_share=0.95))
    machine.resources.see_room(Volume(0, GIB))
    machine.resources.see_room(Volume(GIB, GIB))
    assert machine.is_open


@given(bounds=st.tuples(st.integers(1, 10**12), st.floats(0.001, 0.999)), data=st.data())
def test_it_is_shut_exactly_below_the_bounds(new_world, bounds, data):
    world = new_world()
    world.connect()
    least, share = bounds
    total = data.draw(st.integers(1, 10**13))
    free = data.draw(st.integers(0, total))
    machine = Machine(world, ResourceLimits(min_free_bytes=least, min_free_share=share))
    machine.resources.see_room(Volume(free, total))
    assert machine.is_open is (free >= least and free >= round(share * total))


def test_a_disk_that_flaps_around_the_bound_is_noted_once(machine):
    for free in (GIB - 1, GIB + 1) * 20:
        machine.resources.see_room(Volume(free, 5 * GIB))
    notes = [note for _, note in machine.world.journal.notes if note.get("cause") == "disk"]
    assert len(notes) == 1


# The journal


def test_a_slow_commit_shuts_it_for_thirty_seconds(machine):
    machine.resources.see_commit(250 * MILLISECOND)
    assert machine.is_open
    machine.resources.see_commit(251 * MILLISECOND)
    assert machine.reasons == ("reduce_only: a commit of the journal took 251 ms, more than 250",)
    machine.wait(29.999)
    machine.resources.see_commit(250 * MILLISECOND)
    assert not machine.is_open
    machine.wait(0.001)
    machine.resources.see_commit(0)
    assert machine.is_open


def test_each_slow_commit_begins_the_time_again(machine):
    machine.resources.see_commit(300 * MILLISECOND)
    machine.wait(29)
    machine.resources.see_commit(300 * MILLISECOND)
    machine.wait(29)
    machine.resources.see_commit(0)
    assert not machine.is_open


# Memory


def test_more_memory_than_the_bound_shuts_it_until_a_tenth_less_is_taken(machine):
    machine.resources.see_memory(2 * GIB)
    assert machine.is_open
    machine.resources.see_memory(2 * GIB + 1)
    assert machine.reasons == ("reduce_only: 2,048 MiB are in memory, more than 2,048",)
    machine.resources.see_memory(2 * GIB * 9 // 10 + 1)
    assert not machine.is_open
    machine.resources.see_memory(2 * GIB * 9 // 10)
    assert machine.is_open


def test_memory_that_nobody_can_tell_changes_nothing(machine):
    machine.resources.see_memory(2 * GIB + 1)
    machine.resources.see_memory(None)
    assert not machine.is_open


@pytest.mark.parametrize("see", ["see_room", "see_memory", "see_commit"])
def test_a_limit_that_is_switched_off_shuts_nothing_any_more(machine, see):
    resources = machine.resources
    short = {
        "see_room": Volume(0, GIB),
        "see_memory": 3 * GIB,
        "see_commit": 300 * MILLISECOND,
    }[see]
    getattr(resources, see)(short)
    resources.limits = LIVE
    assert not machine.is_open
    resources.limits = ResourceLimits()
    assert machine.is_open
    getattr(resources, see)(short)
    resources.see_room("Input/output error")  # it was asked for before
    assert machine.is_open


def test_what_reduces_leaves_meanwhile(machine):
    world = machine.world
    trade_id = world.propose()
    world.exchange()
    machine.resources.see_room(Volume(0, GIB))
    machine.resources.see_memory(3 * GIB)
    machine.resources.see_commit(300 * MILLISECOND)
    world.house.fill(f"{trade_id}_ENTRY")
    world.exchange()
    assert world.house.covered() == 2


# What is asked, and how


def test_the_room_of_a_folder_and_the_memory_of_this_process_are_known(tmp_path):
    found = room(tmp_path)
    assert 0 < found.free <= found.total
    assert 5 * MIB < resident_memory() < TERABYTE


def test_where_nobody_tells_the_memory_it_is_not_known(monkeypatch, tmp_path):
    monkeypatch.setattr("fillbridge.live.resources._STATM", str(tmp_path / "none"))
    assert resident_memory() is None


async def until(machine, condition):
    """Let time go on, by the clock and for other threads, until it is so."""
    with anyio.fail_after(10):
        while not condition():
            await machine.clock.advance(0.25)
            await anyio.sleep(0.001)


@pytest.mark.anyio
async def test_it_watches_as_long_as_it_runs_and_asks_in_other_threads(machine):
    async with anyio.create_task_group() as group:
        group.start_soon(machine.resources.run)
        await until(machine, lambda: machine.threads)
        assert machine.is_open
        machine.volume, machine.memory = Volume(1, GIB), 3 * GIB
        machine.slowest_ns = 300 * MILLISECOND
        await until(machine, lambda: len(machine.reasons) == 3)
        machine.error = OSError(5, "Input/output error")
        broken = "reduce_only: the room for the journal: Input/output error"
        await until(machine, lambda: broken in machine.reasons)
        machine.error, machine.volume, machine.memory = None, Volume(GIB, GIB), GIB
        await until(machine, lambda: machine.is_open)
        group.cancel_scope.cancel()
    assert threading.get_ident() not in machine.threads


@pytest.mark.anyio
async def test_a_disk_that_does_not_answer_shuts_it(machine, monkeypatch):
    monkeypatch.setattr("fillbridge.live.resources._PATIENCE_S", 0.01)
    answers = threading.Event()
    machine.resources._measure_room = answers.wait
    async with anyio.create_task_group() as group:
        group.start_soon(machine.resources.run)
        await until(machine, lambda: not machine.is_open)
        assert machine.reasons == ("reduce_only: the room for the journal: no answer for 0.01 s",)
        group.cancel_scope.cancel()
    answers.set()


@pytest.mark.anyio
async def test_without_limits_nothing_is_asked(world):
    machine = Machine(world, ResourceLimits())
    machine.volume = Volume(0, GIB)
    machine.slowest_ns = 10**12
    async with anyio.create_task_group() as group:
        group.start_soon(machine.resources.run)
        await machine.clock.advance(20)
        group.cancel_scope.cancel()
    assert machine.is_open
    assert not machine.threads
