"""From a proposal to a trade on its way: known, planned, let through the gate, sent."""

from collections.abc import Callable

import msgspec

from fillbridge.engine.messages import ReplaceRequested, TradePlan, TradeRefused
from fillbridge.handlers.requests import refuse_opposite
from fillbridge.live.account import Account
from fillbridge.live.collar import refuse_move, refuse_plan
from fillbridge.live.holds import Holds
from fillbridge.live.intake import Intake, IntakeRules, Source
from fillbridge.planning import plan_trade
from fillbridge_hooks import (
    Capabilities,
    Hold,
    Instrument,
    InvalidValue,
    OrderRefused,
    OrderRole,
    ProposalHeld,
    Refuse,
    RiskProposal,
    TimeInForce,
)
from fillbridge_hooks.sessions import trade_date_end_ns

_SECOND = 1_000_000_000


class Proposals:
    """Opens the trades of an account.

    :param prefix: of trade ids: it names the account and the start
    :param find_instrument: the contract of a symbol; raises ``InvalidValue`` for an unknown one
    :param default_symbol: of proposals that name none
    :param entry_life_s: of entries whose proposal has no timeout
    :param intake: which proposals are taken at all
    :param epoch: which start of the account it is
    :param capabilities: of the broker: whether it can keep stop and target for an entry, and what
        a trailing stop needs
    """

    def __init__(
        self,
        account: Account,
        prefix: str,
        find_instrument: Callable[[str], Instrument],
        default_symbol: str,
        *,
        entry_life_s: float | None,
        position_life_ns: int | None,
        capabilities: Capabilities,
        intake: IntakeRules,
        epoch: int,
    ) -> None:
        self.holds = Holds(account, epoch, self._reopen)
        self.intake = Intake(account, intake)
        self._account = account
        self._prefix = prefix
        self._find_instrument = find_instrument
        self._default_symbol = default_symbol
        self._entry_life_s = entry_life_s
        self._position_life_ns = position_life_ns
        self._capabilities = capabilities
        self._trades = 0

    def take(self, proposal: RiskProposal, source: Source, by: str = "") -> str:
        """Record the trade of a proposal and let its entry leave; the trade id.

        A ``proposal_id`` that was proposed before answers as it did then and sends nothing.

        :param by: who sent it
        :raises InvalidValue: if it breaks a rule
        :raises ProposalHeld: if it waits for a person
        :raises OrderRefused: if it is not genuine, or a check or the gate refuses it
        """
        try:
            return self._take(proposal, source, by)
        except ProposalHeld:
            raise
        except (InvalidValue, OrderRefused):
            self._account.metrics.execution_errors += 1
            raise

    def _take(self, proposal: RiskProposal, source: Source, by: str) -> str:
        proposal = self.intake.check(proposal, source, by)
        if by:
            asked = {"request": "propose", "by": by, "proposal_id": proposal.proposal_id}
            self._account.note("management", asked)
        known = self.answered(proposal.proposal_id)
        if known is not None:
            return known
        self.intake.use(proposal, source, by)
        return self._open(proposal)

    def look(self) -> None:
        """Look at what time alone brings about."""
        self.holds.look()
        self.intake.look()

    def answered(self, proposal_id: str | None) -> str | None:
        """The trade that a proposal of this id became; ``None`` for a new one.

        :raises OrderRefused: if it was refused
        :raises ProposalHeld: if it waits for a person
        """
        if proposal_id is None:
            return None
        held = self.holds.of(proposal_id)
        if held is not None:
            holds = [Hold(check=check, reason="as before") for check in held.checks]
            raise ProposalHeld(held.hold_id, held.expires_ns, holds)
        state = self._account.state
        answer = state.proposed.get(proposal_id) or state.proposed_before.get(proposal_id)
        if answer is None or isinstance(answer, str):
            return answer
        raise OrderRefused(
            [Refuse(check="proposal_id", limit="not refused before", value="; ".join(answer))]
        )

    def _reopen(self, proposal: RiskProposal, approved_holds: tuple[str, ...]) -> str:
        return self._open(proposal, approved_holds)

    def _open(self, proposal: RiskProposal, approved_holds: tuple[str, ...] | None = None) -> str:
        """Record the trade of a new proposal, and send its entry; the trade id.

        :param approved_holds: checks whose hold a person let pass; no other may hold it then
        """
        plan = self.plan(proposal)
        account = self._account
        try:
            self._refuse_if_shut_or_late(plan)
            refuse_opposite(account.state, plan)
        except OrderRefused as refusal:
            reasons = tuple(str(one) for one in refusal.refusals)
            account.shell.step(TradeRefused(proposal, plan.instrument, reasons, account.now_ns))
            raise
        self._trades += 1
        account.outbox.gate_version = account.gate.version
        if approved_holds is None:
            account.shell.open_trade(plan, self.holds.hold)
        else:
            plan = msgspec.structs.replace(plan, approved_holds=approved_holds)
            account.shell.open_trade(plan)
        return plan.trade_id

    def plan(self, proposal: RiskProposal) -> TradePlan:
        """The trade that a proposal would become now.

        :raises InvalidValue: naming field, value and rule
        """
        can_trail = self._capabilities.replace and self._capabilities.market_data
        if proposal.trailing_stop and not can_trail:
            rule = "False at a broker that cannot change a working order or tells no prices"
            raise InvalidValue("trailing_stop", rule, proposal.trailing_stop)
        instrument = self._instrument(proposal.symbol or self._default_symbol)
        decided_ns = proposal.decided_at_ns
        if decided_ns is None:
            decided_ns = self._account.now_ns
        elif type(decided_ns) is not int:
            raise InvalidValue("decided_at_ns", "integer nanoseconds UTC", decided_ns)
        plan = plan_trade(
            proposal,
            f"{self._prefix}{self._trades + 1}",
            instrument,
            proposal.arrival or self._account.market.arrival(instrument.symbol),
            decided_ns,
            self._position_life_ns,
            entry_life_s=self._entry_life_s,
            # A broker that keeps legs may take the entry's time in force for theirs.
            day_ends_ns=self._day_ends_ns(proposal, instrument),
            has_broker_legs=self._capabilities.bracket,
            has_broker_distances=self._capabilities.bracket_distances,
            trails_here=True,
        )
        refuse_plan(plan, self._account.market)
        return plan

    def _instrument(self, symbol: str) -> Instrument:
        """The contract, whose prices are followed from now on; made once."""
        market = self._account.market
        known = market.instruments.get(symbol)
        if known is None:
            known = self._find_instrument(symbol)
            market.open_market(known)
        return known

    def _day_ends_ns(self, proposal: RiskProposal, instrument: Instrument) -> int | None:
        if proposal.time_in_force != TimeInForce.DAY:
            return None
        return trade_date_end_ns(instrument, self._account.now_ns)

    def refuse_change(self, message: ReplaceRequested) -> None:
        """Let an entry have no terms that it could not be sent with now; exits always may move.

        :raises InvalidValue: if an order would move to where nobody can have meant it
        :raises OrderRefused: saying why
        """
        account = self._account
        refuse_move(message, account.state, account.market)
        known = account.state.orders.get(message.client_order_id)
        if known is not None and known[1].order.role is OrderRole.ENTRY:
            self._refuse_if_shut(known[0].plan)
            account.shell.judgement.refuse_change(message)

    def _refuse_if_shut(self, plan: TradePlan) -> None:
        objection = self._account.gate.objection(plan.instrument.symbol)
        if objection is not None:
            raise OrderRefused([objection])
        suspended = self._account.suspension_of(plan)
        if suspended is not None:
            limit = "a strategy that is not suspended"
            raise OrderRefused([Refuse(check="strategy", limit=limit, value=suspended)])

    def _refuse_if_shut_or_late(self, plan: TradePlan) -> None:
        self._refuse_if_shut(plan)
        deadline_ns, now = plan.entry_deadline_ns, self._account.now_ns
        if deadline_ns is not None and deadline_ns < now:
            late = f"{(now - plan.decided_at_ns) / _SECOND:.1f} s ago"
            limit = f"decided at most {(deadline_ns - plan.decided_at_ns) / _SECOND} s ago"
            raise OrderRefused([Refuse(check="age", limit=limit, value=late)])
