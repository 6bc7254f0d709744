"""What is remembered of proposals is bounded, and is what the events say."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.engine import EngineState, fold, proposed
from fillbridge.engine.messages import TradeApproved, TradePlan
from fillbridge.engine.proposal_events import NonceUsed
from fillbridge.engine.proposed import habit_key, nonce_key
from fillbridge.engine.state import REMEMBERED_DAYS, REMEMBERED_NONCES_NS
from fillbridge.exposure import risk_context
from fillbridge_hooks import (
    SHOWN_ENTRIES,
    Direction,
    EntryDay,
    Instrument,
    Order,
    OrderRole,
    OrderType,
    RecentEntry,
    RiskProposal,
    Side,
)

SECOND = 1_000_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
START = 20_000 * DAY
ES = Instrument(symbol="ES", tick_size=0.25, point_value=50.0)


def approved(number, time_ns, *, strategy="s1", symbol="ES", quantity=2):
    instrument = msgspec.structs.replace(ES, symbol=symbol)
    proposal = RiskProposal(
        position_size=quantity, direction="LONG", strategy=strategy, proposal_id=f"P{number}"
    )
    trade_id = f"T{number}"
    entry = Order(
        f"{trade_id}_ENTRY",
        trade_id,
        OrderRole.ENTRY,
        instrument,
        Side.BUY,
        quantity,
        OrderType.MARKET,
    )
    plan = TradePlan(
        trade_id,
        proposal,
        instrument,
        Direction.LONG,
        entry,
        None,
        4,
        None,
        4,
        time_ns,
        None,
        "",
        None,
    )
    return TradeApproved(plan, time_ns)


def entered(*events):
    state = EngineState()
    for event in events:
        fold(state, event)
    return state


def context(state, without=None, strategy="s1", symbol="ES"):
    proposal = RiskProposal(position_size=1, direction="LONG", strategy=strategy)
    return risk_context(state, proposal, START, lambda _: None, without, symbol)


def test_entries_are_known_with_the_newest_first():
    state = entered(approved(1, START), approved(2, START + SECOND, symbol="NQ", quantity=3))

    assert context(state).recent_entries == (
        RecentEntry("s1", "NQ", Side.BUY, 3, START + SECOND, "P2", "T2"),
        RecentEntry("s1", "ES", Side.BUY, 2, START, "P1", "T1"),
    )


def test_the_entry_under_judgement_is_none_of_the_recent_ones():
    state = entered(approved(1, START), approved(2, START + SECOND))

    found = context(state, without=state.trades["T2"]).recent_entries
    assert [entry.trade_id for entry in found] == ["T1"]


def test_only_so_many_entries_are_known():
    state = entered(*(approved(number, START + number) for number in range(SHOWN_ENTRIES + 5)))

    found = state.recent_entries
    assert len(found) == SHOWN_ENTRIES
    assert found[0].trade_id == f"T{SHOWN_ENTRIES + 4}"


def test_the_entries_of_a_day_are_summed_by_strategy_and_symbol():
    state = entered(
        approved(1, START + HOUR, quantity=2),
        approved(2, START + 3 * HOUR, quantity=3),
        approved(3, START + 3 * HOUR, symbol="NQ"),
        approved(4, START + 3 * HOUR, strategy="s2"),
        approved(5, START + DAY),
    )

    assert context(state).entry_days == (
        EntryDay(20_000, 2, 5, 13, 1 << 1 | 1 << 3, START + 3 * HOUR),
        EntryDay(20_001, 1, 2, 4, 1, START + DAY),
    )
    assert context(state, strategy="s3").entry_days == ()
    assert len(context(state, symbol="NQ").entry_days) == 1


@given(st.lists(st.integers(0, 3), min_size=1, max_size=80))
def test_days_of_a_month_are_known(gaps):
    time_ns, events = START, []
    for number, gap in enumerate(gaps):
        time_ns += gap * DAY
        events.append(approved(number, time_ns))
    days = entered(*events).entry_days[habit_key("s1", "ES")]

    today = time_ns // DAY
    expected = {
        event.time_ns // DAY for event in events if event.time_ns // DAY > today - REMEMBERED_DAYS
    }
    assert [one.day for one in days] == sorted(expected)


def test_a_strategy_that_has_not_entered_for_longest_is_forgotten_first(monkeypatch):
    monkeypatch.setattr(proposed, "REMEMBERED_HABITS", 3)
    order = ["a", "b", "c", "a", "d"]
    events = [approved(place, START + place, strategy=name) for place, name in enumerate(order)]

    assert list(entered(*events).entry_days) == ["ES c", "ES a", "ES d"]


# Answers


def test_the_oldest_answers_are_forgotten_many_at_once(monkeypatch):
    """One at a time would take longer the more were forgotten before."""
    monkeypatch.setattr(proposed, "REMEMBERED_PROPOSALS", 300)
    state = entered(*(approved(number, START) for number in range(300)))
    assert len(state.proposed) == 300

    fold(state, approved(300, START))
    assert list(state.proposed) == [f"P{number}" for number in range(3, 301)]


# Nonces


def used(nonce, time_ns, signed_ns=None):
    return NonceUsed("k1", nonce, time_ns if signed_ns is None else signed_ns, time_ns)


def test_a_nonce_is_known_for_a_day():
    first = used(b"1" * 16, START)
    state = entered(first, used(b"2" * 16, START + REMEMBERED_NONCES_NS - 1))
    assert nonce_key("k1", b"1" * 16) in state.nonces
    assert state.nonces_from_ns == 0

    fold(state, used(b"3" * 16, START + REMEMBERED_NONCES_NS))
    assert nonce_key("k1", b"1" * 16) not in state.nonces
    assert state.nonces_from_ns == START


def test_of_too_many_the_oldest_are_forgotten_and_all_that_is_as_old_with_them(monkeypatch):
    monkeypatch.setattr(proposed, "REMEMBERED_NONCES", 2)
    state = entered(*(used(bytes([place]) * 16, START + place) for place in range(5)))

    assert list(state.nonces.values()) == [START + 3, START + 4]
    assert state.nonces_from_ns == START + 2


def test_many_are_forgotten_at_once(monkeypatch):
    """One at a time would take longer the more were forgotten before."""
    monkeypatch.setattr(proposed, "REMEMBERED_NONCES", 300)
    state = entered(*(used(place.to_bytes(16, "big"), START + place) for place in range(300)))
    assert len(state.nonces) == 300

    fold(state, used(b"1" * 16, START + 300))
    assert list(state.nonces.values()) == [START + place for place in range(3, 301)]
    assert state.nonces_from_ns == START + 2


def test_time_lets_many_be_forgotten_at_once():
    state = entered(
        *(used(place.to_bytes(16, "big"), START + place * SECOND) for place in range(2))
    )
    fold(state, used(b"1" * 16, START + REMEMBERED_NONCES_NS))
    assert state.nonces_from_ns == START

    fold(state, used(b"2" * 16, START + REMEMBERED_NONCES_NS + SECOND))
    assert state.nonces_from_ns == START
    later = START + REMEMBERED_NONCES_NS + REMEMBERED_NONCES_NS // 100
    fold(state, used(b"3" * 16, later))
    assert state.nonces_from_ns == START + SECOND


@given(st.lists(st.tuples(st.integers(0, 2**40), st.integers(-5, 5)), min_size=1, max_size=40))
def test_what_was_used_is_known_or_older_than_what_is_refused_unseen(steps):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(proposed, "REMEMBERED_NONCES", 7)
        time_ns, state, everything = START, EngineState(), []
        for place, (step, off) in enumerate(steps):
            time_ns += step * 1_000
            event = used(place.to_bytes(16, "big"), time_ns, time_ns + off * SECOND)
            fold(state, event)
            everything.append(event)
        assert len(state.nonces) <= 7
        for event in everything:
            is_known = nonce_key("k1", event.nonce) in state.nonces
            assert is_known or event.signed_at_ns <= state.nonces_from_ns
