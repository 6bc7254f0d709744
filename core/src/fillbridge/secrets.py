"""References to secrets, and who resolves them: the environment, files, and plugins."""

import re
import stat
from collections.abc import Mapping
from pathlib import Path

from fillbridge_hooks import ConfigurationError, Secret, SecretProvider

_REFERENCE = re.compile(r"\$\{([^{}]+)\}")
_OTHERS = 0o077
_LARGEST = 64 * 1024


class EnvironmentSecrets:
    """Secrets in environment variables.

    Other processes of the same user can read them, and child processes inherit them: files are
    better.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def __call__(self, reference: str) -> Secret | None:
        """The variable of that name; ``None`` where it is not set or empty."""
        value = self._environ.get(reference)
        return Secret(value) if value else None


class FileSecrets:
    """Secrets in files of one directory: the name of the file is the reference.

    A line break at the end does not belong to the secret.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def __call__(self, reference: str) -> Secret | None:
        """The content of the file of that name; ``None`` where there is none.

        :raises ConfigurationError: if others may read or write the file, or it is no text
        """
        if reference in {"", ".", ".."} or "/" in reference or "\0" in reference:
            return None
        path = self._directory / reference
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode):
                return None
            mode = stat.S_IMODE(status.st_mode)
            if mode & _OTHERS:
                raise ConfigurationError(
                    f"{path}: expected a secret with mode 0600, was {mode:04o}: others may read "
                    f"it (chmod 600 it)"
                )
            if status.st_size > _LARGEST:
                raise ConfigurationError(f"{path}: expected a secret, was a file over 64 KiB")
            return Secret(path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r"))
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ConfigurationError(
                f"{path}: the secret cannot be read: {error.strerror}"
            ) from None
        except UnicodeDecodeError:
            raise ConfigurationError(f"{path}: expected a secret in UTF-8") from None


class Secrets:
    """Resolves references such as ``${NAME}``, asking providers in the order of their names."""

    def __init__(
        self,
        providers: Mapping[str, SecretProvider],
        *,
        environ: Mapping[str, str],
        directory: Path | None = None,
    ) -> None:
        """Take the providers of plugins, and add ``environment`` and ``file``.

        :param providers: as :meth:`fillbridge.plugins.Plugins.secret_providers` answers
        :param environ: the variables of the provider ``environment``
        :param directory: the files of the provider ``file``; without it there is none
        """
        offered: dict[str, SecretProvider] = {
            **providers,
            "environment": EnvironmentSecrets(environ),
        }
        if directory is not None:
            offered["file"] = FileSecrets(directory)
        self._providers = dict(sorted(offered.items()))

    def resolve(self, value: str) -> Secret:
        """The secret that ``value`` refers to; text that is no reference is the secret itself.

        :raises ConfigurationError: if nobody has it, or it cannot be used
        """
        reference = _REFERENCE.fullmatch(value)
        if reference is None:
            return Secret(value)
        name = reference.group(1)
        for provider in self._providers.values():
            secret = provider(name)
            if secret is not None:
                return secret
        asked = ", ".join(self._providers)
        raise ConfigurationError(f"${{{name}}}: expected a secret that one of {asked} has")
