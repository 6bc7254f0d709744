"""Proposals that wait for a person: held, approved, rejected, expired."""

from collections.abc import Callable, Sequence

import msgspec

from fillbridge.engine.messages import TradePlan, TradeRefused
from fillbridge.engine.proposal_events import HoldEnded, TradeHeld
from fillbridge.live.account import Account
from fillbridge_hooks import Hold, OrderRefused, ProposalHeld, Refuse, RiskProposal, UnknownOrder

_SECOND = 1_000_000_000
_MOST = 100
_HANDLER = "the handler"

Reopen = Callable[[RiskProposal, tuple[str, ...]], str]
"""Takes a proposal, and the checks whose hold does not count; answers with the trade id."""


class Holds:
    """Keeps what a check would have a person look at, for as long as that may take.

    :param reopen: opens the trade of a proposal that somebody has approved
    """

    def __init__(self, account: Account, epoch: int, reopen: Reopen) -> None:
        self._account = account
        self._epoch = epoch
        self._reopen = reopen
        self._held = 0

    def listed(self) -> tuple[TradeHeld, ...]:
        """Those that wait, the oldest first."""
        return tuple(self._account.state.held.values())

    def of(self, proposal_id: str) -> TradeHeld | None:
        """The one of a proposal, if it waits."""
        held = self._account.state.held.values()
        return next((one for one in held if one.proposal.proposal_id == proposal_id), None)

    def hold(self, plan: TradePlan, objections: Sequence[Refuse | Hold]) -> None:
        """Let a proposal wait that nothing but holds objects to.

        :raises ProposalHeld: if it waits: nothing was sent
        :raises OrderRefused: if as many wait already as a person may look at
        """
        account = self._account
        holds = [one for one in objections if isinstance(one, Hold)]
        if len(holds) < len(objections):
            return
        now_ns = account.now_ns
        if len(account.state.held) >= _MOST:
            full = Refuse(check="holds", limit=f"fewer than {_MOST} that wait", value=str(_MOST))
            reasons = (str(full), *map(str, holds))
            account.shell.step(TradeRefused(plan.proposal, plan.instrument, reasons, now_ns))
            raise OrderRefused([full, *holds])
        self._held += 1
        # What it is judged by later is what it was made in view of.
        proposal = msgspec.structs.replace(
            plan.proposal, decided_at_ns=plan.decided_at_ns, arrival=plan.entry.arrival
        )
        held = TradeHeld(
            f"H{self._epoch:x}-{self._held}",
            proposal,
            plan.instrument,
            tuple(one.check for one in holds),
            tuple(map(str, holds)),
            now_ns + account.rules.hold_ns,
            now_ns,
        )
        account.shell.step(held)
        account.alarm(
            f"{_named(held)} waits for approval as {held.hold_id} for"
            f" {account.rules.hold_ns / _SECOND:.0f} s: {'; '.join(held.reasons)}"
        )
        raise ProposalHeld(held.hold_id, held.expires_ns, holds)

    def approve(self, hold_id: str, by: str) -> str:
        """Judge a proposal again, but for what held it, and let its entry leave; the trade id.

        While the gate is shut it goes on waiting.

        :raises UnknownOrder: if none waits under that id
        :raises InvalidValue: if it breaks a rule by now; it waits no longer
        :raises OrderRefused: if anything else objects; but for the gate, it waits no longer
        """
        with self._account.recorded():
            held = self.find(hold_id)
            shut = self._account.gate.objection(held.instrument.symbol)
            if shut is not None:
                raise OrderRefused([shut])
            self._end(held, "approved", by, "")
            return self._reopen(held.proposal, held.checks)

    def reject(self, hold_id: str, by: str, reason: str) -> None:
        """Refuse a proposal that waits, for good.

        :raises UnknownOrder: if none waits under that id
        """
        with self._account.recorded():
            self._drop(self.find(hold_id), "rejected", by, reason)

    def look(self) -> None:
        """Refuse those that nobody has approved in time."""
        now_ns = self._account.now_ns
        for held in self.listed():
            if held.expires_ns <= now_ns:
                self._expire(held, "nobody approved it in time")

    def take_up(self) -> None:
        """Go on with those that an earlier run left, and refuse those whose time is over.

        Their prices are followed from now on: approved, they are judged by these.
        """
        self.look()
        market = self._account.market
        for held in self.listed():
            if held.instrument.symbol not in market.instruments:
                market.open_market(held.instrument)

    def _expire(self, held: TradeHeld, reason: str) -> None:
        self._drop(held, "expired", _HANDLER, reason)
        self._account.alarm(f"{_named(held)} is refused, which waited as {held.hold_id}: {reason}")

    def _drop(self, held: TradeHeld, outcome: str, by: str, reason: str) -> None:
        account = self._account
        self._end(held, outcome, by, reason)
        reasons = (*held.reasons, f"{outcome} by {by}: {reason}")
        account.shell.step(TradeRefused(held.proposal, held.instrument, reasons, account.now_ns))

    def _end(self, held: TradeHeld, outcome: str, by: str, reason: str) -> None:
        account = self._account
        account.shell.step(HoldEnded(held.hold_id, outcome, by, reason, account.now_ns))

    def find(self, hold_id: str) -> TradeHeld:
        """The one that waits under an id.

        :raises UnknownOrder: if none does
        """
        held = self._account.state.held.get(hold_id)
        if held is None or held.expires_ns <= self._account.now_ns:
            raise UnknownOrder("held proposal", hold_id)
        return held


def _named(held: TradeHeld) -> str:
    proposal = held.proposal
    size = f"{proposal.direction} {proposal.position_size} {held.instrument.symbol}"
    return f"proposal {proposal.proposal_id} ({size})" if proposal.proposal_id else size
