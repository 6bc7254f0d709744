"""The equity curve of closed trades and its drawdown."""

from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc


class EquityCurve(msgspec.Struct, frozen=True, kw_only=True):
    """Net PnL of the closed trades, summed in the order of their exits; cents.

    The first point is 0 at the first entry. ``drawdown`` is <= 0: the distance to the highest
    equity so far, the starting 0 included. The lists may be thinned out,
    ``maximum_drawdown`` (>= 0) never is.
    """

    times_ns: list[int]
    equity: list[int]
    drawdown: list[int]
    maximum_drawdown: int


def equity_curve(first_entry_ns: int, exits: Any, cents: Any, drawn_limit: int) -> EquityCurve:
    """The curve of at least one trade; exits at one time count in the order given.

    :param exits: int64 Arrow array, ns UTC, in any order
    :param cents: int64 Arrow array, net PnL of the same trades
    :param drawn_limit: points to keep at most, not counting the first; at least 4
    """
    order = pc.sort_indices(exits)  # stable
    exits, equity = exits.take(order), pc.cumulative_sum(cents.take(order))
    peak = pc.max_element_wise(pc.cumulative_max(equity), 0)
    drawdown = pc.subtract(equity, peak)
    rows = pa.array(_rows_to_draw(equity, drawdown, drawn_limit), pa.int64())
    return EquityCurve(
        times_ns=[first_entry_ns, *exits.take(rows).to_pylist()],
        equity=[0, *equity.take(rows).to_pylist()],
        drawdown=[0, *drawdown.take(rows).to_pylist()],
        maximum_drawdown=-pc.min(drawdown).as_py(),
    )


def _rows_to_draw(equity: Any, drawdown: Any, limit: int) -> list[int]:
    """Rows that keep the shape of both curves: of each stretch its extremes and its end."""
    total = len(equity)
    if total <= limit:
        return list(range(total))
    stretches = limit // 4
    rows: set[int] = set()
    for stretch in range(stretches):
        start, end = total * stretch // stretches, total * (stretch + 1) // stretches
        money, depth = equity[start:end], drawdown[start:end]
        rows.add(end - 1)
        rows.add(start + pc.index(money, pc.max(money)).as_py())
        rows.add(start + pc.index(money, pc.min(money)).as_py())
        rows.add(start + pc.index(depth, pc.min(depth)).as_py())
    return sorted(rows)
