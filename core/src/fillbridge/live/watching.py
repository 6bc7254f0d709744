"""What plugins watch an account for, and what is done about what they say."""

from collections.abc import Sequence
from types import MappingProxyType

from fillbridge.engine.activity import REJECTS_NS, WINDOW_NS, within
from fillbridge.engine.messages import StrategyResumed, StrategySuspended
from fillbridge.exposure import pnl_of_the_day
from fillbridge.live.account import Account
from fillbridge.live.gate import GateState
from fillbridge.live.killing import KillSwitch
from fillbridge.live.moves import Moves
from fillbridge.live.stop_sources import Stop
from fillbridge_hooks import (
    AccountView,
    Alarm,
    FlattenAll,
    KillLevel,
    Pause,
    ReduceOnly,
    StrategyCounters,
    Suspend,
    WatchFunction,
    WatchVerdict,
)

_TOLD = 1_000
_VIA = "watch"


class Watches:
    """Runs the watches of one account, and carries out their verdicts.

    :param watches: what is asked, by name; it may be changed while this runs
    """

    def __init__(
        self,
        account: Account,
        kill: KillSwitch,
        watches: Sequence[tuple[str, WatchFunction]],
    ) -> None:
        self._account = account
        self._kill = kill
        self._watches = watches
        self._paused: dict[tuple[str, str | None], tuple[int, str]] = {}
        """By watch and symbol: until when, and why."""
        self._told: dict[tuple[str, str], None] = {}

    def look(self) -> None:
        """Ask each; one that breaks shuts the gate, and keeps no other from being asked."""
        if not self._watches:
            self._lift()
            return
        account = self._account
        if account.moves is None:
            account.moves = Moves()
        view = self._view(account.now_ns)
        for name, watch in self._watches:
            with account.guard():
                self._carry_out(name, watch(view))
        self._lift()

    def _view(self, now_ns: int) -> AccountView:
        account = self._account
        state, moves = account.state, account.moves
        activity, counters = state.activity, state.counters
        is_today = now_ns < counters.trade_date_ends_ns
        realised, opened = pnl_of_the_day(state, account.market.last_price, now_ns)
        since_ns = now_ns - WINDOW_NS
        return AccountView(
            now_ns=now_ns,
            realised_pnl=realised,
            open_pnl=opened,
            rejects=tuple(one for one in activity.rejects if one[0] > now_ns - REJECTS_NS),
            messages_10m=sum(count for slot, count in activity.messages if slot > since_ns),
            fills_10m=within(activity.fill_times, since_ns),
            # The next watch is shown the same.
            moves=MappingProxyType({} if moves is None else moves.view(now_ns)),
            strategies=MappingProxyType(
                {
                    name: StrategyCounters(
                        within(one.entry_times, since_ns),
                        one.entries_today if is_today else 0,
                        one.stop_outs,
                    )
                    for name, one in activity.strategies.items()
                }
            ),
            resumed_pnl=_money(counters.resumed_cents) if is_today else None,
            armed_pnl=_money(counters.armed_cents) if is_today else None,
        )

    def resume(self, strategy: str, by: str, approved_by: tuple[str, ...] = ()) -> None:
        """Let a suspended strategy go on; what it did until now counts no more.

        Whoever calls it has seen to it that an operator has approved.
        """
        account = self._account
        with account.recorded():
            account.shell.step(StrategyResumed(strategy, by, account.now_ns, approved_by))

    def _carry_out(self, name: str, verdict: WatchVerdict | None) -> None:
        account = self._account
        match verdict:
            case None:
                pass
            case Pause(symbol=symbol, for_ns=for_ns, reason=reason):
                self._pause(name, symbol, account.now_ns + for_ns, reason)
            case ReduceOnly(reason=reason):
                self._stop(name, KillLevel.PAUSE, reason)
            case FlattenAll(reason=reason):
                self._stop(name, KillLevel.FLATTEN, reason)
            case Suspend(reason=reason, strategy=strategy):
                self._suspend(name, strategy, reason)
            case Alarm(reason=reason):
                self._tell(name, reason)
            case _:
                raise TypeError(f"watch '{name}': expected a verdict or None, was {verdict!r}")

    def _stop(self, name: str, level: KillLevel, reason: str) -> None:
        self._kill.stop_by(Stop(level, f"{name}: {reason}", f"watch {name}", _VIA))

    def _suspend(self, name: str, strategy: str, reason: str) -> None:
        account = self._account
        if strategy in account.state.activity.suspended:
            return
        by, why = f"watch {name}", f"{name}: {reason}"
        account.shell.step(StrategySuspended(strategy, why, by, account.now_ns))
        account.alarm(f"strategy {strategy!r} is suspended: {why}")

    def _tell(self, name: str, reason: str) -> None:
        if (name, reason) in self._told:
            return
        self._told[name, reason] = None
        if len(self._told) > _TOLD:
            del self._told[next(iter(self._told))]
        self._account.alarm(f"{name}: {reason}")

    # Pauses

    def _pause(self, name: str, symbol: str | None, until_ns: int, reason: str) -> None:
        known = self._paused.get((name, symbol))
        self._paused[name, symbol] = until_ns, reason
        if known is None:
            where = "every symbol" if symbol is None else symbol
            self._account.alarm(f"{name}: {where} is paused: {reason}")
        self._shut(name, symbol)

    def _lift(self) -> None:
        now = self._account.now_ns
        over = [key for key, (until_ns, _) in self._paused.items() if until_ns <= now]
        for key in over:
            del self._paused[key]
            self._shut(*key)

    def _shut(self, name: str, symbol: str | None) -> None:
        """Let the gate be as the pauses of a watch say."""
        account, cause = self._account, f"watch {name}"
        if symbol is not None:
            reasons = {
                paused: f"{name}: {reason}"
                for (watch, paused), (_, reason) in self._paused.items()
                if watch == name and paused is not None
            }
            account.block(cause, reasons)
        elif (name, None) in self._paused:
            reason = self._paused[name, None][1]
            account.shut(cause, GateState.REDUCE_ONLY, f"{name}: {reason}")
        else:
            account.lift(cause)


def _money(cents: int | None) -> float | None:
    return None if cents is None else cents / 100
