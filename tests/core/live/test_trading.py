"""Live trading of one account: proposals, requests, what leaves, and what is heard."""

import msgspec
import pytest

from fillbridge.config.instruments import find_instrument
from fillbridge.engine.messages import CancelRequested, CloseRequested, ReplaceRequested
from fillbridge.live import GateState
from fillbridge_hooks import (
    ArrivalPrice,
    Cancelled,
    ExitReason,
    InvalidValue,
    NotSent,
    OrderRefused,
    OrderStatus,
    OrderType,
    OutcomeUnknown,
    QuoteTick,
    Refuse,
    Side,
    TradeTick,
)
from fillbridge_hooks.sessions import trade_date_end_ns

SECOND = 1_000_000_000
MILLISECOND = 1_000_000
OPEN, REDUCE_ONLY = GateState.OPEN, GateState.REDUCE_ONLY
RECOVERING, HALTED, STANDBY = GateState.RECOVERING, GateState.HALTED, GateState.STANDBY


# A bracket


def test_an_entry_fills_is_protected_and_closed_at_the_target(world):
    trade_id = world.opened()
    assert set(world.house.working()) == {f"{trade_id}_SL", f"{trade_id}_TP"}
    assert world.trade(trade_id).held == 2
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.exchange()
    (result,) = world.closed
    assert (result.exit_reason, result.pnl_gross) == (ExitReason.TAKE_PROFIT, 1000.0)
    assert world.house.working() == {}
    assert world.metrics.trades_closed == 1


def test_trade_ids_name_the_account_and_the_start(world):
    assert world.propose() == "FBtest-1-1"
    assert world.propose() == "FBtest-1-2"
    world.exchange()
    world.restart()
    world.connect()
    assert world.propose() == "FBtest-2-1"


def test_the_stop_follows_each_partial_fill(world):
    trade_id = world.propose(position_size=3)
    world.exchange()
    for filled in (1, 2, 3):
        world.house.fill(f"{trade_id}_ENTRY", 1)
        world.exchange()
        assert world.house.covered() == filled
        assert world.house.orders[f"{trade_id}_TP"].quantity == filled


def test_fills_are_measured_against_the_arrival_price(world):
    trade_id = world.propose(max_slippage=None)
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY", price=4000.25)
    world.exchange()
    (booked,) = world.trade(trade_id).fills.values()
    assert (booked.fill.reference_ticks, booked.fill.slippage) == (16_000, 0.25)


def test_the_excursion_follows_the_prices(world):
    trade_id = world.opened()
    world.price(4003.0)
    world.price(3999.0)
    instrument = world.trade(trade_id).plan.instrument
    excursion = world.trading.excursions.get("ES", trade_id)
    assert excursion.measure(instrument, 4000.0, 4000.0) == (3.0, -1.0)


def test_prices_and_quotes_of_symbols_that_nobody_follows_are_passed_over(world):
    world.trading.on_message(TradeTick(world.clock.now_ns, 2000.0, 1, "GC"))
    world.trading.on_message(QuoteTick(world.clock.now_ns, 2000.0, 1, 2000.5, 1, "GC"))
    assert set(world.trading.market.instruments) == {"ES", "NQ"}


def test_the_arrival_price_is_the_quote(world):
    world.trading.on_message(QuoteTick(world.clock.now_ns, 4000.0, 1, 4000.5, 1, "ES"))
    trade_id = world.propose()
    assert world.trade(trade_id).entry.order.arrival == ArrivalPrice(4000.0, 4000.5, 4000.0)


def test_an_arrival_price_of_the_proposal_wins(world):
    arrival = ArrivalPrice(last=4001.0)
    assert world.trade(world.propose(arrival=arrival)).entry.order.arrival is arrival


def test_the_legs_go_with_the_entry_where_the_broker_keeps_brackets(new_world):
    world = new_world(bracket=True)
    world.connect()
    world.propose(
        stop_loss_ticks=None,
        stop_loss_price=3990.0,
        take_profit_ticks=None,
        take_profit_price=4010.0,
    )
    (submission,) = world.trading.outbox.ready
    assert [leg.role for leg in submission.approved.legs] == ["stop", "target"]


def test_distances_go_with_the_entry_where_the_broker_counts_from_the_fill(new_world):
    world = new_world(bracket=True, distances=True)
    world.connect()
    trade_id = world.propose(stop_loss_ticks=12, take_profit_ticks=20)
    (submission,) = world.trading.outbox.ready
    stop, target = submission.approved.legs
    assert (stop.trigger_ticks, stop.distance_ticks) == (None, 12)
    assert (target.limit_ticks, target.distance_ticks) == (None, 20)
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY", price=4000.5)
    for leg in (stop, target):
        world.house.place(leg.client_order_id, quantity=2)
    world.exchange()
    assert world.house.sent == [f"{trade_id}_ENTRY"]
    trade = world.trade(trade_id)
    assert (trade.stop.order.trigger_ticks, trade.target.order.limit_ticks) == (15_990, 16_022)


@pytest.mark.parametrize("fields", [{"trailing_stop": True}, {}], ids=["trailing", "not declared"])
def test_other_legs_are_placed_from_here(new_world, fields):
    world = new_world(bracket=True, distances=bool(fields))
    world.connect()
    world.propose(stop_loss_ticks=12, take_profit_ticks=20, **fields)
    (submission,) = world.trading.outbox.ready
    assert submission.approved.legs == ()


# Proposals


def test_a_proposal_of_an_unknown_symbol_is_invalid_and_counted(world):
    with pytest.raises(InvalidValue, match="symbol: expected a known one, was 'XX'"):
        world.propose(symbol="XX")
    assert world.metrics.execution_errors == 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"position_size": 0}, "position_size: expected an integer >= 1"),
        ({"decided_at_ns": 1.5}, "decided_at_ns: expected integer nanoseconds UTC, was 1.5"),
        ({"decided_at_ns": "now"}, "decided_at_ns: expected integer"),
    ],
)
def test_an_invalid_proposal_is_neither_recorded_nor_sent(world, propose, fields, message):
    before = list(world.journal.events)
    for ask in (world.trading.propose, world.trading.validate):
        with pytest.raises(InvalidValue, match=message):
            ask(propose(**fields))
    assert world.journal.events == before
    assert not world.trading.outbox.ready


def test_validating_sends_and_records_nothing(world, propose):
    before = list(world.journal.log)
    world.trading.validate(propose())
    assert world.journal.log == before
    assert not world.trading.outbox.ready


def test_a_proposal_is_answered_again_by_its_id(world):
    first = world.propose(proposal_id="p1")
    assert world.propose(proposal_id="p1", position_size=5) == first
    world.exchange()
    assert world.house.sent == [f"{first}_ENTRY"]


def test_a_proposal_is_answered_again_after_its_trade_has_ended(world):
    trade_id = world.opened(proposal_id="p1")
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.exchange()
    assert world.propose(proposal_id="p1") == trade_id
    assert not world.trading.outbox.ready


def test_a_proposal_is_answered_again_after_a_restart(world):
    trade_id = world.opened(proposal_id="p1")
    world.restart()
    assert world.propose(proposal_id="p1") == trade_id
    world.connect()
    assert world.propose(proposal_id="p1") == trade_id
    world.exchange()
    assert world.house.sent.count(f"{trade_id}_ENTRY") == 1
    assert world.metrics.execution_errors == 0


def test_a_refusal_is_answered_again_even_after_a_restart(world):
    world.trading.shut("lag", "tasks ran late")
    for _ in range(2):
        with pytest.raises(OrderRefused, match="tasks ran late"):
            world.propose(proposal_id="p1")
    world.restart()
    world.connect()
    with pytest.raises(OrderRefused, match="not refused before"):
        world.propose(proposal_id="p1")


def test_proposals_without_an_id_are_trades_of_their_own(world):
    assert world.propose() != world.propose()


def test_a_proposal_is_remembered_on_the_next_trade_date(world):
    trade_id = world.propose(proposal_id="p1")
    world.clock.advance_to(world.clock.now_ns + 86_400 * SECOND)
    world.propose(proposal_id="p2", decided_at_ns=world.clock.now_ns)
    assert world.propose(proposal_id="p1") == trade_id


def test_a_proposal_that_the_gate_holds_up_is_refused_and_recorded(world):
    world.trading.shut("lag", "tasks ran late")
    with pytest.raises(OrderRefused, match="reduce_only"):
        world.propose()
    assert world.journal.log[-2:] == ["TradeRefused", "commit"]
    assert world.metrics.execution_errors == 1
    world.trading.lift("lag")
    world.propose()


def test_before_anything_is_connected_every_proposal_is_refused(new_world):
    with pytest.raises(OrderRefused, match="not connected"):
        new_world().propose()


def test_a_proposal_that_is_older_than_its_entry_may_live_is_refused(world):
    decided_ns = world.clock.now_ns - 11 * SECOND
    with pytest.raises(OrderRefused, match=r"decided at most 10\.0 s ago.*11\.0 s ago"):
        world.propose(decided_at_ns=decided_ns, timeout_seconds=10)
    world.propose(decided_at_ns=decided_ns, timeout_seconds=12)


def test_entries_live_as_long_as_the_account_says_unless_the_proposal_does(new_world):
    world = new_world(entry_life_s=5.0)
    world.connect()
    trade_id = world.propose(timeout_seconds=None)
    world.exchange()
    world.pass_time(5.2)
    assert world.status(f"{trade_id}_ENTRY") is OrderStatus.CANCELLED
    assert not world.house.is_working(f"{trade_id}_ENTRY")


def test_a_day_entry_is_withdrawn_at_the_end_of_its_trade_date(new_world):
    world = new_world(entry_life_s=7 * 86_400.0)
    world.connect()
    ends_ns = trade_date_end_ns(find_instrument("ES", {}), world.clock.now_ns)
    of_day, lasting = (
        world.propose(timeout_seconds=None, time_in_force=each) for each in ("DAY", "GTC")
    )
    world.exchange()
    world.pass_time((ends_ns - world.clock.now_ns) / SECOND - 1)
    assert world.house.is_working(f"{of_day}_ENTRY")
    world.pass_time(2)
    assert not world.house.is_working(f"{of_day}_ENTRY")
    assert world.house.is_working(f"{lasting}_ENTRY")


def test_an_opposite_bracket_is_refused(world):
    trade_id = world.opened()
    with pytest.raises(OrderRefused, match=f"no bracket against {trade_id}"):
        world.propose(direction="SHORT")
    world.propose(direction="LONG")
    world.propose(direction="SHORT", symbol="NQ")


def test_what_a_check_refuses_is_recorded_and_not_sent(new_world):
    def too_much(order, exposure, market, context):
        return Refuse(check="size", limit="1", value=str(order.quantity))

    world = new_world(checks=[too_much])
    world.connect()
    with pytest.raises(OrderRefused, match="size"):
        world.propose()
    assert "TradeRefused" in world.journal.log
    assert not world.trading.outbox.ready


# Recording before sending


def test_a_commit_is_urgent_where_an_order_waits_for_it(world):
    world.journal.urgent.clear()
    trade_id = world.propose()
    assert world.journal.urgent == [True]
    world.exchange()
    assert world.journal.urgent[1:]
    assert not any(world.journal.urgent[1:])
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    assert world.journal.urgent[-1]


def test_nothing_may_leave_before_it_is_committed(world):
    world.journal.log.clear()
    trade_id = world.propose()
    assert world.journal.log == ["TradeApproved", "commit"]
    world.exchange()
    world.journal.log.clear()
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    # Both legs follow from the fill, and both left behind one commit.
    assert world.journal.log == ["FillBooked", "OrdersPlaced", "commit"]
    assert len(world.trading.outbox.ready) == 2


def test_while_a_commit_is_made_nothing_may_leave_yet(world):
    ready_at_commit = []
    commit = world.journal.commit

    def look_and_commit(**how):
        ready_at_commit.append(len(world.trading.outbox.ready))
        commit(**how)

    world.journal.commit = look_and_commit
    world.propose()
    assert ready_at_commit == [0]
    assert len(world.trading.outbox.ready) == 1


def test_what_a_deadline_brings_about_is_recorded_before_anything_is_told_of_it(world):
    """Events of what a timer did must not be delivered before it is kept."""
    trade_id = world.propose(timeout_seconds=1)
    world.exchange()
    world.clock.advance_to(world.clock.now_ns + 2 * SECOND)
    assert world.journal.is_durable
    world.exchange()
    assert world.status(f"{trade_id}_ENTRY") is OrderStatus.CANCELLED


# A journal that fails


def test_a_failed_journal_ends_the_entry_that_it_did_not_keep(world):
    world.journal.fails = True
    trade_id = world.propose()
    assert not world.trading.outbox.ready
    assert world.trading.gate.state is HALTED
    assert world.status(f"{trade_id}_ENTRY") is OrderStatus.EXPIRED
    assert world.house.sent == []
    alarms = world.told()
    assert any("the journal failed: the disk is full" in one for one in alarms)
    with pytest.raises(OrderRefused, match="the disk is full"):
        world.propose()


def test_a_failed_journal_lets_what_protects_leave(world):
    trade_id = world.propose()
    world.exchange()
    world.journal.fails = True
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    assert [one.client_order_id for one in world.trading.outbox.ready] == [
        f"{trade_id}_SL",
        f"{trade_id}_TP",
    ]


def test_after_a_failed_journal_positions_are_closed_and_entries_stay_out(world):
    trade_id = world.opened()
    world.journal.fails = True
    request = CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, world.clock.now_ns)
    assert world.trading.request(request)
    while world.trading.outbox.ready:
        world.house.take(world.trading.outbox.ready.popleft())
    world.hear()
    (stop,) = world.house.working()
    assert world.house.orders[stop].order_type is OrderType.MARKET
    world.trading.resume("me")
    assert world.trading.gate.state is HALTED


def test_a_journal_that_takes_nothing_any_more_lets_what_protects_leave(world):
    trade_id = world.propose()
    world.exchange()
    world.journal.appending_fails = True
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    assert len(world.trading.outbox.ready) == 2
    assert world.trading.gate.state is HALTED


def test_a_journal_that_takes_nothing_any_more_lets_no_entry_leave(world):
    world.journal.appending_fails = True
    trade_id = world.propose()
    while world.trading.outbox.ready:
        command = world.trading.outbox.ready.popleft()
        refused = world.trading.last_check(command)
        assert refused is not None
        world.trading.on_outcome(command, refused)
    assert world.status(f"{trade_id}_ENTRY") is OrderStatus.EXPIRED


def test_a_state_that_is_not_the_fold_of_its_journal_halts_entries(world):
    world.opened()
    world.journal.diverges = True
    world.trading.look()
    assert world.trading.gate.state is GateState.HALTED
    assert "another state" in world.trading.gate.reasons()[0]
    with pytest.raises(OrderRefused):
        world.propose()


def test_an_account_whose_journal_is_quarantined_comes_up_and_protects(world):
    """Row 41: orders that were under way are in doubt, though nothing can be kept."""
    trade_id = world.propose()
    world.leave()
    world.house.fill(f"{trade_id}_ENTRY")
    reopened = world.journal.reopened
    world.journal.reopened = lambda: _quarantined(reopened())
    world.restart()
    assert world.trading.gate.state is HALTED
    world.trading.link_up()
    world.ask()
    assert world.trade(trade_id).held == 2
    assert len(world.trading.outbox.ready) == 2


def _quarantined(journal):
    journal.appending_fails = True
    return journal


# What leaves


def ready(world, **fields):
    """The command of an entry that may leave."""
    world.propose(**fields)
    return world.trading.outbox.ready.popleft()


def test_an_entry_that_waited_too_long_does_not_leave(world):
    command = ready(world)
    world.clock.advance_to(world.clock.now_ns + 250 * MILLISECOND)
    assert world.trading.last_check(command) is None
    world.clock.advance_to(world.clock.now_ns + MILLISECOND)
    refused = world.trading.last_check(command)
    assert type(refused) is NotSent
    assert refused.reason == "judged 0.251 s before it could leave"


def test_an_entry_does_not_leave_once_the_gate_is_shut(world):
    command = ready(world)
    world.trading.shut("lag", "tasks ran late")
    assert "tasks ran late" in world.trading.last_check(command).reason


def test_an_entry_leaves_though_the_gate_was_shut_and_opened_again_meanwhile(world):
    command = ready(world)
    world.trading.shut("lag", "tasks ran late")
    world.trading.lift("lag")
    assert world.trading.last_check(command) is None


def test_an_entry_leaves_though_another_symbol_was_blocked_meanwhile(world):
    command = ready(world)
    world.trading.gate.block("NQ", "foreign", "not ours")
    assert world.trading.last_check(command) is None
    world.trading.gate.block("ES", "foreign", "not ours")
    assert world.trading.last_check(command) is not None


def test_what_reduces_is_never_held_up(world):
    trade_id = world.propose()
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    world.trading.halt("stop", "me")
    world.clock.advance_to(world.clock.now_ns + 9 * SECOND)
    assert [world.trading.last_check(one) for one in world.trading.outbox.ready] == [None, None]


def test_an_entry_that_was_not_sent_has_ended(world):
    command = ready(world)
    entry = command.client_order_id
    world.trading.on_outcome(command, NotSent(entry, "not connected", world.clock.now_ns))
    assert world.status(entry) is OrderStatus.EXPIRED
    assert world.state.trades == {}
    assert world.told() == ["trade FBtest-1-1: not connected"]


def test_a_stop_that_was_not_sent_is_sent_again_by_the_watch(world):
    trade_id = world.propose()
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    while world.trading.outbox.ready:
        command = world.trading.outbox.ready.popleft()
        not_sent = NotSent(command.client_order_id, "not connected", world.clock.now_ns)
        world.trading.on_outcome(command, not_sent)
    assert world.house.covered() == 0
    world.trading.look()
    world.exchange()
    assert world.house.covered() == 2


def test_a_cancel_that_was_not_sent_is_asked_for_again(world):
    entry = world.propose() + "_ENTRY"
    world.exchange()
    world.trading.request(CancelRequested(entry, "asked", world.clock.now_ns))
    command = world.trading.outbox.ready.popleft()
    world.trading.on_outcome(command, NotSent(entry, "not connected", world.clock.now_ns))
    assert world.status(entry) is OrderStatus.SUBMITTED
    world.pass_time(3)
    assert not world.house.is_working(entry)


@pytest.mark.parametrize("kind", ["cancel", "replace"])
def test_of_a_request_whose_outcome_is_unknown_the_order_itself_is_not_in_doubt(world, kind):
    stop = world.opened() + "_SL"
    now = world.clock.now_ns
    if kind == "cancel":
        entry = world.propose() + "_ENTRY"
        world.exchange()
        world.trading.request(CancelRequested(entry, "asked", now))
        order_id = entry
    else:
        world.trading.request(ReplaceRequested(stop, None, 15_980, now))
        order_id = stop
    command = world.trading.outbox.ready.popleft()
    world.trading.on_outcome(command, OutcomeUnknown(order_id, "?", now))
    assert world.status(order_id) is OrderStatus.SUBMITTED
    assert world.trading.snapshot_due_ns <= now + SECOND


# Unknown outcomes


def lose(world, **fields):
    """An entry of which nobody can tell whether it arrived; its id."""
    command = ready(world, **fields)
    entry = command.client_order_id
    world.trading.on_outcome(command, OutcomeUnknown(entry, "the line broke", world.clock.now_ns))
    return entry


def test_an_unknown_outcome_blocks_its_symbol_at_once(world):
    entry = lose(world)
    assert world.status(entry) is OrderStatus.UNKNOWN
    with pytest.raises(OrderRefused, match=f"the outcome of {entry} is unknown"):
        world.propose()
    world.propose(symbol="NQ")


def test_an_unknown_outcome_that_is_reported_blocks_its_symbol_at_once(world):
    command = ready(world)
    entry = command.client_order_id
    world.trading.on_message(OutcomeUnknown(entry, "?", world.clock.now_ns))
    with pytest.raises(OrderRefused, match=f"the outcome of {entry} is unknown"):
        world.propose()


def test_an_entry_behind_an_unknown_one_does_not_leave(world):
    world.propose()
    world.propose()
    first, second = world.trading.outbox.ready
    world.trading.outbox.ready.clear()
    unknown = OutcomeUnknown(first.client_order_id, "?", world.clock.now_ns)
    world.trading.on_outcome(first, unknown)
    assert "is unknown" in world.trading.last_check(second).reason


def test_an_unknown_order_is_asked_for_and_never_sent_again(world):
    entry = lose(world)
    assert world.trading.snapshot_due_ns <= world.clock.now_ns + SECOND
    world.pass_time(32)
    assert world.status(entry) is OrderStatus.EXPIRED
    assert world.house.sent == []
    world.propose()


def test_no_answer_for_two_seconds_is_an_unknown_outcome(world):
    entry = world.propose() + "_ENTRY"
    world.leave()
    world.house.said.clear()
    world.pass_time(1.9, asks=False)
    assert world.status(entry) is OrderStatus.PENDING
    world.pass_time(0.1, asks=False)
    assert world.status(entry) is OrderStatus.UNKNOWN
    assert world.trading.gate.objection("ES") is not None
    world.ask()
    assert world.status(entry) is OrderStatus.SUBMITTED
    world.trading.look()
    assert world.trading.gate.objection("ES") is None


def test_an_answer_in_time_leaves_no_doubt(world):
    entry = world.propose() + "_ENTRY"
    world.exchange()
    world.pass_time(5)
    assert world.status(entry) is OrderStatus.SUBMITTED
    assert world.metrics.unknown_orders == 0


# The connection


def test_without_a_connection_nothing_that_had_not_left_leaves(world):
    command_id = world.propose() + "_ENTRY"
    world.cut("the line broke")
    assert not world.trading.outbox.ready
    assert world.status(command_id) is OrderStatus.EXPIRED
    assert world.trading.gate.state is RECOVERING
    assert not world.trading.is_connected
    assert world.told() == ["trade FBtest-1-1: the line broke"]


def test_what_had_left_without_an_answer_is_in_doubt(world):
    entry = world.propose() + "_ENTRY"
    world.leave()
    world.cut()
    assert world.status(entry) is OrderStatus.UNKNOWN
    world.connect()
    assert world.status(entry) is OrderStatus.SUBMITTED


def test_time_does_not_count_while_there_is_no_connection(world):
    trade_id = world.propose()
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    world.cut()
    world.pass_time(60, asks=False)
    assert world.house.covered() == 0
    world.connect()
    assert world.house.covered() == 2
    assert world.trade(trade_id).close_reason is None


def test_a_forced_logout_is_a_standby_until_somebody_resumes(world):
    world.trading.logged_out("another login took the session")
    assert world.trading.gate.state is STANDBY
    assert not world.trading.is_connected
    assert world.told() == ["standby: another login took the session"]
    world.trading.resume("me")
    assert world.trading.gate.state is RECOVERING
    world.connect()


def test_a_doubt_without_a_connection_changes_nothing(world):
    world.cut()
    before = world.trading.gate.reasons()
    world.trading.doubt("the process stood still")
    assert world.trading.gate.reasons() == before


# Stopping


def test_a_halt_lasts_until_somebody_resumes_even_after_a_restart(world):
    world.trading.halt("emergency stop", "me")
    assert world.trading.gate.state is HALTED
    world.restart()
    assert world.trading.gate.state is HALTED
    assert "halted: emergency stop" in world.trading.gate.reasons()
    world.trading.link_up()
    world.pass_time(5)
    with pytest.raises(OrderRefused, match="emergency stop"):
        world.propose()
    world.trading.resume("me")
    world.propose()
    world.restart()
    world.connect()


def test_a_halt_is_kept_before_the_gate_is_asked_again(world):
    world.trading.halt("emergency stop", "me")
    assert world.journal.log[-2:] == ["EntriesHalted", "commit"]


def test_a_drain_lets_no_entry_out_and_keeps_what_rests(world):
    trade_id = world.opened()
    world.trading.drain()
    assert world.trading.gate.state is REDUCE_ONLY
    with pytest.raises(OrderRefused, match="the handler is stopping"):
        world.propose()
    assert world.house.covered() == 2
    assert world.trade(trade_id).held == 2


def test_the_gate_is_recorded_with_its_reasons(world):
    world.journal.notes.clear()
    world.trading.shut("lag", "tasks ran late")
    world.trading.shut("lag", "tasks ran late")
    world.trading.lift("lag")
    world.trading.lift("lag")
    assert world.journal.notes == [
        ("gate", {"cause": "lag", "state": "reduce_only", "reason": "tasks ran late"}),
        ("gate", {"cause": "lag", "state": "open"}),
    ]


def test_a_request_says_whether_anything_follows(world):
    entry = world.propose() + "_ENTRY"
    world.exchange()
    now = world.clock.now_ns
    assert world.trading.request(CancelRequested(entry, "asked", now))
    assert not world.trading.request(CancelRequested(entry, "asked", now))
    assert not world.trading.request(CloseRequested("T99", ExitReason.TIMEOUT, now))


def test_a_position_lives_as_long_as_it_may(new_world):
    world = new_world(position_life_ns=10 * SECOND)
    world.connect()
    trade_id = world.opened()
    world.pass_time(10.2)
    assert world.house.orders[f"{trade_id}_SL"].order_type is OrderType.MARKET
    world.house.fill(f"{trade_id}_SL", price=4001.0)
    world.exchange()
    assert world.closed[0].exit_reason is ExitReason.TIMEOUT


# Restarts


def test_an_entry_that_was_under_way_is_in_doubt_after_a_restart_and_adopted(world):
    entry = world.propose() + "_ENTRY"
    world.leave()
    world.restart()
    assert world.status(entry) is OrderStatus.UNKNOWN
    assert world.told() == ["trade FBtest-1-1: FBtest-1-1_ENTRY: the handler started anew"]
    world.connect()
    assert world.status(entry) is OrderStatus.SUBMITTED
    assert world.house.sent == [entry]


def test_what_was_not_committed_never_happened(world):
    commit = world.journal.commit
    world.journal.commit = lambda **how: None
    world.propose(proposal_id="p1")
    world.journal.commit = commit
    world.restart()
    assert world.state.trades == {}


def test_a_fill_that_happened_meanwhile_is_booked_once_and_protected(world):
    trade_id = world.propose()
    world.exchange()
    fill = world.house.fill(f"{trade_id}_ENTRY")
    world.restart()
    world.connect()
    assert world.trade(trade_id).held == 2
    assert world.house.covered() == 2
    world.trading.on_message(fill)
    assert world.trade(trade_id).held == 2


def test_a_position_without_a_stop_is_protected_after_a_restart(world):
    trade_id = world.propose()
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    world.trading.outbox.ready.clear()
    world.restart()
    world.trading.link_up()
    world.pass_time(5)
    assert world.house.covered() == 2
    assert world.trade(trade_id).held == 2


def test_a_stop_that_was_left_without_a_position_is_cancelled_after_a_restart(world):
    trade_id = world.opened()
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.hear()
    world.trading.outbox.ready.clear()
    assert world.house.is_working(f"{trade_id}_SL")
    world.restart()
    world.connect()
    world.pass_time(3)
    assert world.house.working() == {}
    assert len(world.closed) == 1


def test_deadlines_go_on_after_a_restart(new_world):
    world = new_world(position_life_ns=10 * SECOND)
    world.connect()
    trade_id = world.opened()
    waiting = world.propose(timeout_seconds=8)
    world.exchange()
    world.pass_time(3)
    world.restart()
    world.connect()
    world.pass_time(7)
    assert not world.house.is_working(f"{waiting}_ENTRY")
    assert world.house.orders[f"{trade_id}_SL"].order_type is OrderType.MARKET


def test_the_watch_protects_a_position_whose_stop_the_broker_ended(world):
    trade_id = world.opened()
    world.house.end(f"{trade_id}_SL", OrderStatus.CANCELLED, "the day is over")
    world.exchange()
    assert world.house.is_working(f"{trade_id}_SL2")


def test_a_position_that_cannot_be_protected_is_closed(world):
    world.house.rejects.add("stop")
    trade_id = world.opened()
    world.pass_time(0.2)
    (exit_id,) = [name for name in world.house.working() if "_EXIT" in name]
    world.house.fill(exit_id, price=3999.0)
    world.exchange()
    assert world.house.held() == {}
    assert world.state.trades == {}
    assert world.closed[0].trade_id == trade_id


def test_a_position_whose_stop_gives_no_evidence_is_closed_in_three_seconds(world):
    trade_id = world.propose()
    world.exchange()
    world.house.fill(f"{trade_id}_ENTRY")
    world.hear()
    world.trading.outbox.ready.clear()  # both legs are lost on the way
    world.trading.look()
    # Nobody answers a question, so nothing is known of the stop.
    world.pass_time(2.9, asks=False)
    assert not world.house.sent[1:]
    world.pass_time(0.3, asks=False)
    assert f"{trade_id}_EXIT" in world.house.sent


def test_both_legs_filled_is_bought_back_at_once(world):
    trade_id = world.opened()
    world.house.fill(f"{trade_id}_TP", price=4010.0)
    world.house.fill(f"{trade_id}_SL", price=3990.0)
    world.exchange()
    assert world.house.held() == {"ES": -2}
    (exit_id,) = world.house.working()
    assert world.house.orders[exit_id].side == "BUY"
    world.house.fill(exit_id, price=3990.0)
    world.exchange()
    assert world.house.held() == {}
    assert any("exits exceed the position by 2" in alarm for alarm in world.told())


def test_a_late_fill_after_a_cancel_is_flattened(world):
    trade_id = world.propose()
    entry = f"{trade_id}_ENTRY"
    world.exchange()
    world.trading.request(CancelRequested(entry, "asked", world.clock.now_ns))
    world.house.fill(entry)
    world.house.said.appendleft(_cancelled(entry, world))
    world.exchange()
    assert world.house.working()
    for name in list(world.house.working()):
        if "_EXIT" in name:
            world.house.fill(name, price=4000.0)
    world.exchange()
    assert world.house.held() == {}
    assert world.house.working() == {}


def _cancelled(order_id, world):
    return Cancelled(order_id, "asked", world.clock.now_ns)


def test_exits_that_are_rejected_again_and_again_are_sent_less_and_less_often(world):
    world.house.rejects |= {"stop", "exit"}
    world.opened()
    before = len(world.house.sent)
    world.pass_time(10)
    assert len(world.house.sent) - before <= 20


def test_a_target_that_is_rejected_is_placed_again(world):
    world.house.rejects.add("target")
    trade_id = world.opened()
    world.house.rejects.clear()
    world.pass_time(10)
    assert set(world.house.working()) == {f"{trade_id}_SL", f"{trade_id}_TP2"}


# Positions that somebody else closed


def liquidated(world):
    """The broker withdraws the exits and closes the position by an order of its own; row 33."""
    trade_id = world.opened()
    for leg in ("SL", "TP"):
        world.house.end(f"{trade_id}_{leg}", OrderStatus.CANCELLED, "liquidation")
    world.house.elsewhere["ES"] = -2
    return trade_id


def test_a_position_that_somebody_else_closed_halts_entries_and_lets_its_exits_go(world):
    liquidated(world)
    world.pass_time(8)
    assert world.trading.gate.state is GateState.HALTED
    assert any("somebody else closed it" in one for one in world.told())
    assert world.house.working() == {}


def test_the_trade_is_closed_at_the_last_price_and_the_cause_stays(world):
    trade_id = liquidated(world)
    world.price(3998.0)
    world.pass_time(20)
    (result,) = world.closed
    assert (result.trade_id, result.exit_reason) == (trade_id, ExitReason.MANUAL_OVERRIDE)
    assert (result.exit_price, result.pnl_gross) == (3998.0, -200.0)
    assert world.state.trades == {}
    assert world.trading.gate.reasons() == (
        "halted: ES: we hold 2, the broker says 0; somebody else closed it",
    )
    world.restart()
    assert world.state.trades == {}
    world.trading.resume("me")


def test_it_is_closed_at_the_price_of_the_fills_that_the_broker_names(world):
    liquidated(world)
    world.house.elsewhere.clear()
    world.house.place("RMS-1", side=Side.SELL, quantity=2)
    world.house.fill("RMS-1", price=3991.5)
    world.house.said.clear()
    world.pass_time(20)
    (result,) = world.closed
    assert result.exit_price == 3991.5


def test_stop_and_target_that_still_rest_are_withdrawn(world):
    world.opened()
    world.house.elsewhere["ES"] = -2
    world.pass_time(20)
    assert world.house.working() == {}
    assert world.house.held() == {}
    assert len(world.closed) == 1


def test_what_is_left_of_a_position_stays_protected(world):
    trade_id = world.opened(3)
    world.house.elsewhere["ES"] = -2
    world.pass_time(20)
    assert world.trade(trade_id).held == 1
    assert {name: one.quantity for name, one in world.house.working().items()} == {
        f"{trade_id}_SL": 1,
        f"{trade_id}_TP": 1,
    }
    assert world.trading.gate.state is GateState.HALTED
    world.house.elsewhere["ES"] = -3
    world.pass_time(20)
    (result,) = world.closed
    assert result.position_size == 3
    assert world.house.working() == {}


def test_of_several_trades_the_oldest_are_closed(world):
    first, second, third = (world.opened() for _ in range(3))
    world.house.elsewhere["ES"] = -3
    world.pass_time(20)
    assert [result.trade_id for result in world.closed] == [first]
    assert [world.trade(one).held for one in (second, third)] == [1, 2]
    assert world.house.covered() == 3


def test_a_position_that_was_turned_is_closed_and_the_rest_is_somebody_elses(world):
    world.opened()
    world.house.elsewhere["ES"] = -5
    world.pass_time(20)
    assert len(world.closed) == 1
    assert world.house.working() == {}
    assert world.trading.gate.objection("ES").value.endswith("we hold 0, the broker says -3")


def test_while_an_order_of_ours_may_have_closed_it_nothing_is_booked(world):
    """The broker shows the stop no more: it may have filled, and the fill be on its way."""
    trade_id = world.opened()
    stop = world.house.orders.pop(f"{trade_id}_SL")
    world.house.elsewhere["ES"] = -2
    world.pass_time(10)
    assert world.trading.gate.state is GateState.HALTED
    assert world.trade(trade_id).held == 2
    world.house.elsewhere.clear()
    world.house.orders[f"{trade_id}_SL"] = stop
    world.house.fill(f"{trade_id}_SL", price=3990.0)
    world.exchange()
    (result,) = world.closed
    assert result.exit_reason is ExitReason.STOP_LOSS


def test_a_position_that_is_there_again_is_held_and_protected_again(world):
    trade_id = liquidated(world)
    world.pass_time(20)
    world.house.elsewhere.clear()
    world.pass_time(10)
    assert world.trade(trade_id).held == 2
    assert world.house.covered() == 2
    assert world.trading.gate.state is GateState.HALTED


def test_nothing_closes_a_position_that_is_not_there(world):
    trade_id = liquidated(world)
    world.pass_time(8)
    before = list(world.house.sent)
    world.trading.request(CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, 0))
    world.pass_time(60)
    assert world.house.sent == before


# Before the broker has answered


def test_nothing_is_mended_in_a_new_session_before_the_broker_has_answered(world):
    trade_id = world.opened()
    world.trading.link_lost("cut")
    world.house.end(f"{trade_id}_SL", OrderStatus.CANCELLED)
    world.trading.link_up()
    before = list(world.house.sent)
    for _ in range(50):
        world.clock.advance_to(world.clock.now_ns + 100_000_000)
        world.trading.look()
        world.leave()
    assert world.house.sent == before


# What cannot be


def test_a_price_that_is_none_is_refused_and_alarmed_once_in_ten_seconds(world):
    for _ in range(3):
        world.price(float("nan"))
    assert world.trading.market.view("ES").last == 4000.0
    assert world.told() == [
        "the broker sent what cannot be: trade ES price: expected a finite price > 0, was nan"
    ]
    world.pass_time(10)
    world.price(float("nan"))
    assert len(world.told()) == 2


@pytest.mark.parametrize("changes", [{"price": float("nan")}, {"quantity": 0}, {"quantity": -2}])
def test_a_fill_that_cannot_be_is_refused_and_the_broker_is_asked(world, changes):
    trade_id = world.propose()
    world.exchange()
    fill = world.house.fill(f"{trade_id}_ENTRY")
    world.house.said.clear()
    world.trading.on_message(msgspec.structs.replace(fill, **changes))
    assert world.trade(trade_id).held == 0
    assert any("what cannot be: fill F1 of" in alarm for alarm in world.told())
    assert world.trading.snapshot_due_ns <= world.clock.now_ns + SECOND
    world.pass_time(2)
    assert world.trade(trade_id).held == 2


def test_answers_with_a_fill_that_cannot_be_are_no_answers(world):
    trade_id = world.propose()
    world.exchange()
    fill = world.house.fill(f"{trade_id}_ENTRY")
    world.house.said.clear()
    world.ask(fills=(msgspec.structs.replace(fill, price=float("inf")),))
    assert world.trade(trade_id).held == 0
    assert any("what cannot be: fill F1 of" in alarm for alarm in world.told())
    world.ask()
    assert world.trade(trade_id).held == 2


def test_a_position_is_not_held_to_be_gone_after_answers_that_failed_in_between(world):
    liquidated(world)
    world.ask()
    world.trading.on_no_answer("it hangs")
    world.pass_time(6, asks=False)
    world.ask()
    world.ask()
    assert world.trading.gate.state is not GateState.HALTED
    world.ask()
    assert world.trading.gate.state is GateState.HALTED
