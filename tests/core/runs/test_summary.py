from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.files import RejectedProposal
from fillbridge.runs import Summary
from fillbridge.times import to_datetime
from fillbridge_hooks import ExitReason, TradeResult

cents = st.integers(-(10**11), 10**11)


def make(gross=0, commission=0, slippage=0, low=0, **fields):
    """A trade whose money is given in cents."""
    net = gross - commission - slippage
    return TradeResult(
        trade_id="T1",
        entry_timestamp=to_datetime(0),
        exit_timestamp=to_datetime(0),
        entry_price=1.0,
        exit_price=1.0,
        position_size=1,
        direction="LONG",
        pnl_gross=gross / 100,
        pnl_net=net / 100,
        commission=commission / 100,
        slippage=slippage / 100,
        duration_seconds=0.0,
        max_favorable_excursion=0.0,
        max_adverse_excursion=0.0,
        execution_quality_score=1.0,
        pnl_net_low=(net - low) / 100,
        pnl_net_high=net / 100,
        **{"exit_reason": ExitReason.TAKE_PROFIT, **fields},
    )


@given(st.lists(st.builds(make, cents, cents, cents, cents)))
def test_sums_are_exact_to_the_cent(trades):
    summary = Summary()
    for trade in trades:
        summary.add(trade)
    document = summary.document("", ["ES"], 0)
    for name in ("pnl_gross", "pnl_net", "pnl_net_low", "pnl_net_high", "commission", "slippage"):
        exact = sum((Decimal(str(getattr(trade, name))) for trade in trades), Decimal())
        assert document[name] == float(exact)


@given(st.lists(st.builds(make, cents, cents, cents, cents)))
def test_what_is_removed_leaves_nothing(trades):
    summary = Summary()
    summary.add(make(100, path_dependent=True))
    before = summary.document("", ["ES"], 0)
    for trade in trades:
        summary.add(trade)
    for trade in trades:
        summary.remove(trade)
    assert summary.document("", ["ES"], 0) == before


def test_trades_are_counted_by_what_they_are():
    summary = Summary()
    for trade in (
        make(100),
        make(0),
        make(-100, exit_reason=ExitReason.STOP_LOSS, path_dependent=True),
        make(-100, exit_reason=ExitReason.STOP_LOSS, cost_complete=False),
    ):
        summary.add(trade)
    document = summary.document("a title", {"NQ", "ES"}, 7)
    assert document["title"] == "a title"
    assert document["symbols"] == ["ES", "NQ"]
    assert (document["proposals"], document["trades"]) == (7, 4)
    counts = {"TP": 2, "SL": 2, "MANUAL": 0, "TIMEOUT": 0, "SHUTDOWN": 0}
    assert document["by_exit_reason"] == counts
    assert document["win_rate"] == 0.25
    assert (document["path_dependent"], document["cost_unknown"]) == (1, 1)


def test_without_trades_there_is_no_win_rate():
    document = Summary().document("", [], 0)
    assert document["win_rate"] is None
    assert document["pnl_net"] == 0


def test_each_rejected_proposal_is_listed():
    summary = Summary()
    summary.rejected.append(RejectedProposal(proposal_id="a", row=3, reason="too large"))
    document = summary.document("", [], 1)
    assert document["rejected"] == 1
    assert document["rejected_proposals"] == [{"proposal_id": "a", "row": 3, "reason": "too large"}]


@pytest.mark.parametrize("net", [0, -1])
def test_a_trade_that_earned_nothing_did_not_win(net):
    summary = Summary()
    summary.add(make(net))
    assert summary.document("", [], 1)["win_rate"] == 0
