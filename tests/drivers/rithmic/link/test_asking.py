"""Requests and their answers, over a real TLS socket."""

import anyio
import pytest

from fillbridge_hooks import ForcedLogout, RetryableError
from fillbridge_rithmic.link.errors import RequestRefused
from fillbridge_rithmic.link.plant import Delivery
from fillbridge_rithmic.wire.messages import make
from tests.drivers.rithmic.link.server import Heard, logged_in, serving

pytestmark = pytest.mark.anyio


async def test_a_login_tells_the_server_who_and_what_logs_in():
    async with serving() as server, logged_in(server) as plant:
        assert (plant.login.fcm_id, plant.login.ib_id) == ("F", "I")
        await server.wait_for(18)
        login = server.received[0]
        assert (login.template_id, login.infra_type, login.app_name) == (10, 2, "fillbridge")
        assert server.received[1].template_id == 18
    await server.wait_for(12)
    assert isinstance(plant.end, RetryableError)
    assert plant.has_ended.is_set()
