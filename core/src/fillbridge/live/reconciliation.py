"""What the broker's answers say that the engine does not know yet.

Nothing is concluded from one answer that could be wrong: an order counts as absent, a fill as
taken back and a request as lost only after clean answers in a row that agree.
"""

from collections.abc import Iterator

import msgspec

from fillbridge.engine.assumed import assumed_fills
from fillbridge.engine.legs import STOP_SUFFIX, TARGET_SUFFIX
from fillbridge.engine.state import EngineState, OrderState, Trade
from fillbridge.live.outbox import Cancellation, Change
from fillbridge.live.snapshot import BrokerSnapshot
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    Accepted,
    BrokerOrder,
    Cancelled,
    Expired,
    Fill,
    FillVoided,
    Order,
    OrderRole,
    OrderStatus,
    OrderType,
    Rejected,
    Replaced,
    Replacement,
    Report,
)

_AGREEING = 2
"""Clean answers in a row before something is held to be true."""

_UNPROVED = (OrderStatus.PENDING, OrderStatus.UNKNOWN)
_SECOND = 1_000_000_000
_LAG_NS = 2 * _SECOND
"""A fill may be known for so long before the broker's positions show it."""

_Terms = tuple[int, OrderType, int | None, int | None]


class Quarantine(msgspec.Struct, frozen=True, kw_only=True):
    """How long an order must stay absent before it is held never to have arrived, ns."""

    entry_ns: int = 30 * _SECOND
    reducing_ns: int = 3 * _SECOND


class Findings(msgspec.Struct, kw_only=True):
    """What one comparison found."""

    reports: list[Report] = []
    """As the broker would have reported it, to be applied in this order."""
    repeats: list[Cancellation | Change] = []
    """Recorded requests that never took effect; asking again is harmless."""
    strays: list[str] = []
    """Orders that work at the broker although they have ended here."""
    unknown: list[str] = []
    """Working orders with our tag that nobody here sent."""
    foreign: dict[str, str] = {}
    """By symbol: working orders of others."""
    mismatched: dict[str, tuple[int, int]] = {}
    """By symbol: what we hold and what the broker says we hold, where that differs."""
    late: set[str] = set()
    """Those of them that are as they were before a fill of just now: they may only be late."""
    is_incomplete: bool = False
    """Whether an order filled by more than its known fills: ask again."""


class Reconciler:
    """Compares the engine's state with one snapshot after the other.

    :param tag: what every client order id of this account begins with
    """

    def __init__(self, tag: str, quarantine: Quarantine) -> None:
        self._tag = tag
        self._quarantine = quarantine
        self._absent_since: dict[str, int] = {}
        self._times: dict[tuple[str, str], int] = {}
        """How many answers in a row said the same of the same thing."""

    def begin_again(self) -> None:
        """The connection was lost: nothing that was counted before proves anything."""
        self._absent_since.clear()
        self._times.clear()

    def no_answer(self) -> None:
        """There was no clean answer: those after it do not follow those before."""
        self._times.clear()

    def compare(self, state: EngineState, snapshot: BrokerSnapshot, now_ns: int) -> Findings:
        """What follows from the broker's answers."""
        findings = Findings()
        said: dict[tuple[str, str], int] = {}
        orders = snapshot.orders()
        fills = _fills_by_order(snapshot)
        for order_id, (trade, order_state) in state.orders.items():
            news = [fill for fill in fills.get(order_id, ()) if fill.fill_id not in trade.fills]
            findings.reports += news
            known = orders.pop(order_id, None)
            if known is None:
                self._absent(trade, order_state, snapshot, now_ns, news, said, findings)
                continue
            self._absent_since.pop(order_id, None)
            if len(known) > 1:
                findings.unknown.append(order_id)
            self._compare(order_state, known[0], news, said, findings)
        self._others(state, orders, findings)
        self._positions(state, snapshot, now_ns, said, findings)
        self._times = said
        # A stop that was cancelled since the target filled was not lost: the fill comes first.
        findings.reports.sort(key=lambda report: _rank(state, report))
        return findings

    def _compare(
        self,
        order_state: OrderState,
        known: BrokerOrder,
        news: list[Fill],
        said: dict[tuple[str, str], int],
        findings: Findings,
    ) -> None:
        order_id = known.client_order_id
        filled = order_state.filled + sum(fill.quantity for fill in news)
        if known.filled > filled:
            findings.is_incomplete = True
            return
        has_ended = order_state.status in TERMINAL_STATUSES
        if known.status not in TERMINAL_STATUSES:
            if has_ended:
                if self._agree("stray", order_id, said):
                    findings.strays.append(order_id)
                return
            if order_state.status in _UNPROVED:
                accepted = Accepted(order_id, known.broker_order_id, known.time_ns)
                findings.reports.append(accepted)
            self._compare_terms(order_state, known, said, findings)
        elif not has_ended and filled < order_state.order.quantity:
            findings.reports.append(_end(known))

    def _compare_terms(
        self,
        order_state: OrderState,
        known: BrokerOrder,
        said: dict[tuple[str, str], int],
        findings: Findings,
    ) -> None:
        order_id = known.client_order_id
        asked = order_state.requested
        if order_state.cancel_sent:
            if self._agree("cancel", order_id, said):
                findings.repeats.append(Cancellation(order_id))
        elif asked is not None and _terms(known) != _terms(asked):
            if self._agree("change", order_id, said):
                findings.repeats.append(Change(asked))
        elif asked is not None:
            findings.reports.append(Replaced(order_id, *_terms(known), known.time_ns))
        else:
            order = order_state.order
            terms = _terms_by(known, order)
            # Answers that are older than one change after the other agree about nothing.
            if terms != _terms(order) and self._agree(f"terms {terms}", order_id, said):
                findings.reports.append(Replaced(order_id, *terms, known.time_ns))

    def _absent(
        self,
        trade: Trade,
        order_state: OrderState,
        snapshot: BrokerSnapshot,
        now_ns: int,
        news: list[Fill],
        said: dict[tuple[str, str], int],
        findings: Findings,
    ) -> None:
        order = order_state.order
        order_id = order.client_order_id
        is_in_question = order_state.status not in TERMINAL_STATUSES and not news
        if not is_in_question or order_state.submitted_ns >= snapshot.asked_ns:
            self._absent_since.pop(order_id, None)
            return
        since = self._absent_since.setdefault(order_id, now_ns)
        wait_ns = self._quarantine.entry_ns
        # One that was known to work is given longer, unless there is nothing left to protect.
        is_short = order_state.status in _UNPROVED or not trade.held
        if order.role is not OrderRole.ENTRY and is_short:
            wait_ns = self._quarantine.reducing_ns
        times = self._times.get(("absent", order_id), 0) + 1
        said["absent", order_id] = times
        if times >= _AGREEING and now_ns - since >= wait_ns:
            reason = f"absent at the broker for {(now_ns - since) / _SECOND:.1f} s"
            findings.reports.append(Expired(order_id, reason, now_ns))
            del self._absent_since[order_id]

    def _others(
        self, state: EngineState, orders: dict[str, list[BrokerOrder]], findings: Findings
    ) -> None:
        # Legs that the broker keeps may work before the fill is known that brings them about.
        for trade in (*state.trades.values(), *state.ended.values()):
            if trade.plan.has_broker_legs and not trade.entry_quantity:
                for suffix in (STOP_SUFFIX, TARGET_SUFFIX):
                    if len(orders.get(trade.plan.trade_id + suffix, ())) == 1:
                        del orders[trade.plan.trade_id + suffix]
        for order_id, known in orders.items():
            for order in known:
                if order.status in TERMINAL_STATUSES:
                    continue
                if order_id.startswith(self._tag):
                    findings.unknown.append(order_id)
                else:
                    what = order_id or order.broker_order_id
                    findings.foreign[order.symbol] = f"order {what} is not ours"

    def _positions(
        self,
        state: EngineState,
        snapshot: BrokerSnapshot,
        now_ns: int,
        said: dict[tuple[str, str], int],
        findings: Findings,
    ) -> None:
        ours = _held(state, findings.reports)
        theirs = snapshot.held()
        for symbol in ours.keys() | theirs.keys():
            held = ours.get(symbol, 0)
            difference = theirs.get(symbol, 0) - held
            if not difference:
                continue
            voided = _voided(state, snapshot, symbol, difference)
            ids = ",".join(sorted(fill.fill_id for fill in voided))
            if voided and self._agree("void", ids, said):
                findings.reports += [_taken_back(fill, snapshot.asked_ns) for fill in voided]
                continue
            findings.mismatched[symbol] = held, theirs.get(symbol, 0)
            asked_ns = snapshot.asked_ns
            if _is_late(state, findings.reports, symbol, difference, asked_ns, now_ns):
                findings.late.add(symbol)

    def _agree(self, what: str, of: str, said: dict[tuple[str, str], int]) -> bool:
        """Whether enough answers in a row, this one included, said it; counts from none then."""
        times = self._times.get((what, of), 0) + 1
        if times >= _AGREEING:
            return True
        said[what, of] = times
        return False


def _fills_by_order(snapshot: BrokerSnapshot) -> dict[str, list[Fill]]:
    found: dict[str, list[Fill]] = {}
    for fill in snapshot.fills:
        found.setdefault(fill.client_order_id, []).append(fill)
    return found


def _end(known: BrokerOrder) -> Report:
    order_id, reason = known.client_order_id, known.reason or known.status.value
    if known.status is OrderStatus.REJECTED:
        return Rejected(order_id, reason, known.time_ns)
    if known.status is OrderStatus.EXPIRED:
        return Expired(order_id, reason, known.time_ns, known.filled)
    # An order that is done with less than we asked for was reduced by the broker.
    return Cancelled(order_id, reason, known.time_ns, known.filled)


def _terms(terms: BrokerOrder | Order | Replacement) -> _Terms:
    return terms.quantity, terms.order_type, terms.limit_ticks, terms.trigger_ticks


def _terms_by(known: BrokerOrder, order: Order) -> _Terms:
    """Terms by the broker; a price that it does not tell is as it was, if the type has one."""
    quantity, order_type, limit_ticks, trigger_ticks = _terms(known)
    if order_type is order.order_type:
        limit_ticks = order.limit_ticks if limit_ticks is None else limit_ticks
        trigger_ticks = order.trigger_ticks if trigger_ticks is None else trigger_ticks
    return quantity, order_type, limit_ticks, trigger_ticks


def _rank(state: EngineState, report: Report) -> tuple[int, int]:
    """Entries fill before what closes them, whatever the clocks of the broker's hosts say."""
    if not isinstance(report, Fill):
        return 2, 0
    role = state.orders[report.client_order_id][1].order.role
    return int(role is not OrderRole.ENTRY), report.time_ns


def _held(state: EngineState, reports: list[Report]) -> dict[str, int]:
    """Signed contracts by symbol, once ``reports`` are applied."""
    held: dict[str, int] = {}
    for trade in state.trades.values():
        symbol = trade.plan.instrument.symbol
        held[symbol] = held.get(symbol, 0) + trade.held * trade.plan.direction.sign
    for report in reports:
        if isinstance(report, Fill):
            symbol = _symbol(state, report)
            held[symbol] = held.get(symbol, 0) + _signed(state, report)
    return held


def _symbol(state: EngineState, fill: Fill) -> str:
    return state.orders[fill.client_order_id][1].order.instrument.symbol


def _trades_of(state: EngineState, symbol: str) -> Iterator[Trade]:
    """Those of a symbol that are known, be they over."""
    for trade in (*state.trades.values(), *state.ended.values()):
        if trade.plan.instrument.symbol == symbol:
            yield trade


def _signed(state: EngineState, fill: Fill) -> int:
    return state.orders[fill.client_order_id][1].order.side.sign * fill.quantity


def _is_late(
    state: EngineState,
    reports: list[Report],
    symbol: str,
    difference: int,
    asked_ns: int,
    answered_ns: int,
) -> bool:
    """Whether the broker says what we held before the last of our fills, all of them young.

    One from a clock that is ahead of ours is not young for as long as that.

    :param answered_ns: when the last answer came: the positions may have been told before
    """
    earliest_ns, latest_ns = asked_ns - _LAG_NS, answered_ns + _LAG_NS
    fills = [booked.fill for trade in _trades_of(state, symbol) for booked in trade.fills.values()]
    fills += [one for one in reports if isinstance(one, Fill) and _symbol(state, one) == symbol]
    young = [fill for fill in fills if earliest_ns < fill.time_ns < latest_ns]
    for fill in sorted(young, key=lambda fill: (fill.time_ns, _rank(state, fill)), reverse=True):
        difference += _signed(state, fill)
        if not difference:
            return True
    return False


def _voided(
    state: EngineState, snapshot: BrokerSnapshot, symbol: str, difference: int
) -> list[Fill]:
    """Fills whose end explains ``difference``: the broker should have named them, but did not.

    It never names those that were assumed here; they end by themselves, if at all.
    """
    named = {fill.fill_id for fill in snapshot.fills}
    reported: list[Fill] = []
    assumed: list[Fill] = []
    for trade in _trades_of(state, symbol):
        ours = {booked.fill.fill_id for booked in assumed_fills(trade)}
        for booked in trade.fills.values():
            fill = booked.fill
            is_due = snapshot.fills_since_ns <= fill.time_ns < snapshot.asked_ns
            if is_due and fill.fill_id not in named:
                (assumed if fill.fill_id in ours else reported).append(fill)
    for fills in (reported, assumed):
        if -sum(_signed(state, fill) for fill in fills) == difference:
            return fills
    return []


def _taken_back(fill: Fill, time_ns: int) -> FillVoided:
    reason = "no longer among the broker's fills"
    return FillVoided(fill.client_order_id, fill.fill_id, reason, time_ns)
