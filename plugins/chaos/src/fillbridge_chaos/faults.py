"""What can go wrong, by name, and how often and how badly it does."""

from enum import StrEnum
from typing import Annotated

import msgspec

Rate = Annotated[float, msgspec.Meta(ge=0, le=1)]
"""A probability."""

Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=600_000)]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class Fault(StrEnum):
    """A kind of fault: it names a counter, and the knob that sets how often it happens."""

    LATENCY = "latency"
    SPIKE = "spike"
    LOST_REQUEST = "lost_request"
    LOST_REPORT = "lost_report"
    DUPLICATE = "duplicate"
    REORDER = "reorder"
    LIMBO = "limbo"
    REJECT = "reject"
    PARTIAL = "partial"
    FILL_BEFORE_ACK = "fill_before_ack"
    CANCEL_CROSS = "cancel_cross"
    BUST = "bust"
    DISCONNECT_BEFORE_SEND = "disconnect_before_send"
    DISCONNECT_AFTER_SEND = "disconnect_after_send"
    HALF_OPEN = "half_open"
    FORCED_LOGOUT = "forced_logout"
    CONNECT_REFUSED = "connect_refused"
    EMPTY_ANSWER = "empty_answer"
    STALE_ANSWER = "stale_answer"


class Latency(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long one direction takes: a fixed part, a log-normal part, and now and then a spike."""

    fixed_ms: Milliseconds = 0.0
    median_ms: Milliseconds = 0.0
    """Median of the log-normal part."""
    sigma: Annotated[float, msgspec.Meta(ge=0, le=3)] = 0.0
    """Standard deviation of the logarithm: 0 makes the log-normal part its median."""
    spike: Rate = 0.0
    spike_ms: Milliseconds = 0.0
    """What a spike adds."""


class Faults(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Every knob of the chaos; without any, nothing goes wrong."""

    request_latency: Latency = Latency()
    """To the broker."""
    report_latency: Latency = Latency()
    """From the broker, market data too."""
    lost_request: Rate = 0.0
    """Per request: it looks sent and never reaches the broker."""
    lost_report: Rate = 0.0
    """Per report: it never arrives."""
    duplicate: Rate = 0.0
    """Per report: it arrives once more within ``reorder_window_ms``."""
    reorder: Rate = 0.0
    """Per report: it is late by up to ``reorder_window_ms``, and others overtake it."""
    reorder_window_ms: Milliseconds = 200.0
    limbo: Rate = 0.0
    """Per order: the broker has it, and nothing is heard of it for ``limbo_ms``."""
    limbo_ms: Milliseconds = 3_000.0
    reject: Rate = 0.0
    """Per request: it is refused on the way, with ``reject_code``."""
    reject_code: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "1042"
    partial: Rate = 0.0
    """Per fill of two contracts or more: it is told as 2 to ``partial_parts`` fills."""
    partial_parts: Annotated[int, msgspec.Meta(ge=2, le=100)] = 3
    fill_before_ack: Rate = 0.0
    """Per acknowledgement: it waits up to ``hold_ms`` for a fill, which then comes first."""
    cancel_cross: Rate = 0.0
    """Per cancel: it is ``cross_ms`` slower; a fill that crosses it is told after its answer."""
    cross_ms: Milliseconds = 150.0
    hold_ms: Milliseconds = 500.0
    """The longest wait for what shall come first."""
    bust: Rate = 0.0
    """Per fill that completes an order: the exchange takes it back after about ``bust_after_s``."""
    bust_after_s: Seconds = 10.0
    disconnect_before_send: Rate = 0.0
    """Per request or query: the link breaks, and nothing left."""
    disconnect_after_send: Rate = 0.0
    """Per request or query: it left, the link breaks, and whether it arrived is drawn."""
    half_open: Rate = 0.0
    """Per request or query: from here on nothing passes, and nobody says so."""
    half_open_s: Seconds = 60.0
    """Until a half-open link is seen to be dead."""
    forced_logout: Rate = 0.0
    """Per request or query: the broker ends the session for another login."""
    connect_refused: Rate = 0.0
    """Per connection: refused for ``refused_s``; the one after that is let in."""
    refused_s: Seconds = 3.0
    empty_answer: Rate = 0.0
    """Per query: nothing, although there is something."""
    stale_answer: Rate = 0.0
    """Per query: how things stood up to ``stale_s`` ago."""
    stale_s: Seconds = 5.0
    max_consecutive_lies: Annotated[int, msgspec.Meta(ge=0, le=10)] = 1
    """So many wrong answers to one kind of query in a row, then a true one."""
    query_timeout_s: Seconds = 2.0
    """When a query that a half-open link swallowed fails."""
