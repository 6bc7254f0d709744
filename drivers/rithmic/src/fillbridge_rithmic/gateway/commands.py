"""``fillbridge rithmic gateway``: a local gateway as a process of its own."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from math import inf
from pathlib import Path
from typing import Any, Final

import anyio
import click
import msgspec

from fillbridge_hooks import ConfigurationError, InvalidValue
from fillbridge_rithmic.gateway.process import run_gateway
from fillbridge_rithmic.gateway.serving import RunningGateway
from fillbridge_rithmic.gateway.settings import (
    CONTRACTS,
    REHEARSAL_ACCOUNT,
    REHEARSAL_USER,
    Account,
    Contract,
    GatewaySettings,
    MarketSettings,
    Route,
    User,
)

PASSWORD_VARIABLE: Final = "RITHMIC_GATEWAY_PASSWORD"  # noqa: S105 (where it is, not what)

_CONTRACT: Final = "SYMBOL:EXCHANGE:TICK_SIZE:POINT_VALUE:PRICE[:MARGIN]"
_OF_MARKET: Final = ("ticks", "quotes", "symbol", "speed", "seed", "trades_per_s", "volatility")
_OF_GATEWAY: Final = (
    "host",
    "port",
    "tls_directory",
    "max_sessions",
    "heartbeat_interval_s",
    "market_orders",
)
_above_zero = click.FloatRange(0, min_open=True)


def _read_speed(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> float | None:
    if text is None:
        return None
    if text == "max":
        return 0.0
    with suppress(ValueError):
        if 0 <= (speed := float(text)) < inf:
            return speed
    raise click.BadParameter(f"expected a number >= 0, or max, was {text!r}", context, parameter)


def _read_contracts(
    context: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[Contract, ...]:
    contracts = []
    for text in texts:
        try:
            symbol, exchange, tick_size, point_value, price, *margin = text.split(":")
            (margin_of_one,) = margin or ("0",)
            contract = Contract(
                symbol=symbol,
                exchange=exchange,
                product_code=symbol,
                tick_size=float(tick_size),
                point_value=float(point_value),
                price=float(price),
                margin=float(margin_of_one),
            )
        except ValueError:
            contract = None
        if contract is None or not _is_tradable(contract):
            raise click.BadParameter(f"expected {_CONTRACT}, was {text!r}", context, parameter)
        contracts.append(contract)
    return tuple(contracts)


def _is_tradable(contract: Contract) -> bool:
    numbers = (contract.tick_size, contract.point_value, contract.price)
    is_sound = all(0 < number < inf for number in numbers) and 0 <= contract.margin < inf
    return bool(contract.symbol) and is_sound


@click.command("gateway")
@click.option("--host", help="Address to listen at.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; any that is free otherwise.")
@click.option(
    "--tls",
    "tls_directory",
    metavar="DIR",
    help="Where its certificates are, or are made; in a passing directory otherwise.",
)
@click.option("--ticks", help="File of trades to replay: CSV with ts_event,price,size.")
@click.option("--quotes", help="File of quotes to replay: CSV with ts_event,bid_px,ask_px.")
@click.option("--symbol", help="Of rows that name none; the first contract otherwise.")
@click.option(
    "--speed", callback=_read_speed, help="Times as fast as it was; 0, max: without any pause."
)
@click.option(
    "--market",
    type=click.Choice(("seeded", "manual")),
    default="seeded",
    show_default=True,
    help="Without files: a random walk, or none but what is asked for.",
)
@click.option("--seed", type=int, help="Of the random walk.")
@click.option("--trades-per-s", type=_above_zero, help="Of each contract, in the random walk.")
@click.option("--volatility", type=_above_zero, help="Ticks that a contract goes in a second.")
@click.option(
    "--market-orders", type=click.Choice(("at-once", "next-trade")), help="When they fill."
)
@click.option("--account", "accounts", multiple=True, help="An account; may be given again.")
@click.option("--user", "users", multiple=True, help="A user of all accounts; may be given again.")
@click.option("--system", "systems", multiple=True, help="Name of a system; may be given again.")
@click.option(
    "--contract",
    "contracts",
    multiple=True,
    callback=_read_contracts,
    metavar=_CONTRACT,
    help="What is traded; MARGIN is money per contract, else there is none. May be given again.",
)
@click.option(
    "--password-file", help=f"Holds the users' password; {PASSWORD_VARIABLE} may hold it, too."
)
@click.option("--max-sessions", type=click.IntRange(1), help="Logins of a user at each plant.")
@click.option("--heartbeat-interval-s", type=_above_zero, help="What clients are told to keep.")
@click.option("--control", metavar="PATH", help="Socket that takes requests, a line of JSON each.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def gateway(control: str | None, as_json: bool, **options: Any) -> None:
    """Serve a local Rithmic gateway until SIGTERM, to rehearse without an account.

    The first output says where it listens, and what a client needs.

    \b
    Example:
      fillbridge rithmic gateway --port 7550 --tls certificates --seed 7
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with _failures():
        settings, is_secret = _settings(options, os.environ)

        def say_ready(running: RunningGateway) -> None:
            password = None if is_secret else REHEARSAL_USER.password
            document = _document(running, control, password)
            text = "\n".join(_lines(document))
            click.echo(msgspec.json.encode(document).decode() if as_json else text)
            sys.stdout.flush()

        anyio.run(run_gateway, settings, control, say_ready)


def _settings(
    options: dict[str, Any], environment: Mapping[str, str]
) -> tuple[GatewaySettings, bool]:
    """What is to be served, and whether the password is a secret."""
    given = {name: value for name, value in options.items() if value not in (None, ())}
    password = _password(given.get("password_file"), environment)
    is_manual = given["market"] == "manual" and not {"ticks", "quotes"} & given.keys()
    market = MarketSettings(**{name: given[name] for name in _OF_MARKET if name in given})
    contracts = given.get("contracts", CONTRACTS)
    settings = GatewaySettings(
        **{name: given[name] for name in _OF_GATEWAY if name in given},
        accounts=tuple(Account(account_id=name) for name in given.get("accounts", ()))
        or (REHEARSAL_ACCOUNT,),
        users=tuple(
            User(name=name, password=password or REHEARSAL_USER.password)
            for name in given.get("users", (REHEARSAL_USER.name,))
        ),
        systems=given.get("systems", GatewaySettings().systems),
        contracts=contracts,
        routes=tuple(
            Route(exchange=name) for name in sorted({each.exchange for each in contracts})
        ),
        market=None if is_manual else market,
    )
    return settings, password is not None


def _password(path: str | None, environment: Mapping[str, str]) -> str | None:
    if path is None:
        return environment.get(PASSWORD_VARIABLE) or None
    try:
        password = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise ConfigurationError(f"{path}: cannot be read: {reason}") from None
    if not password:
        raise ConfigurationError(f"{path}: expected a password, was empty")
    return password


def _document(running: RunningGateway, control: str | None, password: str | None) -> dict[str, Any]:
    settings = running.gateway.settings
    return {
        "uri": running.uri,
        "ca_file": running.ca_file,
        "control": control,
        "process": os.getpid(),
        "systems": settings.systems,
        "users": [user.name for user in settings.users],
        "password": password,
        "accounts": [account.account_id for account in settings.accounts],
        "contracts": [f"{each.symbol}.{each.exchange}" for each in settings.contracts],
    }


def _lines(document: dict[str, Any]) -> Iterator[str]:
    yield f"Listening at {document['uri']}"
    yield f"CA certificate: {document['ca_file']}"
    yield f"Systems: {', '.join(document['systems'])}"
    password = document["password"]
    secret = "" if password is None else f"; password: {password}"
    yield f"Users: {', '.join(document['users'])}{secret}"
    yield f"Accounts: {', '.join(document['accounts'])}"
    yield f"Contracts: {', '.join(document['contracts'])}"
    if document["control"] is not None:
        yield f"Control socket: {document['control']}"


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what goes wrong on purpose into one sentence and an exit code."""
    try:
        yield
    except (ConfigurationError, InvalidValue) as error:
        click.echo(f"Error: {' '.join(str(error).splitlines())}", err=True)
        raise SystemExit(2) from None
