"""The risk plugin: the section it claims, the bounds of its limits, the checks it adds."""

import importlib.metadata

import msgspec
import pluggy
import pytest

import fillbridge_risk
from fillbridge_hooks import PROJECT, specs
from fillbridge_risk import RiskSettings

LIMITS = ("max_position_size", "max_open_positions", "max_daily_trades")


class Checks:
    """Takes the names of the checks that are registered."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def risk_check(self, name, function) -> None:
        assert callable(function)
        self.names.append(name)


@pytest.fixture
def hooks():
    (entry_point,) = importlib.metadata.entry_points(group=PROJECT, name="risk")
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    manager.register(entry_point.load(), "risk")
    manager.check_pending()
    return manager.hook


def test_claims_its_section_and_the_limit_that_stands_elsewhere(hooks):
    claims = []

    def register(section, struct, *, aliases):
        claims.append((section, struct, aliases))

    hooks.fillbridge_register_settings(register=register)
    aliases = {"max_open_positions": "performance.max_open_positions"}
    assert claims == [("risk_controls", RiskSettings, aliases)]


def test_adds_a_check_for_every_limit(hooks):
    checks = Checks()
    settings = RiskSettings(max_position_size=5, max_daily_trades=50, max_open_positions=10)
    hooks.fillbridge_configure(settings=settings, register=checks)
    assert checks.names == list(LIMITS)


@pytest.mark.parametrize("limit", LIMITS)
def test_a_limit_that_is_not_set_adds_no_check(hooks, limit):
    checks = Checks()
    hooks.fillbridge_configure(settings=RiskSettings(**{limit: 1}), register=checks)
    assert checks.names == [limit]


def test_without_limits_there_are_no_checks(hooks):
    checks = Checks()
    hooks.fillbridge_configure(settings=RiskSettings(), register=checks)
    assert checks.names == []


def test_takes_the_section_of_the_specification():
    section = {"max_position_size": 5, "max_daily_trades": 50, "emergency_stop_enabled": True}
    assert msgspec.convert(section, RiskSettings) == RiskSettings(
        max_position_size=5, max_daily_trades=50
    )


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "5"])
def test_settings_refuse_what_is_not_a_whole_number_from_one(limit, value):
    assert msgspec.convert({limit: 1}, RiskSettings) == RiskSettings(**{limit: 1})
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{limit}"):
        msgspec.convert({limit: value}, RiskSettings)


def test_settings_refuse_an_unknown_field():
    with pytest.raises(msgspec.ValidationError, match="max_positions"):
        msgspec.convert({"max_positions": 5}, RiskSettings)


def test_package_names_everything_it_exports():
    assert fillbridge_risk.__all__ == tuple(sorted(fillbridge_risk.__all__))
    assert set(LIMITS) <= set(fillbridge_risk.__all__)
