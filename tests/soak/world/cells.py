"""Which fault struck in which situation: the cells of the table of failures, by name.

A cell is ``<row>/<situation>:<fault>``; the row is that of the failure model's table of 54. What
those rows say that has no place in this world is named in ``docs/faults.md``.
"""

from typing import TYPE_CHECKING

from world.book import ENDED, TradeTruth

from fillbridge_hooks import OrderRole

if TYPE_CHECKING:
    from world.world import World

_ROWS_OF_PLACES = {
    "propose": 1,
    "proposed": 2,
    "append": 3,
    "commit": 4,
    "latch": 4,
    "outcome": 6,
    "submit.entry": 6,
    "submit.stop": 19,
    "submit.target": 18,
    "submit.exit": 17,
    "cancel.entry": 27,
    "cancel.stop": 23,
    "cancel.target": 23,
    "cancel.exit": 27,
    "replace.stop": 25,
    "replace.target": 25,
    "Accepted.entry": 8,
    "Fill.entry": 16,
    "Fill.stop": 37,
    "Fill.target": 22,
    "CancelRejected.none": 27,
    "ReplaceRejected.none": 26,
    "leg.stop": 17,
    "leg.target": 18,
    "target.filled": 24,
    "receive": 12,
    "received": 12,
    "snapshot": 38,
    "publish": 12,
    "answers": 38,
}
_ROWS_OF_FAULTS = {
    "twice": 29,
    "late": 30,
    "fill_first": 30,
    "late_fill": 28,
    "long_limbo": 31,
    "full": 44,
    "torn": 40,
    "link_before": 5,
    "link_during": 7,
    "link_after": 7,
    "stall": 10,
    "double": 24,
    "cross": 15,
}
_ROWS_OF_TIMED = {
    "bust": 32,
    "lost_stop": 21,
    "expired_stop": 36,
    "logout": 34,
    "refused": 35,
    "suspend": 46,
    "halt": 52,
    "halt_for_good": 52,
    "emergency": 52,
    "stop_in_order": 53,
    "gap": 48,
    "foreign": 31,
    "redeliver": 2,
    "cancel_entry": 27,
    "close": 17,
    "move_stop": 26,
}
_ROWS_OF_PHASES = {
    "nothing": 1,
    "under_way": 6,
    "working": 11,
    "partial": 14,
    "bare": 20,
    "protected": 21,
    "closing": 23,
    "ended": 37,
}
PHASES = tuple(_ROWS_OF_PHASES)
_ENTRY, _STOP, _TARGET, _EXIT = OrderRole.ENTRY, OrderRole.STOP, OrderRole.TARGET, OrderRole.EXIT


def cell_at(place: str, fault: str) -> str:
    """The cell of a fault that strikes at a place."""
    row = _ROWS_OF_FAULTS.get(fault) or _ROWS_OF_PLACES.get(place, 29)
    return f"{row}/{place}:{fault}"


def cell_in(phase: str, fault: str) -> str:
    """The cell of a fault that strikes at a moment, while a trade is in a phase."""
    row = _ROWS_OF_TIMED.get(fault) or _ROWS_OF_PHASES[phase]
    return f"{row}/{phase}:{fault}"


def phases(world: "World") -> set[str]:
    """The phases that the trades of a world are in."""
    found = {_phase(trade) for trade in world.broker.trades.values()}
    if world.under_way:
        found.add("under_way")
    return found or {"nothing"}


def _phase(trade: TradeTruth) -> str:
    held = trade.position * trade.sign
    exits = trade.resting(-trade.sign, _STOP, _EXIT, _TARGET)
    entry = next((order for order in trade.orders if order.role is _ENTRY), None)
    if held == 0 and exits:
        return "closing"
    if held == 0:
        is_over = entry is None or entry.status in ENDED
        return "ended" if is_over else "working"
    if entry is not None and entry.left:
        return "partial"
    return "protected" if trade.resting(-trade.sign, _STOP, _EXIT) >= held > 0 else "bare"
