"""The numbers of the report, as they follow from the trades."""

import pytest

from fillbridge_report.analysis import ReasonTotal, analyse_trades
from fillbridge_report.parquet import write_parquet


@pytest.fixture
def analyse(tmp_path, write_trades):
    def run(trades, **options):
        trades_csv = write_trades(tmp_path / "trades.csv", trades)
        target = tmp_path / "trades.parquet"
        write_parquet(trades_csv, target, block_bytes=2048, row_group_trades=10)
        return analyse_trades(target, **options)

    return run


def test_no_trade_no_analysis(analyse):
    assert analyse([]) is None


def test_money_is_summed_to_the_cent(analyse, make_trade):
    analysis = analyse([make_trade(pnl_net=0.29, exit_timestamp=time) for time in range(1000)])
    assert analysis.equity.equity[-1] == 29_000
    assert analysis.reasons == [ReasonTotal(reason="TP", trades=1000, pnl_net=29_000)]


def test_period_symbols_and_missing_costs(analyse, make_trade):
    analysis = analyse(
        [
            make_trade(entry_timestamp=30, exit_timestamp=40, symbol="NQ"),
            make_trade(entry_timestamp=10, exit_timestamp=90, symbol="ES", cost_complete=False),
            make_trade(entry_timestamp=20, exit_timestamp=50, symbol=None),
        ]
    )
    assert (analysis.first_entry_ns, analysis.last_exit_ns) == (10, 90)
    assert analysis.symbols == ["ES", "NQ"]
    assert analysis.cost_incomplete == 1
    assert [point.symbol for point in analysis.points] == ["NQ", "ES", ""]


def test_reasons_come_with_the_most_frequent_first(analyse, make_trade):
    trades = [
        make_trade(exit_reason=reason, pnl_net=net)
        for reason, net in [("TP", 50.25), ("SL", -20.5), ("SL", -0.25), ("MANUAL", 1.0)]
    ]
    assert [(row.reason, row.trades, row.pnl_net) for row in analyse(trades).reasons] == [
        ("SL", 2, -2075),
        ("MANUAL", 1, 100),
        ("TP", 1, 5025),
    ]


@pytest.mark.parametrize(("limit", "step"), [(100, 1), (99, 2), (30, 4), (4, 25)])
def test_a_sample_is_evenly_spaced_over_the_row_groups(analyse, make_trade, limit, step):
    trades = [make_trade(trade_id=str(number), pnl_net=1.0) for number in range(100)]
    analysis = analyse(trades, drawn_limit=limit)
    assert [point.trade_id for point in analysis.points] == [str(n) for n in range(0, 100, step)]
    assert analysis.trades == 100
    assert analysis.reasons[0].trades == 100
    assert sum(analysis.slippage.counts) == 100
