"""The limits of a running handler: tightened at once by one, loosened by two while it is flat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from fillbridge.config.decoding import with_value
from fillbridge.config.sections import declared_paths
from fillbridge.limits.content import RISK_PLUGIN, is_limit, limits_in_force
from fillbridge.limits.record import NOTE, PURPOSE, proposed_change, record
from fillbridge.operators import ApprovalBook, Authority, NotApproved, verify
from fillbridge_hooks import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fillbridge.config import Settings
    from fillbridge.limits.changes import Change
    from fillbridge.limits.record import LimitsJournal, Proposed
    from fillbridge.operators import Approval
    from fillbridge.plugins import DeclaredSection


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a wish for another limit."""

    said: str
    is_in_force: bool
    approved_by: tuple[str, ...] = ()


class RunningLimits:
    """Changes single limits of the section of the risk controls.

    :param settings: with the limits that were recorded last
    :param prepare: makes what puts settings in force; it may raise, what it makes does not
    :param now_ns: the time, ns UTC
    """

    def __init__(
        self,
        journal: LimitsJournal,
        settings: Settings,
        sections: Sequence[DeclaredSection],
        prepare: Callable[[Settings], Callable[[], None]],
        now_ns: Callable[[], int],
    ) -> None:
        self._journal = journal
        self._settings = settings
        self._sections = sections
        self._prepare = prepare
        self._now_ns = now_ns
        self._approvals = ApprovalBook()
        self._waiting: tuple[Proposed, Settings, tuple[str, ...], str] | None = None
        """What was approved, and waits until nothing is open."""

    def propose(self, name: str, value: Any) -> Proposed:
        """The change that a value would be, as operators approve it.

        :param name: its path, such as ``risk_controls.max_position_size``, or the last part of it
        :param value: plain; ``None`` switches it off
        :raises InvalidValue: if there is no such limit, or the value cannot be used
        """
        return self._proposed(name, value)[0]

    def set(
        self, name: str, value: Any, by: str, *, approval: Approval | None = None, is_flat: bool
    ) -> Answer:
        """Change a limit, or say what that still takes.

        :param approval: of an operator over the hash of :meth:`propose`
        :param is_flat: whether no trade is open
        :raises InvalidValue: as :meth:`propose`
        :raises ApprovalRefused: if the approval does not count
        :raises NotApproved: if it loosens a limit, and too few have approved
        """
        proposed, settings = self._proposed(name, value)
        if proposed.old == proposed.new:
            return Answer(said="nothing changes", is_in_force=True)
        if not proposed.needs_approval:
            return self._carry_out(proposed, settings, (), by)
        now_ns, hashed = self._now_ns(), proposed.hash
        if approval is not None:
            verify(approval, proposed.operators, PURPOSE, hashed, now_ns)
            self._approvals.add(approval, now_ns)
        given = self._approvals.of(PURPOSE, hashed)
        try:
            authority = Authority(proposed.operators, is_sim=False)
            approvers = authority.approvers(given, PURPOSE, hashed, 2, by, now_ns)
        except NotApproved:
            names = tuple(sorted({one.operator for one in given}))
            if approval is None or not names:
                raise
            said = f"approved by {', '.join(names)}; two operators are needed"
            return Answer(said=said, is_in_force=False, approved_by=names)
        if is_flat:
            return self._carry_out(proposed, settings, approvers, by)
        self._waiting = proposed, settings, approvers, by
        said = f"{_told(proposed.changes())}: in force once no trade is open"
        return Answer(said=said, is_in_force=False, approved_by=approvers)

    def look(self, *, is_flat: bool) -> str:
        """Put what waits in force once no trade is open; what was done, else empty."""
        if self._waiting is None or not is_flat:
            return ""
        waiting, self._waiting = self._waiting, None
        return self._carry_out(*waiting).said

    def _carry_out(
        self, proposed: Proposed, settings: Settings, approvers: tuple[str, ...], by: str
    ) -> Answer:
        # First, for what is recorded counts as in force from then on.
        put_in_force = self._prepare(settings)
        is_recorded = record(self._journal, proposed, approvers, by, self._now_ns())
        if not is_recorded and proposed.needs_approval:
            return Answer(said="the journal has failed: nothing is loosened", is_in_force=False)
        self._settings = settings
        put_in_force()
        said = _told(proposed.changes())
        if self._waiting is not None:
            # It was approved as a change of other limits than these.
            self._waiting = None
            said += "; what waited for a flat account must be approved again"
        return Answer(said=said, is_in_force=True, approved_by=approvers)

    def _proposed(self, name: str, value: Any) -> tuple[Proposed, Settings]:
        settings = self._changed(name, value)
        content = limits_in_force(settings, self._sections)
        note = next(self._journal.notes(NOTE), None)
        return proposed_change(self._journal.account, note, content), settings

    def _changed(self, name: str, value: Any) -> Settings:
        found = [
            (field, path)
            for declared in self._sections
            if declared.plugin == RISK_PLUGIN
            for field, path in declared_paths(declared)
            if is_limit(field, path) and name in (".".join(path), path[-1])
        ]
        if len(found) != 1:
            raise InvalidValue("limit", "one that fillbridge limits show lists", name)
        controls = self._settings.plugin_sections[RISK_PLUGIN]
        changed = with_value(controls, *found[0], value)
        sections = {**self._settings.plugin_sections, RISK_PLUGIN: changed}
        return msgspec.structs.replace(self._settings, plugin_sections=sections)


def _told(changes: Sequence[Change]) -> str:
    return "; ".join(map(str, changes))
