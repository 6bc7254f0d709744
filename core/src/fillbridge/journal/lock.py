"""One handler for each account, by a lock that the kernel frees however the process ends."""

import fcntl
import os
from pathlib import Path

from fillbridge.journal.errors import AccountLocked, JournalUnusable
from fillbridge.journal.private_files import PRIVATE


class AccountLock:
    """Holds the lock of an account from when it is made until :meth:`release`."""

    def __init__(self, path: Path, account: str) -> None:
        """Take the lock.

        :raises AccountLocked: if another process, or another journal of this one, has it
        :raises JournalUnusable: if the file cannot be opened
        """
        try:
            # Not inherited: a child that outlives this process must not keep the lock.
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise JournalUnusable(f"{path}: the lock cannot be taken: {error.strerror}") from None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            whose = f"process {holder}" if holder else "another process"
            raise AccountLocked(
                f"account {account!r}: expected no other handler, was in use by {whose} ({path})"
            ) from None
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Give the lock back; without effect the second time."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
