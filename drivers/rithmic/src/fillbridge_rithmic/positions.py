"""What the account holds, as the PnL plant says it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import anyio

from fillbridge_hooks import BrokerPosition, RetryableError
from fillbridge_rithmic.wire.messages import sent

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from fillbridge_rithmic.link.plant import Plant
    from fillbridge_rithmic.orders.book import Book
    from fillbridge_rithmic.orders.requests import Place
    from fillbridge_rithmic.settings import RithmicSettings

SHOW_POSITIONS: Final = 402

_POSITION: Final = 450
_TOTALS: Final = 451

_SECOND: Final = 1_000_000_000
_LOOKS: Final = 3
"""So often positions are asked for while a row is missing."""
_SKEW_NS: Final = 5 * _SECOND
"""The clock of Rithmic may be so far behind ours."""


class PositionQueries:
    """Asks the PnL plant.

    A symbol without a row is flat, unless what was answered before and the fills since then say
    otherwise: then the answer lacks something, and is none.

    :param book: knows what was executed since stock was taken
    :param replay: asks for those since a time, ns UTC: the one that closed a position may have
        been missed
    :param now_ns: the time now, ns UTC
    """

    def __init__(
        self,
        plant: Plant,
        place: Place,
        settings: RithmicSettings,
        book: Book,
        replay: Callable[[int], Awaitable[object]],
        now_ns: Callable[[], int],
    ) -> None:
        self._plant = plant
        self._book = book
        self._replay = replay
        self._now_ns = now_ns
        self._before: Mapping[str, int] = {}
        """What the last answer said."""
        self._before_ns = 0
        """When it was asked for; what was executed earlier is in it."""
        self._account: dict[str, Any] = dict(place.account())
        self._settle_s = settings.settle_s
        self._asking = anyio.Lock()
        self._rows: dict[str, Any] | None = None
        self._totals = False
        self._heard = anyio.Event()

    def hear(self, message: Any) -> None:
        """A message of the PnL plant was heard: 450 or 451."""
        if self._rows is None or message.account_id != self._account["account_id"]:
            return
        if message.template_id == _POSITION and (message.is_snapshot or self._rows):
            self._rows[message.symbol] = message
        elif message.template_id == _TOTALS and message.is_snapshot:
            self._totals = True
            self._heard.set()

    async def positions(self) -> tuple[BrokerPosition, ...]:
        """What the account holds.

        :raises RetryableError: if there is no clean answer
        """
        async with self._asking:
            for _ in range(_LOOKS):
                asked_ns = self._now_ns()
                held = await self._look()
                missing = self._missing(held)
                if missing:
                    await self._replay(self._before_ns)
                    missing = self._missing(held)
                if not missing:
                    break
                # It may be on its way to the PnL plant.
                await anyio.sleep(self._settle_s / _LOOKS)
            else:
                raise RetryableError(
                    f"positions: no row of {', '.join(missing)}, held by what was said before"
                )
            self._before, self._before_ns = held, asked_ns - _SKEW_NS
            self._book.take_stock()
        return tuple(
            BrokerPosition(symbol=symbol, quantity=quantity)
            for symbol, quantity in sorted(held.items())
            if quantity
        )

    def _missing(self, held: Mapping[str, int]) -> list[str]:
        """Symbols that ought to have a row and have none."""
        expected = {symbol: net for symbol, net in self._before.items() if net}
        if expected.keys() <= held.keys():
            return []
        for one in self._book.fresh():
            if one.symbol in expected and one.time_ns > self._before_ns:
                expected[one.symbol] += one.signed
        return sorted(symbol for symbol, net in expected.items() if net and symbol not in held)

    async def _look(self) -> dict[str, int]:
        """What each symbol that has a row stands at."""
        rows: dict[str, Any] = {}
        self._rows, self._totals, self._heard = rows, False, anyio.Event()
        try:
            answer = await self._plant.ask(SHOW_POSITIONS, **self._account)
            is_said = bool(answer.rows)
            if is_said and not self._totals:
                # The account's own row comes last.
                with anyio.move_on_after(self._settle_s):
                    await self._heard.wait()
                if not rows and not self._totals:
                    raise RetryableError("positions: the answer has neither rows nor totals")
        finally:
            self._rows = None
        return {symbol: _net(row) for symbol, row in rows.items()}


def _net(row: Any) -> int:
    net = sent(row, "net_quantity")
    if net is None:
        if row.open_position_quantity:
            raise RetryableError(f"positions: {row.symbol} is open, but not which way")
        return 0
    return int(net)
