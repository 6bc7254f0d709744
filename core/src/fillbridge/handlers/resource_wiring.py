"""From the settings to the watch over what the machine leaves."""

from functools import partial
from pathlib import Path
from typing import Any

from fillbridge.config import Settings
from fillbridge.journal import Journal
from fillbridge.live import LiveTrading
from fillbridge.live.resources import MIB, ResourceLimits, Resources, room
from fillbridge_hooks import LiveClock


def resource_limits(settings: Settings) -> ResourceLimits:
    """What the section of the risk controls says about disk and memory; nothing without it."""
    controls = settings.plugin_sections.get("risk")

    def limit(name: str, factor: float) -> float | None:
        value: Any = getattr(controls, name, None)
        return None if value is None else value * factor

    return ResourceLimits(
        min_free_bytes=_whole(limit("min_free_disk_mb", MIB)),
        min_free_share=limit("min_free_disk_percent", 0.01),
        max_sync_ns=_whole(limit("max_journal_sync_ms", 1e6)),
        max_memory_bytes=_whole(limit("max_memory_mb", MIB)),
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def watch_resources(
    trading: LiveTrading, clock: LiveClock, journal: Journal, settings: Settings
) -> Resources:
    """The watch over the disk of the journal and this process."""
    folder = Path(settings.live_settings.journal)
    limits = resource_limits(settings)
    return Resources(trading, clock, limits, journal.take_slowest_commit_ns, partial(room, folder))
