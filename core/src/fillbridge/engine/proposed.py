"""What is remembered of proposals: answers, nonces, what waits for a person, what was entered."""

from itertools import islice

from fillbridge.engine.messages import TradePlan
from fillbridge.engine.proposal_events import HoldEnded, NonceUsed, TradeHeld
from fillbridge.engine.state import (
    REMEMBERED_DAYS,
    REMEMBERED_HABITS,
    REMEMBERED_NONCES,
    REMEMBERED_NONCES_NS,
    REMEMBERED_PROPOSALS,
    EngineState,
)
from fillbridge_hooks import SHOWN_ENTRIES, EntryDay, RecentEntry, RiskProposal

_AT_ONCE = 100
"""Of so much that is remembered, one part is forgotten at a time: a dict finds its first item by
going through the places of all that were taken out before it."""
_HOUR_NS = 3_600_000_000_000
_DAY_NS = 24 * _HOUR_NS


def remember_answer(
    state: EngineState, proposal: RiskProposal, answer: str | tuple[str, ...]
) -> None:
    """Keep what became of a proposal that has an id: a trade id, or refusals."""
    if proposal.proposal_id is None:
        return
    answers = state.proposed
    answers[proposal.proposal_id] = answer
    if len(answers) > REMEMBERED_PROPOSALS:
        for oldest in tuple(islice(answers, _part(REMEMBERED_PROPOSALS))):
            del answers[oldest]


def nonce_key(key_id: str, nonce: bytes) -> str:
    """What a used nonce is known by."""
    return f"{nonce.hex()} {key_id}"


def remember_nonce(state: EngineState, event: NonceUsed) -> None:
    """Keep a nonce; the oldest are forgotten, and then all that is as old is refused unseen."""
    nonces = state.nonces
    nonces[nonce_key(event.key_id, event.nonce)] = event.signed_at_ns
    too_many = _part(REMEMBERED_NONCES) if len(nonces) > REMEMBERED_NONCES else 0
    before_ns = event.time_ns - REMEMBERED_NONCES_NS
    if not too_many and before_ns < state.nonces_from_ns + _part(REMEMBERED_NONCES_NS):
        return
    old: list[str] = []
    for key, signed_ns in nonces.items():
        if len(old) >= too_many and signed_ns > before_ns:
            break
        old.append(key)
        state.nonces_from_ns = max(state.nonces_from_ns, signed_ns)
    for key in old:
        del nonces[key]


def _part(most: int) -> int:
    return max(1, most // _AT_ONCE)


def hold(state: EngineState, event: TradeHeld) -> None:
    """Keep a proposal that waits."""
    state.held[event.hold_id] = event


def end_hold(state: EngineState, event: HoldEnded) -> None:
    """Keep it no longer."""
    del state.held[event.hold_id]


def habit_key(strategy: str | None, symbol: str) -> str:
    """What the entries of a strategy in a symbol are known by."""
    return f"{symbol} {strategy or ''}"


def remember_entry(state: EngineState, plan: TradePlan, time_ns: int) -> None:
    """Keep when, how much and which way a strategy entered."""
    proposal, entry = plan.proposal, plan.entry
    symbol, quantity = plan.instrument.symbol, entry.quantity
    made = RecentEntry(
        proposal.strategy,
        symbol,
        entry.side,
        quantity,
        time_ns,
        proposal.proposal_id,
        plan.trade_id,
    )
    entries = state.recent_entries
    entries.appendleft(made)
    if len(entries) > SHOWN_ENTRIES:
        entries.pop()
    habits, key = state.entry_days, habit_key(proposal.strategy, symbol)
    # Taken out and put in again: the first is the one that has not entered for longest.
    days = habits.pop(key, ())
    day, hour = time_ns // _DAY_NS, 1 << (time_ns % _DAY_NS // _HOUR_NS)
    squares = quantity * quantity
    if days and days[-1].day == day:
        last = days[-1]
        days = days[:-1]
        today = EntryDay(
            day,
            last.entries + 1,
            last.quantity + quantity,
            last.squares + squares,
            last.hours | hour,
            time_ns,
        )
    else:
        today = EntryDay(day, 1, quantity, squares, hour, time_ns)
        days = tuple(one for one in days if one.day > day - REMEMBERED_DAYS)
    habits[key] = (*days, today)
    if len(habits) > REMEMBERED_HABITS:
        del habits[next(iter(habits))]
