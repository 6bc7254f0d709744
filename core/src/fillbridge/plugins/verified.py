"""Imports of locked plugins: from the very bytes that were verified, and from nothing else."""

from __future__ import annotations

import hashlib
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import (
    ExtensionFileLoader,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import CodeType, ModuleType

    from fillbridge.plugins.installs import Examined


class NotVerified(ImportError):
    """A module of a locked plugin is not what was verified."""


class VerifiedImports(MetaPathFinder):
    """Finds the modules of locked plugins where they were verified.

    A source is hashed again when it is read, and what was hashed is what is compiled: nobody can
    change a file between its verification and its import. Cached bytecode, which RECORD does not
    hash, is passed over.
    """

    def __init__(self) -> None:
        self._packages: dict[str, Examined] = {}

    def trust(self, examined: Examined) -> None:
        """Import a package from its verified files alone, from now on.

        :raises NotVerified: if it was imported already, from another file
        """
        loaded = sys.modules.get(examined.package)
        if loaded is not None:
            origin = getattr(loaded, "__file__", None)
            if origin is None or os.path.realpath(origin) not in examined.files:
                raise NotVerified(f"module '{examined.package}' was imported before, from {origin}")
        self._packages[examined.package] = examined
        if self not in sys.meta_path:
            sys.meta_path.insert(0, self)

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Where a module of a locked plugin stands; ``None`` for any other.

        :raises NotVerified: if it is none of the verified files
        """
        examined = self._packages.get(fullname.partition(".")[0])
        if examined is None:
            return None
        spec = PathFinder.find_spec(fullname, [examined.folder] if path is None else path, target)
        if spec is None:
            return None
        origin = None if spec.origin is None else os.path.realpath(spec.origin)
        if origin is None or origin not in examined.files:
            raise NotVerified(f"module '{fullname}' of {spec.origin} was not verified")
        digest = examined.files[origin]
        if isinstance(spec.loader, SourceFileLoader):
            spec.loader = _VerifiedSource(fullname, origin, digest)
            spec.cached = None
        elif isinstance(spec.loader, ExtensionFileLoader):
            _check(fullname, Path(origin).read_bytes(), digest)
        else:
            raise NotVerified(f"module '{fullname}' of {origin}: expected a source")
        return spec


class _VerifiedSource(SourceFileLoader):
    def __init__(self, fullname: str, path: str, digest: str) -> None:
        super().__init__(fullname, path)
        self._digest = digest

    def get_code(self, fullname: str) -> CodeType:
        """The code of the verified source, compiled now."""
        content = self.get_data(self.path)
        _check(fullname, content, self._digest)
        return self.source_to_code(content, self.path)


def _check(fullname: str, content: bytes, digest: str) -> None:
    if hashlib.sha256(content).hexdigest() != digest:
        raise NotVerified(f"module '{fullname}' was changed after it was verified")


IMPORTS = VerifiedImports()
"""The one of this process, as there is one ``sys.meta_path``."""
