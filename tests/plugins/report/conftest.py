"""Trades as the core writes them, and a run made of them."""

import csv
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from fillbridge_hooks import RunFiles
from fillbridge_report.schema import SCHEMA

Trade = dict[str, Any]
WriteTrades = Callable[[Path, Sequence[Trade]], Path]

EXAMPLE: Trade = {
    "proposal_id": "p-1",
    "trade_id": "t-1",
    "symbol": "ES",
    "strategy": None,
    "direction": "LONG",
    "position_size": 2,
    "entry_timestamp": 1_703_514_693_000_000_001,
    "exit_timestamp": 1_703_514_792_000_000_002,
    "entry_price": 4808.75,
    "exit_price": 4810.75,
    "pnl_gross": 200.0,
    "pnl_net": 172.3,
    "commission": 15.2,
    "slippage": 12.5,
    "exit_reason": "TP",
    "duration_seconds": 99.0,
    "max_favorable_excursion": 2.0,
    "max_adverse_excursion": -0.75,
    "execution_quality_score": 0.91,
    "path_dependent": False,
    "other_exit_reason": None,
    "other_exit_price": None,
    "pnl_net_low": 172.3,
    "pnl_net_high": 172.3,
    "cost_complete": True,
}


def _field(value: object) -> object:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else value


@pytest.fixture(scope="session")
def make_trade() -> Callable[..., Trade]:
    """A trade with some of its fields given."""
    return lambda **fields: EXAMPLE | fields


@pytest.fixture(scope="session")
def write_trades() -> WriteTrades:
    """Write trades into a CSV file and answer its path."""

    def write(path: Path, trades: Sequence[Trade]) -> Path:
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(SCHEMA.names)
            writer.writerows([_field(trade[name]) for name in SCHEMA.names] for trade in trades)
        return path

    return write


@pytest.fixture
def make_run(tmp_path: Path, write_trades: WriteTrades) -> Callable[..., RunFiles]:
    """A finished run whose files stand in the test's own directory."""

    def make(trades: Sequence[Trade] = (), title: str = "A run", /, **summary: object) -> RunFiles:
        trades_csv = write_trades(tmp_path / "trades.csv", trades)
        return RunFiles(
            directory=str(tmp_path), trades_csv=str(trades_csv), summary=summary, title=title
        )

    return make
