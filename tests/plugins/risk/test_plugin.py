"""The risk plugin: its section, bounds and profiles, and the checks and watches it adds."""

import importlib.metadata
import logging

import msgspec
import pluggy
import pytest

import fillbridge_risk
from fillbridge_hooks import PROJECT, InvalidValue, specs
from fillbridge_risk import CONTROLS, RiskSettings, account_watches, checks
from fillbridge_risk.settings import LIVE, OF_THE_HANDLER

SPECIFIED = ("max_position_size", "max_open_positions", "max_daily_trades")


class Models:
    """Takes the names of what is registered."""

    def __init__(self) -> None:
        self.checks: list[str] = []
        self.watches: list[str] = []

    def risk_check(self, name, function) -> None:
        assert callable(function)
        self.checks.append(name)

    def watch(self, name, function) -> None:
        assert callable(function)
        self.watches.append(name)


@pytest.fixture
def hooks():
    (entry_point,) = importlib.metadata.entry_points(group=PROJECT, name="risk")
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    manager.register(entry_point.load(), "risk")
    manager.check_pending()
    return manager.hook


def configured(hooks, settings):
    models = Models()
    hooks.fillbridge_configure(settings=settings, register=models)
    return models


def test_claims_its_section_and_reads_what_tells_the_profile(hooks):
    claims = []

    def register(section, struct, *, aliases):
        claims.append((section, struct, aliases))

    hooks.fillbridge_register_settings(register=register)
    aliases = {
        "mode": "mode",
        "environment": "live_settings.environment",
        "account": "live_settings.account",
        "max_open_positions": "performance.max_open_positions",
    }
    assert claims == [("risk_controls", RiskSettings, aliases)]


# Profiles


@pytest.mark.parametrize(
    ("given", "profile"),
    [
        ({}, "plain"),
        ({"mode": "live"}, "plain"),
        ({"environment": "prod"}, "plain"),
        ({"mode": "live", "environment": "prod"}, "live"),
        ({"profile": "live"}, "live"),
        ({"mode": "live", "environment": "prod", "profile": "plain"}, "plain"),
    ],
)
def test_the_defaults_bind_where_orders_go_to_a_broker_for_real(given, profile):
    settings = RiskSettings(**given)
    assert settings.profile == profile
    for name, default in LIVE.items():
        assert getattr(settings, name) == (default if profile == "live" else None)


@pytest.mark.parametrize("profile", ["live", "plain"])
@pytest.mark.parametrize("name", LIVE)
def test_what_is_given_wins_and_null_is_off(profile, name):
    (value,) = msgspec.convert([LIVE[name]], list)
    assert getattr(RiskSettings(profile=profile, **{name: value}), name) == value
    assert getattr(RiskSettings(profile=profile, **{name: None}), name) is None
    section = {"profile": profile, name: None}
    assert getattr(msgspec.convert(section, RiskSettings), name) is None


def test_in_the_plain_profile_nothing_is_added(hooks):
    models = configured(hooks, RiskSettings())
    assert models.checks == models.watches == []


def test_in_the_live_profile_every_control_of_the_table_is_added(hooks, caplog):
    caplog.set_level(logging.INFO)
    models = configured(hooks, RiskSettings(profile="live"))
    added = set(models.checks) | set(models.watches)
    by_pair = {
        "max_quote_age_overnight_s": "max_quote_age_s",
        "min_stop_ticks": "stop_distance_ticks",
        "max_stop_ticks": "stop_distance_ticks",
        "min_target_ticks": "target_distance_ticks",
        "max_target_ticks": "target_distance_ticks",
        "daily_loss_alarm": "daily_loss",
        "daily_loss_flatten": "daily_loss",
        "max_rejects_per_minute": "max_rejects",
        "max_same_rejects": "max_rejects",
        "max_stop_outs": "strategy_throttle",
        "look_alike_seconds": "look_alike_seconds",
        "anomaly_hold": "anomaly_symbol",
    }
    assert {by_pair.get(name, name) for name in LIVE} - added == OF_THE_HANDLER
    # What it cannot see is said.
    assert "C25 is without status and price limits of the exchange" in caplog.text


@pytest.mark.parametrize("name", SPECIFIED)
def test_a_limit_adds_its_check_and_no_other(hooks, name):
    assert configured(hooks, RiskSettings(**{name: 1})).checks == [name]


@pytest.mark.parametrize(
    "name", sorted(set(LIVE) - {"max_order_quantity", "max_order_value"} - OF_THE_HANDLER)
)
def test_each_setting_alone_adds_something_and_null_takes_it_away(name):
    value = {"symbols": ("ESZ6",), "strategy_symbols": {"calm": ["ESZ6"]}}.get(name, LIVE[name])
    settings = RiskSettings(**{name: value})
    assert list(checks(settings)) + list(account_watches(settings))
    every = {one for one in LIVE if one != name}
    alone = RiskSettings(profile="live", **dict.fromkeys(every))
    off = RiskSettings(profile="live", **dict.fromkeys(LIVE))
    assert len([*checks(alone), *account_watches(alone)]) > len(
        [*checks(off), *account_watches(off)]
    )


def test_the_hard_ceilings_bind_in_the_live_profile_even_where_their_limits_are_off():
    off = RiskSettings(profile="live", **dict.fromkeys(LIVE))
    assert [name for name, _ in checks(off)] == ["max_order_quantity", "max_order_value"]
    assert list(checks(RiskSettings(**dict.fromkeys(LIVE)))) == []


def test_cooling_off_halves_the_largest_order():
    names = dict(checks(RiskSettings(cooling_off_s=60, max_order_quantity=8)))
    assert "cooling_off_s" in names
    alone = dict(checks(RiskSettings(cooling_off_s=60)))
    assert list(alone) == ["cooling_off_s"]


# Bounds


def test_takes_the_section_of_the_specification():
    section = {"max_position_size": 5, "max_daily_trades": 50, "emergency_stop_enabled": True}
    assert msgspec.convert(section, RiskSettings) == RiskSettings(
        max_position_size=5, max_daily_trades=50
    )


@pytest.mark.parametrize("limit", SPECIFIED)
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "5"])
def test_settings_refuse_what_is_not_a_whole_number_from_one(limit, value):
    assert msgspec.convert({limit: 1}, RiskSettings) == RiskSettings(**{limit: 1})
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{limit}"):
        msgspec.convert({limit: value}, RiskSettings)


@pytest.mark.parametrize(
    ("name", "most", "beyond"),
    [
        ("max_order_quantity", 20, 21),
        ("max_order_value", 10_000_000, 10_000_000.01),
        ("strategy_entries_10m", 63, 64),
        ("message_burst", 255, 256),
    ],
)
def test_no_configuration_goes_beyond_a_hard_ceiling(name, most, beyond):
    assert getattr(msgspec.convert({name: most}, RiskSettings), name) == most
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{name}"):
        msgspec.convert({name: beyond}, RiskSettings)


def test_settings_refuse_an_unknown_field():
    with pytest.raises(msgspec.ValidationError, match="max_positions"):
        msgspec.convert({"max_positions": 5}, RiskSettings)


def test_nothing_starts_with_an_account_that_is_not_listed():
    assert RiskSettings(account="A1", accounts=("A0", "A1")).accounts == ("A0", "A1")
    assert RiskSettings(account="A1", accounts=None, profile="live").accounts is None
    assert RiskSettings(account="A1", profile="live").accounts == ("A1",)
    with pytest.raises(InvalidValue) as caught:
        RiskSettings(account="A1", accounts=("A0",))
    assert str(caught.value) == (
        "accounts: expected a list with live_settings.account, 'A1', was 'A0'"
    )


# The table


def test_the_table_has_every_control_once_and_every_setting():
    assert [control.number for control in CONTROLS] == [f"C{number}" for number in range(1, 37)]
    named = [name for control in CONTROLS for name in control.settings]
    assert sorted(named) == sorted([*LIVE, "accounts"])


def test_package_names_everything_it_exports():
    assert fillbridge_risk.__all__ == tuple(sorted(fillbridge_risk.__all__))
    assert set(SPECIFIED) <= set(fillbridge_risk.__all__)
