"""Parquet files and an HTML report of a finished run, as one hook."""

from pathlib import Path

from fillbridge_hooks import RunFiles, hookimpl

__all__ = ("fillbridge_write_report",)

PARQUET_NAME = "trades.parquet"
REPORT_NAME = "report.html"


@hookimpl
def fillbridge_write_report(run: RunFiles) -> list[str]:
    """Write ``trades.parquet`` and ``report.html`` into the run's directory.

    :raises InvalidValue: if ``run.trades_csv`` is not a file of closed trades
    """
    # Arrow and Plotly are heavy, and every start of Fillbridge imports this module.
    from fillbridge_report.analysis import analyse_trades
    from fillbridge_report.page import render_page
    from fillbridge_report.parquet import write_parquet

    directory = Path(run.directory)
    write_parquet(Path(run.trades_csv), directory / PARQUET_NAME)
    page = render_page(run.title, run.summary, analyse_trades(directory / PARQUET_NAME))
    (directory / REPORT_NAME).write_text(page, encoding="utf-8")
    return [PARQUET_NAME, REPORT_NAME]
