"""Keeps secrets out of what a driver says: its errors are logged, recorded and published."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fillbridge.redaction import Redactor as Redactor
from fillbridge_hooks import (
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    ConnectionTerms,
    Driver,
    Fill,
    Message,
    Replacement,
    SendOutcome,
    Session,
)


class RedactedDriver:
    """A driver whose errors hold no secret."""

    def __init__(self, driver: Driver, redactor: Redactor) -> None:
        self.capabilities = driver.capabilities
        self._driver = driver
        self._redactor = redactor

    def connect(self, terms: ConnectionTerms) -> AbstractAsyncContextManager[Session]:
        """Connect and log in; see :meth:`fillbridge_hooks.Driver.connect`."""
        return self._connect(terms)

    @asynccontextmanager
    async def _connect(self, terms: ConnectionTerms) -> AsyncIterator[Session]:
        with self._redactor.errors():
            async with self._driver.connect(terms) as session:
                yield session


class RedactedSession:
    """A session whose errors, outcomes and reports hold no secret."""

    def __init__(self, session: Session, redactor: Redactor) -> None:
        self._session = session
        self._redactor = redactor

    async def submit(self, approved: ApprovedOrder) -> SendOutcome:
        """See :meth:`fillbridge_hooks.Session.submit`."""
        with self._redactor.errors():
            return self._redactor.message(await self._session.submit(approved))

    async def cancel(self, client_order_id: str) -> SendOutcome:
        """See :meth:`fillbridge_hooks.Session.cancel`."""
        with self._redactor.errors():
            return self._redactor.message(await self._session.cancel(client_order_id))

    async def replace(self, change: Replacement) -> SendOutcome:
        """See :meth:`fillbridge_hooks.Session.replace`."""
        with self._redactor.errors():
            return self._redactor.message(await self._session.replace(change))

    async def receive(self) -> Message:
        """See :meth:`fillbridge_hooks.Session.receive`."""
        with self._redactor.errors():
            return self._redactor.message(await self._session.receive())

    async def working_orders(self) -> tuple[BrokerOrder, ...]:
        """See :meth:`fillbridge_hooks.Session.working_orders`."""
        with self._redactor.errors():
            return tuple(map(self._redactor.message, await self._session.working_orders()))

    async def orders_today(self) -> tuple[BrokerOrder, ...]:
        """See :meth:`fillbridge_hooks.Session.orders_today`."""
        with self._redactor.errors():
            return tuple(map(self._redactor.message, await self._session.orders_today()))

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """See :meth:`fillbridge_hooks.Session.fills`."""
        with self._redactor.errors():
            return await self._session.fills(since_ns)

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """See :meth:`fillbridge_hooks.Session.positions`."""
        with self._redactor.errors():
            return await self._session.positions()
