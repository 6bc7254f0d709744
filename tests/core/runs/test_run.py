import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fillbridge.files import BadFile
from fillbridge.runs import MarketFiles
from fillbridge_hooks import PluginError, hookimpl

START_NS = 1_704_724_200_000_000_000
LIMITS = "proposal_id,ts,direction,position_size,stop_loss_ticks,take_profit_ticks"
PRICES = "proposal_id,ts,direction,position_size,stop_loss_price,take_profit_price"
ENTRIES = f"{LIMITS},symbol,urgency,max_slippage,timeout_seconds"


def money(outcome):
    return [(trade["proposal_id"], trade["exit_reason"], trade["pnl_net"]) for trade in outcome[0]]


def test_each_proposal_becomes_a_trade(backtest):
    outcome = backtest(
        ("target", 60, "LONG,1,8,8"),  # in at 4750.50, out at 4752.50
        ("stop", 120, "SHORT,2,4,40"),  # in at 4751, out at 4752
        ("end", 180, "LONG,1,400,400"),  # in at 4752.50, closed at 4749
    )
    assert sorted(money(outcome)) == [
        ("end", "SHUTDOWN", "-175.0"),
        ("stop", "SL", "-100.0"),
        ("target", "TP", "100.0"),
    ]
    assert outcome.rejected == {}
    assert outcome.summary["title"] == "a title"
    assert outcome.summary["pnl_net"] == -175
    assert outcome.summary["by_exit_reason"]["SHUTDOWN"] == 1


def test_a_stop_and_a_target_may_be_prices(backtest):
    outcome = backtest(("a", 60, "LONG,1,4748.5,4752.5"), header=PRICES)
    assert money(outcome) == [("a", "TP", "100.0")]


def test_a_trade_that_its_bar_cannot_decide_carries_both_outcomes(backtest):
    # The bar opens at 4752.50 and falls: high first, so 4753.50 is met before 4750.50.
    outcome = backtest(
        ("a", 180, "LONG,1,8,4"), config={"slippage": {"type": "fixed", "fixed_amount": 0.25}}
    )
    (trade,) = outcome.trades
    assert (trade["entry_price"], trade["exit_price"]) == ("4752.75", "4753.75")
    assert (trade["exit_reason"], trade["other_exit_reason"]) == ("TP", "SL")
    assert trade["path_dependent"] == "true"
    assert trade["other_exit_price"] == "4750.5"
    assert (trade["pnl_net_low"], trade["pnl_net_high"]) == ("-112.5", "50.0")
    assert outcome.summary["path_dependent"] == 1
    assert (outcome.summary["pnl_net_low"], outcome.summary["pnl_net_high"]) == (-112.5, 50)


@pytest.mark.parametrize(
    ("second", "row", "reason"),
    [
        (60, "UP,1,8,8", "direction: expected LONG or SHORT, was 'UP'"),
        (60, "LONG,0,8,8", "position_size: expected a whole number >= 1, was '0'"),
        (60, "LONG,1,nan,8", "stop_loss_ticks: expected a finite number, was 'nan'"),
        (60, "LONG,1,8,", "take_profit_ticks: expected a number, was None"),
        (60, "LONG,1,8,8,XX", "outside the data: it is of ES, not of XX"),
        (60, "LONG,1,8,8,GC", "outside the data: it is of ES, not of GC"),
        (60, "LONG,1,8,8,GC,,,30", "outside the data: it is of ES, not of GC"),
        (
            -86_401,
            "LONG,1,8,8",
            f"outside the data: decided over a day before its start ({START_NS})",
        ),
        (
            181,
            "LONG,1,8,8",
            f"outside the data: decided after the last of it ({START_NS + 180 * 10**9})",
        ),
        (-60, "LONG,1,8,8,,,,30", "not filled within timeout_seconds (30.0)"),
        (
            0,
            "LONG,1,8,8,,,0.5",
            "arrival: expected a known price: max_slippage and urgency low count from it, was None",
        ),
        (60, "LONG,5,8,8", "C9 max_position_size: expected <= 5 contracts, was 6"),
    ],
)
def test_a_proposal_that_is_not_traded_is_listed_while_the_run_goes_on(
    backtest, second, row, reason
):
    good = ("good", 60, "LONG,1,8,8,,,,")
    bad = ("bad", second, row + "," * (7 - row.count(",")))
    outcome = backtest(
        good, bad, header=ENTRIES, config={"risk_controls": {"max_position_size": 5}}
    )
    assert outcome.rejected == {"bad": reason}
    assert money(outcome) == [("good", "TP", "100.0")]
    (listed,) = outcome.summary["rejected_proposals"]
    assert listed["row"] == 3


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("4749,4748", "take_profit_price: expected a price above 4750.5, was 4748.0"),
        ("4751,4752", "stop_loss_price: expected a price below 4750.5, was 4751.0"),
        ("4749.1,4752", "stop_loss_price: expected a multiple of the tick size 0.25, was 4749.1"),
        ("inf,4752", "stop_loss_price: expected a finite number, was 'inf'"),
    ],
)
def test_prices_on_the_wrong_side_or_off_the_grid_are_listed(backtest, row, reason):
    assert backtest(("a", 60, f"LONG,1,{row}"), header=PRICES).rejected == {"a": reason}


def test_an_entry_that_never_fills_is_listed(backtest):
    nothing_trades = {"simulation": {"volume_share": 0.001}}
    outcome = backtest(("a", 60, "LONG,1,8,8"), config=nothing_trades)
    assert outcome.trades == []
    assert outcome.rejected == {"a": "not filled before the end of the data"}


def test_rejected_proposals_are_listed_in_the_order_of_their_rows(backtest):
    outcome = backtest(
        ("late", 500, "LONG,1,8,8"), ("bad", 60, "UP,1,8,8"), ("early", -90_000, "LONG,1,8,8")
    )
    assert [one["row"] for one in outcome.summary["rejected_proposals"]] == [2, 3, 4]
    assert (outcome.summary["proposals"], outcome.summary["rejected"]) == (3, 3)


def test_bars_of_several_symbols(backtest, write):
    mixed = write(
        "mixed.csv",
        "symbol,ts,open,high,low,close,volume\n"
        f"ES,{START_NS},4750,4751,4749,4750.5,1\n"
        f"GC,{START_NS},2030,2031,2029,2030.1,1\n"
        f"GC,{START_NS + 60 * 10**9},2030,2034,2029,2030,1\n"
        f"ES,{START_NS + 60 * 10**9},4750,4754,4749.5,4750,1\n",
    )
    outcome = backtest(
        ("es", 60, "LONG,1,8,8,"),
        ("gc", 60, "LONG,1,20,20,GC"),
        ("nq", 60, "LONG,1,8,8,NQ"),
        header=f"{LIMITS},symbol",
        market=MarketFiles(bars=mixed),
    )
    assert sorted(money(outcome)) == [("es", "TP", "100.0"), ("gc", "TP", "200.0")]
    assert outcome.summary["symbols"] == ["ES", "GC"]
    assert outcome.rejected == {"nq": "outside the data: it is of ES, GC, not of NQ"}


def test_ticks_decide_exactly(backtest, write):
    ticks = write(
        "ticks.csv",
        "ts_event,price,size\n"
        + "".join(
            f"{START_NS + second * 10**9},{price},1\n"
            for second, price in enumerate((4750, 4750.5, 4749, 4752.5, 4752.75, 4740))
        ),
    )
    outcome = backtest(("a", 1, "LONG,1,8,8"), market=MarketFiles(ticks=ticks))
    (trade,) = outcome.trades
    assert (trade["entry_price"], trade["exit_price"]) == ("4750.5", "4752.5")
    assert int(trade["exit_timestamp"]) == START_NS + 4 * 10**9
    assert trade["max_adverse_excursion"] == "-1.5"
    assert trade["path_dependent"] == "false"


def test_with_quotes_an_entry_takes_the_far_side(backtest, write):
    ticks = write("ticks.csv", f"ts_event,price,size\n{START_NS},4750,1\n{START_NS + 9},4751,1\n")
    quotes = write(
        "quotes.csv", f"ts_event,bid_px,bid_sz,ask_px,ask_sz\n{START_NS},4749.75,9,4750.25,9\n"
    )
    outcome = backtest(
        ("long", 0, "LONG,1,80,80"),
        ("short", 0, "SHORT,1,80,80"),
        market=MarketFiles(ticks=ticks, quotes=quotes),
    )
    entries = {trade["proposal_id"]: trade["entry_price"] for trade in outcome.trades}
    assert entries == {"long": "4750.25", "short": "4749.75"}
    assert {trade["exit_price"] for trade in outcome.trades} == {"4751.0"}


def test_each_trade_and_the_progress_are_told(backtest, bars):
    trades, told = [], []
    outcome = backtest(
        ("a", 60, "LONG,1,8,8"),
        ("b", 180, "LONG,1,8,8"),
        on_trade=trades.append,
        on_bytes=told.append,
    )
    assert [trade.trade_id for trade in trades] == [trade["trade_id"] for trade in outcome.trades]
    assert told[-1] == bars.stat().st_size


def test_observers_are_told_every_event_in_order(backtest, plugins):
    class Observer:
        def __init__(self):
            self.types = []

        @hookimpl
        def fillbridge_handle_event(self, event):
            self.types.append(event.event_type)

    observer = Observer()
    plugins.register(observer, "observer")
    backtest(("a", 60, "LONG,1,8,8"), ("b", 120, "SHORT,2,4,40"))
    assert observer.types.count("TRADE_CLOSED") == 2
    assert observer.types[:2] == ["ORDER_STATUS_CHANGE", "ORDER_STATUS_CHANGE"]
    assert observer.types[-1] == "TRADE_CLOSED"


def test_a_report_names_its_files(backtest, plugins, tmp_path):
    class Report:
        @hookimpl
        def fillbridge_write_report(self, run):
            self.run = run
            return ["extra.txt"]

    report = Report()
    plugins.register(report, "notes")
    outcome = backtest(("a", 60, "LONG,1,8,8"))
    assert report.run.summary == outcome.summary
    assert report.run.trades_csv == str(tmp_path / "out" / "trades.csv")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (ValueError("no disk"), "fillbridge_write_report raised ValueError: no disk"),
        (None, "fillbridge_write_report raised TypeError"),
    ],
)
def test_a_report_that_fails_is_named(backtest, plugins, answer, message):
    class Report:
        @hookimpl
        def fillbridge_write_report(self, run):
            if answer is not None:
                raise answer

    plugins.register(Report(), "notes")
    with pytest.raises(PluginError, match=f"plugin 'notes'.*: {message}"):
        backtest(("a", 60, "LONG,1,8,8"))


def test_bad_data_ends_the_run(backtest, bars, write):
    text = bars.read_text() + f"{START_NS + 240 * 10**9},4749,4748,4749,4749,1\n"
    broken = write("broken.csv", text)
    with pytest.raises(BadFile, match=r"broken\.csv, line 6: high: expected at least low"):
        backtest(("a", 60, "LONG,1,8,8"), market=MarketFiles(bars=broken))


def test_a_proposal_is_judged_at_its_own_time(backtest, write):
    day = 24 * 60 * 60
    rows = "".join(
        f"{START_NS + second * 10**9},4750,4750,4750,4750,1\n" for second in (0, 60, day, day + 60)
    )
    market = MarketFiles(bars=write("days.csv", "ts,open,high,low,close,volume\n" + rows))
    outcome = backtest(
        ("today", 60, "LONG,1,8,8"),
        ("too many", 60, "LONG,1,8,8"),
        ("tomorrow", day, "LONG,1,8,8"),
        market=market,
        config={"risk_controls": {"max_daily_trades": 1}},
    )
    assert outcome.rejected == {
        "too many": "C21 max_daily_trades: expected <= 1 trades a day, was 2"
    }


def test_the_length_of_bars_is_known_from_the_first_one_on(backtest):
    outcome = backtest(("a", 0, "LONG,1,4,40"))
    (trade,) = outcome.trades
    assert int(trade["exit_timestamp"]) == START_NS + 60 * 10**9


def test_the_length_of_bars_may_be_configured(backtest):
    outcome = backtest(("a", 60, "LONG,1,8,8"), config={"bar_seconds": 30})
    (trade,) = outcome.trades
    assert trade["duration_seconds"] == "90.0"


BAR = st.tuples(st.integers(-6, 6), st.integers(0, 6), st.integers(0, 6), st.integers(0, 50))
PROPOSAL = st.tuples(
    st.integers(-60, 700),
    st.sampled_from(("LONG", "SHORT")),
    st.integers(1, 6),
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from(("low", "normal", "high")),
    st.sampled_from(("", "0", "0.5", "2")),
    st.sampled_from(("", "0", "30", "90")),
)
SIMULATION = st.fixed_dictionaries(
    {
        "bar_path": st.sampled_from(("body", "nearest", "stop-first", "target-first")),
        "market_entry": st.sampled_from(("next", "on_close")),
        "limit_fill": st.sampled_from(("through", "touch")),
        "volume_share": st.sampled_from((None, 0.1, 1)),
        "latency_ms": st.sampled_from((0, 100, 90_000)),
    }
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(BAR, min_size=1, max_size=12),
    st.lists(PROPOSAL, min_size=1, max_size=8),
    SIMULATION,
    st.sampled_from((None, 0.02)),
)
def test_every_proposal_ends_as_a_trade_or_with_a_reason(
    backtest, write, shapes, proposals, simulation, hours
):
    rows, price = [], 19000
    for minute, (change, up, down, volume) in enumerate(shapes):
        close = price + change
        high, low = max(price, close) + up, min(price, close) - down
        prices = ",".join(str(ticks / 4) for ticks in (price, high, low, close))
        rows.append(f"{START_NS + minute * 60 * 10**9},{prices},{volume}\n")
        price = close
    market = MarketFiles(bars=write("some.csv", "ts,open,high,low,close,volume\n" + "".join(rows)))
    outcome = backtest(
        *(
            (f"p{number}", second, ",".join(map(str, (*row[:4], "", *row[4:]))))
            for number, (second, *row) in enumerate(proposals)
        ),
        header=ENTRIES,
        market=market,
        config={
            "execution_handler": {
                "backtest_settings": {"simulation": simulation, "commission": {}, "slippage": {}},
                "performance": {"position_timeout_hours": hours},
            }
        },
    )
    traded = [trade["proposal_id"] for trade in outcome.trades]
    assert sorted([*traded, *outcome.rejected]) == sorted(f"p{n}" for n in range(len(proposals)))
    cents = sum(round(float(trade["pnl_net"]) * 100) for trade in outcome.trades)
    assert outcome.summary["pnl_net"] == cents / 100
    for trade in outcome.trades:
        gross, net, commission, slippage, low, high = (
            round(float(trade[name]) * 100)
            for name in (
                *("pnl_gross", "pnl_net", "commission", "slippage"),
                *("pnl_net_low", "pnl_net_high"),
            )
        )
        assert net == gross - commission - slippage
        assert low <= net <= high
        assert int(trade["exit_timestamp"]) >= int(trade["entry_timestamp"])
        assert float(trade["max_adverse_excursion"]) <= 0 <= float(trade["max_favorable_excursion"])


def test_the_same_input_twice_gives_the_same_bytes(backtest, tmp_path):
    rows = [(f"p{n}", n * 7, f"{'LONG' if n % 2 else 'SHORT'},1,{n + 1},3") for n in range(20)]
    config = {"slippage": {"type": "linear"}, "commission": {}}
    first = backtest(*rows, config=config)
    written = (tmp_path / "out" / "trades.csv").read_bytes()
    again = backtest(*rows, config=config)
    assert (tmp_path / "out" / "trades.csv").read_bytes() == written
    assert msgspec.json.encode(first.summary) == msgspec.json.encode(again.summary)
