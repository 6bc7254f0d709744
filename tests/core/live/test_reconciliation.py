"""What the broker's answers say that is not known here; never concluded from one of them alone."""

import msgspec
import pytest

from fillbridge.engine.messages import CancelRequested, CloseRequested, ReplaceRequested
from fillbridge.live.outbox import Cancellation, Change
from fillbridge.live.reconciliation import Quarantine, Reconciler
from fillbridge_hooks import (
    Accepted,
    BrokerPosition,
    Cancelled,
    ExitReason,
    Expired,
    Fill,
    FillVoided,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    Rejected,
    Replaced,
    Side,
)

SECOND = 1_000_000_000
TAG = "FBtest-"


class Desk:
    """A world whose answers are compared by a reconciler of its own, and applied by nobody."""

    def __init__(self, world):
        self.world = world
        self.house = world.house
        self.reconciler = Reconciler(TAG, Quarantine())

    def compare(self, seconds=0.0, **changes):
        """Ask so much later; what was found."""
        self.wait(seconds)
        snapshot = self.house.snapshot(**changes)
        return self.reconciler.compare(self.world.state, snapshot, self.now)

    def wait(self, seconds):
        self.world.clock.advance_to(self.now + round(seconds * SECOND))

    @property
    def now(self):
        return self.world.clock.now_ns

    def lose(self, order_id):
        """Take an order from the house as if it had never arrived."""
        del self.house.orders[order_id]

    def unheard(self):
        """What the house said is lost on the way."""
        self.house.said.clear()

    def is_calm(self, **changes):
        found = self.compare(1.0, **changes)
        return found == type(found)()


@pytest.fixture
def desk(world):
    return Desk(world)


def test_what_agrees_brings_nothing(desk):
    desk.world.opened()
    assert desk.is_calm()
    assert desk.is_calm()


# Orders that arrived


def test_an_order_without_an_answer_that_works_there_is_accepted(desk):
    trade_id = desk.world.propose()
    desk.world.leave()
    desk.unheard()
    (report,) = desk.compare(1).reports
    assert type(report) is Accepted
    assert report.broker_order_id == f"B-{trade_id}_ENTRY"


def test_an_unknown_order_that_works_there_is_accepted(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.leave()
    desk.unheard()
    desk.world.trading.on_message(OutcomeUnknown(entry, "?", desk.now))
    assert [type(one) for one in desk.compare(1).reports] == [Accepted]


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (OrderStatus.CANCELLED, Cancelled),
        (OrderStatus.REJECTED, Rejected),
        (OrderStatus.EXPIRED, Expired),
    ],
)
@pytest.mark.parametrize("reason", ["", "at your own request"])
def test_an_end_that_was_not_heard_of_is_told(desk, status, kind, reason):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.leave()
    desk.unheard()
    desk.house.change(entry, status=status, reason=reason)
    (report,) = desk.compare(1).reports
    assert type(report) is kind
    assert (report.client_order_id, report.reason) == (entry, reason or status.value)


def test_an_order_that_the_broker_reduced_and_filled_is_cancelled_for_the_rest(desk):
    trade_id = desk.world.opened(quantity=3)
    target = f"{trade_id}_TP"
    desk.house.fill(target, 1)
    desk.world.hear()
    desk.house.change(target, quantity=1, status=OrderStatus.FILLED)
    reports = desk.compare(1).reports
    assert [(type(one), one.client_order_id) for one in reports] == [(Cancelled, target)]


def test_the_fill_that_ends_an_order_ends_it_without_a_further_report(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    desk.house.fill(entry)
    desk.unheard()
    assert [type(one) for one in desk.compare(1).reports] == [Fill]


# Fills


def test_a_fill_that_was_not_heard_of_is_told_once(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    fill = desk.house.fill(entry, 1)
    desk.unheard()
    found = desk.compare(1)
    assert found.reports == [fill]
    assert not found.mismatched
    desk.world.trading.on_message(fill)
    desk.world.exchange()
    assert desk.is_calm()


def test_a_fill_and_the_end_after_it_are_told_in_that_order(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    desk.house.fill(entry, 1)
    desk.house.end(entry, OrderStatus.CANCELLED)
    desk.unheard()
    assert [type(one) for one in desk.compare(1).reports] == [Fill, Cancelled]


def test_an_order_that_filled_more_than_its_known_fills_is_left_until_they_are_known(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    desk.house.fill(entry, 1)
    desk.house.end(entry, OrderStatus.CANCELLED)
    desk.unheard()
    found = desk.compare(1, fills=())
    assert found.is_incomplete
    assert found.reports == []
    assert [type(one) for one in desk.compare(1).reports] == [Fill, Cancelled]


def test_a_late_fill_of_a_trade_that_has_ended_is_told(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    desk.world.trading.on_message(Cancelled(entry, "they said", desk.now))
    assert desk.world.state.trades == {}
    fill = desk.house.fill(entry)
    desk.unheard()
    found = desk.compare(1)
    assert found.reports == [fill]
    assert not found.mismatched


def test_a_fill_of_an_order_that_nobody_knows_is_no_report(desk):
    desk.house.place("manual", side=Side.BUY)
    desk.house.fill("manual")
    found = desk.compare(1)
    assert found.reports == []
    assert found.mismatched == {"ES": (0, 1)}


# Absence


def absent(desk, role="ENTRY", status=None):
    """A trade whose order of that role is not at the broker; its id."""
    trade_id = desk.world.propose()
    desk.world.leave()
    if role == "ENTRY":
        desk.lose(f"{trade_id}_ENTRY")
        desk.unheard()
    else:
        desk.world.hear()
        desk.house.fill(f"{trade_id}_ENTRY")
        desk.world.hear()
        desk.world.leave()
        if status == "working":
            desk.world.hear()
        desk.lose(f"{trade_id}_{role}")
        desk.unheard()
        desk.world.trading.on_message(Accepted(f"{trade_id}_TP", "B", desk.now))
    order_id = f"{trade_id}_{role}"
    if status == "unknown":
        desk.world.trading.on_message(OutcomeUnknown(order_id, "?", desk.now))
    return order_id


@pytest.mark.parametrize("status", ["pending", "unknown"])
def test_an_entry_that_stays_absent_through_its_quarantine_never_arrived(desk, status):
    entry = absent(desk, status=status)
    assert desk.compare(0.1).reports == []
    assert desk.compare(29.9).reports == []
    (report,) = desk.compare(0.1).reports
    assert type(report) is Expired
    assert report.client_order_id == entry
    assert report.reason == "absent at the broker for 30.0 s"


@pytest.mark.parametrize("status", ["pending", "unknown"])
def test_what_reduces_is_given_three_seconds(desk, status):
    stop = absent(desk, "SL", status)
    assert desk.compare(0.1).reports == []
    assert desk.compare(2.9).reports == []
    (report,) = desk.compare(0.1).reports
    assert (type(report), report.client_order_id) == (Expired, stop)


def test_a_stop_that_was_known_to_work_is_given_the_longer_time(desk):
    absent(desk, "SL", "working")
    assert desk.compare(0.1).reports == []
    assert desk.compare(29.9).reports == []
    assert [type(one) for one in desk.compare(0.1).reports] == [Expired]


def test_one_look_however_late_proves_no_absence(desk):
    absent(desk)
    assert desk.compare(99).reports == []


def test_an_order_that_shows_up_within_its_quarantine_is_there(desk):
    trade_id = desk.world.propose()
    entry = f"{trade_id}_ENTRY"
    desk.world.leave()
    desk.unheard()
    there = desk.house.orders.pop(entry)
    desk.compare(0.1)
    desk.house.orders[entry] = there
    assert [type(one) for one in desk.compare(20).reports] == [Accepted]
    desk.lose(entry)
    assert desk.compare(15).reports == []
    assert desk.compare(29).reports == []
    assert [type(one) for one in desk.compare(1).reports] == [Expired]


def test_an_order_whose_fill_is_known_is_not_absent(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.leave()
    fill = desk.house.fill(entry, 1)
    desk.unheard()
    desk.lose(entry)
    held = {"positions": (BrokerPosition(symbol="ES", quantity=1),)}
    desk.compare(0.1, fills=(), positions=())
    assert desk.compare(20, fills=(fill,), **held).reports == [fill]
    # The wait begins again.
    assert desk.compare(15, fills=(), positions=()).reports == []


def test_answers_from_before_an_order_left_say_nothing_of_it(desk):
    asked_ns = desk.now
    desk.wait(1)
    absent(desk)
    for _ in range(5):
        assert desk.compare(10, asked_ns=asked_ns).reports == []
    assert desk.compare(0.1).reports == []
    assert [type(one) for one in desk.compare(30).reports] == [Expired]


def test_a_new_connection_begins_the_quarantine_again(desk):
    absent(desk)
    desk.compare(0.1)
    desk.reconciler.begin_again()
    assert desk.compare(30).reports == []
    assert [type(one) for one in desk.compare(30).reports] == [Expired]


def test_an_order_that_ended_here_is_not_missed(desk):
    trade_id = desk.world.opened()
    desk.lose(f"{trade_id}_ENTRY")
    desk.compare(1)
    assert desk.compare(60).reports == []


# Requests that were lost


def lose_request(desk, request):
    """Ask for something that never reaches the house."""
    desk.world.trading.request(request)
    desk.world.trading.outbox.ready.clear()


def test_a_cancel_that_took_no_effect_is_repeated_after_two_answers(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    lose_request(desk, CancelRequested(entry, "asked", desk.now))
    assert desk.compare(1).repeats == []
    assert desk.compare(1).repeats == [Cancellation(entry)]


def test_after_a_repeat_two_answers_are_waited_for_again(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    lose_request(desk, CancelRequested(entry, "asked", desk.now))
    repeats = [len(desk.compare(1).repeats) for _ in range(6)]
    assert repeats == [0, 1, 0, 1, 0, 1]


def test_a_change_that_took_no_effect_is_repeated_after_two_answers(desk):
    stop = desk.world.opened() + "_SL"
    lose_request(desk, ReplaceRequested(stop, None, 15_980, desk.now))
    assert desk.compare(1).repeats == []
    (repeat,) = desk.compare(1).repeats
    assert type(repeat) is Change
    assert (repeat.change.client_order_id, repeat.change.trigger_ticks) == (stop, 15_980)


def test_answers_that_do_not_follow_each_other_do_not_agree(desk):
    stop = desk.world.opened() + "_SL"
    lose_request(desk, ReplaceRequested(stop, None, 15_980, desk.now))
    desk.compare(1)
    there = desk.house.orders[stop]
    desk.house.change(stop, trigger_ticks=15_980)
    assert desk.compare(1).repeats == []
    desk.house.orders[stop] = there
    assert desk.compare(1).repeats == []


def test_answers_with_a_failed_one_between_them_do_not_agree(desk):
    trade_id = desk.world.opened()
    assert desk.compare(1, fills=(), positions=()).reports == []
    desk.reconciler.no_answer()
    assert desk.compare(1, fills=(), positions=()).reports == []
    assert [type(one) for one in desk.compare(1, fills=(), positions=()).reports] == [FillVoided]
    assert trade_id in desk.world.state.trades


def test_an_order_is_not_held_absent_by_two_answers_with_a_failed_one_between_them(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.leave()
    desk.unheard()
    desk.lose(entry)
    assert desk.compare(1).reports == []
    desk.reconciler.no_answer()
    assert desk.compare(60).reports == []
    assert [type(one) for one in desk.compare(1).reports] == [Expired]


def test_a_new_connection_begins_the_counting_again(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    lose_request(desk, CancelRequested(entry, "asked", desk.now))
    desk.compare(1)
    desk.reconciler.begin_again()
    assert desk.compare(1).repeats == []
    assert len(desk.compare(1).repeats) == 1


def test_a_change_whose_answer_was_lost_is_told_at_once(desk):
    stop = desk.world.opened() + "_SL"
    desk.world.trading.request(ReplaceRequested(stop, None, 15_980, desk.now))
    desk.world.leave()
    desk.unheard()
    (report,) = desk.compare(1).reports
    assert report == Replaced(stop, 2, OrderType.STOP, None, 15_980, report.time_ns)


def test_a_leg_that_the_broker_resized_is_known_after_two_answers(desk):
    stop = desk.world.opened() + "_SL"
    desk.house.change(stop, quantity=1)
    assert desk.compare(1).reports == []
    (report,) = desk.compare(1).reports
    assert (type(report), report.quantity) == (Replaced, 1)


# Orders that should not be there


def test_an_order_that_ended_here_and_works_there_is_a_stray_after_two_answers(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    desk.world.trading.on_message(Cancelled(entry, "they said", desk.now))
    assert desk.compare(1).strays == []
    assert desk.compare(1).strays == [entry]
    assert desk.compare(1).strays == []


def test_an_order_that_ended_here_and_there_is_none(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    desk.house.end(entry, OrderStatus.CANCELLED)
    desk.world.hear()
    assert desk.is_calm()
    assert desk.is_calm()


def test_a_working_order_with_our_tag_that_nobody_sent_is_unknown(desk):
    desk.house.place(f"{TAG}9-1_ENTRY")
    assert desk.compare(1).unknown == [f"{TAG}9-1_ENTRY"]
    assert desk.compare(1).foreign == {}


@pytest.fixture
def bracket_desk(new_world):
    """A desk whose broker keeps stop and target."""
    made = new_world(bracket=True)
    made.connect()
    return Desk(made)


def levels():
    return {
        "stop_loss_ticks": None,
        "take_profit_ticks": None,
        "stop_loss_price": 3990.0,
        "take_profit_price": 4010.0,
    }


def test_legs_that_the_broker_keeps_are_ours_before_their_entry_is_known_to_have_filled(
    bracket_desk,
):
    desk = bracket_desk
    trade_id = desk.world.propose(**levels())
    desk.world.exchange()
    for leg in ("_SL", "_TP"):
        desk.house.place(trade_id + leg)
    assert desk.compare(1).unknown == []


def test_a_leg_of_a_trade_that_ended_unfilled_is_ours(bracket_desk):
    desk = bracket_desk
    trade_id = desk.world.propose(**levels())
    desk.world.exchange()
    desk.house.end(f"{trade_id}_ENTRY", OrderStatus.CANCELLED)
    desk.world.hear()
    desk.house.place(f"{trade_id}_SL")
    assert desk.compare(1).unknown == []


def test_what_its_target_closed_while_nobody_listened_is_not_closed_again(bracket_desk):
    world, house = bracket_desk.world, bracket_desk.house
    trade_id = world.propose(**levels())
    world.exchange()
    world.cut()
    world.trading.request(CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, world.clock.now_ns))
    house.fill(f"{trade_id}_ENTRY")
    house.place(f"{trade_id}_SL", quantity=2, status=OrderStatus.CANCELLED)
    house.place(f"{trade_id}_TP", quantity=2)
    house.fill(f"{trade_id}_TP", price=4010.0)
    house.said.clear()
    world.trading.link_up()
    world.ask()
    world.exchange()
    world.pass_time(10.0)
    assert house.sent == [f"{trade_id}_ENTRY"]
    assert trade_id not in world.state.trades
    assert house.held() == {}


def test_legs_of_a_part_that_fills_while_the_rest_is_withdrawn_go_with_it(bracket_desk):
    world, house = bracket_desk.world, bracket_desk.house
    trade_id = world.propose(position_size=3, **levels())
    world.exchange()
    house.fill(f"{trade_id}_ENTRY", 1)
    for leg in ("_SL", "_TP"):
        house.place(trade_id + leg)
    world.exchange()
    house.fill(f"{trade_id}_TP", price=4010.0)
    house.end(f"{trade_id}_SL", OrderStatus.CANCELLED, "the other leg")
    world.hear()
    house.fill(f"{trade_id}_ENTRY", 1)
    world.hear()
    # The broker has legs for it by now, under the same ids.
    withdrawn = [one.client_order_id for one in world.leave() if isinstance(one, Cancellation)]
    assert withdrawn == [trade_id + suffix for suffix in ("_ENTRY", "_SL", "_TP")]


def test_what_looks_like_a_leg_is_none_where_the_broker_keeps_none(desk):
    trade_id = desk.world.propose()
    desk.world.exchange()
    desk.house.place(f"{trade_id}_SL")
    assert desk.compare(1).unknown == [f"{trade_id}_SL"]


def test_one_that_has_ended_is_of_no_interest(desk):
    desk.house.place(f"{TAG}9-1_ENTRY", status=OrderStatus.CANCELLED)
    desk.house.place("manual", status=OrderStatus.REJECTED)
    assert desk.is_calm()


def test_two_orders_of_one_id_are_unknown(desk):
    entry = desk.world.propose() + "_ENTRY"
    desk.world.exchange()
    first = desk.house.orders[entry]
    second = msgspec.structs.replace(first, broker_order_id="B2")
    assert desk.compare(1, working=(first, second)).unknown == [entry]


def test_legs_that_the_broker_keeps_may_be_seen_before_the_fill_that_brings_them(new_world):
    world = new_world(bracket=True)
    world.connect()
    desk = Desk(world)
    levels = {"stop_loss_price": 3990.0, "take_profit_price": 4010.0}
    trade_id = world.propose(stop_loss_ticks=None, take_profit_ticks=None, **levels)
    world.exchange()
    for suffix in ("_SL", "_TP"):
        desk.house.place(trade_id + suffix, quantity=2)
    assert desk.compare(1).unknown == []
    # Two of an id are not what the broker made of one entry.
    first = desk.house.orders[f"{trade_id}_SL"]
    twice = (first, msgspec.structs.replace(first, broker_order_id="B2"))
    assert desk.compare(1, working=twice).unknown == [f"{trade_id}_SL"] * 2


def test_an_order_without_our_tag_is_foreign(desk):
    desk.house.place("manual")
    desk.house.place("", symbol="NQ", broker_order_id="B77")
    assert desk.compare(1).foreign == {
        "ES": "order manual is not ours",
        "NQ": "order B77 is not ours",
    }


# Positions


def test_a_position_that_differs_is_told_with_both_sides(desk):
    desk.world.opened()
    found = desk.compare(1, positions=(BrokerPosition(symbol="ES", quantity=5),))
    assert found.mismatched == {"ES": (2, 5)}
    assert desk.compare(1, positions=()).mismatched == {"ES": (2, 0)}


def test_a_short_position_counts_below_zero(desk):
    desk.world.opened(direction="SHORT")
    assert desk.is_calm()
    found = desk.compare(1, positions=(BrokerPosition(symbol="ES", quantity=2),))
    assert found.mismatched == {"ES": (-2, 2)}


def test_a_fill_is_taken_back_if_it_is_gone_and_the_position_agrees_twice(desk):
    trade_id = desk.world.opened()
    desk.wait(1)
    (fill,) = desk.house.fills
    desk.house.fills.clear()
    first = desk.compare(1, positions=())
    assert first.reports == []
    assert first.mismatched == {"ES": (2, 0)}
    second = desk.compare(1, positions=())
    (report,) = second.reports
    assert type(report) is FillVoided
    assert (report.client_order_id, report.fill_id) == (f"{trade_id}_ENTRY", fill.fill_id)
    assert second.mismatched == {}


def test_a_fill_that_is_not_named_is_kept_while_the_position_stands(desk):
    desk.world.opened()
    for _ in range(3):
        found = desk.compare(1, fills=())
        assert found.reports == []
        assert found.mismatched == {}


def test_a_fill_is_kept_if_the_position_differs_by_something_else(desk):
    desk.world.opened()
    for _ in range(3):
        found = desk.compare(1, fills=(), positions=(BrokerPosition(symbol="ES", quantity=1),))
        assert found.reports == []
        assert found.mismatched == {"ES": (2, 1)}


def test_a_fill_from_before_what_was_asked_for_is_kept(desk):
    desk.world.opened()
    desk.wait(1)
    for _ in range(3):
        found = desk.compare(1, fills=(), positions=(), fills_since_ns=desk.now)
        assert found.reports == []


def test_a_fill_that_happened_while_it_was_asked_is_kept(desk):
    asked_ns = desk.now
    desk.world.opened()
    for _ in range(3):
        assert desk.compare(1, fills=(), positions=(), asked_ns=asked_ns).reports == []


def test_the_exit_of_a_trade_that_has_ended_may_be_taken_back_too(desk):
    trade_id = desk.world.opened()
    desk.house.fill(f"{trade_id}_TP", price=4010.0)
    desk.world.exchange()
    assert desk.world.state.trades == {}
    desk.wait(1)
    exit_fill = desk.house.fills.pop()
    desk.compare(1)
    (report,) = desk.compare(1).reports
    assert (type(report), report.fill_id) == (FillVoided, exit_fill.fill_id)


def test_what_was_found_is_what_the_engine_takes(desk):
    """Each kind of report found leads to agreement once it is applied."""
    trade_id = desk.world.opened()
    desk.house.fill(f"{trade_id}_SL", price=3990.0)
    desk.unheard()
    for report in desk.compare(1).reports:
        desk.world.trading.on_message(report)
    desk.world.exchange()
    assert desk.world.closed[-1].exit_reason is ExitReason.STOP_LOSS
    assert desk.is_calm()
