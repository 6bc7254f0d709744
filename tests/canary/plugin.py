"""A plugin that tells a secret wherever anything in a run can tell one.

It is installed for the processes of the canary. The secret stands in the file that CANARY_FILE
names, the passphrase of the vault, where there is one, in that of CANARY_PASSPHRASE; with
CANARY_BARE nothing masks them, to see that the search finds them then.
"""

import logging
import os
import threading
from contextlib import asynccontextmanager
from pathlib import Path

import click
import rich.traceback

from fillbridge_hooks import Accepted, Rejected, RetryableError, hookimpl
from fillbridge_sim.driver import SimDriver

_PATH = os.environ.get("CANARY_FILE", "")
_CANARY = Path(_PATH).read_text() if _PATH else ""
_OPENS = os.environ.get("CANARY_PASSPHRASE", "")
_PASSPHRASE = Path(_OPENS).read_text() if _OPENS else ""

rich.traceback.install(show_locals=True)  # as programs do that like their tracebacks long

if os.environ.get("CANARY_BARE"):
    import fillbridge.logs
    import fillbridge.redaction

    def bare(*arguments):
        return arguments[-1]

    for owner, name, value in (
        (fillbridge.redaction.Redactor, "__call__", bare),
        (fillbridge.logs, "mask_named", bare),
        (fillbridge.logs, "PINNED", ()),
    ):
        setattr(owner, name, value)


class Asking:
    """The simulated broker, as a driver that logs in."""

    def __init__(self):
        self.inner = SimDriver()
        self.capabilities = self.inner.capabilities

    @asynccontextmanager
    async def connect(self, terms):
        assert terms.credentials["password"].reveal() == _CANARY
        async with self.inner.connect(terms) as session:
            yield session


class Telling:
    """A driver whose first session fails with words that hold the secret."""

    def __init__(self, inner):
        self.inner, self.capabilities = inner, inner.capabilities
        self.is_first = True

    @asynccontextmanager
    async def connect(self, terms):
        async with self.inner.connect(terms) as session:
            if self.is_first:
                self.is_first = False
                say_it()
                raise RetryableError(f"lost after {_CANARY}") from OSError(f"sent {_CANARY}")
            yield session


def say_it():
    """Log it, as careless libraries do, and let a thread end with it."""
    logging.getLogger("theirs").debug("sent %s", _CANARY)
    logging.getLogger("theirs").error("sent %s", {"password": _CANARY})
    logging.getLogger("websockets.client").debug("> TEXT %s", _CANARY.encode().hex(" "))
    logging.getLogger("asyncio").warning("Task exception: %r", ValueError(_CANARY))

    def fail():
        raise ValueError(f"in a thread {_CANARY}")

    threading.Thread(target=fail, name="told").start()

    class Careless:
        def __del__(self):
            raise ValueError(f"while it went away {_CANARY}")

    Careless()
    if _PASSPHRASE:
        logging.getLogger("theirs").error("opened it with %s", _PASSPHRASE)
        logging.getLogger("theirs").error("opened it with %r", _PASSPHRASE.encode())


class Echoing:
    """A session whose broker refuses the first order with the secret, and forges a line."""

    def __init__(self, session):
        self.session = session
        self.has_refused = False

    def __getattr__(self, name):
        return getattr(self.session, name)

    async def receive(self):
        message = await self.session.receive()
        if isinstance(message, Accepted) and not self.has_refused:
            self.has_refused = True
            reason = f"no margin for {_CANARY}\n2026-01-01 ERROR forged\x1b[2J"
            return Rejected(message.client_order_id, reason, message.time_ns)
        return message


@hookimpl
def fillbridge_register_drivers(register):
    register("asking", Asking())


@hookimpl
def fillbridge_wrap_driver(driver):
    return Telling(driver)


@hookimpl
def fillbridge_wrap_session(session):
    return Echoing(session)


@hookimpl
def fillbridge_handle_event(event):
    raise ValueError(f"{event.event_type} with {_CANARY}")


@hookimpl
def fillbridge_register_commands(group):
    @group.command()
    def crash():
        password = _CANARY  # a variable of the frame
        raise KeyError(f"password={password}")

    assert isinstance(crash, click.Command)
