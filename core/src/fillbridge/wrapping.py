"""What plugins put around a driver before it is connected."""

from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

import msgspec

from fillbridge.config import Settings
from fillbridge.plugins import Plugins
from fillbridge_hooks import ConnectionTerms, Driver, Secret, Session

if TYPE_CHECKING:
    from collections.abc import Mapping


def wrap_driver(driver: Driver, name: str, plugins: Plugins, settings: Settings) -> Driver:
    """The driver inside what each plugin makes of it, in the order of the plugins' names.

    :param name: the name under which the driver is configured
    :param settings: loaded with the sections of these plugins
    :raises PluginError: if a plugin raises, or answers what is no driver
    """
    for found in plugins.resolve("fillbridge_wrap_driver"):
        try:
            wrapped = found.function(driver, name, settings.plugin_sections.get(found.plugin))
        except Exception as error:
            raise found.error(f"{found.hook} raised {type(error).__name__}: {error}") from error
        if wrapped is None:
            continue
        if not isinstance(wrapped, Driver):
            raise found.error(f"{found.hook}: expected a driver or None, was {wrapped!r}")
        driver = wrapped
    return driver


class SealedDriver:
    """A driver inside what plugins put around it, which alone is handed its credentials.

    To a wrapper the credentials are empty: it may break a link, and needs no password for that.
    """

    def __init__(self, driver: Driver, name: str, plugins: Plugins, settings: Settings) -> None:
        """Wrap a driver; see :func:`wrap_driver` for the parameters and errors."""
        self._inner = _Credentialed(driver)
        self._outer = wrap_driver(self._inner, name, plugins, settings)
        self.capabilities = self._outer.capabilities

    def connect(self, terms: ConnectionTerms) -> AbstractAsyncContextManager[Session]:
        """Connect and log in; see :meth:`fillbridge_hooks.Driver.connect`."""
        self._inner.credentials = terms.credentials
        return self._outer.connect(msgspec.structs.replace(terms, credentials={}))


class _Credentialed:
    def __init__(self, driver: Driver) -> None:
        self.capabilities = driver.capabilities
        self.credentials: Mapping[str, Secret] = {}
        self._driver = driver

    def connect(self, terms: ConnectionTerms) -> AbstractAsyncContextManager[Session]:
        return self._driver.connect(msgspec.structs.replace(terms, credentials=self.credentials))
