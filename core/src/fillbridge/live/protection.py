"""Whether every position has its stop, by the broker's evidence and not by our intention."""

from collections.abc import Container, Iterable, Iterator

from fillbridge.engine.messages import CloseRequested, ProtectionDue
from fillbridge.engine.protection import entry_should_go, lost_target
from fillbridge.engine.state import EngineState, Trade
from fillbridge.live.rules import LiveRules
from fillbridge_hooks import TERMINAL_STATUSES, ExitReason, OrderRole, OrderStatus, OrderType

_WORKING = (OrderStatus.SUBMITTED, OrderStatus.PARTIAL_FILLED)
_UNPROVED = (OrderStatus.PENDING, OrderStatus.UNKNOWN)
_AGREEING = 2
"""Answers of a session before an order is held to be lost: one of them may lack it."""
_STOP, _TARGET, _EXIT = OrderRole.STOP, OrderRole.TARGET, OrderRole.EXIT


class ProtectionWatch:
    """Says what to do about trades whose orders do not add up to what they hold.

    Time counts only while the broker can be reached.

    :param left: trades of an earlier run, which may have sent for them what it could not record
    """

    def __init__(self, rules: LiveRules, left: Iterable[str] = ()) -> None:
        self._rules = rules
        self._wrong_since: dict[str, int] = {}
        self._bare_since: dict[str, int] = {}
        self._next_ns: dict[str, tuple[int, int]] = {}
        """When a trade is mended again at the earliest, and how long the wait after that is."""
        self._blind_since: int | None = None
        self._is_blind = True
        self._answers = 0
        """Of this session."""
        self._left = frozenset(left)
        """Until the broker has answered often enough."""

    def begin_again(self) -> None:
        """What is known may be out of date: until the broker answers, nothing is mended."""
        for known in (self._wrong_since, self._bare_since, self._next_ns):
            known.clear()
        self._blind_since, self._is_blind, self._answers = None, True, 0

    def see(self) -> None:
        """The broker has said how things stand."""
        self._is_blind = False
        self._answers += 1
        if self._answers >= _AGREEING:
            self._left = frozenset()

    def sees(self, now_ns: int) -> bool:
        """Whether the broker has answered in this session, or is waited for no longer."""
        if self._is_blind and self._blind_since is None:
            self._blind_since = now_ns
        since = self._blind_since
        return not self._is_blind or since is None or now_ns - since >= self._rules.blind_ns

    @property
    def is_alert(self) -> bool:
        """Whether some trade is not as it should be."""
        return bool(self._wrong_since)

    def look(
        self, state: EngineState, now_ns: int, untouched: Container[str] = ()
    ) -> Iterator[ProtectionDue | CloseRequested]:
        """What the engine should be told; harmless where a remedy is on its way already.

        :param untouched: symbols in which nothing is mended
        """
        if not self.sees(now_ns):
            return
        for trade_id in {*self._wrong_since, *self._next_ns}:
            if trade_id not in state.trades:
                self._forget(trade_id)
        for trade_id, trade in tuple(state.trades.items()):
            if trade.plan.instrument.symbol in untouched:
                continue
            if is_in_order(trade):
                self._wrong_since.pop(trade_id, None)
                self._bare_since.pop(trade_id, None)
                if entry_should_go(trade):
                    yield from self._mend(trade, now_ns)
                else:
                    self._next_ns.pop(trade_id, None)
                continue
            waited = now_ns - self._wrong_since.setdefault(trade_id, now_ns)
            bare = 0
            if covered(trade) < trade.held:
                bare = now_ns - self._bare_since.setdefault(trade_id, now_ns)
            else:
                self._bare_since.pop(trade_id, None)
            if trade.plan.has_broker_legs and waited < self._rules.leg_grace_ns:
                continue
            is_left = trade_id in self._left and waited < self._rules.second_answer_ns
            if self._answers < _AGREEING and (is_left or is_protected(trade)):
                # An earlier run may have placed it without a record, and one answer may lack it.
                continue
            yield from self._mend(trade, now_ns)
            if trade.held > 0 and trade.close_reason is None and self._is_too_long(trade, bare):
                yield CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, now_ns)

    def _mend(self, trade: Trade, now_ns: int) -> Iterator[ProtectionDue]:
        """At once, and then ever less often: who refuses now would refuse ten times a second.

        While the broker has yet to say what became of the last try, nobody has refused it.
        """
        trade_id = trade.plan.trade_id
        due_ns, wait_ns = self._next_ns.get(trade_id, (0, self._rules.doubtful_reconcile_ns))
        if now_ns >= due_ns:
            longer_ns = min(2 * wait_ns, self._rules.most_mending_ns)
            if any(one.status in _UNPROVED for one in trade.orders):
                longer_ns = wait_ns
            self._next_ns[trade_id] = now_ns + wait_ns, longer_ns
            yield ProtectionDue(trade_id, now_ns)

    def _forget(self, trade_id: str) -> None:
        for known in (self._wrong_since, self._bare_since, self._next_ns):
            known.pop(trade_id, None)

    def _is_too_long(self, trade: Trade, waited: int) -> bool:
        stop = trade.stop
        is_on_its_way = stop is not None and stop.status not in TERMINAL_STATUSES
        rules = self._rules
        return waited >= (rules.unproved_protection_ns if is_on_its_way else rules.protection_ns)


def is_in_order(trade: Trade) -> bool:
    """Whether what works for a trade at the broker, by evidence, is what its position needs."""
    if trade.held > 0:
        return is_protected(trade) and lost_target(trade) is None
    if trade.held < 0:
        return False
    is_entry_working = trade.entry.status not in TERMINAL_STATUSES
    return not trade.working or (not trade.entry_quantity and trade.working == is_entry_working)


def is_protected(trade: Trade) -> bool:
    """Whether its stop rests for what is held, and no target for more."""
    return 0 < trade.held == covered(trade) and _resting(trade) <= trade.held


def _resting(trade: Trade) -> int:
    """Contracts that targets are known to rest for; more than one may, as with stops."""
    return sum(
        order_state.order.quantity - order_state.filled
        for order_state in trade.orders
        if order_state.order.role is _TARGET
        and order_state.status in _WORKING
        and not order_state.cancel_sent
    )


def covered(trade: Trade) -> int:
    """Contracts that the broker is known to close at the stop, or at once."""
    side = trade.plan.entry.side.opposite
    total = 0
    for order_state in trade.orders:
        order = order_state.order
        if order.side is not side or order_state.status not in _WORKING:
            continue
        protects = order.role is _STOP and not order_state.cancel_sent
        if protects or (order.role is _EXIT and order.order_type is OrderType.MARKET):
            total += order.quantity - order_state.filled
    return total
