"""What a secret provider may be able to do besides resolving references; each is optional."""

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from fillbridge_hooks.secret import Secret


@runtime_checkable
class Unlockable(Protocol):
    """A provider that must be opened before it has anything."""

    def unlock(self) -> None:
        """Open it: called once, before anything is connected, so this may take its time and ask.

        Afterwards it answers at once and asks nobody, for whoever logs in again has no time.

        :raises ConfigurationError: if it cannot be opened; says what to do
        """


@runtime_checkable
class TellsSecrets(Protocol):
    """A provider that uses secrets of its own, such as the passphrase that opens it."""

    def tell(self, learn: Callable[[Secret], None]) -> None:
        """Tell ``learn`` of each as soon as it is read, and before it is used.

        Called once, before :meth:`Unlockable.unlock`. What was told is masked wherever it is said.
        """


@runtime_checkable
class ListsSecrets(Protocol):
    """A provider that knows which secrets it has."""

    def names(self) -> Sequence[str]:
        """Their names, sorted, and never a value.

        :raises ConfigurationError: if that cannot be read
        """


@runtime_checkable
class KeepsSecrets(Protocol):
    """A provider that takes secrets to keep."""

    def keep(self, name: str, secret: Secret) -> None:
        """Keep the secret under that name, in place of one that was there; it stands afterwards.

        :raises ConfigurationError: if it cannot be kept; what was there before is still there
        """


@runtime_checkable
class RotatesKey(Protocol):
    """A provider whose secrets are under a key of their own, which a passphrase opens."""

    def rotate(self, passphrase: Secret | None, *, keep_old: bool = False) -> None:
        """Put the secrets under a new key.

        :param passphrase: what opens it from now on; ``None`` for the one that opens it now
        :param keep_old: whether the passphrases so far go on opening it, under the same key, so
            that whoever unlocks it can be moved over before they stop doing so
        :raises ConfigurationError: if it cannot be done; all is then as it was
        """
