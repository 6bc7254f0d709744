"""One account at hand: reading how it stands, closing its positions, withdrawing its orders."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import anyio

from fillbridge_hooks import DriverError, InvalidValue, RetryableError
from fillbridge_rithmic.checking import list_accounts, logged_in, login_info
from fillbridge_rithmic.emergency.standing import OrderList, PositionList, Standing
from fillbridge_rithmic.wire.codes import OrderPlacement, Plant
from fillbridge_rithmic.wire.messages import sent

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from fillbridge_hooks import Secret
    from fillbridge_rithmic.emergency.standing import Position, WorkingOrder
    from fillbridge_rithmic.link import plant as link
    from fillbridge_rithmic.settings import RithmicSettings

WINDOW_NAME: Final = "fillbridge flatten"
"""What closing orders are named by, for they have no id of ours."""

_HEAR_OF_ORDERS: Final = 308
_CANCEL: Final = 316
_SHOW_ORDERS: Final = 320
_CANCEL_ALL: Final = 346
_SHOW_POSITIONS: Final = 402
_EXIT_POSITION: Final = 3504
_MOST_SILENCES: Final = 5


class OpenAccount:
    """An account, over a login at the order plant and perhaps one at the PnL plant."""

    def __init__(
        self,
        account_id: str,
        orders: link.Plant,
        order_list: OrderList,
        house: dict[str, Any],
        user_type: int | None,
        settings: RithmicSettings,
    ) -> None:
        self.account_id = account_id
        self._orders = orders
        self._order_list = order_list
        self._positions: tuple[link.Plant, PositionList] | None = None
        self._house = house
        self._user_type = user_type
        self._settle_s = settings.settle_s

    def read_positions_from(self, plant: link.Plant, positions: PositionList) -> None:
        """Let the PnL plant say what is held; without it only orders are read."""
        self._positions = (plant, positions)

    @property
    def lost(self) -> DriverError | None:
        """Why a connection has ended; ``None``: none has."""
        if self._orders.end is not None or self._positions is None:
            return self._orders.end
        return self._positions[0].end

    async def look(self) -> Standing:
        """How the account stands: first its orders, then its positions.

        Orders count once nothing was heard of them for ``settle_s``: rows may come after the end of
        a list, and positions may lag behind fills.

        :raises DriverError: if there is no clean answer; nothing is known then
        """
        self._order_list.begin()
        await self._orders.ask(_SHOW_ORDERS, **self._house)
        await self._silence()
        positions = None
        if self._positions is not None:
            positions = await self._read_positions(*self._positions)
        if (lost := self.lost) is not None:
            raise type(lost)(*lost.args)
        return Standing(positions=positions, orders=self._order_list.orders())

    async def exit(self, position: Position) -> None:
        """Ask for a position to be closed at the market; its legs go with it.

        :raises DriverError: if that was refused, or is not known to have been done
        """
        await self._orders.ask(
            _EXIT_POSITION,
            window_name=WINDOW_NAME,
            symbol=position.symbol,
            exchange=position.exchange,
            manual_or_auto=OrderPlacement.MANUAL,
            **self._house,
        )

    async def withdraw_all(self) -> None:
        """Ask for every order of the account to be withdrawn, stops included.

        :raises DriverError: if that was refused, or is not known to have been done
        """
        await self._orders.ask(
            _CANCEL_ALL,
            user_type=self._user_type,
            manual_or_auto=OrderPlacement.MANUAL,
            **self._house,
        )

    async def withdraw(self, order: WorkingOrder) -> None:
        """Ask for one order to be withdrawn.

        :raises DriverError: if that was refused, or is not known to have been done
        """
        await self._orders.ask(
            _CANCEL,
            window_name=WINDOW_NAME,
            basket_id=order.basket_id,
            manual_or_auto=OrderPlacement.MANUAL,
            **self._house,
        )

    async def _silence(self) -> None:
        at_most = anyio.current_time() + _MOST_SILENCES * self._settle_s
        while self._orders.end is None:
            now = anyio.current_time()
            left_s = min(self._order_list.heard_at + self._settle_s, at_most) - now
            if left_s <= 0:
                return
            with anyio.move_on_after(left_s):
                await self._orders.has_ended.wait()

    async def _read_positions(
        self, plant: link.Plant, positions: PositionList
    ) -> tuple[Position, ...]:
        positions.begin()
        answer = await plant.ask(_SHOW_POSITIONS, **self._house)
        # Without rows the answer says that there is no data.
        if answer.rows and not positions.has_totals:
            raise RetryableError("positions: the answer lacks the account's own row")
        return positions.positions()


@asynccontextmanager
async def open_account(
    settings: RithmicSettings,
    credentials: Mapping[str, Secret],
    account_id: str,
    *,
    with_positions: bool = True,
) -> AsyncIterator[OpenAccount]:
    """Log in, which ends other sessions of the user where only one is allowed.

    :param with_positions: whether the PnL plant is needed
    :raises ConfigurationError: if settings or credentials cannot be used
    :raises InvalidValue: if the user may not trade the account
    :raises DriverError: if a login fails
    """
    order_list = OrderList(account_id, anyio.current_time)
    async with logged_in(Plant.ORDER, settings, credentials, order_list.hear) as orders:
        account = await _find(account_id, orders, order_list, settings)
        if not with_positions:
            yield account
            return
        await anyio.sleep(settings.login_gap_s)
        positions = PositionList(account_id)
        async with logged_in(Plant.PNL, settings, credentials, positions.hear) as plant:
            account.read_positions_from(plant, positions)
            yield account


async def _find(
    account_id: str, orders: link.Plant, order_list: OrderList, settings: RithmicSettings
) -> OpenAccount:
    """The account, once its orders are heard of."""
    info = await login_info(orders)
    accounts = {each.account_id: each for each in await list_accounts(orders, info)}
    if account_id not in accounts:
        names = ", ".join(accounts) or "none: this user may trade no account"
        raise InvalidValue("account", f"one of {names}", account_id)
    found = accounts[account_id]
    house: dict[str, Any] = {
        "fcm_id": found.fcm_id,
        "ib_id": found.ib_id,
        "account_id": account_id,
    }
    await orders.ask(_HEAR_OF_ORDERS, **house)
    return OpenAccount(account_id, orders, order_list, house, sent(info, "user_type"), settings)
