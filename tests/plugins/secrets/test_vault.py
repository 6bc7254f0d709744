import itertools
import os
import threading

import msgspec
import pytest

from fillbridge_hooks import (
    ConfigurationError,
    KeepsSecrets,
    ListsSecrets,
    RotatesKey,
    Secret,
    Unlockable,
)
from fillbridge_secrets import Vault, slots
from fillbridge_secrets.envelope import decode, encode, new_id, new_key


def test_a_vault_is_every_kind_of_provider(vault):
    for kind in (Unlockable, ListsSecrets, KeepsSecrets, RotatesKey):
        assert isinstance(vault, kind)


def test_what_was_kept_is_found_by_whoever_has_the_passphrase(vault, reopen):
    again = reopen()
    again.unlock()

    assert again("PASSWORD") == Secret("hunter2")
    assert again("TOKEN") == Secret("other")
    assert again("NONE") is None
    assert again.names() == ["PASSWORD", "TOKEN"]


def test_nothing_of_a_secret_stands_in_the_file(vault, path):
    content = path.read_bytes()

    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    for secret in (b"hunter2", b"other", b"correct horse"):
        assert secret not in content


def test_the_passphrase_is_asked_for_once_and_twice_only_when_the_vault_is_made(
    path, person, cheap
):
    vault = Vault(path, person)
    vault.keep("A", Secret("x"))
    vault.keep("B", Secret("y"))
    vault("A")
    assert person.asked == [True]
    again = Vault(path, person)
    again.unlock()
    again("A")
    again("B")
    assert person.asked == [True, False]


def test_names_need_no_passphrase(vault, path):
    def nobody(is_new):
        raise AssertionError

    assert Vault(path, nobody).names() == ["PASSWORD", "TOKEN"]


def test_a_secret_is_replaced_by_a_later_one_under_a_new_nonce(vault, path):
    before = decode(path.read_bytes())
    vault.keep("TOKEN", Secret("other"))
    after = decode(path.read_bytes())

    assert before.secrets["TOKEN"].nonce != after.secrets["TOKEN"].nonce
    assert before.seal.nonce != after.seal.nonce
    assert vault("TOKEN") == Secret("other")


def test_no_nonce_is_used_twice(vault, path):
    nonces = set()
    for number in range(50):
        vault.keep("TOKEN", Secret(str(number)))
        contents = decode(path.read_bytes())
        nonces |= {contents.secrets["TOKEN"].nonce, contents.seal.nonce}

    assert len(nonces) == 100


def test_another_passphrase_opens_nothing(vault, reopen):
    with pytest.raises(ConfigurationError, match="expected its passphrase, was another one"):
        reopen("correct horse batterz").unlock()


@pytest.mark.parametrize("name", ["", ".x", "a b", "a/b", "../x", "x" * 129, "ä", "${X}"])
def test_a_name_that_no_reference_could_say_is_refused(vault, name):
    with pytest.raises(ConfigurationError, match="the name of a secret"):
        vault.keep(name, Secret("x"))
    assert vault.names() == ["PASSWORD", "TOKEN"]


def test_nothing_is_no_secret(vault):
    with pytest.raises(ConfigurationError, match="'X': expected some text, was none"):
        vault.keep("X", Secret(""))


def test_a_new_passphrase_is_long_enough(path, cheap):
    def short(is_new):
        return Secret("x" * 11)

    with pytest.raises(ConfigurationError, match="at least 12 characters, was 11"):
        Vault(path, short).keep("A", Secret("x"))
    assert not path.exists()


def test_a_vault_that_is_missing_is_told_of(reopen):
    with pytest.raises(ConfigurationError, match="expected a vault, was none"):
        reopen().unlock()


# Whoever writes to the file


def test_every_changed_bit_is_noticed(vault, path):
    content = path.read_bytes()
    for place, bit in itertools.product(range(len(content)), (0, 3, 6)):
        changed = bytearray(content)
        changed[place] ^= 1 << bit
        path.write_bytes(changed)
        if decode(content) == _read(bytes(changed)):
            continue  # blanks between the values, and bits of base64 that say nothing
        with pytest.raises(ConfigurationError, match=str(path)):
            vault("PASSWORD")
    path.write_bytes(content)
    assert vault("PASSWORD") == Secret("hunter2")


def _read(content):
    try:
        return decode(content)
    except ConfigurationError:
        return None


def test_every_truncation_is_noticed(vault, path):
    content = path.read_bytes()
    for length in range(0, len(content) - 2, 7):
        path.write_bytes(content[:length])
        with pytest.raises(ConfigurationError, match="was damaged or something else"):
            vault("PASSWORD")


def changed(path, **fields):
    contents = decode(path.read_bytes())
    path.write_bytes(encode(msgspec.structs.replace(contents, **fields)))


def test_boxes_that_were_swapped_are_noticed(vault, path, reopen):
    boxes = decode(path.read_bytes()).secrets
    swapped = {"PASSWORD": boxes["TOKEN"], "TOKEN": boxes["PASSWORD"]}
    changed(path, secrets=swapped)

    for provider in (vault, reopen()):
        with pytest.raises(ConfigurationError, match="changed by somebody who does not have its"):
            provider("PASSWORD")


def test_a_swapped_box_does_not_open_even_under_the_right_seal(vault, path, monkeypatch):
    boxes = decode(path.read_bytes()).secrets
    changed(path, secrets={"PASSWORD": boxes["TOKEN"], "TOKEN": boxes["PASSWORD"]})
    monkeypatch.setattr(Vault, "_check_seal", lambda *arguments: None)

    with pytest.raises(ConfigurationError, match="'PASSWORD' is not what was kept under that name"):
        vault("PASSWORD")


def test_a_secret_that_was_taken_out_or_put_back_is_noticed(vault, path):
    older = decode(path.read_bytes()).secrets
    vault.keep("TOKEN", Secret("newer"))
    newer = decode(path.read_bytes()).secrets
    content = path.read_bytes()
    for boxes in ({"PASSWORD": newer["PASSWORD"]}, older, {}):
        path.write_bytes(content)
        changed(path, secrets=boxes)
        with pytest.raises(ConfigurationError, match="changed by somebody"):
            vault("TOKEN")


def test_a_slot_that_was_put_in_is_noticed(vault, path, reopen):
    contents = decode(path.read_bytes())
    theirs = slots.new_slot(Secret("their passphrase"), new_key(), contents.key_id)
    changed(path, slots=(*contents.slots, theirs))

    for provider in (vault, reopen(), reopen("their passphrase")):
        with pytest.raises(ConfigurationError, match="changed by somebody"):
            provider("PASSWORD")


@pytest.mark.parametrize(
    "costs",
    [
        {"memory_kib": 65_535},
        {"memory_kib": 1_048_577},
        {"iterations": 2},
        {"iterations": 17},
        {"lanes": 0},
        {"lanes": 17},
        {"salt": b"x" * 15},
    ],
)
def test_costs_out_of_bounds_are_not_paid(vault, path, reopen, monkeypatch, costs):
    contents = decode(path.read_bytes())
    changed(path, slots=(msgspec.structs.replace(contents.slots[0], **costs),))
    monkeypatch.setattr(slots, "_derived", lambda *arguments: pytest.fail("derived"))

    with pytest.raises(ConfigurationError, match="damaged or something else"):
        reopen().unlock()


def test_the_vault_of_another_key_in_its_place_opens_nothing(vault, path):
    changed(path, key_id=new_id())

    with pytest.raises(ConfigurationError, match="expected its passphrase"):
        vault("PASSWORD")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}",
        b"[" * 100_000,
        b"\xff\xfe",
        b"null",
        b'{"format":"fillbridge-vault","version":2}',
        b'{"format":"other","version":1}',
    ],
)
def test_what_is_no_vault_is_refused(vault, path, content):
    path.write_bytes(content)

    with pytest.raises(ConfigurationError, match="damaged or something else"):
        vault("PASSWORD")


def test_a_file_that_is_too_large_is_refused(vault, path):
    path.write_bytes(b" " * (1 << 20) + path.read_bytes())

    with pytest.raises(ConfigurationError, match="at most 1,048,576 bytes"):
        vault("PASSWORD")


# Modes


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o660, 0o604])
@pytest.mark.parametrize("use", ["unlock", "ask", "list", "keep", "rotate"])
def test_a_vault_that_others_may_read_is_refused_whatever_is_wanted(vault, path, mode, use):
    path.chmod(mode)
    uses = {
        "unlock": vault.unlock,
        "ask": lambda: vault("PASSWORD"),
        "list": vault.names,
        "keep": lambda: vault.keep("X", Secret("x")),
        "rotate": lambda: vault.rotate(None),
    }

    with pytest.raises(ConfigurationError, match=rf"mode 0600, was {mode:04o}.*chmod 600"):
        uses[use]()


def test_a_link_to_a_vault_and_a_folder_for_everybody_are_refused(vault, path, reopen):
    real = path.rename(path.with_name("real"))
    path.symlink_to(real)
    with pytest.raises(ConfigurationError, match="was a symbolic link"):
        vault("PASSWORD")
    path.unlink()
    path.symlink_to("nowhere")
    with pytest.raises(ConfigurationError, match="was a symbolic link"):
        vault.keep("X", Secret("x"))
    path.unlink()
    real.rename(path)
    path.parent.chmod(0o777)
    with pytest.raises(ConfigurationError, match="anybody can replace the file"):
        vault("PASSWORD")


def test_a_vault_of_another_user_is_refused(vault, monkeypatch):
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    with pytest.raises(ConfigurationError, match="to belong to user"):
        vault("PASSWORD")


# Rotation


def test_after_a_rotation_the_old_passphrase_opens_nothing(vault, path, reopen):
    before = decode(path.read_bytes())
    vault.rotate(Secret("an entirely new one"))
    after = decode(path.read_bytes())

    assert before.key_id != after.key_id
    assert vault("PASSWORD") == Secret("hunter2")
    assert reopen("an entirely new one")("TOKEN") == Secret("other")
    with pytest.raises(ConfigurationError, match="expected its passphrase"):
        reopen()("TOKEN")


def test_two_passphrases_open_it_until_the_rotation_is_finished(vault, path, reopen):
    vault.rotate(Secret("an entirely new one"), keep_old=True)
    assert reopen()("TOKEN") == reopen("an entirely new one")("TOKEN") == Secret("other")

    reopen("an entirely new one").rotate(None)

    assert len(decode(path.read_bytes()).slots) == 1
    assert reopen("an entirely new one")("TOKEN") == Secret("other")
    with pytest.raises(ConfigurationError, match="expected its passphrase"):
        reopen()("TOKEN")


def test_there_are_not_arbitrarily_many_passphrases(vault, reopen):
    for number in range(7):
        vault.rotate(Secret(f"passphrase number {number}"), keep_old=True)
    with pytest.raises(ConfigurationError, match="at most 8 passphrases"):
        vault.rotate(Secret("passphrase number 8"), keep_old=True)
    assert reopen("passphrase number 6")("TOKEN") == Secret("other")


def test_a_rotation_that_is_refused_changes_nothing(vault, path, reopen):
    content = path.read_bytes()
    with pytest.raises(ConfigurationError, match="at least 12"):
        vault.rotate(Secret("short"))
    with pytest.raises(ConfigurationError, match="expected its passphrase"):
        reopen("somebody else's").rotate(Secret("an entirely new one"))
    assert path.read_bytes() == content


def test_whoever_trades_unlocks_again_after_a_rotation_unless_that_asks_a_person(vault, reopen):
    service, operator = reopen(), reopen(asks=True)
    service.unlock()
    operator.unlock()
    vault.rotate(None)

    assert service("TOKEN") == Secret("other")
    with pytest.raises(ConfigurationError, match="its key was changed since it was unlocked"):
        operator("TOKEN")
    operator.unlock()
    assert operator("TOKEN") == Secret("other")


# Writing


def test_two_who_keep_secrets_at_once_lose_none(vault, reopen):
    def keep(who):
        mine = reopen()
        for number in range(10):
            mine.keep(f"{who}{number}", Secret("x"))

    threads = [threading.Thread(target=keep, args=(who,)) for who in "ABC"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert len(vault.names()) == 32
    assert vault("A9") == Secret("x")


def test_a_write_that_fails_leaves_what_was_there(vault, path, monkeypatch):
    content = path.read_bytes()

    def full(descriptor, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(ConfigurationError, match="cannot be written: No space left on device"):
        vault.keep("X", Secret("x"))
    monkeypatch.undo()
    assert path.read_bytes() == content


# The real costs


def test_the_passphrase_goes_through_argon2id_at_full_cost(path, person, monkeypatch):
    vault = Vault(path, person)
    vault.keep("A", Secret("x"))
    (slot,) = decode(path.read_bytes()).slots

    assert (slot.memory_kib, slot.iterations, slot.lanes) == (65_536, 3, 4)
    assert Vault(path, person)("A") == Secret("x")
    person.passphrase += "?"
    with pytest.raises(ConfigurationError, match="expected its passphrase"):
        Vault(path, person)("A")


def test_a_slot_is_bound_to_its_costs_and_to_the_vaults_key(path, person):
    vault = Vault(path, person)
    vault.keep("A", Secret("x"))
    contents = decode(path.read_bytes())
    (slot,) = contents.slots
    assert slots.key_in(slot, Secret(person.passphrase), contents.key_id) is not None
    for other in (
        msgspec.structs.replace(slot, lanes=3),
        msgspec.structs.replace(slot, slot_id=new_id()),
    ):
        assert slots.key_in(other, Secret(person.passphrase), contents.key_id) is None
    assert slots.key_in(slot, Secret(person.passphrase), new_id()) is None
