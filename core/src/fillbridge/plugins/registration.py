"""What plugins register once: sections of the configuration, drivers, secret providers."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from fillbridge.plugins.catalogue import Catalogue
from fillbridge.plugins.resolution import Implementation
from fillbridge.plugins.sources import Source, source_fields
from fillbridge_hooks import AnyDriver, Capabilities, SecretProvider

BUILT_IN_PROVIDERS = ("environment", "file")
"""Secret providers that are always there."""

_SECRETS = ("live_settings.credentials", "live_settings.proposal_keys")
"""What no plugin may read: a driver is handed its own when it logs in."""


class DeclaredSection(Source, frozen=True, kw_only=True):
    """The part of the configuration that belongs to a plugin."""

    section: str
    """Dotted path below ``execution_handler``."""
    struct: type[msgspec.Struct]
    """What the section is decoded into."""
    aliases: dict[str, str]
    """Fields that are read from another dotted path, with that path."""


def declared_sections(implementations: Iterable[Implementation]) -> tuple[DeclaredSection, ...]:
    """The sections of all plugins, from their ``fillbridge_register_settings``.

    :raises PluginError: if a plugin raises, declares what is no section, or a second one, or one
        that another plugin has; that one is named too
    """
    sections: list[DeclaredSection] = []
    for implementation in implementations:
        implementation.call(_SectionRegistrar(sections, implementation))
    return tuple(sections)


def registered_drivers(implementations: Iterable[Implementation]) -> Catalogue[AnyDriver]:
    """The drivers of all plugins, from their ``fillbridge_register_drivers``.

    :raises PluginError: if a plugin raises, registers what is no driver, or under a name that is
        taken; the plugin that has it is named too
    """
    drivers: Catalogue[AnyDriver] = Catalogue("driver", "backtest_settings.driver")
    for implementation in implementations:
        implementation.call(_DriverRegistrar(drivers, implementation))
    return drivers


def registered_secret_providers(
    implementations: Iterable[Implementation], settings: Mapping[str, Any]
) -> Catalogue[SecretProvider]:
    """The secret providers of all plugins, from ``fillbridge_register_secret_providers``.

    :param settings: plugin name -> instance of the Struct that it declared
    :raises PluginError: if a plugin raises, registers what cannot be called, or under a name that
        is taken; the plugin that has it is named too
    """
    providers: Catalogue[SecretProvider] = Catalogue("secret provider", "secrets")
    for implementation in implementations:
        registrar = _SecretProviderRegistrar(providers, implementation)
        implementation.call(registrar, settings.get(implementation.plugin))
    return providers


class _SectionRegistrar:
    def __init__(self, sections: list[DeclaredSection], source: Source) -> None:
        self._sections = sections
        self._source = source

    def __call__(
        self,
        section: str,
        struct: type[msgspec.Struct],
        *,
        aliases: Mapping[str, str] | None = None,
    ) -> None:
        declared = DeclaredSection(
            section=section,
            struct=struct,
            aliases=dict(aliases or {}),
            **source_fields(self._source),
        )
        objection = _objection_to_section(declared, self._sections)
        if objection:
            raise self._source.error(f"settings section {section!r}: {objection}")
        self._sections.append(declared)


def _objection_to_section(declared: DeclaredSection, others: Iterable[DeclaredSection]) -> str:
    section, struct = declared.section, declared.struct
    if not isinstance(section, str) or not all(section.split(".")):
        return "expected a dotted path below execution_handler"
    if not isinstance(struct, type) or not issubclass(struct, msgspec.Struct):
        return f"expected a subclass of msgspec.Struct, was {struct!r}"
    unknown = sorted(declared.aliases.keys() - set(struct.__struct_fields__))
    if unknown:
        return f"alias for '{unknown[0]}', which is no field of {struct.__name__}"
    for path in (section, *_read_paths(declared)):
        if any(_reaches(secret, path, whole=path != section) for secret in _SECRETS):
            return f"reads {path!r}, but credentials are for the driver alone that logs in"
    for other in others:
        if other.plugin == declared.plugin:
            return f"a plugin has one section, and this one declared '{other.section}' already"
        if other.section == section:
            return f"claimed already, by {other}"
    return ""


def _read_paths(declared: DeclaredSection) -> list[str]:
    return [
        declared.aliases.get(field.name, f"{declared.section}.{field.encode_name}")
        for field in msgspec.structs.fields(declared.struct)
    ]


def _reaches(secret: str, path: str, *, whole: bool) -> bool:
    """Whether ``secret`` is at that path or above it, or (``whole``) among what is read there."""
    is_below = f"{path}.".startswith(f"{secret}.")
    return is_below or (whole and secret.startswith(f"{path}."))


class _DriverRegistrar:
    def __init__(self, drivers: Catalogue[AnyDriver], source: Source) -> None:
        self._drivers = drivers
        self._source = source

    def __call__(self, name: str, driver: AnyDriver) -> None:
        if not isinstance(getattr(driver, "capabilities", None), Capabilities):
            raise self._source.error(
                f"driver '{name}': expected capabilities, an instance of Capabilities"
            )
        self._drivers.add(name, driver, self._source)


class _SecretProviderRegistrar:
    def __init__(self, providers: Catalogue[SecretProvider], source: Source) -> None:
        self._providers = providers
        self._source = source

    def __call__(self, name: str, provider: SecretProvider) -> None:
        if not callable(provider):
            raise self._source.error(
                f"secret provider '{name}': expected a function, was {provider!r}"
            )
        if name in BUILT_IN_PROVIDERS:
            raise self._source.error(f"secret provider '{name}' is offered already, by fillbridge")
        self._providers.add(name, provider, self._source)
