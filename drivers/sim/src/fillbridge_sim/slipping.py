"""The price of a fill that takes liquidity: its base price, made worse by a slippage model."""

import math

from fillbridge_hooks import Instrument, MarketView, OrderType, PluginError, SlippageFunction
from fillbridge_sim.working import WorkingOrder

_LIMIT = OrderType.LIMIT
_ROUNDING = 1e-9


class Slipping:
    """Asks a slippage model, and holds it to its contract and to the order's limit.

    :param model: the model with its name, ``None`` for no slippage
    """

    def __init__(self, model: tuple[str, SlippageFunction] | None, instrument: Instrument) -> None:
        self.name = model[0] if model else ""
        self.is_on = model is not None
        self._function = model[1] if model else None
        self._instrument = instrument

    def price(self, working: WorkingOrder, base: int, market: MarketView) -> tuple[float, float]:
        """Price and slippage, in points, of a fill at ``base`` ticks.

        :raises PluginError: if the model raises, or answers anything but a finite number >= 0
        """
        instrument = self._instrument
        to_price, sign = instrument.to_price, working.sign
        if self._function is None:
            return to_price(base), 0.0
        try:
            slippage = self._function(working.order, market)
            is_valid = 0 <= slippage < math.inf
        except Exception as error:
            message = f"slippage: {type(error).__name__}: {error}"
            raise PluginError(self.name, message) from error
        if not is_valid:
            raise PluginError(
                self.name, f"slippage: expected a finite number >= 0, was {slippage!r}"
            )
        ticks = slippage / instrument.tick_size
        if working.order_type is _LIMIT:
            room = sign * (working.limit - base)
            if ticks > room:
                return to_price(working.limit), to_price(room)
        whole = round(ticks)
        if abs(ticks - whole) < _ROUNDING:
            # On the grid the price is that of its tick, without what adding floats leaves.
            return to_price(base + sign * whole), slippage
        return to_price(base) + sign * slippage, slippage
