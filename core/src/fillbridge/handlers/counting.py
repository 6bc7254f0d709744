"""Counts what a driver is handed, right before it is."""

from fillbridge.live.tally import CANCEL, CHANGE, SUBMIT, Tally
from fillbridge_hooks import ApprovedOrder, Replacement, SendOutcome, Session


class CountedSession:
    """A session whose requests are counted; whatever else it does is the session's own."""

    def __init__(self, session: Session, tally: Tally) -> None:
        self._session = session
        self._tally = tally
        self.receive = session.receive
        self.working_orders = session.working_orders
        self.orders_today = session.orders_today
        self.fills = session.fills
        self.positions = session.positions

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
