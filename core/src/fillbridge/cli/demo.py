"""``fillbridge demo``: a simulated session from start to report."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fillbridge.cli.output import failures, print_json
from fillbridge.cli.progress import reading
from fillbridge.config import load_settings
from fillbridge.files import read_proposals
from fillbridge.plugins import Plugins
from fillbridge.runs import MarketFiles, OutputDirectory, run_backtest
from fillbridge.runs.demo import write_session

if TYPE_CHECKING:
    from fillbridge_hooks import TradeResult


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=Path("fillbridge-demo"),
    show_default=True,
    help="Directory of the output.",
)
@click.option(
    "--seed", type=int, metavar="N", default=139, show_default=True, help="Which session."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON document.")
def demo(out: Path, seed: int, as_json: bool) -> None:
    """Trade a made-up session of ES.

    Writes the session (bars.csv, proposals.csv, config.yaml) and the files of a backtest. The
    same seed makes the same session; FILLBRIDGE_ variables do not change it.

    \b
    Example:
      fillbridge demo --seed 8 --out demo
    """  # noqa: D301 (click reads the character \b: do not wrap)
    trades: list[TradeResult] = []
    with failures():
        plugins = Plugins()
        plugins.load()
        with OutputDirectory(out) as output:
            session = write_session(output.partial, seed)
            settings = load_settings(session.config, plugins.settings_sections(), {}).settings
            with reading(session.bars, "Demo") as on_bytes:
                result = run_backtest(
                    MarketFiles(bars=session.bars),
                    read_proposals(session.proposals),
                    settings,
                    plugins,
                    output.partial,
                    f"A made-up session of ES (seed {seed})",
                    on_bytes,
                    trades.append,
                )
    files = [path.name for path in session] + result.files
    if as_json:
        print_json({**result.summary, "directory": str(out), "files": files})
        return
    from fillbridge.cli.tables import print_equity, print_summary, print_trades

    if trades:
        print_trades(trades)
        print_equity(trades)
    print_summary(result.summary, files, out)
    bars, proposals, config = (shlex.quote(str(out / path.name)) for path in session)
    click.echo("the same from these files:")
    click.echo(f"  fillbridge backtest --bars {bars} --proposals {proposals} --config {config}")
