"""A made-up session that looks like ES, and proposals to trade in it."""

import csv
import random
from pathlib import Path
from typing import NamedTuple

_START_NS = 1_704_724_200_000_000_000  # Monday 2024-01-08, 14:30 UTC: the day session opens
_MINUTE_NS = 60_000_000_000
_BARS = 390
_OPEN_TICKS = 19_000
_EVERY = 8
_PROPOSAL_COLUMNS = (
    "proposal_id",
    "ts",
    "direction",
    "position_size",
    "stop_loss_ticks",
    "take_profit_ticks",
)

_CONFIG = """\
# What the demo runs under: the costs and the limits of a small futures account.
execution_handler:
  mode: backtest
  backtest_settings:
    symbol: ES
    slippage:
      type: linear
      fixed_amount: 0.25
      linear_rate: 0.1
    commission:
      per_contract: 2.50
      exchange_fees: 1.28
      nfa_fees: 0.02
  performance:
    max_open_positions: 10
    position_timeout_hours: 24
  risk_controls:
    max_position_size: 5
    max_daily_trades: 50
"""


class DemoSession(NamedTuple):
    """The files of a session, with which a backtest repeats the demo."""

    bars: Path
    proposals: Path
    config: Path


def write_session(directory: Path, seed: int) -> DemoSession:
    """Write ``bars.csv``, ``proposals.csv`` and ``config.yaml``; the same for the same seed."""
    source = random.Random(seed)  # noqa: S311  # a demonstration, not a secret
    bars, proposals = directory / "bars.csv", directory / "proposals.csv"
    config = directory / "config.yaml"
    config.write_text(_CONFIG, encoding="utf-8")
    price = _OPEN_TICKS
    with (
        bars.open("w", newline="", encoding="utf-8") as bar_file,
        proposals.open("w", newline="", encoding="utf-8") as proposal_file,
    ):
        bar_rows, proposal_rows = csv.writer(bar_file), csv.writer(proposal_file)
        bar_rows.writerow(("ts", "open", "high", "low", "close", "volume"))
        proposal_rows.writerow(_PROPOSAL_COLUMNS)
        for number in range(_BARS):
            start_ns = _START_NS + number * _MINUTE_NS
            # Busy at the open and the close, quiet at noon, as real sessions are.
            pace = 1 + 1.5 * abs(number / _BARS - 0.5)
            close = price + round(source.gauss(0, 5 * pace))
            high = max(price, close) + round(abs(source.gauss(0, 4 * pace)))
            low = min(price, close) - round(abs(source.gauss(0, 4 * pace)))
            volume = round(source.lognormvariate(7, 0.5) * pace)
            bar_rows.writerow((start_ns, price / 4, high / 4, low / 4, close / 4, volume))
            if number % _EVERY == 0:
                proposal_rows.writerow(
                    (
                        f"demo-{number // _EVERY + 1:02d}",
                        start_ns + _MINUTE_NS,
                        source.choice(("LONG", "SHORT")),
                        source.randint(1, 3),
                        source.choice((12, 20, 28)),
                        source.choice((12, 24, 36)),
                    )
                )
            price = close + round(source.gauss(0, 0.6))
    return DemoSession(bars, proposals, config)
