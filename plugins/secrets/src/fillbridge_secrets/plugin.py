"""Ties the section ``vault`` to the providers that it configures."""

from pathlib import Path

from fillbridge_hooks import RegisterSecretProvider, RegisterSettings, hookimpl
from fillbridge_secrets.keyrings import KeyringSecrets
from fillbridge_secrets.passphrases import Passphrase, asked, in_file, in_keyring
from fillbridge_secrets.settings import VaultSettings
from fillbridge_secrets.vault import Vault


@hookimpl
def fillbridge_register_settings(register: RegisterSettings) -> None:
    """Claim the section ``vault``."""
    register("vault", VaultSettings)


@hookimpl
def fillbridge_register_secret_providers(
    register: RegisterSecretProvider, settings: VaultSettings
) -> None:
    """Offer ``keyring`` and ``vault``, as far as they are configured."""
    if settings.keyring_service is not None:
        register("keyring", KeyringSecrets(settings.keyring_service))
    if settings.file is not None:
        path = Path(settings.file)
        register(
            "vault", Vault(path, _passphrase(path, settings), asks=settings.unlock == "prompt")
        )


def _passphrase(path: Path, settings: VaultSettings) -> Passphrase:
    if settings.unlock_file is not None:
        return in_file(settings.unlock_file)
    if settings.unlock == "keyring" and settings.keyring_service is not None:
        return in_keyring(settings.keyring_service)
    return asked(path)
