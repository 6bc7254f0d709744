"""Something of ours is broken: entries are over until a person resumes, all else goes on."""

import logging

import anyio
import pytest

from fillbridge.engine.messages import CloseRequested, ProtectionDue
from fillbridge.live import OrderPump, SystemClock
from fillbridge.live.gate import GateState
from fillbridge.shell import Shell
from fillbridge_hooks import OrderRefused, OrderStatus, Sent
from fillbridge_hooks.testing.clock import ManualClock


def breaks(*arguments):
    raise ZeroDivisionError("ours")


def tracebacks(caplog):
    return [one for one in caplog.records if one.levelno == logging.CRITICAL and one.exc_info]


def test_one_that_comes_again_and_again_is_counted_and_told_of_once(world, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        patch.setattr(world.trading._standing, "look", breaks)
        for _ in range(20):
            world.trading.look()
    assert world.metrics.defects == 20
    assert len(tracebacks(caplog)) == 1
    assert world.told() == ["a defect: ZeroDivisionError: ours"]
    assert [note for note in world.journal.notes if note[1].get("cause") == "defect"] == [
        ("gate", {"cause": "defect", "state": "halted", "reason": world.alarms[0]})
    ]


def test_only_a_person_lifts_it_and_is_told_of_the_next(world, monkeypatch, caplog):
    with monkeypatch.context() as patch:
        patch.setattr(world.trading._standing, "look", breaks)
        world.trading.look()
        world.pass_time(60)
        assert world.trading.gate.state is GateState.HALTED
        with pytest.raises(OrderRefused, match="a defect: ZeroDivisionError"):
            world.propose()
        world.trading.resume("me")
        assert world.trading.gate.state is GateState.OPEN
        world.trading.look()
    assert len(tracebacks(caplog)) == 2
    world.trading.resume("me")
    world.propose()


def test_one_trade_that_breaks_does_not_leave_another_bare(world, monkeypatch):
    broken, other = world.propose(), world.propose()
    world.exchange()
    for trade_id in (broken, other):
        world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    world.trading.outbox.ready.clear()  # the stops are lost
    step = Shell.step

    def breaks_over_one(shell, message):
        if isinstance(message, ProtectionDue | CloseRequested) and message.trade_id == broken:
            breaks()
        step(shell, message)

    monkeypatch.setattr(Shell, "step", breaks_over_one)
    world.pass_time(15, asks=False)
    assert world.metrics.defects
    assert f"{other}_EXIT" in world.house.orders
    assert f"{broken}_EXIT" not in world.house.orders


def test_a_report_that_breaks_does_not_hold_up_what_else_was_answered(world, monkeypatch):
    first, second = world.propose(), world.propose()
    world.leave()
    world.house.said.clear()
    world.house.fill(f"{first}_ENTRY")
    world.house.fill(f"{second}_ENTRY")
    report = world.trading._account.report

    def breaks_over_one(one):
        if one.client_order_id.startswith(first):
            breaks()
        report(one)

    monkeypatch.setattr(world.trading._account, "report", breaks_over_one)
    world.ask()
    assert world.trade(second).held == 2
    assert world.trading.gate.state is GateState.HALTED


def test_a_state_that_it_left_apart_from_the_journal_is_recorded_no_more(world, monkeypatch):
    """The step was recorded and folded by half: only a restart knows how things stand."""
    trade_id = world.propose()
    world.leave()
    monkeypatch.setattr("fillbridge.shell.fold", breaks)
    world.journal.diverges = False

    def compare(live, *, always=False):
        if always:
            world.journal.diverges = True
        return type(world.journal).check(world.journal, live)

    monkeypatch.setattr(world.journal, "check", compare)
    with world.trading.guard():
        world.hear()
    monkeypatch.undo()
    assert world.trading.gate.state is GateState.HALTED
    world.trading.resume("me")
    assert "another state" in world.trading.gate.reasons()[0]
    with pytest.raises(OrderRefused):
        world.propose()
    # What reduces still leaves.
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    assert [one.client_order_id for one in world.trading.outbox.ready] == [
        f"{trade_id}_SL",
        f"{trade_id}_TP",
    ]


def test_one_that_cannot_be_recorded_shuts_the_gate_all_the_same(world, monkeypatch, caplog):
    monkeypatch.setattr(world.journal, "note", breaks)
    world.trading.defect(ValueError("x"))
    assert world.trading.gate.state is GateState.HALTED
    assert "could not be recorded" in caplog.text


@pytest.mark.parametrize("what", ["_observation.observe", "excursions.track", "session.submit"])
def test_what_breaks_beside_a_stop_does_not_hold_it_back(world, monkeypatch, what):
    """All that follows from what is recorded: it would be missed only seconds later, or never."""
    trade_id = world.propose()
    world.exchange()
    place, name = what.split(".")
    there = getattr(world.trading._account.shell, place)
    works = getattr(there, name)

    def breaks_first(*arguments):
        monkeypatch.setattr(there, name, works)
        breaks()

    monkeypatch.setattr(there, name, breaks_first)
    world.house.fill(f"{trade_id}_ENTRY")
    with world.trading.guard():
        world.hear()
    world.leave()
    assert world.metrics.defects == 1
    last = "_TP" if what == "session.submit" else "_SL"
    assert trade_id + last in world.house.working()


def test_what_did_not_leave_before_the_link_broke_never_does(world, monkeypatch):
    first, second = world.propose(), world.propose()
    not_sent = world.trading._account.not_sent

    def breaks_over_one(command, reason):
        if command.client_order_id.startswith(first):
            breaks()
        not_sent(command, reason)

    monkeypatch.setattr(world.trading._account, "not_sent", breaks_over_one)
    with world.trading.guard():
        world.cut()
    assert not world.trading.outbox.ready
    assert world.status(f"{first}_ENTRY") is OrderStatus.UNKNOWN
    assert world.status(f"{second}_ENTRY") is OrderStatus.EXPIRED


# The tasks


class Line:
    """A session that takes everything."""

    def __init__(self):
        self.handed = []

    async def submit(self, approved):
        approved.permit.spend()
        self.handed.append(approved.order.client_order_id)
        return Sent(approved.order.client_order_id)


@pytest.fixture
def pump(world):
    made = OrderPump(world.trading, ManualClock(world.clock.now_ns), send_timeout_s=0.01)
    made.session = Line()
    return made


@pytest.mark.anyio
async def test_an_outcome_that_cannot_be_taken_leaves_the_pump_running(world, pump, monkeypatch):
    monkeypatch.setattr(world.trading, "on_outcome", breaks)
    first, _ = world.propose(), world.propose()
    pump.stop()
    await pump.run()
    # It goes on with the second, which leaves no more.
    assert pump.session.handed == [f"{first}_ENTRY"]
    assert not world.trading.outbox.ready
    assert world.metrics.defects == 2
    assert world.trading.gate.state is GateState.HALTED


@pytest.mark.anyio
async def test_where_the_last_check_breaks_only_what_reduces_leaves(world, pump, monkeypatch):
    trade_id = world.propose()
    world.exchange()
    other = world.propose()
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    monkeypatch.setattr("fillbridge.live.trading.last_check", breaks)
    pump.stop()
    await pump.run()
    assert pump.session.handed == [f"{trade_id}_SL", f"{trade_id}_TP"]
    assert world.status(f"{other}_ENTRY") is OrderStatus.EXPIRED


@pytest.mark.anyio
async def test_a_call_of_the_clock_that_breaks_is_followed_by_the_next(world):
    clock = SystemClock()
    called = anyio.Event()
    clock.call_at(clock.now_ns, breaks)
    clock.call_at(clock.now_ns + 1, called.set)
    with anyio.fail_after(30):
        async with anyio.create_task_group() as group:
            group.start_soon(clock.run, world.trading.guard)
            await called.wait()
            group.cancel_scope.cancel()
    assert world.metrics.defects == 1
    assert world.trading.gate.state is GateState.HALTED
