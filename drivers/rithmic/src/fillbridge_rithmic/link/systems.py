"""Which systems a gateway has; asked without a login, over a connection of its own."""

import ssl
from typing import Final

import anyio

from fillbridge_hooks import FatalError, RetryableError
from fillbridge_rithmic.link.address import read_address
from fillbridge_rithmic.link.errors import code_and_text
from fillbridge_rithmic.link.websocket import LinkClosed, LinkLost, open_websocket
from fillbridge_rithmic.wire.codes import ResponseCode
from fillbridge_rithmic.wire.framing import BadFrame
from fillbridge_rithmic.wire.messages import decode, encode, make

_SYSTEM_INFO: Final = 16
_SYSTEM_INFO_ANSWER: Final = 17
_REJECT: Final = 75


async def list_systems(uri: str, ssl_context: ssl.SSLContext, timeout_s: float) -> tuple[str, ...]:
    """The names of the systems that can be logged in to.

    :raises ConfigurationError: if ``uri`` is no ``wss://host:port``
    :raises RetryableError: if nobody answers, or not within ``timeout_s``
    :raises FatalError: if who answers is not trusted, or is no Rithmic
    """
    place = read_address(uri).place
    names: tuple[str, ...] | None = None
    with anyio.move_on_after(timeout_s):
        async with open_websocket(uri, ssl_context, timeout_s) as websocket:
            try:
                await websocket.send(encode(make(_SYSTEM_INFO, user_msg=["fillbridge"])))
                while names is None:
                    names = _read(await websocket.receive(), place)
            except (LinkClosed, LinkLost) as error:
                raise RetryableError(f"{place}: no list of systems: {error}") from None
    if names is None:
        raise RetryableError(f"{place}: no list of systems within {timeout_s:g} s")
    return names


def _read(data: bytes, place: str) -> tuple[str, ...] | None:
    try:
        messages = list(decode(data))
    except BadFrame:
        raise FatalError(f"{place}: no Rithmic answers there; check uri") from None
    for message in messages:
        if message.template_id not in (_SYSTEM_INFO_ANSWER, _REJECT):
            continue
        code, text = code_and_text(message)
        if message.template_id == _REJECT or code != ResponseCode.OK:
            raise RetryableError(f"{place}: no list of systems: {code} {text}".rstrip())
        return tuple(message.system_name)
    return None
