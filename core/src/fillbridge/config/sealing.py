"""Secrets that somebody wrote into a configuration, kept from whoever looks at variables.

An error that leaves a function keeps its frames, and tools that report errors show the variables
in them. So what is read or handed over is sealed before anything can go wrong with it.
"""

from collections.abc import Mapping
from typing import Any

from fillbridge.config.data import is_secret
from fillbridge.config.schema import MASK

_DEEPEST = 32


class SealedText(str):
    """Text that is itself, and prints as ``***`` where a program shows its variables."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(MASK)


def sealed(value: Any, path: tuple[str, ...] = ()) -> Any:
    """A copy of mappings and lists in which every text that a key calls a secret is sealed."""
    if len(path) > _DEEPEST:
        return value  # refused by whoever reads it
    if isinstance(value, Mapping):
        return {
            key: sealed(item, (*path, key)) if isinstance(key, str) else item
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [sealed(item, path) for item in value]
    if type(value) is str and is_secret(path):
        return SealedText(value)
    return value


def unsealed(value: Any) -> Any:
    """The text itself, where it was sealed, alone or in a list."""
    if isinstance(value, list | tuple):
        return type(value)(map(unsealed, value))
    return str(value) if isinstance(value, SealedText) else value
