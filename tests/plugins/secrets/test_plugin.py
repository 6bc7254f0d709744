"""What opens the vault, and how both are configured."""

import getpass
import os

import pytest

from fillbridge.config import decode_settings, load_settings
from fillbridge.plugins import Plugins
from fillbridge.secrets import configured_secrets
from fillbridge_hooks import ConfigurationError, InvalidValue, Secret
from fillbridge_secrets import KeyringSecrets, Vault
from fillbridge_secrets.passphrases import asked, in_file, in_keyring


@pytest.fixture
def configured():
    plugins = Plugins()
    plugins.load()

    def make(environ=None, live=None, **vault):
        found = {"vault": vault, "live_settings": live or {}}
        settings = decode_settings(found, plugins.settings_sections())
        return configured_secrets(settings, plugins, environ or {})

    return make


def write(path, text, mode=0o600):
    path.touch(mode=0o600)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_without_a_vault_none_is_offered(configured):
    assert list(configured().providers) == ["environment", "file"]


def test_what_is_configured_is_offered(configured):
    found = configured(file="v.json", keyring_service="fillbridge").providers

    assert list(found) == ["environment", "file", "keyring", "vault"]
    assert type(found["keyring"]) is KeyringSecrets
    assert type(found["vault"]) is Vault


@pytest.mark.parametrize(
    ("vault", "message"),
    [
        ({"unlock": "file"}, "unlock: file and unlock_file are set together"),
        ({"unlock_file": "x"}, "unlock: file and unlock_file are set together"),
        ({"unlock": "keyring"}, "unlock: keyring needs keyring_service"),
        ({"unlock": "argv"}, "expected one of 'file', 'keyring', 'prompt', was 'argv'"),
        ({"passphrase": "x"}, "vault.passphrase: unknown key"),
    ],
)
def test_what_opens_it_is_said_whole(configured, vault, message):
    with pytest.raises((ConfigurationError, InvalidValue), match=message) as raised:
        configured(file="v.json", **vault)
    assert "execution_handler.vault" in str(raised.value)


@pytest.mark.parametrize("name", ["FILE", "UNLOCK", "UNLOCK_FILE", "KEYRING_SERVICE"])
def test_no_variable_says_where_secrets_come_from(name):
    plugins = Plugins()
    plugins.load()
    environ = {f"FILLBRIDGE_EXECUTION_HANDLER__VAULT__{name}": "x"}

    with pytest.raises(ConfigurationError, match="set in the file alone"):
        load_settings(None, plugins.settings_sections(), environ)


def test_a_vault_is_opened_by_a_credential_of_systemd(configured, tmp_path, cheap):
    write(tmp_path / "vault-passphrase", "correct horse battery\n")
    vault = {"file": str(tmp_path / "v.json"), "unlock": "file", "unlock_file": "vault-passphrase"}
    os.environ["CREDENTIALS_DIRECTORY"] = str(tmp_path)
    try:
        found = configured(**vault)
        found.providers["vault"].keep("PASSWORD", Secret("hunter2"))
        again = configured(**vault, live={"secret_providers": ["vault"]})
        again.unlock()
        assert again.resolve("${PASSWORD}") == Secret("hunter2")
    finally:
        del os.environ["CREDENTIALS_DIRECTORY"]


def test_a_passphrase_in_a_file(tmp_path):
    path = write(tmp_path / "pass", "correct horse\r\n", 0o600)

    assert in_file(str(path), {})(False) == Secret("correct horse")
    assert in_file("pass", {"CREDENTIALS_DIRECTORY": str(tmp_path)})(False).reveal()
    path.chmod(0o440)
    assert in_file("pass", {"CREDENTIALS_DIRECTORY": str(tmp_path)})(False).reveal()
    with pytest.raises(ConfigurationError, match="mode 0600, was 0440"):
        in_file(str(path), {"CREDENTIALS_DIRECTORY": str(tmp_path)})(False)


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "was nothing"), (b"\n", "was nothing"), (b"\xff", "UTF-8"), (b"x" * 5000, "at most")],
)
def test_what_is_no_passphrase_is_refused(tmp_path, content, message):
    path = write(tmp_path / "pass", "")
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match=message):
        in_file(str(path), {})(False)


def test_a_passphrase_in_the_keyring(monkeypatch):
    kept = {"vault-passphrase": Secret("correct horse")}
    monkeypatch.setattr(KeyringSecrets, "__call__", lambda self, name: kept.get(name))

    assert in_keyring("fillbridge")(False) == Secret("correct horse")
    kept.clear()
    with pytest.raises(ConfigurationError, match="vault-passphrase: expected the passphrase"):
        in_keyring("fillbridge")(False)


@pytest.fixture
def terminal(monkeypatch, tmp_path):
    """A terminal at which these answers are typed."""

    def types(*answers):
        typed = list(answers)
        monkeypatch.setattr(getpass, "getpass", lambda prompt: typed.pop(0))
        monkeypatch.setattr("fillbridge_secrets.passphrases._TERMINAL", str(write_null))

    write_null = write(tmp_path / "tty", "")
    return types


def test_a_person_types_an_old_passphrase_once_and_a_new_one_twice(tmp_path, terminal):
    terminal("old", "new one", "new one")
    ask = asked(tmp_path)

    assert ask(False) == Secret("old")
    assert ask(True) == Secret("new one")
    terminal("new one", "other")
    with pytest.raises(ConfigurationError, match="the two passphrases differ"):
        ask(True)


def test_where_nobody_can_be_asked_it_says_what_else_there_is(tmp_path, monkeypatch):
    monkeypatch.setattr("fillbridge_secrets.passphrases._TERMINAL", str(tmp_path / "none"))

    with pytest.raises(ConfigurationError, match="and there is none; set execution_handler"):
        asked(tmp_path)(False)
