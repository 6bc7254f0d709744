"""What a login holds, and why one is refused."""

import ssl
from collections.abc import Callable, Mapping
from typing import Any, Final

from fillbridge_hooks import (
    ConfigurationError,
    DriverError,
    FatalError,
    ForcedLogout,
    RetryableError,
    Secret,
)
from fillbridge_rithmic.link.address import Address
from fillbridge_rithmic.link.errors import RequestRefused
from fillbridge_rithmic.link.systems import list_systems
from fillbridge_rithmic.settings import RithmicSettings
from fillbridge_rithmic.wire.codes import Plant, ResponseCode

TEMPLATE_VERSION: Final = "3.9"
"""Of the protocol; servers take it as it is said."""

_HOPELESS: Final = frozenset({ResponseCode.BAD_INPUT, ResponseCode.PERMISSION_DENIED})


def system_name(settings: RithmicSettings, credentials: Mapping[str, Secret]) -> str:
    """The system to log in to: as the credentials name it, else as the settings do.

    :raises ConfigurationError: if neither does
    """
    given = credentials.get("system_name")
    name = settings.system_name if given is None else given.reveal()
    if not name:
        raise ConfigurationError(
            "system_name: missing; expected one that 'fillbridge rithmic systems' lists"
        )
    return name


def login_fields(
    plant: Plant, settings: RithmicSettings, credentials: Mapping[str, Secret]
) -> Callable[[], dict[str, Any]]:
    """The fields of the login, revealed only when they are called for.

    :raises ConfigurationError: if a credential is missing
    """
    for name in ("username", "password"):
        if name not in credentials:
            raise ConfigurationError(f"credentials.{name}: missing; expected that of the login")
    system = system_name(settings, credentials)

    def reveal() -> dict[str, Any]:
        return {
            "template_version": TEMPLATE_VERSION,
            "user": credentials["username"].reveal(),
            "password": credentials["password"].reveal(),
            "app_name": settings.app_name,
            "app_version": settings.app_version,
            "system_name": system,
            "infra_type": int(plant),
        }

    return reveal


async def end_of_login(
    error: DriverError,
    settings: RithmicSettings,
    credentials: Mapping[str, Secret],
    ssl_context: ssl.SSLContext,
    address: Address,
) -> DriverError:
    """What a login that failed is to be reported as, in a sentence that says what to change."""
    if isinstance(error, ForcedLogout):
        return error
    if not isinstance(error, RequestRefused):
        return RetryableError(f"{address.place}: the login was not answered: {error}")
    system = system_name(settings, credentials)
    try:
        systems = await list_systems(settings.uri, ssl_context, settings.connect_timeout_s)
    except DriverError:
        systems = ()
    if systems and system not in systems:
        names = ", ".join(systems)
        return FatalError(f"system_name: expected one of {names}, was {system!r}")
    if error.code == ResponseCode.PERMISSION_DENIED:
        return FatalError(
            f"Rithmic refused the login to {system!r} (13 permission denied); check user name,"
            " password, system name, and that this user may use it"
        )
    # Nobody promises that the server's words do not hold what was sent.
    said = f"{error.code} {error.text}".rstrip()
    for name in ("password", "username"):
        if value := credentials[name].reveal():
            said = said.replace(value, "***")
    text = f"Rithmic refused the login to {system!r}: {said}"
    return FatalError(text) if error.code in _HOPELESS else RetryableError(text)
