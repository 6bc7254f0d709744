"""What the risk checks say to an entry: when it is proposed, before it leaves, when it changes."""

from collections.abc import Callable

import msgspec

from fillbridge.approval import judge
from fillbridge.engine.messages import ReplaceRequested, TradePlan
from fillbridge.engine.state import EngineState, Trade
from fillbridge.exposure import exposure, risk_context
from fillbridge.shell_hooks import ShellHooks
from fillbridge_hooks import (
    AccountMargin,
    Clock,
    Hold,
    MarketView,
    OrderRefused,
    OrderRole,
    Refuse,
)


class Judgement:
    """Asks the risk checks, with all that they are shown.

    :param market: what is known of a symbol's market now
    """

    def __init__(
        self,
        hooks: ShellHooks,
        state: EngineState,
        clock: Clock,
        market: Callable[[str], MarketView],
    ) -> None:
        self.margin: Callable[[str], AccountMargin | None] = lambda symbol: None
        """What the broker still lets the account do in a symbol."""
        self._hooks = hooks
        self._state = state
        self._clock = clock
        self._market = market

    def objections(
        self, plan: TradePlan, market: MarketView, without: Trade | None = None
    ) -> list[Refuse | Hold]:
        """What the checks have against the entry of a plan.

        :param without: the trade of the plan, once it is among those that are counted
        """
        checks = self._hooks.risk_checks
        if not checks:
            return []
        symbol = plan.instrument.symbol
        return judge(
            checks,
            plan.entry,
            exposure(self._state, symbol, without, plan.proposal.strategy),
            market,
            risk_context(
                self._state,
                plan.proposal,
                self._clock.now_ns,
                self._last_price,
                without,
                symbol,
                self.margin(symbol),
            ),
            plan.approved_holds,
        )

    def _last_price(self, symbol: str) -> float | None:
        return self._market(symbol).last

    def refuse_change(self, message: ReplaceRequested) -> None:
        """Judge an entry with new terms as if it was proposed with them; exits are not asked about.

        A check that would hold it refuses: a change waits for nobody.

        :raises OrderRefused: with every objection; the order is as it was
        """
        known = self._state.orders.get(message.client_order_id)
        if known is None or known[1].order.role is not OrderRole.ENTRY:
            return
        trade, _ = known
        terms = {"limit_ticks": message.limit_ticks, "trigger_ticks": message.trigger_ticks}
        entry = msgspec.structs.replace(trade.plan.entry, **terms)
        plan = msgspec.structs.replace(trade.plan, entry=entry)
        objections = self.objections(plan, self._market(entry.instrument.symbol), trade)
        if objections:
            raise OrderRefused(objections)
