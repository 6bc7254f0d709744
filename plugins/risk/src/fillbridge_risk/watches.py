"""What is watched while an account trades live: C12, C17, C20, C21 and C22.

A watch judges how things stand and not an order; the handler asks each at every look and does what
it demands.
"""

from collections import Counter

from fillbridge_hooks import (
    AccountView,
    Alarm,
    FlattenAll,
    Pause,
    ReduceOnly,
    Suspend,
    WatchFunction,
    WatchVerdict,
)

_SECOND = 1_000_000_000


def max_move_ticks(limit: int, pause_s: float) -> WatchFunction:
    """Pause entries of a symbol whose last price moved more than ``limit`` ticks within 10 s.

    Where several did, nothing is entered anywhere.
    """
    for_ns = round(pause_s * _SECOND)

    def watch(view: AccountView) -> WatchVerdict | None:
        far = {
            symbol: moved
            for symbol, moved in view.moves.items()
            if moved is not None and moved > limit
        }
        if not far:
            return None
        said = ", ".join(f"{symbol} {moved:g}" for symbol, moved in sorted(far.items()))
        return Pause(
            watch="C12 max_move_ticks",
            reason=f"expected <= {limit} ticks within 10 s, was {said}",
            symbol=next(iter(far)) if len(far) == 1 else None,
            for_ns=for_ns,
        )

    return watch


def daily_loss(
    alarm: float | None, reduce_only: float | None, flatten: float | None
) -> WatchFunction:
    """Tell of the day's loss, then enter nothing more, then close everything.

    Realised, net, and open at last prices; an open position without a price is left out, so that
    nothing is closed on a guess. Where a person let the account go on beyond a limit, that limit
    stops it again once a fifth of it more is lost than that person knew of.
    """

    def watch(view: AccountView) -> WatchVerdict | None:
        lost = -(view.realised_pnl + (view.open_pnl or 0.0))
        said = "expected a loss of the day < {:.2f}, was " + f"{lost:.2f}"
        most = _beyond(flatten, view.armed_pnl)
        if most is not None and lost >= most:
            return FlattenAll(watch="C17 daily_loss_flatten", reason=said.format(most))
        most = _beyond(reduce_only, view.resumed_pnl)
        if most is not None and lost >= most:
            return ReduceOnly(watch="C17 daily_loss_reduce_only", reason=said.format(most))
        if alarm is not None and lost >= alarm:
            # Without the amount, which changes at every look: it is told once.
            reason = f"expected a loss of the day < {alarm:.2f}, was that or more"
            return Alarm(watch="C17 daily_loss_alarm", reason=reason)
        return None

    return watch


def _beyond(limit: float | None, known_pnl: float | None) -> float | None:
    """The limit, or how much may be lost where a person who went on knew that it was reached."""
    if limit is None or known_pnl is None or -known_pnl < limit:
        return limit
    return -known_pnl + limit / 5


def max_rejects(per_minute: int | None, alike: int | None) -> WatchFunction:
    """Enter nothing more after so many rejects of the broker within a minute, or so many alike."""

    def watch(view: AccountView) -> WatchVerdict | None:
        count = len(view.rejects)
        if per_minute is not None and count >= per_minute:
            reason = f"expected < {per_minute} rejects within 60 s, was {count}"
            return ReduceOnly(watch="C20 max_rejects_per_minute", reason=reason)
        if alike is None or not view.rejects:
            return None
        ((reason, times),) = Counter(reason for _, reason in view.rejects).most_common(1)
        if times < alike:
            return None
        said = f"expected < {alike} like rejects within 60 s, was {times}: {reason}"
        return ReduceOnly(watch="C20 max_same_rejects", reason=said)

    return watch


def strategy_throttle(
    in_10m: int | None, per_day: int | None, stop_outs: int | None
) -> WatchFunction:
    """Suspend a strategy that has entered or was stopped out so often, until a person resumes."""

    def watch(view: AccountView) -> WatchVerdict | None:
        for strategy, counters in view.strategies.items():
            for name, limit, count, what in (
                ("strategy_entries_10m", in_10m, counters.entries_10m, "entries in 10 minutes"),
                ("strategy_entries_per_day", per_day, counters.entries_today, "entries a day"),
                ("max_stop_outs", stop_outs, counters.stop_outs_in_a_row, "stop-outs in a row"),
            ):
                if limit is not None and count >= limit:
                    return Suspend(
                        watch=f"C21 {name}",
                        reason=f"expected < {limit} {what} of {strategy!r}, was {count}",
                        strategy=strategy,
                    )
        return None

    return watch


def max_messages_per_fill(limit: int) -> WatchFunction:
    """Tell of more than ``limit`` messages for each fill in ten minutes."""

    def watch(view: AccountView) -> WatchVerdict | None:
        if view.messages_10m <= limit * max(1, view.fills_10m):
            return None
        reason = f"expected <= {limit} messages for each fill in 10 minutes, was more"
        return Alarm(watch="C22 max_messages_per_fill", reason=reason)

    return watch
