import csv
import gzip
import json
import os
import pty
import re
import shutil
import signal
import subprocess
from contextlib import suppress

import click
import msgspec
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from click import unstyle
from click.testing import CliRunner

from fillbridge.cli.backtest import backtest
from fillbridge.files import TRADE_COLUMNS
from fillbridge_hooks import TradeResult

START_NS = 1_704_724_200_000_000_000
MINUTE_NS = 60_000_000_000
COSTS = ("--config", "config.yaml")
HEADER = "ts,open,high,low,close,volume"


@pytest.fixture
def run(inputs):
    """The command in this process, on the bars and proposals unless others are given."""

    def invoke(*arguments, **environment):
        given = [str(argument) for argument in arguments]
        if not {"--bars", "--ticks"} & set(given):
            given += ["--bars", "bars.csv"]
        if "--proposals" not in given:
            given += ["--proposals", "proposals.csv"]
        if "--out" not in given:
            given += ["--out", "out"]
        return CliRunner(env=environment).invoke(backtest, given)

    return invoke


@pytest.fixture
def succeed(run):
    def invoke(*arguments, **environment):
        result = run(*arguments, **environment)
        assert (result.exit_code, result.stderr) == (0, ""), result.output
        return result

    return invoke


def one_sentence(result):
    """What a command that failed says, which is one line and nothing else."""
    assert result.stdout == ""
    line, *rest = result.stderr.splitlines()
    assert rest == []
    assert line.startswith("Error: ")
    assert "Traceback" not in line
    return line.removeprefix("Error: ")


def trades_of(directory):
    with (directory / "trades.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def summary_of(directory):
    return json.loads((directory / "summary.json").read_bytes())


# Outputs


def test_the_four_files_stand_in_the_directory(succeed, inputs):
    succeed()
    written = sorted(path.name for path in (inputs / "out").iterdir())
    assert written == ["report.html", "summary.json", "trades.csv", "trades.parquet"]


def test_a_trade_has_every_field_of_a_trade_result(succeed, inputs):
    succeed(*COSTS)
    first = next(trade for trade in trades_of(inputs / "out") if trade["proposal_id"] == "both")
    renamed = {"entry_time_ns", "exit_time_ns"}
    assert set(first) == {field.name for field in msgspec.structs.fields(TradeResult)} - renamed
    score = first.pop("execution_quality_score")
    assert 0 <= float(score) <= 1
    # In at the open of 4752.50 and out at the target, which stands 4 ticks from the entry fill.
    assert first == {
        "proposal_id": "both",
        "trade_id": "T3",
        "symbol": "ES",
        "strategy": "",
        "direction": "LONG",
        "position_size": "1",
        "entry_timestamp": str(START_NS + 3 * MINUTE_NS),
        "exit_timestamp": str(START_NS + 4 * MINUTE_NS),
        "entry_price": "4752.75",
        "exit_price": "4753.75",
        "pnl_gross": "62.5",
        "pnl_net": "42.4",
        "commission": "7.6",
        "slippage": "12.5",
        "exit_reason": "TP",
        "duration_seconds": "60.0",
        "max_favorable_excursion": "1.0",
        "max_adverse_excursion": "-0.25",
        "path_dependent": "true",
        "other_exit_reason": "SL",
        "other_exit_price": "4750.5",
        "pnl_net_low": "-120.1",
        "pnl_net_high": "42.4",
        "cost_complete": "true",
    }


def test_parquet_holds_the_same_as_csv(succeed, inputs):
    succeed(*COSTS)
    table = pq.read_table(inputs / "out" / "trades.parquet")
    rows = [
        {
            name: "" if cell is None else str(cell).lower() if cell in (True, False) else str(cell)
            for name, cell in row.items()
        }
        for row in table.to_pylist()
    ]
    assert rows == trades_of(inputs / "out")
    assert table.schema.field("entry_timestamp").type == pa.int64()


def test_the_summary_adds_up_the_trades(succeed, inputs):
    succeed(*COSTS)
    trades, summary = trades_of(inputs / "out"), summary_of(inputs / "out")
    for name in ("pnl_gross", "pnl_net", "pnl_net_low", "pnl_net_high", "commission", "slippage"):
        assert round(summary[name] * 100) == sum(round(float(one[name]) * 100) for one in trades)
    assert summary["trades"] == len(trades) == 4
    assert summary["by_exit_reason"] == {"TP": 2, "SL": 1, "MANUAL": 0, "TIMEOUT": 0, "SHUTDOWN": 1}
    assert summary["win_rate"] == 0.5
    assert summary["path_dependent"] == 1
    assert (summary["proposals"], summary["rejected"]) == (5, 1)
    assert summary["rejected_proposals"] == [
        {
            "proposal_id": "bad",
            "row": 6,
            "reason": "direction: expected LONG or SHORT, was 'UP'",
        }
    ]


def test_a_position_that_is_open_at_the_end_closes_at_the_last_price(succeed, inputs):
    succeed()
    (last,) = [trade for trade in trades_of(inputs / "out") if trade["proposal_id"] == "end"]
    assert (last["exit_reason"], last["exit_price"]) == ("SHUTDOWN", "4749.0")
    assert last["pnl_net"] == "-175.0"


def test_a_run_without_a_trade_has_all_of_its_files(succeed, inputs):
    (inputs / "none.csv").write_text(
        "proposal_id,ts,direction,position_size,stop_loss_ticks,take_profit_ticks\n"
        f"a,{START_NS},UP,1,8,8\n"
    )
    result = succeed("--proposals", "none.csv")
    assert "win rate" in result.stdout
    assert trades_of(inputs / "out") == []
    assert pq.read_table(inputs / "out" / "trades.parquet").num_rows == 0
    assert summary_of(inputs / "out")["win_rate"] is None
    assert "<html" in (inputs / "out" / "report.html").read_text()


def test_the_same_input_twice_gives_the_same_trades(succeed, inputs):
    succeed(*COSTS)
    first = (inputs / "out" / "trades.csv").read_bytes()
    succeed(*COSTS, "--out", "again")
    assert (inputs / "again" / "trades.csv").read_bytes() == first


def test_the_table_says_what_happened(succeed):
    shown = unstyle(succeed(*COSTS, COLUMNS="80", FORCE_COLOR="1").stdout)
    assert max(map(len, shown.splitlines())) <= 80
    assert "4 (TP 2, SL 1, SHUTDOWN 1)" in shown
    assert "5 (1 rejected)" in shown
    assert "rejected bad (row 6): direction: expected LONG or SHORT, was 'UP'" in shown
    assert "path dependent" in shown
    assert "trades.csv, summary.json, trades.parquet, report.html in out" in shown


def test_only_the_first_rejected_proposals_are_shown(succeed, inputs):
    rows = "".join(f"p{number},{START_NS},[red]UP,1,8,8\n" for number in range(1234))
    header = (inputs / "proposals.csv").read_text().splitlines(keepends=True)[0]
    (inputs / "many.csv").write_text(header + rows)
    shown = succeed("--proposals", "many.csv").stdout
    assert shown.count("rejected p") == 5
    assert "was '[red]UP'" in shown
    assert "... and 1,229 more in summary.json" in shown


def test_json_is_the_summary_and_nothing_else(succeed, inputs):
    document = json.loads(succeed(*COSTS, "--json").stdout)
    assert document.pop("directory") == "out"
    assert document.pop("files") == ["trades.csv", "summary.json", "trades.parquet", "report.html"]
    assert document == summary_of(inputs / "out")


def test_large_money_is_exact_in_json(succeed, inputs):
    size = 10**11
    (inputs / "large.csv").write_text(
        "proposal_id,ts,direction,position_size,stop_loss_ticks,take_profit_ticks\n"
        f"a,{START_NS + MINUTE_NS},LONG,{size},8,8\n"
    )
    document = json.loads(succeed("--proposals", "large.csv", "--json").stdout)
    assert document["pnl_net"] == size * 100
    assert trades_of(inputs / "out")[0]["position_size"] == str(size)


def test_paths_are_nested_relative_and_have_spaces(succeed, inputs):
    (inputs / "my data").mkdir()
    shutil.copy("bars.csv", "my data/es bars.csv")
    succeed("--bars", "my data/../my data/es bars.csv", "--out", "new/deep/my result")
    assert len(trades_of(inputs / "new" / "deep" / "my result")) == 4
    assert summary_of(inputs / "new" / "deep" / "my result")["title"] == "ES: es bars.csv"


# Inputs


def compressed(inputs, name):
    (inputs / f"{name}.csv.gz").write_bytes(gzip.compress((inputs / f"{name}.csv").read_bytes()))
    return f"{name}.csv.gz"


def parquet(inputs, name):
    pq.write_table(pa.csv.read_csv(inputs / f"{name}.csv"), inputs / f"{name}.parquet")
    return f"{name}.parquet"


@pytest.mark.parametrize("convert", [compressed, parquet])
def test_other_formats_give_the_same_trades(succeed, inputs, convert):
    succeed(*COSTS)
    expected = (inputs / "out" / "trades.csv").read_bytes()
    files = ("--bars", convert(inputs, "bars"), "--proposals", convert(inputs, "proposals"))
    succeed(*COSTS, *files, "--out", "other")
    assert (inputs / "other" / "trades.csv").read_bytes() == expected


TICKS = "ts_event,price,size\n" + "".join(
    f"{START_NS + second * 10**9},{price},1\n"
    for second, price in enumerate((4750, 4750.5, 4749, 4752.25, 4752.75, 4740))
)
QUOTES = f"ts_event,bid_px,bid_sz,ask_px,ask_sz\n{START_NS},4750,9,4750.25,9\n"


@pytest.fixture
def ticks(inputs):
    (inputs / "ticks.csv").write_text(TICKS)
    (inputs / "quotes.csv").write_text(QUOTES)
    (inputs / "tick-proposals.csv").write_text(
        "proposal_id,ts,direction,position_size,stop_loss_price,take_profit_price\n"
        f"a,{START_NS + 10**9},LONG,1,4748,4752.5\n"
    )
    return ("--ticks", "ticks.csv", "--proposals", "tick-proposals.csv")


def test_ticks_with_and_without_quotes(succeed, inputs, ticks):
    succeed(*ticks)
    (trade,) = trades_of(inputs / "out")
    assert (trade["entry_price"], trade["exit_price"]) == ("4750.5", "4752.5")
    succeed(*ticks, "--quotes", "quotes.csv")
    (trade,) = trades_of(inputs / "out")
    assert (trade["entry_price"], trade["exit_price"]) == ("4750.25", "4752.5")


def test_formats_of_ticks_and_quotes_are_equal(succeed, inputs, ticks):
    succeed(*ticks, "--quotes", "quotes.csv")
    expected = (inputs / "out" / "trades.csv").read_bytes()
    for convert in (compressed, parquet):
        names = [convert(inputs, name) for name in ("ticks", "quotes", "tick-proposals")]
        options = zip(("--ticks", "--quotes", "--proposals"), names, strict=True)
        succeed(*(part for option in options for part in option))
        assert (inputs / "out" / "trades.csv").read_bytes() == expected


def test_rows_may_name_their_symbol(succeed, inputs):
    (inputs / "mixed.csv").write_text(
        f"{HEADER},symbol\n"
        f"{START_NS},4750,4750,4750,4750,1,ESM8\n"
        f"{START_NS},2030,2030,2030,2030,1,GC\n"
        f"{START_NS + MINUTE_NS},4750,4751,4750,4751,1,\n"
        f"{START_NS + MINUTE_NS},2030,2030.1,2030,2030.1,1,GC\n"
    )
    (inputs / "p.csv").write_text(
        "proposal_id,ts,direction,position_size,stop_loss_ticks,take_profit_ticks,symbol\n"
        f"es,{START_NS + MINUTE_NS},LONG,1,8,8,\ngc,{START_NS + MINUTE_NS},LONG,1,8,8,GC\n"
    )
    succeed("--bars", "mixed.csv", "--proposals", "p.csv", "--symbol", "ESM8")
    money = {trade["symbol"]: trade["pnl_net"] for trade in trades_of(inputs / "out")}
    assert money == {"ESM8": "50.0", "GC": "10.0"}
    assert summary_of(inputs / "out")["symbols"] == ["ESM8", "GC"]


@pytest.mark.parametrize(
    ("options", "symbol", "net"),
    [
        ((), "ES", "100.0"),
        (("--symbol", "MESZ24"), "MESZ24", "10.0"),
        (("--tick-size", "0.25", "--point-value", "3"), "CUSTOM", "6.0"),
        (("--symbol", "X", "--tick-size", "0.25", "--point-value", "3"), "X", "6.0"),
        (("--symbol", "ES", "--tick-size", "0.125", "--point-value", "50"), "ES", "50.0"),
    ],
)
def test_the_instrument_is_named_or_described(succeed, inputs, options, symbol, net):
    succeed(*options)
    (trade,) = [one for one in trades_of(inputs / "out") if one["proposal_id"] == "target"]
    assert (trade["symbol"], trade["pnl_net"]) == (symbol, net)


def test_what_is_configured_of_a_described_instrument_stays(run, inputs):
    (inputs / "config.yaml").write_text(
        "execution_handler:\n  instruments:\n"
        "    X: {tick_size: 1, point_value: 1, time_zone: UTC, session_roll: '14:33'}\n"
        "  risk_controls: {max_daily_trades: 1}\n"
    )
    described = ("--symbol", "X", "--tick-size", "0.25", "--point-value", "3")
    run(*COSTS, *described)
    # The trade date rolls between the first two proposals, so each has a day of its own.
    reasons = [one["reason"] for one in summary_of(inputs / "out")["rejected_proposals"]]
    assert reasons == ["C21 max_daily_trades: expected <= 1 trades a day, was 2"] * 2 + [
        "direction: expected LONG or SHORT, was 'UP'"
    ]


# What cannot be used


BAD_BARS = {
    "no column": ("ts,open,high,low,close\n60,1,1,1,1\n", "was without volume"),
    "empty": ("", "expected a header and rows, was an empty file"),
    "no row": (f"{HEADER}\n", "expected at least one row, was none"),
    "unsorted": ("+\n120,1,1,1,1,1\n60,1,1,1,1,1\n", "line 3: ts: expected rows sorted by time"),
    "duplicate": ("+\n60,1,1,1,1,1\n60,1,1,1,1,1\n", "line 3: ts: expected one bar per time"),
    "inverted": ("+\n60,2,1,2,2,1\n", "line 2: high: expected at least low, which is 2.0, was 1.0"),
    "outside": ("+\n60,3,2,1,2,1\n", "line 2: open: expected a price from low 1.0 to high 2.0"),
    "off the grid": ("+\n60,1,1.1,1,1,1\n", "line 2: high: expected a multiple of the tick size"),
    "nan": ("+\n60,1,1,1,nan,1\n", "line 2: close: expected a finite number, was 'nan'"),
    "infinite": ("+\n60,1,inf,1,1,1\n", "line 2: high: expected a finite number, was 'inf'"),
    "volume": ("+\n60,1,1,1,1,-1\n", "line 2: volume: expected a number >= 0, was '-1'"),
    "text": ("+\n60,1,x,1,1,1\n", "line 2: high: expected a number, was 'x'"),
    "local time": ("+\n2024-01-08T14:30,1,1,1,1,1\n", "line 2: ts: expected ISO 8601 with Z"),
    "short row": ("+\n60,1\n", "line 2: row: expected 6 values, was 2"),
    "binary": ("+\n\udcff\n", "line 2: expected text in UTF-8, was byte 0xff"),
}


@pytest.mark.parametrize(("text", "message"), BAD_BARS.values(), ids=BAD_BARS)
def test_bars_that_cannot_be_used(run, inputs, text, message):
    content = text.replace("+", HEADER, 1).encode(errors="surrogateescape")
    (inputs / "bad.csv").write_bytes(content)
    result = run("--bars", "bad.csv")
    assert result.exit_code == 2
    said = one_sentence(result)
    assert said.startswith("bad.csv")
    assert message in said
    assert not (inputs / "out").exists()


QUOTE_HEADER = "ts_event,bid_px,bid_sz,ask_px,ask_sz\n"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("ticks.csv", "ts_event,price\n1,1\n", "was without size"),
        ("ticks.csv", "", "was an empty file"),
        ("ticks.csv", "ts_event,price,size\n2,1,1\n1,1,1\n", "line 3: ts_event: expected rows"),
        ("ticks.csv", "ts_event,price,size\n1,1.1,1\n", "line 2: price: expected a multiple"),
        ("ticks.csv", "ts_event,price,size\n1,nan,1\n", "line 2: price: expected a finite number"),
        ("ticks.csv", "ts_event,price,size\n1,1,-1\n", "line 2: size: expected a number >= 0"),
        ("quotes.csv", "ts_event,bid_px,bid_sz\n1,1,1\n", "was without ask_px, ask_sz"),
        ("quotes.csv", "", "was an empty file"),
        ("quotes.csv", f"{QUOTE_HEADER}2,1,1,1,1\n1,1,1,1,1\n", "line 3: ts_event: expected rows"),
        ("quotes.csv", f"{QUOTE_HEADER}1,1,1,1.1,1\n", "line 2: ask_px: expected a multiple"),
        ("quotes.csv", f"{QUOTE_HEADER}1,nan,1,1,1\n", "line 2: bid_px: expected a finite number"),
        ("tick-proposals.csv", "proposal_id,ts\na,1\n", "was without direction, position_size"),
        ("tick-proposals.csv", "", "was an empty file"),
        (
            "tick-proposals.csv",
            "proposal_id,ts,direction,position_size\na,1,LONG,1\n",
            "expected the columns stop_loss_price and take_profit_price, or stop_loss_ticks",
        ),
    ],
)
def test_other_files_that_cannot_be_used(run, inputs, ticks, name, text, message):
    (inputs / name).write_text(text)
    result = run(*ticks, "--quotes", "quotes.csv")
    assert result.exit_code == 2
    said = one_sentence(result)
    assert said.startswith(name)
    assert message in said
    assert not (inputs / "out").exists()


# Columns of every kind of file, so that nothing but the reading of it can fail.
EVERY_COLUMN = (
    f"{HEADER},ts_event,price,size,bid_px,bid_sz,ask_px,ask_sz,"
    "proposal_id,direction,position_size,stop_loss_ticks,take_profit_ticks\n"
)
ROWS = "".join(f"{n},1,1,1,1,1,{n},1,1,1,1,1,1,{n},LONG,1,8,8\n" for n in range(5000))
GZIPPED = gzip.compress((EVERY_COLUMN + ROWS).encode())
UNREADABLE = {
    "no.csv": (None, "expected a readable file, was not (No such file or directory)"),
    "corrupt.csv.gz": (b"not compressed", "expected an intact gzip file, was corrupt"),
    "damaged.csv.gz": (
        GZIPPED[:-8] + b"\0\0\0\0" + GZIPPED[-4:],
        "expected an intact gzip file, was corrupt (CRC check failed",
    ),
    "cut.csv.gz": (GZIPPED[:-12], "expected a complete gzip file, was cut off"),
    "bad.parquet": (b"PAR1", "expected an intact Parquet file"),
    "text.txt": (b"", "expected a name that ends in .csv, .csv.gz, .parquet, .pq"),
    "directory.csv": ("directory", "expected a file, was a directory"),
}


@pytest.mark.parametrize("option", ["--bars", "--ticks", "--quotes", "--proposals"])
@pytest.mark.parametrize("name", UNREADABLE)
def test_files_that_cannot_be_read(run, inputs, ticks, option, name):
    content, message = UNREADABLE[name]
    if content == "directory":
        (inputs / name).mkdir()
    elif content is not None:
        (inputs / name).write_bytes(content)
    files = {"--bars": "bars.csv"}
    if option in ("--ticks", "--quotes"):
        files = {"--ticks": "ticks.csv", "--quotes": "quotes.csv"}
    files[option] = name
    result = run(*(part for pair in files.items() for part in pair))
    assert result.exit_code == 2
    said = one_sentence(result)
    assert said.startswith(name)
    assert message in said
    assert not (inputs / "out").exists()


def below(text):
    return f"execution_handler:\n  backtest_settings:\n    {text}\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            below("slipage: {type: fixed}"),
            "config.yaml: execution_handler.backtest_settings.slipage: unknown key",
        ),
        (
            below("slippage: {type: nobody}"),
            "config.yaml: backtest_settings.slippage.type: expected one of 'fixed', 'impact'",
        ),
        (
            below("commission: {type: nobody}"),
            "config.yaml: backtest_settings.commission.type: expected one of 'per_contract'",
        ),
        (
            below("driver: nobody"),
            "config.yaml: backtest_settings.driver: expected one of 'rithmic', 'sim'",
        ),
        (
            below("slippage: {fixed_amount: nan}"),
            "config.yaml: execution_handler.backtest_settings.slippage.fixed_amount: expected",
        ),
        (
            "execution_handler:\n  risk_controls: {max_position_size: 0}\n",
            "config.yaml: execution_handler.risk_controls.max_position_size: expected",
        ),
        ("", "config.yaml: the file is empty"),
        ("a: [", "config.yaml: line 1"),
    ],
)
def test_a_configuration_that_cannot_be_used(run, inputs, text, message):
    (inputs / "config.yaml").write_text(text)
    result = run(*COSTS)
    assert result.exit_code == 2
    assert one_sentence(result).startswith(message)
    assert not (inputs / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--config", "no.yaml"), "no.yaml: cannot be read: No such file or directory"),
        (("--config", "bars.csv"), "bars.csv: expected a name that ends in .yaml"),
        (("--ticks", "bars.csv", "--bars", "bars.csv"), "bars, ticks: expected one of them"),
        (("--quotes", "bars.csv"), "quotes: expected together with ticks, was with bars"),
        (("--symbol", "FOO"), "symbol: expected one of the built-in contracts"),
        (
            ("--tick-size", "1"),
            "--tick-size, --point-value: expected both, was --tick-size alone",
        ),
        (
            ("--point-value", "1"),
            "--tick-size, --point-value: expected both, was --point-value alone",
        ),
        (
            ("--tick-size", "nan", "--point-value", "1"),
            "CUSTOM.tick_size: expected a finite number > 0, was nan",
        ),
        (
            ("--symbol", "ES", "--tick-size", "1", "--point-value", "-1"),
            "ES.point_value: expected a finite number > 0, was -1.0",
        ),
        (("--out", "bars.csv"), "bars.csv: expected a directory to write to, was not"),
        (("--out", "bars.csv/out"), "bars.csv/out: expected a directory to write to, was not"),
    ],
)
def test_options_that_cannot_be_used(run, inputs, options, message):
    before = sorted(inputs.iterdir())
    result = run(*options)
    assert result.exit_code == 2
    assert one_sentence(result).startswith(message)
    assert sorted(inputs.iterdir()) == before


def test_a_description_that_no_row_is_of_is_refused(run, inputs):
    named = (inputs / "bars.csv").read_text().replace("volume", "volume,symbol", 1)
    named = named.replace(",100\n", ",100,GC\n").replace(".25,", ",").replace(".75,", ",")
    (inputs / "bars.csv").write_text(named)
    result = run("--tick-size", "0.5", "--point-value", "3")
    assert result.exit_code == 2
    said = one_sentence(result)
    assert said.startswith("bars.csv: expected rows of CUSTOM, which --tick-size describes, was GC")
    assert not (inputs / "out").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_an_output_directory_without_permission(run, inputs):
    (inputs / "locked").mkdir(mode=0o500)
    result = run("--out", "locked")
    assert result.exit_code == 2
    assert "locked: expected a directory to write to, was not" in one_sentence(result)


def test_a_full_disk_is_a_failure(run, inputs, monkeypatch):
    def write_bytes(self, data):
        raise OSError(28, "No space left on device", str(self))

    monkeypatch.setattr("pathlib.Path.write_bytes", write_bytes)
    result = run()
    assert result.exit_code == 1
    assert one_sentence(result).endswith("summary.json: No space left on device")
    assert not (inputs / "out").exists()


def test_a_run_that_fails_in_the_middle_leaves_the_earlier_output(run, succeed, inputs):
    succeed()
    before = {path.name: path.read_bytes() for path in (inputs / "out").iterdir()}
    with (inputs / "bars.csv").open("a") as file:
        file.write(f"{START_NS + 4 * MINUTE_NS},4749,4748,4749,4749,1\n")
    result = run(*COSTS)
    assert result.exit_code == 2
    assert one_sentence(result).startswith("bars.csv, line 6: high: expected at least low")
    assert {path.name: path.read_bytes() for path in (inputs / "out").iterdir()} == before


def test_a_file_of_the_user_is_never_replaced(run, inputs):
    shutil.move("proposals.csv", "trades.csv")
    before = (inputs / "trades.csv").read_text()
    result = run("--proposals", "trades.csv", "--out", ".")
    assert result.exit_code == 2
    assert "trades.csv: expected no such file" in one_sentence(result)
    assert (inputs / "trades.csv").read_text() == before


# The guide


@pytest.fixture
def guide(repository):
    return (repository / "docs" / "backtest.md").read_text(encoding="utf-8")


def test_the_example_of_the_guide_gives_what_it_shows(succeed, inputs, guide):
    example, bars, proposals, config = re.findall(r"^```\w*\n(.*?)^```", guide, re.M | re.S)[:4]
    (inputs / "bars.csv").write_text(bars)
    (inputs / "proposals.csv").write_text(proposals)
    (inputs / "config.yaml").write_text(config)
    command, expected = example.split("\n", 1)
    assert command == (
        "$ fillbridge backtest --bars bars.csv --proposals proposals.csv --config config.yaml"
        " --out result"
    )
    assert succeed(*COSTS, "--out", "result").stdout == expected


def test_the_guide_explains_every_column_key_and_option(succeed, inputs, guide):
    succeed()
    names = [*TRADE_COLUMNS, *summary_of(inputs / "out"), *backtest.params]
    names = [name.opts[0] if isinstance(name, click.Option) else name for name in names]
    assert len(names) > 40
    assert [name for name in names if f"`{name}" not in guide and f" {name} " not in guide] == []


# The installed command


def test_a_cost_model_of_a_stranger_is_used(fillbridge, install, inputs):
    install(
        "quarter",
        "from fillbridge_hooks import hookimpl\n\n\n"
        "@hookimpl\ndef fillbridge_slippage(order, market):\n    return 0.25\n",
    )
    (inputs / "config.yaml").write_text(below("slippage: {type: quarter}"))
    done = fillbridge(
        "backtest", "--bars", "bars.csv", "--proposals", "proposals.csv", *COSTS, "--json"
    )
    assert (done.returncode, done.stderr) == (0, "")
    # Five contracts enter and three leave by a stop or at the market, 0.25 points each.
    assert json.loads(done.stdout)["slippage"] == (5 + 3) * 12.5


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError('first line\\nsecond')", "slippage: ValueError: first line second"),
        ("return -1", "slippage: expected a finite number >= 0, was -1"),
        ("return float('nan')", "slippage: expected a finite number >= 0, was nan"),
    ],
)
def test_a_cost_model_that_fails_stops_the_run(fillbridge, install, inputs, body, message):
    install(
        "theirs",
        "from fillbridge_hooks import hookimpl\n\n\n"
        f"@hookimpl\ndef fillbridge_slippage(order):\n    {body}\n",
    )
    (inputs / "config.yaml").write_text(below("slippage: {type: theirs}"))
    failed = fillbridge("backtest", "--bars", "bars.csv", "--proposals", "proposals.csv", *COSTS)
    assert failed.returncode == 1
    said = one_sentence(failed)
    assert "'theirs'" in said
    assert message in said
    assert not (inputs / "fillbridge-backtest").exists()


def test_an_interrupted_run_leaves_nothing(inputs, executable):
    os.mkfifo(inputs / "pipe.csv")
    process = subprocess.Popen(
        [executable, "backtest", "--bars", "pipe.csv", "--proposals", "proposals.csv"],
        cwd=inputs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    # Opening waits for the reader, which then waits for data.
    with (inputs / "pipe.csv").open("w"):
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate()
    assert process.returncode == 1
    assert stdout == ""
    assert stderr.split() == ["Aborted!"]
    assert not (inputs / "fillbridge-backtest").exists()


def test_progress_is_shown_on_a_terminal_and_standard_output_stays_clean(inputs, executable):
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [executable, "backtest", "--bars", "bars.csv", "--proposals", "proposals.csv", "--json"],
        cwd=inputs,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    )
    os.close(theirs)
    pieces = []
    # A terminal holds little: unless it is read meanwhile, whoever writes has to wait.
    with suppress(OSError):  # a terminal whose other end is closed
        while piece := os.read(ours, 4096):
            pieces.append(piece)
    os.close(ours)
    stdout, _ = process.communicate()
    shown = b"".join(pieces).decode()
    assert process.returncode == 0
    assert json.loads(stdout)["trades"] == 4
    assert "Backtest" in shown
    assert "100%" in shown
