"""What an account holds: the sum of its fills."""

import msgspec

from fillbridge_rithmic.gateway.book.order import Fill
from fillbridge_rithmic.gateway.codes import Side


class Position(msgspec.Struct, kw_only=True):
    """What an account holds of one symbol."""

    symbol: str
    exchange: str
    point_value: float
    bought: int = 0
    sold: int = 0
    average: float = 0.0
    """Of what is open, points."""
    closed_profit: float = 0.0
    """Of what was closed, account currency."""

    @property
    def net(self) -> int:
        """Contracts held: above 0 long, below 0 short."""
        return self.bought - self.sold

    def open_profit(self, price: float | None) -> float:
        """What closing at this price would bring; 0 where there is none."""
        return 0.0 if price is None else (price - self.average) * self.net * self.point_value

    def add(self, fill: Fill) -> None:
        """Take a fill into account."""
        before = self.net
        signed = fill.size if fill.side == Side.BUY else -fill.size
        if fill.side == Side.BUY:
            self.bought += fill.size
        else:
            self.sold += fill.size
        if before * signed >= 0:
            self.average = (self.average * abs(before) + fill.price * fill.size) / abs(self.net)
            return
        closed = min(abs(before), fill.size)
        gain = (fill.price - self.average) * closed * self.point_value
        self.closed_profit += gain if before > 0 else -gain
        if fill.size > abs(before):
            self.average = fill.price
        elif not self.net:
            self.average = 0.0


class Ledger:
    """The fills and positions of one account."""

    def __init__(self) -> None:
        self.fills: list[Fill] = []
        self.positions: dict[str, Position] = {}

    def add(self, fill: Fill, point_value: float) -> None:
        """Write down a fill."""
        self.fills.append(fill)
        position = self.positions.get(fill.symbol)
        if position is None:
            position = self.positions[fill.symbol] = Position(
                symbol=fill.symbol, exchange=fill.exchange, point_value=point_value
            )
        position.add(fill)

    def net(self, symbol: str) -> int:
        """Contracts held of a symbol."""
        position = self.positions.get(symbol)
        return position.net if position else 0
