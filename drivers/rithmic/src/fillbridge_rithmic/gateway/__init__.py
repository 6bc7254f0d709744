"""A local gateway that speaks R|Protocol: real TLS websockets, a matching book, faults on demand.

It has its own table of the protocol and its own encoder, apart from those of the driver, so that
each shows the mistakes of the other.
"""

from fillbridge_rithmic.gateway.gateway import Gateway, Received
from fillbridge_rithmic.gateway.serving import RunningGateway, serve_gateway
from fillbridge_rithmic.gateway.settings import (
    Account,
    Contract,
    GatewaySettings,
    MarketSettings,
    Route,
    User,
)

__all__ = (
    "Account",
    "Contract",
    "Gateway",
    "GatewaySettings",
    "MarketSettings",
    "Received",
    "Route",
    "RunningGateway",
    "User",
    "serve_gateway",
)
