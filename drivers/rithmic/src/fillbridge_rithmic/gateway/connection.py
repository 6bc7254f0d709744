"""One client from its first message to its last."""

from __future__ import annotations

from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import anyio

from fillbridge_rithmic.gateway.answers import rejected
from fillbridge_rithmic.gateway.codec import BadFrame, has_field, unpack
from fillbridge_rithmic.gateway.dispatch import carry_out
from fillbridge_rithmic.gateway.gateway import Received
from fillbridge_rithmic.gateway.sessions import Session
from fillbridge_rithmic.gateway.transport.websocket import LOST

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.transport.websocket import Websocket


async def converse(gateway: Gateway, websocket: Websocket, number: int) -> None:
    """Carry out what a client asks for until it leaves, falls silent or is thrown out."""
    session = Session(websocket, number)
    gateway.sessions.append(session)
    try:
        async with anyio.create_task_group() as tasks:

            async def listen() -> None:
                with suppress(*LOST):
                    await _listen(gateway, session, tasks.cancel_scope)
                tasks.cancel_scope.cancel()

            async def write() -> None:
                with suppress(*LOST):
                    await session.write()
                tasks.cancel_scope.cancel()

            tasks.start_soon(listen)
            tasks.start_soon(write)
            await session.aborts.wait()
            tasks.cancel_scope.cancel()
    finally:
        gateway.sessions.remove(session)
        if session.breaks:
            await websocket.abort()
        else:
            await websocket.close()


async def _listen(gateway: Gateway, session: Session, scope: anyio.CancelScope) -> None:
    patience_s = gateway.settings.heartbeat_interval_s * gateway.settings.idle_intervals
    scope.deadline = anyio.current_time() + patience_s
    async with aclosing(session.websocket.messages()) as messages:
        async for data in messages:
            scope.deadline = anyio.current_time() + patience_s
            try:
                if data is None:
                    raise BadFrame("message length is invalid")
                for message in unpack(data):
                    if session.is_over:
                        return
                    _remember(gateway, session, message)
                    carry_out(gateway, session, message)
            except BadFrame as error:
                session.send(rejected(None, ("6", str(error))))


def _remember(gateway: Gateway, session: Session, message: Any) -> None:
    kept = message
    if has_field(message, "password"):
        kept = type(message)()
        kept.CopyFrom(message)
        kept.ClearField("password")
    gateway.received.append(
        Received(
            connection=session.number,
            plant=session.plant,
            template=message.template_id,
            message=kept,
            time_ns=gateway.now_ns(),
        )
    )
