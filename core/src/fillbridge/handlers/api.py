"""The management interface: what an operator may ask of a handler."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fillbridge.config import Settings
from fillbridge.engine.proposal_events import TradeHeld
from fillbridge.metrics import ExecutionMetrics
from fillbridge.operators import Approval
from fillbridge.positions import Position
from fillbridge_hooks import ExitReason, KillLevel, OrderInfo

_API = "the management API"


class ManagedHandler(Protocol):
    """What the interface needs of a handler."""

    settings: Settings
    metrics: ExecutionMetrics

    @property
    def open_positions(self) -> Mapping[str, Position]:
        """Trades that hold a position, or whose entry may still fill, by trade id."""

    @property
    def is_recording(self) -> bool:
        """Whether requests are kept as durably as this handler keeps anything."""

    def order_status(self, order_id: str) -> OrderInfo:
        """An order by its client order id or the broker's, as it stands.

        :raises UnknownOrder: if no such order is known
        """

    def request_close(self, position_id: str, reason: ExitReason) -> bool:
        """Ask for a trade to end; ``False`` if it is ending already.

        :raises UnknownOrder: if no such trade is open
        """

    def cancel_entries(self) -> None:
        """Withdraw every entry that may still fill; stops and targets stay."""

    def kill(self, level: KillLevel, reason: str = ..., by: str = ...) -> None:
        """Stop as far as ``level`` says."""

    def alive(self, by: str = ...) -> None:
        """Somebody attends to it."""

    @property
    def holds(self) -> Sequence[TradeHeld]:
        """The proposals that wait for a person, the oldest first."""

    def hold_hash(self, held: TradeHeld) -> str:
        """What an operator signs to approve a held proposal."""

    async def approve_hold(
        self, hold_id: str, by: str = ..., approval: Approval | None = ...
    ) -> str:
        """Let a held proposal be judged again, but for what held it; the trade id.

        :raises UnknownOrder: if none waits under that id
        """

    def reject_hold(self, hold_id: str, reason: str = ..., by: str = ...) -> None:
        """Refuse a held proposal, for good.

        :raises UnknownOrder: if none waits under that id
        """

    def note_request(self, request: str, by: str, **details: Any) -> None:
        """Keep who asked for what, before it is done."""

    def keep_requests(self) -> None:
        """Make durable what was noted, where nothing followed from it."""

    def get_connection_status(self) -> dict[str, Any]:
        """``status``, ``mode`` and what else says whether orders can go out."""


class ExecutionHandlerAPI:
    """Questions and commands to one handler.

    A ``True`` says that the request is durable: after a restart it still stands. It does not say
    that it has been carried out. ``False`` says that it is not recorded, because the journal has
    failed, or is switched off; one that could not be recorded is carried out all the same.
    """

    def __init__(self, handler: ManagedHandler) -> None:
        self._handler = handler

    def get_open_positions(self) -> list[Position]:
        """Trades that hold a position, or whose entry may still fill."""
        return list(self._handler.open_positions.values())

    def get_order_status(self, order_id: str) -> OrderInfo:
        """An order by its client order id or the broker's, as it stands.

        :raises UnknownOrder: if no such order is known
        """
        return self._handler.order_status(order_id)

    def close_all_positions(
        self, reason: ExitReason = ExitReason.MANUAL_OVERRIDE, *, by: str = _API
    ) -> bool:
        """End every trade: entries are withdrawn, positions closed at the market."""
        self._handler.note_request("close_all", by, reason=reason.value)
        self._close_all(reason)
        self._handler.keep_requests()
        return self._handler.is_recording

    def cancel_all_orders(self, *, by: str = _API) -> bool:
        """Withdraw every entry that may still fill.

        Stops and targets stay: a position is never left without them.
        """
        self._handler.note_request("cancel_all", by)
        self._handler.cancel_entries()
        self._handler.keep_requests()
        return self._handler.is_recording

    def get_holds(self) -> list[dict[str, Any]]:
        """The proposals that wait for a person, the oldest first."""
        return [hold_document(held, self._handler.hold_hash(held)) for held in self._handler.holds]

    async def approve_hold(
        self, hold_id: str, *, by: str = _API, approval: Approval | None = None
    ) -> str:
        """Let a held proposal be judged again by everything but what held it; the trade id.

        :param approval: of an operator over the ``content_hash`` of :meth:`get_holds`, for the
            purpose ``release``; needed where operators are configured
        :raises UnknownOrder: if none waits under that id
        :raises NotApproved: if an operator's approval is needed
        :raises OrderRefused: if anything else objects to it
        """
        return await self._handler.approve_hold(hold_id, by, approval)

    def reject_hold(self, hold_id: str, reason: str = "rejected", *, by: str = _API) -> bool:
        """Refuse a held proposal, for good.

        :raises UnknownOrder: if none waits under that id
        """
        self._handler.reject_hold(hold_id, reason, by)
        return self._handler.is_recording

    def get_execution_metrics(self) -> ExecutionMetrics:
        """The handler's counters, live."""
        return self._handler.metrics

    def get_connection_status(self) -> dict[str, Any]:
        """As the handler says it."""
        return self._handler.get_connection_status()

    @property
    def may_stop(self) -> bool:
        """Whether ``risk_controls.emergency_stop_enabled`` is on."""
        controls = self._handler.settings.plugin_sections.get("risk")
        return bool(getattr(controls, "emergency_stop_enabled", True))

    def emergency_stop(self, *, reason: str = "emergency stop", by: str = _API) -> bool:
        """Refuse entries from now on, withdraw those that work, close every position.

        In this order; a position's stop and target go with its exit, never before it. Live,
        entries stay refused until two operators have approved, after a restart too. ``False``,
        and nothing is done, where ``risk_controls.emergency_stop_enabled`` is off. It is
        :meth:`kill` with ``FLATTEN``.
        """
        if not self.may_stop:
            return False
        self._handler.note_request("emergency_stop", by, reason=reason)
        self._handler.kill(KillLevel.FLATTEN, reason, by)
        return self._handler.is_recording

    def kill(self, level: KillLevel, *, reason: str = "stopped on request", by: str = _API) -> bool:
        """Stop: entries (``PAUSE``), those that work too (``CANCEL``), all (``FLATTEN``).

        A stop is never made less by another one. ``False``, and nothing is done, for ``FLATTEN``
        where ``risk_controls.emergency_stop_enabled`` is off.
        """
        if level is KillLevel.FLATTEN and not self.may_stop:
            return False
        self._handler.note_request("kill", by, level=level.value, reason=reason)
        self._handler.kill(level, reason, by)
        return self._handler.is_recording

    def alive(self, *, by: str = _API) -> None:
        """Say that somebody attends to the handler: the dead man's timer begins anew."""
        self._handler.alive(by)

    def _close_all(self, reason: ExitReason) -> None:
        for trade_id in tuple(self._handler.open_positions):
            # Withdrawing an entry may have ended its trade meanwhile.
            if trade_id in self._handler.open_positions:
                self._handler.request_close(trade_id, reason)


def hold_document(held: TradeHeld, hashed: str) -> dict[str, Any]:
    """What a person needs to know of a held proposal, plain.

    :param hashed: what an operator signs to approve it
    """
    proposal = held.proposal
    return {
        "hold_id": held.hold_id,
        "proposal_id": proposal.proposal_id,
        "strategy": proposal.strategy,
        "symbol": held.instrument.symbol,
        "direction": str(proposal.direction),
        "position_size": proposal.position_size,
        "stop_loss_price": proposal.stop_loss_price,
        "stop_loss_ticks": proposal.stop_loss_ticks,
        "take_profit_price": proposal.take_profit_price,
        "take_profit_ticks": proposal.take_profit_ticks,
        "checks": list(held.checks),
        "reasons": list(held.reasons),
        "time_ns": held.time_ns,
        "expires_ns": held.expires_ns,
        "content_hash": hashed,
    }
