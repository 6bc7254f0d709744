"""What every execution handler offers, whatever it trades on."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from fillbridge.bus import EventBus, InProcessBus
from fillbridge.metrics import ExecutionMetrics
from fillbridge.positions import Position
from fillbridge.publishing import Publisher
from fillbridge_hooks import (
    EXECUTE_TRADE,
    EntryNotSent,
    ExitReason,
    FillbridgeError,
    InvalidValue,
    OrderInfo,
    OrderRefused,
    Refuse,
    RiskProposal,
)

_logger = logging.getLogger(__name__)


class AbstractExecutionHandler(ABC):
    """Takes trade proposals, keeps each trade protected until it is closed, and reports it.

    :param config: the configuration, as the caller gave it
    :param event_bus: where events come from and go to; an in-process bus where ``None``
    """

    def __init__(self, config: Any, event_bus: EventBus | None = None) -> None:
        self.config = config
        self.event_bus: EventBus = InProcessBus() if event_bus is None else event_bus
        self.metrics = ExecutionMetrics()
        self._is_over = False
        self.event_bus.subscribe(EXECUTE_TRADE, self.on_execute_trade)

    @property
    @abstractmethod
    def open_positions(self) -> Mapping[str, Position]:
        """Trades that hold a position, or whose entry may still fill, by trade id."""

    @property
    @abstractmethod
    def order_history(self) -> Mapping[str, OrderInfo]:
        """Every order that is still kept, as it stands, by client order id."""

    @abstractmethod
    async def execute_trade(self, proposal: RiskProposal) -> str:
        """Send the entry of a trade.

        :returns: the trade id, once the entry was handed to the driver
        :raises InvalidValue: if the proposal breaks a rule; nothing was sent
        :raises OrderRefused: if a check refuses it; nothing was sent
        """

    @abstractmethod
    async def cancel_order(self, order_id: str) -> bool:
        """Ask for an order to be withdrawn; ``False`` if it no longer works.

        :raises UnknownOrder: if no such order is known
        :raises InvalidValue: if it protects or closes a position, which is never left bare
        """

    @abstractmethod
    async def close_position(
        self, position_id: str, reason: ExitReason = ExitReason.MANUAL_OVERRIDE
    ) -> bool:
        """Ask for a trade to end; ``False`` if it is ending already.

        :raises UnknownOrder: if no such trade is open
        """

    @abstractmethod
    def get_connection_status(self) -> dict[str, Any]:
        """``status``, ``mode`` and what else says whether orders can go out."""

    @abstractmethod
    def _validate_proposal(self, proposal: RiskProposal) -> None:
        """Check a proposal against the market as it is now; nothing is sent.

        :raises InvalidValue: naming field, value and rule
        """

    @property
    @abstractmethod
    def _publisher(self) -> Publisher:
        """Where events are queued."""

    @abstractmethod
    def _now_ns(self) -> int:
        """The time of this handler, ns UTC."""

    def _is_ready_for_execution(self) -> bool:
        """Whether entries may go out."""
        return True

    def _require_ready(self) -> None:
        if not self._is_ready_for_execution():
            raise OrderRefused([Refuse(check="gate", limit="open for entries", value="stopped")])

    async def on_execute_trade(self, event_type: str, payload: RiskProposal) -> None:
        """Execute the proposal of an ``EXECUTE_TRADE`` event.

        Whatever refuses it becomes an ``EXECUTION_ERROR`` event with a sentence. A handler that
        has ended leaves it to others on the bus.
        """
        if self._is_over:
            return
        try:
            if not isinstance(payload, RiskProposal):
                raise InvalidValue("payload", "a RiskProposal", payload)
            await self._execute_from_bus(payload)
        except EntryNotSent:
            pass  # the end of its trade was published
        except FillbridgeError as error:
            self._publisher.execution_error(str(error), payload, self._now_ns())
        except Exception as error:
            _logger.exception("a proposal could not be executed")
            sentence = f"{type(error).__name__}: {error}"
            self._publisher.execution_error(sentence, payload, self._now_ns())
        await self.drain()

    def _leave_bus(self) -> None:
        if not self._is_over and isinstance(self.event_bus, InProcessBus):
            self.event_bus.unsubscribe(EXECUTE_TRADE, self.on_execute_trade)
        self._is_over = True

    def _join_bus_again(self) -> None:
        if self._is_over and isinstance(self.event_bus, InProcessBus):
            self.event_bus.subscribe(EXECUTE_TRADE, self.on_execute_trade)
        self._is_over = False

    async def _execute_from_bus(self, proposal: RiskProposal) -> str:
        return await self.execute_trade(proposal)

    async def drain(self) -> None:
        """Deliver every event that is queued, in order."""
        await self._publisher.drain()
