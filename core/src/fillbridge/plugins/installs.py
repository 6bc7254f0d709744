"""What stands installed of a plugin, looked at without importing any of it."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import msgspec

from fillbridge.plugins.lock import Install  # msgspec reads it

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.metadata import Distribution, EntryPoint

    from fillbridge.plugins.sources import Source
    from fillbridge_hooks import FillbridgeError

_STRONG = ("sha256", "sha384", "sha512")
_CACHE = "__pycache__"
_BYTECODE = ".pyc"


class Named(Protocol):
    """Somebody whose name an error must say."""

    def error(self, message: str) -> FillbridgeError:
        """An error that names them."""


class Examined(msgspec.Struct, frozen=True, kw_only=True):
    """The files of an installed plugin, each of them as its hash says."""

    install: Install
    record: str
    """SHA-256 of the text of RECORD, hexadecimal."""
    sources: str
    """SHA-256 over the sources of an editable install; empty for any other."""
    package: str
    """The top-level package, or module, from which the plugin is imported."""
    folder: str
    """Where that stands."""
    files: dict[str, str]
    """SHA-256 of each file that may be imported, by its real path."""


def examine(source: Source, entry: EntryPoint) -> Examined:
    """Look at every file of the distribution that a plugin comes from.

    Nothing of it is imported.

    :raises PluginError: if a file differs from what RECORD says, is missing, or may be imported
        although RECORD does not name it; or if the plugin would be imported from elsewhere
    """
    if entry.dist is None or (record := entry.dist.read_text("RECORD")) is None:
        raise source.error("has no RECORD, so what was installed cannot be verified")
    hashes = verified_files(source, entry.dist, record)
    package = entry.module.partition(".")[0]
    origin = origin_of(source, package)
    is_package = origin.name == "__init__.py"
    folder = origin.parent.parent if is_package else origin.parent
    install: Install = "recorded"
    sources = ""
    if is_editable(entry.dist) and str(origin) not in hashes:
        install = "editable"
        found = dict(_source_files(source, origin.parent)) if is_package else _one_file(origin)
        sources = _digest_of_all(found, folder)
        hashes = found
    elif str(origin) not in hashes:
        raise source.error(
            f"module '{package}' would be imported from {origin}, which its RECORD does not name"
        )
    elif is_package:
        for path, _ in _source_files(source, origin.parent):
            if path not in hashes:
                raise source.error(f"{path} stands in its package, and RECORD does not name it")
    return Examined(
        install=install,
        record=hashlib.sha256(record.encode()).hexdigest(),
        sources=sources,
        package=package,
        folder=str(folder),
        files=hashes,
    )


def verified_files(source: Named, dist: Distribution, record: str) -> dict[str, str]:
    """SHA-256 of every file that RECORD names with a hash, by real path.

    :raises FillbridgeError: of ``source``, if a file differs from what RECORD says, or is missing
    """
    found: dict[str, str] = {}
    for row in csv.reader(record.splitlines()):
        if len(row) != 3:
            raise source.error(f"RECORD: expected lines of three values, was {','.join(row)!r}")
        name, written, _ = row
        path = Path(os.path.realpath(str(dist.locate_file(name))))
        if not written:
            if not _goes_without_hash(name):
                raise source.error(f"RECORD: expected a hash of {name}, was none")
            continue
        kind, _, value = written.partition("=")
        if kind not in _STRONG:
            raise source.error(f"RECORD: expected a hash of {name} by SHA-256, was {kind!r}")
        content = _content(source, path)
        if _encoded(hashlib.new(kind, content).digest()) != value:
            raise source.error(f"{path} was changed after it was installed")
        found[str(path)] = hashlib.sha256(content).hexdigest()
    return found


def _goes_without_hash(name: str) -> bool:
    parts = name.split("/")
    # Bytecode that installers compiled is never used: see VerifiedImports.
    is_cache = len(parts) > 1 and parts[-2] == _CACHE and name.endswith(_BYTECODE)
    return is_cache or (len(parts) == 2 and parts[0].endswith(".dist-info") and parts[1] in _SELF)


_SELF = ("RECORD", "RECORD.jws", "RECORD.p7s")


def origin_of(source: Named, package: str) -> Path:
    """The file that importing a top-level package would run first.

    :raises FillbridgeError: of ``source``, if there is none
    """
    spec = _spec(source, package)
    if spec is None:
        raise source.error(f"module '{package}' cannot be found")
    if not spec.has_location or spec.origin is None:
        raise source.error(
            f"module '{package}' is no file or package of its own, so it cannot be verified"
        )
    origin = Path(os.path.realpath(spec.origin))
    if not origin.name.endswith((".py", *EXTENSION_SUFFIXES)):
        raise source.error(
            f"module '{package}' would be imported from {origin}, which is no source"
        )
    return origin


def _spec(source: Named, package: str) -> ModuleSpec | None:
    try:
        # Of a name without a dot nothing is imported.
        return find_spec(package) or PathFinder.find_spec(package)
    except (ImportError, ValueError) as error:
        raise source.error(f"module '{package}' cannot be found: {error}") from None


def is_editable(dist: Distribution) -> bool:
    """Whether the sources stand elsewhere, where their author edits them."""
    written = dist.read_text("direct_url.json")
    if written is None:
        return False
    try:
        read = msgspec.json.decode(written)
    except msgspec.DecodeError:
        return False
    info = read.get("dir_info") if isinstance(read, dict) else None
    return isinstance(info, dict) and info.get("editable") is True


def _source_files(source: Named, folder: Path) -> Iterator[tuple[str, str]]:
    """Each file below a package, bytecode aside, with its SHA-256."""
    for directory, folders, names in os.walk(folder):
        here = Path(directory)
        folders[:] = sorted(name for name in folders if name != _CACHE)
        for name in folders:
            if (here / name).is_symlink():
                raise source.error(f"{here / name}: expected a folder, was a link to one")
        for name in sorted(names):
            path = here / name
            if path.is_symlink():
                raise source.error(f"{path}: expected a file, was a link to one")
            yield str(path), hashlib.sha256(_content(source, path)).hexdigest()


def digest_of_folders(source: Named, origins: Sequence[Path]) -> str:
    """SHA-256 over the sources of packages, each named by its first file.

    :raises FillbridgeError: of ``source``, if one cannot be read, or a link leads elsewhere
    """
    parts = [
        _digest_of_all(dict(_source_files(source, origin.parent)), origin.parent.parent)
        for origin in origins
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _one_file(path: Path) -> dict[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest()}


def _digest_of_all(files: dict[str, str], folder: Path) -> str:
    # Names as they are below the folder: the same sources may stand elsewhere on another machine.
    lines = sorted(
        f"{Path(path).relative_to(folder).as_posix()}\0{one}" for path, one in files.items()
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _content(source: Named, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise source.error(f"{path} cannot be read: {error.strerror}") from None


def _encoded(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
