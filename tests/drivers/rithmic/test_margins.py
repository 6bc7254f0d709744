"""What the risk management lets the account do, from the gateway to the check."""

import pytest
from tests.drivers.rithmic.floor import floor
from tests.drivers.rithmic.ground import ACCOUNT, ground, until

from fillbridge import OrderRefused
from fillbridge_hooks import BrokerMargin, RetryableError
from fillbridge_rithmic.gateway.settings import Account, Contract
from fillbridge_rithmic.margins import Margins
from fillbridge_rithmic.orders.requests import Place
from fillbridge_rithmic.wire.messages import make

PLACE = Place(fcm_id="FCM", ib_id="IB", account_id=ACCOUNT)
OF_ACCOUNT = {"account_id": ACCOUNT}


def totals(available="95000.50", account=ACCOUNT):
    return make(451, account_id=account, available_buying_power=available)


@pytest.fixture
def margins():
    return Margins(PLACE, ["ES", "ESZ6", "MESZ6"])


def test_buying_power_is_told_with_the_time_it_was_heard(margins):
    assert margins.hear(totals(), 7) == BrokerMargin(available=95_000.5, time_ns=7)


@pytest.mark.parametrize("available", [None, "", "much", "nan", "inf"])
def test_what_is_no_amount_says_nothing(margins, available):
    assert margins.hear(totals(available), 7) is None


def test_other_accounts_and_other_messages_say_nothing(margins):
    assert margins.hear(totals(account="B"), 7) is None
    assert margins.hear(make(450, account_id=ACCOUNT), 7) is None


def test_a_product_is_that_of_its_code_and_of_its_months(margins):
    margins.take_product(make(307, product_code="ES", buy_margin_rate=15_000.0, **OF_ACCOUNT))
    margins.take_product(make(307, product_code="", buy_margin_rate=9.0, **OF_ACCOUNT))
    margins.take_product(make(307, product_code="MES", sell_margin_rate=1_500.0, **OF_ACCOUNT))
    needed = margins.hear(totals(), 7).needed
    assert needed == {"ES": 15_000.0, "ESZ6": 15_000.0, "MESZ6": 1_500.0}


def test_the_dearer_side_counts(margins):
    rates = {"buy_margin_rate": 15_000.0, "sell_margin_rate": 16_000.0}
    margins.take_product(make(307, product_code="ES", **rates, **OF_ACCOUNT))
    assert margins.hear(totals(), 7).needed["ES"] == 16_000.0


def test_the_strictest_limit_counts_and_none_is_none(margins):
    sizes = {"max_order_quantity": 10, "buy_limit": 0, "sell_limit": 8}
    margins.take_account(make(305, loss_limit=0.0, **sizes, **OF_ACCOUNT))
    margins.take_product(make(307, product_code="MES", max_order_quantity=5, **OF_ACCOUNT))
    margins.take_product(make(307, product_code="ES", max_order_quantity=50, **OF_ACCOUNT))
    said = margins.hear(totals(), 7)
    assert said.max_order_quantity == {"ES": 8, "ESZ6": 8, "MESZ6": 5}
    assert said.loss_limit is None
    margins.take_account(make(305, loss_limit=2_500.0, **OF_ACCOUNT))
    margins.take_account(make(305, loss_limit=1.0, account_id="B"))
    assert margins.hear(totals(), 7).loss_limit == 2_500.0


@pytest.mark.anyio
async def test_a_session_tells_what_the_gateway_allows():
    async with ground() as here, here.session() as talk:
        await talk.session.positions()

        def told():
            return [one for one in talk.heard if isinstance(one, BrokerMargin)]

        await talk.until("what the account may do", lambda: told() or None)
    said = told()[-1]
    assert said.available == 100_000.0
    assert set(said.max_order_quantity.values()) == {1000}


@pytest.mark.anyio
@pytest.mark.parametrize("template", [304, 306])
@pytest.mark.parametrize("fault", ["silence", "refused"])
async def test_whoever_is_told_no_limits_trades_without_them(fault, template):
    async with ground(request_timeout_s=1.0) as here:
        here.gateway.faults.arm(fault, template=template)
        async with here.session() as talk:
            assert await talk.session.positions() == ()
            await talk.until(
                "what the account may do",
                lambda: [one for one in talk.heard if isinstance(one, BrokerMargin)] or None,
            )
    told = [one for one in talk.heard if isinstance(one, BrokerMargin)][-1]
    # Of two that tell the size of an order, the other one does.
    assert bool(told.max_order_quantity) is ((fault, template) != ("silence", 304))


@pytest.mark.anyio
async def test_a_connection_that_ends_meanwhile_is_no_login():
    async with ground(request_timeout_s=1.0) as here:
        here.gateway.faults.arm("drop_before_accept", template=304)
        with pytest.raises(RetryableError, match=r"lost|ended|closed"):
            async with here.session():
                pass


RICH = {
    "accounts": (Account(account_id=ACCOUNT, balance=80_000.0, loss_limit=5_000.0),),
    "contracts": (Contract(symbol="ES", product_code="ES", margin=15_000.0),),
}


@pytest.mark.anyio
async def test_an_entry_beyond_the_buying_power_never_leaves(tmp_path, monkeypatch):
    risk = {"margin_factor": 1.25}
    async with floor(tmp_path, monkeypatch, risk_controls=risk, **RICH) as here:
        await until(
            "what the account may do",
            lambda: here.margin() is not None,
        )
        with pytest.raises(OrderRefused, match=r"C18 margin_factor.*was 93750.00 of 80000.00"):
            await here.propose(position_size=5)
        assert here.working == []
        await here.propose(position_size=4)
        await until("an entry", lambda: len(here.working) == 1)


@pytest.mark.anyio
async def test_what_is_held_takes_its_part(tmp_path, monkeypatch):
    async with floor(tmp_path, monkeypatch, **RICH) as here:
        await here.propose(position_size=2)
        await until("an entry", lambda: len(here.working) == 1)
        here.trade(4997.0)
        await here.is_protected(2)
        await until("less to trade with", lambda: here.margin().available < 51_000.0)
