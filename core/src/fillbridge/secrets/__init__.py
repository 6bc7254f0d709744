"""References to secrets, and who resolves them: files, the environment, and plugins."""

from fillbridge.secrets.environment import EnvironmentSecrets
from fillbridge.secrets.files import FileSecrets
from fillbridge.secrets.references import reference_in
from fillbridge.secrets.resolution import Secrets, configured_secrets

__all__ = (
    "EnvironmentSecrets",
    "FileSecrets",
    "Secrets",
    "configured_secrets",
    "reference_in",
)
