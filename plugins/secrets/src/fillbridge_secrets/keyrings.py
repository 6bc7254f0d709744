"""Secrets in the desktop's keyring, wherever that is one that encrypts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fillbridge_hooks import ConfigurationError, Secret

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

ENCRYPTING: Final = frozenset(
    {
        "keyring.backends.SecretService",
        "keyring.backends.Windows",
        "keyring.backends.kwallet",
        "keyring.backends.libsecret",
        "keyring.backends.macOS",
    }
)
"""The keyrings that are trusted. All others are refused: some keep plain text, some nothing."""

_CHAIN = "keyring.backends.chainer"


class KeyringSecrets:
    """Secrets that the keyring has under the name of a service."""

    def __init__(self, service: str) -> None:
        self._service = service

    def unlock(self) -> None:
        """See that there is a keyring, and one that encrypts.

        :raises ConfigurationError: if not
        """
        self._keyring()

    def __call__(self, reference: str) -> Secret | None:
        """The secret of that name; ``None`` where the keyring has none.

        :raises ConfigurationError: if there is no keyring that encrypts, or it fails
        """
        keyring = self._keyring()
        try:
            value = keyring.get_password(self._service, reference)
        except Exception as error:  # noqa: BLE001  # whatever the backend of a desktop raises
            raise self._failed(error) from None
        return Secret(value) if value else None

    def keep(self, name: str, secret: Secret) -> None:
        """Keep the secret in the keyring.

        :raises ConfigurationError: if there is no keyring that encrypts, or it fails
        """
        keyring = self._keyring()
        try:
            keyring.set_password(self._service, name, secret.reveal())
        except Exception as error:  # noqa: BLE001  # whatever the backend of a desktop raises
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> ConfigurationError:
        # What a backend says might hold what it was given.
        return ConfigurationError(f"keyring {self._service!r}: it failed: {type(error).__name__}")

    def _keyring(self) -> KeyringBackend:
        try:
            import keyring
        except ImportError:
            raise ConfigurationError(
                f"keyring {self._service!r}: expected the package keyring, was not installed "
                f"(install fillbridge-secrets[keyring])"
            ) from None
        found = keyring.get_keyring()
        parts = getattr(found, "backends", ()) if _module(found) == _CHAIN else (found,)
        refused = [part for part in parts if _module(part) not in ENCRYPTING]
        if refused or not parts:
            name = ", ".join(f"{_module(part)}.{type(part).__name__}" for part in refused)
            raise ConfigurationError(
                f"keyring {self._service!r}: expected one that encrypts, of "
                f"{', '.join(sorted(ENCRYPTING))}, was {name or 'none'}"
            )
        return found


def _module(backend: object) -> str:
    return type(backend).__module__
