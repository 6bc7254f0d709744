"""An approval counts for one purpose, one content, a quarter of an hour, and one key."""

import os
import subprocess
import sys
from itertools import combinations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fillbridge.operators import (
    MAX_AGE_NS,
    ApprovalBook,
    ApprovalRefused,
    Authority,
    NotApproved,
    content_hash,
    make_key_file,
    public_line,
    read_key_file,
    sign,
    verify,
)
from fillbridge_hooks import ConfigurationError, InvalidValue, Secret

NOW = 1_700_000_000_000_000_000
HASH = content_hash({"level": "flatten", "sequence": 3})


def new_key():
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    return Ed25519PrivateKey.generate()


KEYS = {name: new_key() for name in ("ann", "bob", "cid")}
OPERATORS = {name: public_line(key) for name, key in KEYS.items() if name != "cid"}


def approval(name="ann", purpose="arm", hashed=HASH, now_ns=NOW, key=None):
    return sign(purpose, hashed, name, key or KEYS[name], now_ns)


def test_an_approval_counts():
    verify(approval(), OPERATORS, "arm", HASH, NOW)


def test_the_order_of_keys_plays_no_part_in_a_hash():
    assert content_hash({"a": 1, "b": [2]}) == content_hash({"b": [2], "a": 1})
    assert content_hash({"a": 1}) != content_hash({"a": 2})


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        (approval("cid"), "expected one of the operators ann, bob, was 'cid'"),
        (approval(key=KEYS["bob"]), "expected the signature of ann, was another"),
        (approval(purpose="limits"), "expected one to arm, was to 'limits'"),
        (approval(hashed="0" * 64), "what it was given for has changed"),
        (approval(now_ns=NOW - MAX_AGE_NS - 1), "at most 15 minutes old, was 900 s"),
        (approval(now_ns=NOW + 61_000_000_000), "was -61 s"),
        (msgspec.structs.replace(approval(), signature="?"), "expected the signature of ann"),
        (msgspec.structs.replace(approval(), signature=""), "expected the signature of ann"),
    ],
)
def test_an_approval_that_is_not_right_is_refused(given_, message):
    with pytest.raises(ApprovalRefused, match=message.replace("?", r"\?")):
        verify(given_, OPERATORS, "arm", HASH, NOW)


@given(
    field=st.sampled_from(["purpose", "content_hash", "operator", "nonce", "time_ns"]),
    number=st.integers(1, 2**40),
)
def test_nothing_of_it_can_be_changed(field, number):
    given_ = approval()
    value = given_.time_ns + number if field == "time_ns" else f"x{number}"
    changed = msgspec.structs.replace(given_, **{field: value})
    with pytest.raises(ApprovalRefused):
        verify(changed, {**OPERATORS, f"x{number}": OPERATORS["ann"]}, "arm", HASH, NOW)


def test_two_take_two_different_operators():
    authority = Authority(OPERATORS, is_sim=False)
    twice = [approval(), approval()]
    with pytest.raises(
        NotApproved, match="arm: expected approvals of two operators, approved by ann"
    ):
        authority.approvers(twice, "arm", HASH, 2, "x", NOW)
    both = [*twice, approval("bob")]
    assert authority.approvers(both, "arm", HASH, 2, "x", NOW) == ("ann", "bob")
    assert authority.approvers(twice, "arm", HASH, 1, "x", NOW) == ("ann",)


def test_one_that_does_not_count_is_named_beside_those_that_do():
    given_ = [approval(), approval("bob", hashed="0" * 64)]
    with pytest.raises(
        NotApproved, match=r"approved by ann; approval of bob: expected the content"
    ):
        Authority(OPERATORS, is_sim=False).approvers(given_, "arm", HASH, 2, "x", NOW)


def test_where_none_are_configured_the_one_who_asks_is_one():
    authority = Authority({}, is_sim=False)
    assert not authority.is_signed
    assert authority.approvers([], "arm", HASH, 1, "ann (command line)", NOW) == (
        "ann (command line)",
    )
    with pytest.raises(NotApproved, match="two configured operators"):
        authority.approvers([], "arm", HASH, 2, "ann", NOW)
    assert Authority({}, is_sim=True).approvers([], "arm", HASH, 2, "ann", NOW) == ("ann",)


def test_configured_operators_bind_in_a_simulation_too():
    with pytest.raises(NotApproved):
        Authority(OPERATORS, is_sim=True).approvers([], "arm", HASH, 1, "ann", NOW)


@pytest.mark.parametrize(
    "operators",
    [{"ann": "ed25519:"}, {"ann": "rsa:AAAA"}, {"ann": "ed25519:%%"}, {"a b": OPERATORS["ann"]}],
)
def test_operators_that_are_none_are_refused(operators):
    with pytest.raises(InvalidValue):
        Authority(operators, is_sim=True)


def test_a_book_keeps_what_was_given_for_one_content_and_takes_nothing_twice():
    book = ApprovalBook()
    one, other = approval(), approval("bob", hashed="1" * 64)
    book.add(one, NOW)
    book.add(other, NOW)
    assert book.of("arm", HASH) == (one,)
    with pytest.raises(ApprovalRefused, match="it was used before"):
        book.add(one, NOW)
    book.add(approval("bob", now_ns=NOW + MAX_AGE_NS), NOW + MAX_AGE_NS + 1)
    assert one not in book.of("arm", HASH)


# Key files


def test_a_key_file_is_private_and_encrypted(tmp_path):
    path, passphrase = tmp_path / "ann.pem", Secret("correct horse")
    line = make_key_file(path, passphrase)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().startswith("-----BEGIN ENCRYPTED PRIVATE KEY-----")
    key = read_key_file(path, passphrase)
    assert public_line(key) == line
    verify(approval(key=key), {"ann": line}, "arm", HASH, NOW)


def test_a_key_file_is_never_written_over(tmp_path):
    path = tmp_path / "ann.pem"
    path.write_text("mine")
    with pytest.raises(ConfigurationError, match="expected no file yet"):
        make_key_file(path, Secret("correct horse"))
    assert path.read_text() == "mine"


def test_a_wrong_passphrase_is_refused_and_not_shown(tmp_path):
    path = tmp_path / "ann.pem"
    make_key_file(path, Secret("correct horse"))
    with pytest.raises(ConfigurationError, match="expected an encrypted private key") as caught:
        read_key_file(path, Secret("battery staple"))
    assert "battery" not in str(caught.value)


def test_a_key_that_others_may_read_is_refused(tmp_path):
    path = tmp_path / "ann.pem"
    make_key_file(path, Secret("correct horse"))
    path.chmod(0o640)
    with pytest.raises(ConfigurationError, match="expected the key with mode 0600, was 0640"):
        read_key_file(path, Secret("correct horse"))


def test_a_link_to_a_key_is_refused(tmp_path):
    make_key_file(tmp_path / "real.pem", Secret("correct horse"))
    (tmp_path / "ann.pem").symlink_to(tmp_path / "real.pem")
    with pytest.raises(ConfigurationError, match="was a symbolic link"):
        read_key_file(tmp_path / "ann.pem", Secret("correct horse"))


def test_a_key_of_another_user_or_where_anybody_can_exchange_it_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "ann.pem"
    make_key_file(path, Secret("correct horse"))
    mine = os.geteuid()
    with monkeypatch.context() as patch:
        patch.setattr(os, "geteuid", lambda: mine + 1)
        with pytest.raises(ConfigurationError, match=f"was user {mine}'s, who can change"):
            read_key_file(path, Secret("correct horse"))
    tmp_path.chmod(0o777)
    with pytest.raises(ConfigurationError, match="anybody can replace the file"):
        read_key_file(path, Secret("correct horse"))


def test_a_short_passphrase_is_refused(tmp_path):
    with pytest.raises(
        InvalidValue, match=r"passphrase: expected at least 8 characters, was \*\*\*"
    ):
        make_key_file(tmp_path / "ann.pem", Secret("short"))
    assert not (tmp_path / "ann.pem").exists()


@pytest.mark.parametrize("text", ["", "no key", "x" * 9_000])
def test_a_file_that_is_no_key_is_refused(tmp_path, text):
    path = tmp_path / "ann.pem"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="expected an encrypted private key"):
        read_key_file(path, Secret("correct horse"))


def test_every_pair_of_keys_differs():
    assert all(public_line(one) != public_line(two) for one, two in combinations(KEYS.values(), 2))


def test_the_core_is_imported_without_openssl():
    code = "import sys, fillbridge, fillbridge.cli.main; sys.exit('cryptography' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
