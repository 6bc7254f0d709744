"""Prices as files hold them, put on the grid of their instrument."""

from collections.abc import Callable

from fillbridge.files.columns import Cell
from fillbridge.files.numbers import read_number
from fillbridge_hooks import Instrument

_REMEMBERED = 1 << 15


def read_price(instrument: Instrument, field: str, cell: Cell) -> float:
    """The price of the tick that the cell stands on.

    :raises InvalidValue: naming ``field``, if it is no finite number or not on the grid
    """
    return instrument.to_price(instrument.to_ticks(read_number(field, cell), field))


class Prices(dict[Cell, float]):
    """The price of a cell, as :func:`read_price` reads it.

    Prices repeat, so a look-up is all that most of them cost; what is remembered is bounded.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument

    def __missing__(self, cell: Cell) -> float:
        price = read_price(self.instrument, "price", cell)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[cell] = price
        return price


class Markets:
    """Symbol and prices by the cell of the symbol column, empty for ``default_symbol``."""

    def __init__(self, instrument_of: Callable[[str], Instrument], default_symbol: str) -> None:
        self._instrument_of = instrument_of
        self._default_symbol = default_symbol
        self._known: dict[str, Prices] = {}

    def of(self, cell: Cell) -> tuple[str, Prices]:
        """The symbol, and the prices of its instrument.

        :raises FillbridgeError: what ``instrument_of`` raises for a symbol it does not know
        """
        symbol = str(cell or "").strip() or self._default_symbol
        prices = self._known.get(symbol)
        if prices is None:
            prices = self._known[symbol] = Prices(self._instrument_of(symbol))
        return symbol, prices
