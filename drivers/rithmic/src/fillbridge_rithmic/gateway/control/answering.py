"""Carries out what is asked of a running gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from fillbridge_hooks import InvalidValue
from fillbridge_rithmic.gateway.book.order import Ticket
from fillbridge_rithmic.gateway.codes import Duration, Plant, PriceType, Side
from fillbridge_rithmic.gateway.control.requests import (
    ArmFault,
    Cut,
    Disarm,
    EndDay,
    HalfOpen,
    Kick,
    LetFill,
    LetQuote,
    LetTrade,
    PlaceOrder,
    Request,
    SeedFaults,
    ShowFaults,
    ShowFills,
    ShowOrders,
    ShowPositions,
    TellRoute,
)
from fillbridge_rithmic.gateway.faults import FAULTS
from fillbridge_rithmic.gateway.faults.faults import HARMLESS
from fillbridge_rithmic.gateway.settings import Route

if TYPE_CHECKING:
    from fillbridge_rithmic.gateway.book.order import Fill, Order
    from fillbridge_rithmic.gateway.gateway import Gateway

_DECODER: Final = msgspec.json.Decoder(Request)
_TERMINAL: Final = "Quote Board"


async def answer(gateway: Gateway, line: bytes) -> dict[str, Any]:
    """What a line of the control socket is answered with; its ``ok`` says whether it was done."""
    try:
        said = await _carry_out(gateway, _DECODER.decode(line))
    except (InvalidValue, msgspec.MsgspecError) as error:
        return {"ok": False, "error": str(error)}
    return {"ok": True, **said}


async def _carry_out(gateway: Gateway, request: Request) -> dict[str, Any]:
    match request:
        case LetTrade():
            gateway.trade(request.symbol, request.price, request.quantity)
        case LetQuote():
            gateway.quote(request.symbol, request.bid, request.ask)
        case LetFill():
            gateway.fill(request.basket_id, request.size, request.price)
        case PlaceOrder():
            return {"basket_id": _place(gateway, request).basket_id}
        case Kick():
            gateway.kick(request.user)
        case Cut():
            await gateway.cut(_plant(request.plant))
        case HalfOpen():
            gateway.half_open(_plant(request.plant))
        case TellRoute():
            gateway.audience.tell_route(msgspec.convert(request, Route, from_attributes=True))
        case EndDay():
            gateway.end_day()
        case ArmFault():
            _arm(gateway, request)
        case SeedFaults():
            gateway.faults.seed(request.seed, request.rate, request.kinds or HARMLESS)
        case Disarm():
            gateway.faults.disarm()
        case _:
            return _show(gateway, request)
    return {}


def _show(gateway: Gateway, request: Request) -> dict[str, Any]:
    match request:
        case ShowOrders():
            orders = gateway.orders(request.user_tag, request.working)
            return {"orders": [_order(order) for order in orders]}
        case ShowFills():
            return {"fills": [_fill(fill) for fill in gateway.fills(request.account)]}
        case ShowPositions():
            return {
                "positions": {
                    account: {each.symbol: each.net for each in ledger.positions.values()}
                    for account, ledger in gateway.book.ledgers.items()
                }
            }
        case ShowFaults():
            armed = [msgspec.to_builtins(fault) for fault in gateway.faults.armed]
            happened = list(gateway.faults.happened)
            return {"faults": FAULTS, "armed": armed, "happened": happened}
        case _:
            return {
                "sessions": [
                    {
                        "number": session.number,
                        "user": session.user.name if session.user else None,
                        "plant": session.plant.name if session.plant else None,
                    }
                    for session in gateway.sessions
                ]
            }


def _plant(name: str | None) -> Plant | None:
    return None if name is None else Plant[name.upper()]


def _arm(gateway: Gateway, request: ArmFault) -> None:
    gateway.faults.arm(
        request.fault,
        template=request.template,
        account=request.account,
        notify_type=request.notify_type,
        times=request.times,
        after=request.after,
        **request.options,
    )


def _place(gateway: Gateway, request: PlaceOrder) -> Order:
    if request.account not in gateway.accounts:
        raise InvalidValue("account", " or ".join(sorted(gateway.accounts)), request.account)
    contract = gateway.contract(request.symbol)
    if request.quantity <= 0:
        raise InvalidValue("quantity", "a number > 0", request.quantity)
    return gateway.place(
        Ticket(
            account=request.account,
            user=request.user,
            symbol=contract.symbol,
            exchange=contract.exchange,
            side=Side[request.side],
            quantity=request.quantity,
            price_type=PriceType.MARKET if request.price is None else PriceType.LIMIT,
            duration=Duration.DAY,
            price=request.price,
            user_tag=request.user_tag,
            window_name=_TERMINAL,
        )
    )


def _order(order: Order) -> dict[str, Any]:
    ticket = order.ticket
    return {
        "basket_id": order.basket_id,
        "account": ticket.account,
        "user_tag": ticket.user_tag,
        "symbol": ticket.symbol,
        "side": Side(ticket.side).name,
        "quantity": order.quantity,
        "filled": order.filled,
        "price_type": PriceType(order.price_type).name,
        "price": order.price,
        "trigger_price": order.trigger_price,
        "parent": ticket.parent,
        "leg": ticket.leg,
        "works": order.works,
        "reason": order.reason,
        "text": order.text,
    }


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "fill_id": fill.fill_id,
        "basket_id": fill.basket_id,
        "account": fill.account,
        "user_tag": fill.user_tag,
        "symbol": fill.symbol,
        "side": Side(fill.side).name,
        "size": fill.size,
        "price": fill.price,
        "time_ns": fill.time_ns,
    }
