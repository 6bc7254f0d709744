"""The path that the price is assumed to take through a bar."""

from fillbridge_hooks import Direction
from fillbridge_sim.settings import BarPath


def high_comes_first(
    rule: BarPath, bar: tuple[int, int, int, int], direction: Direction | None
) -> bool:
    """Whether the bar's high is reached before its low.

    :param bar: open, high, low, close in ticks
    :param direction: of the trades concerned; only ``stop-first`` and ``target-first`` need it
    """
    if rule == "body":
        return bar[3] < bar[0]
    if rule == "nearest":
        return bar[1] - bar[0] < bar[0] - bar[2]
    if rule == "open-high-low-close":
        return True
    return (direction is Direction.SHORT) == (rule == "stop-first")


def depends_on_direction(rule: BarPath) -> bool:
    """Whether long and short trades see different paths through one bar."""
    return rule in ("stop-first", "target-first")
