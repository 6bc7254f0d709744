"""No secret is in anything that a driver's words become: status, alarms, records, the log."""

import json
from contextlib import asynccontextmanager, suppress

import msgspec
import pytest

from fillbridge import hookimpl
from fillbridge.config import decode_settings
from fillbridge.handlers.redaction import Redactor
from fillbridge_hooks import (
    FatalError,
    InvalidValue,
    Rejected,
    RetryableError,
    RiskProposal,
    Secret,
)

pytestmark = pytest.mark.anyio

CANARY = "CANARY-hunter2"


class Talkative:
    """A driver that repeats the password in whatever fails."""

    def __init__(self, driver, settings):
        self.refuses_login = False
        self.driver, self.capabilities = driver, driver.capabilities
        self.settings = settings

    @hookimpl
    def fillbridge_register_drivers(self, register):
        register("talkative", self)

    @asynccontextmanager
    async def connect(self, terms):
        terms = msgspec.structs.replace(terms, settings=self.settings)
        password = terms.credentials["password"].reveal()
        if self.refuses_login:
            try:
                raise OSError(f"sent {password}")
            except OSError as error:
                raise FatalError(f"login refused: password={password}") from error
        async with self.driver.connect(terms) as session:
            yield session


@pytest.fixture
def here(floor, monkeypatch):
    monkeypatch.setenv("FB_PASSWORD", CANARY)
    made = floor(credentials={"password": "${FB_PASSWORD}"})
    sections = decode_settings(made.config, made.plugins.settings_sections()).plugin_sections
    made.talkative = Talkative(made.driver, sections["sim"])
    made.plugins.register(made.talkative, "talkative")
    made.config["live_settings"]["provider"] = "talkative"
    return made


def everything(here, handler, caplog):
    """All that anybody can see of a run."""
    return "\n".join(
        (
            caplog.text,
            *map(str, handler.get_connection_status()["reasons"]),
            *(str(note) for note in handler._journal.notes("gate")),
            *here.alarms,
            json.dumps(msgspec.to_builtins(list(handler.order_history.values())), default=str),
            str(handler.connection_failure),
        )
    )


async def test_a_refused_login(here, caplog):
    async with here.running() as handler:
        here.talkative.refuses_login = True
        here.wire.cut()
        await here.wait(2)
        assert "login refused: password=***" in handler.get_connection_status()["reasons"][0]
        told = everything(here, handler, caplog)
        assert "password=***" in told
        assert CANARY not in told


async def test_a_lost_line(here, caplog):
    async with here.running() as handler:
        here.wire.cut(f"the line of {CANARY} broke")
        await here.clock.settle()
        told = everything(here, handler, caplog)
        assert "the line of *** broke" in told
        assert CANARY not in told


async def test_a_request_that_fails(here, proposal, caplog, monkeypatch):
    # What became of the entry stays unknown: at the end it is waited for in vain.
    monkeypatch.setattr("fillbridge.handlers.live._WITHDRAW_S", 0.05)
    async with here.running() as handler:

        async def fail(approved):
            approved.permit.spend()
            raise RetryableError(f"{CANARY} is no key")

        here.wire.sessions[-1].submit = fail
        await handler.execute_trade(proposal())
        await here.clock.settle()
        told = everything(here, handler, caplog)
        assert "*** is no key" in told
        assert CANARY not in told


async def test_a_reason_of_the_broker(here, proposal, caplog):
    async with here.running() as handler:
        wired = here.wire.sessions[-1]
        session = wired._session

        class Refusing:
            def __getattr__(self, name):
                return getattr(session, name)

            async def receive(self):
                message = await session.receive()
                order_id = getattr(message, "client_order_id", "")
                if order_id.endswith("_ENTRY"):
                    return Rejected(order_id, f"no margin for {CANARY}", here.clock.now_ns)
                return message

        wired._session = Refusing()
        await here.price(5000.0)
        await handler.execute_trade(proposal())
        await here.wait(0.1)
        told = everything(here, handler, caplog)
        assert "no margin for ***" in told
        assert CANARY not in told


# The words


def redactor(*secrets):
    made = Redactor()
    for secret in secrets:
        made.learn(Secret(secret))
    return made


def test_the_longer_of_two_secrets_is_masked_first():
    assert redactor("pass", "password", "pass")("a password, a pass") == "a ***, a ***"


def test_a_short_secret_is_masked_where_it_stands_alone():
    assert redactor("me", "")("user=me: some time") == "user=***: some time"


def test_errors_are_masked_with_their_causes_groups_and_attributes():
    made = redactor("hunter2")
    inner = InvalidValue("key", "another", "hunter2")
    cause = ValueError("hunter2", 7)
    cause.__context__ = inner
    inner.__context__ = cause
    group = ExceptionGroup("both", [inner])
    group.__cause__ = cause
    with pytest.raises(ExceptionGroup), made.errors():
        raise group
    assert str(inner) == "key: expected another, was '***'"
    assert cause.args == ("***", 7)


# Who is handed what


class Nosy:
    """A plugin around the driver that looks for its credentials."""

    def __init__(self):
        self.seen = []

    @hookimpl
    def fillbridge_wrap_driver(self, driver, name, settings):
        self.driver, self.capabilities = driver, driver.capabilities
        return self

    @asynccontextmanager
    async def connect(self, terms):
        self.seen.append(dict(terms.credentials))
        async with self.driver.connect(terms) as session:
            yield session


async def test_the_driver_alone_is_handed_its_credentials(here):
    nosy = Nosy()
    here.plugins.register(nosy, "nosy")
    handed = []
    connect = here.talkative.connect

    def listening(terms):
        handed.append(terms.credentials["password"].reveal())
        return connect(terms)

    here.talkative.connect = listening
    async with here.running():
        pass
    assert nosy.seen == [{}]
    assert handed == [CANARY]


async def test_a_proposal_that_holds_a_secret_is_refused_before_it_is_recorded(here, proposal):
    async with here.running() as handler:
        for field in ("strategy", "proposal_id", "symbol"):
            with pytest.raises(InvalidValue, match=rf"{field}: expected text without a secret"):
                await handler.execute_trade(proposal(**{field: f"from {CANARY}"}))
        assert not handler.open_positions


def test_text_fields_of_a_message_are_masked():
    made = redactor("hunter2")
    halt = Rejected("hunter2_ENTRY", "no", 1)
    assert made.texts(halt).client_order_id == "***_ENTRY"
    same = Rejected("x", "no", 1)
    assert made.texts(same) is same


@pytest.mark.parametrize("field", ["symbol", "strategy", "proposal_id"])
@pytest.mark.parametrize("secret", ["hunter22", "a1", "ES\0x"])
def test_a_proposal_with_a_secret_in_any_text_is_refused_by_its_field(field, secret):
    fields = {"symbol": "ES", "strategy": "x", "proposal_id": "p"}
    made = RiskProposal(position_size=1, direction="LONG", **{**fields, field: secret})
    with pytest.raises(InvalidValue) as refused:
        redactor(secret).refuse(made)
    assert str(refused.value).startswith(f"{field}: ")
    assert secret not in str(refused.value)


def test_two_texts_do_not_make_a_secret():
    made = redactor("hunter22", "hun\0ter22")
    in_two = RiskProposal(position_size=1, direction="LONG", symbol="hun", strategy="ter22")
    made.refuse(in_two)
    assert made.texts(in_two) is in_two
    with pytest.raises(InvalidValue):
        made.refuse(RiskProposal(position_size=1, direction="LONG", symbol="hunter22"))


def test_any_number_of_contexts_mask_errors_at_once():
    made = redactor("hunter22")
    inner, outer = ValueError("hunter22"), KeyError("hunter22")
    with suppress(KeyError), made.errors():
        with suppress(ValueError), made.errors():
            raise inner
        raise outer
    assert (inner.args, outer.args) == (("***",), ("***",))
