"""``fillbridge run``: trade live, or live on recorded data."""

from __future__ import annotations

import logging
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fillbridge.cli.output import REDACTOR, fail, failures, json_text
from fillbridge.config import find_instrument, load_settings
from fillbridge.files import BadFile
from fillbridge.trusted import load_trusted
from fillbridge_hooks import ConfigurationError, FillbridgeError

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fillbridge.config import LoadedSettings, Settings
    from fillbridge.plugins import Plugins
    from fillbridge.runs.live import EndingMarket

_logger = logging.getLogger(__name__)

_FILE = click.Path(path_type=Path)
_SIM = "sim"
_PAPER = "paper"
_MODE = "execution_handler.mode"


@click.command()
@click.option("--config", type=_FILE, metavar="FILE", help="Configuration, .yaml or .toml.")
@click.option("--replay", type=_FILE, metavar="TICKS", help="Paper mode: trade on these trades.")
@click.option("--quotes", type=_FILE, metavar="FILE", help="With --replay: the quotes.")
@click.option(
    "--speed", metavar="N", help="With --replay: how many times faster than it was, or max."
)
@click.option("--symbol", metavar="S", help="Of proposals and rows that name none.")
@click.option(
    "--chaos", metavar="PROFILE", help="Rehearse with faults: calm, bad_wifi, fomc, hell."
)
@click.option(
    "--seed", type=click.IntRange(0), metavar="N", help="Of the faults and the made-up market."
)
@click.option("--account", metavar="A", help="Whose journal, lock and socket.")
@click.option(
    "--for",
    "seconds",
    type=click.FloatRange(0, min_open=True),
    metavar="SECONDS",
    help="End after this time.",
)
@click.option("--log-json", is_flag=True, help="Write the log to standard error, as JSON.")
@click.option(
    "--log-level",
    type=click.Choice(("debug", "info", "warning", "error")),
    default="info",
    show_default=True,
    help="With --log-json: of what is written at least.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document per line.")
def run(
    config: Path | None,
    replay: Path | None,
    quotes: Path | None,
    speed: str | None,
    symbol: str | None,
    chaos: str | None,
    seed: int | None,
    account: str | None,
    seconds: float | None,
    log_json: bool,
    log_level: str,
    as_json: bool,
) -> None:
    """Run the live handler until SIGTERM or Ctrl-C.

    Without a configuration it trades a made-up market at the simulated broker; with --replay,
    recorded trades there, and it ends with them. Proposals arrive through fillbridge propose, and
    the other commands (status, positions, flatten, ...) speak to it from another terminal.

    The first signal drains: no entry leaves any more, stops and targets stay at the broker, the
    end is recorded. A second one ends it at once. Exits with 0 if it was drained, with 1 if
    something failed, with 2 if an input cannot be used or another handler has the account.

    \b
    Example:
      fillbridge run --replay es-trades.csv.gz --symbol ES --speed 10
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        options = _options(replay, quotes, speed, symbol, chaos, seed, account)
        plugins = load_trusted(config, is_trading=replay is None)
        if chaos is not None and not _has_chaos(plugins):
            raise ConfigurationError(
                "--chaos: expected the plugin 'chaos', which the distribution fillbridge-chaos"
                " has, was not installed"
            )
        sections = plugins.settings_sections()
        if replay is not None:
            options = _on_paper(load_settings(config, sections).settings, plugins) | options
        loaded = load_settings(config, sections, options=options)
        if replay is None:
            _check_mode(loaded)
        settings = loaded.settings
        find_instrument(settings.live_settings.symbol, settings.instruments)
        _harden(settings)
        try:
            with _logs(log_level) if log_json else nullcontext():
                is_done = _run(
                    settings, plugins, seconds, is_replay=replay is not None, as_json=as_json
                )
        except ConfigurationError as error:
            raise type(error)(f"{config}: {error}" if config else str(error)) from None
    if not is_done:
        fail("not everything could be recorded: the journal failed", 1)


def _logs(level: str) -> AbstractContextManager[None]:
    from fillbridge.cli.log_lines import json_logs

    return json_logs(REDACTOR, level)


def _harden(settings: Settings) -> None:
    """Keep the memory of a process that logs in from the disk, and in prod from its neighbours."""
    from fillbridge.hardening import forbid_core_dumps, forbid_inspection

    if not forbid_core_dumps():
        _logger.warning("core dumps cannot be forbidden: one would hold what this process knows")
    if settings.live_settings.environment == "prod" and not forbid_inspection():
        _logger.warning("other processes of this user can read the memory of this one")


def _options(
    replay: Path | None,
    quotes: Path | None,
    speed: str | None,
    symbol: str | None,
    chaos: str | None,
    seed: int | None,
    account: str | None,
) -> dict[str, Any]:
    """What the command line says, by the path of the setting."""
    for name, value in (("--quotes", quotes), ("--speed", speed)):
        if replay is None and value is not None:
            raise ConfigurationError(f"{name}: expected together with --replay, was alone")
    for path in (replay, quotes):
        if path is not None and not path.is_file():
            raise BadFile(path, "expected a file, was none")
    simulation = "live_settings.simulation"
    given: dict[str, Any] = {
        f"{simulation}.ticks": None if replay is None else str(replay),
        f"{simulation}.quotes": None if quotes is None else str(quotes),
        f"{simulation}.speed": _speed(speed),
        f"{simulation}.seed": seed,
        "live_settings.symbol": symbol,
        "live_settings.account": account,
        "chaos.profile": chaos,
        "chaos.seed": None if chaos is None else seed,
    }
    return {path: value for path, value in given.items() if value is not None}


def _speed(text: str | None) -> float | str | None:
    if text is None or text == "max":
        return text
    try:
        return float(text)
    except ValueError:
        rule = f"expected a number >= 0, or max, was {text!r}"
        raise ConfigurationError(f"--speed: {rule}") from None


def _has_chaos(plugins: Plugins) -> bool:
    return any(declared.section == "chaos" for declared in plugins.settings_sections())


def _on_paper(configured: Settings, plugins: Plugins) -> dict[str, str]:
    """What replaces the broker that is configured, so that nothing reaches it.

    Its account is replaced too: the journal of one must never tell of trades on paper.
    """
    simulated = {"live_settings.environment": _SIM}
    provider = configured.live_settings.provider
    if provider is None or _in_process(provider, plugins) is not None:
        return simulated
    return simulated | {"live_settings.provider": _SIM, "live_settings.account": _PAPER}


def _in_process(provider: str, plugins: Plugins) -> EndingMarket | None:
    """The driver of that name, if its broker is simulated in this process."""
    from fillbridge.runs.live import EndingMarket

    driver = plugins.drivers().get(provider)
    return driver if isinstance(driver, EndingMarket) else None


def _check_mode(loaded: LoadedSettings) -> None:
    """Trade live on no configuration that says it is for something else."""
    mode, origin = loaded.settings.mode, loaded.origins[_MODE]
    if mode != "live" and origin != "default":
        raise ConfigurationError(f"{origin}: {_MODE}: expected 'live' to run, was {mode!r}")


def _run(
    settings: Settings, plugins: Plugins, seconds: float | None, *, is_replay: bool, as_json: bool
) -> bool:
    # Imported here because it is slow to import, and most commands do not need it.
    import anyio

    from fillbridge.cli.printing import JsonLines, Printer
    from fillbridge.handlers.live import LiveExecutionHandler
    from fillbridge.runs.live import LiveRun

    provider = settings.live_settings.provider or _SIM
    market = _in_process(provider, plugins) if is_replay else None
    handler = LiveExecutionHandler(settings, plugins=plugins, redactor=REDACTOR)
    if as_json:
        printer = Printer(JsonLines(json_text))
    else:
        from fillbridge.cli.live_lines import TextLines

        printer = Printer(TextLines())
    try:
        live_run = LiveRun(handler, printer.tell, seconds=seconds, market=market)
        return anyio.run(live_run.run)
    except BaseExceptionGroup as group:
        raise _first(group) from None
    finally:
        printer.close()


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """What is to be said of errors that belong together: the one that was meant for users."""
    found: list[BaseException] = []

    def collect(error: BaseException) -> None:
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                collect(one)
        else:
            found.append(error)

    collect(group)
    return next((error for error in found if isinstance(error, FillbridgeError)), found[0])
