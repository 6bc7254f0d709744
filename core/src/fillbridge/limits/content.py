"""The limits of a configuration as plain values: what is recorded, compared and approved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge.config.sections import declared_paths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fillbridge.config import Settings
    from fillbridge.plugins import DeclaredSection

RISK_PLUGIN = "risk"
_ELSEWHERE = ("mode", "live_settings")
"""What the plugin reads besides its limits."""
_GUARDS = ("dead_man_s", "dead_man_level", "signed_proposals", "operators")
"""Of the live settings: what stops the account, and who may loosen its limits."""


def limits_in_force(settings: Settings, sections: Sequence[DeclaredSection]) -> dict[str, Any]:
    """The profile, and every limit by the path at which a file sets it.

    ``{"profile": "live", "limits": {"risk_controls.max_position_size": 5, ...}}``; plain values.
    """
    controls = settings.plugin_sections.get(RISK_PLUGIN)
    found: dict[str, Any] = {}
    for declared in sections:
        if declared.plugin != RISK_PLUGIN:
            continue
        for field, path in declared_paths(declared):
            if is_limit(field, path):
                value = getattr(controls, field.name)
                if value is not msgspec.UNSET:
                    found[".".join(path)] = _plain(value)
    live = settings.live_settings
    for name in _GUARDS:
        if hasattr(live, name):
            found[f"live_settings.{name}"] = _plain(getattr(live, name))
    return {"profile": profile_of(settings), "limits": found}


def is_limit(field: msgspec.structs.FieldInfo, path: Sequence[str]) -> bool:
    """Whether a field of the section of the risk controls, read from ``path``, is a limit."""
    return path[0] not in _ELSEWHERE and field.name != "profile"


def _plain(value: Any) -> Any:
    """As the journal gives it back: a list where it was a tuple."""
    return msgspec.json.decode(msgspec.json.encode(value))


def profile_of(settings: Settings) -> str:
    """``live`` where the limits guard real money, else ``plain``."""
    said = getattr(settings.plugin_sections.get(RISK_PLUGIN), "profile", None)
    if said is not None:
        return str(said)
    is_live = settings.mode == "live" and settings.live_settings.environment == "prod"
    return "live" if is_live else "plain"
