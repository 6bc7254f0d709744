"""What follows from the broker's answers, and when the gate opens."""

import pytest

from fillbridge.engine.messages import CancelRequested
from fillbridge.live import GateState, LiveRules
from fillbridge_hooks import (
    BrokerPosition,
    Cancelled,
    ExitReason,
    OrderStatus,
    OutcomeUnknown,
    Side,
)

SECOND = 1_000_000_000
START = 1_700_000_000 * SECOND
RULES = LiveRules()
OPEN, RECOVERING, HALTED = GateState.OPEN, GateState.RECOVERING, GateState.HALTED


@pytest.fixture
def fresh(new_world):
    """An account that has just logged in, and has not asked anything yet."""
    world = new_world()
    world.trading.link_up()
    return world


def due_in(world):
    return (world.trading.snapshot_due_ns - world.clock.now_ns) / SECOND


# Opening the gate


def test_the_gate_opens_after_two_clean_answers_that_are_the_same(fresh):
    assert fresh.trading.gate.state is RECOVERING
    fresh.ask()
    assert fresh.trading.gate.state is RECOVERING
    fresh.ask()
    assert fresh.trading.gate.state is OPEN


def test_answers_that_differ_do_not_open_it(fresh):
    fresh.ask()
    fresh.house.place("manual")
    fresh.ask()
    assert fresh.trading.gate.shuts("reconciled")
    fresh.ask()
    assert not fresh.trading.gate.shuts("reconciled")


def test_the_same_answers_in_another_order_are_the_same(fresh):
    for symbol in ("ES", "NQ"):
        fresh.house.place(f"manual {symbol}", symbol=symbol)
        fresh.house.place(f"filled {symbol}", symbol=symbol)
        fresh.house.fill(f"filled {symbol}")
    fresh.pass_time(6)
    fresh.trading.link_up()
    first = fresh.house.snapshot()
    fresh.trading.on_snapshot(first)
    assert fresh.trading.gate.shuts("reconciled")
    turned = {name: getattr(first, name)[::-1] for name in ("working", "fills", "positions")}
    assert turned != {name: getattr(first, name) for name in turned}
    fresh.ask(**turned)
    assert not fresh.trading.gate.shuts("reconciled")


def test_an_answer_that_is_not_clean_breaks_the_row(fresh):
    fresh.ask()
    fresh.trading.on_no_answer("no answer within 5 s")
    fresh.ask()
    assert fresh.trading.gate.state is RECOVERING
    fresh.ask()
    assert fresh.trading.gate.state is OPEN


def test_an_answer_with_news_does_not_count(fresh):
    fresh.ask()
    fresh.ask()
    entry = fresh.propose() + "_ENTRY"
    fresh.leave()
    fresh.house.fill(entry)
    fresh.cut()
    fresh.trading.link_up()
    fresh.ask()  # brings the fill
    fresh.exchange()
    fresh.trading.look()
    fresh.ask()  # the legs are new
    assert fresh.trading.gate.state is RECOVERING
    fresh.ask()
    assert fresh.trading.gate.state is OPEN


@pytest.mark.parametrize(
    "changes",
    [
        {"positions": (BrokerPosition(symbol="ES", quantity=3),)},
        {"fills": ()},
    ],
    ids=["position", "fills"],
)
def test_an_answer_that_does_not_add_up_does_not_count(world, changes):
    entry = world.propose() + "_ENTRY"
    world.exchange()
    world.cut()
    world.trading.link_up()
    world.house.fill(entry)
    for _ in range(3):
        world.ask(**changes)
    assert world.trading.gate.shuts("reconciled")


def test_a_bare_position_keeps_it_shut(world):
    world.opened()
    stop = next(name for name in world.house.working() if name.endswith("_SL"))
    world.cut()
    world.house.end(stop, OrderStatus.CANCELLED, "the day is over")
    world.house.said.clear()
    world.house.rejects.add("stop")
    world.house.rejects.add("exit")
    world.trading.link_up()
    for _ in range(3):
        world.ask()
        world.trading.look()
    assert world.trading.gate.state is RECOVERING


def test_a_new_session_begins_it_all_again(fresh):
    fresh.ask()
    fresh.trading.link_up()
    fresh.ask()
    assert fresh.trading.gate.state is RECOVERING
    fresh.ask()
    assert fresh.trading.gate.state is OPEN


def test_a_doubt_shuts_it_until_the_broker_was_asked_again(world):
    world.trading.doubt("the process stood still")
    assert world.trading.gate.state is RECOVERING
    assert due_in(world) == 0
    world.ask()
    world.ask()
    assert world.trading.gate.state is OPEN


# When the broker is asked


def test_a_new_session_asks_at_once(fresh):
    assert due_in(fresh) == 0


def test_what_is_settled_is_asked_for_every_five_seconds(world):
    world.ask()
    assert due_in(world) == 5


def test_until_the_gate_opens_it_is_asked_again_soon_and_without_an_answer_every_second(fresh):
    fresh.ask()
    assert due_in(fresh) == 0.2
    fresh.trading.on_no_answer("no")
    assert due_in(fresh) == 1


@pytest.mark.parametrize("is_unknown", [False, True])
def test_an_order_in_doubt_is_asked_for_every_second(world, is_unknown):
    entry = world.propose() + "_ENTRY"
    world.leave()
    del world.house.orders[entry]
    world.house.said.clear()
    if is_unknown:
        world.trading.on_message(OutcomeUnknown(entry, "?", world.clock.now_ns))
    world.ask()
    assert due_in(world) == 1


def test_a_position_that_differs_is_asked_for_every_second(world):
    world.ask(positions=(BrokerPosition(symbol="ES", quantity=1),))
    assert due_in(world) == 1


def test_a_bare_position_is_asked_for_every_second(world):
    world.opened()
    stop = next(name for name in world.house.working() if name.endswith("_SL"))
    world.house.rejects |= {"stop", "exit"}
    world.house.end(stop, OrderStatus.CANCELLED, "the day is over")
    world.exchange()
    world.trading.look()
    world.ask()
    assert due_in(world) == 1


def test_fills_are_asked_for_from_two_minutes_before_the_oldest_trade(world):
    start_ns = world.clock.now_ns
    assert world.trading.fills_since_ns() == start_ns - 120 * SECOND
    world.opened()
    world.pass_time(60)
    assert world.trading.fills_since_ns() == start_ns - 120 * SECOND


def test_the_fills_of_a_trade_that_has_ended_are_asked_for_while_it_is_remembered(world):
    start_ns = world.clock.now_ns
    trade_id = world.opened()
    world.pass_time(10)
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.exchange()
    assert world.state.trades == {}
    assert world.trading.fills_since_ns() == start_ns - 120 * SECOND


# A broker that does not answer

UNANSWERED = "no clean answer of the broker for 10 s"


def unanswered(world, seconds):
    """Let time go on without a single clean answer."""
    ends_ns = world.clock.now_ns + round(seconds * SECOND)
    while world.clock.now_ns < ends_ns:
        world.pass_time(0.1, asks=False)
        if world.clock.now_ns >= world.trading.snapshot_due_ns:
            world.trading.on_no_answer("timeout")


def test_ten_seconds_without_a_clean_answer_shut_the_gate_until_the_next(world):
    world.ask()
    unanswered(world, 9.9)
    assert world.trading.gate.state is OPEN
    unanswered(world, 0.1)
    assert world.trading.gate.reasons() == (f"reduce_only: {UNANSWERED}",)
    unanswered(world, 600)
    assert world.told() == [UNANSWERED]
    world.ask()
    assert world.trading.gate.state is OPEN
    unanswered(world, 10)
    assert world.told() == [UNANSWERED] * 2


def test_a_question_that_nobody_ever_answers_shuts_it_too(world):
    world.ask()
    world.pass_time(10, asks=False)
    assert world.trading.gate.reasons() == (f"reduce_only: {UNANSWERED}",)


def test_the_ten_seconds_count_from_when_the_session_began_and_only_while_there_is_one(world):
    world.ask()
    world.cut()
    world.pass_time(60)
    assert world.told() == []
    world.trading.link_up()
    unanswered(world, 9.9)
    assert world.told() == []
    unanswered(world, 0.2)
    assert world.told() == [UNANSWERED]


def test_doubts_do_not_begin_the_ten_seconds_again(world):
    world.ask()
    unanswered(world, 6)
    world.trading.doubt("the process stood still")
    unanswered(world, 4)
    assert world.told() == [UNANSWERED]


# What is not ours


def test_a_foreign_order_blocks_its_symbol_until_it_is_gone(world):
    world.house.place("manual", symbol="NQ")
    world.ask()
    assert world.trading.gate.objection("NQ").value == "order manual is not ours"
    assert world.trading.gate.objection("ES") is None
    assert world.told() == ["NQ: order manual is not ours"]
    world.ask()
    assert len(world.told()) == 1
    world.house.end("manual", OrderStatus.CANCELLED)
    world.house.said.clear()
    world.ask()
    assert world.trading.gate.objection("NQ") is None


def test_a_foreign_order_of_a_symbol_that_nobody_follows_blocks_no_longer_than_it_works(world):
    world.house.place("manual", symbol="GC")
    world.ask()
    assert world.trading.gate.reasons() == ("GC: order manual is not ours",)
    world.house.end("manual", OrderStatus.CANCELLED)
    world.house.said.clear()
    world.ask()
    assert world.trading.gate.reasons() == ()


def test_an_order_with_our_tag_that_nobody_sent_halts_entries_until_somebody_resumes(world):
    world.house.place("FBtest-9-1_ENTRY")
    world.ask()
    assert world.trading.gate.state is HALTED
    (alarm,) = world.told()
    assert "FBtest-9-1_ENTRY" in alarm
    world.house.end("FBtest-9-1_ENTRY", OrderStatus.CANCELLED)
    world.house.said.clear()
    world.ask()
    world.ask()
    assert len(world.told()) == 1
    assert world.trading.gate.state is HALTED
    world.trading.resume("me")
    assert world.trading.gate.state is OPEN


def test_each_further_stranger_is_alarmed(world):
    for name in ("FBtest-9-1_ENTRY", "FBtest-9-2_ENTRY"):
        world.house.place(name)
        world.ask()
        world.ask()
    assert len(world.told()) == 2
    assert "FBtest-9-2_ENTRY" in world.told()[-1]
    world.trading.resume("me")
    world.ask()
    assert len(world.told()) == 3


def test_a_stray_is_cancelled_and_alarmed(world):
    entry = world.propose() + "_ENTRY"
    world.exchange()
    world.trading.on_message(Cancelled(entry, "they said", world.clock.now_ns))
    world.ask()
    assert world.house.is_working(entry)
    world.ask()
    world.exchange()
    assert not world.house.is_working(entry)
    assert any("although it has ended" in alarm for alarm in world.told())
    assert ("stray", {"client_order_id": entry}) in world.journal.notes


def test_a_lost_request_is_repeated_and_noted(world):
    entry = world.propose() + "_ENTRY"
    world.exchange()
    world.trading.request(CancelRequested(entry, "asked", world.clock.now_ns))
    world.trading.outbox.ready.clear()
    world.ask()
    world.ask()
    assert ("repeat", {"client_order_id": entry}) in world.journal.notes
    world.exchange()
    assert not world.house.is_working(entry)


# Positions that differ

WRONG = {"positions": (BrokerPosition(symbol="ES", quantity=1),)}


def test_a_position_that_differs_for_five_seconds_blocks_its_symbol(world):
    for _ in range(5):
        world.ask(**WRONG)
        assert world.trading.gate.objection("ES") is None
        world.clock.advance_to(world.clock.now_ns + SECOND)
    world.ask(**WRONG)
    assert world.trading.gate.objection("ES").value == "we hold 0, the broker says 1"
    assert world.told() == ["ES: we hold 0, the broker says 1"]
    world.ask()
    assert world.trading.gate.objection("ES") is None


def test_a_position_that_agrees_meanwhile_begins_the_wait_again(world):
    world.ask(**WRONG)
    world.clock.advance_to(world.clock.now_ns + 4 * SECOND)
    world.ask()
    world.ask(**WRONG)
    world.clock.advance_to(world.clock.now_ns + 4 * SECOND)
    world.ask(**WRONG)
    assert world.trading.gate.objection("ES") is None


def test_a_position_of_a_stranger_is_never_corrected_by_trading(world):
    world.house.place("manual", side=Side.BUY, status=OrderStatus.SUBMITTED)
    world.house.fill("manual")
    world.house.said.clear()
    world.pass_time(20)
    assert world.house.sent == []
    assert world.trading.gate.objection("ES") is not None


def test_a_position_that_was_there_before_blocks_its_symbol_and_no_other(fresh):
    """Somebody holds a contract by hand: that must not keep everything else shut for ever."""
    wrong = {"positions": (BrokerPosition(symbol="NQ", quantity=1),)}
    rounds = 0
    for _ in range(600):
        fresh.clock.advance_to(fresh.clock.now_ns + SECOND // 10)
        if fresh.clock.now_ns >= fresh.trading.snapshot_due_ns:
            rounds += 1
            fresh.ask(**wrong)
        if fresh.clock.now_ns < START + 5 * SECOND:
            assert fresh.trading.gate.state is RECOVERING
    assert fresh.trading.gate.state is OPEN
    assert fresh.trading.gate.objection("NQ").value == "we hold 0, the broker says 1"
    assert fresh.trading.gate.objection("ES") is None
    assert 75 <= rounds <= 85
    fresh.cut()
    fresh.trading.link_up()
    fresh.ask(**wrong)
    assert fresh.trading.gate.state is RECOVERING
    fresh.ask(**wrong)
    assert fresh.trading.gate.state is OPEN


def test_a_gate_that_stays_shut_is_asked_for_less_often_after_25_rounds(fresh):
    for _ in range(24):
        fresh.ask(**WRONG)
        assert due_in(fresh) == 0.2
    fresh.ask(**WRONG)
    assert due_in(fresh) == 1
    fresh.cut()
    fresh.trading.link_up()
    fresh.ask(**WRONG)
    assert due_in(fresh) == 0.2


# Recovery


def test_an_exit_that_filled_while_nobody_was_connected_closes_the_trade_once(world):
    trade_id = world.opened()
    world.cut()
    world.house.fill(f"{trade_id}_SL", price=3990.0)
    world.house.said.clear()
    world.connect()
    (result,) = world.closed
    assert result.exit_reason is ExitReason.STOP_LOSS
    assert world.house.working() == {}
    assert world.house.held() == {}


def test_an_entry_that_never_arrived_expires_and_is_never_sent_again(world):
    trade_id = world.propose()
    entry = f"{trade_id}_ENTRY"
    world.leave()
    world.cut()
    del world.house.orders[entry]
    world.trading.link_up()
    world.pass_time(29)
    assert world.status(entry) is OrderStatus.UNKNOWN
    world.pass_time(3)
    assert world.status(entry) is OrderStatus.EXPIRED
    assert world.house.sent == [entry]
    assert world.told().count(f"trade {trade_id}: the line broke") == 1
    assert world.trading.gate.objection("ES") is None


def test_answers_before_and_after_a_failed_one_do_not_agree(world):
    trade_id = world.opened()
    world.trading.on_snapshot(world.house.snapshot(fills=(), positions=()))
    world.trading.on_no_answer("no answer within 5 s")
    world.trading.on_snapshot(world.house.snapshot(fills=(), positions=()))
    assert world.trade(trade_id).held == 2


# When the orders of the whole trade date are needed


def needs_today(world):
    return world.trading.needs_today(tuple(world.house.working().values()))


def test_orders_that_all_work_need_no_other(world):
    world.opened()
    world.pass_time(10)
    assert world.state.trades
    assert not needs_today(world)


def test_an_order_that_does_not_work_any_more_is_looked_for_among_all(world):
    trade_id = world.opened()
    world.pass_time(10)
    world.house.change(f"{trade_id}_TP", status=OrderStatus.CANCELLED)
    assert needs_today(world)


def test_all_are_asked_for_now_and_then(world):
    world.opened()
    world.pass_time(10)
    world.pass_time(61, asks=False)
    assert needs_today(world)
    world.ask()
    assert not needs_today(world)


def test_all_are_asked_for_while_the_gate_is_shut(world):
    world.opened()
    world.pass_time(10)
    world.trading.halt("news", "ann")
    assert needs_today(world)


def test_what_this_process_lacks_is_no_reason_to_ask_for_all(world):
    world.opened()
    world.pass_time(10)
    world.trading.shut("lag", "tasks ran 300 ms late")
    assert not needs_today(world)


def test_all_are_asked_for_while_a_symbol_is_blocked(world):
    world.opened()
    world.pass_time(10)
    world.trading.gate.block("NQ", "mismatch", "2 more than known")
    assert needs_today(world)
    world.trading.gate.unblock("NQ", "mismatch")
    assert not needs_today(world)


def test_all_are_asked_for_while_a_position_differs(world):
    world.opened()
    world.pass_time(10)
    world.house.elsewhere["ES"] = 1
    world.ask()
    assert needs_today(world)
