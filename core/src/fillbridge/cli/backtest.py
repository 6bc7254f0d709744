"""``fillbridge backtest``: proposals through market data, from files to files."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from fillbridge.cli.output import fail, print_json
from fillbridge.cli.progress import reading
from fillbridge.config import Settings, load_settings
from fillbridge.files import BadFile, read_proposals
from fillbridge.plugins import Plugins
from fillbridge.runs import MarketFiles, OutputDirectory, RunResult, run_backtest
from fillbridge_hooks import ConfigurationError, Instrument, InvalidValue, PluginError

_FILE = click.Path(path_type=Path)
_CUSTOM_SYMBOL = "CUSTOM"


@click.command()
@click.option("--bars", type=_FILE, metavar="FILE", help="Bars: ts,open,high,low,close,volume.")
@click.option("--ticks", type=_FILE, metavar="FILE", help="Trades: ts_event,price,size.")
@click.option(
    "--quotes",
    type=_FILE,
    metavar="FILE",
    help="With --ticks: ts_event,bid_px,bid_sz,ask_px,ask_sz.",
)
@click.option("--proposals", type=_FILE, metavar="FILE", required=True, help="Trades to make.")
@click.option("--symbol", metavar="S", help="Of rows that name none, e.g. ES or ESM8.")
@click.option("--tick-size", type=float, metavar="X", help="Points per tick of the symbol.")
@click.option("--point-value", type=float, metavar="Y", help="Money per point and contract.")
@click.option("--config", type=_FILE, metavar="FILE", help="Configuration, .yaml or .toml.")
@click.option(
    "--out",
    type=_FILE,
    metavar="DIR",
    default=Path("fillbridge-backtest"),
    show_default=True,
    help="Directory of the output.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document.")
def backtest(
    bars: Path | None,
    ticks: Path | None,
    quotes: Path | None,
    proposals: Path,
    symbol: str | None,
    tick_size: float | None,
    point_value: float | None,
    config: Path | None,
    out: Path,
    as_json: bool,
) -> None:
    """Run trade proposals through bars or ticks and write what came of them.

    Files are CSV, CSV.gz or Parquet; other columns than those named are ignored. Writes
    trades.csv, trades.parquet, summary.json and report.html. Exits with 1 if the run failed, with
    2 if an input or an option cannot be used.

    \b
    Example:
      fillbridge backtest --bars es.csv.gz --proposals trades.csv --symbol ES --out result
    """  # noqa: D301 (click reads the character \b: do not wrap)
    try:
        market = MarketFiles(bars=bars, ticks=ticks, quotes=quotes)
        plugins = Plugins()
        plugins.load()
        settings = load_settings(config, plugins.settings_sections()).settings
        settings = _with_symbol(settings, symbol, tick_size, point_value)
        title = f"{settings.backtest_settings.symbol}: {market.main.name}"
        result = _run(market, proposals, settings, plugins, out, title)
    except (BadFile, ConfigurationError, InvalidValue, click.UsageError) as error:
        fail(error, 2)
    except PluginError as error:
        fail(error, 1)
    if as_json:
        print_json({**result.summary, "directory": str(out), "files": result.files})
        return
    from fillbridge.cli.tables import print_summary

    print_summary(result, out)


def _run(
    market: MarketFiles,
    proposals: Path,
    settings: Settings,
    plugins: Plugins,
    out: Path,
    title: str,
) -> RunResult:
    rows = read_proposals(proposals)
    with OutputDirectory(out) as output, reading(market.main, "Backtest") as on_bytes:
        return run_backtest(market, rows, settings, plugins, output.partial, title, on_bytes)


def _with_symbol(
    settings: Settings, symbol: str | None, tick_size: float | None, point_value: float | None
) -> Settings:
    """The settings with what the command line says of the instrument."""
    if (tick_size is None) != (point_value is None):
        missing = "--point-value" if point_value is None else "--tick-size"
        raise click.UsageError(f"{missing}: expected with its counterpart, was absent")
    if tick_size is not None and point_value is not None:
        symbol = symbol or _CUSTOM_SYMBOL
        custom = Instrument(symbol=symbol, tick_size=tick_size, point_value=point_value)
        settings = msgspec.structs.replace(
            settings, instruments={**settings.instruments, symbol: custom}
        )
    if symbol is None:
        return settings
    return msgspec.structs.replace(
        settings,
        backtest_settings=msgspec.structs.replace(settings.backtest_settings, symbol=symbol),
    )
