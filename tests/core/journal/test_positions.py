"""Every change of a position is recorded with what was held before and after, and why."""

import pytest

from fillbridge.engine import EngineState
from fillbridge.engine.messages import CloseRequested
from fillbridge.journal import PositionChanged
from fillbridge.journal.positions import Holding, held_after, position_change
from fillbridge_hooks import ExitReason


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
