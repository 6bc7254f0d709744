"""How far the price went for and against each trade that holds a position."""

import math

from fillbridge_hooks import Direction, Instrument, PriceWatch

_DIGITS = 9
_SHORT = Direction.SHORT


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
        # What subtracting floats leaves is no excursion.
        rise, drop = round(highest - entry_price, _DIGITS), round(lowest - entry_price, _DIGITS)
        if self.direction is _SHORT:
            rise, drop = -drop, -rise
        return (rise if rise > 0 else 0.0), (drop if drop < 0 else 0.0)


class Excursions:
    """The excursions of all trades that hold a position."""

    def __init__(self) -> None:
        self._tracked: dict[str, dict[str, Excursion]] = {}
        self._stopped: dict[str, Excursion] = {}

    def track(self, symbol: str, trade_id: str, direction: Direction) -> None:
        """Watch a trade from now on."""
        self._tracked.setdefault(symbol, {})[trade_id] = Excursion(direction)

    def get(self, symbol: str, trade_id: str) -> Excursion | None:
        """The excursion of a trade that holds a position, or held one."""
        return self._tracked.get(symbol, _NONE).get(trade_id) or self._stopped.get(trade_id)

    def stop(self, symbol: str, trade_id: str) -> None:
        """Watch a trade no longer, and keep what was seen until it is taken."""
        excursion = self._tracked.get(symbol, _NONE).pop(trade_id, None)
        if excursion is not None:
            self._stopped[trade_id] = excursion

    def pop(self, symbol: str, trade_id: str) -> Excursion:
        """The excursion of a trade, which is neither watched nor kept any longer."""
        self.stop(symbol, trade_id)
        return self._stopped.pop(trade_id)

    def forget(self, symbol: str, trade_id: str) -> None:
        """Watch a trade no longer, if it was watched, and keep nothing of it."""
        self.stop(symbol, trade_id)
        self._stopped.pop(trade_id, None)

    def on_price(self, symbol: str, ticks: int, direction: Direction | None) -> None:
        """Take in that the price stands at ``ticks``, for trades of a direction or for all."""
        for excursion in self._tracked.get(symbol, _NONE).values():
            if direction is None or excursion.direction is direction:
                excursion.reach(ticks, ticks)

    def flush(self, watch: PriceWatch, instrument: Instrument) -> None:
        """Take in how far the price went while nobody looked.

        :raises InvalidValue: if it went off the grid; that is said once
        """
        highest, lowest = watch.high, watch.low
        if highest < lowest:
            return
        watch.high, watch.low = -math.inf, math.inf
        high, low = instrument.to_ticks(highest, "high"), instrument.to_ticks(lowest, "low")
        for excursion in self._tracked.get(instrument.symbol, _NONE).values():
            excursion.reach(high, low)


_NONE: dict[str, Excursion] = {}
