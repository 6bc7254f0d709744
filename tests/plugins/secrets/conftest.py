"""A vault, and a passphrase that is cheap to try: the real costs have tests of their own."""

import hashlib

import pytest

from fillbridge_hooks import Secret
from fillbridge_secrets import Vault, slots

PASSPHRASE = "correct horse battery"  # noqa: S105  # of a vault that lives as long as its test


@pytest.fixture
def cheap(monkeypatch):
    def derived(passphrase, salt, memory_kib, iterations, lanes):
        costs = f"{memory_kib}/{iterations}/{lanes}".encode()
        return hashlib.sha256(passphrase.reveal().encode() + salt + costs).digest()

    monkeypatch.setattr(slots, "_derived", derived)


class Person:
    """Answers with a passphrase, and counts how often it is asked."""

    def __init__(self, passphrase=PASSPHRASE):
        self.passphrase = passphrase
        self.asked = []

    def __call__(self, is_new):
        self.asked.append(is_new)
        return Secret(self.passphrase)


@pytest.fixture
def person():
    return Person()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "vault.json"


@pytest.fixture
def vault(path, person, cheap):
    """A vault with two secrets, unlocked."""
    made = Vault(path, person)
    made.keep("PASSWORD", Secret("hunter2"))
    made.keep("TOKEN", Secret("other"))
    return made


@pytest.fixture
def reopen(path, cheap):
    """The vault as another process sees it."""

    def make(passphrase=PASSPHRASE, **options):
        return Vault(path, Person(passphrase), **options)

    return make
