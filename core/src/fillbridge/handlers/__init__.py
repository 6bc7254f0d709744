"""The handlers: the engine with what surrounds it, ready to be used."""

from fillbridge.handlers.abstract import AbstractExecutionHandler
from fillbridge.handlers.api import ExecutionHandlerAPI
from fillbridge.handlers.backtest import BacktestExecutionHandler

__all__ = ("AbstractExecutionHandler", "BacktestExecutionHandler", "ExecutionHandlerAPI")
