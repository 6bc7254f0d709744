"""No record of logging holds a secret or forges a line, on whatever handler it is."""

import io
import logging

import pytest

from fillbridge.logs import RedactionFilter, cause_of
from fillbridge.redaction import Redactor, mask_named
from fillbridge_hooks import Secret

CANARY = "CANARY hunter2/+é"


@pytest.fixture
def redactor():
    made = Redactor()
    made.learn(Secret(CANARY))
    return made


@pytest.fixture
def log(redactor):
    """A logger of somebody, a handler with the filter, and what it has written."""
    handler = logging.StreamHandler(io.StringIO())
    handler.addFilter(RedactionFilter(redactor))
    handler.setFormatter(logging.Formatter("%(name)s %(message)s"))
    logger = logging.Logger("theirs.below", logging.DEBUG)  # noqa: LOG001  # of this test alone
    logger.addHandler(handler)
    logger.written = handler.stream.getvalue
    return logger


class Odd:
    def __str__(self):
        return f"<{CANARY}>"

    __repr__ = __str__


def test_messages_and_their_arguments(log):
    log.debug("in the message %s", CANARY)
    log.debug(f"written out {CANARY}")  # noqa: G004
    log.debug("by name %(secret)s %(count)d", {"secret": CANARY, "count": 7})
    log.debug("an object %s %r", Odd(), [CANARY])
    log.debug("an error %s", ValueError(CANARY))
    log.debug("%s" * 3, "CANARY ", "hunter2", "/+é")
    log.debug("in digits %s", CANARY.encode().hex(" "))
    log.debug("100 % of it", stack_info=True)
    written = log.written()
    assert "hunter2" not in written
    assert CANARY.encode().hex(" ") not in written
    assert written.count("***") == 8
    assert "by name *** 7" in written
    assert "100 % of it" in written


def test_without_the_filter_they_would_be_there(log):
    log.handlers[0].filters.clear()
    log.debug("in the message %s", CANARY)
    assert CANARY in log.written()


def test_tracebacks_with_their_causes(log):
    def fails(password):
        try:
            raise OSError(f"sent {password}")
        except OSError as error:
            raise ValueError(f"first\nERROR forged {password}") from error

    try:
        fails(CANARY)
    except ValueError:
        log.exception("it failed")
    written = log.written()
    assert "hunter2" not in written
    assert "OSError: sent ***" in written
    assert "raise ValueError" in written
    assert not any(line.startswith("ERROR") for line in written.splitlines())


def test_the_cause_is_one_line(log):
    seen = []
    log.handlers[0].emit = seen.append
    try:
        raise ValueError(f"a\n{CANARY}")
    except ValueError:
        log.exception("it failed")
    log.error("nothing")
    assert [cause_of(one) for one in seen] == ["ValueError: a\\n***", ""]
    assert [one.exc_info for one in seen] == [None, None]


def test_a_record_may_pass_two_handlers(log, redactor):
    log.addHandler(log.handlers[0])
    second = logging.StreamHandler(io.StringIO())
    second.addFilter(RedactionFilter(redactor))
    log.addHandler(second)
    try:
        raise ValueError(CANARY)
    except ValueError:
        log.exception("it failed with %s", CANARY)
    assert "ValueError: ***" in second.stream.getvalue()
    assert "it failed with ***" in second.stream.getvalue()


def test_a_broker_forges_no_line(log):
    log.warning("refused: %s", "no\n2026-01-01 ERROR all is lost\x1b[2J")
    assert log.written() == "theirs.below refused: no\\n2026-01-01 ERROR all is lost\\x1b[2J\n"


def test_a_message_that_does_not_fit_its_arguments_is_written_all_the_same(log):
    log.warning("%d of them", CANARY)
    assert "hunter2" not in log.written()
    assert "%d of them" in log.written()


@pytest.mark.parametrize(
    ("name", "level", "is_let_through"),
    [
        ("websockets.client", logging.DEBUG, False),
        ("websockets", logging.INFO, True),
        ("asyncio", logging.DEBUG, False),
        ("fillbridge.live", logging.DEBUG, True),
        ("websocketsish", logging.DEBUG, True),
    ],
)
def test_libraries_that_write_what_is_sent_are_pinned(redactor, name, level, is_let_through):
    record = logging.LogRecord(name, level, "", 1, "sent", (), None)
    assert RedactionFilter(redactor).filter(record) is is_let_through


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("password=abc, user=me", "password=***, user=me"),
        ("{'password': 'a b', 'user': 'me'}", "{'password': ***, 'user': 'me'}"),
        ('{"api_key": "x"}', '{"api_key": ***}'),
        ("DB_PASSWD: abc", "DB_PASSWD: ***"),
        ("Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer ***"),
        ("private-key=MIIE", "private-key=***"),
        ("token=***", "token=***"),
        ("password: expected text, was 7", "password: expected text, was 7"),
        ("credentials.password: ${PASSWORD}", "credentials.password: ${PASSWORD}"),
        ("the password is wrong", "the password is wrong"),
        ("a secret in UTF-8", "a secret in UTF-8"),
    ],
)
def test_what_calls_itself_a_secret_is_masked(text, masked):
    assert mask_named(text) == masked


@pytest.mark.parametrize(
    "form",
    [
        CANARY,
        repr(CANARY),
        CANARY.encode().hex(),
        CANARY.encode().hex().upper(),
        "CANARY%20hunter2%2F%2B%C3%A9",
        "CANARY+hunter2%2F%2B%C3%A9",
        "Q0FOQVJZIGh1bnRlcjIvK8Op",
        "CANARY hunter2/+\\u00e9",
        "CANARY hunter2/+\\xc3\\xa9",
    ],
)
def test_a_secret_is_known_however_it_is_written(redactor, form):
    assert "***" in redactor(f"it is {form}.")
    assert form.strip("'") not in redactor(f"it is {form}.")


def test_a_redactor_shows_nothing_itself(redactor):
    assert "hunter2" not in repr(vars(redactor))
