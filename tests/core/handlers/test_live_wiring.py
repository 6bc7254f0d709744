"""From settings and plugins to what a live handler is made of."""

import anyio
import pytest

from fillbridge import LiveExecutionHandler, PluginError, hookimpl
from fillbridge.config import decode_settings
from fillbridge.handlers.live_wiring import (
    Credentials,
    account_tag,
    live_rules,
    live_secrets,
    wrapped_driver,
    wrapped_session,
)
from fillbridge.handlers.redaction import Redactor
from fillbridge.handlers.resource_wiring import resource_limits
from fillbridge.live import LiveRules
from fillbridge.live.resources import MIB, ResourceLimits
from fillbridge.plugins import Plugins
from fillbridge_hooks import Capabilities, ConfigurationError, OrderRefused


@pytest.fixture
def plugins():
    """Makes a set of the installed plugins and of further ones by name."""

    def make(**extra):
        made = Plugins()
        made.load()
        for name, plugin in extra.items():
            made.register(plugin, name)
        return made

    return make


def settings(plugins, **live):
    return decode_settings({"live_settings": live}, plugins.settings_sections())


class BacktestOnly:
    """A driver that knows no way to a broker."""

    capabilities = Capabilities()

    def open_session(self, settings, clock, slippage, listener):
        raise NotImplementedError


class OtherDriver:
    """A driver that a plugin puts around another."""

    capabilities = Capabilities()

    def connect(self, terms):
        raise NotImplementedError


class Wrapping:
    """A plugin that notes what it is given, and may wrap or fail."""

    def __init__(self, wraps=None, fails=False):
        self.wraps = wraps
        self.fails = fails
        self.given = []

    @hookimpl
    def fillbridge_wrap_driver(self, driver, name, settings):
        self.given.append((driver, name, settings))
        if self.fails:
            raise ValueError("no")
        return self.wraps

    @hookimpl
    def fillbridge_wrap_session(self, session, broker):
        self.given.append((session, broker))
        return self.wraps


class RegistersBacktestOnly:
    @hookimpl
    def fillbridge_register_drivers(self, register):
        register("quiet", BacktestOnly())


def test_a_driver_without_a_broker_is_no_provider(plugins):
    made = plugins(quiet=RegistersBacktestOnly())
    with pytest.raises(ConfigurationError, match=r"expected .*'sim'.* \(installed\), was 'quiet'"):
        wrapped_driver("quiet", settings(made), made)


def test_plugins_are_wrapped_around_the_driver_in_the_order_of_their_names(plugins):
    outer, inner = OtherDriver(), OtherDriver()
    first, second, third = Wrapping(inner), Wrapping(None), Wrapping(outer)
    made = plugins(z1=first, z2=second, z3=third)
    assert wrapped_driver("sim", settings(made), made)._outer is outer
    ((driver, name, section),) = first.given
    assert (driver.capabilities, name, section) == (made.driver("sim").capabilities, "sim", None)
    assert second.given[0][0] is inner
    assert third.given[0][0] is inner


def test_a_plugin_that_fails_to_wrap_is_named(plugins):
    made = plugins(z1=Wrapping(fails=True))
    with pytest.raises(PluginError, match=r"'z1'.*fillbridge_wrap_driver raised ValueError: no"):
        wrapped_driver("sim", settings(made), made)


def test_what_a_plugin_wraps_a_driver_with_is_one(plugins):
    made = plugins(z1=Wrapping(object()))
    with pytest.raises(PluginError, match="fillbridge_wrap_driver: expected a driver or None"):
        wrapped_driver("sim", settings(made), made)


def test_plugins_are_wrapped_around_each_session(plugins):
    session, wrapped = object(), object()
    first, second = Wrapping(wrapped), Wrapping(None)
    made = plugins(z1=first, z2=second)
    assert wrapped_session(session, "sim", made) is wrapped
    assert first.given == [(session, "sim")]
    assert second.given == [(wrapped, "sim")]


def test_credentials_are_resolved_when_they_are_taken(plugins, monkeypatch):
    made = plugins()
    configured = settings(made, credentials={"user": "${FB_USER}", "password": "${FB_PASSWORD}"})
    references = configured.live_settings.credentials
    found = Credentials(references, live_secrets(configured, made, Redactor()), Redactor())
    assert set(found) == {"user", "password"}
    assert len(found) == 2
    monkeypatch.setenv("FB_USER", "me")
    assert found["user"].reveal() == "me"
    with pytest.raises(ConfigurationError, match="FB_PASSWORD"):
        found["password"]


def test_accounts_have_tags_of_their_own():
    tags = {account_tag(name) for name in ("default", "A", "B", "a")}
    assert len(tags) == 4
    assert all(tag.startswith("FB") and tag.endswith("-") and len(tag) == 7 for tag in tags)
    assert account_tag("default") == account_tag("default")


def test_without_settings_the_rules_are_their_defaults(plugins):
    assert live_rules(settings(plugins())) == LiveRules()


def test_the_rules_follow_the_settings(plugins):
    rules = live_rules(
        settings(
            plugins(),
            acknowledge_timeout=1,
            protection_timeout=0.5,
            reconcile_interval=7,
            quarantine=9,
            reconnect_lasting=3,
            reconnect_limit=100,
        )
    )
    second = 1_000_000_000
    assert rules.acknowledgement_ns == second
    assert rules.protection_ns == second // 2
    assert rules.unproved_protection_ns == second
    assert rules.reconcile_ns == 7 * second
    assert rules.entry_quarantine_ns == 9 * second
    assert (rules.lasting_session_ns, rules.short_sessions) == (3 * second, 100)
    assert rules.reducing_quarantine_ns == LiveRules().reducing_quarantine_ns


@pytest.mark.anyio
async def test_it_runs_on_what_is_installed_and_on_the_real_clock(tmp_path):
    config = {"live_settings": {"journal": str(tmp_path / "journal")}}
    async with LiveExecutionHandler(config) as handler:
        status = handler.get_connection_status()
        assert (status["driver"], status["gate"]) == ("sim", "recovering")
        assert handler.clock.skew_ns < 1_000_000_000


# What the machine leaves


def test_the_bounds_of_disk_and_memory_are_those_of_the_risk_controls(plugins):
    sections = plugins().settings_sections()
    controls = {
        "min_free_disk_mb": 2,
        "min_free_disk_percent": 5,
        "max_journal_sync_ms": 1.5,
        "max_memory_mb": 300,
    }
    assert resource_limits(decode_settings({"risk_controls": controls}, sections)) == (
        ResourceLimits(
            min_free_bytes=2 * MIB,
            min_free_share=0.05,
            max_sync_ns=1_500_000,
            max_memory_bytes=300 * MIB,
        )
    )
    assert resource_limits(decode_settings({}, sections)) == ResourceLimits()


def test_with_real_money_they_bind_where_nothing_is_said(plugins):
    sections = plugins().settings_sections()
    data = {"mode": "live", "live_settings": {"environment": "prod"}}
    assert resource_limits(decode_settings(data, sections)) == ResourceLimits(
        min_free_bytes=1_024 * MIB,
        min_free_share=0.1,
        max_sync_ns=250_000_000,
        max_memory_bytes=2_048 * MIB,
    )


@pytest.mark.anyio
async def test_a_handler_without_room_for_its_journal_lets_no_entry_out(floor, proposal):
    place = floor(sections={"risk_controls": {"min_free_disk_mb": 10**12}})
    async with place.running() as handler:
        with anyio.fail_after(10):
            while "disk" not in handler._trading.gate._causes:
                await place.wait(1)
                await anyio.sleep(0.001)
        with pytest.raises(OrderRefused, match="are free for the journal"):
            await handler.execute_trade(proposal())
