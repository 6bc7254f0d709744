"""The harness of kills runs, and finds nothing in a few of them; long runs are commands."""

import json
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).with_name("kill9.py")
BROKERS = runpy.run_path(str(SCRIPT.with_name("kill9_brokers.py")))
brackets, is_bare, named_orders = (
    BROKERS[name] for name in ("brackets", "is_bare", "named_orders")
)


@pytest.mark.parametrize("broker", ["sim", "rithmic"])
def test_a_few_kills_lose_nothing(broker):
    done = subprocess.run(
        [sys.executable, SCRIPT, "--broker", broker, "--kills", "2", "--workers", "2", "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["kills"] == 2
    assert found["lost"] == found["duplicated"] == found["unprotected"] == 0


@pytest.mark.parametrize("point", ["flatten: before rename 1", "flatten: after commit 1"])
def test_a_handler_that_is_killed_while_it_stops_stays_stopped(point):
    done = subprocess.run(
        [sys.executable, SCRIPT.with_name("kill9_switch.py"), "--point", point, "--json"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {"kills": 1, "bad": []}


def basket(basket_id: str, **fields: Any) -> dict[str, Any]:
    usual = {
        "basket_id": basket_id,
        "user_tag": None,
        "parent": None,
        "leg": None,
        "side": "SELL",
        "quantity": 1,
        "filled": 0,
        "price_type": "STOP_MARKET",
        "works": True,
        "reason": None,
    }
    return {**usual, **fields}


def book(*baskets: dict[str, Any]) -> dict[str, dict[str, Any]]:
    entry = basket("1", user_tag="T_ENTRY", side="BUY", quantity=2, filled=2, price_type="LIMIT")
    entry.update(works=False, reason="F")
    return {each["basket_id"]: each for each in (entry, *baskets)}


def stop(basket_id: str, **fields: Any) -> dict[str, Any]:
    return basket(basket_id, parent="1", leg="stop", **fields)


def test_the_baskets_of_a_leg_are_one_order():
    found = named_orders(book(stop("2"), stop("3", filled=1, works=False, reason="F")))
    leg = next(order for order in found if order["client_order_id"] == "T_SL")
    assert (leg["quantity"], leg["filled"], leg["status"]) == (2, 1, "partial_filled")


def test_an_entry_that_was_sent_twice_stands_there_twice():
    found = named_orders(book(basket("2", user_tag="T_ENTRY", side="BUY", price_type="LIMIT")))
    assert [order["client_order_id"] for order in found] == ["T_ENTRY", "T_ENTRY"]


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        (stop("3"), False),
        (stop("3", price_type="MARKET"), False),
        (stop("3", works=False, reason="C"), True),
        (stop("3", works=False, reason="F", filled=1), False),
        (basket("3", parent="1", leg="target", price_type="LIMIT"), True),
        (basket("3", user_tag="T_EXIT", price_type="MARKET"), False),
    ],
)
def test_a_trade_is_bare_that_holds_more_than_its_stops_close(second, expected):
    baskets = book(stop("2"), second)
    assert brackets(baskets) == {"T"}
    assert is_bare("T", baskets) is expected
