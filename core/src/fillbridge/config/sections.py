"""Which keys there are: those of the core, and those of the sections that plugins declared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import msgspec

from fillbridge.config.data import MISSING, Path, dotted, refuse
from fillbridge.config.schema import BacktestSettings, LiveSettings, Performance, ProposalKey
from fillbridge_hooks import ConfigurationError, Instrument, PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fillbridge.plugins import DeclaredSection

Keys = dict[str, Any]
"""Known keys of a mapping: ``None`` for a value, ``Keys`` for a mapping; ``ANY`` for any name."""

ANY = "*"

MODEL_TYPES: Mapping[str, Path] = {
    "slippage_type": ("backtest_settings", "slippage", "type"),
    "commission_type": ("backtest_settings", "commission", "type"),
}
"""Fields of ``BacktestSettings`` that the file has in a section of a plugin."""


def field_paths(
    struct: type[msgspec.Struct], section: Path, aliases: Mapping[str, Path]
) -> list[tuple[msgspec.structs.FieldInfo, Path]]:
    """The fields of a Struct, each with the path it is read from."""
    return [
        (field, aliases.get(field.name, (*section, field.encode_name)))
        for field in msgspec.structs.fields(struct)
    ]


def declared_paths(declared: DeclaredSection) -> list[tuple[msgspec.structs.FieldInfo, Path]]:
    """The fields of a declared section, each with the path it is read from."""
    aliases = {field: tuple(path.split(".")) for field, path in declared.aliases.items()}
    return field_paths(declared.struct, tuple(declared.section.split(".")), aliases)


def known_keys(sections: Sequence[DeclaredSection]) -> Keys:
    """Every key below ``execution_handler``.

    :raises PluginError: if a plugin claims a path below a single value
    """
    keys: Keys = {
        "mode": None,
        "live_settings": keys_of(LiveSettings)
        | {
            "credentials": {ANY: None},
            "operators": {ANY: None},
            "proposal_keys": {ANY: keys_of(ProposalKey)},
        },
        "backtest_settings": {
            key: None for key in keys_of(BacktestSettings) if key not in MODEL_TYPES
        },
        "performance": keys_of(Performance),
        "instruments": {ANY: {key: None for key in keys_of(Instrument) if key != "symbol"}},
    }
    for path in MODEL_TYPES.values():
        _add(keys, path, None)
    for declared in sections:
        try:
            _add(keys, tuple(declared.section.split(".")), {})
            for field, path in declared_paths(declared):
                _add(keys, path, keys_of(field.type))
        except _Occupied as error:
            message = f"claims {declared.section!r}, but {dotted(error.path)} is a single value"
            raise PluginError(declared.plugin, message) from None
    return keys


def refuse_unknown(data: Mapping[str, Any], keys: Keys, path: Path = ()) -> None:
    """Check that all of ``data`` is known.

    :raises ConfigurationError: if a key is not
    :raises InvalidValue: if there is a single value where a mapping belongs
    """
    for key, value in data.items():
        below = keys.get(key, keys.get(ANY, MISSING))
        if below is MISSING:
            known = ", ".join(sorted(keys)) or "none"
            raise ConfigurationError(
                f"{dotted((*path, key))}: unknown key, read neither by the core nor by an"
                f" installed plugin; known here: {known}"
            )
        if below is not None:
            if not isinstance(value, Mapping):
                refuse((*path, key), "keys and values", value)
            refuse_unknown(value, below, (*path, key))


def is_struct(kind: object) -> TypeGuard[type[msgspec.Struct]]:
    """Whether a type is a Struct, so that its keys are known."""
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def keys_of(kind: object) -> Any:
    """The keys of a type: ``Keys`` of a Struct, ``None`` of anything else."""
    if not is_struct(kind):
        return None
    return {field.encode_name: keys_of(field.type) for field in msgspec.structs.fields(kind)}


class _Occupied(Exception):
    def __init__(self, path: Path) -> None:
        self.path = path


def _add(keys: Keys, path: Path, leaf: Keys | None) -> None:
    for depth, key in enumerate(path[:-1], start=1):
        keys = keys.setdefault(key, {})
        if keys is None:
            raise _Occupied(path[:depth])
    known = keys.setdefault(path[-1], leaf)
    if known is not None and leaf is not None:
        known.update({key: below for key, below in leaf.items() if key not in known})
