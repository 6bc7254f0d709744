"""What is taken back, never left or is found bare: the trade is mended, once."""

import pytest

from fillbridge_hooks import ExitReason, OrderStatus, OrderType, Side


@pytest.fixture
def closed(opened):
    """A trade that its target closed, and that is measured."""
    desk = opened()
    desk.fill("T1_TP", commission=760)
    desk.cancelled("T1_SL")
    desk.measure()
    return desk


# Orders that never left


def test_an_entry_that_never_left_is_over(desk, plan):
    desk.propose(plan())
    desk.not_sent("T1_ENTRY", "the link is down")
    assert desk.failed == {"T1_ENTRY": "the link is down"}
    assert desk.state.trades == {}


def test_a_stop_that_never_left_is_not_sent_again_until_somebody_asks(opened, pending):
    desk = pending()
    desk.fill("T1_ENTRY")
    desk.not_sent("T1_SL")
    assert desk.submitted == {}
    assert len(desk.alarms) == 1
    desk.protect()
    again = desk.submitted["T1_SL2"]
    assert (again.quantity, again.trigger_ticks, again.side) == (2, 15_960, Side.SELL)


def test_protecting_twice_sends_once(pending):
    desk = pending()
    desk.fill("T1_ENTRY")
    desk.not_sent("T1_SL")
    desk.protect()
    desk.protect()
    assert desk.effects == []


def test_what_is_protected_is_left_alone(opened):
    desk = opened()
    assert desk.protect() == ()
    assert desk.effects == []


def test_a_position_whose_stops_never_leave_is_closed(pending):
    desk = pending()
    desk.fill("T1_ENTRY")
    for stop in ("T1_SL", "T1_SL2", "T1_SL3"):
        desk.not_sent(stop)
        desk.protect()
    assert desk.submitted["T1_EXIT"].quantity == 2
    assert desk.trade().close_reason is ExitReason.MANUAL_OVERRIDE
    desk.not_sent("T1_EXIT")
    desk.protect()
    assert desk.submitted["T1_EXIT2"].quantity == 2


def test_a_stop_that_is_too_small_is_raised(opened):
    desk = opened(filled=1)
    desk.fill("T1_ENTRY", 1)
    desk.replace_rejected("T1_TP")
    desk.replaced(desk_change(desk, "T1_SL", 1))
    desk.protect()
    assert desk.changes["T1_SL"].quantity == 2


def desk_change(desk, order_id, quantity):
    order_state = desk.order(order_id)
    change = order_state.requested
    order_state.requested = None
    return type(change)(
        order_id, quantity, change.order_type, change.limit_ticks, change.trigger_ticks
    )


# Fills that are taken back


def test_an_entry_fill_that_is_taken_back_shrinks_the_legs(pending):
    desk = pending(quantity=3)
    first = desk.fill("T1_ENTRY", 1, commission=380)
    desk.accept("T1_SL", "T1_TP")
    desk.fill("T1_ENTRY", 2, commission=760)
    for change in list(desk.changes.values()):
        desk.replaced(change)
    desk.voided(first)
    assert desk.trade().held == 2
    assert desk.trade().commission_cents == 760
    assert desk.protections == ["T1"]
    desk.protect()
    assert {key: one.quantity for key, one in desk.changes.items()} == {"T1_SL": 2, "T1_TP": 2}


def test_the_whole_entry_taken_back_ends_the_trade(opened):
    desk = opened()
    (booked,) = desk.trade().fills.values()
    desk.voided(booked.fill)
    desk.protect()
    assert desk.cancels == {"T1_SL", "T1_TP"}
    desk.cancelled("T1_SL")
    desk.cancelled("T1_TP")
    assert list(desk.failed) == ["T1_ENTRY"]
    assert desk.state.trades == {}


def test_an_exit_fill_taken_back_after_the_trade_closed_brings_it_back_under_a_stop(closed):
    desk = closed
    realised = desk.state.counters.realised_cents
    exit_fill = desk.state.ended["T1"].last_exit
    desk.voided(exit_fill)
    assert desk.trade().held == 2
    assert desk.is_tracked
    assert desk.protections == ["T1"]
    desk.protect()
    assert desk.submitted["T1_SL2"].quantity == 2
    desk.accept("T1_SL2")
    desk.fill("T1_SL2")
    result = desk.measure()
    assert result.pnl_net != realised / 100
    assert desk.state.counters.realised_cents == round(result.pnl_net * 100)


def test_a_round_trip_that_is_taken_back_whole_has_realised_nothing(closed):
    desk = closed
    assert desk.state.counters.realised_cents != 0
    trade = desk.state.ended["T1"]
    for booked in reversed(list(trade.fills.values())):
        desk.voided(booked.fill)
    desk.protect()
    assert desk.state.trades == {}
    assert desk.state.counters.realised_cents == 0
    assert trade.realised_cents is None


def test_a_fill_is_taken_back_once(opened):
    desk = opened()
    (booked,) = desk.trade().fills.values()
    desk.voided(booked.fill)
    events = desk.voided(booked.fill)
    assert [event.reason for event in events] == ["no such fill is known"]
    assert desk.trade().held == 0


# Fills that come after the end


def test_a_stop_that_fills_after_the_target_closed_the_trade_is_bought_back(closed):
    desk = closed
    desk.fill("T1_SL")
    assert desk.trade().held == -2
    assert desk.is_tracked
    back = desk.submitted["T1_EXIT"]
    assert (back.side, back.quantity, back.order_type) == (Side.BUY, 2, OrderType.MARKET)
    assert "exceed the position by 2" in desk.alarms[-1].message
    desk.fill("T1_EXIT")
    desk.measure()
    assert desk.state.trades == {}


def test_a_report_of_an_order_of_a_trade_that_ended_finds_it(closed):
    events = closed.cancelled("T1_SL")
    assert [event.reason for event in events] == ["repeated"]
    assert closed.order("T1_SL").status is OrderStatus.CANCELLED


# Halting


def test_what_became_of_a_proposal_is_known_until_the_next_trade_date_has_passed(desk, plan):
    made = plan()
    day = 86_400_000_000_000
    named = type(made)(
        **{name: getattr(made, name) for name in made.__struct_fields__ if name != "proposal"},
        proposal=type(made.proposal)(position_size=2, direction="LONG", proposal_id="P1"),
    )
    desk.propose(named)
    assert desk.state.proposed == {"P1": "T1"}
    desk.now += day
    desk.propose(plan("T2"))
    assert desk.state.proposed_before == {"P1": "T1"}
    desk.now += day
    desk.propose(plan("T3"))
    assert desk.state.proposed_before == desk.state.proposed == {}


def test_exits_of_a_position_that_was_taken_back_are_withdrawn_and_the_entry_goes_on(pending):
    desk = pending()
    fill = desk.fill("T1_ENTRY", 1)
    desk.accept("T1_SL", "T1_TP")
    desk.voided(fill)
    desk.protect()
    assert desk.cancels == {"T1_SL", "T1_TP"}
    assert "T1_ENTRY" in desk.working()


def test_a_position_without_an_entry_is_priced_by_what_opened_it(opened):
    desk = opened()
    entry = next(iter(desk.trade().fills.values())).fill
    assert desk.trade().opening_price == 4000.0
    desk.fill("T1_TP", 1)
    desk.voided(entry)
    assert desk.trade().held == -1
    assert desk.trade().opening_price == 4010.0


@pytest.fixture
def twice_stopped(pending):
    """A trade whose first stop, withdrawn and replaced by another, works after all."""

    def make():
        desk = pending()
        desk.fill("T1_ENTRY")
        desk.cancel("T1_SL")
        desk.protect()
        assert "T1_SL2" in desk.submitted
        desk.cancel_rejected("T1_SL")
        return desk

    return make


def test_of_two_stops_that_work_the_older_is_withdrawn(twice_stopped):
    desk = twice_stopped()
    desk.accept("T1_SL", "T1_SL2")
    desk.protect()
    assert desk.cancels == {"T1_SL"}
    desk.protect()
    assert desk.cancels == set()


def test_an_older_stop_stays_until_the_newer_is_known_to_work(twice_stopped):
    desk = twice_stopped()
    desk.accept("T1_SL")
    desk.protect()
    assert desk.effects == []


@pytest.mark.parametrize("end", ["expired", "rejected"])
def test_a_stop_that_is_lost_beside_another_is_not_replaced(twice_stopped, end):
    desk = twice_stopped()
    desk.accept("T1_SL2")
    getattr(desk, end)("T1_SL")
    assert desk.submitted == {}
    assert desk.protections == ["T1"]
    desk.protect()
    assert desk.effects == []


def test_a_newer_stop_that_is_lost_leaves_the_older_to_protect(twice_stopped):
    desk = twice_stopped()
    desk.accept("T1_SL")
    desk.rejected("T1_SL2")
    desk.protect()
    assert desk.submitted == {}


# What was asked for and refused


def test_an_entry_that_could_not_be_withdrawn_is_withdrawn_again_when_it_is_looked_at(pending):
    desk = pending()
    desk.cancel("T1_ENTRY", "too late")
    desk.cancel_rejected("T1_ENTRY", "not now")
    desk.protect()
    assert desk.cancels == {"T1_ENTRY"}
    assert desk.protect() == ()
    desk.cancelled("T1_ENTRY")
    assert desk.failed == {"T1_ENTRY": "too late"}


def test_so_is_the_entry_of_a_trade_that_is_to_end(pending):
    desk = pending()
    desk.close()
    desk.cancel_rejected("T1_ENTRY")
    desk.protect()
    assert desk.cancels == {"T1_ENTRY"}


def test_an_entry_that_is_wanted_is_left_alone(pending):
    assert pending().protect() == ()


# A target that was lost


def test_a_target_that_was_rejected_is_placed_again_a_few_times(opened, pending):
    desk = pending()
    desk.fill("T1_ENTRY")
    desk.accept("T1_SL")
    for target in ("T1_TP", "T1_TP2"):
        desk.rejected(target)
        desk.protect()
        again = desk.submitted[f"T1_TP{int(target[5:] or 1) + 1}"]
        assert (again.quantity, again.limit_ticks) == (2, 16_040)
    desk.rejected("T1_TP3")
    assert desk.protect() == ()


def test_a_target_that_was_withdrawn_is_not_placed_again(opened):
    desk = opened()
    desk.cancel("T1_TP")
    desk.cancelled("T1_TP")
    assert desk.protect() == ()
