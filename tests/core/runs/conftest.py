"""A short market in files, and backtests on it within this process."""

import csv
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from fillbridge.config import decode_settings
from fillbridge.files import read_proposals
from fillbridge.plugins import Plugins
from fillbridge.runs import MarketFiles, run_backtest

START = 1_704_724_200  # seconds
BARS = f"""ts,open,high,low,close,volume
{START}000000000,4750,4751,4749,4750.5,100
{START + 60}000000000,4750.5,4752,4750,4751,100
{START + 120}000000000,4751,4753,4750.75,4752.5,100
{START + 180}000000000,4752.5,4754,4748,4749,100
"""
PROPOSALS = "proposal_id,ts,direction,position_size,stop_loss_ticks,take_profit_ticks"

Write = Callable[[str, str], Path]


class Outcome(NamedTuple):
    """The files of a run, read back."""

    trades: list[dict[str, str]]
    summary: dict[str, Any]
    rejected: dict[str, str]
    """Reasons by proposal id."""


Backtest = Callable[..., Outcome]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write text into a file and answer its path."""

    def write_text(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write_text


@pytest.fixture
def bars(write: Write) -> Path:
    """Four minutes of ES: 4750 up to 4752.50, then down to 4749."""
    return write("bars.csv", BARS)


@pytest.fixture
def plugins() -> Plugins:
    """The simulated broker, costs and risk, without the report."""
    loaded = Plugins()
    loaded.load(only={"sim", "slippage", "commission", "risk"})
    return loaded


@pytest.fixture
def backtest(write: Write, bars: Path, plugins: Plugins, tmp_path: Path) -> Backtest:
    """Run proposals, each ``(proposal_id, seconds after START, the rest of its row)``."""

    def run(
        *rows: tuple[str, int, str],
        header: str = PROPOSALS,
        market: MarketFiles | None = None,
        config: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Outcome:
        lines = (f"{name},{START + second}000000000,{rest}" for name, second, rest in rows)
        path = write("proposals.csv", "\n".join((header, *lines)))
        settings = decode_settings(config or {}, plugins.settings_sections())
        directory = tmp_path / "out"
        directory.mkdir(exist_ok=True)
        run_backtest(
            market or MarketFiles(bars=bars),
            read_proposals(path),
            settings,
            plugins,
            directory,
            "a title",
            **options,
        )
        with (directory / "trades.csv").open(newline="") as file:
            trades = list(csv.DictReader(file))
        summary = json.loads((directory / "summary.json").read_bytes())
        reasons = {one["proposal_id"]: one["reason"] for one in summary["rejected_proposals"]}
        return Outcome(trades, summary, reasons)

    return run
