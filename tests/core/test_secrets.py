import pytest

from fillbridge.plugins import Plugins
from fillbridge.secrets import EnvironmentSecrets, FileSecrets, Secrets
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


def test_a_folder_is_no_secret(tmp_path):
    (tmp_path / "PASSWORD").mkdir(mode=0o700)

    assert FileSecrets(tmp_path)("PASSWORD") is None


def test_what_is_no_text_or_too_long_is_refused(tmp_path, keep):
    keep("BINARY", b"\xff\xfe")
    keep("LONG", b"x" * 70_000)

    with pytest.raises(ConfigurationError, match="UTF-8"):
        FileSecrets(tmp_path)("BINARY")
    with pytest.raises(ConfigurationError, match="64 KiB"):
        FileSecrets(tmp_path)("LONG")


def test_a_variable_is_a_secret_unless_it_is_empty():
    provider = EnvironmentSecrets({"USER_NAME": "me", "EMPTY": ""})

    assert provider("USER_NAME") == Secret("me")
    assert provider("EMPTY") is None
    assert provider("OTHER") is None


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
    with pytest.raises(ConfigurationError, match=r"\$\{NAME\}.* one of environment, vault has"):
        Secrets({"vault": lambda reference: None}, environ={}).resolve("${NAME}")


def test_text_that_is_no_reference_is_the_secret_itself():
    assert Secrets({}, environ={}).resolve("plain") == Secret("plain")


def test_plugins_offer_providers_once_in_the_order_of_names():
    plugins = Plugins()
    first, second = Offers(("z", Secret)), Offers(("a", Secret))
    plugins.register(first, "first")
    plugins.register(second, "second")

    assert list(plugins.secret_providers()) == ["a", "z"]
    plugins.secret_providers()
    assert (first.calls, second.calls) == (1, 1)


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
