"""Runs a gateway as a process of its own, until it is told to end."""

import signal
from collections.abc import Callable
from contextlib import AsyncExitStack

import anyio

from fillbridge_rithmic.gateway.control.serving import control_served
from fillbridge_rithmic.gateway.serving import RunningGateway, serve_gateway
from fillbridge_rithmic.gateway.settings import GatewaySettings


async def run_gateway(
    settings: GatewaySettings, control: str | None, on_ready: Callable[[RunningGateway], None]
) -> None:
    """Serve a gateway until SIGTERM or SIGINT.

    :param control: path of its control socket, ``None``: it has none
    :param on_ready: called once connections are accepted
    :raises ConfigurationError: if it cannot be served as the settings say
    """
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        async with AsyncExitStack() as stack:
            running = await stack.enter_async_context(serve_gateway(settings))
            if control is not None:
                await stack.enter_async_context(control_served(running.gateway, control))
            on_ready(running)
            async for _ in signals:
                break
