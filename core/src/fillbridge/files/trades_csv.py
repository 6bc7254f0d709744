"""Closed trades as a CSV file."""

import csv
from pathlib import Path
from types import TracebackType
from typing import Self

from fillbridge.files.errors import BadFile
from fillbridge_hooks import TradeResult

TRADE_COLUMNS = (
    "proposal_id",
    "trade_id",
    "symbol",
    "strategy",
    "direction",
    "position_size",
    "entry_timestamp",
    "exit_timestamp",
    "entry_price",
    "exit_price",
    "pnl_gross",
    "pnl_net",
    "commission",
    "slippage",
    "exit_reason",
    "duration_seconds",
    "max_favorable_excursion",
    "max_adverse_excursion",
    "execution_quality_score",
    "path_dependent",
    "other_exit_reason",
    "other_exit_price",
    "pnl_net_low",
    "pnl_net_high",
    "cost_complete",
)
"""Fields of ``TradeResult``; the two timestamps are integer ns UTC, what is ``None`` is empty."""


class TradeWriter:
    """Writes closed trades to a new file as they come and keeps none; a context manager.

    Floats are written in the shortest form that reads back as the same number.

    :raises BadFile: on entering, writing or leaving, if the file cannot be written
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.count = 0
        """Trades written so far."""

    def __enter__(self) -> Self:
        try:
            self._file = self.path.open("w", encoding="utf-8", newline="")
        except OSError as error:
            raise self._unwritable(error) from None
        self._writerow = csv.writer(self._file, lineterminator="\n").writerow
        self._writerow(TRADE_COLUMNS)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._file.close()
        except OSError as failure:
            raise self._unwritable(failure) from None

    def write(self, trade: TradeResult) -> None:
        """Write one trade.

        :raises BadFile: if the file cannot be written
        """
        try:
            self._writerow(_row(trade))
        except OSError as error:
            raise self._unwritable(error) from None
        self.count += 1

    def _unwritable(self, error: OSError) -> BadFile:
        return BadFile(self.path, f"expected a file to write to, was not ({error.strerror})")


def _row(trade: TradeResult) -> tuple[object, ...]:
    return (
        trade.proposal_id,
        trade.trade_id,
        trade.symbol,
        trade.strategy,
        trade.direction,
        trade.position_size,
        trade.entry_time_ns,
        trade.exit_time_ns,
        trade.entry_price,
        trade.exit_price,
        trade.pnl_gross,
        trade.pnl_net,
        trade.commission,
        trade.slippage,
        trade.exit_reason,
        trade.duration_seconds,
        trade.max_favorable_excursion,
        trade.max_adverse_excursion,
        trade.execution_quality_score,
        "true" if trade.path_dependent else "false",
        trade.other_exit_reason,
        trade.other_exit_price,
        trade.pnl_net_low,
        trade.pnl_net_high,
        "true" if trade.cost_complete else "false",
    )
