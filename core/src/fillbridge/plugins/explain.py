"""What is installed, and what is called in which order, as data that can be printed."""

from collections.abc import Iterable
from typing import Literal

import msgspec

from fillbridge.plugins.manager import BrokenPlugin, Plugins
from fillbridge.plugins.models import Models
from fillbridge.plugins.sources import Source, source_fields
from fillbridge.plugins.specifications import HOOK_ARGUMENTS
from fillbridge_hooks import FillbridgeError


class PluginReport(Source, frozen=True, kw_only=True):
    """One installed plugin."""

    status: Literal["ok", "broken"]
    hooks: tuple[str, ...]
    """The hooks that it implements."""
    reason: str | None
    """Why it is broken."""


class ModelReport(Source, frozen=True, kw_only=True):
    """A named model and the plugin that offers it."""

    name: str


class HookReport(msgspec.Struct, frozen=True, kw_only=True):
    """A hook, with its implementations in the order they are called."""

    hook: str
    arguments: tuple[str, ...]
    implementations: tuple[Source, ...]
    models: tuple[ModelReport, ...]
    """The named models that are called as this hook is, by plugin."""


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """Some hooks, and what is wrong with the plugins."""

    hooks: tuple[HookReport, ...]
    problems: tuple[str, ...]


def report_plugins(plugins: Plugins, broken: Iterable[BrokenPlugin]) -> tuple[PluginReport, ...]:
    """Every plugin by name, those that could not be loaded among them."""
    hooks: dict[str, list[str]] = {name: [] for name in plugins.names()}
    for hook in HOOK_ARGUMENTS:
        for implementation in plugins.resolve(hook):
            hooks[implementation.plugin].append(hook)
    reports = [
        PluginReport(
            status="ok",
            hooks=tuple(implemented),
            reason=None,
            **source_fields(plugins.source(name)),
        )
        for name, implemented in hooks.items()
    ]
    reports += [
        PluginReport(
            status="broken", hooks=(), reason=one.error.message, **source_fields(one.source)
        )
        for one in broken
    ]
    return tuple(sorted(reports, key=lambda report: (report.plugin, report.distribution)))


def explain(
    plugins: Plugins, broken: Iterable[BrokenPlugin] = (), hooks: Iterable[str] = HOOK_ARGUMENTS
) -> Explanation:
    """Who implements these hooks, and which models plugins offer under their default settings.

    :raises InvalidValue: if there is no such hook
    """
    problems = [str(one.error) for one in broken]
    try:
        models = plugins.configure({})
    except FillbridgeError as error:
        problems.append(str(error))
        models = Models()
    return Explanation(
        hooks=tuple(_report_hook(hook, plugins, models) for hook in hooks),
        problems=tuple(problems),
    )


def _report_hook(hook: str, plugins: Plugins, models: Models) -> HookReport:
    return HookReport(
        hook=hook,
        implementations=tuple(Source(**source_fields(found)) for found in plugins.resolve(hook)),
        arguments=HOOK_ARGUMENTS[hook],
        models=tuple(
            ModelReport(name=model.name, **source_fields(model))
            for model in models.catalogues.get(hook, ())
        ),
    )
