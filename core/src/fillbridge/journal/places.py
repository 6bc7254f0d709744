"""Where the files of an account's journal stand."""

from pathlib import Path
from urllib.parse import quote, unquote

import msgspec

from fillbridge_hooks import InvalidValue

_LONGEST = 100


class Places(msgspec.Struct, frozen=True):
    """The folder of one account below the journal's directory."""

    folder: Path
    account: str

    @property
    def database(self) -> Path:
        """The records."""
        return self.folder / "journal.db"

    @property
    def unfinished(self) -> Path:
        """The database until it has what it must have."""
        return self.folder / "journal.db-new"

    @property
    def key(self) -> Path:
        """The key of the chain, where none is given."""
        return self.folder / "key"

    @property
    def lock(self) -> Path:
        """Held by whoever has the journal open."""
        return self.folder / "lock"

    @property
    def epoch(self) -> Path:
        """The number of the last start, beside the journal in case that is lost."""
        return self.folder / "epoch"

    @property
    def latch(self) -> Path:
        """What says whether the account is stopped, beside the journal in case that is lost."""
        return self.folder / f"{file_name(self.account)}.latch"

    @property
    def kill(self) -> Path:
        """The file that stops the account by being there."""
        return self.folder / f"{file_name(self.account)}.kill"

    @property
    def approvals(self) -> Path:
        """Approvals of operators that wait for the next start."""
        return self.folder / f"{file_name(self.account)}.approvals"

    @property
    def proposed_limits(self) -> Path:
        """A change of limits that operators are asked to approve."""
        return self.folder / f"{file_name(self.account)}.limits"

    @property
    def archive(self) -> Path:
        """Folder of the records that recovery does not need any more."""
        return self.folder / "archive"

    @property
    def checkpoints(self) -> Path:
        """Folder of the checkpoints, where no other is named."""
        return self.folder / "checkpoints"


def places(directory: Path, account: str) -> Places:
    """The places of an account.

    :raises InvalidValue: if ``account`` is empty or longer than 100 characters
    """
    if not 0 < len(account) <= _LONGEST:
        raise InvalidValue("account", "1 to 100 characters", account)
    return Places(directory / file_name(account), account)


def file_name(account: str) -> str:
    """An account as the name of a file or folder: letters and digits are themselves."""
    return quote(account, safe="").replace(".", "%2E")


def accounts(directory: Path) -> list[str]:
    """The accounts that have files of a journal in a directory."""
    if not directory.is_dir():
        return []
    return sorted(
        unquote(folder.name)
        for folder in directory.iterdir()
        if (folder / "lock").exists() or (folder / "journal.db").exists()
    )
