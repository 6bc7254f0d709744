"""Whole backtests: files in, trades and a summary out."""

from fillbridge.runs.inputs import MarketFiles
from fillbridge.runs.output import OutputDirectory
from fillbridge.runs.run import RunResult, run_backtest
from fillbridge.runs.summary import Summary

__all__ = ("MarketFiles", "OutputDirectory", "RunResult", "Summary", "run_backtest")
