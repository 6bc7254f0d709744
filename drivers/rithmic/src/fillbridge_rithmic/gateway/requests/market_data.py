"""The request of the ticker plant, and what it tells of the market."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fillbridge_rithmic.gateway.answers import Answer, answered, ended
from fillbridge_rithmic.gateway.clock import stamps
from fillbridge_rithmic.gateway.codec import build
from fillbridge_rithmic.gateway.codes import NO_DATA, Plant, Side
from fillbridge_rithmic.gateway.requests.registry import carries_out

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.gateway import Gateway
    from fillbridge_rithmic.gateway.sessions import Session

LAST_TRADE, BEST_BID_OFFER = 1, 2
_SUBSCRIBE = 1
_NET_CHANGE, _VOLUME = 2, 8
_BID, _ASK, _LEAN = 1, 2, 4


@carries_out(100, Plant.TICKER)
def hear_of_market(gateway: Gateway, session: Session, request: Any) -> Answer:
    """Tell the trades and quotes of a symbol from now on, or no longer; how it stands first."""
    contract = gateway.book.contracts.get(request.symbol)
    if contract is None or contract.exchange != request.exchange:
        return answered(request, NO_DATA)
    bits = session.market_data.get(request.symbol, 0)
    if request.request != _SUBSCRIBE:
        session.market_data[request.symbol] = bits & ~request.update_bits
        return answered(request)
    session.market_data[request.symbol] = bits | request.update_bits
    shown = []
    if request.update_bits & LAST_TRADE:
        shown.append(last_trade(gateway, request.symbol, is_snapshot=True))
    if request.update_bits & BEST_BID_OFFER:
        shown.append(best_bid_offer(gateway, request.symbol, is_snapshot=True))
    rows = [message for message in shown if message is not None]
    return Answer(before=rows, end=ended(request))


def last_trade(
    gateway: Gateway, symbol: str, size: int = 1, *, is_snapshot: bool = False
) -> Any | None:
    """The last trade of a symbol (150); ``None``: there was none."""
    market = gateway.book.markets[symbol]
    if market.last is None:
        return None
    ssboe, usecs = stamps(gateway.now_ns())
    fields: dict[str, Any] = {
        "symbol": symbol,
        "exchange": gateway.book.contracts[symbol].exchange,
        "is_snapshot": is_snapshot,
        "ssboe": ssboe,
        "usecs": usecs,
    }
    if gateway.faults.take("only_derived_fields"):
        return build(150, **fields, presence_bits=_NET_CHANGE, net_change=0.0)
    return build(
        150,
        **fields,
        presence_bits=LAST_TRADE | _VOLUME,
        trade_price=market.last,
        trade_size=size,
        aggressor=Side.BUY if market.rose else Side.SELL,
        volume=market.volume,
    )


def best_bid_offer(gateway: Gateway, symbol: str, *, is_snapshot: bool = False) -> Any | None:
    """The best bid and offer of a symbol (151); ``None``: a snapshot of neither."""
    market = gateway.book.markets[symbol]
    bits = (_BID if market.bid is not None else 0) | (_ASK if market.ask is not None else 0)
    gone = (_BID | _ASK) & ~bits
    if is_snapshot and not bits:
        return None
    ssboe, usecs = stamps(gateway.now_ns())
    bid, ask = market.bid, market.ask
    if gateway.faults.take("cleared_quote"):
        bid, ask, bits, gone = None, None, 0, _BID | _ASK
    if gateway.faults.take("only_derived_fields"):
        bid, ask, bits, gone = None, None, _LEAN, 0
    return build(
        151,
        symbol=symbol,
        exchange=gateway.book.contracts[symbol].exchange,
        is_snapshot=is_snapshot,
        presence_bits=bits,
        clear_bits=gone or None,
        bid_price=bid,
        bid_size=None if bid is None else 1,
        ask_price=ask,
        ask_size=None if ask is None else 1,
        lean_price=market.last if bits == _LEAN else None,
        ssboe=ssboe,
        usecs=usecs,
    )
