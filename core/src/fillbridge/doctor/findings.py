"""What a check finds, and what it is told of whom it examines."""

from __future__ import annotations

from pathlib import Path  # msgspec reads it
from typing import Literal

import msgspec

from fillbridge.config import Settings  # msgspec reads it
from fillbridge.journal.places import Places, places
from fillbridge.plugins import Plugins  # msgspec reads it

Status = Literal["ok", "warn", "fail"]


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """What one check found."""

    check: str
    status: Status
    found: str
    """How it is, in one sentence."""
    advice: str = ""
    """What to do; empty where nothing is."""


class Patient(msgspec.Struct, frozen=True, kw_only=True):
    """Who is examined: a configuration, with what could be made of it."""

    config: Path | None
    settings: Settings
    plugins: Plugins
    is_prod: bool

    @property
    def places(self) -> Places:
        """The files of the account."""
        live = self.settings.live_settings
        return places(Path(live.journal), live.account)

    @property
    def ground(self) -> Path:
        """The folder of the account, or the nearest above it that is there."""
        folder = self.places.folder.absolute()
        while not folder.is_dir():
            folder = folder.parent
        return folder


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check=check, status="ok", found=found)


def warn(check: str, found: str, advice: str) -> Finding:
    """It can be traded like this, and a person should know."""
    return Finding(check=check, status="warn", found=found, advice=advice)


def fail(check: str, found: str, advice: str) -> Finding:
    """It cannot be traded like this."""
    return Finding(check=check, status="fail", found=found, advice=advice)


def many(count: int, one: str, more: str | None = None) -> str:
    """A number of things, as a sentence has it."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"
