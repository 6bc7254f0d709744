"""Errors that leave the interface show no secret, not even to tools that show variables."""

import faulthandler
import traceback

import pytest

from fillbridge import BacktestExecutionHandler, LiveExecutionHandler
from fillbridge.cli.keys import passphrase
from fillbridge.cli.output import REDACTOR
from fillbridge.config import LiveSettings, decode_settings, load_settings
from fillbridge.config.sealing import SealedText, sealed
from fillbridge.handlers.live_wiring import Credentials, live_secrets
from fillbridge.plugins import Plugins
from fillbridge.redaction import Redactor
from fillbridge.secrets import FileSecrets
from fillbridge_hooks import ConfigurationError, InvalidValue, Secret
from fillbridge_secrets import Vault
from fillbridge_secrets.passphrases import in_file

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
    found = Credentials(references, live_secrets(settings, plugins, redactor), redactor)
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


@pytest.fixture
def vault(tmp_path):
    """Makes a provider over one vault, which a passphrase in a file opens."""
    passphrase = tmp_path / "passphrase"
    passphrase.write_text(f"opens {CANARY}")
    passphrase.chmod(0o600)
    made = Vault(tmp_path / "vault.json", in_file(str(passphrase)))
    made.keep("PASSWORD", Secret(CANARY))
    return tmp_path, made


def test_a_vault_that_was_changed(vault):
    folder, opened = vault
    learned = []
    opened.tell(learned.append)
    opened.unlock()
    assert learned == [Secret(f"opens {CANARY}")]
    key = opened._opened[1]
    assert bytes(key) == key
    assert repr(key) == str(key) == "***"
    path = folder / "vault.json"
    path.write_text(path.read_text().replace("PASSWORD", "PASSW0RD"))
    with pytest.raises(ConfigurationError, match="was changed by somebody") as raised:
        opened("PASSW0RD")
    shown = with_locals(raised.value)
    assert "key = ***" in shown
    assert CANARY not in shown
    assert repr(bytes(key)) not in shown


@pytest.mark.parametrize(
    "content",
    [b"\xff" + CANARY.encode(), b"", b"wrong " + CANARY.encode()],
    ids=["no text", "empty", "another"],
)
def test_a_passphrase_that_does_not_open(vault, content):
    folder, opened = vault
    (folder / "passphrase").write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        opened.unlock()
    assert CANARY not in with_locals(raised.value)


def test_a_secret_in_a_file_that_is_no_text(tmp_path):
    (tmp_path / "PASSWORD").write_bytes(b"\xff" + CANARY.encode())
    (tmp_path / "PASSWORD").chmod(0o600)
    with pytest.raises(ConfigurationError, match="in UTF-8") as raised:
        FileSecrets(tmp_path)("PASSWORD")
    assert CANARY not in with_locals(raised.value)


def test_the_passphrase_of_an_operator_is_learned_and_must_be_private(tmp_path):
    path = tmp_path / "passphrase"
    path.write_text(f"mine is {CANARY}\n")
    path.chmod(0o644)
    with pytest.raises(ConfigurationError, match="with mode 0600, was 0644"):
        passphrase(path)
    path.chmod(0o600)
    assert passphrase(path) == Secret(f"mine is {CANARY}")
    assert REDACTOR(f"it was mine is {CANARY}") == "it was ***"
