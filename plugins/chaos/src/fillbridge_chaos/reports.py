"""Reports as they travel from the broker: late, lost, repeated, or in another order."""

import heapq

import msgspec

from fillbridge_chaos.dice import Dice
from fillbridge_chaos.faults import Fault, Faults
from fillbridge_chaos.latency import MILLISECOND, Delays
from fillbridge_chaos.ledger import Ledger
from fillbridge_chaos.trace import Trace
from fillbridge_hooks import (
    NEVER,
    Accepted,
    Cancelled,
    CancelRejected,
    Expired,
    Fill,
    MarketMessage,
    Message,
    Report,
)

_CANCEL_ANSWERS = (Cancelled, CancelRejected, Expired)


class VoidDue(msgspec.Struct, frozen=True):
    """It is time to say that this fill is taken back, if it completed its order."""

    fill: Fill


class _Parcel:
    __slots__ = ("content",)

    def __init__(self, content: Message | VoidDue | None) -> None:
        self.content = content


class ReportLine:
    """The way from the broker: in order, but for what a fault takes out of it."""

    def __init__(self, faults: Faults, dice: Dice, trace: Trace, ledger: Ledger) -> None:
        self._faults = faults
        self._dice = dice
        self._trace = trace
        self._ledger = ledger
        self._delays = Delays("report latency", faults.report_latency, dice, trace)
        self._heap: list[tuple[int, int, _Parcel]] = []
        self._order = 0
        self._last_due_ns = 0
        self._limbo_until_ns: dict[str, int] = {}
        self._held_acks: dict[str, _Parcel] = {}
        self._crossed_fills: dict[str, list[_Parcel]] = {}

    @property
    def next_due_ns(self) -> int:
        """When the next thing arrives; ``NEVER`` where nothing is under way."""
        return self._heap[0][0] if self._heap else NEVER

    def arrived(self, now_ns: int) -> Message | VoidDue | None:
        """The next thing that has arrived by now."""
        while self._heap and self._heap[0][0] <= now_ns:
            parcel = heapq.heappop(self._heap)[2]
            if parcel.content is not None:
                content, parcel.content = parcel.content, None
                return content
        return None

    def say(self, report: Report, due_ns: int) -> None:
        """Let a report of the chaos itself arrive."""
        self._push(due_ns, report)

    def enter_limbo(self, client_order_id: str, now_ns: int) -> None:
        """Let nothing be heard of an order for a while."""
        limbo = self._limbo_until_ns
        for known in [known for known, until_ns in limbo.items() if until_ns <= now_ns]:
            del limbo[known]
        limbo[client_order_id] = now_ns + round(self._faults.limbo_ms * MILLISECOND)

    def cross(self, client_order_id: str) -> None:
        """Tell fills of an order after the answer to its cancel, from now until that comes."""
        self._crossed_fills.setdefault(client_order_id, [])

    def take(self, message: Message, now_ns: int) -> None:
        """Let what the broker said travel."""
        if isinstance(message, MarketMessage):
            self._last_due_ns = max(self._last_due_ns, now_ns + self._delays.next_ns(now_ns))
            self._push(self._last_due_ns, message)
        elif isinstance(message, Fill):
            parts = self._ledger.parts(message)
            if len(parts) > 1:
                self._trace.record(now_ns, Fault.PARTIAL, message.client_order_id)
            for part in parts:
                self._take_fill(part, now_ns)
        else:
            self._take_other(message, now_ns)

    def _take_fill(self, fill: Fill, now_ns: int) -> None:
        client_order_id = fill.client_order_id
        due_ns = self._due_ns(client_order_id, now_ns)
        crossed = self._crossed_fills.get(client_order_id)
        if due_ns is None:
            return
        if crossed is not None:
            due_ns = max(due_ns, self._held_until_ns(now_ns))
            crossed.append(self._push(due_ns, fill))
        else:
            self._push(due_ns, fill)
            self._repeat(fill, due_ns, now_ns)
            ack = self._held_acks.pop(client_order_id, None)
            if ack is not None and self._resend(ack, due_ns):
                self._trace.record(now_ns, Fault.FILL_BEFORE_ACK, client_order_id)
        void_time_ns = self._ledger.void_time_ns(fill)
        if void_time_ns is not None:
            self._push(max(due_ns + 1, void_time_ns), VoidDue(fill))

    def _take_other(self, report: Report, now_ns: int) -> None:
        client_order_id = report.client_order_id
        crossed: list[_Parcel] = []
        if isinstance(report, _CANCEL_ANSWERS):
            crossed = self._crossed_fills.pop(client_order_id, [])
            self._held_acks.pop(client_order_id, None)  # it comes when its time is over
        due_ns = self._due_ns(client_order_id, now_ns)
        if due_ns is None:
            return
        if isinstance(report, Accepted) and self._dice.happens(
            Fault.FILL_BEFORE_ACK, self._faults.fill_before_ack
        ):
            due_ns = max(due_ns, self._held_until_ns(now_ns))
            self._held_acks[client_order_id] = self._push(due_ns, report)
            return
        self._push(due_ns, report)
        self._repeat(report, due_ns, now_ns)
        if sum(self._resend(parcel, due_ns) for parcel in crossed):
            self._trace.record(now_ns, Fault.CANCEL_CROSS, client_order_id)

    def _due_ns(self, client_order_id: str, now_ns: int) -> int | None:
        """When a report arrives; ``None`` if it never does."""
        due_ns = now_ns + self._delays.next_ns(now_ns, client_order_id)
        if self._dice.happens(Fault.LOST_REPORT, self._faults.lost_report):
            self._trace.record(now_ns, Fault.LOST_REPORT, client_order_id)
            return None
        due_ns = max(due_ns, self._last_due_ns)
        limbo_end_ns = self._limbo_until_ns.get(client_order_id, 0)
        if self._dice.happens(Fault.REORDER, self._faults.reorder):
            self._trace.record(now_ns, Fault.REORDER, client_order_id)
            return max(due_ns + self._within_window(Fault.REORDER), limbo_end_ns)
        if limbo_end_ns > due_ns:
            return limbo_end_ns
        self._last_due_ns = due_ns
        return due_ns

    def _held_until_ns(self, now_ns: int) -> int:
        return now_ns + round(self._faults.hold_ms * MILLISECOND)

    def _within_window(self, fault: Fault) -> int:
        window_ns = round(self._faults.reorder_window_ms * MILLISECOND)
        return self._dice.stream(f"{fault} window").randint(0, window_ns)

    def _repeat(self, report: Report, due_ns: int, now_ns: int) -> None:
        if self._dice.happens(Fault.DUPLICATE, self._faults.duplicate):
            self._trace.record(now_ns, Fault.DUPLICATE, report.client_order_id)
            self._push(due_ns + self._within_window(Fault.DUPLICATE), report)

    def _push(self, due_ns: int, content: Message | VoidDue) -> _Parcel:
        parcel = _Parcel(content)
        self._order += 1
        heapq.heappush(self._heap, (due_ns, self._order, parcel))
        return parcel

    def _resend(self, held: _Parcel, due_ns: int) -> bool:
        """Let what was held arrive right after what it waited for, unless it arrived already."""
        if held.content is None or isinstance(held.content, VoidDue):
            return False
        content, held.content = held.content, None
        self._push(due_ns + 1, content)
        return True
