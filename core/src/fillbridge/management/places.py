"""Where commands find the handler of an account."""

import os
import sys
from pathlib import Path

from fillbridge.config import Settings
from fillbridge.journal.places import accounts, places
from fillbridge_hooks import ConfigurationError

_LONGEST = 103 if sys.platform == "darwin" else 107
_SOCKET = "handler.sock"


def socket_path(settings: Settings) -> Path:
    """The socket of the account that is configured.

    :raises ConfigurationError: if the system can open none there
    """
    live = settings.live_settings
    if live.socket is not None:
        return check_socket_path(Path(live.socket))
    return check_socket_path(places(Path(live.journal), live.account).folder / _SOCKET)


def check_socket_path(path: Path) -> Path:
    """``path``, if the system can open a socket there.

    :raises ConfigurationError: if it is too long
    """
    size = len(os.fsencode(path))
    if size > _LONGEST:
        raise ConfigurationError(
            f"{path}: expected the path of a socket of at most {_LONGEST} bytes, was {size}; name"
            " a shorter one in live_settings.socket"
        )
    return path


def other_sockets(settings: Settings) -> list[tuple[str, Path]]:
    """The accounts of the same journal folder that have a socket, beside the configured one."""
    live = settings.live_settings
    found = []
    for account in accounts(Path(live.journal)):
        path = places(Path(live.journal), account).folder / _SOCKET
        if account != live.account and path.is_socket():
            found.append((account, path))
    return found
