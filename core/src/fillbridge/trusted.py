"""Loads the installed plugins as a configuration trusts them: by its lock, where there is one."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from fillbridge.config.beforehand import Beforehand, beforehand_of, read_beforehand
from fillbridge.plugins import Plugins
from fillbridge.plugins.lock import LOCK_NAME, read_lock
from fillbridge_hooks import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from fillbridge.config import Settings


def lock_path(config: Path | None, before: Beforehand | None = None) -> Path:
    """Where the plugin lock of a configuration stands, whether it is there or not.

    :raises ConfigurationError: if the configuration cannot be read
    """
    before = read_beforehand(config, os.environ) if before is None else before
    if before.plugins_lock is not None:
        return Path(before.plugins_lock)
    return Path(LOCK_NAME) if config is None else config.parent / LOCK_NAME


def load_trusted(config: Path | None, *, is_trading: bool = True, strict: bool = True) -> Plugins:
    """The installed plugins that a configuration file trusts.

    :param is_trading: whether real orders may be sent, so that a lock may be needed
    :param strict: whether a broken plugin is an error
    :raises ConfigurationError: if the file or the lock cannot be used, or a lock is needed and
        there is none
    :raises BrokenPlugins: if a plugin cannot be loaded, or is not what was locked
    """
    before = read_beforehand(config, os.environ)
    must = is_trading and before.must_be_locked
    return _load(before, lock_path(config, before), must=must, strict=strict)


def load_for(given: Settings | Mapping[str, Any]) -> Plugins:
    """The installed plugins that settings, or a mapping as a file holds it, trust.

    :raises ConfigurationError: if the lock cannot be used, or one is needed and there is none
    :raises BrokenPlugins: if a plugin cannot be loaded, or is not what was locked
    """
    before = beforehand_of(given)
    return _load(before, lock_path(None, before), must=before.must_be_locked, strict=True)


def check_trusted(settings: Settings, plugins: Plugins) -> None:
    """Refuse to send real orders beside a plugin that was imported without a lock.

    :raises ConfigurationError: if there is one, and the settings need a lock
    """
    unlocked = plugins.unlocked()
    if unlocked and beforehand_of(settings).must_be_locked:
        raise ConfigurationError(
            "live_settings.plugins_lock: expected plugins that a lock lets in, as the profile"
            f" live needs, was {', '.join(unlocked)} without a lock (fillbridge plugins lock)"
        )


def _load(before: Beforehand, path: Path, *, must: bool, strict: bool) -> Plugins:
    plugins = Plugins()
    if path.exists() or before.plugins_lock is not None:
        plugins.load(strict=strict, lock=read_lock(path))
        return plugins
    if must:
        raise ConfigurationError(
            f"{path}: expected the plugin lock, which the profile live needs, was no file"
            " (fillbridge plugins lock)"
        )
    plugins.load(strict=strict)
    return plugins
