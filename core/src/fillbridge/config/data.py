"""What any configuration consists of, wherever it comes from: plain values under plain keys."""

import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

from fillbridge.config.schema import MASK
from fillbridge_hooks import ConfigurationError, InvalidValue

ROOT = "execution_handler"
"""The key above all settings."""

Path = tuple[str, ...]
"""Keys from below ``ROOT`` down to a setting."""

MISSING = object()
"""Stands for a setting that is not there, as ``None`` may be its value."""

_DEEPEST = 32
_LARGEST_NUMBER = 10**18 - 1
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
_SECRET = re.compile(r"credential|passw|passphrase|secret|token|api_?key|private_?key", re.I)
_REFERENCE = re.compile(r"\$\{[\w.-]+\}")
_NO_SECRETS: frozenset[tuple[str, ...]] = frozenset(
    {("live_settings", "secrets"), ("live_settings", "secret_providers")}
)
_ALTERNATIVES = re.compile(r"[\w.-]+( \| [\w.-]+)+")


def dotted(path: Path) -> str:
    """The path as messages show it."""
    return ".".join((ROOT, *path))


def is_secret(path: Path) -> bool:
    """Whether what stands at ``path`` is called a secret by a key on the way there."""
    return any(_SECRET.search(key) for key in path)


def shown(path: Path, value: object) -> object:
    """``value`` as it may be shown: a secret that is not a reference like ``${NAME}`` is masked."""
    if not value or path[:2] in _NO_SECRETS or not is_secret(path):
        return value
    return value if isinstance(value, str) and _REFERENCE.fullmatch(value) else MASK


def refuse(path: Path, expected: str, value: object) -> NoReturn:
    """Raise ``InvalidValue`` for the setting at ``path``, without giving a secret away."""
    if isinstance(value, Mapping | list | tuple):  # there may be one inside
        value = "keys and values" if isinstance(value, Mapping) else "a list"
    raise InvalidValue(dotted(path), expected, shown(path, value))


def lookup(data: Mapping[str, Any], path: Path) -> Any:
    """The value at ``path``, or ``MISSING``."""
    value: Any = data
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return MISSING
        value = value[key]
    return value


def plain(value: object, path: Path = ()) -> Any:
    """A deep copy of mappings, lists, text, numbers, booleans and ``None``.

    What dynaconf would evaluate or merge, and what it cannot tell apart, is refused.

    :raises InvalidValue: if a value is something else
    :raises ConfigurationError: if a key cannot be used
    """
    if len(path) > _DEEPEST:
        raise ConfigurationError(f"{dotted(path[:3])}: nested too deeply")
    match value:
        case bool() | None:
            return value
        case int():
            is_sane = -_LARGEST_NUMBER <= value <= _LARGEST_NUMBER
            return value if is_sane else refuse(path, "a number of at most 18 digits", "more")
        case float():
            return value if math.isfinite(value) else refuse(path, "a finite number", value)
        case str():
            return _plain_text(value, path)
        case list() | tuple():
            return [plain(item, (*path, str(index))) for index, item in enumerate(value)]
        case Mapping():
            _check_keys(value, path)
            return {key: plain(item, (*path, key)) for key, item in value.items()}
    return refuse(path, "text (in quotes), a number, true, false, a list or keys", value)


def folded(key: str) -> str:
    """The key as dynaconf compares keys."""
    return key.replace(" ", "_").lower()


def _plain_text(text: str, path: Path) -> str:
    if text.lstrip().startswith("@"):
        refuse(path, "text that does not begin with '@', as nothing here is evaluated", text)
    if folded(text.strip()).startswith("dynaconf"):
        refuse(path, "text that does not begin with 'dynaconf', as nothing is merged", text)
    if _UNUSABLE.search(text):
        refuse(path, "text without NUL and halves of characters", text)
    if _ALTERNATIVES.fullmatch(text):
        refuse(path, "one of these alternatives", text)
    return text


def _check_keys(mapping: Mapping[Any, object], path: Path) -> None:
    seen: dict[str, str] = {}
    for key in mapping:
        if not (isinstance(key, str) and key.isprintable() and key.strip() == key != ""):
            raise ConfigurationError(f"{dotted(path)}: expected a name as key, was {key!r}")
        if key.lower().startswith("dynaconf"):
            raise ConfigurationError(f"{dotted((*path, key))}: keys of dynaconf are not allowed")
        twin = seen.setdefault(folded(key), key)
        if twin != key:
            raise ConfigurationError(
                f"{dotted(path)}: the keys {twin!r} and {key!r} are too much alike; keep one"
            )
