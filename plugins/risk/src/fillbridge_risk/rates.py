"""How often: C19 and C21."""

from fillbridge_hooks import (
    SHOWN_ENTRIES,
    Exposure,
    MarketView,
    Order,
    OrderRole,
    Refuse,
    RiskCheck,
    RiskContext,
)

_ENTRY = OrderRole.ENTRY
_SECOND = 1_000_000_000
_TEN_MINUTES_NS = 600 * _SECOND


def messages_per_second(rate: float, burst: int) -> RiskCheck:
    """Refuse an entry that would make more than ``burst`` messages and ``rate`` more each second.

    Cancels, changes and exits count, and are never held up. Looked at is what a context shows: ten
    seconds, or the last ``SHOWN_MESSAGES`` of them.

    :param burst: less than ``SHOWN_MESSAGES``
    """
    rule = f"<= {burst} messages and {rate:g} more each second"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        times = context.recent_messages
        if len(times) < burst or order.role is not _ENTRY:
            return None
        now = context.now_ns
        for count in range(burst, len(times) + 1):
            age = (now - times[count - 1]) / _SECOND
            if count + 1 > burst + rate * age:
                said = f"{count + 1} in {age:.3f} s"
                return Refuse(check="C19 messages_per_second", limit=rule, value=said)
        return None

    return check


def messages_per_minute(limit: int) -> RiskCheck:
    """Refuse an entry that would be more than the ``limit``-th message of the last minute."""
    rule = f"<= {limit} messages a minute"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        messages = context.messages_last_minute + 1
        if messages <= limit or order.role is not _ENTRY:
            return None
        return Refuse(check="C19 messages_per_minute", limit=rule, value=str(messages))

    return check


def max_daily_trades(limit: int) -> RiskCheck:
    """Refuse an entry after ``limit`` entries were approved on the trade date."""
    rule = f"<= {limit} trades a day"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        trades = context.trades_today + 1
        if trades <= limit:
            return None
        return Refuse(check="C21 max_daily_trades", limit=rule, value=str(trades))

    return check


def strategy_entries_per_day(limit: int) -> RiskCheck:
    """Refuse an entry of a strategy after ``limit`` of its entries on the trade date."""
    rule = f"<= {limit} entries of a strategy a day"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        entries = context.strategy_trades_today + 1
        if entries <= limit or order.role is not _ENTRY:
            return None
        said = f"{entries} of {context.proposal.strategy!r}"
        return Refuse(check="C21 strategy_entries_per_day", limit=rule, value=said)

    return check


def strategy_entries_10m(limit: int) -> RiskCheck:
    """Refuse an entry of a strategy after ``limit`` of its entries in ten minutes.

    :param limit: less than ``SHOWN_ENTRIES``; where that many entries fill the ten minutes, nobody
        knows what was before, and nothing more is let through
    """
    rule = f"<= {limit} entries of a strategy in 10 minutes"

    def check(
        order: Order, exposure: Exposure, market: MarketView, context: RiskContext
    ) -> Refuse | None:
        if order.role is not _ENTRY:
            return None
        strategy, since_ns = context.proposal.strategy, context.now_ns - _TEN_MINUTES_NS
        entries, seen = 1, 0
        for entry in context.recent_entries:
            if entry.time_ns <= since_ns:
                break
            seen += 1
            entries += entry.strategy == strategy
        if entries > limit:
            said = f"{entries} of {strategy!r}"
        elif seen >= SHOWN_ENTRIES:
            said = f"{seen} or more of all strategies"
        else:
            return None
        return Refuse(check="C21 strategy_entries_10m", limit=rule, value=said)

    return check
