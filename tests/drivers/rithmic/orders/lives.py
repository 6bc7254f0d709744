"""Lives of orders as Rithmic tells them, for tests that shuffle and repeat what is told."""

from msgspec.structs import replace

from fillbridge_hooks import (
    ApprovedOrder,
    Fill,
    Instrument,
    Order,
    OrderRole,
    OrderType,
    Permit,
    Side,
    TimeInForce,
)
from fillbridge_rithmic.orders.desk import Desk
from fillbridge_rithmic.orders.notices import Execution, OrderNotice, Phase
from fillbridge_rithmic.orders.requests import Place
from fillbridge_rithmic.wire.messages import make

ACCOUNT = "A1"
ES = Instrument(symbol="ESZ6", tick_size=0.25, point_value=50.0, exchange="CME")
PLACE = Place(fcm_id="F", ib_id="I", account_id=ACCOUNT)
SECOND = 1_000_000_000


class Life:
    """Tells one order; each notice is a little later than the one before."""

    def __init__(self, basket_id, tag="", *, side=Side.BUY, quantity=3, start=0, **fields):
        self.told = []
        self._now = start * SECOND
        self._fields = {
            "basket_id": basket_id,
            "tag": tag,
            "account_id": ACCOUNT,
            "symbol": ES.symbol,
            "exchange": ES.exchange,
            "side": side,
            "order_type": OrderType.LIMIT,
            "quantity": quantity,
            "limit": 5000.0,
        } | fields
        self.filled = 0

    def say(self, phase, **fields):
        self._now += 1000
        said = self._fields | {"filled": self.filled} | fields
        self.told.append(OrderNotice(phase=phase, time_ns=self._now, **said))
        return self

    def begin(self):
        return self.say(Phase.UNDER_WAY).say(Phase.UNDER_WAY)

    def open(self):
        return self.begin().say(Phase.WORKING).say(Phase.WORKING)

    def fill(self, size, price=5000.0, **fields):
        self.filled += size
        left = self._fields["quantity"] - self.filled
        execution = Execution(
            fill_id=f"{self._fields['basket_id']}x{self.filled}",
            quantity=size,
            price=price,
            time_ns=self._now + 1000,
            total=self.filled,
        )
        return self.say(Phase.FILLED, execution=execution, unfilled=left, **fields)

    def change(self, **fields):
        self._fields |= fields
        return self.say(Phase.CHANGED)

    def end(self, reason, text=""):
        return self.say(Phase.ENDED, reason=reason, text=text)


def entry(name="T1_ENTRY", *, quantity=3, limit=20_000, side=Side.BUY, **fields):
    given = {
        "client_order_id": name,
        "trade_id": name.removesuffix("_ENTRY"),
        "role": OrderRole.ENTRY,
        "instrument": ES,
        "side": side,
        "quantity": quantity,
        "order_type": OrderType.LIMIT,
        "limit_ticks": limit,
        "time_in_force": TimeInForce.DAY,
    }
    return Order(**(given | fields))


def legs(order, stop=19_960, target=20_040):
    trade_id = order.trade_id
    common = {"trade_id": trade_id, "instrument": ES, "side": order.side.opposite}
    return (
        Order(
            client_order_id=f"{trade_id}_SL",
            role=OrderRole.STOP,
            quantity=order.quantity,
            order_type=OrderType.STOP,
            trigger_ticks=stop,
            **common,
        ),
        Order(
            client_order_id=f"{trade_id}_TP",
            role=OrderRole.TARGET,
            quantity=order.quantity,
            order_type=OrderType.LIMIT,
            limit_ticks=target,
            **common,
        ),
    )


def desk():
    return Desk(PLACE, {ES.symbol: ES}, {"CME": "simulator"}, 3)


def approved(order, its_legs=()):
    return ApprovedOrder(order=order, permit=Permit(), legs=its_legs)


def submitted(order, its_legs=()):
    """A desk that has sent an order."""
    made = desk()
    made.submit(approved(order, its_legs), None)
    return made


def take(made, notices, now_ns=10 * SECOND):
    """Let a desk hear; what it reports."""
    for notice in notices:
        made.take(notice, now_ns)
    reports = list(made.reports)
    made.reports.clear()
    for report in reports:
        if isinstance(report, Fill):
            made.was_taken(report)
    return reports


def stop_leg(basket_id, parent, quantity, trigger=4990.0, **fields):
    given = {"order_type": OrderType.STOP, "first_type": OrderType.STOP, "limit": None} | fields
    return Life(
        basket_id,
        side=Side.SELL,
        quantity=quantity,
        parent_id=parent,
        trigger=trigger,
        **given,
    )


def target_leg(basket_id, parent, quantity, limit=5010.0, **fields):
    return Life(
        basket_id,
        side=Side.SELL,
        quantity=quantity,
        parent_id=parent,
        first_type=OrderType.LIMIT,
        limit=limit,
        **fields,
    )


def answer(template, key, *codes, **fields):
    """The answer to a request."""
    return make(template, user_msg=[key], rp_code=codes or ("0",), **fields)


def sent(made, now_ns=10 * SECOND):
    """Cancels and changes that leave now: basket, template, total, type, limit, trigger."""
    return [
        (
            request.fields["basket_id"],
            request.template,
            request.fields.get("quantity"),
            request.fields.get("price_type"),
            request.fields.get("price"),
            request.fields.get("trigger_price"),
        )
        for request in made.changes.requests(now_ns)
    ]


def as_snapshot(notice):
    return replace(notice, is_snapshot=True)
