"""What the simulator must reach on real brackets, and that the scorer would notice otherwise."""

import csv
import gzip
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("score.py")
SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def score():
    name = "fillbridge_accuracy_score"
    specification = importlib.util.spec_from_file_location(name, SCRIPT)
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    yield module
    del sys.modules[name]


@pytest.fixture(scope="module")
def real(score, shared_data):
    return score.score_all(score.tasks(shared_data))


def rows(scores, label, *prefixes):
    found = [one for one in scores if one.input == label and one.set.startswith(prefixes or "")]
    assert found
    return found


def test_ticks_decide_everything(real):
    ticks = rows(real, "ticks")
    assert {(one.entry, one.limit_fill) for one in ticks} == {
        (entry, limit_fill) for entry in ("trade", "quote") for limit_fill in ("touch", "through")
    }
    for one in ticks:
        assert one.brackets == one.reason_right == 2000, one
        assert one.price_exact_share == 1, one
        assert one.favorable_exact_share == one.adverse_exact_share == 1, one
        assert one.bias == 0, one
        assert one.path_dependent_share == 0, one


def test_one_second_bars(real):
    for one in rows(real, "1s", "es_", "gc_"):
        assert one.reason_share >= 0.999, one


@pytest.mark.parametrize(("market", "required"), [("es_", 0.998), ("gc_", 0.997)])
def test_one_minute_bars(real, market, required):
    for one in rows(real, "1m", market):
        assert one.reason_share >= required, one
        assert abs(one.bias) < 0.15, one


@pytest.mark.parametrize("label", ["1s", "1m", "5m"])
def test_bars_say_where_they_guess(real, label):
    for one in rows(real, label):
        assert one.differing_unmarked == 0, one
        assert one.outside_interval == 0, one
        assert one.path_dependent_share <= one.ambiguous_share + 0.002, one


def test_required_accuracy(score, real):
    found = score.accuracy(real)
    assert found["all"]["brackets"] == sum(one.brackets for one in real)
    assert found["all"]["reason_share"] > score.REQUIRED
    assert found["bars"]["reason_share"] > score.REQUIRED


# A folder of three brackets, so that the scorer itself is tested everywhere

TRADES = [(0, "100"), (5, "101"), (6, "101.25"), (10, "99"), (70, "102")]
BARS = [(0, "100", "101.25", "99", "99"), (60, "102", "102", "102", "102")]
PROPOSALS = [
    ("a", "0", "b60", "LONG", "4", "4", "0.25"),
    ("b", "0", "b60", "SHORT", "4", "12", "0.25"),
    ("c", "0", "b60", "LONG", "20", "10", "0.5"),
]
QUOTES = [(0, "100", 1, "100", 1), (75, "101", 1, "103", 1)]
LEVELS = {"a": ("99", "101"), "b": ("101", "97"), "c": ("90", "105")}
TRUTH = [
    {"id": "a", "exit_reason": "TP", "exit_px": "101", "mfe": "1", "mae": "0", "pnl_ticks": "4"},
    {"id": "b", "exit_reason": "SL", "exit_px": "101", "mfe": "0", "mae": "1", "pnl_ticks": "-4"},
    {"id": "c", "exit_reason": "END", "exit_px": "102", "mfe": "2", "mae": "1", "pnl_ticks": "8"},
]


def write(path, header, lines):
    with gzip.open(path, "wt", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header.split(","))
        writer.writerows(lines)


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of one set; keywords change the truth of the first bracket."""

    def make(**changes):
        description = {"symbol": "XY", "tick_size": 0.25, "point_value": 50.0}
        (tmp_path / "sets.json").write_text(json.dumps({"xy": description}))
        ticks = [(n, ts * SECOND, price, 1) for n, (ts, price) in enumerate(TRADES)]
        write(tmp_path / "trades_xy.csv.gz", "seq,ts_event,price,size", ticks)
        bars = [(ts * SECOND, *prices, 1) for ts, *prices in BARS]
        write(tmp_path / "bars_1m_xy.csv.gz", "ts,open,high,low,close,volume", bars)
        header = "id,signal_ts,signal_class,side,sl_ticks,tp_ticks,tick"
        write(tmp_path / "proposals_xy.csv.gz", header, PROPOSALS)
        quotes = [(ts * SECOND, *quote) for ts, *quote in QUOTES]
        write(tmp_path / "quotes_xy.csv.gz", "ts_event,bid_px,bid_sz,ask_px,ask_sz", quotes)
        truths = []
        for outcome in (TRUTH[0] | changes, *TRUTH[1:]):
            stop, target = LEVELS[outcome["id"]]
            through = {f"thr_{name}": outcome[name] for name in outcome if name != "id"}
            marks = {"signal_class": "b60", "ambiguous_60s": str(outcome["id"] == "a")}
            truths.append(outcome | {"sl_px": stop, "tp_px": target} | through | marks)
        # The first quote is where the first trade is: both entries have one truth.
        for suffix in ("", "_quote"):
            write(
                tmp_path / f"reference_trades_xy{suffix}.csv.gz",
                ",".join(truths[0]),
                [one.values() for one in truths],
            )
        return tmp_path

    return make


def scored(score, folder, label="ticks"):
    return next(task for task in score.tasks(folder) if task.input == label).score()


def test_any_folder_of_the_format_is_scored(score, folder):
    scores = [task.score() for task in score.tasks(folder())]
    assert [(one.input, one.entry, one.limit_fill) for one in scores] == [
        ("ticks", "trade", "touch"),
        ("ticks", "trade", "through"),
        ("ticks", "quote", "touch"),
        ("ticks", "quote", "through"),
        ("1m", "trade", "touch"),
    ]
    for one in scores:
        assert one.brackets == one.reason_right == 3, one
        assert one.price_exact_share == 1, one
        assert one.favorable_exact_share == one.adverse_exact_share == 1, one


@pytest.mark.parametrize(
    ("changes", "figure"),
    [
        ({"exit_reason": "SL"}, "reason_share"),
        ({"exit_px": "101.25"}, "price_exact_share"),
        ({"exit_px": "101.5"}, "within_one_tick_share"),
        ({"mfe": "1.25"}, "favorable_exact_share"),
        ({"mae": "0.25"}, "adverse_exact_share"),
    ],
)
def test_a_difference_is_counted(score, folder, changes, figure):
    assert getattr(scored(score, folder(**changes)), figure) == 2 / 3


def test_a_bracket_that_never_traded_is_wrong(score, folder):
    path = folder()
    write(
        path / "proposals_xy.csv.gz",
        "id,signal_ts,signal_class,side,sl_ticks,tp_ticks,tick",
        PROPOSALS[1:],
    )
    one = scored(score, path)
    assert one.reason_share == one.price_exact_share == 2 / 3
    assert one.differing_unmarked == one.outside_interval == 1


def test_bars_are_marked_where_both_levels_are_reached(score, folder):
    one = scored(score, folder(), "1m")
    # The first bar falls, so its high comes first: the target of the long bracket.
    assert one.reason_share == 1
    assert one.path_dependent_share == one.ambiguous_share == 1 / 3
    wrong = scored(score, folder(exit_reason="SL", exit_px="99", pnl_ticks="-4"), "1m")
    assert wrong.reason_share == 2 / 3
    assert wrong.differing_unmarked == wrong.outside_interval == 0
    assert wrong.bias == 8 / 3


def test_pnl_outside_the_interval_is_counted(score, folder):
    assert scored(score, folder(pnl_ticks="9"), "1m").outside_interval == 1
    jumped = folder(exit_reason="SL", exit_px="98.5", pnl_ticks="-6")
    assert scored(score, jumped, "1m").outside_interval == 0


def run(*arguments):
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments], capture_output=True, text=True, check=False
    )


def test_the_command_prints_the_accuracy_last(folder):
    done = run("--data", folder())
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("100.00 % of 15 exit reasons")
    assert not done.stderr


def test_the_command_prints_json(folder):
    done = run("--data", folder(exit_reason="SL"), "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["accuracy"]["all"] == {"brackets": 15, "reason_share": 2 / 3}
    assert [one["input"] for one in found["scores"]] == ["ticks"] * 4 + ["1m"]


def test_the_command_names_a_folder_without_data(tmp_path):
    done = run("--data", tmp_path)
    assert done.returncode == 2
    assert "expected a folder with sets.json" in done.stderr
