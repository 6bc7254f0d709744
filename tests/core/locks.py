"""The lock of what is installed, hashed once in a process that runs many tests."""

from functools import cache

from fillbridge.plugins.lock import PluginLock
from fillbridge.plugins.trust import lock_installed


@cache
def lock_of_what_is_installed() -> PluginLock:
    """Every plugin as it is now; for tests that change none."""
    return lock_installed()
