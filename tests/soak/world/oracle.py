"""The invariants, judged by the broker's book and the disk and not by what the handler believes."""

from typing import TYPE_CHECKING

from world.book import ENDED, TradeTruth, trade_of
from world.disk import folded, same_state
from world.timeline import MILLISECOND, SECOND
from world.violations import Violated

from fillbridge.engine.messages import FillBooked
from fillbridge.journal.records import encode
from fillbridge.live.outbox import Cancellation, Change, Command, Submission
from fillbridge_hooks import TERMINAL_STATUSES, FillVoided, OrderRole, OrderStatus

if TYPE_CHECKING:
    from world.world import World

_ENTRY, _STOP, _TARGET, _EXIT = OrderRole.ENTRY, OrderRole.STOP, OrderRole.TARGET, OrderRole.EXIT

PROMPT_NS = 1_500 * MILLISECOND + 400 * MILLISECOND
"""Where nothing struck: the watchdog's 1.5 s, one look and two ways over the link."""
BARE_NS = 10_500 * MILLISECOND
"""After something struck it, for a position with too little to close it: 5 s until the questions
that find it (or until answers that never come are given up), 1 s until they are asked again, 3 s
until an order in doubt is given up for a market order, and the watchdog's 1.5 s."""
SURPLUS_NS = 12 * SECOND
"""The same for orders that would close more than there is: 5 s and 1 s as above, 3 s of quarantine,
and two rounds of answers that must agree before a request is repeated."""
MEMORY_NS = 12 * SECOND
"""What struck a trade longer ago has no part in what is wrong with it now."""
_AGREEING = 2
"""Answers in a session before an entry may leave in it."""


class Oracle:
    """Watches one run."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._bare: dict[str, tuple[str, int]] = {}
        self._due: set[str] = set()
        self.entries_sent: dict[str, str] = {}
        """Proposal id to the entry that was sent for it."""
        self.longest_ns: dict[str, int] = {}
        """How long trades were ``bare`` or ``surplus``, the longest; apart where a fault struck."""
        self.touched_ns: dict[str, int] = {}
        self.had_bust = False

    # What leaves

    def sent(self, command: Command) -> None:
        """A request leaves the process now."""
        world = self._world
        proved, order_id = world.disk.proved, command.client_order_id
        is_recording = not world.disk.is_full
        if isinstance(command, Cancellation):
            if is_recording and order_id not in proved.cancels:
                raise Violated(f"I5: a cancel of {order_id} left without a record")
            return
        if isinstance(command, Change):
            if is_recording and command.change not in proved.changes:
                raise Violated(f"I5: a change of {order_id} left without a record")
            return
        order = command.approved.order
        is_entry = order.role is _ENTRY
        if order_id not in proved.orders and (is_recording or is_entry):
            raise Violated(f"I5: {order_id} left without a record")
        if order_id in world.sent_ids:
            raise Violated(f"I1: {order_id} left twice")
        world.sent_ids.add(order_id)
        if is_entry:
            self._entry_sent(command)

    def _entry_sent(self, command: Submission) -> None:
        world, order = self._world, command.approved.order
        if world.kills is not None and world.kills.stops():
            raise Violated(f"I7: {order.client_order_id} left after the latch")
        if world.disk.proved.is_halted:
            raise Violated(f"I7: {order.client_order_id} left after a durable halt")
        proposal = world.disk.proved.proposals[order.trade_id]
        if proposal in self.entries_sent:
            raise Violated(f"I1: a second entry for {proposal}: {order.client_order_id}")
        self.entries_sent[proposal] = order.client_order_id
        symbol = order.instrument.symbol
        if world.questions.clean_answers < _AGREEING:
            raise Violated(f"I2: {order.client_order_id} left before the books were compared")
        if world.timeline.now_ns - command.made_ns > world.rules.stale_send_ns:
            raise Violated(f"I9: {order.client_order_id} left long after it was judged")
        for unknown in world.disk.proved.unknown:
            if world.symbols[trade_of(unknown)] == symbol:
                raise Violated(f"I9: {order.client_order_id} left while {unknown} is unknown")
        if self.had_bust or world.held_long or world.broker.has_filled_late:
            return  # what nobody could know of was not counted
        sign = order.side.sign
        worst = world.broker.positions.get(symbol, 0) * sign + order.quantity
        for trade in world.broker.trades.values():
            if trade.symbol == symbol:
                worst += trade.resting(sign, _ENTRY)
        worst += sum(
            one.quantity
            for one in world.under_way.values()
            if one.instrument.symbol == symbol and one.side.sign == sign
        )
        if worst > world.max_position:
            raise Violated(f"I9: up to {worst} contracts of {symbol} with {order.client_order_id}")

    # Protection

    def begin_again(self) -> None:
        """The process could not act until now."""
        self._bare.clear()
        self._due.clear()
        for trade in self._world.broker.trades.values():
            self.touched_ns[trade.trade_id] = self._world.timeline.now_ns
            self.changed(trade)

    def pause(self) -> None:
        """The process cannot act from now on."""
        self._bare.clear()

    def touch(self, trade_id: str) -> None:
        """Something struck that concerns a trade, or all of them."""
        now = self._world.timeline.now_ns
        if trade_id:
            self.touched_ns[trade_id] = now
            return
        for known in self._world.broker.trades:
            self.touched_ns[known] = now

    def changed(self, trade: TradeTruth) -> None:
        """The broker's book changed for a trade."""
        if not self._world.can_act:
            return
        trade_id, now = trade.trade_id, self._world.timeline.now_ns
        wrong = self._wrong(trade)
        known = self._bare.get(trade_id)
        if known is not None:
            if known[0] == wrong:
                return
            del self._bare[trade_id]
            self._measure(trade_id, *known)
        if wrong:
            self._bare[trade_id] = wrong, now
            if trade_id not in self._due:
                self._due.add(trade_id)
                self._world.timeline.at(now + PROMPT_NS, self._look, trade)

    def _wrong(self, trade: TradeTruth) -> str:
        """What is wrong with a trade at the broker: ``bare``, ``surplus`` or nothing."""
        held = trade.position * trade.sign
        if held < 0:
            return "" if trade.resting(trade.sign, _EXIT) >= -held else "bare"
        closing = trade.resting(-trade.sign, _STOP, _EXIT)
        if closing < held:
            return "bare"
        is_surplus = closing > held or trade.resting(-trade.sign, _TARGET) > held
        return "surplus" if is_surplus else ""

    def _deadline(self, trade_id: str) -> int:
        wrong, since = self._bare[trade_id]
        touched = self.touched_ns.get(trade_id, 0)
        if touched < since - MEMORY_NS:
            return since + PROMPT_NS
        return max(touched, since) + (BARE_NS if wrong == "bare" else SURPLUS_NS)

    def _look(self, trade: TradeTruth) -> None:
        trade_id = trade.trade_id
        self._due.discard(trade_id)
        if trade_id not in self._bare:
            return
        now, due = self._world.timeline.now_ns, self._deadline(trade_id)
        if now < due:
            self._due.add(trade_id)
            self._world.timeline.at(due, self._look, trade)
            return
        waited = (now - self._bare[trade_id][1]) / SECOND
        raise Violated(
            f"I3: {trade_id} holds {trade.position} with stops and exits over "
            f"{trade.resting(-trade.sign, _STOP, _EXIT)} and targets over "
            f"{trade.resting(-trade.sign, _TARGET)} for {waited:.2f} s"
        )

    def _measure(self, trade_id: str, wrong: str, since: int) -> None:
        now = self._world.timeline.now_ns
        touched = self.touched_ns.get(trade_id, 0)
        kind, waited = f"{wrong}_struck", now - max(since, touched)
        if touched < since - MEMORY_NS:
            kind, waited = wrong, now - since
        self.longest_ns[kind] = max(self.longest_ns.get(kind, 0), waited)

    # The end

    def is_calm(self) -> bool:
        """Whether everything is as it should be for good."""
        world = self._world
        process = world.process
        if process is None or not world.can_act or self._bare or world.under_way:
            return False
        trading = process.trading
        if process.recording.is_pending or trading.outbox.ready:
            return False
        is_open = trading.gate.objection("ES") is None and trading.gate.objection("NQ") is None
        if not is_open and not world.may_stay_shut and not world.disk.is_full:
            return False
        if world.kills is not None and world.kills.objection():
            return False
        return not self._unsettled()

    def _unsettled(self) -> str:
        process = self._world.process
        if process is None:
            return "no process runs"
        for trade in process.trading.state.trades.values():
            for order_state in trade.orders:
                if order_state.status in (OrderStatus.UNKNOWN, OrderStatus.PENDING):
                    return f"{order_state.order.client_order_id} is {order_state.status.value}"
            if trade.held == 0 and trade.entry.status in TERMINAL_STATUSES:
                return f"{trade.plan.trade_id} is flat and has not ended"
        for known in self._world.broker.trades.values():
            held = known.position * known.sign
            if held < 0:
                return f"{known.trade_id} holds an excess of {-held}"
        for queue in self._world.broker.working.values():
            for order in queue:
                known_here = process.trading.state.orders.get(order.client_order_id)
                if known_here is not None and known_here[1].status in TERMINAL_STATUSES:
                    return f"{order.client_order_id} has ended here and works at the broker"
        return self._unbooked()

    def _unbooked(self) -> str:
        process = self._world.process
        if process is None:
            return ""
        state = process.trading.state
        busted: dict[str, int] = {}
        for executed in self._world.broker.fills:
            fill, order = executed.fill, executed.order
            known = state.orders.get(fill.client_order_id)
            if known is None:
                return f"{fill.client_order_id} is not known"
            is_booked = fill.fill_id in known[0].fills
            if is_booked and executed.is_void:
                symbol = order.instrument.symbol
                busted[symbol] = busted.get(symbol, 0) + order.sign * fill.quantity
            elif not is_booked and not executed.is_void:
                return f"{fill.fill_id} of {fill.client_order_id} is not booked"
        # What was taken back unheard shows in the position, unless it adds up to nothing.
        wrong = [symbol for symbol, quantity in busted.items() if quantity]
        return f"fills that were taken back are still booked for {wrong}" if wrong else ""

    def judge_end(self) -> None:
        """Judge what is left, once there is calm or none came."""
        world = self._world
        process = world.process
        if not self.is_calm():
            reasons = "" if process is None else "; ".join(process.trading.gate.reasons())
            stopped = world.kills.objection() if world.kills is not None else ""
            what = (
                stopped
                or self._unsettled()
                or (f"bare: {sorted(self._bare)}" if self._bare else reasons)
            )
            raise Violated(f"liveness: no calm: {what}")
        if process is None:
            return
        self._judge_records()

    def _judge_records(self) -> None:
        world, process = self._world, self._world.process
        assert process is not None
        state = process.trading.state
        if world.disk.is_full:
            return
        contents = folded(world.disk.records)
        if not same_state(contents.state, state):
            raise Violated("I6: the engine's state is not the fold of the records")
        ours = {symbol: held.quantity for symbol, held in contents.holdings.items()}
        theirs = {
            symbol: quantity for symbol, quantity in world.broker.positions.items() if quantity
        }
        if ours != theirs:
            raise Violated(f"I8: the records hold {ours}, the broker {theirs}")
        secret = world.secret.reveal().encode()
        if any(secret in encode(record) for record in world.disk.records):
            raise Violated("I10: a secret stands in a record")
        self._judge_fills()
        self._judge_entries()
        for order in world.broker.orders:
            # Legs that the broker keeps are recorded with their entry.
            known = f"{order.trade_id}_ENTRY" if order.is_leg else order.client_order_id
            if order.role is not None and known not in state.orders:
                raise Violated(f"I2: {order.client_order_id} is not known")

    def _judge_fills(self) -> None:
        world = self._world
        made = {executed.fill.fill_id: executed for executed in world.broker.fills}
        for record in world.disk.records:
            if isinstance(record, FillBooked) and record.fill.fill_id not in made:
                raise Violated(f"I8: {record.fill.fill_id} was booked and never made")
            if isinstance(record, FillVoided) and not made[record.fill_id].is_void:
                raise Violated(f"I8: {record.fill_id} was taken out and stands at the broker")

    def _judge_entries(self) -> None:
        world = self._world
        assert world.process is not None
        state = world.process.trading.state
        for trade in (*state.trades.values(), *state.ended.values()):
            entry = trade.entry
            order_id = entry.order.client_order_id
            if entry.status in (OrderStatus.PENDING, OrderStatus.UNKNOWN):
                raise Violated(f"I2: {order_id} has not ended: {entry.status.value}")
            received = world.broker.by_id.get(order_id)
            if received and len(received) > 1:
                raise Violated(f"I1: the broker has {order_id} {len(received)} times")
            is_late = order_id in world.held_long
            if entry.status is OrderStatus.EXPIRED and received and not is_late:
                raise Violated(f"I2: {order_id} expired, but the broker received it")
            if entry.status in TERMINAL_STATUSES and received and received[0].status not in ENDED:
                raise Violated(f"I2: {order_id} ended here and works at the broker")
            ended_as = "filled" if trade.entry_quantity else entry.status.value
            world.ended_as[ended_as] = world.ended_as.get(ended_as, 0) + 1
