"""Whether anything passes between the handler and the broker."""

from fillbridge_chaos.dice import Dice
from fillbridge_chaos.faults import Fault, Faults
from fillbridge_chaos.latency import SECOND
from fillbridge_hooks import DriverError, FatalError, ForcedLogout, RetryableError

_LINK_FAULTS = (
    Fault.FORCED_LOGOUT,
    Fault.HALF_OPEN,
    Fault.DISCONNECT_BEFORE_SEND,
    Fault.DISCONNECT_AFTER_SEND,
)

_KINDS = (ForcedLogout, FatalError, RetryableError, DriverError)


class Link:
    """Up, half-open, or lost; it never comes back, for a session ends with its link."""

    def __init__(self, faults: Faults, dice: Dice) -> None:
        self._dice = dice
        self._rates = {fault: getattr(faults, fault.value) for fault in _LINK_FAULTS}
        self._half_open_ns = round(faults.half_open_s * SECOND)
        self._silent_until_ns: int | None = None
        self._lost: DriverError | None = None

    def drawn(self) -> Fault | None:
        """What befalls the link at this request or query."""
        # Each stream moves every time, so that one fault shifts no other.
        hit = [fault for fault, rate in self._rates.items() if self._dice.happens(fault, rate)]
        return hit[0] if hit else None

    def lose(self, error: DriverError) -> None:
        """The link is lost; the first reason stays."""
        if self._lost is None:
            self._lost = error

    def fall_silent(self, now_ns: int) -> None:
        """Nothing passes any more, and nobody says so until the link is seen to be dead."""
        self._silent_until_ns = now_ns + self._half_open_ns

    def silent_until_ns(self, now_ns: int) -> int | None:
        """Until when the link is half-open; ``None`` if it is not."""
        if self._silent_until_ns is not None and now_ns >= self._silent_until_ns:
            self.lose(RetryableError("the link was half-open and is now seen to be dead"))
            self._silent_until_ns = None
        return self._silent_until_ns

    def reason_lost(self, now_ns: int) -> str | None:
        """Why the link is lost; ``None`` if it is not."""
        self.silent_until_ns(now_ns)
        return None if self._lost is None else str(self._lost)

    def check(self, now_ns: int) -> None:
        """Raise if the link is lost.

        :raises RetryableError: if the connection broke
        :raises ForcedLogout: if the broker ended the session for another login
        :raises FatalError: if the driver inside ended it so
        """
        self.silent_until_ns(now_ns)
        if self._lost is not None:
            # Anew each time: an error that is raised twice gathers the frames of both.
            kind = next(kind for kind in _KINDS if isinstance(self._lost, kind))
            raise kind(str(self._lost))

    @staticmethod
    def error_of(fault: Fault) -> DriverError:
        """The error that a fault of the link leaves behind."""
        if fault is Fault.FORCED_LOGOUT:
            return ForcedLogout("chaos: another login took the session")
        return RetryableError("chaos: the link broke")
