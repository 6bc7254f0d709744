"""Fixtures of the tests of the driver."""

import logging

import pytest


@pytest.fixture
def everything(caplog, monkeypatch):
    """All that any logger says at DEBUG, also those that are made meanwhile."""
    monkeypatch.setattr("websockets.frames.Frame.MAX_LOG_SIZE", 100_000)
    caplog.set_level(logging.DEBUG)
    loggers = [one for one in logging.root.manager.loggerDict.values() if hasattr(one, "level")]
    before = [(one, one.level, one.propagate, one.disabled) for one in loggers]
    for one in loggers:
        # The gateway is another program; what it logs is its own affair.
        if one.name != "websockets.server":
            one.setLevel(logging.DEBUG)
            one.propagate, one.disabled = True, False
    server = logging.getLogger("websockets.server")
    level = server.level
    server.setLevel(logging.CRITICAL)
    yield caplog
    server.setLevel(level)
    for one, level, propagate, disabled in before:
        one.setLevel(level)
        one.propagate, one.disabled = propagate, disabled
