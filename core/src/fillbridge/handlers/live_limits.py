"""The limits of a live handler, changed while it runs."""

import logging
from collections.abc import Callable
from typing import Any

import msgspec

from fillbridge.approval import NamedCheck
from fillbridge.config import Settings
from fillbridge.handlers.live_control import LiveControl
from fillbridge.handlers.resource_wiring import resource_limits
from fillbridge.limits import RunningLimits
from fillbridge.live.resources import Resources
from fillbridge.operators import Approval
from fillbridge.plugins import Plugins
from fillbridge_hooks import WatchFunction

_logger = logging.getLogger(__name__)


class LiveLimits(LiveControl):
    """Tightens limits at once, and loosens them once two operators have approved and it is flat."""

    _plugins: Plugins
    _checks: list[NamedCheck]
    _watched: list[tuple[str, WatchFunction]]
    # From here on: since it was entered.
    _limits: RunningLimits
    _resources: Resources

    def _begin_limits(self) -> None:
        sections = self._plugins.settings_sections()
        self._limits = RunningLimits(
            self._journal, self.settings, sections, self._prepare_limits, self._now_ns
        )

    def limits_change(self, name: str, value: Any) -> dict[str, Any]:
        """What setting a limit would change, and the hash that operators sign for it.

        :raises InvalidValue: if there is no such limit, or the value cannot be used
        """
        proposed = self._limits.propose(name, value)
        return {
            "account": self.settings.live_settings.account,
            "hash": proposed.hash,
            "needs_approval": proposed.needs_approval,
            "changes": [msgspec.to_builtins(one) for one in proposed.changes()],
            "said": [str(one) for one in proposed.changes()],
        }

    def set_limit(
        self, name: str, value: Any, by: str, approval: Approval | None = None
    ) -> dict[str, Any]:
        """Change a limit: tighter at once, looser by two approvals, once no trade is open.

        ``said``, ``is_in_force`` and ``approved_by`` say what became of it.

        :raises InvalidValue: if there is no such limit, or the value cannot be used
        :raises ApprovalRefused: if the approval does not count
        :raises NotApproved: if too few have approved
        """
        proposed = self._limits.propose(name, value)
        changes = [str(one) for one in proposed.changes()]
        self.note_request("limits", by, changes=changes, hash=proposed.hash)
        try:
            answer = self._limits.set(
                name, value, by, approval=approval, is_flat=not self._state.trades
            )
        finally:
            self.keep_requests()
        _logger.warning("limits, by %s: %s", by, answer.said)
        return msgspec.structs.asdict(answer)

    def _look_at_limits(self) -> None:
        done = self._limits.look(is_flat=not self._state.trades)
        if done:
            _logger.warning("limits: %s", done)

    def _prepare_limits(self, settings: Settings) -> Callable[[], None]:
        """What puts other limits in force: those of checks, watches, and the handler itself."""
        models = self._plugins.configure(settings.plugin_sections)
        checks, watches = models.risk_checks(), models.watches()
        resources = resource_limits(settings)

        def put_in_force() -> None:
            self.settings = settings
            self._checks[:] = checks
            self._watched[:] = watches
            self._trading.kill_switch.may_flatten = self.may_stop
            self._resources.limits = resources

        return put_in_force
