"""What may be done to a live handler: requests, stopping it, and letting it go on."""

import logging
from typing import Any

import msgspec

from fillbridge.engine.state import EngineState
from fillbridge.handlers.live_knowledge import LiveKnowledge
from fillbridge.handlers.requesting import Request
from fillbridge.journal import JournalFailed
from fillbridge.journal.places import Places
from fillbridge.live import OrderPump
from fillbridge.live.stop_sources import DeadMan, KillFile, Stop
from fillbridge.live.waking import Reminder
from fillbridge.operators import (
    Approval,
    ApprovalBook,
    ApprovalRefused,
    Authority,
    NotApproved,
    content_hash,
    verify,
)
from fillbridge_hooks import Instrument, InvalidValue, KillLevel

_logger = logging.getLogger(__name__)

_API = "the management API"
ARM = "arm"
"""The purpose of an approval that lets entries out again."""
RESUME = "resume"
"""The purpose of an approval that lets a suspended strategy go on."""
_WAITING = "approvals"
_NEEDED = {KillLevel.PAUSE: 1, KillLevel.CANCEL: 1, KillLevel.FLATTEN: 2}


class LiveControl(LiveKnowledge):
    """The requests to a handler of live trading, carried out by what it runs."""

    # From here on: since it was entered.
    _pump: OrderPump
    _places: Places
    _authority: Authority
    _approvals: ApprovalBook
    _dead_man: DeadMan
    _kill_file: KillFile
    _published: Reminder

    # Requests

    def note_request(self, request: str, by: str, **details: Any) -> None:
        """Record who asked for what: in the same commit as what follows from it.

        A journal that has failed shuts the gate, and keeps nobody from closing what is open, nor
        does text that it cannot write.

        :param details: plain values
        """
        payload = {"request": request, "by": by, **details}
        try:
            self._journal.note("management", payload, self._now_ns())
        except (JournalFailed, InvalidValue) as error:
            _logger.critical("%s by %s is not recorded: %s", request, by, error)

    def keep_requests(self) -> None:
        """Commit what was noted, for where nothing follows from a request nothing else does."""
        try:
            self._journal.commit()
        except JournalFailed as error:
            _logger.critical("requests are not recorded: %s", error)

    def _request(self, message: Request) -> bool:
        is_recorded = self._trading.request(message)
        self._wake()
        return is_recorded

    @property
    def _state(self) -> EngineState:
        return self._trading.state

    def _last_price(self, instrument: Instrument) -> float | None:
        return self._trading.market.view(instrument.symbol).last

    # Stopping

    def kill(
        self,
        level: KillLevel,
        reason: str = "emergency stop",
        by: str = _API,
        via: str = "api",
    ) -> None:
        """Stop, after a restart too, until :meth:`resume`; a stop is never made less by another.

        ``PAUSE`` refuses every proposal. ``CANCEL`` withdraws entries besides. ``FLATTEN`` closes
        positions too, and tries until the broker says that it holds nothing.
        """
        self._trading.kill(level, reason, by, via)
        self._wake()

    def stop_entries(self, reason: str = "emergency stop", by: str = _API) -> None:
        """Refuse every proposal until :meth:`resume`, after a restart too."""
        self.kill(KillLevel.PAUSE, reason, by)

    def alive(self, by: str = _API) -> None:
        """Somebody attends to this handler: the dead man's timer begins anew."""
        self._dead_man.alive()

    def _attend_to_stops(self) -> None:
        live = self.settings.live_settings
        self._authority = Authority(live.operators, is_sim=live.environment == "sim")
        self._approvals = ApprovalBook()
        self._dead_man = DeadMan(self.clock, live.dead_man_s, live.dead_man_level)
        self._kill_file = KillFile(self._places.kill)
        self._recall_approvals()

    def _look_for_stops(self) -> None:
        """Stop where a file or the dead man's timer says so, and nothing has stopped it yet."""
        for stop in (self._kill_file.look(), self._dead_man.look()):
            if stop is not None:
                self._trading.kill_switch.stop_by(stop)

    def stop_by(self, stop: Stop) -> None:
        """Stop as far as ``stop`` says; positions stay where the emergency stop is disabled."""
        self._trading.kill_switch.stop_by(stop)
        self._wake()

    @property
    def may_stop(self) -> bool:
        """Whether ``risk_controls.emergency_stop_enabled`` is on."""
        controls = self.settings.plugin_sections.get("risk")
        return bool(getattr(controls, "emergency_stop_enabled", True))

    # Going on

    def arming(self) -> dict[str, Any]:
        """How the kill switch stands, and what approvals it takes to let entries out again.

        ``content_hash`` is what an operator signs for the purpose ``arm``, ``needed`` how many
        must, ``approved_by`` who has; ``signed`` says whether that takes keys.
        """
        found = self._trading.kill_switch.document()
        level = self._trading.kill_switch.level
        hashed = self._arming_hash()
        return {
            "account": self.settings.live_settings.account,
            **found,
            "content_hash": hashed,
            "needed": 0 if level is None else _NEEDED[level],
            "signed": self._authority.is_signed,
            "approved_by": sorted({one.operator for one in self._approvals.of(ARM, hashed)}),
        }

    def _arming_hash(self) -> str:
        account = self.settings.live_settings.account
        return content_hash({"account": account, **self._trading.kill_switch.identity()})

    def approve(self, approval: Approval) -> None:
        """Take an operator's approval to let entries out again; it counts for 15 minutes.

        :raises ApprovalRefused: if it is not of an operator, for this stop, and fresh
        """
        now_ns = self._now_ns()
        verify(approval, self._authority.operators, ARM, self._arming_hash(), now_ns)
        self._approvals.add(approval, now_ns)
        self.note_request("approve", approval.operator, purpose=ARM, hash=approval.content_hash)
        self._keep_approvals()

    def _keep_approvals(self) -> None:
        """Record the approvals that wait for another, so that they do after a restart too."""
        found = self._approvals.of(ARM, self._arming_hash())
        newest = {one.operator: msgspec.to_builtins(one) for one in found}
        try:
            self._journal.note(_WAITING, {"waiting": list(newest.values())}, self._now_ns())
        except JournalFailed as error:
            _logger.critical("an approval that waits is not recorded: %s", error)

    def _recall_approvals(self) -> None:
        """Take those that waited when an earlier run ended, each verified as if it came now."""
        note = next(self._journal.notes(_WAITING), None)
        now_ns, hashed = self._now_ns(), self._arming_hash()
        for plain in () if note is None else note.payload["waiting"]:
            try:
                approval = msgspec.convert(plain, Approval)
                verify(approval, self._authority.operators, ARM, hashed, now_ns)
                self._approvals.add(approval, now_ns)
            except (ApprovalRefused, msgspec.ValidationError):
                continue  # of an earlier stop, or too old by now

    def resume(self, by: str = _API) -> None:
        """Let entries out again, and connect again after a forced logout.

        Strategies that were suspended stay so until :meth:`resume_strategy`.

        :raises NotApproved: if the stop that is in force takes more approvals, or the file that
            stops the account is still there; nothing is lifted then
        """
        level = self._trading.kill_switch.level
        approvers: tuple[str, ...] = ()
        if level is not None:
            if self._kill_file.is_there:
                rule = "expected to be removed before the account is armed, was there"
                raise NotApproved(f"{self._kill_file.path}: {rule}")
            hashed = self._arming_hash()
            approvers = self._authority.approvers(
                self._approvals.of(ARM, hashed), ARM, hashed, _NEEDED[level], by, self._now_ns()
            )
        self._dead_man.alive()
        self._trading.resume(by, approvers)
        self._connection.resume()
        self._wake()

    def suspended(self) -> list[dict[str, Any]]:
        """The strategies that a watch has suspended: why, since when, and what lets them go on.

        ``content_hash`` is what an operator signs for the purpose ``resume``; ``signed`` says
        whether that takes a key.
        """
        activity = self._state.activity
        return [
            {
                "strategy": strategy,
                "reason": reason,
                "time_ns": activity.suspended_ns.get(strategy, 0),
                "content_hash": self._suspension_hash(strategy),
                "signed": self._authority.is_signed,
            }
            for strategy, reason in activity.suspended.items()
        ]

    def _suspension_hash(self, strategy: str) -> str:
        activity = self._state.activity
        content = {
            "account": self.settings.live_settings.account,
            "strategy": strategy,
            "reason": activity.suspended[strategy],
            "time_ns": activity.suspended_ns.get(strategy, 0),
        }
        return content_hash(content)

    def resume_strategy(
        self, strategy: str, by: str = _API, approval: Approval | None = None
    ) -> None:
        """Let one suspended strategy go on; what it did until now is not held against it again.

        :param strategy: its name; empty for proposals that have none
        :param approval: of an operator, where operators are configured; ``by`` counts elsewhere
        :raises InvalidValue: if it is not suspended
        :raises NotApproved: if operators are configured, and none of them has approved this
        """
        suspended = self._state.activity.suspended
        if strategy not in suspended:
            names = ", ".join(map(repr, sorted(suspended))) or "none is"
            raise InvalidValue("strategy", f"one that is suspended ({names})", strategy)
        hashed = self._suspension_hash(strategy)
        approvals = () if approval is None else (approval,)
        approvers = self._authority.approvers(approvals, RESUME, hashed, 1, by, self._now_ns())
        self._trading.watches.resume(strategy, by, approvers)
        self._wake()

    def _wake(self) -> None:
        """Something may have changed: let those go on who wait for it."""
        self._changed.ring()
        if self._trading.outbox.ready:
            self._pump.wake()
        if self._events.is_pending:
            self._published.set()
