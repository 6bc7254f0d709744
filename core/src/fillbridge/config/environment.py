"""Settings from environment variables: one value each, never a limit and never a credential."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from fillbridge.config.data import MISSING, ROOT, dotted, folded, lookup, plain
from fillbridge.config.sections import ANY, declared_paths
from fillbridge_hooks import ConfigurationError, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fillbridge.config.data import Path
    from fillbridge.config.sections import Keys
    from fillbridge.plugins import DeclaredSection

PREFIX = "FILLBRIDGE_"
SEPARATOR = "__"
_MOST_DOTS = 200
_RISK_PLUGIN = "risk"
_LIMITS: tuple[Path, ...] = (
    ("risk_controls",),
    ("performance", "max_open_positions"),
    ("live_settings", "environment"),
    ("live_settings", "operators"),
    ("live_settings", "proposal_keys"),
    ("live_settings", "signed_proposals"),
    ("live_settings", "dead_man_s"),
    ("live_settings", "dead_man_level"),
    ("live_settings", "max_loop_lag_ms"),
)
"""And what guards them: which bind, who may loosen them, and what stops the account."""
_READ_BY_RISK: tuple[Path, ...] = (("mode",), ("live_settings", "account"))
"""What the plugin looks at, and what is no limit."""
_CREDENTIALS: Path = ("live_settings", "credentials")
_PLUGINS_LOCK: Path = ("live_settings", "plugins_lock")
_WHENCE: tuple[Path, ...] = (
    ("live_settings", "secrets"),
    ("live_settings", "secret_providers"),
    ("vault",),
)
"""Where credentials come from."""
_WHERE_IT_STANDS: tuple[Path, ...] = (("live_settings", "journal"), ("live_settings", "account"))
"""What leads to the kill latch, to what was traded today, and to what was proposed before: whoever
could name another place would have an account that nothing has stopped."""


def read_environment(
    environ: Mapping[str, str],
    data: Mapping[str, Any],
    keys: Keys,
    sections: Sequence[DeclaredSection],
) -> dict[Path, tuple[str, Any]]:
    """For each setting that a variable sets, the variable's name and the value.

    A value is read as TOML where it is TOML (``5``, ``true``, ``"7203"``), else as text.

    :param data: what the file says; a variable names its instruments in any case, and new ones
        in upper case
    :raises ConfigurationError: if a variable names no single setting, or one that must not come
        from the environment, or if its value cannot be used
    """
    limits = (*_LIMITS, *_paths_of_risk(sections))
    found: dict[Path, tuple[str, Any]] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX):
            continue
        try:
            path = _path(name, limits, keys, data)
            value = read_value(environ[name], path)
        except (ConfigurationError, InvalidValue) as error:
            raise ConfigurationError(f"environment {name}: {error}") from None
        if path in found:
            raise ConfigurationError(f"environment {name}: {found[path][0]} sets the same value")
        found[path] = (name, value)
    return found


def _paths_of_risk(sections: Sequence[DeclaredSection]) -> list[Path]:
    return [
        path
        for declared in sections
        if declared.plugin == _RISK_PLUGIN
        for path in (tuple(declared.section.split(".")), *(p for _, p in declared_paths(declared)))
        if path not in _READ_BY_RISK
    ]


def _path(name: str, limits: Sequence[Path], keys: Keys, data: Mapping[str, Any]) -> Path:
    root, *parts = name.removeprefix(PREFIX).split(SEPARATOR)
    if root.lower() != ROOT or not parts or not all(map(_is_name, parts)):
        raise ConfigurationError(f"expected a name like {PREFIX}{ROOT.upper()}{SEPARATOR}MODE")
    if any(_is_below(parts, limit) for limit in limits):
        raise ConfigurationError("limits are set in the file alone")
    if _is_below(parts, _CREDENTIALS):
        raise ConfigurationError(
            "credentials are set in the file alone, as references such as ${NAME}"
        )
    if _is_below(parts, _PLUGINS_LOCK):
        raise ConfigurationError("the plugin lock is named in the file alone")
    if any(_is_below(parts, path) for path in _WHENCE):
        raise ConfigurationError("where secrets come from is set in the file alone")
    if any(_is_below(parts, path) for path in _WHERE_IT_STANDS):
        raise ConfigurationError(
            "the account, and its journal with the kill latch, are set in the file alone"
        )
    return _known_path(parts, keys, data)


def _is_name(part: str) -> bool:
    return part.replace("_", "").isalnum()


def _is_below(parts: Sequence[str], path: Path) -> bool:
    return [folded(part) for part in parts[: len(path)]] == [folded(key) for key in path]


def _known_path(parts: Sequence[str], keys: Any, data: Mapping[str, Any]) -> Path:
    path: Path = ()
    for part in parts:
        if keys is None:
            raise ConfigurationError(f"{dotted(path)} is a single value")
        here = lookup(data, path)
        names = here if ANY in keys and here is not MISSING else keys
        key = next((name for name in names if folded(name) == folded(part)), None)
        if key is None and ANY not in keys:
            raise ConfigurationError(f"there is no setting {dotted((*path, part.lower()))}")
        path = (*path, key or part.upper())
        keys = keys[key] if key in keys else keys[ANY]
    if keys is not None:
        raise ConfigurationError(f"{dotted(path)} is a section; name one value in it")
    return path


def read_value(text: str, path: Path) -> Any:
    """What the text of a variable means for the setting at ``path``.

    :raises ConfigurationError: if it is a table
    :raises InvalidValue: if it is no plain value
    """
    try:
        # One line, and not so many parts of a key that reading them takes forever.
        is_value = text.isprintable() and text.count(".") <= _MOST_DOTS
        value = tomllib.loads(f"value = {text}")["value"] if is_value else text
    except (ValueError, RecursionError):
        value = text
    if isinstance(value, dict):
        raise ConfigurationError(f"{dotted(path)}: expected a single value, was a table")
    # TOML has dates and times, settings do not.
    return plain(value if isinstance(value, str | int | float | list) else text, path)
