"""Where the shell's orders go, and what it knows of the market."""

from typing import Protocol

from fillbridge_hooks import ApprovedOrder, Instrument, MarketView, PriceWatch, Replacement


class Desk(Protocol):
    """A session of a simulation, or what takes its place: see ``SimulationSession``."""

    def submit(self, approved: ApprovedOrder) -> None:
        """Take an order over."""

    def cancel(self, client_order_id: str) -> None:
        """Withdraw what is left of an order."""

    def replace(self, change: Replacement) -> None:
        """Change a working order."""

    def open_market(self, instrument: Instrument) -> PriceWatch:
        """Trade ``instrument`` from now on; the watch is the same object at every call."""

    def market(self, symbol: str) -> MarketView:
        """What is known of the symbol now."""
