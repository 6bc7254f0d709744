"""A position has its stop by the broker's evidence, or something is done about it in time."""

import msgspec
import pytest

from fillbridge.engine import EngineState
from fillbridge.engine.messages import CloseRequested, ProtectionDue, TradePlan
from fillbridge.engine.state import OrderState, Trade
from fillbridge.live import LiveRules
from fillbridge.live.protection import ProtectionWatch, covered, is_in_order
from fillbridge_hooks import (
    Direction,
    ExitReason,
    Order,
    OrderRole,
    OrderStatus,
    OrderType,
    RiskProposal,
    Side,
)

SECOND = 1_000_000_000
RULES = LiveRules()
ENTRY, STOP, TARGET, EXIT = OrderRole.ENTRY, OrderRole.STOP, OrderRole.TARGET, OrderRole.EXIT
PENDING, WORKING = OrderStatus.PENDING, OrderStatus.SUBMITTED
PARTIAL, UNKNOWN = OrderStatus.PARTIAL_FILLED, OrderStatus.UNKNOWN
CANCELLED, FILLED = OrderStatus.CANCELLED, OrderStatus.FILLED


@pytest.fixture
def trade(instruments):
    """Makes a long trade that holds so much, with exits of ``(role, quantity, status)``."""

    def make(held=2, exits=(), *, entry=FILLED, entry_quantity=None, has_broker_legs=False):
        instrument = instruments["ES"]
        order = Order("T1_ENTRY", "T1", ENTRY, instrument, Side.BUY, 2, OrderType.MARKET)
        plan = TradePlan(
            "T1",
            RiskProposal(position_size=2, direction="LONG"),
            instrument,
            Direction.LONG,
            order,
            15_960,
            None,
            16_040,
            None,
            0,
            None,
            "",
            None,
            has_broker_legs=has_broker_legs,
        )
        first = OrderState(order, 0, entry)
        made = Trade(plan, first, [first])
        made.held = held
        made.entry_quantity = max(held, 0) if entry_quantity is None else entry_quantity
        for number, (role, quantity, status, *changes) in enumerate(exits):
            kind = {STOP: OrderType.STOP, TARGET: OrderType.LIMIT}.get(role, OrderType.MARKET)
            leg = Order(f"T1_X{number}", "T1", role, instrument, Side.SELL, quantity, kind)
            leg_state = OrderState(leg, 0, status)
            for change in changes:
                for name, value in change.items():
                    if name in Order.__struct_fields__:
                        leg_state.order = msgspec.structs.replace(leg_state.order, **{name: value})
                    else:
                        setattr(leg_state, name, value)
            made.orders.append(leg_state)
            if role is STOP:
                made.stop = leg_state
            elif role is TARGET:
                made.target = leg_state
        made.working = sum(not one.status.is_terminal for one in made.orders)
        return made

    return make


@pytest.fixture
def look():
    """Looks at a trade after so many seconds; what the engine is told."""
    watch = ProtectionWatch(RULES)
    watch.see()

    def look(trade, seconds):
        trades = {} if trade is None else {"T1": trade}
        return list(watch.look(EngineState(trades=trades), round(seconds * SECOND)))

    look.watch = watch
    return look


# Evidence


@pytest.mark.parametrize(
    ("exits", "contracts"),
    [
        ([], 0),
        ([(STOP, 2, WORKING)], 2),
        ([(STOP, 2, PENDING)], 0),
        ([(STOP, 2, UNKNOWN)], 0),
        ([(STOP, 2, CANCELLED)], 0),
        ([(STOP, 2, WORKING, {"cancel_sent": True})], 0),
        ([(STOP, 2, PARTIAL, {"filled": 1})], 1),
        ([(STOP, 1, WORKING), (STOP, 1, WORKING)], 2),
        ([(TARGET, 2, WORKING)], 0),
        ([(EXIT, 2, WORKING)], 2),
        ([(EXIT, 2, PENDING)], 0),
        ([(EXIT, 2, WORKING, {"cancel_sent": True})], 2),
        ([(EXIT, 2, WORKING, {"order_type": OrderType.LIMIT})], 0),
        ([(STOP, 2, WORKING, {"side": Side.BUY})], 0),
    ],
)
def test_covered_is_what_the_broker_is_known_to_close(trade, exits, contracts):
    assert covered(trade(2, exits)) == contracts


@pytest.mark.parametrize(
    ("made", "verdict"),
    [
        ({"held": 2, "exits": [(STOP, 2, WORKING)]}, True),
        # More than is held would open a position.
        ({"held": 2, "exits": [(STOP, 3, WORKING)]}, False),
        ({"held": 2, "exits": [(STOP, 2, WORKING), (TARGET, 2, WORKING)]}, True),
        ({"held": 2, "exits": [(STOP, 2, WORKING), (TARGET, 3, WORKING)]}, False),
        ({"held": 2, "exits": [(STOP, 2, WORKING), (TARGET, 3, PARTIAL, {"filled": 1})]}, True),
        # Its end was not asked for: it is placed again.
        ({"held": 2, "exits": [(STOP, 2, WORKING), (TARGET, 2, CANCELLED)]}, False),
        (
            {
                "held": 2,
                "exits": [(STOP, 2, WORKING), (TARGET, 2, CANCELLED, {"cancel_reason": "asked"})],
            },
            True,
        ),
        (
            {"held": 2, "exits": [(STOP, 2, WORKING), (TARGET, 3, WORKING, {"cancel_sent": True})]},
            True,
        ),
        ({"held": 2, "exits": [(STOP, 1, WORKING)]}, False),
        ({"held": 2}, False),
        # More was sold than was held.
        ({"held": -1, "exits": [(STOP, 2, WORKING)]}, False),
        ({"held": 0, "entry": PENDING}, True),
        ({"held": 0, "entry": WORKING}, True),
        # Flat, and something could still open a position.
        ({"held": 0, "entry_quantity": 2, "exits": [(STOP, 2, WORKING)]}, False),
        ({"held": 0, "entry_quantity": 2, "exits": [(STOP, 2, CANCELLED)]}, True),
        # Every fill of the entry was taken back.
        ({"held": 0, "exits": [(STOP, 2, WORKING)]}, False),
        ({"held": 0, "exits": [(STOP, 2, UNKNOWN)]}, False),
        ({"held": 0, "entry": WORKING, "exits": [(STOP, 2, WORKING)]}, False),
    ],
)
def test_a_trade_is_in_order(trade, made, verdict):
    assert is_in_order(trade(**made)) is verdict


# Deadlines


def closes(told):
    return [one for one in told if type(one) is CloseRequested]


def test_a_protected_position_needs_nothing(trade, look):
    assert look(trade(2, [(STOP, 2, WORKING)]), 0) == []
    assert not look.watch.is_alert


def test_a_bare_position_is_protected_at_once_and_then_ever_less_often(trade, look):
    made = trade()
    made.close_reason = ExitReason.TIMEOUT
    mended = [second for second in range(200) if look(made, second)]
    assert mended == [0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181]
    assert look.watch.is_alert


@pytest.mark.parametrize("status", [PENDING, UNKNOWN])
def test_an_exit_that_nobody_answers_makes_no_later_mending_wait_longer(trade, look, status):
    made = trade(exits=[(EXIT, 2, status)])
    made.close_reason = ExitReason.TIMEOUT
    assert all(look(made, second) for second in range(20))
    made.orders[-1].status = OrderStatus.EXPIRED
    assert [second for second in range(20, 30) if look(made, second)] == [20, 21, 23, 27]


def test_nothing_is_mended_before_the_broker_has_answered(trade, look):
    look.watch.begin_again()
    assert [look(trade(), second) for second in (0, 3, 9.9)] == [[], [], []]
    look.watch.see()
    assert len(look(trade(), 9.9)) == 1
    assert [type(one) for one in look(trade(), 11.4)] == [ProtectionDue, CloseRequested]


def test_without_any_answer_it_is_mended_after_ten_seconds(trade, look):
    look.watch.begin_again()
    assert look(trade(), 5) == []
    assert look(trade(), 14.9) == []
    assert len(look(trade(), 15)) == 1


def test_symbols_that_are_not_to_be_touched_are_not(trade, look):
    state = EngineState(trades={"T1": trade()})
    assert list(look.watch.look(state, 0, {"ES"})) == []
    assert len(list(look.watch.look(state, 0, {"NQ"}))) == 1


@pytest.mark.parametrize("held", [0, 2])
def test_an_entry_that_was_to_go_is_withdrawn_again_now_and_then(trade, look, held):
    made = trade(held, [(STOP, 2, WORKING)] if held else [], entry=WORKING, entry_quantity=held)
    assert look(made, 0) == []
    made.entry.cancel_reason = "too late"
    assert [second for second in range(10) if look(made, second)] == [0, 1, 3, 7]
    assert not look.watch.is_alert
    made.entry.cancel_sent = True
    assert look(made, 99) == []


def test_a_position_without_any_stop_is_closed_after_a_second_and_a_half(trade, look):
    look(trade(), 10)
    assert closes(look(trade(), 11.4)) == []
    (close,) = closes(look(trade(), 11.5))
    assert close == CloseRequested("T1", ExitReason.MANUAL_OVERRIDE, round(11.5 * SECOND))


@pytest.mark.parametrize("status", [PENDING, UNKNOWN])
def test_a_position_whose_stop_is_on_its_way_is_closed_after_three_seconds(trade, look, status):
    made = trade(2, [(STOP, 2, status)])
    look(made, 10)
    assert closes(look(made, 12.9)) == []
    assert len(closes(look(made, 13))) == 1


def test_a_stop_that_ended_is_none_that_is_on_its_way(trade, look):
    made = trade(2, [(STOP, 2, CANCELLED)])
    look(made, 10)
    assert len(closes(look(made, 11.5))) == 1


def test_a_position_that_is_being_closed_is_not_closed_again(trade, look):
    made = trade()
    made.close_reason = ExitReason.TIMEOUT
    look(made, 10)
    assert [type(one) for one in look(made, 99)] == [ProtectionDue]


@pytest.mark.parametrize("held", [-1, 0])
def test_without_a_position_of_its_own_nothing_is_closed_by_deadline(trade, look, held):
    made = trade(held, [(TARGET, 2, WORKING)], entry_quantity=2)
    look(made, 10)
    assert [type(one) for one in look(made, 99)] == [ProtectionDue]


def test_the_wait_begins_again_once_a_position_was_protected(trade, look):
    look(trade(), 10)
    look(trade(2, [(STOP, 2, WORKING)]), 11)
    assert not look.watch.is_alert
    look(trade(), 11.2)
    assert closes(look(trade(), 12.6)) == []
    assert len(closes(look(trade(), 12.7))) == 1


def test_the_wait_begins_again_with_a_new_connection(trade, look):
    look(trade(), 10)
    look.watch.begin_again()
    look.watch.see()
    assert not look.watch.is_alert
    assert closes(look(trade(), 11.5)) == []
    assert len(closes(look(trade(), 13))) == 1


def test_what_is_covered_by_too_much_is_mended_and_never_closed(trade, look):
    made = trade(2, [(STOP, 3, WORKING)])
    look(made, 10)
    assert [type(one) for one in look(made, 99)] == [ProtectionDue]


def test_the_deadline_counts_from_when_the_position_was_bare(trade, look):
    look(trade(2, [(STOP, 3, WORKING)]), 10)
    look(trade(), 20)
    assert closes(look(trade(), 21.4)) == []
    assert len(closes(look(trade(), 21.5))) == 1


def test_a_trade_that_is_gone_is_forgotten(trade, look):
    look(trade(), 10)
    assert look(None, 11) == []
    assert not look.watch.is_alert
    assert len(look(trade(), 12)) == 1


# Legs that the broker keeps


def test_the_broker_is_given_half_a_second_to_do_it_by_itself(trade, look):
    made = trade(2, [(STOP, 2, PENDING)], has_broker_legs=True)
    assert look(made, 10) == []
    assert look.watch.is_alert
    assert look(made, 10.4) == []
    assert look(made, 10.5) == [ProtectionDue("T1", round(10.5 * SECOND))]
    assert len(closes(look(made, 13))) == 1


def test_a_stop_for_too_much_is_mended_and_the_position_is_not_closed_for_it(trade, look):
    for seconds in (0, 1, 3):
        told = look(trade(2, [(STOP, 3, WORKING)]), seconds)
        assert told == [ProtectionDue("T1", seconds * SECOND)]


def test_the_wait_of_a_bare_position_begins_when_too_little_rests(trade, look):
    look(trade(2, [(STOP, 3, WORKING)]), 0)
    assert look(trade(2, [(STOP, 1, WORKING)]), 5) == [ProtectionDue("T1", 5 * SECOND)]


def test_a_broker_that_keeps_the_legs_is_asked_to_reduce_them_after_half_a_second(trade, look):
    made = trade(2, [(STOP, 3, WORKING)], has_broker_legs=True)
    assert look(made, 0) == []
    assert look(made, 0.5) == [ProtectionDue("T1", SECOND // 2)]


def test_one_answer_that_lacks_a_target_does_not_have_it_placed_again(trade):
    lost = trade(2, [(STOP, 2, WORKING), (TARGET, 2, OrderStatus.REJECTED)])
    watch, state = ProtectionWatch(RULES), EngineState(trades={"T1": lost})
    watch.begin_again()
    assert not is_in_order(lost)
    watch.see()
    assert list(watch.look(state, 1 * SECOND)) == []
    watch.see()
    assert list(watch.look(state, 2 * SECOND)) == [ProtectionDue("T1", 2 * SECOND)]


def test_a_stop_that_an_earlier_run_left_out_waits_for_a_second_answer_or_half_a_second(trade):
    bare = trade(2, [(TARGET, 2, WORKING)])
    due = [ProtectionDue("T1", 1 * SECOND)]
    for sees_again in (True, False):
        watch, state = ProtectionWatch(RULES, ["T1"]), EngineState(trades={"T1": bare})
        watch.begin_again()
        watch.see()
        assert list(watch.look(state, SECOND // 2)) == []
        if sees_again:
            watch.see()
        else:
            assert list(watch.look(state, 1 * SECOND - 1)) == []
        assert list(watch.look(state, 1 * SECOND)) == due


def test_what_was_answered_twice_in_one_session_is_not_waited_for_in_the_next(trade):
    bare = trade(2, [(TARGET, 2, WORKING)])
    watch, state = ProtectionWatch(RULES, ["T1"]), EngineState(trades={"T1": bare})
    watch.begin_again()
    watch.see()
    watch.see()
    watch.begin_again()
    watch.see()
    assert list(watch.look(state, 1 * SECOND)) == [ProtectionDue("T1", 1 * SECOND)]


def test_a_stop_is_mended_after_one_answer(trade):
    bare = trade(2, [(TARGET, 2, WORKING)])
    watch, state = ProtectionWatch(RULES), EngineState(trades={"T1": bare})
    watch.begin_again()
    watch.see()
    assert list(watch.look(state, 1 * SECOND)) == [ProtectionDue("T1", 1 * SECOND)]
