"""The table of the life of an order is complete, and the engine does what it says."""

import itertools

import msgspec
import pytest

from fillbridge.engine.messages import Raise, ReportIgnored
from fillbridge.engine.transitions import TRANSITIONS, Ignored, OrderSignal
from fillbridge_hooks import OrderStatus, OrderType, Replacement

CELLS = list(itertools.product(OrderStatus, OrderSignal))
LEGAL = [cell for cell in CELLS if isinstance(TRANSITIONS[cell[0]][cell[1]], OrderStatus)]
IGNORED = [cell for cell in CELLS if isinstance(TRANSITIONS[cell[0]][cell[1]], Ignored)]

REPORTS = {
    OrderSignal.ACCEPT: "Accepted",
    OrderSignal.CANCEL: "Cancelled",
    OrderSignal.REJECT: "Rejected",
    OrderSignal.EXPIRE: "Expired",
    OrderSignal.REPLACE: "Replaced",
    OrderSignal.LOSE: "OutcomeUnknown",
}

TARGET = "T1_TP"


@pytest.fixture
def in_status(desk, plan):
    """Brings the target of a held position to a status: it may end without ending the trade."""

    def bring(status):
        desk.propose(plan(quantity=5))
        desk.fill("T1_ENTRY", 4)
        desk.accept("T1_ENTRY", "T1_SL")
        if status is OrderStatus.PENDING:
            return desk
        if status is OrderStatus.UNKNOWN:
            desk.lost(TARGET)
            return desk
        if status is OrderStatus.REJECTED:
            desk.rejected(TARGET)
            return desk
        desk.accept(TARGET)
        if status is OrderStatus.PARTIAL_FILLED:
            desk.fill(TARGET, 1)
        elif status is OrderStatus.FILLED:
            desk.feed_replaced(TARGET, 2)
            desk.fill(TARGET, 2)
        elif status is OrderStatus.CANCELLED:
            desk.cancelled(TARGET)
        elif status is OrderStatus.EXPIRED:
            desk.expired(TARGET)
        return desk

    return bring


def signal(desk, what):
    """Let the engine hear of the target."""
    order_state = desk.order(TARGET)
    if what is OrderSignal.ACCEPT:
        return desk.feed_accepted(TARGET)
    if what is OrderSignal.PARTIAL_FILL:
        desk.fill(TARGET, 1)
        return desk.events[-1:]
    if what is OrderSignal.FILL:
        desk.fill(TARGET, max(1, order_state.order.quantity - order_state.filled))
        return desk.events[-1:]
    if what is OrderSignal.REPLACE:
        order = order_state.order
        change = Replacement(TARGET, 4, order.order_type, order.limit_ticks, order.trigger_ticks)
        return desk.replaced(change)
    answers = {
        OrderSignal.CANCEL: desk.cancelled,
        OrderSignal.REJECT: desk.rejected,
        OrderSignal.EXPIRE: desk.expired,
        OrderSignal.LOSE: desk.lost,
    }
    return answers[what](TARGET)


@pytest.mark.parametrize(("status", "what"), CELLS)
def test_every_status_has_an_answer_to_every_signal(status, what):
    answer = TRANSITIONS[status][what]
    assert isinstance(answer, OrderStatus) or answer.reason


def test_the_table_knows_no_status_or_signal_that_does_not_exist():
    assert set(TRANSITIONS) == set(OrderStatus)
    assert all(set(row) == set(OrderSignal) for row in TRANSITIONS.values())


@pytest.mark.parametrize("status", OrderStatus)
def test_a_fill_is_never_ignored(status):
    assert isinstance(TRANSITIONS[status][OrderSignal.PARTIAL_FILL], OrderStatus)
    assert TRANSITIONS[status][OrderSignal.FILL] is OrderStatus.FILLED


@pytest.mark.parametrize("status", OrderStatus)
def test_the_fixture_reaches_the_status(in_status, status):
    assert in_status(status).order(TARGET).status is status


@pytest.mark.parametrize(("status", "what"), LEGAL)
def test_a_legal_transition_leads_to_the_status_of_the_table(in_status, status, what):
    desk = in_status(status)
    signal(desk, what)
    assert desk.order(TARGET).status is TRANSITIONS[status][what]


@pytest.mark.parametrize(("status", "what"), IGNORED)
def test_an_illegal_transition_is_recorded_with_its_reason_and_changes_nothing(
    in_status, encode_state, status, what
):
    desk = in_status(status)
    before = encode_state(desk.state)
    events = signal(desk, what)
    assert [type(event) for event in events] == [ReportIgnored]
    assert msgspec.structs.asdict(events[0]) == {
        "client_order_id": TARGET,
        "report": REPORTS[what],
        "reason": TRANSITIONS[status][what].reason,
        "time_ns": desk.now,
    }
    assert desk.effects == []
    assert encode_state(desk.state) == before


@pytest.mark.parametrize("what", [one for one in OrderSignal if one in REPORTS])
def test_a_report_of_an_order_that_nobody_knows_is_recorded(desk, encode_state, what):
    before = encode_state(desk.state)
    events = {
        OrderSignal.ACCEPT: lambda: desk.feed_accepted("X"),
        OrderSignal.CANCEL: lambda: desk.cancelled("X"),
        OrderSignal.REJECT: lambda: desk.rejected("X"),
        OrderSignal.EXPIRE: lambda: desk.expired("X"),
        OrderSignal.REPLACE: lambda: desk.replaced(Replacement("X", 1, OrderType.LIMIT, 1, None)),
        OrderSignal.LOSE: lambda: desk.lost("X"),
    }[what]()
    assert [event.reason for event in events] == ["no such order is known"]
    assert [event.report for event in events] == [REPORTS[what]]
    assert desk.effects == []
    assert encode_state(desk.state) == before


@pytest.mark.parametrize("refused", ["cancel_rejected", "replace_rejected"])
def test_a_refused_change_of_an_order_that_nobody_knows_is_recorded(desk, refused):
    events = getattr(desk, refused)("X")
    assert [event.reason for event in events] == ["no such order is known"]


def test_a_fill_of_an_order_that_nobody_knows_alarms(desk, encode_state):
    before = encode_state(desk.state)
    desk.fill("X", 1, 16_000)
    assert [type(event) for event in desk.events] == [ReportIgnored]
    assert [effect.message for effect in desk.asked(Raise)] == [
        "fill F1 of an order that is not known"
    ]
    assert encode_state(desk.state) == before
