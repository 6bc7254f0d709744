"""Secrets in files: of a folder, of systemd's credentials, of a container."""

import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

from fillbridge_hooks import ConfigurationError, Secret
from fillbridge_hooks.private_files import private_text

_LARGEST = 64 * 1024
_SYSTEMD = "CREDENTIALS_DIRECTORY"
_CONTAINER = Path("/run/secrets")


class FileSecrets:
    """Secrets in files of one directory: the name of the file is the reference.

    A line break at the end does not belong to the secret.
    """

    def __init__(self, directory: Path, *, given: bool = False) -> None:
        """Read files of that directory alone.

        :param given: whether the system puts them there, see
            :func:`fillbridge_hooks.private_files.read_private`
        """
        self._directory = directory
        self._given = given

    def __call__(self, reference: str) -> Secret | None:
        """The content of the file of that name; ``None`` where there is none.

        :raises ConfigurationError: if the file is not private, empty, too long or no text
        """
        if reference in {"", ".", ".."} or "/" in reference or "\0" in reference:
            return None
        path = self._directory / reference
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise ConfigurationError(
                f"{path}: the secret cannot be read: {error.strerror}"
            ) from None
        if stat.S_ISDIR(mode):
            return None
        secret = private_text(path, "a secret", largest=_LARGEST, given=self._given)
        if not secret.reveal():
            raise ConfigurationError(f"{path}: expected a secret, was an empty file")
        return secret

    def names(self) -> Sequence[str]:
        """The names of the files, sorted.

        :raises ConfigurationError: if the folder cannot be read
        """
        try:
            return sorted(path.name for path in self._directory.iterdir() if path.is_file())
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigurationError(
                f"{self._directory}: the folder of secrets cannot be read: {error.strerror}"
            ) from None


class FoldersOfSecrets:
    """Secrets in files of several folders; the first folder that has one answers."""

    def __init__(self, folders: Sequence[FileSecrets]) -> None:
        self._folders = tuple(folders)

    def __call__(self, reference: str) -> Secret | None:
        """The secret of that name; ``None`` where no folder has it.

        :raises ConfigurationError: as :class:`FileSecrets`
        """
        for folder in self._folders:
            secret = folder(reference)
            if secret is not None:
                return secret
        return None

    def names(self) -> Sequence[str]:
        """The names in all folders, sorted.

        :raises ConfigurationError: if one cannot be read
        """
        return sorted({name for folder in self._folders for name in folder.names()})


def folders_of(
    directory: Path | None, environ: Mapping[str, str], container: Path = _CONTAINER
) -> FoldersOfSecrets:
    """The folders in which secrets are looked for: one of the user, systemd's, a container's.

    :param directory: the user's, ``None`` for no such
    :param environ: where systemd says which folder is this service's
    :param container: where a container has its secrets
    """
    folders = [] if directory is None else [FileSecrets(directory)]
    if given := environ.get(_SYSTEMD):
        folders.append(FileSecrets(Path(given), given=True))
    if container.is_dir():
        folders.append(FileSecrets(container, given=True))
    return FoldersOfSecrets(folders)
