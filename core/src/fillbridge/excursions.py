"""How far the price went for and against each open trade."""

from fillbridge_hooks import Direction, Instrument


class Excursion:
    """The highest and lowest tick since the entry of one trade; ``None`` before the first."""

    __slots__ = ("direction", "high", "low")

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.high: int | None = None
        self.low: int | None = None

    def reach(self, high: int, low: int) -> None:
        """Take in that the price was between these ticks."""
        if self.high is None or high > self.high:
            self.high = high
        if self.low is None or low < self.low:
            self.low = low

    def measure(
        self, instrument: Instrument, entry_price: float, exit_price: float
    ) -> tuple[float, float]:
        """The favourable (>= 0) and adverse (<= 0) excursion in points, the exit included."""
        highest = lowest = exit_price
        if self.high is not None and self.low is not None:
            highest = max(exit_price, instrument.to_price(self.high))
            lowest = min(exit_price, instrument.to_price(self.low))
        rise, drop = max(0.0, highest - entry_price), min(0.0, lowest - entry_price)
        return (rise, drop) if self.direction is Direction.LONG else (-drop, -rise)
