"""Where a plugin comes from, so that every message can say which one to mend or remove."""

from __future__ import annotations

import inspect
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge_hooks import PROJECT, PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """A plugin's name and origin."""

    plugin: str
    """Name of its entry point, or the name under which it was registered in this process."""
    distribution: str = ""
    """What was installed; empty for a plugin registered in this process."""
    version: str = ""
    module: str = ""
    """What the entry point refers to."""

    @property
    def origin(self) -> str:
        """Distribution and version, as ``fillbridge-costs 0.1.0``."""
        return f"{self.distribution} {self.version}".strip()

    def error(self, message: str) -> PluginError:
        """An error that names this plugin and its origin."""
        return PluginError(self.plugin, message, self.origin)

    def __str__(self) -> str:
        return f"plugin '{self.plugin}'" + (f" from {self.origin}" if self.origin else "")


def source_fields(source: Source) -> dict[str, str]:
    """The fields of ``Source`` alone, to make a record of something that the plugin offers."""
    return {field: getattr(source, field) for field in Source.__struct_fields__}


def source_of_object(plugin: object, name: str) -> Source:
    """The source of a plugin that is registered in this process."""
    if inspect.ismodule(plugin):
        return Source(plugin=name, module=plugin.__name__)
    kind = plugin if inspect.isclass(plugin) else type(plugin)
    return Source(plugin=name, module=f"{kind.__module__}:{kind.__qualname__}")


def installed() -> list[tuple[Source, EntryPoint]]:
    """Every entry point of the group ``fillbridge``, by name, then distribution; none imported.

    Not in the order of the directories, which differs between machines.
    """
    # Imported here because it is slow to import, and embedders may register plugins themselves.
    from importlib.metadata import entry_points

    found = [(_source_of_entry_point(entry), entry) for entry in entry_points(group=PROJECT)]
    return sorted(found, key=lambda pair: (pair[0].plugin, pair[0].origin))


def _source_of_entry_point(entry: EntryPoint) -> Source:
    metadata: Any = {}
    # A removal that was cut short leaves entry points without the metadata beside them: who
    # answers then differs, for importlib-metadata takes the place of Python's own.
    with suppress(FileNotFoundError):
        metadata = entry.dist.metadata if entry.dist is not None else {}
    return Source(
        plugin=entry.name,
        distribution=metadata.get("Name", "an unnamed distribution"),
        version=metadata.get("Version", ""),
        module=entry.value,
    )
