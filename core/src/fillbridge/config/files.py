"""A configuration file as plain data: YAML or TOML, read once, with nothing in it executed."""

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fillbridge.config.sealing import SealedText, sealed
from fillbridge_hooks import ConfigurationError

_LARGEST_FILE = 1 << 18
_MOST_YAML = 10_000
"""Pieces: the reader of YAML takes 40 µs for each, and longer for the next the deeper it is."""
_DEEPEST = 50
_MOST_DOTS = 200
"""In a line: the time that TOML's reader takes grows with the square of a key's parts."""
_OUT_OF_RANGE = "a date or a number is out of range"
_CHOICE = r"""("[^"]*"|'[^']*')"""
_ALTERNATIVES = re.compile(rf"""[^#]*[:=]\s*(?P<shown>{_CHOICE}(\s*\|\s*({_CHOICE}|[\w.-]+))+)""")


def read_file(path: Path) -> dict[str, Any]:
    """The mapping that a ``.yaml``, ``.yml`` or ``.toml`` file holds.

    YAML is version 1.2 without tags, anchors, aliases and merge keys.

    :raises ConfigurationError: if the file cannot be read or used; names it and, where there is
        one, the line
    """
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise ConfigurationError(f"{path}: expected a name that ends in .yaml, .yml or .toml")
    text = SealedText(_read_text(path))
    try:
        data = sealed(parse(text))
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {_alternatives(text) or error}") from None
    except RecursionError:
        raise ConfigurationError(f"{path}: nested too deeply") from None
    if data is None or data == {}:
        raise ConfigurationError(f"{path}: the file is empty")
    if not isinstance(data, dict):
        del data  # an error keeps its variables, and nobody knows what these are
        raise ConfigurationError(f"{path}: expected keys and values at the top of the file")
    return data


def _read_text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise ConfigurationError(f"{path}: not a file")
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"{path}: cannot be read: {reason}") from None
    if len(content) > _LARGEST_FILE:
        raise ConfigurationError(f"{path}: larger than 256 KiB, which no configuration is")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{path}: line {line}: not UTF-8 text") from None


def _alternatives(text: str) -> str | None:
    """Answer the sentence for a file that still shows a choice, as specifications do."""
    for number, line in enumerate(text.splitlines(), start=1):
        if match := _ALTERNATIVES.match(line):
            return f"line {number}: {match['shown']} shows alternatives; write one of them"
    return None


def _parse_toml(text: str) -> Any:
    for number, line in enumerate(text.split("\n"), start=1):
        if line.count(".") > _MOST_DOTS:
            raise ConfigurationError(f"line {number}: nested too deeply")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(str(error)) from None
    except ValueError:
        raise ConfigurationError(_OUT_OF_RANGE) from None


def _parse_yaml(text: str) -> Any:
    from dynaconf.vendor.ruamel.yaml import YAML
    from dynaconf.vendor.ruamel.yaml.constructor import DuplicateKeyError
    from dynaconf.vendor.ruamel.yaml.error import YAMLError

    try:
        safe = YAML(typ="safe", pure=True)
        _refuse_yaml_features(safe.parse(text))
        return safe.load(text)
    except DuplicateKeyError as error:
        # The rest of its text shows both values, and one of them may be a secret.
        problem = error.problem.partition(" with value ")[0]
        raise ConfigurationError(f"line {error.problem_mark.line + 1}: {problem}") from None
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        problem = getattr(error, "problem", None) or "a character that YAML does not allow"
        raise ConfigurationError(f"{line}{problem}") from None
    except ValueError:
        raise ConfigurationError(_OUT_OF_RANGE) from None


def _refuse_yaml_features(events: Any) -> None:
    documents = 0
    depth = 0
    for count, event in enumerate(events):
        kind = type(event).__name__
        depth += kind.endswith("StartEvent") - kind.endswith("EndEvent")
        line = f"line {event.start_mark.line + 1}"
        if count > _MOST_YAML:
            raise ConfigurationError(f"{line}: more keys and values than any configuration has")
        if depth > _DEEPEST:  # each further level makes reading slower
            raise ConfigurationError(f"{line}: nested too deeply")
        if getattr(event, "anchor", None) is not None:
            raise ConfigurationError(f"{line}: anchors (&) and aliases (*) are not allowed")
        if getattr(event, "tag", None) is not None:
            raise ConfigurationError(f"{line}: the tag {event.tag} is not allowed")
        if getattr(event, "value", None) == "<<":
            raise ConfigurationError(f"{line}: merge keys (<<) are not allowed")
        if kind == "DocumentStartEvent":
            documents += 1
            if event.version or event.tags:
                raise ConfigurationError(f"{line}: directives (%) are not allowed")
            if documents > 1:
                raise ConfigurationError(f"{line}: a second document (---) is not allowed")


_PARSERS: dict[str, Callable[[str], Any]] = {
    ".yaml": _parse_yaml,
    ".yml": _parse_yaml,
    ".toml": _parse_toml,
}
