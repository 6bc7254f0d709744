"""What a configuration could be made to do, and does not: each is refused with a sentence."""

import os
import subprocess
import sys
import tomllib
from contextlib import suppress

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fillbridge.config import decode_settings, load_settings
from fillbridge.config.files import read_file
from fillbridge_hooks import ConfigurationError, FillbridgeError

CANARY = "hunter2-canary"
PREFIX = "FILLBRIDGE_EXECUTION_HANDLER__"
NO_TRACES = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])


def refusal(path, sections, environ=None):
    with pytest.raises(FillbridgeError) as raised:
        load_settings(path, sections, environ or {})
    message = str(raised.value)
    assert "\n" not in message
    assert CANARY not in message
    return message


@pytest.mark.parametrize("token", ["format", "jinja", "int", "none", "merge", "read_file", "get"])
@pytest.mark.parametrize("place", ["file", "toml", "environment"])
def test_nothing_is_evaluated(write, sections, token, place):
    text = f"@{token} {{env[PASSWORD]}}"
    path, environ = None, {}
    if place == "file":
        path = write(f"execution_handler: {{live_settings: {{symbol: '{text}'}}}}")
    elif place == "toml":
        path = write(f"[execution_handler.live_settings]\nsymbol = '{text}'\n", "config.toml")
    else:
        environ = {f"{PREFIX}LIVE_SETTINGS__SYMBOL": text}

    assert "text that does not begin with '@'" in refusal(path, sections, environ)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dynaconf_include: [evil.py]\nexecution_handler: {}", "'dynaconf_include': unknown key"),
        (
            "execution_handler: {dynaconf_include: [evil.py]}",
            "dynaconf_include: keys of dynaconf are not allowed",
        ),
        (
            "execution_handler: {dynaconf_merge: true, mode: live}",
            "dynaconf_merge: keys of dynaconf are not allowed",
        ),
        (
            "execution_handler: {live_settings: {dynaconf_merge: true}}",
            "live_settings.dynaconf_merge: keys of dynaconf are not allowed",
        ),
        (
            "execution_handler: {live_settings: {secret_providers: [file, dynaconf_merge]}}",
            "secret_providers.1: expected text that does not begin with 'dynaconf'",
        ),
        (
            "execution_handler: {live_settings: {secret_providers: [dynaconf_merge_unique]}}",
            "secret_providers.0: expected text that does not begin with 'dynaconf'",
        ),
        ("execution_handler: {live_settings__symbol: ES}", "live_settings__symbol: unknown key"),
        ("include: evil.py\nexecution_handler: {}", "'include': unknown key"),
    ],
)
def test_nothing_is_included_or_merged(write, sections, text, said):
    path = write(text)
    ran = path.with_name("ran")
    path.with_name("evil.py").write_text(f"open({str(ran)!r}, 'w')")

    assert said in refusal(path, sections)
    assert not ran.exists()


@pytest.mark.parametrize("key", ["dynaconf_merge", "DYNACONF_INCLUDE", "dynaconf_hooks"])
@pytest.mark.parametrize(
    "text",
    [
        "execution_handler: {{live_settings: {{credentials: {{{key}: x}}}}}}",
        "execution_handler: {{instruments: {{{key}: {{tick_size: 1.0}}}}}}",
    ],
)
def test_no_key_of_dynaconf_stands_where_any_name_may(write, sections, key, text):
    assert "keys of dynaconf are not allowed" in refusal(write(text.format(key=key)), sections)


@pytest.mark.parametrize("name", ["config.py", "config.json", "config.ini", "config", ".env"])
def test_no_file_is_executed_or_guessed(write, sections, name, tmp_path):
    path = write(f"open({str(tmp_path / 'ran')!r}, 'w')", name)

    assert "expected a name that ends in .yaml, .yml or .toml" in refusal(path, sections)
    assert not (tmp_path / "ran").exists()


def test_no_variable_of_dynaconf_has_any_effect(write, tmp_path):
    ran = tmp_path / "ran"
    (tmp_path / "evil.py").write_text(f"open({str(ran)!r}, 'w').close()\nMODE = 'live'\n")
    for name in ("settings.py", ".secrets.py", "settings.local.py", "config.local.py"):
        (tmp_path / name).write_bytes((tmp_path / "evil.py").read_bytes())
    (tmp_path / ".env").write_text("DYNACONF_EXECUTION_HANDLER__MODE=live\n")
    path = write("execution_handler: {mode: backtest}")
    names = (
        "SETTINGS_FILE SETTINGS_MODULE INCLUDES PRELOAD SECRETS ROOT_PATH LOADERS CORE_LOADERS"
        " PYTHON_LOADER SETTINGS_FILES"
    )
    evil = str(tmp_path / "evil.py")
    environ = os.environ | {f"{name}_FOR_DYNACONF": evil for name in names.split()}
    environ |= {
        "LOAD_DOTENV_FOR_DYNACONF": "true",
        "MERGE_ENABLED_FOR_DYNACONF": "true",
        "DYNACONF_EXECUTION_HANDLER__MODE": "live",
        f"{PREFIX}BACKTEST_SETTINGS__SYMBOL": "NQ",
    }
    program = (
        "from pathlib import Path; from fillbridge.config import load_settings;"
        "s = load_settings(Path('config.yaml')).settings; print(s.mode, s.backtest_settings.symbol)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=path.parent,
        env=environ,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "backtest NQ\n"
    assert not ran.exists()


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("RISK_CONTROLS__MAX_POSITION_SIZE", "limits are set in the file alone"),
        ("risk_controls__max_daily_trades", "limits are set in the file alone"),
        ("PERFORMANCE__MAX_OPEN_POSITIONS", "limits are set in the file alone"),
        ("RISK_CONTROLS", "limits are set in the file alone"),
        ("LIVE_SETTINGS__ENVIRONMENT", "limits are set in the file alone"),
        ("LIVE_SETTINGS__OPERATORS__EVE", "limits are set in the file alone"),
        ("LIVE_SETTINGS__PROPOSAL_KEYS__EVE__SECRET", "limits are set in the file alone"),
        ("LIVE_SETTINGS__SIGNED_PROPOSALS", "limits are set in the file alone"),
        ("LIVE_SETTINGS__DEAD_MAN_S", "limits are set in the file alone"),
        ("LIVE_SETTINGS__DEAD_MAN_LEVEL", "limits are set in the file alone"),
        ("LIVE_SETTINGS__MAX_LOOP_LAG_MS", "limits are set in the file alone"),
        ("LIVE_SETTINGS__JOURNAL", "its journal with the kill latch, are set in the file alone"),
        ("live_settings__account", "the account, and its journal with the kill latch"),
        ("LIVE_SETTINGS__PLUGINS_LOCK", "the plugin lock is named in the file alone"),
        ("LIVE_SETTINGS__CREDENTIALS__PASSWORD", "credentials are set in the file alone"),
        ("LIVE_SETTINGS__SECRETS", "where secrets come from is set in the file alone"),
        ("LIVE_SETTINGS__SECRET_PROVIDERS", "where secrets come from is set in the file alone"),
        ("VAULT__FILE", "where secrets come from is set in the file alone"),
        ("PERFORMANCE", "is a section; name one value in it"),
    ],
)
@pytest.mark.parametrize("value", ["1000000", "{}", "@int 7", CANARY])
def test_no_variable_loosens_a_limit_or_moves_a_secret(sections, name, rule, value):
    assert rule in refusal(None, sections, {PREFIX + name: value})


def test_a_variable_is_one_value_however_it_is_written(sections):
    name = f"{PREFIX}LIVE_SETTINGS__SYMBOL"
    for text in ('"ES"\nmode = "live"', "{a = 1}", ".".join("a" * 3000), "{" + "a." * 100_000):
        try:
            loaded = load_settings(None, sections, {name: text})
        except FillbridgeError:
            continue
        assert loaded.settings.mode == "backtest"


# Files that are large, deep or strange; each is refused before it costs anything


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("c.yaml", b"a: [" + b"1," * 100_000 + b"1]", "more keys and values than any"),
        ("c.yaml", b"a:\n" + b"- b\n" * 50_000, "more keys and values than any"),
        ("c.yaml", b"".join(b"k%d: 1\n" % n for n in range(20_000)), "more keys and values"),
        ("c.yaml", b"#" * (1 << 19), "larger than 256 KiB"),
        ("c.toml", b"#" * (1 << 19), "larger than 256 KiB"),
        ("c.yaml", b"a: " + b"{a: " * 200, "nested too deeply"),
        ("c.toml", b"a = " + b"[" * 2000, "nested too deeply"),
        ("c.toml", b".".join([b"a"] * 100_000) + b" = 1", "line 1: nested too deeply"),
        ("c.toml", b"[" + b".".join([b"a"] * 300) + b"]", "line 1: nested too deeply"),
        ("c.yaml", b"a: &a [x]\nb: &b [*a, *a]\n", "anchors (&) and aliases (*)"),
        ("c.yaml", b"a: !!python/name:os.system\n", "the tag"),
        ("c.yaml", b"a: !ruby/object x\n", "the tag"),
        ("c.yaml", b"a: !!str 1\n", "the tag tag:yaml.org,2002:str is not allowed"),
        ("c.yaml", b"a: !!binary aGk=\n", "the tag tag:yaml.org,2002:binary is not allowed"),
        ("c.yaml", b"a: !!set {b, c}\n", "the tag tag:yaml.org,2002:set is not allowed"),
        ("c.yaml", b"a: 1\nb: 1\na: 2\n", 'line 3: found duplicate key "a"'),
        ("c.toml", b"a = 1\nb = 1\na = 2\n", "Cannot overwrite a value"),
        ("c.toml", b"[a]\n[a]\n", "Cannot declare"),
        ("c.yaml", b"a: x\0y", "a character that YAML does not allow"),
        ("c.toml", b"a = 'x\0y'", "invalid character '\\x00'"),
        ("c.yaml", b"a: \xff\xfe", "line 1: not UTF-8 text"),
        ("c.toml", b"a = 1\nb = '\xe9'", "line 2: not UTF-8 text"),
        ("c.yaml", "a: 1".encode("utf-16"), "not UTF-8 text"),
    ],
)
def test_hostile_files(write, name, content, message):
    with pytest.raises(ConfigurationError) as raised:
        read_file(write(content, name))
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (r'"x\0y"', "expected text without NUL and halves of characters"),
        (r'"\ud800"', "expected text without NUL and halves of characters"),
        ("9" * 19, "expected a number of at most 18 digits"),
        ("-" + "9" * 400, "expected a number of at most 18 digits"),
        (".inf", "expected a finite number"),
        (".nan", "expected a finite number"),
        ("2024-01-01", "expected text (in quotes), a number"),
    ],
)
def test_values_that_nothing_could_use(write, sections, value, message):
    path = write(f"execution_handler: {{live_settings: {{symbol: {value}}}}}")

    assert message in refusal(path, sections)


@pytest.mark.parametrize("key", ["password", "api_key", "token", "passphrase", "secret"])
@pytest.mark.parametrize(
    "value", [f"'@format {CANARY}'", f"[{CANARY}]", f"{{a: {CANARY}}}", f'"{CANARY}\\0"']
)
def test_a_secret_is_not_in_what_is_said_of_it(write, sections, key, value):
    text = f"execution_handler: {{live_settings: {{credentials: {{{key}: {value}}}}}}}"

    message = refusal(write(text), sections)

    assert f"live_settings.credentials.{key}: expected text" in message
    assert message.endswith("was '***'")
    assert CANARY not in message


def test_a_key_that_stands_twice_does_not_show_its_values(write, sections):
    text = f"execution_handler:\n  live_settings:\n    a: {CANARY}\n    a: {CANARY}2\n"

    message = refusal(write(text), sections)

    assert message.endswith('line 4: found duplicate key "a"')
    assert CANARY not in message


# Anything at all

KEYS = st.sampled_from(
    [
        *("execution_handler", "live_settings", "credentials", "risk_controls", "performance"),
        *("instruments", "vault", "mode", "secret_providers", "symbol", "max_position_size"),
        *("@merge", "dynaconf_include", "<<", "", " ", "ES", "tick_size", "backtest_settings"),
        *("slippage", "type", "simulation", "rithmic", "chaos", "password"),
    ]
)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["@int 5", "@jinja {{1}}", "${NAME}", "${", "a | b", "dynaconf_merge", "\0"]),
)
TREES = st.recursive(
    VALUES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(st.one_of(KEYS, st.text(max_size=8)), inner, max_size=5),
    ),
    max_leaves=25,
)


def refused(call):
    """The sentence with which a call is refused; empty where it is not."""
    try:
        call()
    except FillbridgeError as error:
        return str(error) or "an error that says nothing\n"
    return ""


@NO_TRACES
@given(st.dictionaries(KEYS, TREES, max_size=8))
def test_no_tree_of_values_is_more_than_refused(sections, tree):
    for given_ in (tree, {"execution_handler": tree}):
        assert "\n" not in refused(lambda given_=given_: decode_settings(given_, sections))


@NO_TRACES
@given(st.binary(max_size=400), st.sampled_from(["fuzz.yaml", "fuzz.toml"]))
def test_no_bytes_are_more_than_refused(write, sections, content, name):
    path = write(content, name)
    assert "\n" not in refused(lambda: load_settings(path, sections, {}))


LINES = st.sampled_from(
    [
        *("execution_handler:", "  live_settings:", "    symbol: ES", "  mode: live", "  risk_con"),
        *("    credentials: {a: '${B}'}", "  - x", "  ? a", "  : b", "\t", "---", "...", "%YAML"),
        *("[execution_handler]", "mode = 'live'", "a.b.c = 1", "[[a]]", "x = '''", "x = {a = 1}"),
        *("  instruments: {ES: {tick_size: 1e400}}", "  a: !!x", "  b: &c", "  d: *c", "|", ">-"),
    ]
)


@NO_TRACES
@given(st.lists(LINES, max_size=12), st.sampled_from(["fuzz.yaml", "fuzz.toml"]))
def test_no_lines_are_more_than_refused(write, sections, lines, name):
    path = write("\n".join(lines), name)
    assert "\n" not in refused(lambda: load_settings(path, sections, {}))


@NO_TRACES
@given(
    st.dictionaries(
        st.lists(KEYS, min_size=1, max_size=4).map(lambda keys: PREFIX + "__".join(keys)),
        st.one_of(st.text(max_size=20), st.sampled_from(["[1]", "{a=1}", "1e999", "@int 1"])),
        max_size=4,
    )
)
def test_no_variables_are_more_than_refused(sections, environ):
    unlimited = load_settings(None, sections, {}).settings.plugin_sections["risk"]
    with suppress(FillbridgeError):
        assert load_settings(None, sections, environ).settings.plugin_sections["risk"] == unlimited


@NO_TRACES
@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12),
    st.integers(1, 10**9),
)
def test_what_is_in_force_is_what_a_plain_reader_reads(write, sections, symbol, seconds):
    text = msgspec.json.encode(symbol).decode()
    path = write(
        f"[execution_handler.backtest_settings]\nsymbol = {text}\nbar_seconds = {seconds}\n",
        "config.toml",
    )
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
        loaded = load_settings(path, sections, {f"{PREFIX}LIVE_SETTINGS__ACCOUNT": "A"}).settings
    except (FillbridgeError, tomllib.TOMLDecodeError):
        return
    expected = plain["execution_handler"]["backtest_settings"]
    assert loaded.backtest_settings.symbol == expected["symbol"]
    assert loaded.backtest_settings.bar_seconds == expected["bar_seconds"]
