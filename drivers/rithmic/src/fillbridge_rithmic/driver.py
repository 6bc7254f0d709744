"""The driver that is registered as ``rithmic``."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from fillbridge_hooks import Capabilities, ConfigurationError
from fillbridge_rithmic.settings import RithmicSettings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    from fillbridge_hooks import ConnectionTerms, Rehearsal, Session


class RithmicDriver:
    """Connects to Rithmic by R|Protocol: one login at each plant that is needed.

    An order is sent at most once. Stop and target of an entry rest at Rithmic as a bracket, in
    ticks from the fill, and are moved to the prices that were asked for where these differ.
    """

    capabilities = Capabilities(
        bracket=True,
        bracket_distances=True,
        oco=True,
        replace=True,
        query_by_client_order_id=True,
        partial_fills=True,
        market_data=True,
    )

    @asynccontextmanager
    async def connect(self, terms: ConnectionTerms) -> AsyncIterator[Session]:
        """Log in to ``terms.account``, once.

        :raises ConfigurationError: if settings or credentials lack something
        :raises RetryableError: if trying again may help
        :raises FatalError: if it cannot: credentials, account, permissions
        :raises ForcedLogout: if Rithmic ends the session at once
        """
        # Imported here because nothing but a connection needs it.
        from fillbridge_rithmic.connecting import open_session

        settings = terms.settings
        if settings is None:
            settings = RithmicSettings()
        if not isinstance(settings, RithmicSettings):
            raise ConfigurationError(
                "execution_handler.live_settings.rithmic: expected the settings of Rithmic, was"
                f" {type(settings).__name__}"
            )
        async with open_session(terms, settings) as session:
            yield session

    def conformance(self, settings: Any) -> AbstractAsyncContextManager[Rehearsal]:
        """Rehearse with a gateway in this process, not with the one of the settings.

        Needs ``fillbridge-rithmic[gateway]`` and ``fillbridge-hooks[testing]``.
        """
        from fillbridge_rithmic.rehearsal import rehearse

        return rehearse(self, settings)
