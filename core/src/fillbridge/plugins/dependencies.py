"""What locked plugins, and Fillbridge itself, import besides themselves; looked at, not imported.

The distributions are those that their metadata requires, all the way down, and those of extras that
happen to be installed: what is there may be imported.
"""

from __future__ import annotations

import csv
import hashlib
import re
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from typing import TYPE_CHECKING

import msgspec

from fillbridge.plugins.installs import (
    digest_of_folders,
    is_editable,
    origin_of,
    verified_files,
)
from fillbridge.plugins.lock import LockedDependency, PluginLock
from fillbridge.plugins.sources import installed
from fillbridge_hooks import FillbridgeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_ROOT = "fillbridge"
_EVERY = "*"
_AT_MOST = 5


class ChangedDependency(FillbridgeError):
    """What a plugin depends on is not what was locked; the message says what."""


class Dependency(msgspec.Struct, frozen=True, kw_only=True):
    """What a lock says of one distribution."""

    distribution: str
    version: str
    install: str = ""
    status: str
    """``trusted``, ``changed`` or ``unlisted``."""
    reason: str = ""
    """Why it is not trusted."""


class _Named(msgspec.Struct, frozen=True):
    """A distribution, as errors name it."""

    name: str

    def error(self, message: str) -> ChangedDependency:
        return ChangedDependency(f"dependency {self.name}: {message}")


def lock_dependencies() -> tuple[LockedDependency, ...]:
    """Every distribution that plugins and Fillbridge depend on, as it is; none is imported.

    :raises ChangedDependency: if one cannot be verified
    """
    own = {_canonical(source.distribution) for source, _ in installed()}
    return tuple(
        _described(name, found) for name, found in sorted(_required(own).items()) if name not in own
    )


def check_dependencies(lock: PluginLock) -> None:
    """Refuse to go on beside a dependency of another version, or with another RECORD.

    The files themselves are not read, which would take a second: see :func:`judge_dependencies`.

    :raises ChangedDependency: naming them
    """
    changed = [
        f"{locked.distribution}: {reason}"
        for locked in lock.dependencies
        if (reason := _difference(locked, _find(locked.distribution)))
    ]
    if changed:
        more = f"; and {len(changed) - _AT_MOST} more" if len(changed) > _AT_MOST else ""
        raise ChangedDependency(
            "what the plugins depend on is not what was locked, and no plugin is imported: "
            f"{'; '.join(changed[:_AT_MOST])}{more} (fillbridge plugins verify)"
        )


def judge_dependencies(lock: PluginLock) -> tuple[Dependency, ...]:
    """What a lock says of every distribution that is locked or required, file by file."""
    judged = []
    for locked in lock.dependencies:
        reason = _difference(locked, _find(locked.distribution), every_file=True)
        judged.append(
            Dependency(
                distribution=locked.distribution,
                version=locked.version,
                install=locked.install,
                status="changed" if reason else "trusted",
                reason=reason,
            )
        )
    own = {_canonical(one.distribution) for one in lock.plugins}
    known = own | {locked.distribution for locked in lock.dependencies}
    for name, found in sorted(_required(own).items()):
        if name not in known:
            judged.append(
                Dependency(
                    distribution=name,
                    version=found.version,
                    status="unlisted",
                    reason="the plugin lock does not name it",
                )
            )
    return tuple(judged)


def _difference(
    locked: LockedDependency, found: Distribution | None, *, every_file: bool = False
) -> str:
    """How a distribution differs from what was locked; empty if it does not."""
    if found is None:
        return "it is not installed any more"
    if found.version != locked.version:
        return f"expected version {locked.version} as locked, was {found.version}"
    if _digest(found) != locked.record:
        return "its RECORD is not the one that was locked, so it was installed anew or changed"
    if not every_file:
        return ""
    try:
        described = _described(locked.distribution, found)
    except ChangedDependency as error:
        return str(error).removeprefix(f"dependency {locked.distribution}: ")
    if described != locked:
        return "its sources are not those that were locked"
    return ""


def _described(name: str, found: Distribution) -> LockedDependency:
    """What the lock keeps of a distribution, once each of its files is as RECORD says.

    :raises ChangedDependency: if one is not
    """
    named = _Named(name)
    record = found.read_text("RECORD")
    if record is None:
        raise named.error("has no RECORD, so what was installed cannot be verified")
    files = verified_files(named, found, record)
    edited = is_editable(found)
    sources = ""
    if edited:
        folders = [origin_of(named, package) for package in _packages_of_editable(name)]
        sources = digest_of_folders(named, folders)
    else:
        for package in _packages(record):
            origin = origin_of(named, package)
            if str(origin) not in files:
                raise named.error(
                    f"module '{package}' would be imported from {origin}, which its RECORD does"
                    " not name"
                )
    return LockedDependency(
        distribution=name,
        version=found.version,
        install="editable" if edited else "recorded",
        record=_digest(found),
        sources=sources,
    )


def _packages(record: str) -> Iterator[str]:
    """The packages and modules at the top of a distribution."""
    for name, *_ in csv.reader(record.splitlines()):
        head, _, tail = name.partition("/")
        if tail == "__init__.py" and head.isidentifier():
            yield head
        elif not tail and head.endswith((".py", *EXTENSION_SUFFIXES)):
            yield head.partition(".")[0]


def _packages_of_editable(name: str) -> tuple[str, ...]:
    # Of an editable install RECORD names none: these are Fillbridge's own, named like themselves.
    return (name.replace("-", "_"),)


def _required(plugins: Iterable[str]) -> dict[str, Distribution]:
    """Every distribution that is required, all the way down, by its canonical name."""
    # Imported here because starts only compare: whoever locks or verifies has the time.
    from packaging.requirements import Requirement

    found: dict[str, Distribution] = {}
    seen: set[tuple[str, str]] = set()
    ahead = [(_canonical(name), _EVERY) for name in (_ROOT, *plugins)]
    while ahead:
        name, extra = ahead.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        here = found.get(name) or _find(name)
        if here is None:
            continue  # not there, so it cannot be imported either
        found[name] = here
        extras = [extra]
        if extra == _EVERY:
            extras = ["", *(here.metadata.get_all("Provides-Extra") or ())]
        for line in here.requires or ():
            required = Requirement(line)
            marker = required.marker
            if marker is None or any(marker.evaluate({"extra": one}) for one in extras):
                ahead += [(_canonical(required.name), one) for one in ("", *required.extras)]
    return found


def _find(name: str) -> Distribution | None:
    try:
        return distribution(name)
    except PackageNotFoundError:
        return None


def _digest(found: Distribution) -> str:
    return hashlib.sha256((found.read_text("RECORD") or "").encode()).hexdigest()


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
