"""The password goes to the server and nowhere else, however much is logged."""

import logging

import pytest
from tests.drivers.rithmic.link.server import CREDENTIALS, PASSWORD, logged_in, serving

from fillbridge_hooks import DriverError, Secret
from fillbridge_rithmic.link.plant import Delivery
from fillbridge_rithmic.wire.messages import make

pytestmark = pytest.mark.anyio

FORMS = (PASSWORD, PASSWORD.encode().hex(), PASSWORD.encode().hex(" "))


@pytest.fixture
def everything(caplog):
    """All that any logger says at DEBUG, as it would be written."""
    caplog.set_level(logging.DEBUG)
    loggers = [one for one in logging.root.manager.loggerDict.values() if hasattr(one, "level")]
    before = [(one, one.level, one.propagate, one.disabled) for one in loggers]
    for one in loggers:
        one.setLevel(logging.DEBUG)
        one.propagate, one.disabled = True, False
    yield caplog
    for one, level, propagate, disabled in before:
        one.setLevel(level)
        one.propagate, one.disabled = propagate, disabled


def holds_secret(log) -> bool:
    texts = [log.text, *(repr(record.__dict__) for record in log.records)]
    return any(form in text for form in FORMS for text in texts)


async def test_no_logger_says_the_password_of_a_session(everything, monkeypatch):
    monkeypatch.setattr("websockets.frames.Frame.MAX_LOG_SIZE", 10_000)
    async with serving() as server:
        server.on[302] = lambda connection, request: connection.answer(request, 303)
        async with logged_in(server, heartbeat_s=0.3) as plant:
            await plant.ask(302)
            assert await plant.send(make(302)) is Delivery.SENT
            await server.last.send(b"\x00\x00\x00\x01\xff")
            await server.last.say(75, rp_code=["6", "bad input"])
            await plant.ask(302)
            await server.wait_for(18, times=2)
    assert server.received[0].password == PASSWORD
    assert "passed over" in everything.text
    assert not holds_secret(everything)


async def test_no_logger_says_the_password_of_a_login_that_fails(everything, monkeypatch):
    monkeypatch.setattr("websockets.frames.Frame.MAX_LOG_SIZE", 10_000)

    async def refuse(connection, request):
        await connection.answer(request, 11, "13", f"not {request.password}")

    async with serving() as server:
        server.on[10] = refuse
        with pytest.raises(DriverError) as failed:
            async with logged_in(server):
                pass
    assert PASSWORD not in f"{failed.value} {failed.value!r}"
    assert not holds_secret(everything)


async def test_what_is_kept_of_a_login_shows_no_password():
    async with serving() as server, logged_in(server) as plant:
        shown = [repr(one) for one in (plant, vars(plant), CREDENTIALS, server.settings())]
        assert not any(PASSWORD in one for one in shown)
        assert PASSWORD not in str(plant.login)


async def test_a_protocol_frame_would_be_found_if_it_were_logged(everything):
    """The search above sees what it looks for."""
    logging.getLogger("websockets.client").debug("> %s", PASSWORD.encode().hex(" "))
    assert holds_secret(everything)
    assert "***" in repr(Secret(PASSWORD))
