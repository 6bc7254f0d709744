"""One backtest from files to files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import msgspec

from fillbridge.config import Settings
from fillbridge.files import (
    ProposalFile,
    ProposalRow,
    RejectedProposal,
    TradeWriter,
)
from fillbridge.handlers import BacktestExecutionHandler
from fillbridge.plugins import Plugins
from fillbridge.runs.inputs import MarketFiles
from fillbridge.runs.summary import Summary
from fillbridge_hooks import (
    BarData,
    FillbridgeError,
    InvalidValue,
    OrderRefused,
    RiskProposal,
    RunFiles,
    TradeResult,
    TradeTick,
)

_DAY_NS = 86_400_000_000_000


class RunResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run wrote, and its figures."""

    summary: dict[str, Any]
    files: list[str]
    """Names of the files in the output directory."""


def run_backtest(
    market: MarketFiles,
    proposals: ProposalFile,
    settings: Settings,
    plugins: Plugins,
    directory: Path,
    title: str,
    on_bytes: Callable[[int], None] | None = None,
    on_trade: Callable[[TradeResult], None] | None = None,
) -> RunResult:
    """Run proposals through market data and write what came of them to ``directory``.

    A proposal that is invalid, refused, not filled or outside the data is listed in the summary
    with its reason; everything else that is wrong ends the run.

    :param on_bytes: told how much of the main data file has been read
    :param on_trade: told each closed trade
    :raises BadFile: if an input cannot be used or an output not be written
    :raises ConfigurationError: if the configuration cannot be used
    :raises PluginError: if a plugin breaks its contract
    :raises OSError: if the summary cannot be written
    """
    backtest = settings.backtest_settings
    if backtest.bar_seconds is None:
        seconds = market.bar_seconds()
        settings = msgspec.structs.replace(
            settings, backtest_settings=msgspec.structs.replace(backtest, bar_seconds=seconds)
        )
    summary = Summary()
    summary.rejected.extend(proposals.rejected)
    with TradeWriter(directory / "trades.csv") as writer:

        def close(trade: TradeResult) -> None:
            writer.write(trade)
            summary.add(trade)
            if on_trade is not None:
                on_trade(trade)

        run = _Run(summary, proposals, settings, plugins, close)
        run.feed(market, on_bytes)

    summary.rejected.sort(key=lambda one: one.row)
    document = summary.document(title, run.symbols, len(proposals.rows) + len(proposals.rejected))
    (directory / "summary.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"
    )
    return RunResult(summary=document, files=_write_reports(plugins, directory, document, title))


class _Run:
    """The loop of one run."""

    def __init__(
        self,
        summary: Summary,
        proposals: ProposalFile,
        settings: Settings,
        plugins: Plugins,
        close: Callable[[TradeResult], None],
    ) -> None:
        self.symbols: set[str] = set()
        """Of the market data so far."""
        self._summary = summary
        self._rows = {row.proposal.proposal_id: row for row in proposals.rows}
        self._rejected: list[tuple[ProposalRow, str]] = []
        self._proposals = proposals.rows
        self._symbol = settings.backtest_settings.symbol
        self._has_observers = bool(plugins.resolve("fillbridge_handle_event"))
        self._handler = BacktestExecutionHandler(
            settings, plugins=plugins, trade_sink=close, failed_entry_sink=self._failed
        )

    def feed(self, market: MarketFiles, on_bytes: Callable[[int], None] | None) -> None:
        """Run through all of the data, each proposal in its place."""
        handler = self._handler
        symbols = self.symbols
        waiting: list[ProposalRow] = []
        first_ns = last_ns = -1
        for _, item in market.events(self._proposals, handler.instrument, self._symbol, on_bytes):
            if isinstance(item, ProposalRow):
                # Held until the next data, so that what comes after the end is known as such.
                waiting.append(item)
                continue
            last_ns = item.timestamp
            if first_ns < 0:
                first_ns = last_ns
            symbols.add(item.symbol)
            if waiting:
                self._propose(waiting, first_ns)
                waiting = []
            if isinstance(item, BarData):
                handler.update_market_data(last_ns, item)
            elif isinstance(item, TradeTick):
                handler.update_trade(item)
            else:
                handler.update_quote(item)
        self._propose([row for row in waiting if row.time_ns <= last_ns], first_ns)
        for row in waiting:
            if row.time_ns > last_ns:
                reason = f"outside the data: decided after the last of it ({last_ns})"
                self._rejected.append((row, reason))
        handler.finish()
        self._deliver()
        self._list_rejected()

    def _propose(self, rows: list[ProposalRow], first_ns: int) -> None:
        for row in rows:
            if row.time_ns < first_ns - _DAY_NS:
                reason = f"outside the data: decided over a day before its start ({first_ns})"
                self._rejected.append((row, reason))
                continue
            self._handler.advance_to(row.time_ns)
            try:
                self._handler.propose(row.proposal)
            except (InvalidValue, OrderRefused) as error:
                self._rejected.append((row, str(error)))
        self._deliver()

    def _deliver(self) -> None:
        if self._has_observers:
            anyio.run(self._handler.drain)

    def _failed(self, proposal: RiskProposal, reason: str) -> None:
        self._rejected.append((self._rows[proposal.proposal_id], reason))

    def _list_rejected(self) -> None:
        for row, reason in self._rejected:
            symbol = row.proposal.symbol or self._symbol
            if symbol not in self.symbols:
                # Known at the end only, and the cause of whatever else went wrong.
                known = ", ".join(sorted(self.symbols))
                reason = f"outside the data: it is of {known}, not of {symbol}"
            proposal_id = row.proposal.proposal_id or ""
            self._summary.rejected.append(
                RejectedProposal(proposal_id=proposal_id, row=row.row, reason=reason)
            )


def _write_reports(
    plugins: Plugins, directory: Path, summary: dict[str, Any], title: str
) -> list[str]:
    """Let plugins write their files; answer the names of all files of the run."""
    names = ["trades.csv", "summary.json"]
    run = RunFiles(
        directory=str(directory),
        trades_csv=str(directory / "trades.csv"),
        summary=summary,
        title=title,
    )
    for plugin in plugins.resolve("fillbridge_write_report"):
        try:
            names.extend(plugin.function(run))
        except FillbridgeError:
            raise
        except Exception as error:
            message = f"fillbridge_write_report raised {type(error).__name__}: {error}"
            raise plugin.error(message) from error
    return names
