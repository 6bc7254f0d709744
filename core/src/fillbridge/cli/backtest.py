"""``fillbridge backtest``: proposals through market data, from files to files."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from fillbridge.cli.output import failures, print_json
from fillbridge.cli.progress import reading
from fillbridge.config import Settings, find_instrument, load_settings
from fillbridge.config.instruments import known_instrument
from fillbridge.files import BadFile, read_proposals
from fillbridge.runs import MarketFiles, OutputDirectory, RunResult, run_backtest
from fillbridge.trusted import load_trusted
from fillbridge_hooks import ConfigurationError, Instrument

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
    """Run trade proposals through market data.

    Give --bars, or --ticks with or without --quotes. Files are CSV, CSV.gz or Parquet; other
    columns than those named are ignored. Proposals have the columns
    proposal_id,ts,direction,position_size and either stop_loss_ticks,take_profit_ticks or
    stop_loss_price,take_profit_price.

    Writes trades.csv, trades.parquet, summary.json and report.html. Exits with 1 if the run
    failed, with 2 if an input or an option cannot be used.

    \b
    Example:
      fillbridge backtest --bars es.csv.gz --proposals ideas.csv --symbol ES --out result
    """  # noqa: D301 (click reads the character \b: do not wrap)
    with failures():
        market = MarketFiles(bars=bars, ticks=ticks, quotes=quotes)
        plugins = load_trusted(config, is_trading=False)
        settings = load_settings(config, plugins.settings_sections()).settings
        settings = _with_instrument(settings, symbol, tick_size, point_value)
        rows = read_proposals(proposals)
        used = settings.backtest_settings.symbol
        with OutputDirectory(out) as output, reading(market.main, "Backtest") as on_bytes:
            title = f"{used}: {market.main.name}"
            try:
                result = run_backtest(
                    market, rows, settings, plugins, output.partial, title, on_bytes
                )
            except ConfigurationError as error:
                raise ConfigurationError(f"{config}: {error}" if config else str(error)) from None
            if tick_size is not None:
                _check_used(used, market, result)
    if as_json:
        print_json({**result.summary, "directory": str(out), "files": result.files})
        return
    from fillbridge.cli.tables import print_summary

    print_summary(result.summary, result.files, out)


def _with_instrument(
    settings: Settings, symbol: str | None, tick_size: float | None, point_value: float | None
) -> Settings:
    """The settings with what the command line says of the instrument."""
    instruments = settings.instruments
    if tick_size is not None and point_value is not None:
        symbol = symbol or _CUSTOM_SYMBOL
        known = known_instrument(symbol, instruments)
        if known is None:
            given = Instrument(symbol=symbol, tick_size=tick_size, point_value=point_value)
        else:
            given = msgspec.structs.replace(known, tick_size=tick_size, point_value=point_value)
        instruments = {**instruments, symbol: given}
    elif tick_size is not None or point_value is not None:
        alone = "--tick-size" if point_value is None else "--point-value"
        raise ConfigurationError(f"--tick-size, --point-value: expected both, was {alone} alone")
    if symbol is None:
        return settings
    find_instrument(symbol, instruments)
    return msgspec.structs.replace(
        settings,
        instruments=instruments,
        backtest_settings=msgspec.structs.replace(settings.backtest_settings, symbol=symbol),
    )


def _check_used(symbol: str, market: MarketFiles, result: RunResult) -> None:
    """Refuse a run that took no notice of the instrument it was given."""
    symbols = result.summary["symbols"]
    if symbol not in symbols:
        rule = f"expected rows of {symbol}, which --tick-size describes, was {', '.join(symbols)}"
        raise BadFile(market.main, f"{rule} (name the one that is meant with --symbol)")
