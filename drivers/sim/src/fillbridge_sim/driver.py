"""The driver that is registered under the name ``sim``."""

from typing import Any

from fillbridge_hooks import (
    Capabilities,
    MarketListener,
    SimulationSession,
    SlippageFunction,
    VirtualClock,
)
from fillbridge_sim.session import SimulatedBroker
from fillbridge_sim.settings import SimulationSettings


class SimDriver:
    """Opens simulated brokers in this process."""

    capabilities = Capabilities(replace=True, partial_fills=True, market_data=True)

    def open_session(
        self,
        settings: Any,
        clock: VirtualClock,
        slippage: tuple[str, SlippageFunction] | None,
        listener: MarketListener,
    ) -> SimulationSession:
        """A simulated broker of its own under ``settings`` (``SimulationSettings`` or ``None``)."""
        return SimulatedBroker(settings or SimulationSettings(), clock, slippage, listener)
