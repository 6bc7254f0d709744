"""``fillbridge demo``: a simulated session from start to report."""

from __future__ import annotations

from pathlib import Path

import click

from fillbridge.cli.output import fail, print_json
from fillbridge.config import decode_settings
from fillbridge.files import BadFile, read_proposals
from fillbridge.plugins import Plugins
from fillbridge.runs import MarketFiles, OutputDirectory, run_backtest
from fillbridge.runs.demo import SETTINGS, write_session
from fillbridge_hooks import ConfigurationError, PluginError, TradeResult


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=Path("fillbridge-demo"),
    show_default=True,
    help="Directory of the output.",
)
@click.option("--seed", type=int, default=7, show_default=True, help="Another session.")
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document.")
def demo(out: Path, seed: int, as_json: bool) -> None:
    """Trade a made-up ES session under the specification's costs and risk limits.

    Writes the session (bars.csv, proposals.csv) and the files of a backtest.

    \b
    Example:
      fillbridge demo --out demo && open demo/report.html
    """  # noqa: D301 (click reads the character \b: do not wrap)
    trades: list[TradeResult] = []
    try:
        plugins = Plugins()
        plugins.load()
        settings = decode_settings(SETTINGS, plugins.settings_sections())
        with OutputDirectory(out) as output:
            bars, proposals = write_session(output.partial, seed)
            result = run_backtest(
                MarketFiles(bars=bars),
                read_proposals(proposals),
                settings,
                plugins,
                output.partial,
                f"Demo: a made-up ES session (seed {seed})",
                on_trade=trades.append,
            )
    except (BadFile, ConfigurationError) as error:
        fail(error, 2)
    except PluginError as error:
        fail(error, 1)
    if as_json:
        print_json({**result.summary, "directory": str(out), "files": result.files})
        return
    from fillbridge.cli.tables import print_equity, print_summary, print_trades

    print_trades(trades)
    print_equity(trades)
    print_summary(result, out)
