"""Files that others could read, change or exchange are refused, with what to do about it."""

import os

import pytest

from fillbridge_hooks import ConfigurationError
from fillbridge_hooks.private_files import check_private, read_private, write_private

WHAT = "the vault"


@pytest.fixture
def private(tmp_path):
    path = tmp_path / "inner" / "vault"
    path.parent.mkdir(mode=0o700)
    write_private(path, b"content")
    return path


@pytest.fixture(params=["check", "read"])
def refusal(request):
    """What is said of a file, whether it is read or only looked at."""
    look = {"check": check_private, "read": read_private}[request.param]

    def ask(path):
        with pytest.raises(ConfigurationError) as raised:
            look(path, WHAT)
        message = str(raised.value)
        assert message.startswith(f"{path}: ")
        return message

    return ask


def test_what_is_written_is_private_and_read_back(private):
    assert private.stat().st_mode & 0o777 == 0o600
    assert read_private(private, WHAT) == b"content"
    check_private(private, WHAT)
    assert [path.name for path in private.parent.iterdir()] == ["vault"]


def test_writing_again_replaces_all_of_it(private):
    write_private(private, b"x")

    assert read_private(private, WHAT) == b"x"


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o200])
def test_a_narrower_mode_is_private(private, mode):
    private.chmod(mode)
    if os.access(private, os.R_OK):
        assert read_private(private, WHAT) == b"content"


@pytest.mark.parametrize("bit", [0o040, 0o020, 0o010, 0o004, 0o002, 0o001])
def test_each_further_bit_is_refused(private, refusal, bit):
    private.chmod(0o600 | bit)

    assert refusal(private).endswith(
        f"expected the vault with mode 0600, was {0o600 | bit:04o}: others may read or write it "
        f"(chmod 600 it)"
    )


def test_a_file_of_another_user_is_refused(private, refusal, monkeypatch):
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)

    message = refusal(private)

    assert f"to belong to user {owner + 1}, was user {owner}'s" in message
    assert f"(chown {owner + 1} it)" in message


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser gives files away")
def test_a_file_that_was_given_away_is_refused(private, refusal):
    os.chown(private, 12345, -1)

    assert "was user 12345's" in refusal(private)


def test_a_symbolic_link_is_refused_wherever_it_leads(private, refusal):
    link = private.with_name("link")
    link.symlink_to(private)
    dangling = private.with_name("dangling")
    dangling.symlink_to("nowhere")

    assert "was a symbolic link" in refusal(link)
    assert "was a symbolic link" in refusal(dangling)


@pytest.mark.parametrize("depth", [0, 1])
def test_a_folder_that_everybody_may_write_is_refused_however_far_above(private, refusal, depth):
    folder = private.parents[depth]
    folder.chmod(0o777)

    message = refusal(private)

    assert f"but {folder} has mode 0777: anybody can replace the file (chmod o-w it)" in message


def test_a_folder_behind_a_symbolic_link_is_seen(private, refusal):
    link = private.parent.parent / "link"
    link.symlink_to(private.parent, target_is_directory=True)
    private.parent.chmod(0o777)

    assert f"but {private.parent} has mode 0777" in refusal(link / "vault")


def test_a_sticky_folder_is_no_danger(private):
    private.parent.chmod(0o1777)

    assert read_private(private, WHAT) == b"content"


def test_nothing_is_written_where_anybody_could_exchange_it(private):
    private.parent.chmod(0o777)

    with pytest.raises(ConfigurationError, match="anybody can replace the file"):
        write_private(private, b"x")
    private.parent.chmod(0o700)
    assert read_private(private, WHAT) == b"content"


def test_what_somebody_prepared_is_not_written_through(private, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"theirs")
    private.with_name("vault-new").symlink_to(elsewhere)

    write_private(private, b"x")

    assert elsewhere.read_bytes() == b"theirs"
    assert read_private(private, WHAT) == b"x"


def test_what_is_no_file_is_refused(private, refusal):
    pipe = private.with_name("pipe")
    os.mkfifo(pipe, 0o600)

    assert refusal(private.parent).endswith("the vault cannot be read: Is a directory")
    assert refusal(pipe).endswith("the vault cannot be read: Not a regular file")
    assert refusal(private / "x").endswith("the vault cannot be read: Not a directory")
    assert refusal(private.with_name("none")).endswith("cannot be read: No such file or directory")


def test_a_file_that_is_too_large_is_refused(private):
    with pytest.raises(ConfigurationError, match="of at most 6 bytes, was larger"):
        read_private(private, WHAT, largest=6)
    assert read_private(private, WHAT, largest=7) == b"content"


@pytest.mark.parametrize("mode", [0o400, 0o440, 0o600])
def test_what_the_system_gives_may_be_readable_by_the_group(private, mode):
    private.chmod(mode)

    assert read_private(private, WHAT, given=True) == b"content"


@pytest.mark.parametrize("mode", [0o444, 0o460, 0o404, 0o620])
def test_what_the_system_gives_is_refused_if_others_may_do_more(private, mode):
    private.chmod(mode)

    with pytest.raises(ConfigurationError, match=f"was {mode:04o}"):
        read_private(private, WHAT, given=True)


def test_what_the_system_gives_may_be_its_own(private, monkeypatch):
    owner = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    monkeypatch.setattr("fillbridge_hooks.private_files._SYSTEM", owner)

    assert read_private(private, WHAT, given=True) == b"content"
    with pytest.raises(ConfigurationError, match="to belong to user"):
        read_private(private, WHAT)
