"""What an account and its strategies did lately: counters for those who watch over them.

Part of the engine's state, so it is the same after a restart. Everything here is bounded.
"""

from collections import deque

import msgspec

from fillbridge_hooks.sessions import NANOSECONDS

WINDOW_NS = 600 * NANOSECONDS
REJECTS_NS = 60 * NANOSECONDS
_SLOT_NS = 10 * NANOSECONDS
_REJECTS = 100
_FILLS = 10_000
_ENTRIES = 1_000
_STRATEGIES = 1_000


class StrategyActivity(msgspec.Struct):
    """What one strategy did."""

    entry_times: deque[int] = msgspec.field(default_factory=deque)
    """Of the entries approved within ten minutes, ns UTC, the oldest first."""
    entries_today: int = 0
    """Of the trade date, since a person let it go on."""
    stop_outs: int = 0
    """Trades in a row that ended at their stop."""


class Activity(msgspec.Struct):
    """What an account did."""

    rejects: deque[tuple[int, str]] = msgspec.field(default_factory=deque)
    """When the broker rejected an order within the last minute, and why."""
    fill_times: deque[int] = msgspec.field(default_factory=deque)
    """Of the fills within ten minutes, ns UTC."""
    messages: deque[tuple[int, int]] = msgspec.field(default_factory=deque)
    """Ten seconds each, ns UTC at their begin, and how many messages left in them."""
    strategies: dict[str, StrategyActivity] = {}
    """By name; what has none stands under an empty one."""
    suspended: dict[str, str] = {}
    """Strategies of which no entry may leave, and why."""
    suspended_ns: dict[str, int] = {}
    """Since when, ns UTC; a state that was kept by an older version does not say."""


def count_entry(activity: Activity, strategy: str | None, time_ns: int) -> None:
    """An entry of a strategy was approved."""
    found = strategy_of(activity, strategy)
    found.entries_today += 1
    _add(found.entry_times, time_ns, _ENTRIES)


def count_fill(activity: Activity, time_ns: int) -> None:
    """An order filled."""
    _add(activity.fill_times, time_ns, _FILLS)


def count_reject(activity: Activity, time_ns: int, reason: str) -> None:
    """The broker rejected an order."""
    rejects = activity.rejects
    rejects.append((time_ns, reason))
    while len(rejects) > _REJECTS or rejects[0][0] <= time_ns - REJECTS_NS:
        rejects.popleft()


def count_message(activity: Activity, time_ns: int) -> None:
    """A request left for the broker."""
    messages, slot = activity.messages, time_ns - time_ns % _SLOT_NS
    if messages and messages[-1][0] >= slot:
        last, count = messages[-1]
        messages[-1] = (last, count + 1)
        return
    messages.append((slot, 1))
    while messages[0][0] <= time_ns - WINDOW_NS - _SLOT_NS:
        messages.popleft()


def count_result(activity: Activity, strategy: str | None, *, is_stop_out: bool) -> None:
    """A trade of a strategy closed for the first time."""
    found = strategy_of(activity, strategy)
    found.stop_outs = found.stop_outs + 1 if is_stop_out else 0


def suspend(activity: Activity, strategy: str, reason: str, time_ns: int) -> None:
    """Let no entry of a strategy leave."""
    strategy_of(activity, strategy)
    activity.suspended[strategy] = reason
    activity.suspended_ns[strategy] = time_ns


def resume(activity: Activity, strategy: str) -> None:
    """Somebody lets a strategy go on: what it did before counts no more."""
    if activity.suspended.pop(strategy, None) is None:
        return
    activity.suspended_ns.pop(strategy, None)
    activity.strategies[strategy] = StrategyActivity()


def begin_trade_date(activity: Activity) -> None:
    """Nothing was done on it yet."""
    for found in activity.strategies.values():
        found.entries_today = 0


def strategy_of(activity: Activity, strategy: str | None) -> StrategyActivity:
    """What a strategy did; of too many the one that is known longest is forgotten."""
    strategies, name = activity.strategies, strategy or ""
    found = strategies.get(name)
    if found is None:
        found = strategies[name] = StrategyActivity()
        if len(strategies) > _STRATEGIES:
            forgotten = next(one for one in strategies if one not in activity.suspended)
            del strategies[forgotten]
    return found


def within(times: deque[int], since_ns: int) -> int:
    """How many of these times, the oldest first, are after ``since_ns``."""
    late = 0
    for time_ns in times:
        if time_ns > since_ns:
            break
        late += 1
    return len(times) - late


def _add(times: deque[int], time_ns: int, most: int) -> None:
    times.append(time_ns)
    while len(times) > most or times[0] <= time_ns - WINDOW_NS:
        times.popleft()
