"""The simulated broker behind a socket: sessions, and requests without one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import anyio

from fillbridge_hooks import (
    ConfigurationError,
    FatalError,
    ForcedLogout,
    InvalidValue,
    RetryableError,
)
from fillbridge_sim.live.frames import LOST, Frames
from fillbridge_sim.live.session import LiveSession, log_in
from fillbridge_sim.live.wire import (
    CHUNK,
    VERSION,
    Answer,
    Ask,
    BadFrame,
    Broken,
    Cancel,
    Done,
    LoggedOut,
    LogIn,
    PushQuote,
    PushTrade,
    Refused,
    Replace,
    Reply,
    Request,
    ShowBook,
    Submit,
    Welcome,
    frame,
    read_request,
    to_wire,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from anyio.abc import ByteStream, Listener

    from fillbridge_hooks import BrokerOrder, BrokerPosition, Fill
    from fillbridge_sim.live.broker import LiveBroker

_SECOND = 1_000_000_000
_LEAST_PAUSE_NS = 1_000_000


class BrokerServer:
    """Lets whoever connects use one :class:`LiveBroker`.

    A connection that says what is not understood is closed; all others go on.
    """

    def __init__(self, broker: LiveBroker) -> None:
        self._broker = broker

    async def serve(self, listener: Listener[ByteStream]) -> None:
        """Serve connections, and keep the market moving between them, until cancelled."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._keep_time)
            await listener.serve(self.handle)

    async def _keep_time(self) -> None:
        # Without it, the first request after a quiet night would have all of it to make up for.
        broker = self._broker
        while True:
            now_ns = broker.advance()
            due_ns = min(broker.next_due_ns, now_ns + _SECOND)
            await broker.clock.sleep_until(max(due_ns, now_ns + _LEAST_PAUSE_NS))

    async def handle(self, stream: ByteStream) -> None:
        """Serve one connection until it ends."""
        frames = Frames(stream)
        try:
            request = read_request(await frames.read())
            if isinstance(request, LogIn):
                await self._open_session(frames, request)
                return
            while True:
                for reply in self._answer(request):
                    await frames.write(frame(reply))
                request = read_request(await frames.read())
        except (BadFrame, *LOST):
            pass
        finally:
            await frames.close()

    # Sessions

    async def _open_session(self, frames: Frames, request: LogIn) -> None:
        if request.version != VERSION:
            reason = f"version: expected {VERSION}, was {request.version}"
            await frames.write(frame(Refused(reason=reason)))
            return
        try:
            async with log_in(
                self._broker, request.account, request.instruments, takes_legs=True
            ) as session:
                await frames.write(frame(Welcome(version=VERSION)))
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._tell, session, frames)
                    await self._obey(session, frames)
                    tasks.cancel_scope.cancel()
        except ConfigurationError as error:
            await frames.write(frame(Refused(reason=str(error))))

    async def _tell(self, session: LiveSession, frames: Frames) -> None:
        with suppress(*LOST):
            try:
                while await frames.write(frame(to_wire(await session.receive()))):
                    pass
            except ForcedLogout:
                await frames.write(frame(LoggedOut()))
            except (FatalError, RetryableError) as error:
                is_fatal = isinstance(error, FatalError)
                await frames.write(frame(Broken(reason=str(error), is_fatal=is_fatal)))

    async def _obey(self, session: LiveSession, frames: Frames) -> None:
        """Carry out requests until the client has finished, even of a session that has ended."""
        with suppress(BadFrame, *LOST):
            while True:
                request = read_request(await frames.read())
                if isinstance(request, Submit):
                    session.submit_order(request.order, request.legs)
                elif isinstance(request, Cancel):
                    session.cancel_order(request.client_order_id)
                elif isinstance(request, Replace):
                    session.replace_order(request.change)
                elif isinstance(request, Ask):
                    # What became of an ended session is told by the other task.
                    with suppress(ForcedLogout, RetryableError):
                        for reply in await _ask(session, request):
                            await frames.write(frame(reply))
                else:
                    raise BadFrame("expected a request of a session")

    # Without a session

    def _answer(self, request: Request) -> Iterator[Reply]:
        broker = self._broker
        try:
            if isinstance(request, PushTrade):
                time_ns = broker.trade(request.symbol, request.price, request.size)
            elif isinstance(request, PushQuote):
                sizes = request.bid_size, request.ask_size
                time_ns = broker.quote(request.symbol, request.bid, request.ask, *sizes)
            elif isinstance(request, ShowBook):
                time_ns = broker.advance()
                yield from self._book()
            else:
                raise BadFrame("expected a login first")
        except InvalidValue as error:
            yield Refused(reason=str(error))
        else:
            yield Done(time_ns=time_ns)

    def _book(self) -> Iterator[Reply]:
        for name, account in self._broker.accounts.items():
            ledger = account.ledger
            for part in _parts(ledger.orders(), ledger.fills(), ledger.positions()):
                yield Answer(account=name, orders=part[0], fills=part[1], positions=part[2])


async def _ask(session: LiveSession, request: Ask) -> Iterable[Reply]:
    orders: tuple[BrokerOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    positions: tuple[BrokerPosition, ...] = ()
    if request.question == "working_orders":
        orders = await session.working_orders()
    elif request.question == "orders_today":
        orders = await session.orders_today()
    elif request.question == "fills":
        fills = await session.fills(request.since_ns)
    else:
        positions = await session.positions()
    number = request.number
    parts = [
        Answer(number=number, orders=part[0], fills=part[1], positions=part[2], more=True)
        for part in _parts(orders, fills, positions)
    ]
    return [*parts, Answer(number=number)]


def _parts(
    orders: tuple[BrokerOrder, ...],
    fills: tuple[Fill, ...],
    positions: tuple[BrokerPosition, ...],
) -> Iterator[tuple[tuple[BrokerOrder, ...], tuple[Fill, ...], tuple[BrokerPosition, ...]]]:
    """What fits into one frame each; the first has the positions."""
    yield (), (), positions
    for start in range(0, len(orders), CHUNK):
        yield orders[start : start + CHUNK], (), ()
    for start in range(0, len(fills), CHUNK):
        yield (), fills[start : start + CHUNK], ()
