"""Secret providers that keep what they have encrypted: a vault, the desktop's keyring."""

from fillbridge_secrets.keyrings import KeyringSecrets
from fillbridge_secrets.plugin import (
    fillbridge_register_secret_providers,
    fillbridge_register_settings,
)
from fillbridge_secrets.settings import VaultSettings
from fillbridge_secrets.vault import Vault

__all__ = (
    "KeyringSecrets",
    "Vault",
    "VaultSettings",
    "fillbridge_register_secret_providers",
    "fillbridge_register_settings",
)
