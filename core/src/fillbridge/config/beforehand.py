"""What must be known of the configuration before any plugin is imported."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge.config.data import MISSING, ROOT, lookup
from fillbridge.config.environment import PREFIX, SEPARATOR, read_value
from fillbridge.config.files import read_file

if TYPE_CHECKING:
    from pathlib import Path

    from fillbridge.config import data
    from fillbridge.config.schema import Settings

_MODE = ("mode",)
_ENVIRONMENT = ("live_settings", "environment")
_LOCK = ("live_settings", "plugins_lock")
_PROFILE = ("risk_controls", "profile")
_RISK = "risk"
_REAL = "prod"
_HARMLESS_MODE = "backtest"


class Beforehand(msgspec.Struct, frozen=True, kw_only=True):
    """Whether plugins must be locked, and by what, as far as it is written."""

    mode: str | None = None
    environment: str | None = None
    profile: str | None = None
    plugins_lock: str | None = None

    @property
    def must_be_locked(self) -> bool:
        """Whether no plugin may be imported without a lock: where real orders are sent.

        ``risk_controls.profile`` says so where it says anything; else trading in ``prod`` does.
        """
        if self.profile in ("live", "plain"):
            return self.profile == "live"
        return self.environment == _REAL and self.mode != _HARMLESS_MODE


def read_beforehand(path: Path | None, environ: Mapping[str, str]) -> Beforehand:
    """What a file and the environment over it say; whether they are right is found out later.

    A variable can make it trading in ``prod``, and never the other way: plugins are imported by
    this, before anybody refuses the variable.

    :raises ConfigurationError: if the file cannot be read
    """
    written: Any = {} if path is None else read_file(path).get(ROOT, {})
    mode, environment = lookup(written, _MODE), lookup(written, _ENVIRONMENT)
    if mode in (MISSING, _HARMLESS_MODE):
        mode = _variable(environ, _MODE) or mode
    if environment != _REAL:
        environment = _variable(environ, _ENVIRONMENT) or environment
    return Beforehand(
        mode=_text(mode),
        environment=_text(environment),
        profile=_text(lookup(written, _PROFILE)),
        plugins_lock=_text(lookup(written, _LOCK)),
    )


def beforehand_of(given: Settings | Mapping[str, Any]) -> Beforehand:
    """The same of what a program hands over: settings, or a mapping as a file holds it."""
    if isinstance(given, Mapping):
        inside = given.get(ROOT, given)
        return Beforehand(
            mode=_text(lookup(inside, _MODE)),
            environment=_text(lookup(inside, _ENVIRONMENT)),
            profile=_text(lookup(inside, _PROFILE)),
            plugins_lock=_text(lookup(inside, _LOCK)),
        )
    live = getattr(given, "live_settings", None)
    risk = getattr(given, "plugin_sections", {}).get(_RISK)
    return Beforehand(
        mode="live",  # whoever makes a live handler trades live, whatever its settings call it
        environment=_text(getattr(live, "environment", None)),
        profile=_text(getattr(risk, "profile", None)),
        plugins_lock=_text(getattr(live, "plugins_lock", None)),
    )


def _variable(environ: Mapping[str, str], path: data.Path) -> Any:
    name = PREFIX + SEPARATOR.join((ROOT, *path))
    for given, text in environ.items():
        if given.startswith(PREFIX) and given.upper() == name.upper():
            return read_value(text, path)
    return None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value is not MISSING else None
