"""Scores the simulator against the true outcome of real brackets.

Reads a folder of market data with reference trades (``sets.json`` names its sets), replays every
set at every resolution through ``BacktestExecutionHandler`` and compares trade by trade.

    uv run python tests/accuracy/score.py [--data DIR] [--json]
"""

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fillbridge import BacktestExecutionHandler
from fillbridge.files import (
    EventKind,
    ProposalRow,
    merge_events,
    read_bars,
    read_quotes,
    read_ticks,
)
from fillbridge_hooks import BarData, ExitReason, Instrument, RiskProposal, TradeResult, TradeTick

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
REQUIRED = 0.95
"""Exit reasons right, of all brackets: what the specification asks for in 6.3."""

BARS = {"1s": (1, ("b1", "b60", "b300")), "1m": (60, ("b60", "b300")), "5m": (300, ("b300",))}
"""Length in seconds, and the classes of signals that fall on the start of such a bar."""

COARSE = 0.25
"""Bars that hold both levels of more than this share of brackets say little about them."""

_REASON = {
    ExitReason.TAKE_PROFIT: "TP",
    ExitReason.STOP_LOSS: "SL",
    ExitReason.SYSTEM_SHUTDOWN: "END",
}


@dataclass(frozen=True)
class Truth:
    """What became of a bracket; prices and excursions in ticks."""

    reason: str
    exit_price: int
    stop: int
    target: int
    pnl: int
    favorable: int
    adverse: int

    def gap(self, reason: str | None, exit_price: int) -> int:
        """How far an exit for that reason is from the level that was reached."""
        level = {"SL": self.stop, "TP": self.target}.get(reason or "", exit_price)
        return abs(exit_price - level)


@dataclass(frozen=True)
class Score:
    """One set at one resolution; shares are of ``brackets``, prices in ticks."""

    set: str
    input: str
    entry: str
    limit_fill: str
    brackets: int
    reason_right: int
    reason_share: float
    price_exact_share: float
    within_one_tick_share: float
    bias: float
    """Mean of simulated less true PnL."""
    favorable_exact_share: float
    adverse_exact_share: float
    path_dependent_share: float
    ambiguous_share: float
    """What the data calls undecidable at this resolution; 0 on ticks."""
    differing_unmarked: int
    """Brackets with another exit reason that are not marked ``path_dependent``."""
    outside_interval: int
    """Brackets whose true PnL, gap slippage aside, is not between the two outcomes."""

    @property
    def is_coarse(self) -> bool:
        """Whether the bars say little about these brackets."""
        return self.ambiguous_share > COARSE


class Market:
    """One set: its instrument, its files and its brackets."""

    def __init__(self, folder: Path, name: str, description: dict[str, Any]) -> None:
        self.name = name
        self.instrument = Instrument(
            symbol=description["symbol"],
            tick_size=description["tick_size"],
            point_value=description["point_value"],
        )
        self._folder = folder
        self._trades: list[TradeTick] | None = None

    def path(self, kind: str, suffix: str = "") -> Path:
        """The file of one kind."""
        return self._folder / f"{kind}_{self.name}{suffix}.csv.gz"

    def rows(self, kind: str, suffix: str = "") -> Iterator[dict[str, str]]:
        """The rows of one file."""
        with gzip.open(self.path(kind, suffix), "rt", newline="") as file:
            yield from csv.DictReader(file)

    def proposals(self, classes: tuple[str, ...] | None) -> list[ProposalRow]:
        """The brackets by time, of these classes of signals, or all of them."""
        found = [
            ProposalRow(
                time_ns=int(row["signal_ts"]),
                row=number,
                proposal=RiskProposal(
                    proposal_id=row["id"],
                    decided_at_ns=int(row["signal_ts"]),
                    direction=row["side"],
                    position_size=1,
                    stop_loss_ticks=self.ticks_of(row["sl_ticks"], row["tick"]),
                    take_profit_ticks=self.ticks_of(row["tp_ticks"], row["tick"]),
                    max_slippage=None,
                    timeout_seconds=None,
                ),
            )
            for number, row in enumerate(self.rows("proposals"), start=2)
            if classes is None or row["signal_class"] in classes
        ]
        return sorted(found, key=lambda row: row.time_ns)

    def ticks_of(self, count: str, tick: str) -> int:
        """A distance given in ticks of size ``tick``, in ticks of the instrument."""
        return round(int(count) * float(tick) / self.instrument.tick_size)

    def trades(self) -> list[TradeTick]:
        """Every trade, read once."""
        if self._trades is None:
            path, symbol = self.path("trades"), self.instrument.symbol
            self._trades = list(read_ticks(path, lambda _: self.instrument, symbol))
        return self._trades

    def events(self, task: "Task") -> Iterator[tuple[EventKind, Any]]:
        """The market data of ``task`` with its brackets where they meet it."""
        proposals = self.proposals(task.classes)
        symbol = self.instrument.symbol
        if task.seconds:
            path = self.path(f"bars_{task.input}")
            bars = read_bars(path, lambda _: self.instrument, symbol)
            return merge_events(proposals, bars=bars)
        if task.entry == "trade":
            return merge_events(proposals, trades=self.trades())
        quotes = read_quotes(self.path("quotes"), lambda _: self.instrument, symbol)
        return merge_events(proposals, trades=self.trades(), quotes=quotes)


@dataclass(frozen=True)
class Task:
    """One replay: which data, how entries and limits fill, which brackets."""

    market: Market
    input: str
    entry: str = "trade"
    limit_fill: str = "touch"
    seconds: int = 0
    classes: tuple[str, ...] | None = None

    def truth(self) -> dict[str, tuple[Truth, bool]]:
        """By id: the true outcome, and whether bars of this length leave it open."""
        to_ticks = self.market.instrument.to_ticks
        prefix = "thr_" if self.limit_fill == "through" else ""
        found = {}
        for row in self.market.rows("reference_trades", "_quote" if self.entry == "quote" else ""):
            if self.classes is not None and row["signal_class"] not in self.classes:
                continue
            outcome = Truth(
                reason=row[prefix + "exit_reason"],
                exit_price=to_ticks(float(row[prefix + "exit_px"])),
                stop=to_ticks(float(row["sl_px"])),
                target=to_ticks(float(row["tp_px"])),
                pnl=int(row[prefix + "pnl_ticks"]),
                favorable=to_ticks(float(row[prefix + "mfe"])),
                adverse=to_ticks(float(row[prefix + "mae"])),
            )
            ambiguous = self.seconds > 0 and row[f"ambiguous_{self.seconds}s"] == "True"
            found[row["id"]] = outcome, ambiguous
        return found

    def configuration(self) -> dict[str, Any]:
        """No costs, no limits, no timeouts: the rules of the reference alone."""
        instrument = self.market.instrument
        backtest: dict[str, Any] = {
            "symbol": instrument.symbol,
            "simulation": {"limit_fill": self.limit_fill},
        }
        if self.seconds:
            backtest["bar_seconds"] = self.seconds
        return {
            "execution_handler": {
                "backtest_settings": backtest,
                "performance": {"position_timeout_hours": None},
                "instruments": {
                    instrument.symbol: {
                        "tick_size": instrument.tick_size,
                        "point_value": instrument.point_value,
                    }
                },
            }
        }

    def replay(self) -> dict[str, TradeResult]:
        """Simulate; closed trades by id."""
        closed: dict[str, TradeResult] = {}

        def keep(result: TradeResult) -> None:
            closed[str(result.proposal_id)] = result

        handler = BacktestExecutionHandler(self.configuration(), trade_sink=keep)
        for kind, item in self.market.events(self):
            if kind is EventKind.PROPOSAL:
                handler.advance_to(item.time_ns)
                handler.propose(item.proposal)
            elif isinstance(item, BarData):
                handler.update_market_data(item.timestamp, item)
            elif isinstance(item, TradeTick):
                handler.update_trade(item)
            else:
                handler.update_quote(item)
        handler.finish()
        return closed

    def score(self) -> Score:
        """Simulate and compare; a bracket without a trade is wrong in every respect."""
        truth, closed = self.truth(), self.replay()
        comparisons = [
            _Comparison(self.market.instrument, outcome, closed[key])
            for key, (outcome, _) in truth.items()
            if key in closed
        ]
        count = len(truth)

        def share(test: Callable[[_Comparison], bool]) -> float:
            return sum(map(test, comparisons)) / count

        right = sum(one.reason_right for one in comparisons)
        return Score(
            set=self.market.name,
            input=self.input,
            entry=self.entry,
            limit_fill=self.limit_fill,
            brackets=count,
            reason_right=right,
            reason_share=right / count,
            price_exact_share=share(lambda one: one.price_error == 0),
            within_one_tick_share=share(lambda one: abs(one.price_error) <= 1),
            bias=sum(one.pnl_error for one in comparisons) / max(1, len(comparisons)),
            favorable_exact_share=share(lambda one: one.favorable_error == 0),
            adverse_exact_share=share(lambda one: one.adverse_error == 0),
            path_dependent_share=share(lambda one: one.path_dependent),
            ambiguous_share=sum(ambiguous for _, ambiguous in truth.values()) / count,
            differing_unmarked=count
            - sum(one.reason_right or one.path_dependent for one in comparisons),
            outside_interval=count - sum(one.interval_holds for one in comparisons),
        )


class _Comparison:
    """How one simulated trade differs from the truth, in ticks."""

    def __init__(self, instrument: Instrument, truth: Truth, result: TradeResult) -> None:
        tick_money = instrument.tick_size * instrument.point_value
        reason = _REASON.get(result.exit_reason)
        exit_price = instrument.to_ticks(result.exit_price)
        self.reason_right = reason == truth.reason
        self.path_dependent = result.path_dependent
        self.price_error = exit_price - truth.exit_price
        self.pnl_error = round(result.pnl_net / tick_money) - truth.pnl
        favorable, adverse = result.max_favorable_excursion, result.max_adverse_excursion
        self.favorable_error = round(favorable / instrument.tick_size) - truth.favorable
        self.adverse_error = round(-adverse / instrument.tick_size) - truth.adverse
        low = round(result.pnl_net_low / tick_money)
        high = round(result.pnl_net_high / tick_money)
        # The true exit and the simulated one may each have jumped over its level.
        gaps = truth.gap(truth.reason, truth.exit_price) + truth.gap(reason, exit_price)
        self.interval_holds = low - gaps <= truth.pnl <= high + gaps


def tasks(folder: Path) -> list[Task]:
    """Every replay that the files of ``folder`` allow."""
    found = []
    for name, description in json.loads((folder / "sets.json").read_text()).items():
        market = Market(folder, name, description)
        entries = ["trade"]
        if market.path("reference_trades", "_quote").exists():
            entries.append("quote")
        found += [
            Task(market, "ticks", entry, limit_fill)
            for entry in entries
            for limit_fill in ("touch", "through")
        ]
        found += [
            Task(market, label, seconds=seconds, classes=classes)
            for label, (seconds, classes) in BARS.items()
            if market.path(f"bars_{label}").exists()
        ]
    return found


def accuracy(scores: list[Score]) -> dict[str, dict[str, Any]]:
    """Exit reasons right, over all brackets and over parts of them."""
    bars = [score for score in scores if score.input != "ticks"]
    parts = {
        "all": scores,
        "ticks": [score for score in scores if score.input == "ticks"],
        "bars": bars,
        "bars_not_coarse": [score for score in bars if not score.is_coarse],
    }
    return {
        name: {
            "brackets": (count := sum(score.brackets for score in part)),
            "reason_share": sum(score.reason_right for score in part) / max(1, count),
        }
        for name, part in parts.items()
    }


def score_all(work: list[Task]) -> list[Score]:
    """Score one after the other, under a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    return [
        task.score()
        for task in track(
            work, "scoring", console=console, transient=True, disable=not console.is_terminal
        )
    ]


def print_table(scores: list[Score]) -> None:
    """Show one line per set and resolution."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE, title="Simulated against true outcomes, % of brackets")
    table.add_column("set")
    table.add_column("input, entry, limits")
    for heading in (
        "brackets",
        "reason\nright",
        "price\nexact",
        "within\n1 tick",
        "bias,\nticks",
        "MFE\nexact",
        "MAE\nexact",
        "marked",
        "ambig-\nuous",
        "differ,\nunmarked",
        "outside\ninterval",
    ):
        table.add_column(heading, justify="right")
    for score in scores:
        table.add_row(
            score.set,
            f"{score.input}, {score.entry}, {score.limit_fill}",
            f"{score.brackets:,}",
            _percent(score.reason_share),
            _percent(score.price_exact_share),
            _percent(score.within_one_tick_share),
            f"{score.bias:+.3f}",
            _percent(score.favorable_exact_share),
            _percent(score.adverse_exact_share),
            _percent(score.path_dependent_share),
            _percent(score.ambiguous_share),
            str(score.differing_unmarked),
            str(score.outside_interval),
        )
    # A pipe has no width of its own, and a folded table cannot be read.
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def print_accuracy(found: dict[str, dict[str, Any]]) -> None:
    """Say how many exit reasons are right, the figure of all brackets last."""
    for name, label in (
        ("ticks", "on ticks, every bracket of every set"),
        ("bars", "on bars, brackets signalled at the start of a bar"),
        ("bars_not_coarse", f"of these, bars with at most {COARSE:.0%} of brackets ambiguous"),
        ("all", f"accuracy (required: over {REQUIRED:.0%}), every line of the table"),
    ):
        part = found[name]
        print(f"{label}: {_percent(part['reason_share'])} % of {part['brackets']:,} exit reasons")


def _percent(share: float) -> str:
    # Cut off, so that 100.00 means every single one.
    return f"{int(share * 10_000) / 100:.2f}"


def main() -> int:
    """Score a folder; 0 if the required accuracy is reached."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=DATA, metavar="DIR", help="folder to score")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead")
    options = parser.parse_args()
    if not (options.data / "sets.json").is_file():
        parser.error(f"--data: expected a folder with sets.json, was {options.data}")
    scores = score_all(tasks(options.data))
    found = accuracy(scores)
    if options.json:
        print(json.dumps({"scores": [asdict(score) for score in scores], "accuracy": found}))
    else:
        print_table(scores)
        print_accuracy(found)
    return 0 if found["all"]["reason_share"] > REQUIRED else 1


if __name__ == "__main__":
    sys.exit(main())
