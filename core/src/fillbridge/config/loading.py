"""The configuration in force: defaults, the file over them, the environment over both."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge.config.data import MISSING, ROOT, dotted, lookup, plain, refuse, shown
from fillbridge.config.decoding import decode, leaves
from fillbridge.config.environment import read_environment
from fillbridge.config.files import read_file
from fillbridge.config.schema import Settings
from fillbridge.config.sealing import sealed
from fillbridge.config.sections import known_keys, refuse_unknown
from fillbridge_hooks import ConfigurationError, InvalidValue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from fillbridge.config import data
    from fillbridge.config.sections import Keys
    from fillbridge.plugins import DeclaredSection

    _Overrides = Mapping[data.Path, tuple[str, Any]]


_COMMAND_LINE = "command line"


class LoadedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Settings, and for every single value, by dotted path, what it is and where it comes from."""

    settings: Settings
    values: dict[str, Any]
    """As they may be shown: a secret that is not a reference such as ``${NAME}`` is ``***``."""
    origins: dict[str, str]
    """``default``, ``file config.yaml``, ``environment FILLBRIDGE_...`` or ``command line``."""


def load_settings(
    path: Path | None,
    sections: Sequence[DeclaredSection] = (),
    environ: Mapping[str, str] = os.environ,
    options: Mapping[str, Any] | None = None,
) -> LoadedSettings:
    """Read the configuration file, if there is one, the environment over it, and options over both.

    :param path: of a YAML or TOML file with the top key ``execution_handler``
    :param sections: what the installed plugins declared
    :param environ: where the variables that begin with ``FILLBRIDGE_`` are found
    :param options: plain values by the path below ``execution_handler``, with dots
    :raises ConfigurationError: if any of it cannot be used; names the file or the variable
    :raises PluginError: if the declared sections contradict the core or each other
    """
    keys = known_keys(sections)
    written = {} if path is None else _read_known(path, keys)
    found = read_environment(environ, written, keys, sections)
    overrides: dict[data.Path, tuple[str, Any]] = {
        key: (f"environment {name}", value) for key, (name, value) in found.items()
    }
    for option, value in (options or {}).items():
        overrides[tuple(option.split("."))] = (_COMMAND_LINE, value)
    try:
        settings = decode(_layered(written, overrides), sections)
    except InvalidValue as error:
        sources = {dotted(key): source for key, (source, _) in overrides.items()}
        raise _sourced(sources.get(error.field, path), error) from None
    except ConfigurationError as error:
        raise _sourced(path, error) from error
    values = leaves(settings, sections)
    return LoadedSettings(
        settings=settings,
        values={dotted(key): shown(key, value) for key, value in values.items()},
        origins={dotted(key): _origin(key, overrides, written, path) for key in values},
    )


def decode_settings(
    mapping: Mapping[str, Any], sections: Sequence[DeclaredSection] = ()
) -> Settings:
    """The settings that a mapping in memory stands for.

    It is ``{"execution_handler": {...}}``, the inside of that, or the inside of its
    ``backtest_settings``.

    :raises ConfigurationError: if it is none of these or a key is unknown or missing
    :raises InvalidValue: if a value has the wrong type or breaks a bound; names the path
    :raises PluginError: if the declared sections contradict the core or each other
    """
    if not isinstance(mapping, Mapping):
        refuse((), "keys and values", mapping)
    mapping = sealed(mapping)
    if ROOT in mapping:
        return decode(_inside(mapping), sections)
    keys = known_keys(sections)
    given = set(mapping)
    if given <= keys.keys():
        return decode(plain(mapping), sections)
    if given <= keys["backtest_settings"].keys():
        return decode(plain({"backtest_settings": mapping}), sections)
    raise ConfigurationError(
        f"the keys {', '.join(map(repr, mapping))} fit neither {ROOT} ({', '.join(sorted(keys))})"
        f" nor its backtest_settings ({', '.join(sorted(keys['backtest_settings']))})"
    )


def _read_known(path: Path, keys: Keys) -> dict[str, Any]:
    content = read_file(path)
    try:
        written = _inside(content)
        refuse_unknown(written, keys)
    except (InvalidValue, ConfigurationError) as error:
        raise _sourced(path, error) from None
    return written


def _inside(given: Mapping[str, Any]) -> dict[str, Any]:
    for key in given:
        if key != ROOT:
            raise ConfigurationError(f"{key!r}: unknown key; everything stands below {ROOT}")
    inside = plain(given.get(ROOT))
    if not isinstance(inside, dict):
        refuse((), "keys and values", inside)
    return inside


def _sourced(source: object, error: Exception) -> ConfigurationError:
    return ConfigurationError(str(error) if source is None else f"{source}: {error}")


def _origin(
    key: data.Path, overrides: _Overrides, written: Mapping[str, Any], path: Path | None
) -> str:
    if key in overrides:
        return overrides[key][0]
    if path is None or lookup(written, key) is MISSING:
        return "default"
    return f"file {path.name}"


def _layered(written: dict[str, Any], overrides: _Overrides) -> dict[str, Any]:
    """Lay the variables and options over the file.

    dynaconf is asked to merge and for nothing else: it gets plain values, and its own readers of
    files and of the environment, its defaults, validators and hooks stay off.
    """
    if not overrides:
        return written
    from dynaconf.base import Settings as Layers

    base = plain(written)
    # Credentials never pass through dynaconf, which keeps the history of every value.
    credentials = base.get("live_settings", {}).pop("credentials", None)
    layers = Layers(dynaconf_skip_loaders=True, dynaconf_skip_validators=True, dynaboxify=False)
    layers.set(ROOT, base, loader_identifier="file", dotted_lookup=False)
    for key, (name, value) in overrides.items():
        layers.set(".".join((ROOT, *key)), value, loader_identifier=name, dotted_lookup=True)
    merged: dict[str, Any] = layers.get(ROOT)
    if credentials is not None:
        merged["live_settings"]["credentials"] = credentials
    return merged
