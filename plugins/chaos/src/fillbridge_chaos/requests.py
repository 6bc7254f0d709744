"""Requests as they travel to the broker: first in, first out, each with its time of arrival."""

from collections import deque

import anyio
import msgspec

from fillbridge_hooks import (
    NEVER,
    ApprovedOrder,
    CancelRejected,
    Permit,
    Rejected,
    Replacement,
    ReplaceRejected,
    Report,
    SendOutcome,
    Session,
)


class CancelRequest(msgspec.Struct, frozen=True):
    """A request to withdraw the rest of an order."""

    client_order_id: str


Request = ApprovedOrder | CancelRequest | Replacement


def order_id(request: Request) -> str:
    """The order that a request is about."""
    if isinstance(request, ApprovedOrder):
        return request.order.client_order_id
    return request.client_order_id


def taken_over(approved: ApprovedOrder) -> ApprovedOrder:
    """Spend the permit of an order and take it on, to be handed over once, later or never.

    :raises PermitSpent: if the permit was used before
    """
    approved.permit.spend()
    return msgspec.structs.replace(approved, permit=Permit())


def refusal(request: Request, reason: str, time_ns: int) -> Report:
    """The report that refuses a request."""
    if isinstance(request, ApprovedOrder):
        return Rejected(request.order.client_order_id, reason, time_ns)
    if isinstance(request, Replacement):
        return ReplaceRejected(request.client_order_id, reason, time_ns, request)
    return CancelRejected(request.client_order_id, reason, time_ns)


class RequestLine:
    """The way to the broker: nothing overtakes, whatever latency was drawn."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: deque[tuple[int, Request]] = deque()
        self._last_due_ns = 0
        self._lock = anyio.Lock()

    @property
    def next_due_ns(self) -> int:
        """When the next request arrives; ``NEVER`` where none is under way."""
        return self._waiting[0][0] if self._waiting else NEVER

    @property
    def under_way(self) -> int:
        """How many requests are under way."""
        return len(self._waiting)

    def arrival_ns(self, due_ns: int) -> int:
        """When something that would take until ``due_ns`` arrives, behind what went before."""
        # Never at one time with the one before: two tasks would wake for them, in any order.
        behind_ns = self._last_due_ns + 1 if self._waiting else self._last_due_ns
        self._last_due_ns = max(behind_ns, due_ns)
        return self._last_due_ns

    def put(self, due_ns: int, request: Request) -> None:
        """Send a request off."""
        self._waiting.append((self.arrival_ns(due_ns), request))

    async def arrive(self, now_ns: int) -> list[tuple[Request, SendOutcome]]:
        """Hand over what has arrived by now; answer what the driver said to each."""
        outcomes: list[tuple[Request, SendOutcome]] = []
        if self.next_due_ns > now_ns:
            return outcomes
        async with self._lock:
            while self._waiting and self._waiting[0][0] <= now_ns:
                _, request = self._waiting.popleft()
                outcomes.append((request, await self._hand_over(request)))
        return outcomes

    async def cut(self, arriving: int) -> list[Request]:
        """Hand over the first ``arriving`` that are under way; answer those that are lost."""
        under_way = [request for _, request in self._waiting]
        self._waiting.clear()
        async with self._lock:
            for request in under_way[:arriving]:
                await self._hand_over(request)
        return under_way[arriving:]

    async def _hand_over(self, request: Request) -> SendOutcome:
        if isinstance(request, ApprovedOrder):
            return await self._session.submit(request)
        if isinstance(request, Replacement):
            return await self._session.replace(request)
        return await self._session.cancel(request.client_order_id)
