import copy
import dataclasses
import hmac
import json
import logging
import pickle
import traceback

import msgspec
import pytest

from fillbridge_hooks import Secret

CANARY = "hunter2-canary"


@dataclasses.dataclass
class Holder:
    secret: Secret


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        ascii,
        "{}".format,
        "{!r:>9}".format,
        "{0:x^99}".format,
        lambda s: f"{s}",
        lambda s: f"{s:20}",
        lambda s: f"{s=}",
        lambda s: "%s" % s,  # noqa: UP031  # that it is old does not keep people from it
        lambda s: "%r %a" % (s, s),  # noqa: UP031
        lambda s: str([s, {"password": s}, (s,)]),
        lambda s: repr(Holder(s)),
        lambda s: str(ValueError(s)),
        lambda s: json.dumps({"password": s}, default=str),
        lambda s: "".join(map(str, [s])),
        dir,
    ],
)
def test_a_secret_does_not_show(show):
    assert CANARY not in str(show(Secret(CANARY)))


@pytest.mark.parametrize(
    "leak",
    [
        copy.copy,
        copy.deepcopy,
        pickle.dumps,
        json.dumps,
        lambda s: pickle.dumps(s, protocol=0),
        lambda s: copy.deepcopy({"password": [s]}),
        lambda s: pickle.dumps(Holder(s)),
        lambda s: dataclasses.asdict(Holder(s)),
        lambda s: msgspec.json.encode({"password": s}),
        lambda s: msgspec.to_builtins(s),
        lambda s: {s},
        bytes,
        list,
        len,
        iter,
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


def test_a_secret_is_in_no_log_and_no_traceback_with_locals(caplog):
    secret = Secret(CANARY)
    logging.getLogger("theirs").error("login with %s, %r", secret, {"password": secret})
    try:
        raise ValueError(secret)
    except ValueError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)

    assert CANARY not in caplog.text
    assert CANARY not in "".join(told.format())


def test_secrets_are_compared_in_constant_time(monkeypatch):
    compared = []
    honest = hmac.compare_digest
    monkeypatch.setattr(
        hmac, "compare_digest", lambda *pair: compared.append(pair) or honest(*pair)
    )

    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("\u00e9") == Secret("\u00e9")
    assert len(compared) == 3


def test_a_secret_takes_no_further_attribute():
    with pytest.raises(AttributeError):
        Secret("a").copy = "a"
