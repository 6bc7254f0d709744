"""A value that must not be shown."""

from typing import NoReturn

_MASK = "***"


class Secret:
    """Holds a password, key or token; only :meth:`reveal` gives it out.

    It prints as ``***``, cannot be copied, pickled or encoded, and compares in constant time.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself: call it where it is used, and keep the result nowhere."""
        return self._value

    def __repr__(self) -> str:
        return _MASK

    def __str__(self) -> str:
        return _MASK

    def __format__(self, format_spec: str) -> str:
        return _MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        # Imported here because it loads OpenSSL, and few processes compare secrets.
        import hmac

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    __hash__ = None  # type: ignore[assignment]  # a hash would tell equal secrets apart

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is neither copied nor pickled")
