"""What can be found out about a login without trading."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import anyio
import msgspec

from fillbridge_hooks import DriverError, FatalError, InvalidValue, Secret
from fillbridge_rithmic.link.login import system_name
from fillbridge_rithmic.link.plant import Plant, log_in
from fillbridge_rithmic.link.systems import list_systems
from fillbridge_rithmic.link.tls import client_context
from fillbridge_rithmic.wire import codes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractAsyncContextManager

    from fillbridge_rithmic.settings import RithmicSettings

_LOGIN_INFO: Final = 300
_ACCOUNTS: Final = 302
_ROUTES: Final = 310
_HEARTBEAT_S: Final = 30.0
_UP: Final = "UP"


class Account(msgspec.Struct, frozen=True, kw_only=True):
    """An account that a login may trade."""

    account_id: str
    account_name: str
    currency: str
    fcm_id: str
    ib_id: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was tried."""

    step: str
    ok: bool
    detail: str


class _SystemTime:
    @property
    def now_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_REALTIME)


async def find_systems(settings: RithmicSettings) -> tuple[str, ...]:
    """The systems that can be logged in to; no login is needed.

    :raises ConfigurationError: if the settings cannot be used
    :raises DriverError: if nobody answers, or somebody who is not trusted
    """
    context = client_context(settings.ca_file)
    return await list_systems(settings.uri, context, settings.connect_timeout_s)


async def find_accounts(
    settings: RithmicSettings, credentials: Mapping[str, Secret]
) -> tuple[Account, ...]:
    """The accounts that may be traded, by their ids.

    :raises ConfigurationError: if settings or credentials cannot be used
    :raises DriverError: if the login fails, or the question
    """
    async with logged_in(codes.Plant.ORDER, settings, credentials) as plant:
        return await list_accounts(plant, await login_info(plant))


async def check(
    settings: RithmicSettings,
    credentials: Mapping[str, Secret],
    account: str | None,
    tell: Callable[[Step], None],
) -> DriverError | InvalidValue | None:
    """Try one after the other all that trading needs, but an order; ends with what fails first.

    :param account: that must be among those that may be traded; ``None``: any will do
    :raises ConfigurationError: if settings or credentials cannot be used
    """
    name = system_name(settings, credentials)
    doing = "systems"
    try:
        systems = await find_systems(settings)
        tell(Step(step=doing, ok=True, detail=", ".join(systems)))
        for plant in (codes.Plant.ORDER, codes.Plant.PNL, codes.Plant.TICKER):
            if plant is codes.Plant.TICKER and not settings.market_data:
                continue
            doing = f"login {plant.name.lower()}"
            await anyio.sleep(settings.login_gap_s)
            async with logged_in(plant, settings, credentials) as login:
                tell(Step(step=doing, ok=True, detail=name))
                if plant is codes.Plant.ORDER:
                    doing = "accounts"
                    tell(Step(step=doing, ok=True, detail=await _check_account(login, account)))
                    doing = "trade routes"
                    tell(Step(step=doing, ok=True, detail=await _check_routes(login)))
    except (DriverError, InvalidValue) as error:
        tell(Step(step=doing, ok=False, detail=str(error)))
        return error
    return None


def _ignore(message: Any) -> None:
    pass


def logged_in(
    plant: codes.Plant,
    settings: RithmicSettings,
    credentials: Mapping[str, Secret],
    heard: Callable[[Any], None] = _ignore,
) -> AbstractAsyncContextManager[Plant]:
    """One login for a command that is soon over; see :func:`fillbridge_rithmic.link.plant.log_in`.

    :raises ConfigurationError: if the authorities cannot be read
    """
    context = client_context(settings.ca_file)
    return log_in(plant, settings, credentials, context, _SystemTime(), _HEARTBEAT_S, heard)


async def login_info(plant: Plant) -> Any:
    """Who the user is (301): ``fcm_id``, ``ib_id``, ``user_type``.

    :raises DriverError: if that is not answered
    """
    answer = await plant.ask(_LOGIN_INFO)
    if not answer.rows:
        raise FatalError("login info: there is none; ask the broker whether this user may trade")
    return answer.rows[-1]


async def list_accounts(plant: Plant, info: Any) -> tuple[Account, ...]:
    """The accounts that the user may trade, by their ids.

    :param info: what :func:`login_info` gave
    :raises DriverError: if that is not answered
    """
    answer = await plant.ask(
        _ACCOUNTS, fcm_id=info.fcm_id, ib_id=info.ib_id, user_type=info.user_type
    )
    found = [
        Account(
            account_id=row.account_id,
            account_name=row.account_name,
            currency=row.account_currency,
            fcm_id=row.fcm_id,
            ib_id=row.ib_id,
        )
        for row in answer.rows
        if row.account_id
    ]
    return tuple(sorted(found, key=lambda account: account.account_id))


async def _check_account(plant: Plant, account: str | None) -> str:
    ids = [one.account_id for one in await list_accounts(plant, await login_info(plant))]
    if not ids:
        raise FatalError("accounts: this user may trade none; ask the broker to permit one")
    names = ", ".join(ids)
    if account is not None and account not in ids:
        raise InvalidValue("account", f"one of {names}", account)
    return names


async def _check_routes(plant: Plant) -> str:
    answer = await plant.ask(_ROUTES, subscribe_for_updates=False)
    routes = [f"{row.exchange} {row.trade_route}" for row in answer.rows if row.status == _UP]
    if not routes:
        raise FatalError("trade routes: none is up; ask the broker to assign one")
    return ", ".join(routes)
