"""What plugins put around a driver before it is connected."""

from fillbridge.config import Settings
from fillbridge.plugins import Plugins
from fillbridge_hooks import Driver


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
