"""One session as a test uses it: everything it says is kept, and waiting has an end."""

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio

from fillbridge_hooks.broker import BrokerOrder
from fillbridge_hooks.driver import MarketMessage, Message, Session
from fillbridge_hooks.errors import RetryableError
from fillbridge_hooks.orders import Fill
from fillbridge_hooks.reports import Report
from fillbridge_hooks.testing.requirements import Unmet, demand

T = TypeVar("T")
M = TypeVar("M", bound=Message)


class Conversation:
    """A session with all that was heard from it."""

    def __init__(
        self, session: Session, patience_s: float, leave: Callable[[], Awaitable[None]]
    ) -> None:
        self.session = session
        self.leave = leave
        """Ends the session before its block does."""
        self.heard: list[Message] = []
        self._patience_s = patience_s

    @property
    def reports(self) -> list[Report]:
        """All that was heard of orders."""
        return [said for said in self.heard if not isinstance(said, MarketMessage)]

    def about(self, client_order_id: str) -> list[Report]:
        """All reports on one order."""
        return [said for said in self.reports if said.client_order_id == client_order_id]

    def fills(self, client_order_id: str) -> list[Fill]:
        """The fills of one order that were heard of, each once."""
        said = [report for report in self.about(client_order_id) if isinstance(report, Fill)]
        return list({fill.fill_id: fill for fill in said}.values())

    async def hear(self) -> None:
        """Listen once.

        :raises Unmet: if what comes is no message
        """
        said = await self.session.receive()
        demand(isinstance(said, Message), f"receive(): expected a message, was {said!r}")
        self.heard.append(said)

    async def within_patience(self, what: str, wait: Callable[[], Awaitable[T]]) -> T:
        """What ``wait`` answers.

        :raises Unmet: if it takes too long
        """
        with anyio.move_on_after(self._patience_s):
            return await wait()
        raise Unmet(f"expected {what}, heard {_listed(self.heard)} in {self._patience_s} s")

    async def until(self, what: str, said: Callable[[], T | None]) -> T:
        """Listen until ``said`` finds what it looks for in what was heard.

        :raises Unmet: if that takes too long
        """

        async def listen() -> T:
            while (found := said()) is None:
                await self.hear()
            return found

        return await self.within_patience(what, listen)

    async def answer(self, client_order_id: str, *kinds: type[M]) -> M:
        """The first report of these kinds on an order.

        :raises Unmet: if none comes
        """
        names = " or ".join(kind.__name__ for kind in kinds)

        def said() -> M | None:
            for report in self.about(client_order_id):
                if isinstance(report, kinds):
                    return report
            return None

        return await self.until(f"{names} for {client_order_id}", said)

    async def filled(self, client_order_id: str, quantity: int) -> list[Fill]:
        """The fills of an order, once they make up ``quantity``.

        :raises Unmet: if they do not
        """

        def said() -> list[Fill] | None:
            fills = self.fills(client_order_id)
            return fills if sum(fill.quantity for fill in fills) >= quantity else None

        return await self.until(f"fills of {quantity} for {client_order_id}", said)

    async def lost(self) -> None:
        """Listen until the session says that it is over.

        :raises Unmet: if it does not
        """

        async def listen() -> None:
            while True:
                try:
                    await self.hear()
                except RetryableError:
                    return

        await self.within_patience("RetryableError from receive() of a lost session", listen)

    async def order(self, client_order_id: str, among: str = "orders_today") -> BrokerOrder:
        """An order as the broker has it.

        :param among: ``orders_today`` or ``working_orders``
        :raises Unmet: if it is not there, or there twice
        """
        found = await self.orders(client_order_id, among)
        demand(found, f"{among}(): expected {client_order_id} in it, was left out")
        return found[0]

    async def orders(self, client_order_id: str, among: str = "orders_today") -> list[BrokerOrder]:
        """An order as the broker has it; empty where it has none.

        :raises Unmet: if it is there twice
        """
        working = among == "working_orders"
        session = self.session
        answer = await (session.working_orders() if working else session.orders_today())
        found = [order for order in answer if order.client_order_id == client_order_id]
        demand(
            len(found) < 2, f"{among}(): expected {client_order_id} once, was {len(found)} times"
        )
        return found

    async def working(self) -> set[str]:
        """The client order ids of all orders that may still fill."""
        return {order.client_order_id for order in await self.session.working_orders()}

    async def position(self, symbol: str) -> int:
        """What the account holds, signed.

        :raises Unmet: if the broker lists the symbol twice
        """
        held = [one.quantity for one in await self.session.positions() if one.symbol == symbol]
        demand(len(held) < 2, f"positions(): expected {symbol} once, was {len(held)} times")
        return sum(held)


def _listed(heard: Iterable[Message]) -> str:
    said = [
        f"{type(one).__name__} for {one.client_order_id}"
        for one in heard
        if not isinstance(one, MarketMessage)
    ]
    return ", ".join(said) or "nothing"
