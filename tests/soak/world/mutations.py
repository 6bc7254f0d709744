"""Ways to break live trading, each of which the world of faults must notice."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fillbridge import judgement
from fillbridge.engine import fills, protection, reports
from fillbridge.engine.legs import missing_legs
from fillbridge.engine.messages import FillBooked
from fillbridge.exposure import exposure
from fillbridge.journal import JournalFailed
from fillbridge.live import account, doubt, killing, reconciliation, standing, trading
from fillbridge.live.proposals import Proposals
from fillbridge.live.protection import ProtectionWatch
from fillbridge.live.recording import NoRecording
from fillbridge_hooks import (
    TERMINAL_STATUSES,
    ApprovedOrder,
    NotSent,
    OrderStatus,
    OutcomeUnknown,
    Permit,
    Secret,
)

Patch = tuple[Any, str, Any]
_NOTHING: Any = ((), ())


def _drop_the_commit() -> list[Patch]:
    @contextmanager
    def recorded(self: Any) -> Iterator[None]:
        try:
            yield
        finally:
            self.outbox.release()

    return [(account.Account, "recorded", recorded)]


def _send_before_the_commit() -> list[Patch]:
    @contextmanager
    def recorded(self: Any) -> Iterator[None]:
        try:
            self._journal.commit()  # what the step before took, which has left by now
            yield
        except JournalFailed as error:
            self._go_on_without_journal(error)
        finally:
            self.outbox.release()

    return [(account.Account, "recorded", recorded)]


def _send_again(account: Any) -> None:
    for trade in account.state.trades.values():
        if trade.entry.status is OrderStatus.UNKNOWN:
            account.outbox.submit(ApprovedOrder(trade.entry.order, Permit()))


def _resend_on_timeout() -> list[Patch]:
    original = doubt.doubt_what_is_under_way

    def doubt_and_send(account: Any, reason: str, before_ns: int | None = None) -> bool:
        found = original(account, reason, before_ns)
        if found and before_ns is not None:
            _send_again(account)
        return found

    return [(trading, "doubt_what_is_under_way", doubt_and_send)]


def _resend_after_reconnect() -> list[Patch]:
    original = trading.LiveTrading.link_up

    def link_up(self: Any) -> None:
        original(self)
        with self._account.recorded():
            _send_again(self._account)

    return [(trading.LiveTrading, "link_up", link_up)]


def _believe_one_answer() -> list[Patch]:
    return [(reconciliation, "_AGREEING", 1)]


def _no_quarantine() -> list[Patch]:
    original = reconciliation.Reconciler.__init__

    def init(self: Any, tag: str, quarantine: Any) -> None:
        original(self, tag, reconciliation.Quarantine(entry_ns=0, reducing_ns=0))

    return [(reconciliation.Reconciler, "__init__", init)]


def _ignore_fill_ids() -> list[Patch]:
    original = fills.on_fill

    def on_fill(state: Any, message: FillBooked, now: int) -> Any:
        known = state.orders.get(message.fill.client_order_id)
        if known is not None and message.fill.fill_id in known[0].fills:
            fill = message.fill
            again = type(fill)(f"{fill.fill_id}+", *_rest(fill))
            message = FillBooked(again, message.commission_cents)
        return original(state, message, now)

    return [_decision(FillBooked, on_fill)]


def _rest(fill: Any) -> list[Any]:
    return [getattr(fill, name) for name in fill.__struct_fields__[1:]]


def _decision(kind: type, function: Callable[..., Any]) -> Patch:
    # The package's name for the module is the function's.
    module: Any = sys.modules["fillbridge.engine.decide"]
    return module, "_DECISIONS", {**module._DECISIONS, kind: function}


def _no_watchdog() -> list[Patch]:
    return [(ProtectionWatch, "look", lambda self, state, now_ns, untouched=(): iter(()))]


def _other_leg_stays() -> list[Patch]:
    def stays(*arguments: Any, **options: Any) -> Any:
        return _NOTHING

    return [(fills, "cancel_all", stays), (protection, "cancel_all", stays)]


def _forget_to_resize() -> list[Patch]:
    def forget(*arguments: Any) -> Any:
        return _NOTHING

    return [(fills, "resize_legs", forget), (protection, "resize_legs", forget)]


def _open_while_unknown() -> list[Patch]:
    return [(trading, "block_what_is_unknown", lambda account: None)]


def _forget_the_halt() -> list[Patch]:
    def take_up(self: Any) -> None:
        with self._account.recorded():
            self._account.shell.resume()
            doubt.doubt_what_is_under_way(self._account, "the handler started anew")

    return [(trading.LiveTrading, "_take_up", take_up)]


def _no_last_check() -> list[Patch]:
    return [(trading.LiveTrading, "last_check", lambda self, command: None)]


def _ignore_late_fills() -> list[Patch]:
    original = fills.on_fill

    def on_fill(state: Any, message: FillBooked, now: int) -> Any:
        known = state.orders.get(message.fill.client_order_id)
        if known is not None and known[1].status in TERMINAL_STATUSES:
            return _NOTHING
        return original(state, message, now)

    return [_decision(FillBooked, on_fill)]


def _unknown_is_not_sent() -> list[Patch]:
    original = trading.LiveTrading.on_outcome

    def on_outcome(self: Any, command: Any, outcome: Any) -> None:
        if isinstance(outcome, OutcomeUnknown):
            outcome = NotSent(outcome.client_order_id, outcome.reason, outcome.time_ns)
        original(self, command, outcome)

    return [(trading.LiveTrading, "on_outcome", on_outcome)]


def _open_before_reconciling() -> list[Patch]:
    original = standing.Standing.begin_again

    def begin_again(self: Any, reason: str) -> None:
        original(self, reason)
        self._account.lift(standing.RECONCILED)

    return [(standing.Standing, "begin_again", begin_again)]


def _keep_the_excess() -> list[Patch]:
    def keep(trade: Any, filled: Any, message: Any, excess: int, now: int) -> Any:
        return (message,), ()

    return [
        (fills, "_flatten_excess", keep),
        (protection, "_close_on", lambda trade, side, quantity, now: _NOTHING),
    ]


def _reuse_the_epoch() -> list[Patch]:
    original = Proposals.__init__

    def init(self: Any, *arguments: Any, **options: Any) -> None:
        original(self, *arguments, **options)
        self._prefix = f"{self._prefix.split('-')[0]}-1-"

    return [(Proposals, "__init__", init)]


def _propose_twice() -> list[Patch]:
    return [(Proposals, "answered", lambda self, proposal_id: None)]


def _ask_for_a_cancel_once() -> list[Patch]:
    def repeat(self: Any, findings: Any) -> None:
        findings.repeats.clear()
        original(self, findings)

    original = standing.Standing._repeat
    return [(standing.Standing, "_repeat", repeat)]


def _leave_strays() -> list[Patch]:
    def repeat(self: Any, findings: Any) -> None:
        findings.strays.clear()
        original(self, findings)

    original = standing.Standing._repeat
    return [(standing.Standing, "_repeat", repeat)]


def _trade_without_a_journal() -> list[Patch]:
    def go_on(self: Any, error: JournalFailed) -> None:
        self._journal = NoRecording(self.state, self._journal.epoch)
        self.outbox.release()

    return [(account.Account, "_go_on_without_journal", go_on)]


def _leave_a_lost_stop() -> list[Patch]:
    def lost(trade: Any, lost: Any, message: Any, now: int) -> Any:
        return (message,), ()

    return [
        (reports, "_exit_lost", lost),
        (protection, "_protect", lambda trade, held, now: _NOTHING),
        (ProtectionWatch, "_is_too_long", lambda self, trade, bare: False),
    ]


def _stop_for_too_little() -> list[Patch]:
    original = missing_legs

    def legs(trade: Any, quantity: int, fill: Any) -> Any:
        return original(trade, max(1, quantity - 1), fill)

    return [(fills, "missing_legs", legs), (ProtectionWatch, "look", _no_look)]


def _no_look(self: Any, state: Any, now_ns: int, untouched: Any = ()) -> Iterator[Any]:
    return iter(())


def _entries_are_no_exposure() -> list[Patch]:
    original = exposure

    def flattered(state: Any, symbol: str, without: Any = None, strategy: Any = None) -> Any:
        found = original(state, symbol, without, strategy)
        return type(found)(symbol, found.position, 0, 0, max(0, found.position),
                           max(0, -found.position), 0, 0, 0)  # fmt: skip

    return [(judgement, "exposure", flattered)]


def _forget_the_unrecorded() -> list[Patch]:
    return [(standing, "unrecorded", lambda state, snapshot, now_ns: ())]


def _show_secrets() -> list[Patch]:
    return [(Secret, "__format__", lambda self, specification: self.reveal())]


def _leave_the_gate_open() -> list[Patch]:
    def kill(self: Any, level: Any, reason: str, by: str, via: str) -> None:
        self._write(level, reason, by, via)
        with self._account.recorded():
            self._halt(level, reason, by)

    return [(killing.KillSwitch, "kill", kill)]


def _close_nothing() -> list[Patch]:
    return [(killing.KillSwitch, "carry_on", lambda self: None)]


def _forget_the_latch() -> list[Patch]:
    def take_up(self: Any) -> None:
        self._account.state.halted = None

    return [(killing.KillSwitch, "take_up", take_up)]


OF_THE_SWITCH: dict[str, Callable[[], list[Patch]]] = {
    "the switch leaves the gate open": _leave_the_gate_open,
    "the switch closes nothing": _close_nothing,
    "the latch is forgotten by a restart": _forget_the_latch,
}
"""Those that show where the kill switch is pulled: in the profile ``kills`` alone."""

MUTATIONS: dict[str, Callable[[], list[Patch]]] = {
    "drop the commit": _drop_the_commit,
    "send before the commit": _send_before_the_commit,
    "send an entry again after a timeout": _resend_on_timeout,
    "send an entry again after a reconnect": _resend_after_reconnect,
    "believe a single answer": _believe_one_answer,
    "no quarantine": _no_quarantine,
    "ignore fill ids": _ignore_fill_ids,
    "no watchdog": _no_watchdog,
    "the other leg is not cancelled": _other_leg_stays,
    "stop and target are not resized": _forget_to_resize,
    "unknown does not shut the gate": _open_while_unknown,
    "a halt is forgotten by a restart": _forget_the_halt,
    "no check right before the send": _no_last_check,
    "late fills are ignored": _ignore_late_fills,
    "an unknown outcome is told as not sent": _unknown_is_not_sent,
    "the gate opens before the books are compared": _open_before_reconciling,
    "an excess of exits is kept": _keep_the_excess,
    "every start has the same epoch": _reuse_the_epoch,
    "a proposal that comes again is traded again": _propose_twice,
    "lost cancels are not asked for again": _ask_for_a_cancel_once,
    "strays are left at the broker": _leave_strays,
    "entries go on without a journal": _trade_without_a_journal,
    "a lost stop is not replaced": _leave_a_lost_stop,
    "the stop is one contract short": _stop_for_too_little,
    "working entries do not count as exposure": _entries_are_no_exposure,
    "what left unrecorded is sent again": _forget_the_unrecorded,
    "secrets are shown": _show_secrets,
}
"""By what they do wrong: what is put in place of what."""

HARD_TO_FIND = (
    "send an entry again after a timeout",
    "believe a single answer",
    "no quarantine",
    "ignore fill ids",
    "unknown does not shut the gate",
    "no check right before the send",
    "an unknown outcome is told as not sent",
    "an excess of exits is kept",
    "strays are left at the broker",
)
"""Those that take hundreds of runs to show."""


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Live trading with one mutation, within; as it is for an empty name."""
    patches = {**MUTATIONS, **OF_THE_SWITCH}[name]() if name else []
    before = [(where, what, getattr(where, what)) for where, what, _ in patches]
    try:
        for where, what, instead in patches:
            setattr(where, what, instead)
        yield
    finally:
        for where, what, original in before:
            setattr(where, what, original)
