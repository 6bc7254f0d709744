import copy
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.config import LiveSettings, Performance, Settings, decode_settings, load_settings
from fillbridge.config.data import plain
from fillbridge.config.loading import _layered
from fillbridge_hooks import ConfigurationError

# The file of the specification, section 3.1, with one alternative chosen at each `a | b`.
SPECIFICATION_YAML = """\
execution_handler:
  mode: "backtest"

  live_settings:
    provider: "rithmic"
    environment: "sim"
    credentials:
      username: ${RITHMIC_USERNAME}
      password: ${RITHMIC_PASSWORD}
      system_name: ${RITHMIC_SYSTEM}
    symbol: "ES"
    order_timeout: 300
    heartbeat_interval: 30

  backtest_settings:
    slippage:
      type: "linear"  # "fixed", "linear", "impact"
      fixed_amount: 0.25
      linear_rate: 0.1
      impact_factor: 0.001
    commission:
      per_contract: 2.50
      exchange_fees: 1.28
      nfa_fees: 0.02

  performance:
    max_execution_latency_ms: 5
    max_open_positions: 10
    position_timeout_hours: 24

  risk_controls:
    max_position_size: 5
    max_daily_trades: 50
    emergency_stop_enabled: true
"""

SPECIFICATION_TOML = """\
[execution_handler]
mode = "backtest"

[execution_handler.live_settings]
provider = "rithmic"
environment = "sim"
symbol = "ES"
order_timeout = 300
heartbeat_interval = 30

[execution_handler.live_settings.credentials]
username = "${RITHMIC_USERNAME}"
password = "${RITHMIC_PASSWORD}"
system_name = "${RITHMIC_SYSTEM}"

[execution_handler.backtest_settings.slippage]
type = "linear"
fixed_amount = 0.25
linear_rate = 0.1
impact_factor = 0.001

[execution_handler.backtest_settings.commission]
per_contract = 2.50
exchange_fees = 1.28
nfa_fees = 0.02

[execution_handler.performance]
max_execution_latency_ms = 5
max_open_positions = 10
position_timeout_hours = 24

[execution_handler.risk_controls]
max_position_size = 5
max_daily_trades = 50
emergency_stop_enabled = true
"""

SYMBOL = "FILLBRIDGE_EXECUTION_HANDLER__BACKTEST_SETTINGS__SYMBOL"


def refusal(path, sections=(), environ=None):
    with pytest.raises(ConfigurationError) as raised:
        load_settings(path, sections, environ or {})
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "text"), [("c.yaml", SPECIFICATION_YAML), ("c.toml", SPECIFICATION_TOML)]
)
def test_the_file_of_the_specification(name, text, write, sections):
    loaded = load_settings(write(text, name), sections, {})
    settings = loaded.settings
    assert settings.mode == "backtest"
    assert settings.live_settings == LiveSettings(
        provider="rithmic",
        environment="sim",
        credentials={
            "username": "${RITHMIC_USERNAME}",
            "password": "${RITHMIC_PASSWORD}",
            "system_name": "${RITHMIC_SYSTEM}",
        },
        symbol="ES",
        order_timeout=300.0,
        heartbeat_interval=30.0,
    )
    assert settings.performance == Performance(
        max_execution_latency_ms=5.0, max_open_positions=10, position_timeout_hours=24.0
    )
    assert settings.backtest_settings.slippage_type == "linear"
    assert settings.backtest_settings.commission_type == "per_contract"
    slippage, commission = (settings.plugin_sections[name] for name in ("slippage", "commission"))
    assert (slippage.fixed_amount, slippage.linear_rate, slippage.impact_factor) == (
        0.25,
        0.1,
        0.001,
    )
    assert (commission.per_contract, commission.exchange_fees, commission.nfa_fees) == (
        2.5,
        1.28,
        0.02,
    )
    risk = settings.plugin_sections["risk"]
    assert (risk.max_position_size, risk.max_daily_trades, risk.max_open_positions) == (5, 50, 10)
    assert risk.emergency_stop_enabled is True
    assert sum(origin == f"file {name}" for origin in loaded.origins.values()) == 22


def test_without_a_file_everything_has_its_default(sections):
    loaded = load_settings(None, sections, {})
    assert loaded.settings == decode_settings({}, sections)
    assert set(loaded.origins.values()) == {"default"}
    risk = loaded.settings.plugin_sections["risk"]
    assert (risk.max_position_size, risk.max_daily_trades, risk.max_open_positions) == (None,) * 3


def test_the_environment_lies_over_the_file_and_the_file_over_the_defaults(write, sections):
    path = write("execution_handler: {backtest_settings: {symbol: NQ, bar_seconds: 60}}")
    loaded = load_settings(path, sections, {SYMBOL: "GC"})
    assert loaded.settings.backtest_settings.symbol == "GC"
    assert loaded.settings.backtest_settings.bar_seconds == 60.0
    assert loaded.settings.backtest_settings.driver == "sim"
    start = "execution_handler.backtest_settings."
    assert loaded.origins[start + "symbol"] == f"environment {SYMBOL}"
    assert loaded.origins[start + "bar_seconds"] == "file config.yaml"
    assert loaded.origins[start + "driver"] == "default"


def test_every_value_has_an_origin_and_is_what_the_settings_hold(write, sections):
    loaded = load_settings(write(SPECIFICATION_YAML), sections, {})
    assert list(loaded.values) == list(loaded.origins) == sorted(loaded.values)
    start = "execution_handler."
    assert loaded.values[start + "mode"] == "backtest"
    assert loaded.values[start + "risk_controls.max_position_size"] == 5
    assert loaded.values[start + "performance.max_open_positions"] == 10
    assert loaded.values[start + "backtest_settings.slippage.type"] == "linear"
    assert loaded.values[start + "backtest_settings.commission.type"] == "per_contract"
    assert loaded.origins[start + "backtest_settings.commission.type"] == "default"
    assert start + "risk_controls.max_open_positions" not in loaded.values


def test_a_model_that_is_not_used_is_shown_as_none(sections):
    values = load_settings(None, sections, {}).values
    assert values["execution_handler.backtest_settings.slippage.type"] is None


def test_references_stay_text_and_literal_secrets_are_masked(write, monkeypatch):
    monkeypatch.setenv("USER_REFERENCE", "resolved")
    path = write(
        "execution_handler: {live_settings: {credentials:"
        " {username: '${USER_REFERENCE}', password: hunter2, pin: 'x${USER_REFERENCE}'}}}"
    )
    loaded = load_settings(path, environ={**os.environ, SYMBOL: "NQ"})
    assert loaded.settings.live_settings.credentials == {
        "username": "${USER_REFERENCE}",
        "password": "hunter2",
        "pin": "x${USER_REFERENCE}",
    }
    start = "execution_handler.live_settings.credentials."
    assert loaded.values[start + "username"] == "${USER_REFERENCE}"
    assert loaded.values[start + "password"] == "***"
    assert loaded.values[start + "pin"] == "***"
    assert "hunter2" not in repr(loaded)


@pytest.mark.parametrize(
    "credentials",
    ["hunter2", "[hunter2]", "{password: [hunter2]}", "{password: '@hunter2'}", "{password: 42.5}"],
)
def test_no_error_shows_a_secret(write, credentials):
    path = write(f"execution_handler: {{live_settings: {{credentials: {credentials}}}}}")
    message = refusal(path)
    assert "execution_handler.live_settings.credentials" in message
    assert "hunter2" not in message
    assert "42.5" not in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mode: live", "'mode': unknown key; everything stands below execution_handler"),
        ("execution_handler:", "execution_handler: expected keys and values, was None"),
        (
            "execution_handler: {mode: live | backtest}",
            "execution_handler.mode: expected one of these alternatives, was 'live | backtest'",
        ),
        (
            "execution_handler: {risk_controls: {max_position_size: 0}}",
            "execution_handler.risk_controls.max_position_size: expected int >= 1, was 0",
        ),
        (
            "execution_handler: {backtest_settings: {bar_seconds: 2024-01-01}}",
            (
                "execution_handler.backtest_settings.bar_seconds: expected text (in quotes), a"
                " number, true, false, a list or keys, was datetime.date(2024, 1, 1)"
            ),
        ),
        (
            "execution_handler: {instruments: {XYZ: {tick_size: 1}}}",
            "execution_handler.instruments.XYZ.point_value: missing; expected number",
        ),
        (
            "execution_handler: {instruments: {2024: {tick_size: 1}}}",
            "execution_handler.instruments: expected a name as key, was 2024",
        ),
        (
            "execution_handler: {dynaconf_include: [other.yaml]}",
            "execution_handler.dynaconf_include: keys of dynaconf are not allowed",
        ),
    ],
)
def test_an_error_names_the_file(write, sections, text, message):
    path = write(text)
    assert refusal(path, sections) == f"{path}: {message}"


def test_an_error_names_the_variable_that_set_the_value(write):
    path = write("execution_handler: {mode: live}")
    name = "FILLBRIDGE_EXECUTION_HANDLER__MODE"
    assert refusal(path, environ={name: "paper"}) == (
        f"environment {name}: execution_handler.mode: expected one of 'backtest', 'live',"
        " was 'paper'"
    )


def test_a_wrong_value_in_the_file_is_not_hidden_by_a_variable_below_it(write):
    path = write("execution_handler: {backtest_settings: {slippage: linear}}")
    name = "FILLBRIDGE_EXECUTION_HANDLER__BACKTEST_SETTINGS__SLIPPAGE__TYPE"
    message = "execution_handler.backtest_settings.slippage: expected keys and values, was 'linear'"
    assert refusal(path, environ={name: "fixed"}) == f"{path}: {message}"


# Nothing of dynaconf but the layers


def test_dynaconf_reads_no_file_and_no_variable_of_its_own(write, tmp_path, repository):
    """In a process of its own, where the traps are set before dynaconf is imported."""
    marker = tmp_path / "executed"
    trap = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\nEXECUTION_HANDLER = {{}}\n"
    for name in ("settings.py", "hooks.py", "dynaconf_hooks.py", "loader.py"):
        write(trap, name)
    other = "execution_handler: {mode: live}\ndefault: {execution_handler: {mode: live}}\n"
    for name in ("config.local.yaml", ".secrets.yaml", "settings.yaml"):
        write(other, name)
    write("FILLBRIDGE_EXECUTION_HANDLER__MODE=live\nDYNACONF_EXECUTION_HANDLER__MODE=live", ".env")
    path = write("execution_handler: {backtest_settings: {bar_seconds: 60}}")
    program = (
        "import sys, pathlib; from fillbridge.config import load_settings;"
        "loaded = load_settings(pathlib.Path(sys.argv[1]));"
        "assert 'dynaconf.base' in sys.modules;"
        "print(loaded.settings.mode, loaded.settings.backtest_settings.symbol)"
    )
    environ = {
        **{name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}},
        SYMBOL: "NQ",
        "DYNACONF_EXECUTION_HANDLER__MODE": "live",
        "ENVVAR_PREFIX_FOR_DYNACONF": "OTHER",
        "OTHER_EXECUTION_HANDLER__MODE": "live",
        "SETTINGS_FILE_FOR_DYNACONF": "settings.py;settings.yaml",
        "PRELOAD_FOR_DYNACONF": '["settings.py"]',
        "INCLUDES_FOR_DYNACONF": '["settings.py", "settings.yaml"]',
        "SECRETS_FOR_DYNACONF": ".secrets.yaml",
        "LOADERS_FOR_DYNACONF": '["loader"]',
        "LOAD_DOTENV_FOR_DYNACONF": "true",
        "MERGE_ENABLED_FOR_DYNACONF": "true",
        "YAML_LOADER_FOR_DYNACONF": "unsafe_load",
        "PYTHONPATH": str(tmp_path),
    }
    command = [sys.executable, "-c", program, str(path)]
    ran = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert (ran.stdout, ran.stderr) == ("backtest NQ\n", "")
    assert not marker.exists()


keys = st.sampled_from(["a", "B", "items", "keys", "get", "type", "x-y", "b.c", "UPPER", "6E", "é"])
values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers())
trees = st.recursive(values, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=10)
paths = st.lists(
    st.sampled_from(["a", "B", "items", "keys", "type", "UPPER", "6E"]), min_size=1, max_size=3
)


def merged(tree, path, value):
    if not path:
        return value
    below = tree.get(path[0], {})
    return {**tree, path[0]: merged(below if isinstance(below, dict) else {}, path[1:], value)}


@given(st.dictionaries(keys, trees, max_size=4), st.dictionaries(paths.map(tuple), values))
def test_layering_is_a_plain_merge(tree, variables):
    tree = usable(tree)
    variables = {path: usable(value) for path, value in variables.items()}
    before = copy.deepcopy(tree)
    expected = tree
    for path, value in variables.items():
        expected = merged(expected, path, value)
    overrides = {path: (f"VARIABLE_{n}", v) for n, (path, v) in enumerate(variables.items())}
    assert _layered(tree, overrides) == expected
    assert tree == before


def usable(value):
    try:
        return plain(value)
    except (ConfigurationError, ValueError):
        return {} if isinstance(value, dict) else "x"


def test_credentials_do_not_pass_through_dynaconf(monkeypatch):
    import dynaconf.base

    seen = []
    original = dynaconf.base.Settings.set
    monkeypatch.setattr(
        dynaconf.base.Settings,
        "set",
        lambda self, key, value, *args, **kwargs: (
            seen.append(repr(value)),
            original(self, key, value, *args, **kwargs),
        )[1],
    )
    written = {"live_settings": {"credentials": {"password": "hunter2"}, "symbol": "ES"}}
    layered = _layered(written, {("mode",): ("VARIABLE", "live")})
    assert layered == {**written, "mode": "live"}
    assert any("'ES'" in value for value in seen)
    assert not any("hunter2" in value for value in seen)


# The documentation


def block(text: str, language: str) -> str:
    return text.split(f"```{language}\n", 1)[1].split("```", 1)[0]


def test_the_example_of_the_documentation_is_complete(write, sections, repository: Path):
    text = (repository / "docs/configuration.md").read_text(encoding="utf-8")
    loaded = load_settings(write(block(text, "yaml")), sections, {})
    exceptions = {
        # Fields of an instrument that the example leaves as they are built in.
        *(f"execution_handler.instruments.ES.{key}" for key in ("currency", "point_value")),
        *(f"execution_handler.instruments.ES.{key}" for key in ("session_roll", "tick_size")),
        "execution_handler.instruments.ES.time_zone",
    }
    defaults = {path for path, origin in loaded.origins.items() if origin == "default"}
    assert defaults == exceptions


def test_the_documentation_has_every_key_with_its_default(sections, repository: Path):
    text = (repository / "docs/configuration.md").read_text(encoding="utf-8")
    rows = {
        cells[1].strip(" `"): cells[3].strip(" `")
        for line in text.splitlines()
        if (cells := line.split("|")) and len(cells) == 6
    }
    for path, value in load_settings(None, sections, {}).values.items():
        key = path.removeprefix("execution_handler.")
        if key == "instruments":
            continue
        assert key in rows, f"{key} is not documented"
        if isinstance(value, bool):
            assert rows[key] == str(value).lower()
        elif isinstance(value, int | float):
            assert float(rows[key]) == value
        elif isinstance(value, str):
            assert rows[key] == value


def test_settings_are_the_same_whatever_the_format(write, sections):
    yaml = load_settings(write(SPECIFICATION_YAML), sections, {}).settings
    toml = load_settings(write(SPECIFICATION_TOML, "c.toml"), sections, {}).settings
    assert isinstance(yaml, Settings)
    assert yaml == toml
