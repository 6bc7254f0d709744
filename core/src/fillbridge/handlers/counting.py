"""Counts what a driver is handed, right before it is."""

from fillbridge.live.tally import CANCEL, CHANGE, SUBMIT, Tally
from fillbridge_hooks import (
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    Fill,
    Message,
    Replacement,
    SendOutcome,
    Session,
)


class CountedSession:
    """A session whose requests are counted; whatever else it does is the session's own."""

    def __init__(self, session: Session, tally: Tally) -> None:
        self._session = session
        self._tally = tally

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        """See :meth:`fillbridge_hooks.Session.submit`."""
        self._tally.left(approved.order.client_order_id, SUBMIT)
        return await self._session.submit(approved)

    async def cancel(self, client_order_id: str) -> SendOutcome:
        """See :meth:`fillbridge_hooks.Session.cancel`."""
        self._tally.left(client_order_id, CANCEL)
        return await self._session.cancel(client_order_id)

    async def replace(self, change: Replacement) -> SendOutcome:
        """See :meth:`fillbridge_hooks.Session.replace`."""
        self._tally.left(change.client_order_id, CHANGE)
        return await self._session.replace(change)

    async def receive(self) -> Message:
        """See :meth:`fillbridge_hooks.Session.receive`."""
        return await self._session.receive()

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        """See :meth:`fillbridge_hooks.Session.working_orders`."""
        return await self._session.working_orders()

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        """See :meth:`fillbridge_hooks.Session.orders_today`."""
        return await self._session.orders_today()

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """See :meth:`fillbridge_hooks.Session.fills`."""
        return await self._session.fills(since_ns)

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """See :meth:`fillbridge_hooks.Session.positions`."""
        return await self._session.positions()
