import pytest

from fillbridge.config import BacktestSettings, LiveSettings, Performance, Settings


def test_what_is_in_force_without_a_file():
    assert Settings() == Settings(
        mode="backtest",
        live_settings=LiveSettings(
            provider=None,
            environment="sim",
            credentials={},
            symbol="ES",
            order_timeout=300.0,
            heartbeat_interval=30.0,
        ),
        backtest_settings=BacktestSettings(
            symbol="ES",
            driver="sim",
            account="independent",
            bar_seconds=None,
            slippage_type=None,
            commission_type=None,
        ),
        performance=Performance(
            max_execution_latency_ms=5.0, max_open_positions=None, position_timeout_hours=24.0
        ),
        instruments={},
        plugin_sections={},
    )


def test_settings_cannot_be_changed():
    with pytest.raises(AttributeError):
        Settings().mode = "live"


def test_a_credential_is_in_no_representation():
    from rich.pretty import pretty_repr

    settings = Settings(live_settings=LiveSettings(credentials={"password": "hunter2"}))
    for text in (repr(settings), str(settings), pretty_repr(settings)):
        assert "hunter2" not in text
        assert "'password': '***'" in text
    assert settings.live_settings.credentials == {"password": "hunter2"}
