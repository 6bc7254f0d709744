"""What may be proposed to a handler of live trading, and what waits for a person."""

import logging
from collections.abc import Sequence

import msgspec

from fillbridge.bus import InProcessBus
from fillbridge.engine.proposal_events import TradeHeld
from fillbridge.engine.state import Trade
from fillbridge.handlers.live_limits import LiveLimits
from fillbridge.handlers.redaction import Redactor
from fillbridge.handlers.slowness import SlowExecutions
from fillbridge.live.intake import Source
from fillbridge.operators import Approval, content_hash
from fillbridge_hooks import EntryNotSent, InvalidValue, OrderStatus, RiskProposal

RELEASE = "release"
"""The purpose of an approval that lets a held proposal be sent."""
_logger = logging.getLogger(__name__)


class LiveProposing(LiveLimits):
    """Takes proposals from wherever they come, and answers once their entries have left."""

    redactor: Redactor
    _slow_executions: SlowExecutions

    async def execute_trade(self, proposal: RiskProposal) -> str:
        """Send the entry of a trade; see :meth:`AbstractExecutionHandler.execute_trade`.

        :raises EntryNotSent: if it was recorded, but could not leave after all
        :raises ProposalHeld: if it waits for a person
        """
        return await self.execute_from(Source.PROCESS, proposal)

    async def execute_from(self, source: Source, proposal: RiskProposal, by: str = "") -> str:
        """:meth:`execute_trade`, for a proposal that came from elsewhere.

        :param by: who sent it, which is recorded once it was found genuine
        """
        self.redactor.refuse(proposal)
        started_ns = self.clock.now_ns
        if proposal.proposal_id is None and self.settings.live_settings.environment == "prod":
            raise InvalidValue(
                "proposal_id", "an id: it is what a trade is not made twice by", None
            )
        try:
            trade_id = self._trading.propose(proposal, source, by)
        finally:
            self._wake()
        return await self._left_with(trade_id, started_ns)

    async def _execute_from_bus(self, proposal: RiskProposal) -> str:
        is_here = isinstance(self.event_bus, InProcessBus)
        return await self.execute_from(Source.PROCESS if is_here else Source.BUS, proposal)

    @property
    def holds(self) -> Sequence[TradeHeld]:
        """The proposals that wait for a person, the oldest first."""
        return self._trading.holds.listed()

    def hold_hash(self, held: TradeHeld) -> str:
        """What an operator signs for the purpose ``release`` to approve a held proposal."""
        account = self.settings.live_settings.account
        content = {
            "account": account,
            "hold_id": held.hold_id,
            "proposal": msgspec.to_builtins(held.proposal),
            "expires_ns": held.expires_ns,
        }
        return content_hash(content)

    async def approve_hold(
        self, hold_id: str, by: str = "the management API", approval: Approval | None = None
    ) -> str:
        """Let a held proposal be judged again, but for what held it; the trade id.

        :param approval: of an operator, where operators are configured; ``by`` counts elsewhere
        :raises UnknownOrder: if none waits under that id
        :raises NotApproved: if operators are configured, and none of them has approved this one
        :raises InvalidValue: if it breaks a rule by now
        :raises OrderRefused: if anything else objects to it; while the gate is shut it goes on
            waiting
        :raises EntryNotSent: if it was recorded, but could not leave after all
        """
        started_ns = self.clock.now_ns
        holds = self._trading.holds
        approvals = () if approval is None else (approval,)
        hashed = self.hold_hash(holds.find(hold_id))
        approvers = self._authority.approvers(approvals, RELEASE, hashed, 1, by, started_ns)
        try:
            trade_id = holds.approve(hold_id, ", ".join(approvers))
        finally:
            self._wake()
        return await self._left_with(trade_id, started_ns)

    def reject_hold(
        self, hold_id: str, reason: str = "rejected", by: str = "the management API"
    ) -> None:
        """Refuse a held proposal, for good.

        :raises UnknownOrder: if none waits under that id
        """
        self._trading.holds.reject(hold_id, by, reason)
        self._wake()

    async def _left_with(self, trade_id: str, started_ns: int) -> str:
        """Wait until the entry of a trade has left."""
        state = self._trading.state
        known = state.trades.get(trade_id) or state.ended.get(trade_id)
        if known is not None and self._is_on_its_way(known):
            left_ns = await self._pump.wait_left(known.entry.order.client_order_id)
            self._count_latency((left_ns - started_ns) / 1e6)
        self._wake()
        if known is not None and _never_left(known):
            raise EntryNotSent(f"trade {trade_id}: {known.entry.reason}")
        return trade_id

    def _is_on_its_way(self, trade: Trade) -> bool:
        entry_id = trade.entry.order.client_order_id
        return any(one.client_order_id == entry_id for one in self._trading.outbox.ready)

    def _count_latency(self, ms: float) -> None:
        said = self._slow_executions.count(ms)
        if said:
            _logger.warning(said)
            self._events.execution_error(said, None, self._now_ns())


def _never_left(trade: Trade) -> bool:
    entry = trade.entry
    is_over = entry.status is OrderStatus.EXPIRED and not trade.fills
    return is_over and entry.acknowledged_ns is None
