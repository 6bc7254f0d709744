import pytest

from fillbridge.config import load_settings
from fillbridge.plugins import DeclaredSection
from fillbridge_hooks import ConfigurationError

START = "FILLBRIDGE_EXECUTION_HANDLER__"


def load(variables, sections=(), path=None):
    return load_settings(path, sections, {START + name: v for name, v in variables.items()})


def refusal(name, value, sections=(), prefix=START):
    with pytest.raises(ConfigurationError) as raised:
        load_settings(None, sections, {prefix + name: value})
    start = f"environment {prefix}{name}: "
    assert str(raised.value).startswith(start)
    return str(raised.value).removeprefix(start)


def test_variables_set_single_values(sections):
    loaded = load(
        {
            "MODE": "live",
            "BACKTEST_SETTINGS__SYMBOL": "6E",
            "BACKTEST_SETTINGS__BAR_SECONDS": "60",
            "BACKTEST_SETTINGS__SLIPPAGE__TYPE": "linear",
            "backtest_settings__slippage__linear_rate": "0.5",
            "PERFORMANCE__POSITION_TIMEOUT_HOURS": "1.5",
            "INSTRUMENTS__XYZ__TICK_SIZE": "0.5",
            "INSTRUMENTS__xyz__POINT_VALUE": "10",
        },
        sections,
    )
    settings = loaded.settings
    assert settings.mode == "live"
    assert settings.backtest_settings.symbol == "6E"
    assert settings.backtest_settings.bar_seconds == 60.0
    assert settings.backtest_settings.slippage_type == "linear"
    assert settings.plugin_sections["slippage"].linear_rate == 0.5
    assert settings.performance.position_timeout_hours == 1.5
    assert settings.instruments["XYZ"].point_value == 10.0
    origin = "environment FILLBRIDGE_EXECUTION_HANDLER__INSTRUMENTS__xyz__POINT_VALUE"
    assert loaded.origins["execution_handler.instruments.XYZ.point_value"] == origin
    assert [o for o in loaded.origins.values() if o != "default"].count(origin) == 1
    assert sum(o.startswith("environment ") for o in loaded.origins.values()) == 8


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("ES", "ES"),
        ('"7203"', "7203"),
        ("6E", "6E"),
        ("2024-01-01", "2024-01-01"),
        ("12:30:00", "12:30:00"),
        ("ES\nother", "ES\nother"),
        ("${HOME}", "${HOME}"),
        ("[" * 3000, "[" * 3000),
    ],
)
def test_what_is_no_toml_is_text(text, symbol):
    loaded = load({"BACKTEST_SETTINGS__SYMBOL": text})
    assert loaded.settings.backtest_settings.symbol == symbol


def test_a_variable_names_an_instrument_of_the_file_in_any_case(write):
    path = write("execution_handler: {instruments: {btcUSDT: {tick_size: 1, point_value: 1}}}")
    loaded = load({"INSTRUMENTS__BTCUSDT__TICK_SIZE": "0.5"}, path=path)
    assert list(loaded.settings.instruments) == ["btcUSDT"]
    assert loaded.settings.instruments["btcUSDT"].tick_size == 0.5


@pytest.mark.parametrize(
    "name",
    [
        "RISK_CONTROLS",
        "RISK_CONTROLS__MAX_POSITION_SIZE",
        "risk_controls__max_position_size",
        "RISK_CONTROLS__NO_SUCH_LIMIT",
        "PERFORMANCE__MAX_OPEN_POSITIONS",
        "LIVE_SETTINGS__ENVIRONMENT",
        "Performance__Max_Open_Positions",
    ],
)
@pytest.mark.parametrize("value", ["1", "1000000", "null", "{}", ""])
def test_limits_are_refused(name, value, sections):
    assert refusal(name, value, sections) == "limits are set in the file alone"
    assert refusal(name, value) == "limits are set in the file alone"


def test_every_section_of_the_risk_plugin_is_refused(sections):
    risk = next(declared for declared in sections if declared.plugin == "risk")
    moved = DeclaredSection(
        plugin="risk",
        section="limits.Mine",
        struct=risk.struct,
        aliases={"max_open_positions": "live_settings.symbol"},
    )
    for name in ("LIMITS__MINE__MAX_POSITION_SIZE", "LIMITS__mine", "LIVE_SETTINGS__SYMBOL"):
        assert refusal(name, "5", [moved]) == "limits are set in the file alone"


@pytest.mark.parametrize("name", ["CREDENTIALS", "CREDENTIALS__PASSWORD", "credentials__password"])
def test_credentials_are_refused_and_not_shown(name):
    message = refusal(f"LIVE_SETTINGS__{name}", "hunter2")
    assert message.startswith("credentials are set in the file alone")
    assert "hunter2" not in message


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("TYPO", "1", "there is no setting execution_handler.typo"),
        ("PERFORMANCE__TYPO", "1", "there is no setting execution_handler.performance.typo"),
        ("PERFORMANCE", "{}", "execution_handler.performance is a section; name one value in it"),
        ("INSTRUMENTS", "{}", "execution_handler.instruments is a section; name one value in it"),
        ("INSTRUMENTS__ES", "{}", "execution_handler.instruments.ES is a section; name one"),
        ("MODE__X", "1", "execution_handler.mode is a single value"),
        ("MODE", "{a = 1}", "execution_handler.mode: expected a single value, was a table"),
        (
            "MODE",
            "paper",
            "execution_handler.mode: expected one of 'backtest', 'live', was 'paper'",
        ),
        ("MODE", "@format x", "execution_handler.mode: expected text that does not begin with '@'"),
        ("MODE", '"@int 1"', "execution_handler.mode: expected text that does not begin with '@'"),
        ("MODE", "['@int 1']", "execution_handler.mode.0: expected text that does not begin "),
        ("MODE", "", "execution_handler.mode: expected one of 'backtest', 'live', was ''"),
        (
            "BACKTEST_SETTINGS__BAR_SECONDS",
            "inf",
            "execution_handler.backtest_settings.bar_seconds",
        ),
        ("BACKTEST_SETTINGS__BAR_SECONDS", "x", "execution_handler.backtest_settings.bar_seconds"),
        ("", "1", "expected a name like FILLBRIDGE_EXECUTION_HANDLER__MODE"),
        ("MODE__", "1", "expected a name like FILLBRIDGE_EXECUTION_HANDLER__MODE"),
        ("BACKTEST.SYMBOL", "1", "expected a name like FILLBRIDGE_EXECUTION_HANDLER__MODE"),
        ("INSTRUMENTS__A[0]__TICK_SIZE", "1", "expected a name like "),
    ],
)
def test_what_a_variable_cannot_be(name, value, message):
    assert refusal(name, value).startswith(message)


@pytest.mark.parametrize("name", ["MODE", "EXECUTION_HANDLER", "PASSWORD", "", "execution_handler"])
def test_every_variable_with_the_prefix_must_be_a_setting(name):
    message = refusal(name, "hunter2", prefix="FILLBRIDGE_")
    assert message == "expected a name like FILLBRIDGE_EXECUTION_HANDLER__MODE"


def test_two_variables_for_one_value():
    with pytest.raises(ConfigurationError, match="__MODE sets the same value"):
        load({"MODE": "live", "mode": "backtest"})


def test_other_variables_are_nobodys_business():
    environ = {"FILLBRIDGEX": "1", "DYNACONF_EXECUTION_HANDLER__MODE": "live", "MODE": "live"}
    loaded = load_settings(None, environ=environ)
    assert set(loaded.origins.values()) == {"default"}


def test_a_secret_of_a_plugin_is_not_shown(sections):
    import msgspec

    token = msgspec.defstruct("Token", [("api_key", str, "")], frozen=True, kw_only=True)
    declared = DeclaredSection(plugin="p", section="p", struct=token, aliases={})
    loaded = load({"P__API_KEY": "hunter2"}, [declared])
    assert loaded.settings.plugin_sections["p"].api_key == "hunter2"
    assert loaded.values["execution_handler.p.api_key"] == "***"
    assert refusal("P__API_KEY", "5", [declared]) == (
        "execution_handler.p.api_key: expected text, was '***'"
    )
