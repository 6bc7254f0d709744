"""What a reference to a secret looks like."""

import re

from fillbridge_hooks import ConfigurationError

_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})\}")
_BEGINNING = "${"


def reference_in(value: str) -> str | None:
    """The name in a reference such as ``${NAME}``; ``None`` for any other text.

    :raises ConfigurationError: if it was meant as a reference, but is none; the sentence does not
        show it, for it may hold a secret as well
    """
    found = _REFERENCE.fullmatch(value)
    if found is not None:
        return found[1]
    if _BEGINNING in value:
        raise ConfigurationError(
            "expected a reference like ${NAME} and nothing else (letters, digits, '_', '.', '-'),"
            " was other text with '${' in it"
        )
    return None
