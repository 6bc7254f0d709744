"""Finding, checking and keeping plugins, and handing out what they implement."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import msgspec
import pluggy

from fillbridge.plugins.checks import check_plugin
from fillbridge.plugins.models import MODEL_HOOKS, Models
from fillbridge.plugins.registration import (
    DeclaredSection,
    declared_sections,
    registered_drivers,
    registered_secret_providers,
)
from fillbridge.plugins.resolution import Implementation, adapt
from fillbridge.plugins.sources import Source, installed, source_fields, source_of_object
from fillbridge.plugins.specifications import HOOK_ARGUMENTS
from fillbridge_hooks import (
    PROJECT,
    AnyDriver,
    ConfigurationError,
    InvalidValue,
    PluginError,
    SecretProvider,
    specs,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from importlib.metadata import EntryPoint

    from fillbridge.plugins.catalogue import Catalogue
    from fillbridge.plugins.lock import LockedPlugin, PluginLock

    _Candidates = list[tuple[Source, EntryPoint]]

_logger = logging.getLogger(__name__)


class BrokenPlugin(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin that was not loaded, and why."""

    source: Source
    error: PluginError


class BrokenPlugins(PluginError):
    """Plugins could not be loaded; the message lists each with its distribution and the cause."""

    def __init__(self, broken: Sequence[BrokenPlugin]) -> None:
        super().__init__(
            plugin=", ".join(one.source.plugin for one in broken),
            message="; ".join(one.error.message for one in broken),
        )
        self.broken = tuple(broken)

    def __str__(self) -> str:
        return "; ".join(str(one.error) for one in self.broken)


class Plugins:
    """A set of plugins, called in the order of their names.

    There is no global one: an empty set is made, filled with :meth:`load` and :meth:`register`,
    and thrown away.
    """

    def __init__(self) -> None:
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(specs)
        self._sources: dict[str, Source] = {}
        self._locked: dict[str, LockedPlugin] = {}
        self._unlocked: list[str] = []
        self._sections: tuple[DeclaredSection, ...] | None = None
        self._drivers: Catalogue[AnyDriver] | None = None

    def register(self, plugin: object, name: str) -> None:
        """Add a plugin of this process: a module, a class or an instance.

        :raises PluginError: if an implementation is not what its hook asks for, or the name or
            the plugin is registered already
        """
        self._register(plugin, source_of_object(plugin, name))

    def load(
        self,
        only: Collection[str] | None = None,
        *,
        strict: bool = True,
        lock: PluginLock | None = None,
    ) -> tuple[BrokenPlugin, ...]:
        """Add the installed plugins, in the order of their names.

        A broken plugin is left out, and all others are loaded. With a lock nothing is imported
        that is not, byte for byte, what was locked: what the lock does not name is passed over,
        and that is logged; what it names and was changed, or is gone, is broken.

        :param only: names of the plugins that may be loaded; no other is imported
        :param strict: whether a broken plugin is an error, after the others were loaded
        :param lock: the plugins that may be imported; without one, whatever is installed
        :returns: the broken plugins, where that is not an error
        :raises BrokenPlugins: if one cannot be imported, has an implementation that is refused,
            shares its name with another, is in ``only`` but not installed, or is not what was
            locked
        :raises ChangedDependency: if a distribution that they depend on is not what was locked,
            strict or not; nothing is imported then
        """
        if lock is not None and lock.dependencies:
            # Imported here because it is slow to import, and most processes have no lock.
            from fillbridge.plugins.dependencies import check_dependencies

            check_dependencies(lock)
        candidates = [
            (source, entry)
            for source, entry in installed()
            if only is None or source.plugin in only
        ]
        broken = [*_not_installed(only, candidates)]
        if lock is not None:
            broken += _absent(only, candidates, lock)
            candidates = _listed(candidates, lock)
        for source, entry in candidates:
            try:
                _check_single(source, candidates)
                locked = None if lock is None else _verify(source, entry, lock)
                self._register(_import(source, entry), source)
            except PluginError as error:
                broken.append(BrokenPlugin(source=source, error=error))
            else:
                if locked is None:
                    self._unlocked.append(source.plugin)
                else:
                    self._locked[source.plugin] = locked
        if strict and broken:
            raise BrokenPlugins(broken)
        return tuple(broken)

    def names(self) -> tuple[str, ...]:
        """The names of the plugins, sorted."""
        return tuple(sorted(self._sources))

    def source(self, name: str) -> Source:
        """Where the plugin of that name comes from.

        :raises KeyError: if there is none
        """
        return self._sources[name]

    def locked(self) -> dict[str, LockedPlugin]:
        """The plugins that were imported under a lock, each as it was verified, by name."""
        return dict(self._locked)

    def unlocked(self) -> tuple[str, ...]:
        """The names of installed plugins that were imported without a lock, sorted.

        Plugins that this process registered itself are not among them: whoever wrote the process
        chose them.
        """
        return tuple(sorted(self._unlocked))

    def resolve(self, hook: str) -> tuple[Implementation, ...]:
        """The implementations of a hook as plain functions, in the order of the plugins' names.

        Resolve once, when something is built, and call the functions: nothing is looked up later.

        :raises InvalidValue: if there is no such hook
        """
        if hook not in HOOK_ARGUMENTS:
            raise InvalidValue("hook", f"one of {', '.join(HOOK_ARGUMENTS)}", hook)
        arguments = HOOK_ARGUMENTS[hook]
        caller: pluggy.HookCaller = getattr(self._manager.hook, hook)
        return tuple(
            Implementation(
                hook=hook,
                function=adapt(found.function, found.argnames + found.kwargnames, arguments),
                **source_fields(self._sources[found.plugin_name]),
            )
            for found in sorted(caller.get_hookimpls(), key=lambda found: found.plugin_name)
        )

    def settings_sections(self) -> tuple[DeclaredSection, ...]:
        """The sections of the configuration that plugins declare, by plugin name.

        :raises PluginError: if a plugin raises, declares something else than one section with a
            Struct, or claims the section of another
        """
        if self._sections is None:
            self._sections = declared_sections(self.resolve("fillbridge_register_settings"))
        return self._sections

    def configure(self, plugin_sections: Mapping[str, Any]) -> Models:
        """The models that plugins offer under this configuration.

        :param plugin_sections: plugin name -> instance of the Struct that it declared; where a
            plugin that declared one has none here, the defaults of its Struct are in force
        :raises ConfigurationError: if a Struct that is needed has no defaults
        :raises PluginError: if a plugin raises, offers what is no model, or under a taken name
        """
        settings = self._completed(plugin_sections)
        models = Models(found for hook in MODEL_HOOKS for found in self.resolve(hook))
        for found in self.resolve("fillbridge_configure"):
            found.call(settings.get(found.plugin), models.registrar(found))
        return models

    def drivers(self) -> dict[str, AnyDriver]:
        """The drivers that plugins offer, by name.

        :raises PluginError: if a plugin raises, offers what is no driver, or under a taken name
        """
        return {offer.name: offer.value for offer in self._driver_catalogue()}

    def driver(self, name: str) -> AnyDriver:
        """The driver of that name.

        :raises ConfigurationError: if nobody offers it; the sentence lists what is installed
        :raises PluginError: as :meth:`drivers`
        """
        return self._driver_catalogue().find(name).value

    def driver_plugin(self, name: str) -> str:
        """The plugin that offers the driver of that name, under whose settings it runs.

        :raises ConfigurationError: if nobody offers it
        :raises PluginError: as :meth:`drivers`
        """
        return self._driver_catalogue().find(name).plugin

    def secret_providers(
        self, plugin_sections: Mapping[str, Any] | None = None
    ) -> dict[str, SecretProvider]:
        """New secret providers, as plugins offer them, in the order of their names.

        :param plugin_sections: as for :meth:`configure`
        :raises ConfigurationError: if a Struct that is needed has no defaults
        :raises PluginError: if a plugin raises, offers what cannot be called, or under a taken name
        """
        settings = self._completed(plugin_sections or {})
        implementations = self.resolve("fillbridge_register_secret_providers")
        offers = registered_secret_providers(implementations, settings)
        return dict(sorted((offer.name, offer.value) for offer in offers))

    def _completed(self, plugin_sections: Mapping[str, Any]) -> dict[str, Any]:
        """The sections of all plugins, with defaults for those that are not given."""
        defaults = {
            section.plugin: _defaults(section)
            for section in self.settings_sections()
            if section.plugin not in plugin_sections
        }
        return {**defaults, **plugin_sections}

    def _driver_catalogue(self) -> Catalogue[AnyDriver]:
        if self._drivers is None:
            self._drivers = registered_drivers(self.resolve("fillbridge_register_drivers"))
        return self._drivers

    def _register(self, plugin: object, source: Source) -> None:
        if source.plugin in self._sources:
            raise source.error(f"the name is taken, by {self._sources[source.plugin]}")
        check_plugin(plugin, source, self._manager)
        try:
            self._manager.register(plugin, source.plugin)
        except (pluggy.PluginValidationError, ValueError) as error:
            raise source.error(str(error).splitlines()[0]) from error
        self._sources[source.plugin] = source
        self._sections = self._drivers = None


def _not_installed(
    only: Collection[str] | None, candidates: Sequence[tuple[Source, EntryPoint]]
) -> list[BrokenPlugin]:
    missing = set(only or ()) - {source.plugin for source, _ in candidates}
    sources = (Source(plugin=name) for name in sorted(missing))
    return [
        BrokenPlugin(source=source, error=source.error("allowed, but not installed"))
        for source in sources
    ]


def _absent(
    only: Collection[str] | None, candidates: _Candidates, lock: PluginLock
) -> list[BrokenPlugin]:
    from fillbridge.plugins.trust import absent

    return [
        BrokenPlugin(source=source, error=source.error("is in the plugin lock, but not installed"))
        for source in absent(lock, [source for source, _ in candidates])
        if only is None or source.plugin in only
    ]


def _listed(candidates: _Candidates, lock: PluginLock) -> _Candidates:
    """Those that the lock names; of the others it is said that they are passed over."""
    from fillbridge.plugins.trust import is_listed, unlisted

    for source, _ in candidates:
        if not is_listed(source, lock):
            _logger.warning("%s is not imported: %s", source, unlisted(source, lock))
    return [pair for pair in candidates if is_listed(pair[0], lock)]


def _verify(source: Source, entry: EntryPoint, lock: PluginLock) -> LockedPlugin:
    """Have a plugin imported from its verified files alone; as it was verified."""
    # Imported here because they are slow to import, and most processes have no lock.
    from fillbridge.plugins.trust import admit, describe
    from fillbridge.plugins.verified import IMPORTS, NotVerified

    examined = admit(source, entry, lock)
    try:
        IMPORTS.trust(examined)
    except NotVerified as error:
        raise source.error(f"is not imported: {error}") from None
    return describe(source, examined)


def _check_single(source: Source, candidates: Sequence[tuple[Source, EntryPoint]]) -> None:
    for other, _ in candidates:
        if other.plugin == source.plugin and other is not source:
            raise source.error(f"{other} has the same name; uninstall one of them")


def _import(source: Source, entry: EntryPoint) -> object:
    try:
        return entry.load()
    # Whatever a plugin raises while it is imported, the others are to be loaded.
    except (Exception, SystemExit) as error:
        raise source.error(f"cannot be imported: {type(error).__name__}: {error}") from error


def _defaults(section: DeclaredSection) -> msgspec.Struct:
    try:
        return msgspec.convert({}, section.struct)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{section.section}: {error}") from error
