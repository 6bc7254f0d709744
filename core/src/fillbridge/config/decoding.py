"""From plain data to validated settings, and back to the list of what is in force."""

from __future__ import annotations

import re
from types import UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin
from zoneinfo import ZoneInfo

import msgspec

from fillbridge.config.data import MISSING, Path, dotted, lookup, refuse, shown
from fillbridge.config.instruments import known_instrument
from fillbridge.config.schema import BacktestSettings, LiveSettings, Performance, Settings
from fillbridge.config.sealing import unsealed
from fillbridge.config.sections import (
    MODEL_TYPES,
    declared_paths,
    field_paths,
    is_struct,
    keys_of,
    known_keys,
    refuse_unknown,
)
from fillbridge.rules import rule_of
from fillbridge_hooks import ConfigurationError, Instrument, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fillbridge.plugins import DeclaredSection

_DEFAULT_MODELS = {"slippage_type": "fixed", "commission_type": "per_contract"}
_TIME_OF_DAY = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")

_Paths = list[tuple[msgspec.structs.FieldInfo, Path]]


def decode(data: Mapping[str, Any], sections: Sequence[DeclaredSection]) -> Settings:
    """The settings that plain ``data``, the inside of ``execution_handler``, stands for.

    :raises ConfigurationError: if a key is unknown or missing, or a plugin refuses its section
    :raises InvalidValue: if a value has the wrong type or breaks a bound; names the path
    :raises PluginError: if the sections that plugins declared contradict each other
    """
    refuse_unknown(data, known_keys(sections))
    mode = [pair for pair in field_paths(Settings, (), {}) if pair[0].name == "mode"]
    return Settings(
        **_read(mode, data),
        live_settings=_struct(LiveSettings, data, ("live_settings",)),
        backtest_settings=_backtest(data),
        performance=_struct(Performance, data, ("performance",)),
        instruments={symbol: _instrument(symbol, data) for symbol in data.get("instruments", {})},
        plugin_sections={
            declared.plugin: _build(
                declared.struct,
                declared_paths(declared),
                data,
                tuple(declared.section.split(".")),
            )
            for declared in sections
        },
    )


def leaves(settings: Settings, sections: Sequence[DeclaredSection]) -> dict[Path, Any]:
    """Every single value in force, by the path at which a file would set it."""
    found: dict[Path, Any] = {}
    for declared in sections:
        struct = settings.plugin_sections[declared.plugin]
        for field, path in declared_paths(declared):
            found.update(_flatten(path, getattr(struct, field.name)))
    # The core comes last: where both read a key, what the core made of it is in force.
    for name in ("mode", "live_settings", "performance", "instruments"):
        found.update(_flatten((name,), getattr(settings, name)))
    for field, path in field_paths(BacktestSettings, ("backtest_settings",), MODEL_TYPES):
        found[path] = getattr(settings.backtest_settings, field.name)
    for symbol in settings.instruments:
        del found["instruments", symbol, "symbol"]
    return dict(sorted(found.items()))


def with_value(section: Any, field: msgspec.structs.FieldInfo, path: Path, value: Any) -> Any:
    """The section of a plugin with one value in place of its own, checked as one from a file.

    :raises ConfigurationError: if the plugin refuses it
    :raises InvalidValue: if it has the wrong type or breaks a bound; names the path
    """
    known = msgspec.structs.asdict(section)
    known[field.name] = _convert(value, field.type, path, {})
    return _build(type(section), [], {}, path[:-1], known)


def _flatten(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    value = msgspec.to_builtins(value)
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _flatten((*path, str(key)), item)
    else:
        yield path, value


def _backtest(data: Mapping[str, Any]) -> BacktestSettings:
    section = ("backtest_settings",)
    paths = field_paths(BacktestSettings, section, MODEL_TYPES)
    settings: BacktestSettings = _build(BacktestSettings, paths, data, section)
    for field, path in MODEL_TYPES.items():
        if lookup(data, path[:-1]) is not MISSING and lookup(data, path) is MISSING:
            settings = msgspec.structs.replace(settings, **{field: _DEFAULT_MODELS[field]})
    return settings


def _instrument(symbol: str, data: Mapping[str, Any]) -> Instrument:
    path = ("instruments", symbol)
    paths = [pair for pair in field_paths(Instrument, path, {}) if pair[0].name != "symbol"]
    built_in = known_instrument(symbol, {})
    known = msgspec.structs.asdict(built_in) if built_in else {"symbol": symbol}
    instrument: Instrument = _build(Instrument, paths, data, path, known)
    if not _TIME_OF_DAY.fullmatch(instrument.session_roll):
        refuse((*path, "session_roll"), "a time of day HH:MM", instrument.session_roll)
    try:
        ZoneInfo(instrument.time_zone)
    except (KeyError, ValueError, OSError):
        refuse((*path, "time_zone"), "a name of the tz database", instrument.time_zone)
    return instrument


def _struct(struct: Any, data: Mapping[str, Any], path: Path) -> Any:
    return _build(struct, field_paths(struct, path, {}), data, path)


def _build(
    struct: Any,
    paths: _Paths,
    data: Mapping[str, Any],
    section: Path,
    known: Mapping[str, Any] | None = None,
) -> Any:
    values = {**(known or {}), **_read(paths, data)}
    for field, path in paths:
        if field.required and field.name not in values:
            raise ConfigurationError(f"{dotted(path)}: missing; expected {rule_of(field.type)}")
    try:
        return struct(**values)
    except InvalidValue as error:
        refuse((*section, error.field.rpartition(".")[2]), error.expected, error.value)
    except (ConfigurationError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{dotted(section)}: {error}") from error


def _read(paths: _Paths, data: Mapping[str, Any]) -> dict[str, Any]:
    found = ((field, path, lookup(data, path)) for field, path in paths)
    return {
        field.name: _convert(value, field.type, path, data)
        for field, path, value in found
        if value is not MISSING
    }


def _convert(value: Any, kind: Any, path: Path, data: Mapping[str, Any]) -> Any:
    options = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    structs = [option for option in options if is_struct(option)]
    if isinstance(value, dict) and len(structs) == 1:
        refuse_unknown(value, keys_of(structs[0]), path)
        return _struct(structs[0], data, path)
    if isinstance(value, dict) and get_origin(kind) is dict:
        return {
            key: _convert(item, get_args(kind)[1], (*path, key), data)
            for key, item in value.items()
        }
    try:
        return unsealed(msgspec.convert(value, kind))
    except msgspec.ValidationError as error:
        if isinstance(value, dict | list) and shown(path, value) is value:
            raise ConfigurationError(f"{dotted(path)}: {error}") from None
        refuse(path, rule_of(kind), value)
