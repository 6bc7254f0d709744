"""Where Rithmic is and how it is spoken to: ``live_settings.rithmic``."""

from importlib.metadata import version
from typing import Annotated, Literal

import msgspec

from fillbridge_rithmic.link.address import read_address
from fillbridge_rithmic.link.money import check_money

_Seconds = Annotated[float, msgspec.Meta(gt=0)]
_SecondsOrNone = Annotated[float, msgspec.Meta(ge=0)]


def _own_version() -> str:
    return version("fillbridge-rithmic")


class RithmicSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``live_settings.rithmic``; user name and password are credentials and never stand here."""

    mode: Literal["live", "backtest"] = "backtest"
    """Read from ``mode``."""
    provider: str | None = None
    """Read from ``live_settings.provider``."""
    environment: Literal["sim", "prod"] = "sim"
    """Read from ``live_settings.environment``: a system must be what it says."""
    uri: str = ""
    """``wss://host:port`` of the gateway; without it nothing can be connected."""
    system_name: str = ""
    """The system to log in to, where the credentials name none: 'fillbridge rithmic systems'."""
    app_name: str = "fillbridge"
    """What the program calls itself; a live system knows only names that Rithmic has approved."""
    app_version: str = msgspec.field(default_factory=_own_version)
    """The version of the program that goes with it."""
    ca_file: str | None = None
    """PEM file of the authorities that are trusted in place of the system's."""
    fcm_id: str | None = None
    """``None``: the one that the login answers with."""
    ib_id: str | None = None
    """``None``: the one that the login answers with."""
    trade_route: str | None = None
    """``None``: the default route of the instrument's exchange."""
    connect_timeout_s: _Seconds = 10.0
    """For each connection, from its first packet until it is logged in."""
    request_timeout_s: _Seconds = 4.0
    """For each answer, of a list for each row; the core waits 5 s for all that it asks, or twice as
    long as that took last."""
    settle_s: _SecondsOrNone = 1.0
    """Silence after the end of a list of orders until the list counts as complete."""
    market_data: bool = True
    """Whether trades and quotes are heard, over a login of their own."""
    orders_per_second: _Seconds = 20.0
    """Entries at most; more are not sent. Changes, cancels and exits are never held up."""
    login_gap_s: _SecondsOrNone = 0.5
    """Pause between the logins of one session."""

    def __post_init__(self) -> None:
        if self.uri:
            read_address(self.uri)
        if self.system_name and self.mode == "live" and self.provider == "rithmic":
            # One that the credentials name is looked at before the login.
            check_money(self.system_name, self.environment)
