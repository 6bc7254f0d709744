"""The two decorators that tie a plugin to Fillbridge, and the name they share."""

import pluggy

PROJECT = "fillbridge"
"""Name of the plugin project: the entry-point group, and the prefix of every hook."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook of the same name."""
