"""One login at one plant: what is asked, what is heard, and how it ends."""

from __future__ import annotations

import logging
from contextlib import asynccontextmanager
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol

import anyio

from fillbridge_hooks import DriverError, ForcedLogout, RetryableError
from fillbridge_rithmic.link.address import read_address
from fillbridge_rithmic.link.liveness import Liveness, heartbeat, heartbeat_interval
from fillbridge_rithmic.link.login import end_of_login, login_fields
from fillbridge_rithmic.link.requests import REJECT, Answer, Waiters
from fillbridge_rithmic.link.websocket import LinkClosed, LinkLost, WebSocket, open_websocket
from fillbridge_rithmic.wire.framing import BadFrame, bodies
from fillbridge_rithmic.wire.messages import decode_body, encode, make

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Mapping

    from fillbridge_hooks import Secret
    from fillbridge_rithmic.settings import RithmicSettings
    from fillbridge_rithmic.wire import codes

_log = logging.getLogger(__name__)

_LOGIN: Final = 10
_LOGOUT: Final = 12
_LOGOUT_ANSWER: Final = 13
_HEARTBEAT_ANSWER: Final = 19
_SIGNS_OF_LIFE: Final = (_LOGOUT_ANSWER, _HEARTBEAT_ANSWER)
_FORCED_LOGOUT: Final = 77
_GRACE_S: Final = 1.0
_LEFT: Final = "the login was left"


class Time(Protocol):
    """What is needed of a clock."""

    @property
    def now_ns(self) -> int:
        """The time now, ns UTC."""


class Delivery(Enum):
    """What became of the bytes of a request."""

    SENT = "sent"
    """They left."""
    NOT_SENT = "not sent"
    """None left, and none will."""
    UNKNOWN = "unknown"
    """Some may have left."""


class Plant:
    """A login at one plant; made by :func:`log_in`."""

    def __init__(
        self,
        plant: codes.Plant,
        websocket: WebSocket,
        request_timeout_s: float,
        heard: Callable[[Any], None],
    ) -> None:
        self.plant = plant
        self.login: Any = None
        """The answer to the login: ``fcm_id``, ``ib_id``, ``heartbeat_interval``."""
        self.end: DriverError | None = None
        """Why the connection has ended, once it has."""
        self.has_ended = anyio.Event()
        """Set once nothing is heard any more."""
        self.passed_over = 0
        """Frames that were no message."""
        self.rejects = 0
        """Rejects that named no request that waits."""
        self.failures = 0
        """Messages for which ``heard`` raised."""
        self._websocket = websocket
        self._waiters = Waiters()
        self.request_timeout_s = request_timeout_s
        """For an answer, where who asks gives it no other time."""
        self._heard = heard

    async def ask(
        self,
        template: int,
        *,
        timeout_s: float | None = None,
        rows: Callable[[Any], None] | None = None,
        **fields: Any,
    ) -> Answer:
        """Send a request and wait until it is answered.

        :param timeout_s: for the whole answer; what the settings say by default
        :param rows: is given each message of the answer as it comes, in order with what is heard;
            what it raises is raised here
        :raises RequestRefused: if the answer is a code that is not 0, other than for no data
        :raises RetryableError: if no answer came in time, or the connection ended
        :raises ForcedLogout: if Rithmic ended the session
        """
        self._check()
        timeout_s = self.request_timeout_s if timeout_s is None else timeout_s
        waiter = self._waiters.add(rows)
        try:
            with anyio.move_on_after(timeout_s):
                try:
                    await self._websocket.send(
                        encode(make(template, user_msg=[waiter.name], **fields))
                    )
                except (LinkClosed, LinkLost) as error:
                    self._lose(RetryableError(f"the connection to Rithmic is lost: {error}"))
                await waiter.is_over.wait()
        finally:
            self._waiters.remove(waiter)
        if not waiter.is_over.is_set():
            self._check()
            raise RetryableError(f"request {template}: no answer within {timeout_s:g} s")
        return waiter.answer()

    async def send(self, message: Any) -> Delivery:
        """Send a request whose answer is heard, not waited for."""
        if self.end is not None:
            return Delivery.NOT_SENT
        try:
            await self._websocket.send(encode(message))
        except LinkClosed as error:
            self._lose(RetryableError(f"the connection to Rithmic is lost: {error}"))
            return Delivery.NOT_SENT
        except LinkLost as error:
            self._lose(RetryableError(f"the connection to Rithmic is lost: {error}"))
            return Delivery.UNKNOWN
        return Delivery.SENT

    async def listen(self) -> None:
        """Take in what Rithmic says until the connection ends."""
        try:
            while self.end is None:
                self._take(await self._websocket.receive())
        except LinkLost as error:
            self._lose(RetryableError(f"the connection to Rithmic is lost: {error}"))
        finally:
            self._lose(RetryableError(_LEFT))
            await self._websocket.abort()
            self.has_ended.set()

    async def keep_alive(self, interval_s: float, clock: Time) -> None:
        """Send heartbeats, and end the connection when the other side gives no sign of life."""
        reason = await Liveness(self._websocket, interval_s, lambda: clock.now_ns).run()
        self._lose(RetryableError(f"the connection to Rithmic is lost: {reason}"))
        await self._websocket.abort()

    async def say_that_it_lives(self, clock: Time) -> None:
        """Send one heartbeat now."""
        try:
            await self._websocket.send(heartbeat(clock.now_ns))
        except (LinkClosed, LinkLost) as error:
            self._lose(RetryableError(f"the connection to Rithmic is lost: {error}"))
        self._check()

    async def leave(self) -> None:
        """Log out if that is possible at once, and end the connection."""
        if self.end is None:
            with anyio.move_on_after(_GRACE_S, shield=True):
                if self.login is not None:
                    await self.send(make(_LOGOUT))
                await self._websocket.say_goodbye()
                # To cancel a read while something arrives upsets asyncio: the server ends it.
                await self.has_ended.wait()
        self._lose(RetryableError(_LEFT))
        await self._websocket.abort()

    def _take(self, data: bytes) -> None:
        try:
            for body in bodies(data):
                try:
                    message = decode_body(body)
                except BadFrame as error:
                    self._pass_over(error)
                    continue
                if message is not None and self.end is None:
                    self._sort(message)
        except BadFrame as error:
            self._pass_over(error)

    def _sort(self, message: Any) -> None:
        template = message.template_id
        if template in _SIGNS_OF_LIFE or self._waiters.take(message):
            return
        if template == _FORCED_LOGOUT:
            self._lose(
                ForcedLogout(
                    "Rithmic ended the session: another login took its place, or there were more"
                    " sessions than this user may have"
                )
            )
            return
        if template == REJECT:
            self.rejects += 1
            _log.warning("%s plant: a request was rejected: %s", self.plant.name, _said(message))
        try:
            self._heard(message)
        except Exception:  # noqa: BLE001  # whoever hears badly must not deafen the others
            self.failures += 1
            _log.exception("%s plant: a message could not be dealt with", self.plant.name)

    def _pass_over(self, error: BadFrame) -> None:
        self.passed_over += 1
        if self.passed_over & (self.passed_over - 1) == 0:  # the 1st, 2nd, 4th, 8th...
            _log.warning(
                "%s plant: passed over %d frames so far; the last: %s",
                self.plant.name,
                self.passed_over,
                error,
            )

    def _lose(self, error: DriverError) -> None:
        if self.end is None:
            self.end = error
            self._waiters.fail_all(error)

    def _check(self) -> None:
        if self.end is not None:
            raise type(self.end)(*self.end.args)


def _said(message: Any) -> str:
    return " ".join(" ".join(message.rp_code).split())[:300]


@asynccontextmanager
async def log_in(
    plant: codes.Plant,
    settings: RithmicSettings,
    credentials: Mapping[str, Secret],
    ssl_context: ssl.SSLContext,
    clock: Time,
    heartbeat_s: float,
    heard: Callable[[Any], None],
) -> AsyncIterator[Plant]:
    """Connect and log in, once; leaving the context logs out.

    :param heartbeat_s: the longest time between two heartbeats
    :param heard: is given every message that no request waits for, in the order of arrival; it
        must return at once and not raise
    :raises ConfigurationError: if the settings or the credentials lack something
    :raises RetryableError: if nobody answers, or not in time
    :raises FatalError: if the login is refused, or who answers is not to be trusted
    :raises ForcedLogout: if Rithmic ends the session at once
    """
    address = read_address(settings.uri)
    fields = login_fields(plant, settings, credentials)
    deadline = anyio.current_time() + settings.connect_timeout_s
    failure: Exception | None = None
    async with open_websocket(settings.uri, ssl_context, settings.connect_timeout_s) as websocket:
        login = Plant(plant, websocket, settings.request_timeout_s, heard)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(login.listen)
            try:
                left_s = max(deadline - anyio.current_time(), 0)
                try:
                    answer = await login.ask(_LOGIN, timeout_s=left_s, **fields())
                except DriverError as error:
                    raise await end_of_login(
                        error, settings, credentials, ssl_context, address
                    ) from None
                login.login = answer.rows[-1]
                await login.say_that_it_lives(clock)
                interval_s = heartbeat_interval(login.login.heartbeat_interval, heartbeat_s)
                tasks.start_soon(login.keep_alive, interval_s, clock)
                yield login
            except Exception as error:  # noqa: BLE001  # a task group would wrap it into a group
                failure = error
            finally:
                await login.leave()
                tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
