"""The figures of a run, added up trade by trade in whole cents."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from fillbridge_hooks import ExitReason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from fillbridge.files import RejectedProposal
    from fillbridge_hooks import TradeResult


class Summary:
    """Counts and sums of closed trades and rejected proposals; keeps no trade."""

    def __init__(self) -> None:
        self.trades = 0
        self.rejected: list[RejectedProposal] = []
        self._winning = 0
        self._path_dependent = 0
        self._cost_unknown = 0
        self._by_exit_reason: Counter[str] = Counter()
        self._cents: Counter[str] = Counter()

    def add(self, trade: TradeResult) -> None:
        """Take in a closed trade."""
        self._count(trade, 1)

    def remove(self, trade: TradeResult) -> None:
        """Take a trade out again, for another result takes its place."""
        self._count(trade, -1)

    def _count(self, trade: TradeResult, sign: int) -> None:
        self.trades += sign
        self._winning += sign * (trade.pnl_net > 0)
        self._path_dependent += sign * trade.path_dependent
        self._cost_unknown += sign * (not trade.cost_complete)
        self._by_exit_reason[trade.exit_reason.value] += sign
        cents = self._cents
        cents["pnl_gross"] += sign * round(trade.pnl_gross * 100)
        cents["pnl_net"] += sign * round(trade.pnl_net * 100)
        cents["pnl_net_low"] += sign * round(trade.pnl_net_low * 100)
        cents["pnl_net_high"] += sign * round(trade.pnl_net_high * 100)
        cents["commission"] += sign * round(trade.commission * 100)
        cents["slippage"] += sign * round(trade.slippage * 100)

    @property
    def pnl_net(self) -> float:
        """Of the trades so far, account currency."""
        return self._cents["pnl_net"] / 100

    def document(self, title: str, symbols: Iterable[str], proposals: int) -> dict[str, Any]:
        """The summary as it is written to ``summary.json``; money is account currency.

        :param symbols: of the market data
        :param proposals: how many rows the file of proposals had
        """
        trades = self.trades
        return {
            "title": title,
            "symbols": sorted(symbols),
            "proposals": proposals,
            "trades": trades,
            "by_exit_reason": {
                reason.value: self._by_exit_reason[reason.value] for reason in ExitReason
            },
            **{
                name: self._cents[name] / 100
                for name in (
                    "pnl_gross",
                    "pnl_net",
                    "pnl_net_low",
                    "pnl_net_high",
                    "commission",
                    "slippage",
                )
            },
            "win_rate": self._winning / trades if trades else None,
            "path_dependent": self._path_dependent,
            "cost_unknown": self._cost_unknown,
            "rejected": len(self.rejected),
            "rejected_proposals": [
                {"proposal_id": one.proposal_id, "row": one.row, "reason": one.reason}
                for one in self.rejected
            ],
        }
