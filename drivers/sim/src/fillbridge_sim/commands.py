"""``fillbridge sim``: the simulated broker as a process of its own."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import inf
from typing import Any

import anyio
import click
import msgspec

from fillbridge_hooks import ConfigurationError, InvalidValue, NotConnected
from fillbridge_sim.live.control import carry_out, read_book
from fillbridge_sim.live.serving import serve
from fillbridge_sim.live.wire import PushQuote, PushTrade
from fillbridge_sim.settings import LiveMarket, SimulationSettings

_socket = click.option("--socket", "path", required=True, help="Path of the broker's socket.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_symbol = click.option("--symbol", default="ES", show_default=True, help="What traded.")
_above_zero = click.FloatRange(0, min_open=True)
_not_negative = click.FloatRange(0)


def _read_speed(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> float | str | None:
    if text is None or text == "max":
        return text
    with suppress(ValueError):
        if 0 <= (speed := float(text)) < inf:
            return speed
    raise click.BadParameter(f"expected a number >= 0, or max, was {text!r}", context, parameter)


@click.group()
def sim() -> None:
    """Run a simulated broker, look at its book, move its market."""


@sim.command("serve")
@_socket
@click.option("--ticks", help="File of trades to replay: CSV with ts_event,price,size.")
@click.option("--quotes", help="File of quotes: CSV with ts_event,bid_px,bid_sz,ask_px,ask_sz.")
@click.option("--symbol", help="Of rows that name none; the first that is traded otherwise.")
@click.option(
    "--speed", callback=_read_speed, help="Times as fast as it was; 0, max: as it is received."
)
@click.option(
    "--market",
    type=click.Choice(("seeded", "manual")),
    help="Without --ticks: a random walk, or none but what is pushed by hand.",
)
@click.option("--seed", type=int, help="Of the random walk.")
@click.option("--start-price", type=_above_zero, help="Where the random walk begins, points.")
@click.option("--volatility", type=_not_negative, help="Ticks that it goes in a second.")
@click.option("--ticks-per-second", type=_above_zero, help="Trades of the random walk.")
@click.option("--latency-ms", type=_not_negative, help="Time until a request takes effect.")
@click.option(
    "--limit-fill", type=click.Choice(("through", "touch")), help="When a resting limit fills."
)
@click.option(
    "--volume-share",
    type=click.FloatRange(0, 1, min_open=True),
    help="Share of each trade's size that orders may take.",
)
@_as_json
def serve_command(path: str, as_json: bool, **options: Any) -> None:
    """Serve a broker until SIGTERM; its book lives as long as it does.

    The first line of output says that it listens.

    \b
    Example:
      fillbridge sim serve --socket broker.sock --ticks trades.csv.gz --speed 10
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with _failures():
        settings = _settings(options)

        def say_ready() -> None:
            _print(as_json, f"Listening at {path}", {"socket": path, "process": os.getpid()})

        anyio.run(serve, path, settings, say_ready)


@sim.command("book")
@_socket
@_as_json
def book_command(path: str, as_json: bool) -> None:
    """Show what the broker keeps: every account's orders, fills and positions.

    \b
    Example:
      fillbridge sim book --socket broker.sock --json
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with _failures():
        book = read_book(path)
    _print(as_json, "\n".join(_book_lines(book)) or "No account has been opened.", book)


@sim.command("tick")
@_socket
@_symbol
@click.option("--price", type=float, required=True, help="Price of the trade, points.")
@click.option("--size", type=float, default=1.0, show_default=True, help="Its size.")
@_as_json
def tick_command(path: str, symbol: str, price: float, size: float, as_json: bool) -> None:
    """Let a trade happen now.

    \b
    Example:
      fillbridge sim tick --socket broker.sock --symbol ES --price 5000.25
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with _failures():
        time_ns = carry_out(path, PushTrade(symbol=symbol, price=price, size=size))
    said = {"symbol": symbol, "price": price, "size": size, "time_ns": time_ns}
    _print(as_json, f"{symbol} traded at {price}", said)


@sim.command("quote")
@_socket
@_symbol
@click.option("--bid", type=float, required=True, help="Best bid, points.")
@click.option("--ask", type=float, required=True, help="Best offer, points.")
@click.option("--size", type=float, default=1.0, show_default=True, help="Size of each.")
@_as_json
def quote_command(
    path: str, symbol: str, bid: float, ask: float, size: float, as_json: bool
) -> None:
    """Let the best bid and offer be these from now on.

    \b
    Example:
      fillbridge sim quote --socket broker.sock --symbol ES --bid 5000 --ask 5000.25
    """  # noqa: D301 (click reads the character \b: do not wrap)
    request = PushQuote(symbol=symbol, bid=bid, ask=ask, bid_size=size, ask_size=size)
    with _failures():
        time_ns = carry_out(path, request)
    said = {"symbol": symbol, "bid": bid, "ask": ask, "size": size, "time_ns": time_ns}
    _print(as_json, f"{symbol} is quoted {bid} at {ask}", said)


def _settings(options: dict[str, Any]) -> SimulationSettings:
    given = {name: value for name, value in options.items() if value is not None}
    live = {name: given.pop(name) for name in LiveMarket.__struct_fields__ if name in given}
    return SimulationSettings(**given, live=LiveMarket(**live))


def _book_lines(book: dict[str, Any]) -> Iterator[str]:
    for name, account in sorted(book["accounts"].items()):
        held = ", ".join(f"{symbol} {held:+}" for symbol, held in account["positions"].items())
        yield f"{name}: {held or 'flat'}; {len(account['fills'])} fills"
        for order in account["orders"]:
            asked = f"{order['side']} {order['filled']}/{order['quantity']} {order['symbol']}"
            yield f"  {order['client_order_id']}  {asked} {order['order_type']}, {order['status']}"


def _print(as_json: bool, text: str, document: object) -> None:
    click.echo(msgspec.json.encode(document).decode() if as_json else text)
    sys.stdout.flush()


@contextmanager
def _failures() -> Iterator[None]:
    """Turn what goes wrong on purpose into one sentence and an exit code."""
    try:
        yield
    except (ConfigurationError, InvalidValue) as error:
        _fail(error, 2)
    except NotConnected as error:
        _fail(error, 3)


def _fail(error: Exception, code: int) -> None:
    click.echo(f"Error: {' '.join(str(error).splitlines())}", err=True)
    raise SystemExit(code)
