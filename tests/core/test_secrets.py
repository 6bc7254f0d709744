import pytest

from fillbridge.config import decode_settings
from fillbridge.handlers.live_wiring import Credentials, live_secrets
from fillbridge.handlers.redaction import Redactor
from fillbridge.plugins import Plugins
from fillbridge.secrets import EnvironmentSecrets, FileSecrets, Secrets, configured_secrets
from fillbridge.secrets.files import folders_of
from fillbridge_hooks import ConfigurationError, PluginError, Secret, hookimpl


@pytest.fixture
def keep(tmp_path):
    """Write a secret file of a mode."""

    def write(name, content, mode=0o600):
        path = tmp_path / name
        path.write_bytes(content)
        path.chmod(mode)
        return path

    return write


class Offers:
    def __init__(self, *offers):
        self.offers = offers
        self.calls = 0

    @hookimpl
    def fillbridge_register_secret_providers(self, register):
        self.calls += 1
        for name, provider in self.offers:
            register(name, provider)


def test_a_file_is_the_secret_without_its_last_line_break(tmp_path, keep):
    keep("PASSWORD", b"two\nlines\r\n")

    assert FileSecrets(tmp_path)("PASSWORD").reveal() == "two\nlines"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o622])
def test_a_file_that_others_may_touch_is_refused_with_what_to_do(tmp_path, keep, mode):
    path = keep("PASSWORD", b"x", mode)

    with pytest.raises(ConfigurationError, match=rf"{path}.*{mode:04o}.*chmod 600"):
        FileSecrets(tmp_path)("PASSWORD")


@pytest.mark.parametrize("reference", ["", ".", "..", "../x", "/etc/passwd", "a/b", "a\0b", "none"])
def test_nothing_outside_of_the_directory_is_read(tmp_path, keep, reference):
    keep("x", b"secret")
    (tmp_path / "inner").mkdir()

    assert FileSecrets(tmp_path / "inner")(reference) is None


def test_an_empty_file_is_refused(tmp_path, keep):
    keep("PASSWORD", b"\n")

    with pytest.raises(ConfigurationError, match="expected a secret, was an empty file"):
        FileSecrets(tmp_path)("PASSWORD")


def test_a_link_to_a_secret_is_refused(tmp_path, keep):
    (tmp_path / "LINK").symlink_to(keep("PASSWORD", b"x"))

    with pytest.raises(ConfigurationError, match="was a symbolic link"):
        FileSecrets(tmp_path)("LINK")


def test_what_systemd_gives_may_show_an_access_list(tmp_path, keep):
    keep("PASSWORD", b"x", 0o440)
    secrets = Secrets({}, environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert secrets.resolve("${PASSWORD}") == Secret("x")
    with pytest.raises(ConfigurationError, match="mode 0600, was 0440"):
        FileSecrets(tmp_path)("PASSWORD")


def test_folders_are_searched_one_after_the_other(tmp_path):
    folders = [tmp_path / name for name in ("mine", "systemd", "container")]
    for number, folder in enumerate(folders):
        folder.mkdir()
        for name in ("A", "B", "C")[number:]:
            (folder / name).touch(0o600)
            (folder / name).write_text(f"{name} of {folder.name}")
    mine, systemd, container = folders
    found = folders_of(mine, {"CREDENTIALS_DIRECTORY": str(systemd)}, container)

    assert [found(name).reveal() for name in "ABC"] == ["A of mine", "B of mine", "C of mine"]
    assert found.names() == ["A", "B", "C"]
    (mine / "B").unlink()
    (mine / "C").unlink()
    (systemd / "C").unlink()
    assert [found(name).reveal() for name in "BC"] == ["B of systemd", "C of container"]
    assert found("D") is None
    assert folders_of(None, {}, tmp_path / "none").names() == []
    assert folders_of(tmp_path / "none", {}, tmp_path / "none").names() == []


def test_a_folder_is_no_secret(tmp_path):
    (tmp_path / "PASSWORD").mkdir(mode=0o700)

    assert FileSecrets(tmp_path)("PASSWORD") is None


def test_what_is_no_text_or_too_long_is_refused(tmp_path, keep):
    keep("BINARY", b"\xff\xfe")
    keep("LONG", b"x" * 70_000)

    with pytest.raises(ConfigurationError, match="UTF-8"):
        FileSecrets(tmp_path)("BINARY")
    with pytest.raises(ConfigurationError, match="at most 65,536 bytes"):
        FileSecrets(tmp_path)("LONG")


def test_a_variable_is_a_secret_unless_it_is_empty():
    provider = EnvironmentSecrets({"USER_NAME": "me", "EMPTY": ""})

    assert provider("USER_NAME") == Secret("me")
    assert provider("EMPTY") is None
    assert provider("OTHER") is None


def test_a_secret_of_the_environment_is_told_of_once_and_not_shown(caplog):
    provider = EnvironmentSecrets({"NAME": "hunter2"})
    for _ in range(3):
        provider("NAME")
        provider("OTHER")

    (record,) = caplog.records
    assert "${NAME} comes from the environment, which other processes can read" in record.message
    assert "hunter2" not in caplog.text


def test_providers_are_asked_in_the_order_of_their_names(tmp_path, keep):
    keep("NAME", b"of a file")
    asked = []

    def vault(reference):
        asked.append(reference)

    secrets = Secrets({"a-vault": vault}, environ={}, directory=tmp_path)
    assert secrets.resolve("${NAME}") == Secret("of a file")
    assert asked == ["NAME"]

    environment_first = Secrets({}, environ={"NAME": "of the environment"}, directory=tmp_path)
    assert environment_first.resolve("${NAME}") == Secret("of the environment")


def test_a_secret_that_nobody_has_names_who_was_asked():
    with pytest.raises(
        ConfigurationError, match=r"\$\{NAME\}.* one of environment, file, vault has"
    ):
        Secrets({"vault": lambda reference: None}, environ={}).resolve("${NAME}")


def test_the_configuration_says_who_is_asked_and_in_which_order(tmp_path, keep):
    keep("NAME", b"of a file")
    vaults = {"vault": lambda reference: Secret("of the vault")}
    environ = {"NAME": "of the environment"}

    def asked(*only):
        found = Secrets(vaults, environ=environ, directory=tmp_path, only=only)
        return found.resolve("${NAME}").reveal()

    assert asked("vault", "file", "environment") == "of the vault"
    assert asked("file", "vault") == "of a file"
    assert asked("environment", "file") == "of the environment"


@pytest.mark.parametrize(
    ("only", "message"),
    [
        (("keyring",), r"expected names of 'environment', 'file', 'vault', was 'keyring'"),
        (("file", "file"), r"expected each name once, was \['file', 'file'\]"),
    ],
)
def test_a_list_of_providers_that_cannot_be_used(only, message):
    with pytest.raises(ConfigurationError, match=rf"live_settings\.secret_providers: {message}"):
        Secrets({"vault": lambda reference: None}, environ={}, only=only)


def test_nobody_is_asked_where_nobody_may_be():
    with pytest.raises(ConfigurationError, match="one of no provider has"):
        Secrets({}, environ={"NAME": "x"}, only=()).resolve("${NAME}")


@pytest.mark.parametrize(
    ("live", "asked"),
    [
        ({}, ["environment", "file", "vault"]),
        ({"environment": "prod"}, ["file", "vault"]),
        ({"environment": "prod", "secret_providers": ["environment"]}, ["environment"]),
        ({"secret_providers": ["vault", "file"]}, ["vault", "file"]),
        ({"secret_providers": []}, []),
    ],
)
def test_in_production_the_environment_is_asked_only_where_that_was_chosen(live, asked):
    plugins = Plugins()
    plugins.register(Offers(("vault", Secret)), "theirs")
    settings = decode_settings({"live_settings": live})

    assert list(configured_secrets(settings, plugins, {}).providers) == asked


class Locked:
    def __init__(self):
        self.opened = 0

    def __call__(self, reference):
        return Secret("x") if self.opened else None

    def unlock(self):
        self.opened += 1


def test_what_must_be_unlocked_is_unlocked_before_anybody_logs_in():
    locked, plugins = Locked(), Plugins()
    plugins.register(Offers(("vault", locked)), "theirs")

    def wire(**live):
        settings = decode_settings({"live_settings": {"secret_providers": ["vault"], **live}})
        secrets = live_secrets(settings, plugins, Redactor())
        return Credentials(settings.live_settings.credentials, secrets, Redactor())

    wire()
    wire(credentials={"user": "me"})
    assert locked.opened == 0
    found = wire(credentials={"user": "me", "password": "${NAME}"})
    assert locked.opened == 1
    assert found["password"].reveal() == "x"
    wire(secret_providers=["file"], credentials={"password": "${NAME}"})
    assert locked.opened == 1


@pytest.mark.parametrize("value", ["${PW", "x${PW}", "${PW}x", "${}", "${P W}", "${P}${W}"])
def test_what_was_meant_as_a_reference_is_never_sent_as_a_password(value):
    settings = decode_settings({"live_settings": {"credentials": {"password": value}}})

    with pytest.raises(
        ConfigurationError, match=r"credentials\.password: expected a reference"
    ) as r:
        live_secrets(settings, Plugins(), Redactor())
    assert value not in str(r.value)
    with pytest.raises(ConfigurationError, match="expected a reference"):
        Secrets({}, environ={}).resolve(value)


def test_text_that_is_no_reference_is_the_secret_itself():
    assert Secrets({}, environ={}).resolve("plain") == Secret("plain")


def test_plugins_offer_providers_in_the_order_of_names():
    plugins = Plugins()
    plugins.register(Offers(("z", Secret)), "first")
    plugins.register(Offers(("a", Secret)), "second")

    assert list(plugins.secret_providers()) == ["a", "z"]


@pytest.mark.parametrize(
    ("offers", "message"),
    [
        ([("vault", Secret), ("vault", Secret)], "'vault' is offered already"),
        ([("file", Secret)], "'file' is offered already, by fillbridge"),
        ([("vault", 7)], "expected a function, was 7"),
        ([("", Secret)], "expected a word"),
    ],
)
def test_a_provider_that_cannot_be_taken_names_its_plugin(offers, message):
    plugins = Plugins()
    plugins.register(Offers(*offers), "theirs")

    with pytest.raises(PluginError, match=message) as raised:
        plugins.secret_providers()
    assert raised.value.plugin == "theirs"
