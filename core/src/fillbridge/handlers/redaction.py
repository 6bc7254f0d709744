"""Keeps secrets out of what a driver says: its errors are logged, recorded and published."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeVar

import msgspec

from fillbridge_hooks import (
    ApprovedOrder,
    BrokerOrder,
    BrokerPosition,
    ConnectionTerms,
    Driver,
    Fill,
    Message,
    Replacement,
    Secret,
    SendOutcome,
    Session,
)

_MASK = "***"
_SHORT = 4

MessageT = TypeVar("MessageT")


class Redactor:
    """Masks every secret that was given out, wherever it stands in a text.

    One of fewer than four characters is masked only where it stands alone: elsewhere it would be
    told by what is missing.
    """

    def __init__(self) -> None:
        self._secrets: list[Secret] = []

    def learn(self, secret: Secret) -> None:
        """Mask this one from now on."""
        if secret.reveal() and secret not in self._secrets:
            self._secrets.append(secret)
            # The longest first: one may be a part of another.
            self._secrets.sort(key=lambda known: -len(known.reveal()))

    def __call__(self, text: str) -> str:
        """The text without any secret."""
        for secret in self._secrets:
            value = secret.reveal()
            if value not in text:
                continue
            if len(value) >= _SHORT:
                text = text.replace(value, _MASK)
            else:
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", _MASK, text)
        return text

    def clean(self, error: BaseException) -> None:
        """Mask what an error says, and those that it came from."""
        seen: set[int] = set()
        ahead: list[BaseException | None] = [error]
        while ahead:
            found = ahead.pop()
            if found is None or id(found) in seen:
                continue
            seen.add(id(found))
            found.args = tuple(self._cleaned(value) for value in found.args)
            for name, value in vars(found).items():
                setattr(found, name, self._cleaned(value))
            ahead += [found.__cause__, found.__context__]
            if isinstance(found, BaseExceptionGroup):
                ahead += found.exceptions

    def message(self, message: MessageT) -> MessageT:
        """A message of the broker, its reason masked."""
        reason = getattr(message, "reason", None)
        if type(reason) is not str:
            return message
        cleaned = self(reason)
        if cleaned == reason:
            return message
        changed: Any = message
        return msgspec.structs.replace(changed, reason=cleaned)  # type: ignore[no-any-return]

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Mask what goes through."""
        try:
            yield
        except Exception as error:
            self.clean(error)
            raise

    def _cleaned(self, value: object) -> object:
        return self(value) if type(value) is str else value


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
