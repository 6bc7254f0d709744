"""What is done for each request; importing the modules makes them known."""

from fillbridge_rithmic.gateway.requests import (
    brackets,
    closing,
    history,
    limits,
    linked,
    lists,
    login,
    market_data,
    orders,
    positions,
)
from fillbridge_rithmic.gateway.requests.registry import Handler, handler_of

__all__ = (
    "Handler",
    "brackets",
    "closing",
    "handler_of",
    "history",
    "limits",
    "linked",
    "lists",
    "login",
    "market_data",
    "orders",
    "positions",
)
