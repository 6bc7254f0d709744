"""Text of others as it may be shown: no character of it moves a cursor or begins a line."""

from __future__ import annotations

import re

# C0 and C1 (ANSI sequences begin with one), what breaks lines elsewhere, what turns the direction
# of writing round, what nobody sees, and halves of characters that no terminal can be sent.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_KNOWN = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def printable(text: str) -> str:
    r"""The text with every control character spelled out, as ``\n`` or ``\x1b``."""
    return _HARMFUL.sub(_spelled, text)


def printable_lines(text: str) -> str:
    """The same for text of several lines, such as a traceback: its line breaks stay."""
    return "\n".join(map(printable, text.split("\n")))


def printable_json(text: str) -> str:
    """A JSON document with the same characters escaped as JSON has it; it says what it said.

    Line breaks and tabs between its values stay.
    """
    return _HARMFUL.sub(
        lambda found: found[0] if found[0] in _KNOWN else f"\\u{ord(found[0]):04x}", text
    )


def _spelled(found: re.Match[str]) -> str:
    character = found[0]
    if character in _KNOWN:
        return _KNOWN[character]
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
