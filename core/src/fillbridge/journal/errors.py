"""What can be wrong with a journal, sorted by what its user must do."""

from fillbridge_hooks import ConfigurationError, FillbridgeError


class JournalUnusable(ConfigurationError):
    """The journal, its key or its folder cannot be used as it is; the message says what to do."""


class AccountLocked(ConfigurationError):
    """Another handler of this account runs: stop it first."""


class JournalFailed(FillbridgeError):
    """Nothing can be recorded any more, so nothing may be sent: the disk is full, or worse.

    It is not tried again: after a failed sync nobody knows what stands on the disk.
    """


class StateDiverged(FillbridgeError):
    """A defect: what the journal says and what the engine holds are not the same."""


class BrokenRecord(FillbridgeError):
    """A record is not as it was written; ``seq`` is the first of which that is known."""

    def __init__(self, seq: int, reason: str) -> None:
        super().__init__(seq, reason)
        self.seq = seq
        self.reason = reason

    def __str__(self) -> str:
        return f"record {self.seq}: {self.reason}"
