"""Errors that leave the interface show no secret, not even to tools that show variables."""

import faulthandler
import traceback

import pytest

from fillbridge import BacktestExecutionHandler, LiveExecutionHandler
from fillbridge.config import LiveSettings, decode_settings, load_settings
from fillbridge.config.sealing import SealedText, sealed
from fillbridge.handlers.live_wiring import Credentials, live_secrets
from fillbridge.plugins import Plugins
from fillbridge.redaction import Redactor
from fillbridge_hooks import ConfigurationError, InvalidValue, Secret

CANARY = "CANARY-hunter2"
BAD = (
    {"mode": "neither"},
    {"unknown": 1},
    {"performance": {"max_execution_latency_ms": -1}},
    {"live_settings": {"credentials": {"password": CANARY, "other": 7}}},
    {"live_settings": {"credentials": [CANARY]}},
    {"instruments": {"X": {"tick_size": 0, "token": CANARY}}},
    {"live_settings": {"account": "../x", "credentials": {"password": CANARY}}},
)


def with_locals(error):
    """An error with the variables of every frame of Fillbridge, as tools write it."""
    trace = error.__traceback__
    while trace is not None and "/fillbridge" not in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    shown = traceback.TracebackException(type(error), error, trace, capture_locals=True)
    return "".join(shown.format(chain=True))


def filled(settings):
    live = {"credentials": {"password": CANARY}} | settings.get("live_settings", {})
    return {"execution_handler": settings | {"live_settings": live}}


@pytest.fixture(scope="module")
def plugins():
    made = Plugins()
    made.load()
    return made


@pytest.mark.parametrize("settings", BAD)
@pytest.mark.parametrize(
    "use",
    [
        lambda given, plugins: decode_settings(given, plugins.settings_sections()),
        lambda given, plugins: LiveExecutionHandler(given, plugins=plugins),
        lambda given, plugins: BacktestExecutionHandler(given, plugins=plugins),
    ],
    ids=["decode_settings", "LiveExecutionHandler", "BacktestExecutionHandler"],
)
def test_a_mapping_that_cannot_be_used(plugins, settings, use):
    with pytest.raises((ConfigurationError, InvalidValue)) as raised:
        use(filled(settings), plugins)
    shown = with_locals(raised.value)
    assert CANARY not in shown
    assert "config" in shown or "mapping" in shown  # variables are shown at all


FILES = (
    "execution_handler: {mode: neither, live_settings: {credentials: {password: CANARY}}}",
    "execution_handler: {live_settings: {credentials: {password: CANARY}}, odd: 1}",
    "execution_handler: {live_settings: {credentials: {password: CANARY}}",
    "execution_handler: {live_settings: {credentials: {password: CANARY, password: CANARY}}}",
    "[password, CANARY]",
    "execution_handler: {live_settings: {credentials: {password: &a CANARY}}}",
)


@pytest.mark.parametrize("text", FILES)
def test_a_file_that_cannot_be_used(tmp_path, plugins, text):
    path = tmp_path / "c.yaml"
    path.write_text(text.replace("CANARY", CANARY))
    with pytest.raises(ConfigurationError) as raised:
        load_settings(path, plugins.settings_sections(), {})
    assert CANARY not in with_locals(raised.value)


def test_a_variable_over_it_that_cannot_be_used(tmp_path, plugins):
    path = tmp_path / "c.yaml"
    path.write_text(FILES[0].replace("neither", "live").replace("CANARY", CANARY))
    environ = {"FILLBRIDGE_EXECUTION_HANDLER__MODE": "neither"}
    with pytest.raises(ConfigurationError) as raised:
        load_settings(path, plugins.settings_sections(), environ)
    assert CANARY not in with_locals(raised.value)


def test_a_secret_that_nobody_has(plugins):
    settings = decode_settings(
        {"live_settings": {"credentials": {"password": CANARY, "key": "${NOBODY_HAS_THIS}"}}},
        plugins.settings_sections(),
    )
    redactor = Redactor()
    references = settings.live_settings.credentials
    found = Credentials(references, live_secrets(settings, plugins), redactor)
    assert found["password"].reveal() == CANARY
    with pytest.raises(ConfigurationError) as raised:
        found["key"]
    assert CANARY not in with_locals(raised.value)
    assert CANARY not in repr([settings, vars(redactor), Secret(CANARY)])
    assert CANARY not in repr(settings.live_settings)


def test_a_fatal_signal_shows_no_variable(tmp_path):
    secret = Secret(CANARY)
    with (tmp_path / "faults").open("w+") as file:
        faulthandler.dump_traceback(file, all_threads=True)
        file.seek(0)
        shown = file.read()
    assert "test_a_fatal_signal" in shown
    assert secret.reveal() not in shown


def test_sealed_text_is_itself_and_prints_as_nothing():
    found = sealed({"live": {"password": "x", "user": "u"}, "keys": [{"token": "x"}], 7: "x"})
    assert repr(found["live"]) == "{'password': '***', 'user': 'u'}"
    assert found["keys"] == [{"token": "x"}]
    assert type(found["keys"][0]["token"]) is SealedText
    settings = decode_settings({"live_settings": {"credentials": {"password": "x"}}})
    assert type(settings.live_settings.credentials["password"]) is str
    assert settings.live_settings == LiveSettings(credentials={"password": "x"})


def test_the_search_sees_variables():
    def fail(config):
        raise ValueError(len(config))

    with pytest.raises(ValueError, match="14") as raised:
        fail(CANARY)
    shown = traceback.TracebackException.from_exception(raised.value, capture_locals=True)
    assert CANARY in "".join(shown.format())
