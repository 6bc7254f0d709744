"""How things stand at Rithmic: lists whose rows come as notifications, and when they are complete.

Rows of a list bear no mark of the request they answer. So one list is asked for at a time, and what
comes meanwhile and says that it is a snapshot belongs to it. Rows are expected before the end of
the list; where one is missed that should be there, silence is waited for as well.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import anyio

from fillbridge_hooks import BrokerPosition, RetryableError
from fillbridge_hooks.sessions import trade_date_end_ns
from fillbridge_rithmic.wire.messages import sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from fillbridge_hooks import BrokerOrder, ConnectionTerms, Fill
    from fillbridge_rithmic.link.plant import Plant
    from fillbridge_rithmic.orders.book import Executed
    from fillbridge_rithmic.orders.desk import Desk
    from fillbridge_rithmic.orders.lines import Line
    from fillbridge_rithmic.orders.notices import OrderNotice
    from fillbridge_rithmic.orders.requests import Place
    from fillbridge_rithmic.settings import RithmicSettings

_logger = logging.getLogger(__name__)

SHOW_ORDERS: Final = 320
SHOW_ORDER_HISTORY: Final = 322
SHOW_ORDERS_OF_DATE: Final = 324
REPLAY_EXECUTIONS: Final = 3506
SHOW_POSITIONS: Final = 402

_POSITION: Final = 450
_TOTALS: Final = 451

_SECOND: Final = 1_000_000_000
_LOOKS: Final = 3
"""So often positions are asked for while a row is missing."""
_SKEW_NS: Final = 5 * _SECOND
"""The clock of Rithmic may be so far behind ours."""
_MARGIN_S: Final = 60
"""So much earlier and later executions are asked for than they are wanted."""
_MOST_EXECUTIONS: Final = 10_000
"""A replay ends after so many."""
_RECENT_NS: Final = 10 * _SECOND
"""A replay may lack what was heard as recently as this."""
_ROLL_NS: Final = 15 * 60 * _SECOND
"""So close to the end of a trade date the other one is asked for too."""


class OrderQueries:
    """Asks the order plant, one list at a time."""

    def __init__(
        self,
        plant: Plant,
        desk: Desk,
        place: Place,
        terms: ConnectionTerms,
        settings: RithmicSettings,
    ) -> None:
        self._plant = plant
        self._desk = desk
        self._account: dict[str, Any] = dict(place.account())
        self._clock = terms.clock
        self._instruments = terms.instruments
        self._settle_s = settings.settle_s
        self._asking = anyio.Lock()
        self._rows: set[str] | None = None
        self._executions: set[tuple[str, str]] = set()
        self._heard_at = 0.0
        self._confirmed: set[str] = set()
        """Baskets that the last list of working orders had, or that were heard of since."""
        self._latest_ns = 0
        """Of what was heard: the time as Rithmic has it."""
        self._settled: set[int] = set()
        """Templates of lists that silence was waited for once."""

    def hear(self, notice: OrderNotice) -> None:
        """A notification was heard, which may be a row."""
        self._latest_ns = max(self._latest_ns, notice.time_ns)
        if not notice.is_snapshot:
            self._confirmed.add(notice.basket_id)
            return
        if self._rows is None or notice.basket_id not in self._desk.book.baskets:
            return
        self._heard_at = anyio.current_time()
        self._rows.add(notice.basket_id)
        if notice.execution is not None:
            self._executions.add((notice.basket_id, notice.execution.fill_id))

    async def _list(
        self, template: int, lacks: Callable[[set[str]], bool], **fields: Any
    ) -> set[str]:
        """The baskets that a list has rows of.

        :param lacks: whether something is missing that should be among them
        :raises RetryableError: if there is no clean answer
        """
        rows: set[str] = set()
        self._rows = rows
        try:
            await self._plant.ask(template, **self._account, **fields)
            if template not in self._settled or lacks(rows):
                await self._silence()
                self._settled.add(template)
        finally:
            self._rows = None
        return rows

    async def _silence(self) -> None:
        self._heard_at = anyio.current_time()
        while (  # noqa: ASYNC110  # silence is told by the time alone
            left_s := self._heard_at + self._settle_s - anyio.current_time()
        ) > 0:
            await anyio.sleep(left_s)

    # Orders

    async def working(self, *, is_beginning: bool = False) -> None:
        """See to it that the book knows every order that works.

        :param is_beginning: whether a leg of which it cannot be told whose it is is no reason to
            have no session: what is known can be cancelled and closed all the same
        :raises RetryableError: if there is no clean answer
        """
        async with self._asking:
            await self._list_working()
            try:
                await self._resolve()
            except RetryableError as error:
                if not is_beginning or self._plant.end is not None:
                    raise
                _logger.warning("connected, but orders are not clear: %s", error)

    async def _list_working(self) -> None:
        book = self._desk.book
        believed = {
            basket.basket_id for line in book.lines() for basket in line.working() if basket.last_ns
        }
        self._confirmed = set()

        def missing(rows: set[str]) -> set[str]:
            return {
                name
                for name in believed - rows - self._confirmed
                if not book.baskets[name].has_ended
            }

        def lacks(rows: set[str]) -> bool:
            return bool(missing(rows)) or bool(book.unanswered())

        rows = await self._list(SHOW_ORDERS, lacks)
        if missing(rows):
            rows |= await self._list(SHOW_ORDERS, lacks)
        for basket_id in missing(rows):
            await self._list(SHOW_ORDER_HISTORY, lambda _: True, basket_id=basket_id)
        unclear = missing(rows)
        if unclear:
            raise RetryableError(
                f"baskets {', '.join(sorted(unclear))}: not among the working orders, and their"
                " history does not say that they have ended"
            )
        self._confirmed |= rows

    async def _resolve(self) -> None:
        """Find out whose legs are whose: an entry may have ended on an earlier day.

        :raises RetryableError: if that cannot be told
        """
        book = self._desk.book
        for basket_id in book.strangers() | book.unnamed():
            await self._list(SHOW_ORDER_HISTORY, lambda _: True, basket_id=basket_id)
        unclear = book.strangers() | book.unnamed()
        if unclear:
            # Left out, or under no name, a stop would be taken for lost and placed once more.
            raise RetryableError(
                f"baskets {', '.join(sorted(unclear))}: it cannot be told which legs these are,"
                " or whose"
            )

    async def of_today(self) -> tuple[BrokerOrder, ...]:
        """Every order of the trade date, and those that work.

        :raises RetryableError: if there is no clean answer
        """
        book = self._desk.book
        async with self._asking:
            rows: set[str] = set()
            for date in self._dates():
                rows |= await self._list(
                    SHOW_ORDERS_OF_DATE, lambda _: bool(book.unanswered()), date=date
                )
            await self._resolve()
        return self._orders(line for line in book.lines() if self._is_among(line, rows))

    def _is_among(self, line: Line, rows: set[str]) -> bool:
        if any(basket.basket_id in rows for basket in line.baskets):
            return True
        return any(basket.basket_id in self._confirmed for basket in line.baskets)

    def that_work(self) -> tuple[BrokerOrder, ...]:
        """The orders that work, by what was listed and heard since."""
        return self._orders(
            line
            for line in self._desk.book.lines()
            if any(basket.basket_id in self._confirmed for basket in line.working())
        )

    def _orders(self, lines: Iterable[Line]) -> tuple[BrokerOrder, ...]:
        return tuple(line.as_broker_order() for line in lines if line.symbol)

    def _dates(self) -> list[str]:
        now, dates = self._clock.now_ns, set()
        for instrument in self._instruments:
            for time_ns in (now - _ROLL_NS, now + _ROLL_NS):
                end_ns = trade_date_end_ns(instrument, time_ns)
                local = datetime.fromtimestamp(end_ns // _SECOND, UTC).astimezone(
                    ZoneInfo(instrument.time_zone)
                )
                dates.add(f"{local:%Y%m%d}")
        return sorted(dates)

    # Fills

    async def fills(self, since_ns: int) -> tuple[Fill, ...]:
        """Every fill at or after ``since_ns``, oldest first.

        :raises RetryableError: if there is no clean answer
        """
        now_ns = max(self._clock.now_ns, self._latest_ns)
        async with self._asking:
            self._executions = set()
            start = max(0, since_ns // _SECOND - _MARGIN_S)
            await self._replay(start, max(start, now_ns // _SECOND) + _MARGIN_S, since_ns)
            await self._resolve()
            found = self._executions
        baskets = self._desk.book.baskets
        recent_ns = max(since_ns, now_ns - _RECENT_NS)
        found |= {
            (basket.basket_id, execution.fill_id)
            for basket in baskets.values()
            for execution in basket.executions.values()
            if execution.time_ns >= recent_ns
        }
        return self._desk.fills(
            (baskets[name], fill_id)
            for name, fill_id in found
            if baskets[name].executions[fill_id].time_ns >= since_ns
        )

    async def _replay(self, start: int, finish: int, since_ns: int) -> None:
        before = len(self._executions)

        def lacks(_: set[str]) -> bool:
            return any(
                (basket.basket_id, execution.fill_id) not in self._executions
                for basket in self._desk.book.baskets.values()
                for execution in basket.executions.values()
                if execution.time_ns >= since_ns and start <= execution.time_ns // _SECOND < finish
            )

        await self._list(REPLAY_EXECUTIONS, lacks, start_index=start, finish_index=finish)
        if len(self._executions) - before < _MOST_EXECUTIONS:
            return
        if finish - start < 2:
            raise RetryableError(f"expected fewer than {_MOST_EXECUTIONS} executions in a second")
        middle = (start + finish) // 2
        await self._replay(start, middle, since_ns)
        await self._replay(middle, finish, since_ns)


class PositionQueries:
    """Asks the PnL plant.

    A symbol without a row is flat, unless what was answered before and the fills since then say
    otherwise: then the answer lacks something, and is none.

    :param executions: those that were heard of
    :param now_ns: the time now, ns UTC
    """

    def __init__(
        self,
        plant: Plant,
        place: Place,
        settings: RithmicSettings,
        executions: Callable[[], Iterable[Executed]],
        now_ns: Callable[[], int],
    ) -> None:
        self._plant = plant
        self._executions = executions
        self._now_ns = now_ns
        self._before: Mapping[str, int] = {}
        """What the last answer said."""
        self._known: set[Executed] = set()
        """What was heard of when it came."""
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
                if not missing:
                    break
                # It may be on its way to the PnL plant.
                await anyio.sleep(self._settle_s / _LOOKS)
            else:
                raise RetryableError(
                    f"positions: no row of {', '.join(missing)}, held by what was said before"
                )
            self._before, self._before_ns = held, asked_ns - _SKEW_NS
            self._known = set(self._executions())
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
        for one in set(self._executions()) - self._known:
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
