"""The chaos plugin: the section it claims, the driver it wraps, the command it adds."""

import importlib.metadata
import json

import click
import msgspec
import pluggy
import pytest
from click.testing import CliRunner

from fillbridge_chaos import PROFILES, ChaosDriver, ChaosSettings, Fault, Faults, Latency
from fillbridge_hooks import PROJECT, Driver, specs

KNOBS = Faults.__struct_fields__


@pytest.fixture
def hooks():
    (entry_point,) = importlib.metadata.entry_points(group=PROJECT, name="chaos")
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    manager.register(entry_point.load(), "chaos")
    manager.check_pending()
    return manager.hook


@pytest.fixture
def driver(make_rig):
    return make_rig().driver._driver


@pytest.fixture
def group(hooks):
    found = click.Group("fillbridge")
    hooks.fillbridge_register_commands(group=found)
    return found


def test_claims_its_section(hooks):
    claims = []
    hooks.fillbridge_register_settings(register=lambda *claim: claims.append(claim))
    assert claims == [("chaos", ChaosSettings)]


def test_leaves_a_driver_alone_unless_it_is_asked(hooks, driver):
    settings = ChaosSettings(duplicate=0.5)
    wrapped = hooks.fillbridge_wrap_driver(driver=driver, name="sim", settings=settings)
    assert wrapped == []


def test_wraps_a_driver(hooks, driver):
    settings = ChaosSettings(profile="hell", seed=7)
    (wrapped,) = hooks.fillbridge_wrap_driver(driver=driver, name="sim", settings=settings)
    assert isinstance(wrapped, ChaosDriver)
    assert isinstance(wrapped, Driver)
    assert wrapped.capabilities is driver.capabilities
    assert wrapped.counters == {fault.value: 0 for fault in Fault}


def test_every_knob_can_be_set():
    assert ChaosSettings.__struct_fields__ == ("profile", "seed", *KNOBS)
    for knob in KNOBS:
        value = {"reject_code": "9", "max_consecutive_lies": 4, "partial_parts": 7}.get(knob, 0.25)
        if knob.endswith("_latency"):
            value = Latency(fixed_ms=9)
        faults = ChaosSettings(profile="fomc", **{knob: value}).faults
        assert faults == msgspec.structs.replace(PROFILES["fomc"], **{knob: value})
        assert faults != PROFILES["fomc"]


def test_zero_is_a_value_too():
    assert ChaosSettings(profile="hell", bust=0.0).faults.bust == 0


def test_settings_and_knobs_have_the_same_bounds():
    hints = {field.name: field.type for field in msgspec.structs.fields(ChaosSettings)}
    for field in msgspec.structs.fields(Faults):
        assert hints[field.name] == field.type | None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("profile", "heaven"),
        ("seed", -1),
        ("seed", 1.5),
        ("lost_report", 1.1),
        ("lost_report", -0.1),
        ("bust", "often"),
        ("limbo_ms", -1),
        ("reject_code", ""),
        ("partial_parts", 1),
        ("max_consecutive_lies", 11),
        ("request_latency", {"fixed_ms": -1}),
        ("request_latency", {"speed": 1}),
    ],
)
def test_settings_refuse_what_is_out_of_bounds(key, value):
    with pytest.raises(msgspec.ValidationError, match=rf"\$\.{key}"):
        msgspec.convert({key: value}, ChaosSettings)


def test_settings_refuse_an_unknown_knob():
    with pytest.raises(msgspec.ValidationError, match="typo"):
        msgspec.convert({"typo": 1}, ChaosSettings)


def test_profiles_keep_the_bounds_of_the_knobs():
    for profile in PROFILES.values():
        assert msgspec.convert(msgspec.to_builtins(profile), Faults) == profile
    assert list(PROFILES) == ["calm", "bad_wifi", "fomc", "hell"]


def test_calm_is_nothing_but_latency():
    rates = [fault.value for fault in Fault if fault.value in KNOBS]
    assert {getattr(PROFILES["calm"], name) for name in rates} == {0}
    assert all(getattr(PROFILES["hell"], name) > 0 for name in rates)


def test_the_command_prints_the_table(group):
    ran = CliRunner().invoke(group, ["chaos", "profiles"])
    assert ran.exit_code == 0
    heading, *rows = ran.output.splitlines()
    assert heading.split() == ["knob", *PROFILES]
    assert [row.split()[0] for row in rows] == list(KNOBS)


def test_the_command_prints_json(group):
    ran = CliRunner().invoke(group, ["chaos", "profiles", "--json"])
    assert msgspec.convert(json.loads(ran.output)["profiles"], dict[str, Faults]) == PROFILES


def test_the_command_explains_itself(group):
    ran = CliRunner().invoke(group, ["chaos", "profiles", "--help"])
    assert "fillbridge chaos profiles --json" in ran.output
