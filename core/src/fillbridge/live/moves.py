"""How far prices moved lately: the range of each symbol's last prices within ten seconds."""

from collections import deque

_WINDOW_NS = 10_000_000_000


class _Range:
    """The highest and lowest of what is in the window, each kept in order of time."""

    def __init__(self) -> None:
        self._highs: deque[tuple[int, int]] = deque()
        self._lows: deque[tuple[int, int]] = deque()

    def add(self, ticks: int, now_ns: int) -> None:
        highs, lows = self._highs, self._lows
        while highs and highs[-1][1] <= ticks:
            highs.pop()
        while lows and lows[-1][1] >= ticks:
            lows.pop()
        highs.append((now_ns, ticks))
        lows.append((now_ns, ticks))

    def size(self, now_ns: int) -> float | None:
        since_ns = now_ns - _WINDOW_NS
        for kept in (self._highs, self._lows):
            while kept and kept[0][0] < since_ns:
                kept.popleft()
        return float(self._highs[0][1] - self._lows[0][1]) if self._highs and self._lows else None


class Moves:
    """The range of each symbol."""

    def __init__(self) -> None:
        self._ranges: dict[str, _Range] = {}

    def on_price(self, symbol: str, ticks: int, now_ns: int) -> None:
        """Take a price."""
        found = self._ranges.get(symbol)
        if found is None:
            found = self._ranges[symbol] = _Range()
        found.add(ticks, now_ns)

    def view(self, now_ns: int) -> dict[str, float | None]:
        """By symbol: the range within ten seconds, ticks; ``None`` where nothing traded."""
        return {symbol: found.size(now_ns) for symbol, found in self._ranges.items()}
