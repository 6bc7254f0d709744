"""Plugins: found, checked and resolved to plain functions before anything runs."""

from fillbridge.plugins.explain import (
    Explanation,
    HookReport,
    ModelReport,
    PluginReport,
    explain,
    report_plugins,
)
from fillbridge.plugins.manager import BrokenPlugin, BrokenPlugins, Plugins
from fillbridge.plugins.models import Models
from fillbridge.plugins.registration import DeclaredSection
from fillbridge.plugins.resolution import Implementation
from fillbridge.plugins.sources import Source
from fillbridge.plugins.specifications import HOOK_ARGUMENTS

__all__ = (
    "BrokenPlugin",
    "BrokenPlugins",
    "DeclaredSection",
    "Explanation",
    "HOOK_ARGUMENTS",
    "HookReport",
    "Implementation",
    "ModelReport",
    "Models",
    "PluginReport",
    "Plugins",
    "Source",
    "explain",
    "report_plugins",
)
