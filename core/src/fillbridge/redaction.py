"""Keeps secrets out of text: those that were learned, and what is called one."""

import base64
import json
import re
from contextlib import AbstractContextManager
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus

import msgspec

from fillbridge.leaving import Leaving
from fillbridge_hooks import InvalidValue, Secret

_MASK = "***"
_SHORT = 4
_BETWEEN = "\0"
"""Between texts that are looked through together; no letter, so that short secrets stand alone."""

MessageT = TypeVar("MessageT")


class Redactor:
    """Masks every secret that was given out, wherever it stands in a text.

    It is found as it is, and as programs write it: escaped, quoted for an address, in hexadecimal
    digits, in base64. One of fewer than four characters is masked only where it stands alone:
    elsewhere it would be told by what is missing.
    """

    def __init__(self) -> None:
        self._secrets: list[Secret] = []
        self._forms: list[Secret] = []
        """How each may be written; kept as secrets, for whoever looks at this object's fields."""
        self._errors = Leaving(self._mask)

    def learn(self, secret: Secret) -> None:
        """Mask this one from now on."""
        if secret.reveal() and secret not in self._secrets:
            self._secrets.append(secret)
            self._forms += map(Secret, _forms(secret.reveal()))
            # The longest first: one may be a part of another.
            self._forms.sort(key=lambda known: -len(known.reveal()))

    def __call__(self, text: str) -> str:
        """The text without any secret."""
        for form in self._forms:
            value = form.reveal()
            if value not in text:
                continue
            if len(value) >= _SHORT:
                text = text.replace(value, _MASK)
            else:
                text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", _MASK, text)
        return text

    def clean(self, error: BaseException) -> None:
        """Mask what an error says, and those that it came from."""
        seen: set[int] = set()
        ahead: list[BaseException | None] = [error]
        while ahead:
            found = ahead.pop()
            if found is None or id(found) in seen:
                continue
            seen.add(id(found))
            found.args = tuple(self._cleaned(value) for value in found.args)
            for name, value in vars(found).items():
                setattr(found, name, self._cleaned(value))
            ahead += [found.__cause__, found.__context__]
            if isinstance(found, BaseExceptionGroup):
                ahead += found.exceptions

    def message(self, message: MessageT) -> MessageT:
        """A message of the broker, its reason masked."""
        reason = getattr(message, "reason", None)
        if not reason or type(reason) is not str:
            return message
        cleaned = self(reason)
        if cleaned == reason:
            return message
        changed: Any = message
        return msgspec.structs.replace(changed, reason=cleaned)  # type: ignore[no-any-return]

    def texts(self, message: MessageT) -> MessageT:
        """A message with each of its text fields masked."""
        given: Any = message
        changed = {}
        for name in given.__struct_fields__:
            value = getattr(given, name)
            if type(value) is str and self(value) != value:
                changed[name] = self(value)
        if not changed:
            return message
        return msgspec.structs.replace(given, **changed)  # type: ignore[no-any-return]

    def refuse(self, message: msgspec.Struct) -> None:
        """Refuse a message with a secret in a text of its own: it would be recorded and published.

        :raises InvalidValue: naming the field
        """
        values = msgspec.structs.astuple(message)
        together = _BETWEEN.join([value for value in values if isinstance(value, str)])
        if self(together) == together:
            return
        for name in message.__struct_fields__:
            value = getattr(message, name)
            if isinstance(value, str) and self(value) != value:
                raise InvalidValue(name, "text without a secret in it", self(value))

    def errors(self) -> AbstractContextManager[None]:
        """A context that masks what goes through."""
        return self._errors

    def _mask(self, error: BaseException | None) -> None:
        if isinstance(error, Exception):
            self.clean(error)

    def _cleaned(self, value: object) -> object:
        return self(value) if type(value) is str else value


def mask_named(text: str) -> str:
    """The text without what its own words call a secret, as ``password=...`` does.

    For what nobody has learned: a setting, a header, a message of a library.
    """
    return _HEADER.sub(r"\1***", _NAMED.sub(r"\1***", text))


def _forms(value: str) -> set[str]:
    if len(value) < _SHORT:
        return {value}
    content = value.encode(errors="surrogatepass")
    return {
        value,
        repr(value)[1:-1],
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        repr(content)[2:-1],
        quote(value, safe="", errors="replace"),
        quote_plus(value, errors="replace"),
        content.hex(),
        content.hex().upper(),
        content.hex(" "),
        base64.b64encode(content).decode().rstrip("="),
        base64.urlsafe_b64encode(content).decode().rstrip("="),
    }


_NAMES = r"[\w.-]*(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|private[_-]?key)[\w-]*"
_VALUE = r"(?:\"[^\"]*\"|'[^']*'|[^\s,;&)\]}\"']+)"
_NAMED = re.compile(
    # A sentence of ours goes on with a word of its own, and a reference is no secret.
    rf"(\b{_NAMES}[\"']?\s*[:=]\s*)(?!expected\b|missing\b|unknown\b|[\"']?\$\{{|\*\*\*){_VALUE}",
    re.IGNORECASE,
)
_HEADER = re.compile(r"(\b(?:bearer|basic)\s+)[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
