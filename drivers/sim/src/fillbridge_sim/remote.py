"""The plugin with the drivers ``sim-remote``: the simulated broker as another process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge_hooks import (
    Capabilities,
    ConfigurationError,
    RegisterDriver,
    RegisterSettings,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from fillbridge_hooks import ConnectionTerms, Rehearsal, Session


class RemoteSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``live_settings.sim_remote``: where the broker is."""

    socket: str | None = None
    """Path of the socket that ``fillbridge sim serve`` made."""


class SimRemoteDriver:
    """Connects to a simulated broker that ``fillbridge sim serve`` runs.

    It is the broker of :class:`fillbridge_sim.SimDriver`, which says how it behaves; its accounts
    outlive whoever connects to them.

    :param bracket: whether stop and target rest at the broker, in an order's ``legs``
    """

    def __init__(self, bracket: bool = False) -> None:
        self.capabilities = Capabilities(
            bracket=bracket,
            oco=bracket,
            replace=True,
            query_by_client_order_id=True,
            partial_fills=True,
            market_data=True,
        )

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[Session]:
        """Log in to ``terms.account``, which is opened if it is new.

        :raises ConfigurationError: if the settings name no socket
        :raises RetryableError: if nobody answers there
        :raises FatalError: if the broker refuses the login
        """
        # Imported here because nothing but a connection needs it.
        from fillbridge_sim.live.remote_session import log_in_at

        settings = terms.settings
        if not isinstance(settings, RemoteSettings) or not settings.socket:
            raise ConfigurationError(
                "execution_handler.live_settings.sim_remote.socket: missing; expected the path"
                " that 'fillbridge sim serve --socket' was given"
            )
        async with log_in_at(settings.socket, terms, self.capabilities.bracket) as session:
            yield session

    def conformance(self, settings: Any) -> AbstractAsyncContextManager[Rehearsal]:
        """Rehearse with a broker behind a socket of its own, not with the one of the settings.

        Needs ``fillbridge-hooks[testing]``.
        """
        from fillbridge_sim.live.remote_rehearsal import rehearse_remotely

        return rehearse_remotely(self)


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim the section that says where the broker is."""
    register("live_settings.sim_remote", RemoteSettings)


@hookimpl
def fillbridge_register_drivers(register: RegisterDriver) -> None:
    """Offer ``sim-remote``, and ``sim-remote-bracket``, the same with brackets at the broker."""
    register("sim-remote", SimRemoteDriver())
    register("sim-remote-bracket", SimRemoteDriver(bracket=True))
