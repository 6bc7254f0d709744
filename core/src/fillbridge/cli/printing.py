"""Prints what a live run tells, in a thread of its own: a terminal may stall, trading may not."""

from __future__ import annotations

import queue
import sys
import threading
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_WAITING = 10_000

Told = dict[str, Any]


class Display(Protocol):
    """Shows events; called from one thread alone."""

    def show(self, event: Told) -> None:
        """Show an event, or pass it over.

        :raises OSError: if nothing can be shown any more
        """

    def close(self) -> None:
        """Leave the output as it should stay."""


class Printer:
    """Takes events at once and has them shown one after the other."""

    def __init__(self, display: Display) -> None:
        self._display = display
        self._waiting: queue.Queue[Told | None] = queue.Queue(_MOST_WAITING)
        self._lost = 0
        self._thread = threading.Thread(target=self._run, name="printer", daemon=True)
        self._thread.start()

    def tell(self, event: Told) -> None:
        """Have an event shown; where too many wait it is dropped, and the number of those told."""
        try:
            if self._lost and event["event"] != "status":
                lost: Told = {"event": "dropped", "time_ns": event["time_ns"], "lines": self._lost}
                self._waiting.put_nowait(lost)
                self._lost = 0
            self._waiting.put_nowait(event)
        except queue.Full:
            self._lost += event["event"] != "status"

    def close(self, seconds: float = 2.0) -> None:
        """Show what waits, for so long at most."""
        try:
            self._waiting.put(None, timeout=seconds)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _run(self) -> None:
        can_show = True
        while (event := self._waiting.get()) is not None:
            if can_show:
                can_show = self._show(event)
        if can_show:
            self._display.close()

    def _show(self, event: Told) -> bool:
        try:
            self._display.show(event)
        except (OSError, ValueError):  # whoever read it is gone, and the run goes on
            return False
        return True


class JsonLines:
    """An event per line, as JSON."""

    def __init__(self, clean: Callable[[str], str] = str) -> None:
        """Make one.

        :param clean: makes a document printable
        """
        self._clean = clean
        self._encoder = msgspec.json.Encoder()

    def show(self, event: Told) -> None:
        """Print it; the status, which repeats what is known, is passed over."""
        if event["event"] == "status":
            return
        sys.stdout.write(self._clean(self._encoder.encode(event).decode()) + "\n")
        sys.stdout.flush()

    def close(self) -> None:
        """There is nothing to leave."""
