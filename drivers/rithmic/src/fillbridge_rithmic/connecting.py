"""From terms to a session: logins, the account, its routes, and what is subscribed to."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio
import msgspec

from fillbridge_hooks import ConfigurationError, FatalError, RetryableError
from fillbridge_rithmic.inbox import Inbox
from fillbridge_rithmic.link.errors import RequestRefused
from fillbridge_rithmic.link.login import system_name
from fillbridge_rithmic.link.money import check_money
from fillbridge_rithmic.link.plant import Plant, log_in
from fillbridge_rithmic.link.tls import client_context
from fillbridge_rithmic.margins import Margins
from fillbridge_rithmic.market import Market
from fillbridge_rithmic.orders.desk import Desk
from fillbridge_rithmic.orders.requests import Place
from fillbridge_rithmic.positions import PositionQueries
from fillbridge_rithmic.queries import OrderQueries
from fillbridge_rithmic.session import RithmicSession
from fillbridge_rithmic.throttle import Throttle
from fillbridge_rithmic.wire import codes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from fillbridge_hooks import ConnectionTerms
    from fillbridge_rithmic.settings import RithmicSettings

_LOGIN_INFO: Final = 300
_ACCOUNTS: Final = 302
_ROUTES: Final = 310
_SUBSCRIBE_ORDERS: Final = 308
_SUBSCRIBE_BRACKETS: Final = 336
_SUBSCRIBE_POSITIONS: Final = 400
_SUBSCRIBE_MARKET: Final = 100
_UP: Final = "UP"


class Ears:
    """Hands on what a plant says, to whoever is there by then."""

    def __init__(self) -> None:
        self.hear: Callable[[Any], None] | None = None

    def __call__(self, message: Any) -> None:
        """Take in a message; before anything was subscribed to there is nothing to lose."""
        if self.hear is not None:
            self.hear(message)


class _Plants(msgspec.Struct, kw_only=True):
    order: Plant
    pnl: Plant
    ticker: Plant | None

    def all(self) -> list[Plant]:
        return [plant for plant in (self.order, self.pnl, self.ticker) if plant is not None]


@asynccontextmanager
async def open_session(
    terms: ConnectionTerms, settings: RithmicSettings
) -> AsyncIterator[RithmicSession]:
    """Log in, once; leaving the context logs out and leaves orders and positions alone.

    :raises ConfigurationError: if the settings or the credentials lack something
    :raises RetryableError: if trying again may help
    :raises FatalError: if it cannot
    """
    if not settings.uri:
        raise ConfigurationError(
            "execution_handler.live_settings.rithmic.uri: missing; expected wss://host:port"
        )
    check_money(system_name(settings, terms.credentials), settings.environment)
    failure: Exception | None = None
    async with AsyncExitStack() as stack:
        ears = {plant: Ears() for plant in codes.Plant}
        plants = await _log_in(stack, terms, settings, ears)
        place, user_type = await _identify(plants.order, terms, settings)
        routes = await _find_routes(plants.order, place, terms, settings)
        instruments = {instrument.symbol: instrument for instrument in terms.instruments}
        margins = Margins(place, instruments)
        await margins.ask(plants.order, user_type)
        desk = Desk(place, instruments, routes, user_type)
        queries = OrderQueries(plants.order, desk, place, terms, settings)
        session = RithmicSession(
            terms,
            desk,
            plants.order,
            queries,
            PositionQueries(
                plants.pnl,
                place,
                settings,
                desk.book,
                queries.fills,
                lambda: terms.clock.now_ns,
            ),
            Market(),
            margins,
            Inbox(),
            Throttle(settings.orders_per_second),
        )
        ears[codes.Plant.ORDER].hear = session.hear_of_orders
        ears[codes.Plant.PNL].hear = session.hear_of_positions
        ears[codes.Plant.TICKER].hear = session.hear_of_the_market
        tasks = await stack.enter_async_context(anyio.create_task_group())
        for plant in plants.all():
            tasks.start_soon(session.watch, plant)
        tasks.start_soon(session.work)
        try:
            await _subscribe(plants, place, terms)
            await session.begin()
            yield session
        except Exception as error:  # noqa: BLE001  # a task group would wrap it into a group
            failure = error
        finally:
            session.close()
            tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


async def _log_in(
    stack: AsyncExitStack,
    terms: ConnectionTerms,
    settings: RithmicSettings,
    ears: dict[codes.Plant, Ears],
) -> _Plants:
    context = client_context(settings.ca_file)

    async def enter(plant: codes.Plant) -> Plant:
        return await stack.enter_async_context(
            log_in(
                plant,
                settings,
                terms.credentials,
                context,
                terms.clock,
                terms.heartbeat_interval_s,
                ears[plant],
            )
        )

    order = await enter(codes.Plant.ORDER)
    await anyio.sleep(settings.login_gap_s)
    pnl = await enter(codes.Plant.PNL)
    ticker = None
    if settings.market_data:
        await anyio.sleep(settings.login_gap_s)
        ticker = await enter(codes.Plant.TICKER)
    return _Plants(order=order, pnl=pnl, ticker=ticker)


async def _identify(
    order: Plant, terms: ConnectionTerms, settings: RithmicSettings
) -> tuple[Place, int]:
    """The account under the ids that Rithmic knows it by, and what kind of user this is."""
    info = (await _asked(order, _LOGIN_INFO)).rows[-1:]
    said = [*info, order.login]
    fcm_id = settings.fcm_id or next((one.fcm_id for one in said if one.fcm_id), "")
    ib_id = settings.ib_id or next((one.ib_id for one in said if one.ib_id), "")
    user_type = int(codes.UserType.TRADER)
    if info and info[0].HasField("user_type"):
        user_type = info[0].user_type
    place = Place(fcm_id=fcm_id, ib_id=ib_id, account_id=terms.account)
    return await _find_account(order, place, user_type), user_type


async def _find_account(order: Plant, place: Place, user_type: int) -> Place:
    """The account with the ids that Rithmic lists it under.

    :raises FatalError: if this login has no such account
    """
    answer = await _asked(
        order, _ACCOUNTS, fcm_id=place.fcm_id, ib_id=place.ib_id, user_type=user_type
    )
    rows = [row for row in answer.rows if row.account_id]
    for row in rows:
        if row.account_id == place.account_id:
            return Place(
                fcm_id=row.fcm_id or place.fcm_id,
                ib_id=row.ib_id or place.ib_id,
                account_id=place.account_id,
            )
    names = ", ".join(sorted(row.account_id for row in rows)) or "none, for this login has none"
    raise FatalError(f"account: expected one of {names}, was {place.account_id!r}")


async def _find_routes(
    order: Plant, place: Place, terms: ConnectionTerms, settings: RithmicSettings
) -> dict[str, str]:
    """By exchange, the route that orders take.

    :raises FatalError: if there is none for an instrument
    :raises RetryableError: if there is one, but it is down
    """
    answer = await _asked(order, _ROUTES, subscribe_for_updates=False)
    found: dict[str, str] = {}
    for exchange in {instrument.exchange for instrument in terms.instruments}:
        if settings.trade_route is not None:
            found[exchange] = settings.trade_route
            continue
        routes = [
            row
            for row in answer.rows
            if row.trade_route
            and row.exchange == exchange
            and (row.fcm_id or place.fcm_id, row.ib_id or place.ib_id)
            == (place.fcm_id, place.ib_id)
        ]
        if not routes:
            raise FatalError(
                f"account {place.account_id}: expected a trade route for {exchange}, has none;"
                " ask the broker for one, or name it in trade_route"
            )
        best = max(routes, key=lambda row: (row.status.upper() in (_UP, ""), row.is_default))
        if best.status.upper() not in (_UP, ""):
            raise RetryableError(f"trade route {best.trade_route} to {exchange}: {best.status}")
        found[exchange] = best.trade_route
    return found


async def _subscribe(plants: _Plants, place: Place, terms: ConnectionTerms) -> None:
    """Hear of everything from now on, before anything is asked."""
    account = place.account()
    await _asked(plants.order, _SUBSCRIBE_ORDERS, **account)
    await _asked(plants.order, _SUBSCRIBE_BRACKETS, **account)
    subscribe = int(codes.Subscription.SUBSCRIBE)
    await _asked(plants.pnl, _SUBSCRIBE_POSITIONS, request=subscribe, **account)
    if plants.ticker is None:
        return
    for instrument in terms.instruments:
        await _asked(
            plants.ticker,
            _SUBSCRIBE_MARKET,
            symbol=instrument.symbol,
            exchange=instrument.exchange,
            request=subscribe,
            update_bits=int(codes.UpdateBits.LAST_TRADE | codes.UpdateBits.BEST_BID_OFFER),
        )


async def _asked(plant: Plant, template: int, **fields: Any) -> Any:
    try:
        return await plant.ask(template, **fields)
    except RequestRefused as refused:
        if refused.code == codes.ResponseCode.PERMISSION_DENIED:
            raise FatalError(f"request {template}: {refused}; ask the broker for it") from None
        raise
