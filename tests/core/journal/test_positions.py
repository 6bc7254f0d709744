"""Every change of a position is recorded with what was held before and after, and why."""

import pytest

from fillbridge.engine import EngineState
from fillbridge.engine.messages import CloseRequested
from fillbridge.journal import PositionChanged
from fillbridge.journal.positions import Holding, held_after, position_change
from fillbridge_hooks import ExitReason, FillVoided


@pytest.fixture
def changes():
    """The changes of positions that some events make."""

    def follow(events):
        state, holdings, found = EngineState(), {}, []
        for event in events:
            change = position_change(state, holdings, event, 99)
            if change is not None:
                held_after(holdings, change)
                found.append(change)
        return found, holdings

    return follow


def briefly(found):
    return [(one.trade_id, one.before, one.delta, one.after, one.cause) for one in found]


def test_a_trade_opens_and_closes_a_position(trades, changes):
    account = trades(1)

    found, holdings = changes(account.recorded)

    assert briefly(found) == [("T1", 0, 2, 2, "entry"), ("T1", 2, -2, 0, "TP")]
    assert holdings == {}
    entry, end = found
    assert (entry.symbol, entry.price, entry.average_price) == ("ES", 4000.0, 4000.0)
    assert (entry.client_order_id, entry.recorded_ns) == ("T1_ENTRY", 99)
    assert entry.time_ns == account.closed[0].entry_time_ns
    assert (end.price, end.average_price, end.client_order_id) == (4010.0, None, "T1_TP")
    assert entry.fill_id != end.fill_id


def test_positions_of_a_symbol_add_up_over_trades(account, changes):
    made = account()
    made.open(size=2)
    made.open(size=3, direction="SHORT")
    made.open(size=1, symbol="GC", direction="SHORT")
    made.broker.fill("T1_ENTRY", 4000.0)
    made.broker.fill("T2_ENTRY", 4002.0)
    made.broker.fill("T3_ENTRY", 2000.0)
    made.broker.fill("T2_SL", 4012.0, quantity=1)

    found, holdings = changes(made.recorded)

    assert briefly(found) == [
        ("T1", 0, 2, 2, "entry"),
        ("T2", 2, -3, -1, "entry"),
        ("T3", 0, -1, -1, "entry"),
        ("T2", -1, 1, 0, "SL"),
    ]
    assert [one.average_price for one in found] == [4000.0, 4002.0, 2000.0, None]
    assert holdings == {"GC": Holding(-1, 2000.0)}


def test_the_average_price_follows_what_adds_and_stays_with_what_reduces(account, changes):
    made = account()
    made.open(size=4)
    made.broker.fill("T1_ENTRY", 4000.0, quantity=1)
    made.broker.fill("T1_ENTRY", 4004.0, quantity=3)
    made.broker.fill("T1_TP", 4010.0, quantity=2)

    found, _ = changes(made.recorded)

    assert [one.average_price for one in found] == [4000.0, 4003.0, 4003.0]


def test_an_exit_says_why_it_was_asked_for(account, changes):
    made = account()
    made.open()
    made.broker.fill("T1_ENTRY", 4000.0)
    made.shell.step(CloseRequested("T1", ExitReason.MANUAL_OVERRIDE, made.clock.now_ns))
    made.broker.fill("T1_SL", 4001.0)

    found, _ = changes(made.recorded)

    assert briefly(found)[-1] == ("T1", 2, -2, 0, "MANUAL")


def test_the_sum_of_all_changes_is_what_is_held(busy, changes):
    found, holdings = changes(busy.recorded)

    held = sum(trade.held for trade in busy.state.trades.values())
    assert sum(one.delta for one in found) == held == 3
    assert holdings["ES"].quantity == 3
    assert all(type(one) is PositionChanged for one in found)


@pytest.fixture
def voided(account, changes):
    """The changes of positions where some fills are taken back at the end."""

    def follow(*fills, symbol="ES", **trade):
        made = account()
        made.open(size=4, symbol=symbol, **trade)
        reports = [made.broker.fill(f"T1_{leg}", price, quantity) for leg, price, quantity in fills]
        del made.recorded[_after_last_fill(made.recorded) :]
        voids = [
            FillVoided(report.client_order_id, report.fill_id, "busted", 5) for report in reports
        ]
        return changes, made.recorded, voids

    return follow


def _after_last_fill(events):
    return 1 + max(
        place for place, event in enumerate(events) if type(event).__name__ == "FillBooked"
    )


def test_a_fill_that_is_taken_back_leaves_what_was_held_before_it(voided):
    changes, events, voids = voided(("ENTRY", 4000.0, 1), ("ENTRY", 4004.0, 3))

    found, holdings = changes([*events, voids[1]])

    assert briefly(found)[-1] == ("T1", 4, -3, 1, "void")
    assert (found[-1].price, found[-1].average_price) == (4004.0, 4000.0)
    assert found[-1].fill_id == voids[1].fill_id
    assert (found[-1].time_ns, found[-1].recorded_ns) == (5, 99)
    assert holdings == {"ES": Holding(1, 4000.0)}


def test_an_entry_that_is_taken_back_whole_leaves_nothing(voided):
    changes, events, voids = voided(("ENTRY", 4000.0, 4))

    found, holdings = changes([*events, voids[0]])

    assert briefly(found)[-1] == ("T1", 4, -4, 0, "void")
    assert holdings == {}


@pytest.mark.parametrize("quantity", [1, 4])
def test_an_exit_that_is_taken_back_leaves_the_position_at_its_price(voided, quantity):
    changes, events, voids = voided(("ENTRY", 4000.0, 4), ("TP", 4010.0, quantity))

    found, holdings = changes([*events, voids[1]])

    assert briefly(found)[-1] == ("T1", 4 - quantity, quantity, 4, "void")
    assert holdings == {"ES": Holding(4, 4000.0)}


def test_an_exit_whose_entry_was_taken_back_may_be_taken_back_too(voided):
    changes, events, voids = voided(("ENTRY", 4000.0, 4), ("TP", 4010.0, 1))

    found, holdings = changes([*events, voids[0], voids[1]])

    assert briefly(found)[-2:] == [("T1", 3, -4, -1, "void"), ("T1", -1, 1, 0, "void")]
    assert holdings == {}
