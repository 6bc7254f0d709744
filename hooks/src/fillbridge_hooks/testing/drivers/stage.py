"""What a requirement on a driver is tested with: orders around a price, a market, a link."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

import msgspec

from fillbridge_hooks.broker import BrokerOrder
from fillbridge_hooks.driver import SendOutcome
from fillbridge_hooks.orders import ApprovedOrder, Fill, Order, Permit
from fillbridge_hooks.rehearsal import Rehearsal
from fillbridge_hooks.reports import (
    Accepted,
    Cancelled,
    NotSent,
    OutcomeUnknown,
    Rejected,
    Sent,
)
from fillbridge_hooks.terms import OrderRole, OrderType, Side
from fillbridge_hooks.testing.drivers.conversation import Conversation
from fillbridge_hooks.testing.requirements import Unmet, demand

BASE_TICKS = 20_000
"""Where every market begins; other prices are given as ticks from here."""

FAR = 1_000
"""So many ticks away that no test drives the market there."""


class Stage:
    """The broker of one test, and shorthand for what tests do with it."""

    def __init__(self, rehearsal: Rehearsal, name: str) -> None:
        """Begin.

        :param name: what the client order ids of the test begin with
        """
        self.rehearsal = rehearsal
        self.instrument = rehearsal.terms.instruments[0]
        self.symbol = self.instrument.symbol
        self._name = name
        self._numbers = count(1)
        self._moved = False

    # Sessions

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Conversation]:
        """Connect; the market trades at the base price once the first session is open."""
        rehearsal = self.rehearsal
        async with AsyncExitStack() as opened:
            session = await opened.enter_async_context(rehearsal.driver.connect(rehearsal.terms))
            talk = Conversation(session, rehearsal.patience_s, opened.aclose)
            if not self._moved:
                self._moved = True
                await self.drive(0)
            yield talk

    async def lose(self, talk: Conversation) -> None:
        """Break the link of a session; leave it where the link cannot be broken."""
        if self.rehearsal.cut is None:
            await talk.leave()
        else:
            await self.rehearsal.cut()

    async def lose_after(
        self, talk: Conversation, request: Callable[[], Awaitable[SendOutcome]]
    ) -> SendOutcome:
        """Make a request whose outcome the session does not hear of before the link is lost."""
        if self.rehearsal.cut is not None:
            await self.rehearsal.cut(after_next_request=True)
            return await request()
        outcome = await request()
        await talk.leave()
        return outcome

    # The market

    async def drive(self, ticks: int, quantity: int | None = None) -> None:
        """Let the market trade so many ticks from the base price."""
        await self.rehearsal.drive(self.symbol, self.price(ticks), quantity)

    def price(self, ticks: int) -> float:
        """The price so many ticks from the base price, in points."""
        return self.instrument.to_price(BASE_TICKS + ticks)

    # Orders

    def order(self, side: Side, quantity: int, order_type: OrderType, **fields: Any) -> Order:
        """An order with a client order id of its own; ``fields`` are those of ``Order``."""
        trade_id = fields.pop("trade_id", None) or f"{self._name}-{next(self._numbers)}"
        role = fields.pop("role", OrderRole.ENTRY)
        return Order(
            client_order_id=fields.pop("client_order_id", f"{trade_id}_{role.name}"),
            trade_id=trade_id,
            role=role,
            instrument=fields.pop("instrument", self.instrument),
            side=side,
            quantity=quantity,
            order_type=order_type,
            **fields,
        )

    def market(self, side: Side, quantity: int = 1) -> Order:
        """A market order."""
        return self.order(side, quantity, OrderType.MARKET)

    def limit(self, side: Side, ticks: int, quantity: int = 1) -> Order:
        """A limit order so many ticks from the base price."""
        return self.order(side, quantity, OrderType.LIMIT, limit_ticks=BASE_TICKS + ticks)

    def stop(self, side: Side, ticks: int, quantity: int = 1) -> Order:
        """A stop order so many ticks from the base price."""
        return self.order(side, quantity, OrderType.STOP, trigger_ticks=BASE_TICKS + ticks)

    async def submit(self, talk: Conversation, order: Order, **approval: Any) -> SendOutcome:
        """Submit an order with a permit of its own; ``approval``: of ``ApprovedOrder``."""
        return await talk.session.submit(ApprovedOrder(order, Permit(), **approval))

    async def send(self, talk: Conversation, order: Order, **approval: Any) -> Accepted:
        """Submit an order and hear that the broker works it.

        :raises Unmet: if it was not sent, or no ``Accepted`` comes
        """
        outcome = await self.submit(talk, order, **approval)
        expect_sent("submit()", outcome, order.client_order_id)
        return await talk.answer(order.client_order_id, Accepted)

    async def trade(self, talk: Conversation, side: Side, quantity: int = 1) -> list[Fill]:
        """Trade at the base price by a market order.

        :raises Unmet: if it does not fill
        """
        order = self.market(side, quantity)
        await self.send(talk, order)
        await self.drive(0)
        return await talk.filled(order.client_order_id, quantity)

    async def is_taken(self, talk: Conversation, order: Order) -> bool:
        """Submit an order; whether the broker works it, ``False`` if it was refused.

        :raises Unmet: if it is neither, or a refusal gives no reason
        """
        outcome = await self.submit(talk, order)
        if isinstance(outcome, NotSent):
            demand(outcome.reason, "NotSent.reason: expected a reason, was ''")
            return False
        expect_sent("submit()", outcome, order.client_order_id)
        answer = await talk.answer(order.client_order_id, Accepted, Rejected)
        if isinstance(answer, Rejected):
            demand(answer.reason, "Rejected.reason: expected a reason, was ''")
            return False
        return True

    async def withdraw(self, talk: Conversation, order: Order) -> None:
        """Cancel an order and hear that it is.

        :raises Unmet: if the cancel was not sent, or no ``Cancelled`` comes
        """
        outcome = await talk.session.cancel(order.client_order_id)
        expect_sent("cancel()", outcome, order.client_order_id)
        await talk.answer(order.client_order_id, Cancelled)

    async def settle(self, talk: Conversation) -> None:
        """Hear what the broker has to say: an order is sent and withdrawn far from the market.

        :raises Unmet: if either is not answered
        """
        probe = self.limit(Side.BUY, -FAR)
        await self.send(talk, probe)
        await self.withdraw(talk, probe)


def expect_sent(call: str, outcome: SendOutcome, client_order_id: str) -> None:
    """Go on if a request left.

    :raises Unmet: if it did not
    """
    if not isinstance(outcome, Sent):
        raise Unmet(f"{call} of {client_order_id}: expected Sent, was {outcome!r}")


def expect_outcome_of_lost_link(call: str, outcome: object) -> None:
    """Go on if a request on a lost link was answered with what can be known of it.

    :raises Unmet: if it was not
    """
    if not isinstance(outcome, Sent | NotSent | OutcomeUnknown):
        raise Unmet(f"{call}: expected Sent, NotSent or OutcomeUnknown, was {outcome!r}")


def expect_terms(found: BrokerOrder, order: Order, **differing: Any) -> None:
    """Go on if the broker has the order as it was asked for, but for what is said here.

    :raises Unmet: naming the field that differs
    """
    expected = {
        "symbol": order.instrument.symbol,
        "side": order.side,
        "quantity": order.quantity,
        "order_type": order.order_type,
        "limit_ticks": order.limit_ticks,
        "trigger_ticks": order.trigger_ticks,
        **differing,
    }
    was = msgspec.structs.asdict(found)
    for field, value in expected.items():
        demand(
            was[field] == value,
            f"{order.client_order_id}.{field}: expected {value!r}, was {was[field]!r}",
        )
