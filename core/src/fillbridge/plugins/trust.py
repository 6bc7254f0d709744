"""Which of the installed plugins a lock lets in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from fillbridge.plugins.dependencies import lock_dependencies
from fillbridge.plugins.installs import Examined, examine
from fillbridge.plugins.lock import LockedPlugin, PluginLock
from fillbridge.plugins.sources import Source, installed
from fillbridge_hooks import PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

_DESCRIBED = ("distribution", "version", "module", "install", "record", "sources")


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What a lock says of one plugin."""

    source: Source
    is_listed: bool
    """Whether the lock names this plugin of this distribution."""
    is_trusted: bool
    """Whether it is, byte for byte, what was locked."""
    reason: str = ""
    """Why it is not trusted."""
    install: str = ""

    @property
    def status(self) -> str:
        """``trusted``, ``changed`` or ``unlisted``."""
        if self.is_trusted:
            return "trusted"
        return "changed" if self.is_listed else "unlisted"


def describe(source: Source, examined: Examined) -> LockedPlugin:
    """What the lock keeps of a plugin."""
    return LockedPlugin(
        plugin=source.plugin,
        module=source.module,
        distribution=source.distribution,
        version=source.version,
        install=examined.install,
        record=examined.record,
        sources=examined.sources,
    )


def lock_installed() -> PluginLock:
    """A lock of every plugin that is installed; none is imported.

    :raises PluginError: if one cannot be verified, or two have one name
    :raises ChangedDependency: if what they depend on cannot be verified
    """
    locked: dict[str, LockedPlugin] = {}
    for source, entry in installed():
        if source.plugin in locked:
            other = locked[source.plugin].distribution
            raise source.error(f"a plugin of {other} has the same name; uninstall one of them")
        locked[source.plugin] = describe(source, examine(source, entry))
    return PluginLock(plugins=tuple(locked.values()), dependencies=lock_dependencies())


def admit(source: Source, entry: EntryPoint, lock: PluginLock) -> Examined:
    """The verified files of a plugin that the lock lets in.

    :raises PluginError: if the lock does not name it, or it is not what was locked
    """
    locked = lock.find(source.plugin)
    if locked is None or not is_listed(source, lock):
        raise source.error(f"is not imported: {unlisted(source, lock)}")
    examined = examine(source, entry)
    found = describe(source, examined)
    for name in _DESCRIBED:
        if getattr(found, name) != getattr(locked, name):
            raise source.error(f"is not imported: {_differs(name, found, locked)}")
    return examined


def is_listed(source: Source, lock: PluginLock) -> bool:
    """Whether the lock names a plugin of that name and that distribution."""
    locked = lock.find(source.plugin)
    return locked is not None and locked.distribution == source.distribution


def judge(lock: PluginLock) -> tuple[Judgement, ...]:
    """What the lock says of every plugin that is installed or locked; none is imported."""
    judged: list[Judgement] = []
    candidates = installed()
    for source, entry in candidates:
        listed = is_listed(source, lock)
        try:
            examined = admit(source, entry, lock)
        except PluginError as error:
            judged.append(
                Judgement(source=source, is_listed=listed, is_trusted=False, reason=error.message)
            )
        else:
            judged.append(
                Judgement(source=source, is_listed=True, is_trusted=True, install=examined.install)
            )
    judged.extend(
        Judgement(source=source, is_listed=True, is_trusted=False, reason="locked, not installed")
        for source in absent(lock, [source for source, _ in candidates])
    )
    return tuple(judged)


def absent(lock: PluginLock, sources: Sequence[Source]) -> list[Source]:
    """The locked plugins that are not installed."""
    there = {(source.plugin, source.distribution) for source in sources}
    return [
        Source(
            plugin=one.plugin,
            distribution=one.distribution,
            version=one.version,
            module=one.module,
        )
        for one in lock.plugins
        if (one.plugin, one.distribution) not in there
    ]


def unlisted(source: Source, lock: PluginLock) -> str:
    """Why a plugin is not listed."""
    locked = lock.find(source.plugin)
    if locked is None:
        return "the plugin lock does not name it"
    return f"the plugin lock names '{locked.plugin}' of {locked.distribution}, another distribution"


def _differs(name: str, found: LockedPlugin, locked: LockedPlugin) -> str:
    if name == "record":
        return "its RECORD is not the one that was locked, so it was installed anew or changed"
    if name == "sources":
        return "its sources are not those that were locked"
    return f"{name}: expected {getattr(locked, name)!r} as locked, was {getattr(found, name)!r}"
