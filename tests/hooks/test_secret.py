import copy
import pickle

import msgspec
import pytest

from fillbridge_hooks import Secret

CANARY = "hunter2-canary"


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>9}".format, lambda s: f"{s:20}"])
def test_a_secret_does_not_show(show):
    assert CANARY not in show(Secret(CANARY))


@pytest.mark.parametrize(
    "leak",
    [
        copy.copy,
        copy.deepcopy,
        pickle.dumps,
        msgspec.json.encode,
        msgspec.msgpack.encode,
        hash,
        vars,
    ],
)
def test_a_secret_cannot_be_copied_encoded_or_hashed(leak):
    with pytest.raises(TypeError):
        leak(Secret(CANARY))


def test_a_secret_gives_itself_out_on_request_alone():
    assert Secret(CANARY).reveal() == CANARY


def test_secrets_compare_by_value():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
