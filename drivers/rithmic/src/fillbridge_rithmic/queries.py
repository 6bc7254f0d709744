"""How things stand at Rithmic: lists whose rows come as notifications, and when they are complete.

Rows of a list bear no mark of the request they answer. So one list is asked for at a time, and what
comes meanwhile and says that it is a snapshot belongs to it. Rows are expected before the end of
the list; where one is missed that should be there, silence is waited for as well.
"""

from __future__ import annotations

import logging
import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

import anyio

from fillbridge_hooks import RetryableError
from fillbridge_hooks.sessions import trade_date_end_ns
from fillbridge_rithmic.distances import learn_distances

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from fillbridge_hooks import BrokerOrder, ConnectionTerms, Fill
    from fillbridge_rithmic.link.plant import Plant
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

_SECOND: Final = 1_000_000_000
_MARGIN_S: Final = 60
"""So much earlier and later executions are asked for than they are wanted."""
_MOST_EXECUTIONS: Final = 10_000
"""A replay ends after so many."""
_RECENT_NS: Final = 10 * _SECOND
"""A replay may lack what was heard as recently as this."""
_KEPT_NS: Final = 36 * 3_600 * _SECOND
"""What ended is known for so long at least: for longer than its trade date."""
_FORGETTING_NS: Final = 3_600 * _SECOND
"""Between two times that what is past is forgotten."""
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
        self._limit: anyio.CancelScope
        """Around a list that is being asked for."""
        self._confirmed: set[str] = set()
        """Baskets that the last list of working orders had, or that were heard of since."""
        self._mentioned: set[str] = set()
        """Baskets that were heard of since the list of working orders was last asked for."""
        self._forgot_ns = 0
        self._latest_ns = 0
        """Of what was heard: the time as Rithmic has it."""
        self._settled: set[int] = set()
        """Templates of lists that silence was waited for once."""

    def hear(self, notice: OrderNotice) -> None:
        """A notification was heard, which may be a row."""
        self._latest_ns = max(self._latest_ns, notice.time_ns)
        if not notice.is_snapshot:
            self._confirmed.add(notice.basket_id)
            self._mentioned.add(notice.basket_id)
            return
        if self._rows is None or notice.basket_id not in self._desk.book.baskets:
            return
        self._heard_at = anyio.current_time()
        self._limit.deadline = self._heard_at + self._plant.request_timeout_s
        self._rows.add(notice.basket_id)
        if notice.execution is not None:
            self._executions.add((notice.basket_id, notice.execution.fill_id))

    async def _list(
        self,
        template: int,
        lacks: Callable[[set[str]], bool],
        *,
        is_distrusted: bool = True,
        **fields: Any,
    ) -> set[str]:
        """The baskets that a list has rows of.

        :param lacks: whether something is missing that should be among them
        :param is_distrusted: whether silence is waited for after the first list of its kind
        :raises RetryableError: if there is no clean answer
        """
        rows: set[str] = set()
        self._rows = rows
        try:
            # A list may be long: only where no row comes any more it has taken too long.
            with anyio.move_on_after(self._plant.request_timeout_s) as self._limit:
                await self._plant.ask(template, timeout_s=math.inf, **self._account, **fields)
            if self._limit.cancelled_caught:
                waited = f"{self._plant.request_timeout_s:g} s"
                raise RetryableError(f"request {template}: no answer and no row within {waited}")
            is_first = is_distrusted and template not in self._settled
            if is_first or lacks(rows):
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

    async def distances(self) -> None:
        """Learn how far from their fill the legs of entries that rest will be, if that is told."""
        await learn_distances(self._plant, self._account, self._desk)

    async def _list_working(self) -> None:
        book = self._desk.book
        # What an answer named exists, too, whether or not anything else was heard of it.
        believed = {basket.basket_id for line in book.that_may_work() for basket in line.working()}
        self._mentioned = set()

        def missing(rows: set[str]) -> set[str]:
            return {
                name
                for name in believed - rows - self._mentioned
                if not book.baskets[name].has_ended
            }

        def lacks(rows: set[str]) -> bool:
            return bool(missing(rows)) or bool(book.unanswered())

        rows = await self._list(SHOW_ORDERS, lacks)
        if missing(rows):
            rows |= await self._list(SHOW_ORDERS, lacks)
        for basket_id in missing(rows):
            await self._history(basket_id, lambda: missing(rows))
        unclear = missing(rows)
        if unclear:
            raise RetryableError(
                f"baskets {', '.join(sorted(unclear))}: not among the working orders, and their"
                " history does not say that they have ended"
            )
        # Not before: whoever asked earlier may be about to answer by what was listed then.
        self._confirmed = rows | self._mentioned

    async def _resolve(self) -> None:
        """Find out whose legs are whose: an entry may have ended on an earlier day.

        :raises RetryableError: if that cannot be told
        """
        book = self._desk.book
        for basket_id in book.strangers() | book.unnamed():
            await self._history(basket_id, lambda: book.strangers() | book.unnamed())
        unclear = book.strangers() | book.unnamed()
        if unclear:
            # Left out, or under no name, a stop would be taken for lost and placed once more.
            raise RetryableError(
                f"baskets {', '.join(sorted(unclear))}: it cannot be told which legs these are,"
                " or whose"
            )

    async def _history(self, basket_id: str, unclear: Callable[[], set[str]]) -> None:
        """Ask what became of a basket; silence is waited for only while that is unclear."""
        await self._list(
            SHOW_ORDER_HISTORY,
            lambda _: basket_id in unclear(),
            is_distrusted=False,
            basket_id=basket_id,
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
        if any(basket.basket_id in self._confirmed for basket in line.baskets):
            return True
        # Without its fills nothing was reported of its end, so that must be answered here.
        return line.has_ended and line.told.is_followed and not line.told.has_ended

    def that_work(self) -> tuple[BrokerOrder, ...]:
        """The orders that work, by what was listed and heard since."""
        return self._orders(
            line
            for line in self._desk.book.that_may_work()
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
            self._forget_past(since_ns)
            self._executions = set()
            start = max(0, since_ns // _SECOND - _MARGIN_S)
            await self._replay(start, max(start, now_ns // _SECOND) + _MARGIN_S, since_ns)
            await self._resolve()
            found = self._executions
        book, recent_ns = self._desk.book, max(since_ns, now_ns - _RECENT_NS)
        found |= {
            (basket.basket_id, execution.fill_id)
            for basket, execution in book.executed_since(recent_ns)
        }
        baskets = book.baskets
        return self._desk.fills(
            (baskets[name], fill_id)
            for name, fill_id in found
            if baskets[name].executions[fill_id].time_ns >= since_ns
        )

    def _forget_past(self, since_ns: int) -> None:
        """Keep a session that lasts for days from knowing ever more; no list is asked for now."""
        now_ns = self._clock.now_ns
        if now_ns - self._forgot_ns < _FORGETTING_NS:
            return
        self._forgot_ns = now_ns
        # What is replayed again and again would only have to be learned anew.
        gone = self._desk.forget_past(min(since_ns - _MARGIN_S * _SECOND, now_ns - _KEPT_NS))
        self._confirmed -= gone
        self._mentioned -= gone

    async def _replay(self, start: int, finish: int, since_ns: int) -> None:
        before, self._executions = self._executions, set()

        def lacks(_: set[str]) -> bool:
            return any(
                (basket.basket_id, execution.fill_id) not in self._executions
                for basket, execution in self._desk.book.executed_since(
                    max(since_ns, start * _SECOND)
                )
                if execution.time_ns // _SECOND < finish
            )

        await self._list(REPLAY_EXECUTIONS, lacks, start_index=start, finish_index=finish)
        found = len(self._executions)
        self._executions |= before
        if found < _MOST_EXECUTIONS:
            return
        if finish - start < 2:
            raise RetryableError(f"expected fewer than {_MOST_EXECUTIONS} executions in a second")
        middle = (start + finish) // 2
        await self._replay(start, middle, since_ns)
        await self._replay(middle, finish, since_ns)
