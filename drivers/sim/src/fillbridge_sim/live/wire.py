"""What is said over the socket of a simulated broker, and how it is written.

A frame is four bytes of length, big end first, and so many bytes of msgpack. Fields that are not
known are passed over, so that versions can mix; ``VERSION`` rises when that is not enough.
"""

from typing import Literal

import msgspec

from fillbridge_hooks import (
    Accepted,
    BrokerMargin,
    BrokerOrder,
    BrokerPosition,
    Cancelled,
    CancelRejected,
    Expired,
    Fill,
    FillVoided,
    Instrument,
    Message,
    Order,
    OutcomeUnknown,
    QuoteTick,
    Rejected,
    Replaced,
    Replacement,
    ReplaceRejected,
    TradeTick,
)

VERSION = 1
LENGTH_BYTES = 4
FRAME_LIMIT = 4 * 1024 * 1024
"""Bytes of the longest frame that is read or written."""
CHUNK = 2000
"""Orders or fills in one answer at most."""

TaggedReport = (
    Accepted
    | Rejected
    | Cancelled
    | Expired
    | OutcomeUnknown
    | Replaced
    | CancelRejected
    | ReplaceRejected
    | FillVoided
)

Question = Literal["working_orders", "orders_today", "fills", "positions"]


class BadFrame(Exception):
    """What came is no frame of this protocol; the connection cannot go on."""


# Requests


class LogIn(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The first frame of a session."""

    version: int
    account: str
    instruments: tuple[Instrument, ...]


class Submit(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Take an order over; answered by reports."""

    order: Order
    legs: tuple[Order, ...] = ()


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Withdraw an order; answered by a report."""

    client_order_id: str


class Replace(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Change an order; answered by a report."""

    change: Replacement


class Ask(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """One of the queries of a session; answered by answers of that number."""

    number: int
    question: Question
    since_ns: int = 0


class ShowBook(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Everything that is kept, without a session; answered by answers, account by account."""


class PushTrade(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Let a trade happen now, without a session."""

    symbol: str
    price: float
    size: float = 1.0


class PushQuote(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Let the best bid and offer be these, without a session."""

    symbol: str
    bid: float
    ask: float
    bid_size: float = 1.0
    ask_size: float = 1.0


Request = LogIn | Submit | Cancel | Replace | Ask | ShowBook | PushTrade | PushQuote


# Answers


class Welcome(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The session is open."""

    version: int


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The login or the request is refused; trying again would not help."""

    reason: str


class LoggedOut(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Another login took the session."""


class Broken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The broker cannot go on with this session."""

    reason: str
    is_fatal: bool = False
    """Whether another session would end as this one did."""


class Reported(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A report that is no fill."""

    report: TaggedReport


class Filled(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A fill."""

    fill: Fill


class Traded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A trade of the market."""

    tick: TradeTick


class Quoted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A quote of the market."""

    tick: QuoteTick


class Answer(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A part of the answer to a question; more of it follows where ``more`` is set."""

    number: int = 0
    account: str = ""
    orders: tuple[BrokerOrder, ...] = ()
    fills: tuple[Fill, ...] = ()
    positions: tuple[BrokerPosition, ...] = ()
    more: bool = False


class Done(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The request without a session was carried out, or all of its answer was given."""

    time_ns: int


class Limited(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What the account may still do."""

    margin: BrokerMargin


Heard = Reported | Filled | Traded | Quoted | Limited
Reply = Welcome | Refused | LoggedOut | Broken | Heard | Answer | Done

_ENCODER = msgspec.msgpack.Encoder()
_REQUESTS = msgspec.msgpack.Decoder(Request)
_REPLIES = msgspec.msgpack.Decoder(Reply)


def frame(message: Request | Reply) -> bytes:
    """A message as it is written.

    :raises BadFrame: if it is too long to be read by the other side
    """
    body = _ENCODER.encode(message)
    if len(body) > FRAME_LIMIT:
        raise BadFrame(f"expected at most {FRAME_LIMIT} bytes, was {len(body)}")
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


def body_length(header: bytes) -> int:
    """The length that the first bytes of a frame announce.

    :raises BadFrame: if it is beyond the bound
    """
    length = int.from_bytes(header, "big")
    if length > FRAME_LIMIT:
        raise BadFrame(f"expected at most {FRAME_LIMIT} bytes, was {length}")
    return length


def read_request(body: bytes) -> Request:
    """The request in the body of a frame.

    :raises BadFrame: if it is none
    """
    try:
        request: Request = _REQUESTS.decode(body)
    except msgspec.DecodeError as error:
        raise BadFrame(f"expected a request: {error}") from None
    return request


def read_reply(body: bytes) -> Reply:
    """The reply in the body of a frame.

    :raises BadFrame: if it is none
    """
    try:
        reply: Reply = _REPLIES.decode(body)
    except msgspec.DecodeError as error:
        raise BadFrame(f"expected a reply: {error}") from None
    return reply


def to_wire(message: Message) -> Heard:
    """What a session heard, as it is written."""
    if isinstance(message, Fill):
        return Filled(fill=message)
    if isinstance(message, TradeTick):
        return Traded(tick=message)
    if isinstance(message, QuoteTick):
        return Quoted(tick=message)
    if isinstance(message, BrokerMargin):
        return Limited(margin=message)
    return Reported(report=message)


def from_wire(heard: Heard) -> Message:
    """What a session hears, as it was before it was written."""
    if isinstance(heard, Reported):
        return heard.report
    if isinstance(heard, Filled):
        return heard.fill
    if isinstance(heard, Limited):
        return heard.margin
    return heard.tick
