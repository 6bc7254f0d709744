"""What is traded: the price grid, the money of one tick, the roll of the trade date."""

import math
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import cached_property

import msgspec

from fillbridge_hooks.errors import InvalidValue

_GRID_TOLERANCE = 1e-6


class Instrument(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A tradable contract.

    ``tick_size`` is points per tick, ``point_value`` account currency per point and contract
    (ES: 0.25 and 50). Both are read as the decimal numbers they print as, so prices and money
    derived from ticks are exact. ``session_roll`` is the local time at which the next trade
    date begins.

    :raises InvalidValue: if ``tick_size`` or ``point_value`` is not a finite number above 0, or
        ``last_trade_date`` is no date
    """

    symbol: str
    tick_size: float
    point_value: float
    exchange: str = ""
    currency: str = "USD"
    time_zone: str = "America/Chicago"
    session_roll: str = "17:00"
    last_trade_date: str = ""
    """``YYYY-MM-DD``; empty where it follows from the symbol, or is not known."""

    def __post_init__(self) -> None:
        for field, value in (("tick_size", self.tick_size), ("point_value", self.point_value)):
            if not (isinstance(value, int | float) and 0 < value < math.inf):
                raise InvalidValue(f"{self.symbol}.{field}", "a finite number > 0", value)
        if self.last_trade_date and not _is_date(self.last_trade_date):
            field = f"{self.symbol}.last_trade_date"
            raise InvalidValue(field, "a date YYYY-MM-DD", self.last_trade_date)

    @cached_property
    def tick_fraction(self) -> tuple[int, int]:
        """The tick size as ``(numerator, denominator)`` in points."""
        return _decimal_fraction(self.tick_size).as_integer_ratio()

    @cached_property
    def tick_value_cents(self) -> float:
        """Money of one tick and contract, in hundredths of the currency (ES: 1250.0)."""
        return float(_decimal_fraction(self.tick_size) * _decimal_fraction(self.point_value) * 100)

    def to_ticks(self, price: float, field: str = "price") -> int:
        """The tick that ``price`` stands on.

        :raises InvalidValue: naming ``field``, if the price is not finite or not on the grid
        """
        try:
            exact = price / self.tick_size
            ticks = round(exact)
        except (TypeError, ValueError, OverflowError):
            raise InvalidValue(field, "a finite price", price) from None
        # Far from zero the division alone errs by more than the tolerance.
        if abs(exact - ticks) > _GRID_TOLERANCE and price != self.to_price(ticks):
            raise InvalidValue(field, f"a multiple of the tick size {self.tick_size}", price)
        return ticks

    def to_price(self, ticks: float) -> float:
        """The price of ``ticks`` (whole, or half for a mid), correctly rounded to a float."""
        numerator, denominator = self.tick_fraction
        if type(ticks) is int:
            return ticks * numerator / denominator
        return int(ticks * 2) * numerator / (2 * denominator)


def _is_date(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _decimal_fraction(value: float) -> Fraction:
    return Fraction(Decimal(repr(float(value))))
