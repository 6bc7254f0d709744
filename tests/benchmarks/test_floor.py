"""The benchmark of the floor runs, and makes the messages that a trade makes."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from fillbridge import BacktestExecutionHandler, BarData, RiskProposal

SCRIPT = Path(__file__).with_name("floor.py")
MINUTE = 60_000_000_000


@pytest.fixture
def floor(monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)
    specification = importlib.util.spec_from_file_location("fillbridge_benchmark_floor", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_the_floor_is_measured_in_yardsticks():
    done = subprocess.run(
        [sys.executable, SCRIPT, "--bars", "20000", "--rounds", "1"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["yardstick_s"] > 0
    assert found["trades"] == 261
    assert found["floor_ratio"] == pytest.approx(
        found["quiet_bars_ratio"] + found["messages_ratio"], abs=0.002
    )


@pytest.mark.parametrize(("number", "low", "high"), [(0, 4995, 5015), (1, 4990, 5005)])
def test_the_messages_are_those_of_a_trade(floor, number, low, high):
    handler = BacktestExecutionHandler(floor.replay.CONFIGURATION)
    recorded = []
    handler._shell._record = recorded.extend
    for at, bar in enumerate(
        [(5000, 5001, 4999, 5000), (5000, 5001, 4999, 5000), (5000, high, low, 5000)]
    ):
        handler.update_market_data(at * MINUTE, BarData(at * MINUTE, *map(float, bar), 900.0, "ES"))
        if not at:
            handler.propose(
                RiskProposal(
                    position_size=3,
                    stop_loss_price=4992.0,
                    take_profit_price=5012.0,
                    direction="LONG",
                    urgency="high",
                    timeout_seconds=None,
                )
            )

    events, result = floor.message_maker()(number)

    assert [type(event) for event in events] == [type(event) for event in recorded]
    assert result.exit_reason is handler.closed_trades[0].exit_reason
    assert result.exit_price == handler.closed_trades[0].exit_price
    assert result.entry_price == handler.closed_trades[0].entry_price
    assert result.commission == handler.closed_trades[0].commission
