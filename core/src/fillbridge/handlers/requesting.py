"""What may be asked of any handler about the orders and trades that it has."""

from abc import abstractmethod

from fillbridge.engine.messages import CancelRequested, CloseRequested, ReplaceRequested
from fillbridge.engine.state import EngineState
from fillbridge.handlers.abstract import AbstractExecutionHandler
from fillbridge.handlers.orders import KnownOrders
from fillbridge.handlers.requests import changed_levels
from fillbridge_hooks import (
    ExitReason,
    Instrument,
    InvalidValue,
    KillLevel,
    OrderRole,
    UnknownOrder,
)

Request = CancelRequested | ReplaceRequested | CloseRequested

_PROTECTING = (OrderRole.STOP, OrderRole.EXIT)


class RequestingHandler(AbstractExecutionHandler):
    """Cancels, changes and closes through the engine, whatever surrounds that."""

    _orders: KnownOrders

    @property
    @abstractmethod
    def _state(self) -> EngineState:
        """What is known of every trade."""

    @abstractmethod
    def _last_price(self, instrument: Instrument) -> float | None:
        """The last price that is known."""

    @abstractmethod
    def _request(self, message: Request) -> bool:
        """Carry a request out; whether anything follows from it."""

    def _catch_up(self) -> None:
        """Take in what was left for later, before anything is looked up."""

    async def _deliver_events(self) -> None:
        """Deliver what a request brought about, where nobody else does."""

    async def cancel_order(self, order_id: str) -> bool:
        """Withdraw an order; see :meth:`AbstractExecutionHandler.cancel_order`."""
        self._catch_up()
        trade, order_state = self._orders.find(order_id)
        order = order_state.order
        if trade.held and order.role in _PROTECTING:
            raise InvalidValue(
                "order_id", "an order that neither protects nor closes a position", order_id
            )
        reason = "cancelled on request"
        done = self._request(CancelRequested(order.client_order_id, reason, self._now_ns()))
        await self._deliver_events()
        return done

    async def modify_order(
        self,
        order_id: str,
        *,
        limit_price: float | None = None,
        trigger_price: float | None = None,
    ) -> bool:
        """Move the price levels of a working order; ``False`` if it no longer works.

        :raises UnknownOrder: if no such order is known
        :raises InvalidValue: if no price is given, or one is off the grid, not one that this
            order type has, or a trigger that would act at once
        :raises OrderRefused: if it is an entry, and one with these prices could not be sent now
        """
        self._catch_up()
        _, order_state = self._orders.find(order_id)
        order = order_state.order
        last = self._last_price(order.instrument)
        levels = changed_levels(order_state, limit_price, trigger_price, last)
        done = self._request(ReplaceRequested(order.client_order_id, *levels, self._now_ns()))
        await self._deliver_events()
        return done

    async def close_position(
        self, position_id: str, reason: ExitReason = ExitReason.MANUAL_OVERRIDE
    ) -> bool:
        """End a trade; see :meth:`AbstractExecutionHandler.close_position`."""
        done = self.request_close(position_id, reason)
        await self._deliver_events()
        return done

    def request_close(self, position_id: str, reason: ExitReason) -> bool:
        """:meth:`close_position` without delivering events.

        :raises UnknownOrder: if no such trade is open
        """
        self._catch_up()
        if position_id not in self._state.trades:
            raise UnknownOrder("open trade", position_id)
        return self._request(CloseRequested(position_id, reason, self._now_ns()))

    def kill(self, level: KillLevel, reason: str = "", by: str = "") -> None:
        """Stop as far as ``level`` says: entries, those that work, and positions."""
        self.stop_entries(reason, by)
        if level is KillLevel.PAUSE:
            return
        self.cancel_entries()
        if level is KillLevel.FLATTEN:
            for trade_id in tuple(self.open_positions):
                # Withdrawing an entry may have ended its trade meanwhile.
                if trade_id in self.open_positions:
                    self.request_close(trade_id, ExitReason.MANUAL_OVERRIDE)

    @abstractmethod
    def stop_entries(self, reason: str = "", by: str = "") -> None:
        """Refuse every proposal from now on."""

    def cancel_entries(self) -> None:
        """Withdraw every entry that may still fill; stops and targets stay."""
        self._catch_up()
        for trade in tuple(self._state.trades.values()):
            entry_id = trade.entry.order.client_order_id
            self._request(CancelRequested(entry_id, "all orders cancelled", self._now_ns()))
