"""Money of a trade, in whole cents: the one place where it is rounded.

Ticks and contracts are exact, so are the sums of cents; halves round to even.
"""

from fillbridge_hooks import Direction, Fill, Instrument


def slippage_cents(slippage: float, quantity: int, instrument: Instrument) -> int:
    """Cost of ``slippage`` adverse points per contract on ``quantity`` contracts."""
    return round(slippage * quantity * instrument.point_value * 100)


def gross_cents(
    direction: Direction, entry_reference: float, exit_reference: float, instrument: Instrument
) -> int:
    """PnL at reference prices; both arguments are sums of ticks x quantity."""
    moved = exit_reference - entry_reference
    if direction is Direction.SHORT:
        moved = -moved
    return round(moved * instrument.tick_value_cents)


def fill_slippage_cents(fill: Fill, instrument: Instrument) -> int:
    """What the slippage of one fill cost."""
    slippage = fill.slippage
    return slippage_cents(slippage, fill.quantity, instrument) if slippage else 0
