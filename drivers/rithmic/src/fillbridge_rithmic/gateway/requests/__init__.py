"""What is done for each request; importing the modules makes them known."""

from fillbridge_rithmic.gateway.requests import lists, login, orders, positions
from fillbridge_rithmic.gateway.requests.registry import Handler, handler_of

__all__ = ("Handler", "handler_of", "lists", "login", "orders", "positions")
