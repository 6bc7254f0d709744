"""The section ``vault`` of the configuration; there is no secret in it."""

from typing import Annotated, Literal

import msgspec

from fillbridge_hooks import ConfigurationError

_Name = Annotated[str, msgspec.Meta(min_length=1)]


class VaultSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the encrypted secrets are, and what opens them."""

    file: _Name | None = None
    """The vault; ``None`` for no provider ``vault``."""
    unlock: Literal["prompt", "file", "keyring"] = "prompt"
    """Where its passphrase comes from."""
    unlock_file: _Name | None = None
    """With ``file``: the file that holds the passphrase; a name alone is one of systemd's
    credentials."""
    keyring_service: _Name | None = None
    """What the secrets are filed under in the keyring; ``None`` for no provider ``keyring``."""

    def __post_init__(self) -> None:
        """Refuse what contradicts itself.

        :raises ConfigurationError: saying what is missing
        """
        if (self.unlock == "file") != (self.unlock_file is not None):
            raise ConfigurationError("unlock: file and unlock_file are set together")
        if self.unlock == "keyring" and self.keyring_service is None:
            raise ConfigurationError("unlock: keyring needs keyring_service")
