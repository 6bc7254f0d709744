"""The driver that is registered under the name ``sim``."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fillbridge_hooks import Capabilities, MarketListener, SimulationSession, VirtualClock
from fillbridge_sim.session import SimulatedBroker
from fillbridge_sim.settings import SimulationSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from fillbridge_hooks import ConnectionTerms, Rehearsal, Session, SlippageFunction
    from fillbridge_sim.live import LiveBroker


class SimDriver:
    """Opens simulated brokers in this process, for backtests and for live trading.

    Live, there is one broker per driver object. It begins at the first connection, under the
    settings of that; it keeps its accounts as long as the driver lives, while sessions come and
    go, and takes its time from the clock of the latest one. A second login on an account ends the
    first session with ``ForcedLogout``.

    Submission is not idempotent: a client order id that was used before makes another order.

    :param bracket: whether stop and target rest at the broker, in an order's ``legs``
    """

    def __init__(self, bracket: bool = False) -> None:
        self.capabilities = Capabilities(
            bracket=bracket,
            oco=bracket,
            replace=True,
            query_by_client_order_id=True,
            partial_fills=True,
            market_data=True,
        )
        self.broker: LiveBroker | None = None
        """The broker of live trading, once something has connected to it."""

    @property
    def is_over(self) -> bool:
        """Whether the recorded market of live trading has ended; others never do."""
        return self.broker is not None and self.broker.is_over

    def open_session(
        self,
        settings: Any,
        clock: VirtualClock,
        slippage: tuple[str, SlippageFunction] | None,
        listener: MarketListener,
    ) -> SimulationSession:
        """A simulated broker of its own under ``settings`` (``SimulationSettings`` or ``None``)."""
        return SimulatedBroker(settings or SimulationSettings(), clock, slippage, listener)

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[Session]:
        """Log in to ``terms.account``, which is opened if it is new.

        :raises ConfigurationError: if the market of the settings cannot be opened
        """
        # Imported here because a backtest needs none of it.
        from fillbridge_sim.live.broker import LiveBroker
        from fillbridge_sim.live.session import log_in

        if self.broker is None:
            settings = terms.settings or SimulationSettings()
            self.broker = LiveBroker(settings, terms.clock, terms.slippage)
        self.broker.clock = terms.clock
        takes_legs = self.capabilities.bracket
        async with log_in(self.broker, terms.account, terms.instruments, takes_legs) as session:
            yield session

    def conformance(self, settings: Any) -> AbstractAsyncContextManager[Rehearsal]:
        """Rehearse with a broker of its own; needs ``fillbridge-hooks[testing]``."""
        from fillbridge_sim.live.rehearsal import rehearse

        own = SimDriver(self.capabilities.bracket)
        return rehearse(own, settings or SimulationSettings())
