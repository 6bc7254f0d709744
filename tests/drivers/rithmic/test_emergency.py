"""``fillbridge rithmic flatten`` and ``cancel-all``, against a gateway over TLS."""

import json
from contextlib import asynccontextmanager

import anyio
import msgspec
import pytest
from anyio.from_thread import start_blocking_portal
from click.testing import CliRunner

from fillbridge_hooks import DriverError, FatalError, InvalidValue, RetryableError, Secret
from fillbridge_rithmic.commands import rithmic
from fillbridge_rithmic.emergency import asking, commands
from fillbridge_rithmic.emergency.account import WINDOW_NAME, open_account
from fillbridge_rithmic.emergency.cancelling import cancel_all
from fillbridge_rithmic.emergency.flattening import Scope, flatten
from fillbridge_rithmic.emergency.outcome import State
from fillbridge_rithmic.emergency.standing import OrderList, Position
from fillbridge_rithmic.gateway import Account, GatewaySettings, User, serve_gateway
from fillbridge_rithmic.gateway.book.order import Bracket, Ticket
from fillbridge_rithmic.gateway.codes import BracketType, Duration, PriceType, Side
from fillbridge_rithmic.settings import RithmicSettings
from fillbridge_rithmic.wire.messages import make

SYSTEM = "Fillbridge Rehearsal"
PASSWORD = "a password with spaces"  # noqa: S105
ACCOUNT = "A1"
EXIT, CANCEL, CANCEL_ALL, ORDERS, POSITIONS = 3504, 316, 346, 320, 402
MANUAL, TRADER = 1, 3
EVERYTHING = Scope()
PATIENCE_S = 20.0
HASTY = {"settle_s": 0.05, "login_gap_s": 0.0}
"""What is waited for at Rithmic; the gateway is as fast as it is near."""

SETTINGS = GatewaySettings(
    users=(User(name="ann", password=PASSWORD),),
    accounts=(Account(account_id=ACCOUNT), Account(account_id="A2")),
)


class Rig:
    """A gateway, and what is done there before and after."""

    def __init__(self, running):
        self.running = running
        self.gateway = running.gateway
        self.said = []
        self.then = {}
        """What happens in the market once a sentence that begins so was said."""

    @asynccontextmanager
    async def account(self, *, with_positions=True, password=PASSWORD, account=ACCOUNT, **settings):
        given = HASTY | {"request_timeout_s": 4.0} | settings
        opened = open_account(
            RithmicSettings(
                uri=self.running.uri,
                ca_file=self.running.ca_file,
                system_name=SYSTEM,
                **given,
            ),
            {"username": Secret("ann"), "password": Secret(password)},
            account,
            with_positions=with_positions,
        )
        with anyio.fail_after(PATIENCE_S):
            async with opened as account:
                yield account

    async def flatten(self, scope=EVERYTHING, wait_s=10.0, **settings):
        async with self.account(**settings) as account:
            return await flatten(account, scope, wait_s, self.tell)

    async def cancel_all(self, wait_s=10.0, **settings):
        async with self.account(**settings) as account:
            return await cancel_all(account, wait_s, self.tell)

    def tell(self, sentence):
        self.said.append(sentence)
        for start in [each for each in self.then if sentence.startswith(each)]:
            self.then.pop(start)()

    def place(self, side=Side.BUY, quantity=2, symbol="ES", kind=PriceType.MARKET, **more):
        return self.gateway.place(
            Ticket(
                account=more.pop("account", ACCOUNT),
                user="ann",
                symbol=symbol,
                exchange="CME",
                side=side,
                quantity=quantity,
                price_type=kind,
                duration=Duration.GTC,
                **more,
            )
        )

    def hold_with_legs(self, symbol="ES", price=5000.0, side=Side.BUY):
        """A position of two contracts, its stop and its target."""
        self.gateway.trade(symbol, price)
        bracket = Bracket(
            bracket_type=BracketType.TARGET_AND_STOP_STATIC, target_ticks=40, stop_ticks=40
        )
        self.place(side, symbol=symbol, bracket=bracket, user_tag="entry")
        if not self.position(symbol):
            self.gateway.trade(symbol, price)
        assert len(self.works(symbol)) == 2

    def wait_with_entry(self, symbol="ES", price=4900.0):
        return self.place(symbol=symbol, kind=PriceType.LIMIT, price=price, user_tag="waits")

    def position(self, symbol="ES"):
        return self.gateway.position(ACCOUNT, symbol)

    def works(self, symbol=None):
        return [
            each
            for each in self.gateway.orders(working=True)
            if each.ticket.account == ACCOUNT and symbol in (None, each.ticket.symbol)
        ]

    def asked(self, *templates):
        wanted = templates or (EXIT, CANCEL, CANCEL_ALL)
        return [each.template for each in self.gateway.received if each.template in wanted]

    def messages(self, template):
        return [each.message for each in self.gateway.received if each.template == template]


@pytest.fixture(autouse=True)
def looks_again_soon(monkeypatch):
    monkeypatch.setattr(asking, "_PAUSE_S", 0.01)


@asynccontextmanager
async def rig(**changes):
    given = {name: getattr(SETTINGS, name) for name in ("users", "accounts")} | changes
    async with serve_gateway(GatewaySettings(**given)) as running:
        yield Rig(running)


@pytest.mark.anyio
class TestFlatten:
    async def test_a_flat_account_stays_so(self):
        async with rig() as at:
            outcome = await at.flatten()
            assert outcome.state is State.CLEAR
            assert at.asked() == [CANCEL_ALL]
            (request,) = at.messages(CANCEL_ALL)
            assert (request.user_type, request.manual_or_auto) == (TRADER, MANUAL)
            assert (outcome.left.positions, outcome.left.orders) == ((), ())

    @pytest.mark.parametrize("side", [Side.BUY, Side.SELL])
    async def test_a_position_is_closed_and_then_its_orders_are_withdrawn(self, side):
        async with rig() as at:
            at.hold_with_legs(side=side)
            at.wait_with_entry()
            at.wait_with_entry("NQZ6", 19_000.0)
            others = at.place(kind=PriceType.LIMIT, price=4900.0, account="A2")
            outcome = await at.flatten()
            assert outcome.state is State.CLEAR
            assert (at.position(), at.works()) == (0, [])
            assert others.works
            assert at.asked() == [EXIT, CANCEL_ALL]
            (request,) = at.messages(EXIT)
            assert (request.symbol, request.exchange) == ("ES", "CME")
            assert (request.window_name, request.manual_or_auto) == (WINDOW_NAME, MANUAL)
            assert outcome.before.positions[0].quantity == (2 if side is Side.BUY else -2)
            assert len(outcome.before.orders) == 4
            assert at.said[-2:] == ["holds nothing", "nothing works"]

    async def test_nothing_is_withdrawn_before_the_position_is_closed(self):
        async with rig(market_orders="next-trade") as at:
            at.hold_with_legs()
            at.wait_with_entry()

            def fill_later():
                assert at.position() == 2
                at.gateway.later(0.6, fill)

            def fill():
                assert at.asked() == [EXIT]
                assert "waits" in [each.ticket.user_tag for each in at.works()]
                at.gateway.trade("ES", 5000.0)

            at.then["exit of ES.CME +2 at the market: asked for"] = fill_later
            outcome = await at.flatten()
            assert outcome.state is State.CLEAR
            assert at.asked() == [EXIT, CANCEL_ALL]
            assert (at.position(), at.works()) == (0, [])

    async def test_an_exit_that_does_not_fill_is_not_asked_for_again(self):
        async with rig(market_orders="next-trade") as at:
            at.hold_with_legs()
            at.wait_with_entry()
            outcome = await at.flatten(wait_s=0.5)
            assert outcome.state is State.LEFT
            assert at.asked() == [EXIT]
            assert outcome.left.positions == (Position(symbol="ES", exchange="CME", quantity=2),)
            assert outcome.unprotected == ("ES",)  # Rithmic has withdrawn the legs for the exit
            assert any("IS OPEN WITHOUT STOPS" in each for each in at.said)
            # Run once more, it sees that the exit works.
            again = await at.flatten(wait_s=0.0)
            assert again.state is State.LEFT
            assert at.asked() == [EXIT]
            assert any("not asked for, since one works" in each for each in again.steps)

    async def test_where_the_exit_is_refused_the_stops_stay(self):
        async with rig() as at:
            at.hold_with_legs()
            at.wait_with_entry()
            before = at.works()
            at.gateway.faults.arm("refused", template=EXIT, times=9, code="13", text="no rights")
            outcome = await at.flatten(wait_s=1000.0)  # it is not waited for
            assert outcome.state is State.LEFT
            assert at.asked() == [EXIT]
            assert at.works() == before
            assert at.position() == 2
            assert outcome.unprotected == ()
            assert "exit of ES.CME +2 at the market: refused: 13 no rights" in at.said
            assert any(each.startswith("nothing is withdrawn") for each in at.said)

    async def test_one_exit_that_is_refused_does_not_keep_the_others(self):
        async with rig() as at:
            at.hold_with_legs()
            at.hold_with_legs("NQZ6", 20_000.0)
            at.gateway.faults.arm("rejected", template=EXIT)
            outcome = await at.flatten()
            assert outcome.state is State.LEFT
            assert at.asked() == [EXIT, EXIT]
            assert sorted(map(at.position, ("ES", "NQZ6"))) == [0, 2]
            (open_,) = outcome.left.positions
            assert len(at.works(open_.symbol)) == 2
            assert outcome.unprotected == ()

    async def test_what_opens_meanwhile_is_closed_as_well(self):
        async with rig() as at:
            at.hold_with_legs()
            at.then["withdrawal of every order"] = lambda: at.place(Side.SELL, 1)
            outcome = await at.flatten()
            assert outcome.state is State.CLEAR
            assert at.asked() == [EXIT, CANCEL_ALL, EXIT, CANCEL_ALL]
            assert at.position() == 0

    async def test_what_opens_again_and_again_is_left_to_a_person(self):
        async with rig() as at:
            at.gateway.trade("ES", 5000.0)

            def open_anew():
                at.place()
                at.then["withdrawal of every order"] = open_anew

            open_anew()
            outcome = await at.flatten(wait_s=3.0)
            assert outcome.state is State.LEFT
            assert at.asked(EXIT) == [EXIT] * 3
            assert any("something opens it anew" in each for each in at.said)

    async def test_an_exit_without_an_answer_is_looked_for_not_repeated(self):
        async with rig() as at:
            at.hold_with_legs()
            at.gateway.faults.arm("ack_never", template=EXIT)
            outcome = await at.flatten(request_timeout_s=1.0)
            assert outcome.state is State.CLEAR
            assert at.asked() == [EXIT, CANCEL_ALL]
            assert any("not known to be done" in each for each in at.said)

    @pytest.mark.parametrize("fault", ["drop_before_accept", "drop_before_ack"])
    @pytest.mark.parametrize("template", [EXIT, CANCEL_ALL])
    async def test_a_link_that_is_lost_in_the_middle(self, fault, template):
        async with rig() as at:
            at.hold_with_legs()
            at.gateway.faults.arm(fault, template=template)
            outcome = await at.flatten()
            assert outcome.state is State.UNKNOWN
            assert outcome.left is None
            assert at.asked(template) == [template]
            assert at.said[-1].startswith("what is left is not known")
            assert (await at.flatten()).state is State.CLEAR
            assert (at.position(), at.works()) == (0, [])

    async def test_the_loss_of_the_other_plant_ends_it_too(self):
        async with rig() as at:
            at.hold_with_legs()
            at.gateway.faults.arm("drop_mid_rows", template=POSITIONS, after=1)
            at.then["exit of"] = lambda: at.gateway.faults.arm(
                "drop_before_ack", template=POSITIONS
            )
            assert (await at.flatten()).state is State.UNKNOWN
            assert at.asked() == [EXIT]

    async def test_a_login_that_takes_its_place_ends_it(self):
        async with rig() as at:
            at.hold_with_legs()
            at.then["exit of"] = lambda: at.gateway.kick("ann")
            outcome = await at.flatten()
            assert outcome.state is State.UNKNOWN
            assert any("Rithmic ended the session" in each for each in at.said)

    @pytest.mark.parametrize(
        "fault", ["no_rows", "rows_truncated", "rows_of_other_account", "refused", "silence"]
    )
    async def test_positions_that_are_not_clear_are_not_taken_for_none(self, fault):
        async with rig() as at:
            at.hold_with_legs()
            at.gateway.faults.arm(fault, template=POSITIONS)
            with pytest.raises(RetryableError):
                await at.flatten(request_timeout_s=1.0)
            assert at.asked() == []
            assert len(at.works()) == 2

    async def test_positions_that_become_unclear_later_are_asked_for_again(self):
        async with rig() as at:
            at.hold_with_legs()
            at.then["exit of"] = lambda: at.gateway.faults.arm("rows_truncated", template=POSITIONS)
            outcome = await at.flatten()
            assert outcome.state is State.CLEAR
            assert any("cannot be read" in each for each in at.said)

    async def test_no_data_is_no_position(self):
        async with rig() as at:
            at.gateway.faults.arm("no_data", template=POSITIONS, times=9)
            assert (await at.flatten()).state is State.CLEAR

    async def test_one_symbol_leaves_the_others_their_stops(self):
        async with rig() as at:
            at.hold_with_legs()
            at.wait_with_entry()
            at.hold_with_legs("NQZ6", 20_000.0)
            outcome = await at.flatten(Scope(symbol="ES"))
            assert outcome.state is State.CLEAR
            assert at.asked() == [EXIT, CANCEL]
            assert (at.position(), at.works("ES")) == (0, [])
            assert (at.position("NQZ6"), len(at.works("NQZ6"))) == (2, 2)
            assert at.messages(CANCEL)[0].manual_or_auto == MANUAL

    @pytest.mark.parametrize("scope", [Scope(symbol="ESZ6"), Scope(symbol="ES", exchange="EUREX")])
    async def test_a_symbol_of_which_there_is_nothing_is_not_called_flat(self, scope):
        async with rig() as at:
            at.hold_with_legs()
            with pytest.raises(InvalidValue, match=r"symbol: expected one of ES\.CME"):
                await at.flatten(scope)
            assert at.asked() == []

    async def test_a_running_handlers_session_ends(self):
        async with rig() as at, at.account(), at.account(with_positions=False) as second:
            assert second.lost is None
            assert [each.user.name for each in at.gateway.sessions if each.plant == 2] == ["ann"]


@pytest.mark.anyio
class TestCancelAll:
    async def test_what_works_is_withdrawn(self):
        async with rig() as at:
            at.gateway.trade("ES", 5000.0)
            at.wait_with_entry()
            at.place(Side.SELL, kind=PriceType.STOP_MARKET, trigger_price=4950.0)
            outcome = await at.cancel_all()
            assert outcome.state is State.CLEAR
            assert at.works() == []
            stop = outcome.before.orders[1]
            assert str(stop).startswith("ES.CME sell 2 stop market from 4950 (basket ")
            assert str(outcome.before.orders[0]).startswith("ES.CME buy 2 limit at 4900 (basket ")

    async def test_nothing_is_withdrawn_while_a_position_is_open(self):
        async with rig() as at:
            at.hold_with_legs()
            outcome = await at.cancel_all()
            assert outcome.state is State.LEFT
            assert at.asked() == []
            assert len(at.works()) == 2
            assert outcome.unprotected == ()

    async def test_unless_that_is_wished(self):
        async with rig() as at:
            at.hold_with_legs()
            outcome = await at.cancel_all(with_positions=False)
            assert outcome.state is State.CLEAR
            assert at.works() == []
            assert outcome.left.positions is None
            assert POSITIONS not in [each.template for each in at.gateway.received]

    async def test_what_is_left_is_said(self):
        async with rig() as at:
            kept = [at.wait_with_entry(price=4900.0 - number) for number in range(4)]
            at.gateway.faults.arm("cancel_all_partly")
            outcome = await at.cancel_all(wait_s=0.5)
            assert outcome.state is State.LEFT
            assert [each.basket_id for each in outcome.left.orders] == [
                each.basket_id for each in kept[2:]
            ]
            assert outcome.left.orders[0].user_tag == "waits"

    async def test_a_refusal_is_said(self):
        async with rig() as at:
            at.wait_with_entry()
            at.gateway.faults.arm("refused", template=CANCEL_ALL, text="not now")
            outcome = await at.cancel_all(wait_s=1000.0)  # it is not waited for
            assert outcome.state is State.LEFT
            assert "withdrawal of every order: refused: 6 not now" in at.said
            assert at.asked() == [CANCEL_ALL]

    @pytest.mark.parametrize(
        "fault", ["rows_after_end", "rows_with_blank_account", "rows_without_quantity"]
    )
    async def test_rows_are_read_however_they_come(self, fault):
        async with rig() as at:
            at.wait_with_entry()
            at.gateway.faults.arm(fault, template=ORDERS)
            outcome = await at.cancel_all()
            assert [each.quantity for each in outcome.before.orders] == [2]

    async def test_a_list_counts_once_nothing_more_is_heard(self):
        async with rig() as at, at.account(settle_s=1.0, with_positions=False) as account:
            at.gateway.later(0.3, at.wait_with_entry)
            assert len((await account.look()).orders) == 1

    async def test_an_order_that_ends_before_its_row_does_not_work(self):
        async with rig() as at:
            at.wait_with_entry()
            at.gateway.faults.arm("stale_rows", template=ORDERS)
            outcome = await at.cancel_all()
            assert outcome.before.orders == ()
            assert at.position() == 2
            assert outcome.state is State.LEFT

    async def test_a_position_that_opens_meanwhile_is_said(self):
        async with rig() as at:
            at.wait_with_entry()
            at.then["withdrawal of every order"] = at.place
            at.gateway.trade("ES", 5000.0)
            outcome = await at.cancel_all()
            assert outcome.state is State.LEFT
            assert outcome.unprotected == ("ES",)


@pytest.mark.anyio
async def test_a_wrong_password_is_said_before_anything_is_asked_for():
    async with rig() as at:
        at.hold_with_legs()
        with pytest.raises(FatalError, match="check user name, password"):
            await at.flatten(password="not it")  # noqa: S106
        assert at.asked() == []


@pytest.mark.anyio
async def test_an_account_of_others_is_said():
    async with rig() as at:
        with pytest.raises(InvalidValue, match="one of A1, A2"):
            await at.flatten(account="A9")


@pytest.mark.anyio
async def test_requests_that_are_refused_before_anything_is_known_are_errors():
    async with rig() as at:
        for template in (300, 302, 308, 320):
            at.gateway.faults.arm("refused", template=template)
            with pytest.raises(DriverError):
                await at.cancel_all()
        assert at.asked() == []


def test_orders_of_others_and_ended_ones_are_passed_over():
    heard = OrderList(ACCOUNT, lambda: 0.0)
    row = {"basket_id": "1", "account_id": ACCOUNT, "symbol": "ES", "quantity": 1}
    heard.hear(make(352, **row | {"basket_id": "9", "account_id": "A2"}, is_snapshot=True))
    heard.hear(make(351, **row, notify_type=15))
    heard.hear(make(352, **row, is_snapshot=True))
    heard.hear(make(351, **row | {"basket_id": "2"}, notify_type=17))
    assert heard.orders() == ()
    heard.hear(make(351, **row | {"basket_id": "3"}, notify_type=13, price=-1.0))
    assert [(each.basket_id, each.price) for each in heard.orders()] == [("3", None)]
    heard.begin()
    assert heard.orders() == ()


# The commands


@pytest.fixture
def at_command_line():
    """A gateway of its own, and a way to do things at it from outside of its loop."""
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(serve_gateway(SETTINGS)) as running,
    ):
        yield Rig(running), portal


@pytest.fixture
def run(at_command_line, monkeypatch):
    """Run a command at the gateway; gives its exit code and what it wrote."""
    monkeypatch.setenv("RITHMIC_PASSWORD", PASSWORD)
    at, _ = at_command_line
    login_of = commands.login_of

    def hasty_login_of(**options):
        settings, credentials = login_of(**options)
        return msgspec.structs.replace(settings, **HASTY), credentials

    monkeypatch.setattr(commands, "login_of", hasty_login_of)

    def run_command(command, *more, uri=None, account=ACCOUNT, typed=None):
        arguments = [
            command, "--uri", uri or at.running.uri, "--ca-file", at.running.ca_file,
            "--user", "ann", "--system", SYSTEM, "--account", account,
        ]  # fmt: skip
        result = CliRunner().invoke(rithmic, [*arguments, *more], input=typed)
        assert PASSWORD not in result.stdout + result.stderr
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return result

    return run_command


def test_flatten_says_what_it_does(run, at_command_line):
    at, portal = at_command_line
    portal.call(at.hold_with_legs)
    result = run("flatten", "--yes")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "holds ES.CME +2"
    assert "exit of ES.CME +2 at the market: asked for" in lines
    assert lines[-3:] == ["at last:", "holds nothing", "nothing works"]


def test_flatten_prints_one_document(run, at_command_line):
    at, portal = at_command_line
    portal.call(at.hold_with_legs)
    at.gateway.faults.arm("refused", template=EXIT)
    result = run("flatten", "--yes", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["state"], document["account"]) == (1, "left", ACCOUNT)
    held = {"symbol": "ES", "exchange": "CME", "quantity": 2}
    assert document["left"]["positions"] == document["before"]["positions"] == [held]
    assert {each["price_type"] for each in document["left"]["orders"]} == {"limit", "stop market"}
    assert document["unprotected"] == []


def test_cancel_all_keeps_stops_unless_told_not_to(run, at_command_line):
    at, portal = at_command_line
    portal.call(at.hold_with_legs)
    kept = run("cancel-all", "--yes")
    assert kept.exit_code == 1
    assert "nothing is withdrawn" in kept.stdout
    assert len(at.works()) == 2
    assert run("cancel-all", "--yes", "--although-positions").exit_code == 0
    assert at.works() == []


@pytest.mark.parametrize("command", ["flatten", "cancel-all"])
def test_without_a_terminal_to_ask_at_yes_is_needed(run, at_command_line, command):
    at, _ = at_command_line
    result = run(command)
    assert result.exit_code == 2
    assert "--yes: expected it" in result.stderr
    assert not at.gateway.received


@pytest.mark.parametrize("command", ["flatten", "cancel-all"])
def test_a_person_is_asked_first(run, at_command_line, monkeypatch, command):
    at, _ = at_command_line
    monkeypatch.setattr(commands, "_is_terminal", lambda: True)
    for typed in ("n\n", "\n", ""):
        declined = run(command, "--json", typed=typed)
        assert declined.exit_code == 2
        assert "not confirmed: nothing was done" in declined.stderr
        assert not at.gateway.received
    agreed = run(command, "--json", typed="y\n")
    assert agreed.exit_code == 0
    assert "a running handler's too" in agreed.stderr
    assert json.loads(agreed.stdout)["state"] == "clear"


@pytest.mark.parametrize("command", ["flatten", "cancel-all"])
def test_no_connection_no_login_and_no_account_have_their_codes(run, monkeypatch, command):
    assert run(command, "--yes", uri="wss://127.0.0.1:1").exit_code == 3
    assert run(command, "--yes", account="A9").exit_code == 2
    monkeypatch.setenv("RITHMIC_PASSWORD", "not it")
    denied = run(command, "--yes")
    assert denied.exit_code == 3
    assert "check user name, password" in denied.stderr
    assert "not it" not in denied.stderr


def test_a_lost_link_is_not_known(run, at_command_line):
    at, portal = at_command_line
    portal.call(at.hold_with_legs)
    at.gateway.faults.arm("drop_before_ack", template=EXIT)
    result = run("flatten", "--yes", "--json")
    document = json.loads(result.stdout)
    assert (result.exit_code, document["state"], document["left"]) == (3, "unknown", None)


def test_an_exchange_needs_a_symbol(run, at_command_line):
    assert run("flatten", "--yes", "--exchange", "CME").exit_code == 2
    at, portal = at_command_line
    portal.call(at.hold_with_legs)
    assert run("flatten", "--yes", "--symbol", "ESZ6").exit_code == 2
    assert run("flatten", "--yes", "--symbol", "ES", "--exchange", "CME").exit_code == 0
