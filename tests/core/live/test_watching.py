"""Watches over an account: what they are shown, and what is done about what they say."""

import pytest

from fillbridge_hooks import (
    Alarm,
    FlattenAll,
    KillLevel,
    OrderRefused,
    OrderStatus,
    OrderType,
    Pause,
    ReduceOnly,
    Suspend,
)
from fillbridge_risk.watches import daily_loss, max_rejects, strategy_throttle

SECOND = 1_000_000_000
LIMIT = {"entry_type": OrderType.LIMIT, "entry_limit_price": 3900.0}


class Watch:
    """Answers what a test puts here; ``views`` is what it was shown."""

    def __init__(self):
        self.answer = None
        self.views = []

    def __call__(self, view):
        self.views.append(view)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @property
    def view(self):
        return self.views[-1]


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def account(new_world, watch):
    made = new_world(watches=(("test", watch),))
    made.connect()
    return made


def close(account, trade_id, suffix):
    account.house.fill(f"{trade_id}_{suffix}")
    account.exchange()
    account.pass_time(0.2)


# What it is shown


def test_it_is_shown_entries_fills_and_messages(account, watch):
    account.opened(strategy="a")
    account.opened(strategy="b")
    account.propose(strategy="b")
    account.exchange()
    account.pass_time(0.1)
    shown = watch.view.strategies
    assert (shown["a"].entries_10m, shown["b"].entries_10m) == (1, 2)
    assert (shown["a"].entries_today, shown["b"].entries_today) == (1, 2)
    assert watch.view.fills_10m == 2
    assert watch.view.messages_10m == 7  # three entries, two stops, two targets


def test_what_is_long_ago_is_not_counted(account, watch):
    account.opened(strategy="a")
    account.pass_time(601, asks=False)
    assert watch.view.strategies["a"].entries_10m == 0
    assert watch.view.strategies["a"].entries_today == 1
    assert watch.view.fills_10m == 0


def test_stop_outs_in_a_row_are_counted_by_strategy(account, watch):
    for count in (1, 2):
        close(account, account.opened(strategy="a"), "SL")
        assert watch.view.strategies["a"].stop_outs_in_a_row == count
    close(account, account.opened(strategy="b"), "SL")
    assert watch.view.strategies["a"].stop_outs_in_a_row == 2
    close(account, account.opened(strategy="a"), "TP")
    assert watch.view.strategies["a"].stop_outs_in_a_row == 0
    assert watch.view.strategies["b"].stop_outs_in_a_row == 1


def test_rejects_of_the_last_minute_are_shown_with_their_reasons(account, watch):
    account.house.rejects = {"entry"}
    account.propose()
    account.exchange()
    account.pass_time(0.1)
    ((time_ns, reason),) = watch.view.rejects
    assert reason == "not today"
    assert watch.view.now_ns - time_ns <= SECOND
    account.pass_time(61)
    assert watch.view.rejects == ()


def test_money_is_shown(account, watch):
    trade_id = account.opened()
    account.price(4001.0)
    account.pass_time(0.1)
    assert watch.view.open_pnl == 100.0
    account.house.fill(f"{trade_id}_TP", price=4010.0)
    account.exchange()
    account.pass_time(0.1)
    assert watch.view.open_pnl == 0.0
    assert watch.view.realised_pnl == 1000.0


def test_the_range_of_prices_within_ten_seconds_is_shown(account, watch):
    account.pass_time(11)
    for price in (4000.0, 4003.0, 3999.0, 4001.0):
        account.price(price)
    account.pass_time(0.1)
    assert watch.view.moves["ES"] == 16.0
    account.pass_time(5)
    account.price(4001.25)
    account.pass_time(5.5)
    assert watch.view.moves["ES"] == 0.0
    account.pass_time(6)
    assert watch.view.moves["ES"] is None


def test_counters_are_the_same_after_a_restart(account, watch):
    close(account, account.opened(strategy="a"), "SL")
    account.house.rejects = {"entry"}
    account.propose(strategy="a")
    account.exchange()
    account.pass_time(0.1)
    before = watch.view
    account.restart()
    account.connect()
    account.pass_time(0.1)
    after = watch.view
    assert after.strategies == before.strategies
    assert after.rejects == before.rejects
    assert (after.fills_10m, after.messages_10m) == (before.fills_10m, before.messages_10m)
    assert after.realised_pnl == before.realised_pnl


def test_where_nobody_watches_nothing_is_followed(new_world):
    assert new_world().trading._account.moves is None


# What is done


@pytest.mark.parametrize("symbol", [None, "ES"])
def test_a_pause_lifts_by_itself(account, watch, symbol):
    watch.answer = Pause(watch="test", reason="wild", symbol=symbol, for_ns=30 * SECOND)
    account.pass_time(0.1)
    watch.answer = None
    with pytest.raises(OrderRefused, match="test: wild"):
        account.propose()
    if symbol:
        assert account.propose(symbol="NQ")
    account.pass_time(29)
    with pytest.raises(OrderRefused, match="test: wild"):
        account.propose()
    account.pass_time(1.2)
    assert account.propose()


def test_pauses_of_two_symbols_end_each_at_its_time(account, watch):
    watch.answer = Pause(watch="test", reason="wild", symbol="ES", for_ns=5 * SECOND)
    account.pass_time(0.1)
    watch.answer = Pause(watch="test", reason="wild", symbol="NQ", for_ns=20 * SECOND)
    account.pass_time(0.1)
    watch.answer = None
    account.pass_time(6)
    assert account.propose(symbol="ES")
    with pytest.raises(OrderRefused, match="wild"):
        account.propose(symbol="NQ")


def test_reduce_only_lasts_until_a_person_resumes_after_a_restart_too(account, watch):
    account.opened()
    watch.answer = ReduceOnly(watch="test", reason="-2000")
    account.pass_time(0.3)
    watch.answer = None
    assert account.house.held() == {"ES": 2}
    account.restart()
    account.trading.link_up()
    account.pass_time(3)
    assert account.trading.kill_switch.level is KillLevel.PAUSE
    with pytest.raises(OrderRefused, match="test: -2000"):
        account.propose()
    account.trading.resume("ann")
    account.connect()
    assert account.propose()


def test_it_is_carried_out_once(account, watch):
    watch.answer = ReduceOnly(watch="test", reason="-2000")
    account.pass_time(3)
    assert sum(kind == "kill" for kind, _ in account.journal.notes) == 1


def test_flatten_closes_everything(account, watch):
    held = account.opened()
    resting = account.propose(**LIMIT)
    account.exchange()
    watch.answer = FlattenAll(watch="test", reason="-2500")
    account.pass_time(0.5)
    assert account.status(f"{resting}_ENTRY") is OrderStatus.CANCELLED
    close(account, held, "SL")
    assert account.house.held() == {}
    ((_, note),) = [one for one in account.journal.notes if one[0] == "kill"]
    assert (note["by"], note["via"]) == ("watch test", "watch")


def test_positions_stay_where_only_a_person_may_close_them(new_world, watch):
    account = new_world(watches=(("test", watch),), may_flatten=False)
    account.connect()
    account.opened()
    watch.answer = FlattenAll(watch="test", reason="-2500")
    account.pass_time(1)
    assert account.trading.kill_switch.level is KillLevel.CANCEL
    assert account.house.held() == {"ES": 2}


def test_a_strategy_is_suspended_until_a_person_resumes_after_a_restart_too(account, watch):
    for _ in range(3):
        close(account, account.opened(strategy="a"), "SL")
    watch.answer = Suspend(watch="test", reason="3 stop-outs", strategy="a")
    account.pass_time(0.3)
    watch.answer = None
    account.restart()
    account.connect()
    with pytest.raises(OrderRefused, match=r"strategy: expected .* was test: 3 stop-outs"):
        account.propose(strategy="a")
    assert account.propose(strategy="b")
    assert sum("is suspended" in one for one in account.told()) == 0  # told before the restart
    account.trading.resume("ann")  # the account, and no strategy
    with pytest.raises(OrderRefused, match=r"strategy: expected .* was test: 3 stop-outs"):
        account.propose(strategy="a")
    account.trading.watches.resume("a", "ann", ("ann",))
    account.pass_time(0.2)
    shown = watch.view.strategies["a"]
    assert (shown.stop_outs_in_a_row, shown.entries_today, shown.entries_10m) == (0, 0, 0)
    assert account.propose(strategy="a")
    account.restart()
    account.connect()
    assert account.state.activity.suspended == {}


def test_one_strategy_goes_on_and_another_does_not(account, watch):
    for name in ("a", "b"):
        watch.answer = Suspend(watch="test", reason="too many", strategy=name)
        account.pass_time(0.2)
    watch.answer = None
    account.trading.watches.resume("b", "ann")
    assert list(account.state.activity.suspended) == ["a"]
    assert account.propose(strategy="b")


def lose(account, points):
    """Let the last price be where the only trade, 2 contracts, loses so much."""
    account.price(4000.0 - points)
    account.pass_time(0.2)


def test_it_is_shown_what_a_person_knew_who_went_on(account, watch):
    account.opened(stop_loss_ticks=400)
    lose(account, 10)
    assert watch.view.open_pnl == -1000.0
    assert (watch.view.resumed_pnl, watch.view.armed_pnl) == (None, None)
    account.trading.resume("ann")  # nothing was stopped: whoever says so knows of nothing
    account.pass_time(0.2)
    assert (watch.view.resumed_pnl, watch.view.armed_pnl) == (None, None)
    account.trading.kill(KillLevel.PAUSE, "fire", "ann")
    account.trading.resume("ann")
    account.pass_time(0.2)
    assert (watch.view.resumed_pnl, watch.view.armed_pnl) == (-1000.0, None)
    account.restart()
    account.connect()
    account.pass_time(0.2)
    assert (watch.view.resumed_pnl, watch.view.armed_pnl) == (-1000.0, None)
    account.trading.kill(KillLevel.FLATTEN, "fire", "ann")
    account.trading.resume("ann", ("ann", "bob"))
    account.pass_time(0.2)
    assert watch.view.armed_pnl == watch.view.resumed_pnl


def test_rejects_that_a_person_knew_of_who_went_on_are_shown_no_more(account, watch):
    account.house.rejects = {"entry"}
    account.propose()
    account.exchange()
    account.pass_time(0.2)
    account.trading.resume("ann")  # nothing was stopped
    account.pass_time(0.2)
    assert len(watch.view.rejects) == 1
    account.trading.kill(KillLevel.PAUSE, "rejects", "watch")
    account.trading.resume("ann")
    account.pass_time(0.2)
    assert watch.view.rejects == ()


def test_an_entry_of_a_strategy_that_was_suspended_meanwhile_does_not_leave(account, watch):
    account.propose(strategy="a")
    watch.answer = Suspend(watch="test", reason="too many", strategy="a")
    account.trading.look()
    account.exchange()
    assert account.house.sent == []


def test_an_alarm_is_told_once_for_each_reason(account, watch):
    watch.answer = Alarm(watch="test", reason="20 to 1")
    account.pass_time(2)
    watch.answer = Alarm(watch="test", reason="30 to 1")
    account.pass_time(2)
    assert [one for one in account.told() if "to 1" in one] == ["test: 20 to 1", "test: 30 to 1"]


@pytest.mark.parametrize("answer", [ValueError("broken"), "stop"])
def test_a_watch_that_breaks_shuts_the_gate_and_is_told_once(new_world, watch, answer):
    other = Watch()
    account = new_world(watches=(("test", watch), ("other", other)))
    account.connect()
    watch.answer, seen = answer, len(other.views)
    account.pass_time(1)
    assert len(other.views) > seen
    assert account.trading.gate.state == "halted"
    assert sum("a defect" in one for one in account.told()) == 1
    watch.answer = None
    account.trading.resume("ann")
    assert account.propose()


# With the watches of the plugin: a person who let it go on has the last word, until there is news


@pytest.fixture
def losing(new_world):
    """An account that watches its loss: reduce only from 2,000 on, close everything from 2,500."""
    made = new_world(watches=(("daily_loss", daily_loss(None, 2_000.0, 2_500.0)),))
    made.connect()
    return made


def kills(account):
    return [note["level"] for kind, note in account.journal.notes if kind == "kill"]


def test_a_loss_that_two_operators_knew_of_closes_nothing_again(losing):
    losing.opened(stop_loss_ticks=400)
    lose(losing, 25)
    assert kills(losing) == ["flatten"]
    losing.exchange()
    losing.trading.resume("bob", ("ann", "bob"))
    losing.pass_time(5)
    assert losing.trading.kill_switch.level is None
    losing.restart()
    losing.connect()
    losing.pass_time(5)
    assert losing.trading.kill_switch.level is None


def test_a_further_loss_stops_it_again(losing):
    losing.opened(stop_loss_ticks=400)
    lose(losing, 20)
    assert kills(losing) == ["pause"]
    losing.trading.resume("ann")
    lose(losing, 23.75)  # another 375
    assert kills(losing) == ["pause"]
    lose(losing, 24)  # another 400: a fifth of 2,000
    assert kills(losing) == ["pause", "pause"]
    losing.trading.resume("ann")
    lose(losing, 25)  # one operator has let it go on, and that moves no limit that takes two
    assert kills(losing) == ["pause", "pause", "flatten"]


def test_going_on_without_a_stop_moves_no_limit(losing):
    losing.opened(stop_loss_ticks=400)
    for points in (10, 15, 19.75):
        lose(losing, points)
        losing.trading.resume("ann")
    lose(losing, 20)
    assert kills(losing) == ["pause"]


def test_a_strategy_that_a_person_let_go_on_has_its_entries_anew(new_world):
    account = new_world(watches=(("strategy_throttle", strategy_throttle(None, 2, 2)),))
    account.connect()
    for _ in range(2):
        close(account, account.opened(strategy="a"), "TP")
    assert "2 entries a day" in account.state.activity.suspended["a"]
    account.trading.watches.resume("a", "ann")
    account.pass_time(5)
    assert account.state.activity.suspended == {}
    close(account, account.opened(strategy="a"), "SL")
    assert account.state.activity.suspended == {}
    close(account, account.opened(strategy="a"), "SL")
    assert "a" in account.state.activity.suspended


def test_rejects_that_a_person_knew_of_stop_nothing_again(new_world):
    account = new_world(watches=(("rejects", max_rejects(2, None)),))
    account.connect()
    account.house.rejects = {"entry"}
    for _ in range(2):
        account.propose()
        account.exchange()
    account.pass_time(0.2)
    assert account.trading.kill_switch.level is KillLevel.PAUSE
    account.trading.resume("ann")
    account.pass_time(1)
    assert account.trading.kill_switch.level is None
