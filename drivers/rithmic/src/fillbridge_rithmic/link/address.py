"""The address of a gateway, as the configuration names it."""

from typing import NamedTuple
from urllib.parse import urlsplit

from fillbridge_hooks import ConfigurationError

SHAPE = "wss://host:port"
_USUAL_PORT = 443


class Address(NamedTuple):
    """Where a gateway listens."""

    uri: str
    host: str
    port: int

    @property
    def place(self) -> str:
        """``host:port``, for sentences."""
        return f"{self.host}:{self.port}"


def read_address(uri: str) -> Address:
    """Take an address apart.

    :raises ConfigurationError: if it is missing, is not for TLS, or holds more than an address
    """
    if not uri:
        raise ConfigurationError(f"uri: missing; expected {SHAPE} of Rithmic's gateway")
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ConfigurationError(f"uri: expected {SHAPE}, could not be read") from None
    if parts.username is not None or parts.password is not None:
        # The value is not shown: it holds a password, or what somebody took for one.
        raise ConfigurationError(f"uri: expected {SHAPE} without a user, for logins are no part")
    if parts.scheme == "ws":
        raise ConfigurationError(f"uri: expected {SHAPE}, for passwords are sent, was {uri!r}")
    if parts.scheme != "wss" or not host or parts.fragment:
        raise ConfigurationError(f"uri: expected {SHAPE}, was {uri!r}")
    return Address(uri, host, port or _USUAL_PORT)
