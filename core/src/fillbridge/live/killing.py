"""The kill switch: stops an account, keeps it stopped, and lets it go on.

The latch stands on the disk before anything is done about what is open, and says that it is over
after everything else does: whatever crash comes in between, the account stays stopped. What is to
be done follows from the state alone, so the next start goes on with it.
"""

import logging
from typing import Any

from fillbridge.engine.messages import (
    CancelRequested,
    CloseRequested,
    EntriesHalted,
    EntriesResumed,
)
from fillbridge.exposure import pnl_of_the_day
from fillbridge.journal.latch import BrokenLatch, Latch, LatchState, objection_to
from fillbridge.live.account import Account
from fillbridge.live.flattening import Flattening
from fillbridge.live.gate import GateState
from fillbridge.live.protection import ProtectionWatch
from fillbridge.live.stop_sources import Stop
from fillbridge_hooks import TERMINAL_STATUSES, ExitReason, KillLevel

_logger = logging.getLogger(__name__)

HALTED = "halt"
"""What shuts the gate while the account is stopped."""
_LISTED = 100
_RECOVERY = "recovery"
_FIRST = "the first start"
_SECOND = 1_000_000_000


class KillSwitch:
    """The kill switch of one account.

    :param latch: where it stands whether the account is stopped, beside the journal; ``None``: only
        the journal tells
    :param protection: knows whether the broker has answered in this session
    :param may_flatten: whether anything but a person may close positions
    """

    def __init__(
        self,
        account: Account,
        latch: Latch | None,
        protection: ProtectionWatch,
        *,
        may_flatten: bool,
    ) -> None:
        self._account = account
        self._protection = protection
        self.may_flatten = may_flatten
        """Whether anything but a person may close positions."""
        self._latch = latch
        self._written: tuple[KillLevel | None, int] | None = None
        """What the latch says; ``None`` where it could not be written."""
        self._write_again_ns = 0
        self._via = _RECOVERY
        self._flattening = Flattening(account)

    @property
    def level(self) -> KillLevel | None:
        """How much is stopped; ``None`` while it is armed."""
        halted = self._account.state.halted
        return None if halted is None else halted.level

    @property
    def sequence(self) -> int:
        """How often it was stopped or let go on; an approval is for one of them."""
        return self._account.state.halts

    def document(self) -> dict[str, Any]:
        """How it stands, plain: ``level``, who, why and when, and whether it is ``flat``."""
        halted = self._account.state.halted
        if halted is None:
            return {"level": None, "sequence": self.sequence}
        return {
            "level": halted.level.value,
            "sequence": self.sequence,
            "reason": halted.reason,
            "by": halted.by,
            "time_ns": halted.time_ns,
            "is_flat": self._flattening.is_flat if halted.level is KillLevel.FLATTEN else None,
        }

    def identity(self) -> dict[str, Any]:
        """What tells this stop from every other one of the account."""
        halted = self._account.state.halted
        level = "" if halted is None else halted.level.value
        return {
            "level": level,
            "sequence": self.sequence,
            "time_ns": 0 if halted is None else halted.time_ns,
        }

    # The start

    def take_up(self) -> None:
        """Find what the latch and the journal say, the stricter of which is in force.

        Call it once, within ``recorded()``.
        """
        account = self._account
        if self._latch is not None:
            self._agree(*self._found(self._latch))
            self.follow()
        halted = account.state.halted
        if halted is not None:
            account.gate.shut(HALTED, GateState.HALTED, halted.reason)

    def _agree(self, found: LatchState | None, objection: str) -> None:
        account = self._account
        if objection:
            account.alarm(f"stopped: {objection}")
            self._halt(KillLevel.PAUSE, objection, _RECOVERY)
        elif found is None or (found.level is None and not account.state.halts):
            self._write(None, _FIRST, _FIRST, _RECOVERY)
            account.shell.step(EntriesResumed(_FIRST, account.now_ns))
        elif found.level is not None:
            self._written = found.level, found.sequence
            before = self.level
            if before is None or before.rank < found.level.rank:
                self._halt(found.level, found.reason, found.by)
        else:
            self._written = None, found.sequence

    def _found(self, latch: Latch) -> tuple[LatchState | None, str]:
        """What the latch says, and why it cannot be relied on."""
        try:
            found = latch.read()
        except BrokenLatch as error:
            return None, str(error)
        stops = self._account.state.halts
        return found, objection_to(found, stops, is_stopped=self.level is not None)

    # Stopping and going on

    def kill(self, level: KillLevel, reason: str, by: str, via: str) -> None:
        """Stop, after a restart too, until :meth:`arm`.

        What works is withdrawn, and what is held closed, as far as ``level`` says; that goes on
        at each :meth:`look`. A stop is never made less by another one.
        """
        account = self._account
        # A stop that cannot be written down as it was said is made all the same.
        reason, by, via = map(_writable, (reason, by, via))
        before = self.level
        if before is not None and before.rank > level.rank:
            level = before
        opened = self._open()
        self._via = via
        self._write(level, reason, by, via)
        account.gate.shut(HALTED, GateState.HALTED, reason)
        with account.recorded():
            self._halt(level, reason, by)
            account.note(
                "kill",
                {
                    "level": level.value,
                    "reason": reason,
                    "by": by,
                    "via": via,
                    "sequence": self.sequence,
                    "open": opened,
                },
            )
        _logger.critical("kill %s by %s (%s): %s", level.value, by, via, reason)
        self._flattening.begin()
        with account.recorded():
            self.carry_on()

    def stop_by(self, stop: Stop) -> None:
        """Stop as far as ``stop`` says, if nothing has stopped as much yet."""
        level = stop.level
        if level is KillLevel.FLATTEN and not self.may_flatten:
            level = KillLevel.CANCEL
        if self.level is None or self.level.rank < level.rank:
            self.kill(level, stop.reason, stop.by, stop.via)

    def arm(self, by: str, approved_by: tuple[str, ...] = ()) -> None:
        """Let entries out again, as far as nothing else shuts the gate."""
        account = self._account
        pnl = None if self.level is None else self._pnl_cents()
        with account.recorded():
            account.shell.step(EntriesResumed(by, account.now_ns, approved_by, pnl))
            account.lift(HALTED)
        self._write(None, "armed", by, "arm", is_recorded=True)

    def _pnl_cents(self) -> int:
        """What whoever arms it knows of the day's result; what has no price is left out."""
        account = self._account
        parts = pnl_of_the_day(account.state, account.market.last_price, account.now_ns)
        return round(100 * sum(part or 0.0 for part in parts))

    def _halt(self, level: KillLevel, reason: str, by: str) -> None:
        account = self._account
        account.shell.step(EntriesHalted(reason, by, account.now_ns, level))

    def _write(
        self, level: KillLevel | None, reason: str, by: str, via: str, *, is_recorded: bool = False
    ) -> None:
        """Let the latch say it; where it cannot, go on all the same, and alarm.

        :param is_recorded: whether the event that goes with it is folded already
        """
        account = self._account
        if self._latch is None:
            return
        sequence = account.state.halts + (0 if is_recorded else 1)
        state = LatchState(
            level=level, sequence=sequence,
            reason=reason[:500], by=by[:500], via=via, time_ns=account.now_ns,
        )  # fmt: skip
        try:
            self._latch.write(state)
        except OSError as error:
            if self._written is not None:
                account.alarm(f"the kill latch cannot be written: {error.strerror or error}")
            self._written = None
            self._write_again_ns = account.now_ns + _SECOND
        else:
            self._written = level, sequence

    def follow(self) -> None:
        """Let the latch say what the journal does: others may have halted the account."""
        if self._latch is None:
            return
        halted, sequence = self._account.state.halted, self._account.state.halts
        level = None if halted is None else halted.level
        if self._written == (level, sequence) or self._account.now_ns < self._write_again_ns:
            return
        reason, by = ("armed", _RECOVERY) if halted is None else (halted.reason, halted.by)
        self._write(level, reason, by, self._via, is_recorded=True)

    # What is open

    def look(self) -> None:
        """Do what is left to do; call it within ``recorded()``."""
        if self.level is not None:
            self.carry_on()
            if self.level is KillLevel.FLATTEN:
                self._flattening.look()

    def carry_on(self) -> None:
        """Withdraw entries, then close positions, each that is not on its way already.

        Exits follow from that: a working stop is turned into the exit, so it goes last.
        """
        account, level = self._account, self.level
        if level is None or level is KillLevel.PAUSE or not account.is_connected:
            return
        reason = f"kill: {level.value}"
        trades = tuple(account.state.trades.values())
        for trade in trades:
            entry = trade.entry
            if entry.cancel_sent or entry.status in TERMINAL_STATUSES:
                continue
            with account.guard():
                order_id = entry.order.client_order_id
                account.shell.step(CancelRequested(order_id, reason, account.now_ns))
        # An earlier run may have sent an exit that it could not record: ask before sending another.
        is_early = account.early.is_waiting or not self._protection.sees(account.now_ns)
        if is_early or level is not KillLevel.FLATTEN:
            return
        for trade in trades:
            if trade.close_reason is None and not trade.closed:
                with account.guard():
                    trade_id, why = trade.plan.trade_id, ExitReason.MANUAL_OVERRIDE
                    account.shell.step(CloseRequested(trade_id, why, account.now_ns))
        account.ask_soon()

    def see(self, held: dict[str, int], asked_ns: int) -> None:
        """The broker has said what it holds; call it within ``recorded()``."""
        if self.level is KillLevel.FLATTEN:
            self._flattening.see(held, asked_ns)

    def _open(self) -> list[dict[str, Any]]:
        return [
            {
                "trade_id": trade.plan.trade_id,
                "symbol": trade.plan.instrument.symbol,
                "held": trade.held * trade.plan.direction.sign,
                "entry": trade.entry.status.value,
                "may_fill": 0
                if trade.entry.status in TERMINAL_STATUSES
                else trade.entry.order.quantity - trade.entry.filled,
            }
            for trade in tuple(self._account.state.trades.values())[:_LISTED]
        ]


def _writable(text: object) -> str:
    """Any text as UTF-8 can write it."""
    return str(text).encode("utf-8", "replace").decode()
