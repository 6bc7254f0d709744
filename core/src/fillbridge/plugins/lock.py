"""The plugin lock: which plugins may be imported, down to the bytes of their files."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Literal

import msgspec

from fillbridge_hooks import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

LOCK_NAME = "plugins.lock"
"""Of the file, where the configuration names none: it stands beside the configuration."""

_LARGEST = 1 << 20
_OTHERS_MAY_WRITE = 0o022

Install = Literal["recorded", "editable"]


class LockedPlugin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One plugin that may be imported, as it was when it was locked."""

    plugin: str
    """Name of its entry point."""
    module: str
    """What the entry point refers to."""
    distribution: str
    version: str
    install: Install
    """``recorded``: every file stands in RECORD with its hash. ``editable``: its sources stand
    elsewhere, RECORD says nothing of them, and they are hashed by themselves."""
    record: str
    """SHA-256 of the text of RECORD, hexadecimal."""
    sources: str = ""
    """SHA-256 over the names and hashes of the sources of an ``editable`` install."""


class LockedDependency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A distribution that a plugin or Fillbridge itself depends on, as it was when locked."""

    distribution: str
    """Its canonical name."""
    version: str
    install: Install
    record: str
    """SHA-256 of the text of RECORD, hexadecimal."""
    sources: str = ""
    """SHA-256 over the names and hashes of the sources of an ``editable`` install."""


class PluginLock(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every plugin that may be imported, and what they depend on."""

    format: Literal[2] = 2
    plugins: tuple[LockedPlugin, ...]
    dependencies: tuple[LockedDependency, ...] = ()

    def find(self, plugin: str) -> LockedPlugin | None:
        """The plugin of that name; ``None`` where the lock does not name it."""
        return next((one for one in self.plugins if one.plugin == plugin), None)


def read_lock(path: Path) -> PluginLock:
    """The lock that stands at ``path``.

    :raises ConfigurationError: if it cannot be read, others may write it, or it is no plugin lock
    """
    try:
        with path.open("rb") as file:
            _check_owner(path, os.fstat(file.fileno()))
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the plugin lock cannot be read: {error.strerror}"
        ) from None
    if len(content) > _LARGEST:
        raise ConfigurationError(f"{path}: expected a plugin lock, was a file over 1 MiB")
    try:
        lock = msgspec.json.decode(content, type=PluginLock)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: expected a plugin lock: {error}") from None
    names = [one.plugin for one in lock.plugins]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigurationError(f"{path}: plugin '{twice[0]}' is locked twice; keep one")
    return lock


def write_lock(path: Path, lock: PluginLock) -> None:
    """Write a lock whole or not at all.

    :raises OSError: if it cannot be written
    """
    partial = path.with_name(f"{path.name}-new")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o644)
    try:
        os.fchmod(descriptor, 0o644)  # whatever the umask lets others do: they may not write it
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.replace(path)


def _check_owner(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"{path}: expected a plugin lock, was no file")
    mode = stat.S_IMODE(status.st_mode)
    if mode & _OTHERS_MAY_WRITE:
        raise ConfigurationError(
            f"{path}: expected a plugin lock that only its owner may write, was mode {mode:04o}"
            f" (chmod 644 it)"
        )
    if status.st_uid not in (0, os.geteuid()):
        raise ConfigurationError(
            f"{path}: expected a plugin lock of this user or of root, was owned by user"
            f" {status.st_uid}"
        )
