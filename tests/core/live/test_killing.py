"""The kill switch: its latch, what it does about what is open, and what lasts."""

import pytest

from fillbridge.engine.messages import EntriesHalted
from fillbridge.journal.latch import BrokenLatch
from fillbridge.live.outbox import Cancellation, Change
from fillbridge_hooks import KillLevel, OrderRefused, OrderStatus, OrderType

PAUSE, CANCEL, FLATTEN = KillLevel
LIMIT = {"entry_type": OrderType.LIMIT, "entry_limit_price": 3900.0}


class MemoryLatch:
    """A latch that outlives its handler; ``log`` tells what was written."""

    def __init__(self):
        self.state = None
        self.is_broken = False
        self.is_full = False
        self.log = []

    def read(self):
        if self.is_broken:
            raise BrokenLatch("the kill latch was changed")
        return self.state

    def write(self, state):
        if self.is_full:
            self.state = None
            raise OSError(28, "No space left on device")
        self.state = state
        self.log.append((state.level, state.sequence))


@pytest.fixture
def latch():
    return MemoryLatch()


@pytest.fixture
def account(new_world, latch):
    """An account with a latch, connected and reconciled."""
    made = new_world(latch=latch)
    made.connect()
    return made


def kill(account, level, via="test"):
    account.trading.kill(level, "fire", "ann", via)


def resting(account):
    """An entry that works at the broker; its id."""
    trade_id = account.propose(**LIMIT)
    account.exchange()
    return f"{trade_id}_ENTRY"


# The levels


@pytest.mark.parametrize("level", KillLevel)
def test_no_entry_leaves_after_any_of_them(account, level):
    kill(account, level)
    with pytest.raises(OrderRefused, match=r"halted \(fire\)"):
        account.propose()
    account.pass_time(3)
    assert account.house.sent == []


def test_a_pause_leaves_everything_as_it_is(account):
    held, entry = account.opened(), resting(account)
    before = dict(account.house.working())
    kill(account, PAUSE)
    account.pass_time(5)
    assert account.house.working().keys() == before.keys()
    assert account.house.held() == {"ES": 2}
    assert account.trade(held).close_reason is None
    assert account.status(entry) is OrderStatus.SUBMITTED


def test_cancel_withdraws_entries_and_nothing_else(account):
    held, entry = account.opened(), resting(account)
    kill(account, CANCEL)
    account.pass_time(5)
    assert account.status(entry) is OrderStatus.CANCELLED
    assert account.house.held() == {"ES": 2}
    assert set(account.house.working()) == {f"{held}_SL", f"{held}_TP"}


def test_flatten_withdraws_entries_first_and_turns_the_stop_into_the_exit(account):
    held, entry = account.opened(), resting(account)
    kill(account, FLATTEN)
    ready = list(account.trading.outbox.ready)
    assert ready[0] == Cancellation(entry)
    assert isinstance(ready[1], Change)
    assert ready[1].client_order_id == f"{held}_SL"
    assert ready[1].change.order_type is OrderType.MARKET
    assert ready[2:] == [Cancellation(f"{held}_TP")]
    account.exchange()
    account.house.fill(f"{held}_SL")
    account.pass_time(6)
    assert account.house.held() == {}
    assert account.house.working() == {}
    assert account.trading.kill_switch.document()["is_flat"]


def test_an_entry_that_fills_after_all_is_closed(account):
    entry = resting(account)
    kill(account, FLATTEN)
    account.house.fill(entry)
    account.exchange()
    account.pass_time(1)
    (exit_id,) = [name for name in account.house.working() if name.endswith("_EXIT")]
    account.house.fill(exit_id)
    account.pass_time(6)
    assert account.house.held() == {}
    assert account.trading.kill_switch.document()["is_flat"]


def test_an_entry_that_waits_to_leave_does_not(account):
    account.propose()
    kill(account, PAUSE)
    account.exchange()
    assert account.house.sent == []


def test_a_stop_is_never_made_less(account):
    kill(account, FLATTEN)
    kill(account, PAUSE)
    assert account.trading.kill_switch.level is FLATTEN
    kill(account, CANCEL)
    assert account.trading.kill_switch.document()["level"] == "flatten"


def test_a_pause_can_be_made_more(account):
    entry = resting(account)
    kill(account, PAUSE)
    kill(account, CANCEL)
    account.pass_time(1)
    assert account.status(entry) is OrderStatus.CANCELLED


# The order of work


def test_the_latch_stands_before_the_journal_and_the_journal_before_anything_leaves(
    account, latch, monkeypatch
):
    held = account.opened()
    order = []
    write, commit = latch.write, account.journal.commit

    def written(state):
        order.append("latch")
        assert not account.trading.outbox.ready
        write(state)

    def committed(**how):
        if account.journal._taken:
            order.append(type(account.journal._taken[0]).__name__)
            assert not account.trading.outbox.ready
        commit(**how)

    monkeypatch.setattr(latch, "write", written)
    monkeypatch.setattr(account.journal, "commit", committed)
    kill(account, FLATTEN)
    assert order[:2] == ["latch", "EntriesHalted"]
    assert order[2] == "CloseRequested"
    assert account.trade(held).close_reason


def test_it_is_recorded_who_stopped_what_why_and_what_was_open(account):
    held = account.opened()
    entry = resting(account)
    kill(account, CANCEL, "signal")
    ((_, note),) = [one for one in account.journal.notes if one[0] == "kill"]
    assert note["level"] == "cancel"
    assert (note["by"], note["reason"], note["via"]) == ("ann", "fire", "signal")
    assert [(one["trade_id"], one["held"], one["may_fill"]) for one in note["open"]] == [
        (held, 2, 0),
        (entry.removesuffix("_ENTRY"), 0, 2),
    ]


# Restarts


@pytest.mark.parametrize("level", KillLevel)
def test_it_lasts_beyond_a_restart(account, level):
    entry = resting(account)
    kill(account, level)
    account.restart()
    account.trading.link_up()
    account.pass_time(8)
    assert account.trading.kill_switch.level is level
    with pytest.raises(OrderRefused, match=r"halted \(fire\)"):
        account.propose()
    is_over = account.status(entry) is OrderStatus.CANCELLED
    assert is_over == (level is not PAUSE)


def test_a_crash_between_latch_and_journal_leaves_it_stopped(account, latch):
    held = account.opened()

    def crash(*arguments):
        raise KeyboardInterrupt

    account.trading._account.shell.step = crash
    with pytest.raises(KeyboardInterrupt):
        kill(account, FLATTEN)
    assert not any(isinstance(event, EntriesHalted) for event in account.journal.events)
    account.restart()
    assert account.trading.kill_switch.level is FLATTEN
    account.trading.link_up()
    account.pass_time(3)
    account.house.fill(f"{held}_SL")
    account.pass_time(8)
    assert account.house.held() == {}


def test_a_crash_before_the_latch_says_that_it_is_armed_leaves_it_as_it_was(account, latch):
    kill(account, CANCEL)

    def crash(state):
        raise KeyboardInterrupt

    latch.write, write = crash, latch.write
    with pytest.raises(KeyboardInterrupt):
        account.trading.resume("bob")
    latch.write = write
    account.restart()
    assert account.trading.kill_switch.level is CANCEL


def test_nothing_is_closed_by_the_next_start_before_the_broker_has_answered(account):
    held = account.opened()
    account.trading._kill._flattening.begin()
    account.trading._kill._write(FLATTEN, "fire", "ann", "test")
    account.restart()
    account.trading.link_up()
    account.pass_time(0.5, asks=False)
    assert account.trade(held).close_reason is None
    account.pass_time(1)
    assert account.trade(held).close_reason is not None


# The latch


def test_the_first_start_is_armed(account, latch):
    assert latch.log == [(None, 1)]
    assert account.trading.kill_switch.level is None


def test_a_start_that_was_cut_off_right_after_the_latch_is_armed_too(new_world, latch, account):
    first = new_world(latch=latch)  # a journal that knows nothing, and a latch
    assert first.trading.kill_switch.level is None
    assert latch.log == [(None, 1), (None, 1)]


@pytest.mark.parametrize("damage", ["gone", "broken", "old"])
def test_a_latch_that_cannot_be_relied_on_is_a_stop(account, latch, damage):
    old = latch.state
    kill(account, PAUSE)
    account.trading.resume("ann")
    assert account.trading.kill_switch.level is None
    if damage == "gone":
        latch.state = None
    elif damage == "old":
        latch.state = old
    latch.is_broken = damage == "broken"
    account.restart()
    latch.is_broken = False
    assert account.trading.kill_switch.level is PAUSE
    assert any("kill latch" in alarm for alarm in account.told())
    account.restart()
    assert account.trading.kill_switch.level is PAUSE
    account.trading.resume("ann")
    account.connect()
    assert account.propose()


def test_an_armed_latch_does_not_lift_what_the_journal_says(account, latch):
    armed = latch.state
    kill(account, CANCEL)
    latch.state = armed
    account.restart()
    assert account.trading.kill_switch.level is CANCEL
    assert latch.state.level is CANCEL


def test_a_stopped_latch_stops_whatever_the_journal_says(account, latch):
    kill(account, FLATTEN)
    stopped = latch.state
    account.trading.resume("ann")
    latch.state = stopped
    account.restart()
    assert account.trading.kill_switch.level is FLATTEN


def test_a_latch_that_cannot_be_written_keeps_nobody_from_stopping(account, latch):
    entry = resting(account)
    latch.is_full = True
    kill(account, CANCEL)
    account.pass_time(1)
    assert account.status(entry) is OrderStatus.CANCELLED
    assert any("kill latch cannot be written" in alarm for alarm in account.told())
    latch.is_full = False
    account.pass_time(2)
    assert latch.state.level is CANCEL


def test_a_journal_that_has_failed_keeps_nobody_from_stopping(account, latch):
    held = account.opened()
    account.journal.fails = True
    kill(account, FLATTEN)
    assert latch.state.level is FLATTEN
    account.exchange()
    account.house.fill(f"{held}_SL")
    account.pass_time(1)
    assert account.house.held() == {}


def test_what_others_halt_is_latched_too(account, latch):
    with account.trading._account.recorded():
        account.trading._account.shell.step(EntriesHalted("gone", "me", account.clock.now_ns))
    account.pass_time(0.2)
    assert latch.state.level is PAUSE
    assert latch.state.reason == "gone"


# Until it is flat


def test_it_is_tried_again_and_then_a_person_is_called(account):
    held = account.opened()
    kill(account, FLATTEN)
    account.pass_time(19)
    assert not any("could not get flat" in alarm for alarm in account.told())
    account.pass_time(3)
    (alarm,) = [one for one in account.told() if "could not get flat" in one]
    assert f"{held} holds 2 ES" in alarm
    assert "the broker holds 2 ES" in alarm
    account.pass_time(50)
    assert sum("could not get flat" in one for one in account.told()) == 1
    account.pass_time(20)
    assert sum("could not get flat" in one for one in account.told()) == 2


def test_an_exit_that_is_rejected_is_placed_again(account):
    held = account.opened()
    account.house.rejects = {"exit"}
    account.house.end(f"{held}_SL", OrderStatus.REJECTED)
    kill(account, FLATTEN)
    account.pass_time(4)
    account.house.rejects = set()
    account.pass_time(8)
    exits = [name for name in account.house.working() if "_EXIT" in name]
    assert len(exits) == 1
    account.house.fill(exits[0])
    account.pass_time(8)
    assert account.trading.kill_switch.document()["is_flat"]


def test_what_the_broker_holds_besides_is_not_flat(account):
    account.house.elsewhere = {"NQ": 3}
    kill(account, FLATTEN)
    account.pass_time(25)
    assert not account.trading.kill_switch.document()["is_flat"]
    assert any("the broker holds 3 NQ" in alarm for alarm in account.told())


def test_it_goes_on_once_there_is_a_connection(account):
    held = account.opened()
    account.cut()
    kill(account, FLATTEN)
    account.pass_time(30)
    assert account.trade(held).close_reason is None
    account.trading.link_up()
    account.pass_time(3)
    account.house.fill(f"{held}_SL")
    account.pass_time(8)
    assert account.house.held() == {}
    assert account.trading.kill_switch.document()["is_flat"]
