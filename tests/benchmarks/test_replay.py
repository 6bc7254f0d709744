"""The benchmark runs, trades what it should, and would notice if the sides disagreed."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).with_name("replay.py")
COUNT = 20_000
TRADES, PNL = 261, 21214.40
"""Of the workload at that length."""


def load(path, name):
    specification = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def replay():
    return load(SCRIPT, "fillbridge_benchmark_replay")


@pytest.fixture(scope="module")
def shared_workload(repository):
    path = repository.parent / "shared" / "bench" / "workload.py"
    if not path.is_file():
        pytest.skip("there is no ../shared/bench beside the checkout to compare with")
    return load(path, "shared_bench_workload")


def columns(bars):
    return [np.concatenate(parts) for parts in list(zip(*bars, strict=True))[1:]]


@pytest.mark.parametrize("count", [1, 1380, 1381, COUNT])
def test_bars_are_those_of_the_shared_workload(replay, shared_workload, count):
    expected = shared_workload.make_bars(count)
    found = columns(replay.make_bars(count))
    for name, column in zip("ohlcv", found, strict=True):
        assert column.dtype == np.float64
        assert np.array_equal(column, expected[name]), name
    assert expected["ts"][0].astype(np.int64) == replay.FIRST_NS


@pytest.mark.parametrize("count", [1, COUNT])
def test_signals_are_those_of_the_shared_workload(replay, shared_workload, count):
    for found, expected in zip(
        replay.make_signals(count), shared_workload.make_signals(count), strict=True
    ):
        assert np.array_equal(found, expected)


@pytest.mark.parametrize("block", [1, 999, 1380, COUNT])
def test_bars_do_not_depend_on_how_many_are_made_at_a_time(replay, block):
    count = 3000
    whole = columns(replay.make_bars(count))
    blocks = list(replay.make_bars(count, block=block))
    assert [bars.first for bars in blocks] == list(range(0, count, block))
    for found, expected in zip(columns(blocks), whole, strict=True):
        assert np.array_equal(found, expected)


def test_both_sides_close_the_same_trades():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--bars", str(COUNT), "--rounds", "1", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    assert (found["bars"], found["rounds"]) == (COUNT, 1)
    assert (found["trades"], found["pnl"]) == (TRADES, PNL)
    for name in ("yardstick_s", "event_path_s", "ratio", "bars_per_s", "rss_above_input_mb"):
        assert found[name] > 0, name


def runs(replay, *outcomes):
    sides = ("yardstick", "event_path")
    return {
        side: [replay.Run(trades, pnl, 1.0, 1.0, 50.0)]
        for side, (trades, pnl) in zip(sides, outcomes, strict=True)
    }


def test_sides_that_agree(replay):
    assert replay.disagreement(runs(replay, (3, 1.5), (3, 1.5))) is None


@pytest.mark.parametrize("other", [(4, 1.5), (3, 1.51)])
def test_sides_that_disagree(replay, other):
    assert "the same trades and PnL" in replay.disagreement(runs(replay, (3, 1.5), other))


def test_a_disagreement_is_a_failure(replay, monkeypatch, capsys):
    monkeypatch.setattr(
        replay, "run_side", lambda side, count: replay.Run(len(side), 0.0, 1.0, 1.0, 50.0)
    )
    monkeypatch.setattr(sys, "argv", ["replay.py", "--rounds", "1", "--json"])
    assert replay.main() == 1
    assert "the same trades and PnL" in capsys.readouterr().err


def test_medians_of_the_rounds(replay):
    found = {
        "yardstick": [replay.Run(3, 1.5, wall, wall, 40.0) for wall in (1.0, 9.0, 2.0)],
        "event_path": [replay.Run(3, 1.5, wall, wall / 2, wall) for wall in (8.0, 4.0, 6.0)],
    }
    summary = replay.summarise(60, found)
    assert summary["ratio"] == 3
    assert summary["ratio_cpu"] == 1.5
    assert summary["bars_per_s"] == 10
    assert summary["rss_mb"] == 8
