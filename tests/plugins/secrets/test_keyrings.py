"""Only keyrings that encrypt are trusted, and none that is a stand-in."""

import sys

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as Fails
from keyring.backends.null import Keyring as Null

from fillbridge_hooks import ConfigurationError, KeepsSecrets, Secret, Unlockable
from fillbridge_secrets import KeyringSecrets, keyrings


class Encrypting(KeyringBackend):
    priority = 1

    def __init__(self):
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


class Chain(Encrypting):
    def __init__(self, *backends):
        super().__init__()
        self.backends = backends


Chain.__module__ = "keyring.backends.chainer"
Encrypting.__module__ = "keyring.backends.SecretService"


class Plaintext(Encrypting):
    pass


Plaintext.__module__ = "keyrings.alt.file"


@pytest.fixture
def use(monkeypatch):
    def choose(backend):
        monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
        return KeyringSecrets("fillbridge")

    return choose


def test_what_was_kept_is_found_under_the_service(use):
    backend = Encrypting()
    provider = use(backend)
    provider.unlock()
    provider.keep("PASSWORD", Secret("hunter2"))

    assert provider("PASSWORD") == Secret("hunter2")
    assert provider("OTHER") is None
    assert list(backend.kept) == [("fillbridge", "PASSWORD")]
    assert isinstance(provider, Unlockable)
    assert isinstance(provider, KeepsSecrets)


@pytest.mark.parametrize(
    ("backend", "name"),
    [
        (Null(), "keyring.backends.null.Keyring"),
        (Fails(), "keyring.backends.fail.Keyring"),
        (Plaintext(), "keyrings.alt.file.Plaintext"),
        (Chain(Encrypting(), Plaintext()), "keyrings.alt.file.Plaintext"),
        (Chain(), "none"),
    ],
)
@pytest.mark.parametrize("use_it", ["unlock", "ask", "keep"])
def test_what_does_not_encrypt_is_refused(use, backend, name, use_it):
    provider = use(backend)
    uses = {
        "unlock": provider.unlock,
        "ask": lambda: provider("X"),
        "keep": lambda: provider.keep("X", Secret("hunter2")),
    }

    with pytest.raises(ConfigurationError, match=f"expected one that encrypts, .* was {name}$"):
        uses[use_it]()


def test_a_chain_of_those_that_encrypt_is_trusted(use):
    use(Chain(Encrypting(), Encrypting())).unlock()


def test_a_keyring_that_fails_says_nothing_of_the_secret(use):
    backend = Encrypting()

    def fail(*arguments):
        raise RuntimeError(f"cannot keep {arguments}")

    backend.set_password = backend.get_password = fail
    with pytest.raises(ConfigurationError, match=r"it failed: RuntimeError$") as raised:
        use(backend).keep("X", Secret("hunter2"))
    assert raised.value.__suppress_context__
    with pytest.raises(ConfigurationError, match=r"it failed: RuntimeError$"):
        use(backend)("X")


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)

    with pytest.raises(ConfigurationError, match=r"install fillbridge-secrets\[keyring\]"):
        KeyringSecrets("fillbridge").unlock()


def test_every_trusted_keyring_is_a_module_of_the_package():
    from importlib.util import find_spec

    assert all(find_spec(name) for name in keyrings.ENCRYPTING)
