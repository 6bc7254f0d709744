"""The order in which a simulation meets market data and proposals."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files import EventKind, ProposalRow, merge_events
from fillbridge_hooks import BarData, QuoteTick, RiskProposal, TradeTick

BAR, TRADE, QUOTE, PROPOSAL = EventKind.BAR, EventKind.TRADE, EventKind.QUOTE, EventKind.PROPOSAL


def bars(*times):
    return [BarData(time_ns, 1, 1, 1, 1, 1) for time_ns in times]


def trades(*times):
    return [TradeTick(time_ns, 1, 1, "ES", number) for number, time_ns in enumerate(times)]


def quotes(*times):
    return [QuoteTick(time_ns, 1, number, 1, 1) for number, time_ns in enumerate(times)]


def proposals(*times):
    return [
        ProposalRow(
            time_ns=time_ns, row=number, proposal=RiskProposal(position_size=1, direction="LONG")
        )
        for number, time_ns in enumerate(times)
    ]


def order_of(events):
    times = ((kind, item.time_ns if kind is PROPOSAL else item.timestamp) for kind, item in events)
    return [f"{kind.value} {time_ns}" for kind, time_ns in times]


def test_a_proposal_comes_before_the_bar_that_starts_at_its_time():
    events = merge_events(proposals(5, 10, 10, 11, 99), bars=bars(10, 20, 30))
    assert order_of(events) == [
        "proposal 5",
        "proposal 10",
        "proposal 10",
        "bar 10",
        "proposal 11",
        "bar 20",
        "bar 30",
        "proposal 99",
    ]


def test_without_quotes_a_proposal_comes_before_the_trades_of_its_time():
    events = merge_events(proposals(10), trades=trades(9, 10, 10))
    assert order_of(events) == ["trade 9", "proposal 10", "trade 10", "trade 10"]


def test_with_quotes_a_proposal_comes_after_all_of_its_time():
    events = merge_events(proposals(10), trades=trades(9, 10, 11), quotes=quotes(8, 10, 10, 11))
    assert order_of(events) == [
        "quote 8",
        "trade 9",
        "quote 10",
        "quote 10",
        "trade 10",
        "proposal 10",
        "quote 11",
        "trade 11",
    ]


def test_no_data_and_no_proposals():
    assert order_of(merge_events([], bars=[])) == []
    assert order_of(merge_events(proposals(1), bars=[])) == ["proposal 1"]
    assert order_of(merge_events([], trades=trades(1), quotes=[])) == ["trade 1"]
    assert order_of(merge_events([], trades=[], quotes=quotes(1))) == ["quote 1"]


@pytest.mark.parametrize(
    "inputs",
    [{}, {"bars": [], "trades": []}, {"bars": [], "quotes": []}, {"quotes": []}],
    ids=["nothing", "bars and trades", "bars and quotes", "quotes alone"],
)
def test_what_cannot_be_merged_is_refused(inputs):
    with pytest.raises(TypeError, match="expected bars, or trades with or without quotes"):
        merge_events([], **inputs)


TIMES = st.lists(st.integers(0, 12)).map(sorted)


@given(market_times=TIMES, proposal_times=TIMES)
def test_merging_is_a_stable_sort_without_quotes(market_times, proposal_times):
    rows, items = proposals(*proposal_times), trades(*market_times)
    expected = [(row.time_ns, 0, PROPOSAL, row) for row in rows]
    expected += [(trade.timestamp, 1, TRADE, trade) for trade in items]
    expected.sort(key=lambda event: event[:2])
    merged = list(merge_events(rows, trades=items))
    assert merged == [event[2:] for event in expected]
    as_bars = list(merge_events(rows, bars=bars(*market_times)))
    assert [kind is PROPOSAL for kind, _ in as_bars] == [kind is PROPOSAL for kind, _ in merged]


@given(trade_times=TIMES, quote_times=TIMES, proposal_times=TIMES)
def test_merging_is_a_stable_sort_with_quotes(trade_times, quote_times, proposal_times):
    rows, tape, book = proposals(*proposal_times), trades(*trade_times), quotes(*quote_times)
    expected = [(quote.timestamp, 0, QUOTE, quote) for quote in book]
    expected += [(trade.timestamp, 1, TRADE, trade) for trade in tape]
    expected += [(row.time_ns, 2, PROPOSAL, row) for row in rows]
    expected.sort(key=lambda event: event[:2])
    merged = list(merge_events(rows, trades=tape, quotes=book))
    assert merged == [event[2:] for event in expected]
