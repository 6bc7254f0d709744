"""From a file to the checks: the profile, what wins over it, and errors that name the path."""

import pytest

from fillbridge.config import load_settings
from fillbridge.plugins import Plugins
from fillbridge_hooks import ConfigurationError, InvalidValue

REAL = "  mode: live\n  live_settings: {provider: sim, environment: prod, account: A1}\n"


@pytest.fixture(scope="module")
def plugins():
    loaded = Plugins()
    loaded.load()
    return loaded


@pytest.fixture
def load(tmp_path, plugins):
    def load(text):
        path = tmp_path / "config.yaml"
        path.write_text(f"execution_handler:\n{text}", encoding="utf-8")
        return load_settings(path, plugins.settings_sections(), {})

    return load


def test_where_orders_go_for_real_the_defaults_bind_and_are_shown(load, plugins):
    loaded = load(REAL + "  risk_controls: {max_position_size: 3, trading_hours: null}\n")
    shown = {
        path.removeprefix("execution_handler.risk_controls."): value
        for path, value in loaded.values.items()
    }
    assert shown["profile"] == "live"
    assert (shown["max_position_size"], shown["max_daily_trades"]) == (3, 50)
    assert shown["trading_hours"] is None
    assert loaded.values["execution_handler.performance.max_open_positions"] is None
    models = plugins.configure(loaded.settings.plugin_sections)
    checks = dict(models.risk_checks())
    assert {"max_position_size", "max_open_positions", "max_daily_trades", "symbols"} <= set(checks)
    assert "trading_hours" not in checks
    assert [name for name, _ in models.watches()] == [
        *("max_move_ticks", "daily_loss", "max_rejects", "strategy_throttle"),
        "max_messages_per_fill",
    ]


@pytest.mark.parametrize("text", ["  mode: backtest\n", "  mode: live\n", "  risk_controls: {}\n"])
def test_everywhere_else_nothing_is_checked_that_was_not_asked_for(load, plugins, text):
    models = plugins.configure(load(text).settings.plugin_sections)
    assert (models.risk_checks(), models.watches()) == ((), ())


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{max_order_quantity: 21}", "max_order_quantity: expected int >= 1 and <= 20, was 21"),
        ("{max_order_value: 1.0e+8}", "max_order_value: expected number > 0 and <= 10000000.0"),
        ("{symbols: ESZ6}", "symbols: expected list, was 'ESZ6'"),
        ("{trading_hours: NYSE}", "trading_hours: expected one of 'CMES', was 'NYSE'"),
        ("{profile: paper}", "profile: expected one of 'live', 'plain', was 'paper'"),
        (
            "{accounts: [A2]}",
            "accounts: expected a list with live_settings.account, 'A1', was 'A2'",
        ),
        ("{max_postion_size: 5}", "max_postion_size: unknown key"),
    ],
)
def test_an_error_names_the_path(load, section, message):
    with pytest.raises((InvalidValue, ConfigurationError)) as caught:
        load(REAL + f"  risk_controls: {section}\n")
    assert f"execution_handler.risk_controls.{message}" in str(caught.value)
