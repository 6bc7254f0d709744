"""Cost models and risk checks by name: those of hooks, and those that plugins configured."""

from collections.abc import Iterable, Mapping
from typing import Any

from fillbridge.plugins.catalogue import Catalogue
from fillbridge.plugins.checks import arguments_taken
from fillbridge.plugins.resolution import AnyFunction, Implementation, adapt
from fillbridge.plugins.sources import Source
from fillbridge.plugins.specifications import HOOK_ARGUMENTS
from fillbridge_hooks import (
    CommissionFunction,
    RegisterModels,
    RiskCheck,
    SlippageFunction,
    WatchFunction,
)

_SLIPPAGE = "fillbridge_slippage"
_COMMISSION = "fillbridge_commission"
_RISK_CHECK = "fillbridge_check_risk"
_VIEW = ("view",)

MODEL_HOOKS = (_SLIPPAGE, _COMMISSION, _RISK_CHECK)
"""Hooks whose implementations are chosen, or added to others, by name."""


class Models:
    """The models of one configuration.

    A plugin that implements one of ``MODEL_HOOKS`` offers it under its own name; others are
    registered. Every function takes all arguments of its hook, by position.
    """

    def __init__(self, implementations: Iterable[Implementation] = ()) -> None:
        """Take implementations of ``MODEL_HOOKS``.

        :raises PluginError: if two of one hook have the same plugin
        """
        self.catalogues: Mapping[str, Catalogue[Any]] = {
            _SLIPPAGE: Catalogue("slippage model", "backtest_settings.slippage.type"),
            _COMMISSION: Catalogue("commission model", "backtest_settings.commission.type"),
            _RISK_CHECK: Catalogue("risk check", "risk_controls"),
        }
        """By hook: each model with its plugin, to be named if the model fails."""
        self._watches: Catalogue[WatchFunction] = Catalogue("watch", "risk_controls")
        for found in implementations:
            self.catalogues[found.hook].add(found.plugin, found.function, found)

    def slippage(self, name: str) -> tuple[str, SlippageFunction]:
        """The slippage model of that name, with it: points per contract, adverse, >= 0.

        :raises ConfigurationError: if nobody offers it
        """
        return name, self.catalogues[_SLIPPAGE].find(name).value

    def commission(self, name: str) -> tuple[str, CommissionFunction]:
        """The commission model of that name, with it: account currency for one fill.

        :raises ConfigurationError: if nobody offers it
        """
        return name, self.catalogues[_COMMISSION].find(name).value

    def risk_checks(self) -> tuple[tuple[str, RiskCheck], ...]:
        """Every risk check there is, by plugin name; a plugin's hook before what it registered.

        Implementations of ``fillbridge_check_risk`` are among them: do not resolve it as well.
        """
        return tuple((check.name, check.value) for check in self.catalogues[_RISK_CHECK])

    def watches(self) -> tuple[tuple[str, WatchFunction], ...]:
        """Every watch over an account there is, by plugin name."""
        return tuple((watch.name, watch.value) for watch in self._watches)

    def add_watch(self, name: str, function: WatchFunction, source: Source) -> None:
        """Take a watch.

        :raises PluginError: if it cannot be called with a view, or the name is taken
        """
        taken = arguments_taken(function, _VIEW, source, f"{self._watches.kind} '{name}'")
        self._watches.add(name, adapt(function, taken, _VIEW), source)

    def registrar(self, source: Source) -> RegisterModels:
        """What the plugin registers its configured models with."""
        return _Registrar(self, source)

    def register(self, hook: str, name: str, function: AnyFunction, source: Source) -> None:
        """Take a model that may need only some of the hook's arguments.

        :raises PluginError: if it cannot be called as the hook, or the name is taken
        """
        catalogue = self.catalogues[hook]
        arguments = HOOK_ARGUMENTS[hook]
        taken = arguments_taken(function, arguments, source, f"{catalogue.kind} '{name}'")
        catalogue.add(name, adapt(function, taken, arguments), source)


class _Registrar:
    def __init__(self, models: Models, source: Source) -> None:
        self._models = models
        self._source = source

    def slippage(self, name: str, function: SlippageFunction) -> None:
        self._models.register(_SLIPPAGE, name, function, self._source)

    def commission(self, name: str, function: CommissionFunction) -> None:
        self._models.register(_COMMISSION, name, function, self._source)

    def watch(self, name: str, function: WatchFunction) -> None:
        self._models.add_watch(name, function, self._source)

    def risk_check(self, name: str, function: RiskCheck) -> None:
        self._models.register(_RISK_CHECK, name, function, self._source)
