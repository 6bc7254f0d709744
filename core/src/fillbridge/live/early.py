"""What happens before the broker has said how things stand."""

from collections.abc import Callable, Iterator

from fillbridge.engine.messages import CloseRequested
from fillbridge.engine.state import EngineState


class Early:
    """Holds back what would act on what an earlier run left, until it is compared with the broker.

    A fill of an order whose stop that run sent, and could not record, would have it sent again. A
    close would send the exit again, under the same id: how things stand comes first.

    :param is_waiting: whether there is anything that an earlier run left
    """

    def __init__(self, *, is_waiting: bool) -> None:
        self.is_waiting = is_waiting
        self._calls: list[Callable[[], object]] = []

    def holds(self, call: Callable[[], object]) -> bool:
        """Take a call over, if it is too early for it; whether it is."""
        if self.is_waiting:
            self._calls.append(call)
        return self.is_waiting

    def release(self) -> Iterator[Callable[[], object]]:
        """What was held back; nothing is any more."""
        self.is_waiting = False
        calls, self._calls = self._calls, []
        yield from calls


def closes_left(state: EngineState, now_ns: int) -> Iterator[CloseRequested]:
    """Closes that were asked for of trades that are there still: no exit may have left for them."""
    for trade in state.trades.values():
        if trade.close_reason is not None:
            yield CloseRequested(trade.plan.trade_id, trade.close_reason, now_ns)
