"""When plugins must be locked."""

from types import MappingProxyType

import pytest

from fillbridge import LiveExecutionHandler
from fillbridge.config import LiveSettings, Settings
from fillbridge.config.beforehand import Beforehand, beforehand_of, read_beforehand
from fillbridge.plugins import Plugins
from fillbridge.trusted import lock_path
from fillbridge_hooks import ConfigurationError

VARIABLE = "FILLBRIDGE_EXECUTION_HANDLER__LIVE_SETTINGS__ENVIRONMENT"


@pytest.mark.parametrize(
    ("mode", "environment", "profile", "must"),
    [
        (None, None, None, False),
        ("live", "sim", None, False),
        ("live", "prod", None, True),
        (None, "prod", None, True),
        ("backtest", "prod", None, False),
        ("live", "prod", "plain", False),
        ("live", "sim", "live", True),
        ("live", "prod", "odd", True),
    ],
)
def test_where_real_orders_are_sent(mode, environment, profile, must):
    before = Beforehand(mode=mode, environment=environment, profile=profile)
    assert before.must_be_locked is must


def test_a_variable_makes_it_trading_for_real_and_never_the_other_way(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("execution_handler: {live_settings: {environment: prod}}")
    assert read_beforehand(path, {}).environment == "prod"
    assert read_beforehand(None, {VARIABLE.swapcase(): "prod"}).environment is None
    assert read_beforehand(None, {VARIABLE: "prod"}).must_be_locked
    for value in ("sim", '"sim"', "", "odd"):
        assert read_beforehand(path, {VARIABLE: value}).must_be_locked
    mode = VARIABLE.replace("LIVE_SETTINGS__ENVIRONMENT", "MODE")
    for given in ("live", "odd", "paper"):
        path.write_text(
            f"execution_handler: {{mode: {given}, live_settings: {{environment: prod}}}}"
        )
        assert read_beforehand(path, {mode: "backtest"}).must_be_locked
    path.write_text("execution_handler: {mode: backtest, live_settings: {environment: prod}}")
    assert not read_beforehand(path, {}).must_be_locked
    assert read_beforehand(path, {mode: "live"}).must_be_locked


def test_a_mapping_of_any_kind_is_looked_at():
    given = {"live_settings": MappingProxyType({"environment": "prod"})}
    assert beforehand_of(MappingProxyType(given)).must_be_locked
    assert beforehand_of(MappingProxyType({"execution_handler": given})).must_be_locked


def test_odd_values_are_left_to_who_reads_the_settings(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("execution_handler: {mode: [1], live_settings: 7}")
    assert read_beforehand(path, {}) == Beforehand()
    assert beforehand_of({"execution_handler": 7}) == Beforehand()


def test_where_the_lock_stands(tmp_path, monkeypatch):
    path = tmp_path / "c.yaml"
    path.write_text("execution_handler: {mode: live}")
    assert lock_path(path) == tmp_path / "plugins.lock"
    path.write_text("execution_handler: {live_settings: {plugins_lock: mine}}")
    assert str(lock_path(path)) == "mine"
    assert str(lock_path(None)) == "plugins.lock"


REAL = {"execution_handler": {"live_settings": {"environment": "prod"}}}


def test_a_handler_in_prod_needs_a_lock(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="expected the plugin lock"):
        LiveExecutionHandler(REAL)
    with pytest.raises(ConfigurationError, match="expected the plugin lock"):
        LiveExecutionHandler(Settings(live_settings=LiveSettings(environment="prod")))


def test_a_handler_in_prod_takes_no_plugins_that_were_imported_without_one():
    plugins = Plugins()
    plugins.load(only={"sim", "slippage"})
    with pytest.raises(ConfigurationError, match="was sim, slippage without a lock"):
        LiveExecutionHandler(REAL, plugins=plugins)
