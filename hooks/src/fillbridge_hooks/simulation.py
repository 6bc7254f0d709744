"""What a driver promises whose broker is a simulation in this process.

It opens a :class:`SimulationSession`, which is fed with market data and answers through reports,
without waiting, in the thread and the call that fed it.
"""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from fillbridge_hooks.capabilities import Capabilities
from fillbridge_hooks.clock import VirtualClock
from fillbridge_hooks.instrument import Instrument
from fillbridge_hooks.market import BarData, MarketView, PriceWatch, QuoteTick, TradeTick
from fillbridge_hooks.orders import ApprovedOrder, Order
from fillbridge_hooks.reports import Replacement, Report
from fillbridge_hooks.terms import Direction

SlippageFunction = Callable[[Order, MarketView], float]
"""Points per contract that a fill of the order is worse than its reference price, >= 0."""


class MarketListener(Protocol):
    """Who is told what happens in a simulated market."""

    def on_report(self, report: Report) -> None:
        """An order moved. Orders may be submitted, replaced and cancelled from within."""

    def on_price(self, symbol: str, ticks: int, direction: Direction | None) -> None:
        """The price stands at ``ticks``, after everything on the way there was filled.

        ``direction`` limits this to trades of one direction, where a bar is walked once for each.
        """


class SimulationSession(Protocol):
    """A simulated market with its orders. Times are ns UTC and never go back.

    Orders submitted between two events of the market are eligible from the next one on, except
    against a quote that is already known.
    """

    def submit(self, approved: ApprovedOrder) -> None:
        """Spend the order's permit and take it over.

        ``Accepted`` or ``Rejected`` is reported before this returns.

        :raises PermitSpent: if the permit was used before; nothing is taken over
        """

    def cancel(self, client_order_id: str) -> None:
        """Withdraw what is left of a working order; answered by a report."""

    def replace(self, change: Replacement) -> None:
        """Change a working order; answered by a report."""

    def open_market(self, instrument: Instrument) -> PriceWatch:
        """Trade ``instrument`` from now on; the watch is the same object at every call."""

    def market(self, symbol: str) -> MarketView:
        """What is known of the symbol now."""

    def on_bar(self, bar: BarData, end_ns: int) -> None:
        """Walk the path through one bar that lasts from its timestamp to ``end_ns``."""

    def on_trade(self, trade: TradeTick) -> None:
        """Match one trade of the tape."""

    def on_quote(self, quote: QuoteTick) -> None:
        """Take a new best bid and offer."""

    def settle(self) -> None:
        """The data has ended: fill what must trade at the last known prices."""


@runtime_checkable
class SimulationDriver(Protocol):
    """A driver whose broker is a simulation in this process."""

    capabilities: Capabilities

    def open_session(
        self,
        settings: Any,
        clock: VirtualClock,
        slippage: tuple[str, SlippageFunction] | None,
        listener: MarketListener,
    ) -> SimulationSession:
        """A market of its own under these settings.

        ``settings`` is the Struct that the driver's plugin declared, ``None`` for its defaults;
        ``slippage`` is the model that the configuration chose, with its name, ``None`` for none.
        The session moves the clock to the time of what it is fed.
        """
