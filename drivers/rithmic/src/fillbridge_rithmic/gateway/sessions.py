"""The clients of a gateway, and what each of them wants to hear."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

import anyio

from fillbridge_rithmic.gateway.codec import pack

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.codes import Plant
    from fillbridge_rithmic.gateway.settings import User
    from fillbridge_rithmic.gateway.transport.websocket import Websocket

_MOST_UNSENT: Final = 200_000
"""A client that leaves so many messages unread is disconnected."""


class Session:
    """One connection; a login makes it one of a user at a plant."""

    def __init__(self, websocket: Websocket, number: int) -> None:
        self.websocket = websocket
        self.number = number
        self.user: User | None = None
        self.plant: Plant | None = None
        self.order_accounts: set[str] = set()
        """Accounts whose orders it hears of."""
        self.bracket_accounts: set[str] = set()
        self.position_accounts: set[str] = set()
        self.hears_of_routes = False
        self.market_data: dict[str, int] = {}
        """What it wants to know of each symbol, in bits."""
        self.is_over = False
        """Whether nothing that it sends is heard any more."""
        self.futile_cancels = 0
        self.coalesces = False
        """Whether what waits to be sent goes into one websocket message."""
        self.frame_parts = 1
        """Frames that each websocket message is sent in."""
        self.is_silent = False
        """Whether what it is sent is lost, as on a half-open connection."""
        self._unsent: deque[bytes] = deque()
        self._news = anyio.Event()
        self._last_words = False
        self.breaks = False
        """Whether its connection is reset when it ends."""
        self.aborts = anyio.Event()
        """Set to break the connection."""

    def heard_accounts(self, template: int) -> set[str]:
        """Accounts whose notifications of a template it wants to hear."""
        if template in (450, 451):
            return self.position_accounts
        return self.bracket_accounts if template == 353 else self.order_accounts

    def send(self, message: Any) -> None:
        """Send a message, after those before it."""
        self.send_bytes(pack(message))

    def send_bytes(self, data: bytes) -> None:
        """Send a websocket message as it is."""
        if self.is_silent or self._last_words:
            return
        if len(self._unsent) >= _MOST_UNSENT:
            self.abort()
            return
        self._unsent.append(data)
        self._news.set()

    def fall_silent(self) -> None:
        """Hear and say nothing any more, with the connection left open."""
        self.is_silent = self.breaks = True
        self.websocket.reads = False

    def finish(self, *, breaks: bool = False) -> None:
        """End once what was said so far is sent.

        :param breaks: whether the connection is reset then, not closed
        """
        self.is_over = True
        self.breaks = self.breaks or breaks
        self._last_words = True
        self._news.set()

    def abort(self) -> None:
        """Break the connection; what is not sent yet never is."""
        self.is_over = True
        self._unsent.clear()
        self._last_words = True
        self.breaks = True
        self.aborts.set()

    async def write(self) -> None:
        """Send what is to be sent until :meth:`finish` was called."""
        while True:
            while self._unsent:
                messages = list(self._unsent)
                self._unsent.clear()
                if self.coalesces:
                    messages = [b"".join(messages)]
                await self.websocket.send(messages, self.frame_parts)
            if self._last_words:
                return
            self._news = anyio.Event()
            await self._news.wait()
