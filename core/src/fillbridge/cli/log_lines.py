"""The log of a run as lines of JSON on standard error, written by a thread of its own."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from fillbridge.cli.printing import Printer
from fillbridge.escaping import printable_json
from fillbridge.logs import RedactionFilter
from fillbridge.times import to_datetime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

    from fillbridge.cli.printing import Told

_NANOSECONDS = 1_000_000_000


@contextmanager
def json_logs(redact: Callable[[str], str], level: str) -> Iterator[None]:
    """Write whatever anybody logs from that level on; nothing that logs waits for it."""
    # Imported here because it is slow to import, and few commands need it.
    import structlog

    printer = Printer(_Lines())
    handler = _ToPrinter(printer.tell)
    handler.addFilter(RedactionFilter(redact))
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                _add_time,
                _add_error,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level.upper())
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
        printer.close()


class _ToPrinter(logging.Handler):
    def __init__(self, tell: Callable[[Told], None]) -> None:
        super().__init__()
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        try:
            line = printable_json(self.format(record))
        except Exception:  # noqa: BLE001  # what cannot be written must not end what is done
            line = f'{{"level": "error", "event": "a record of {record.name!r} cannot be shown"}}'
        self._tell({"event": "log", "time_ns": round(record.created * _NANOSECONDS), "line": line})


class _Lines:
    """A line of the log per event."""

    def show(self, event: Told) -> None:
        """Print it."""
        line = event.get("line")
        if line is None:
            lost = f"{event['lines']} lines of the log were dropped"
            line = f'{{"event": "{lost}", "level": "warning", "logger": "fillbridge"}}'
        sys.stderr.write(line + "\n")
        sys.stderr.flush()

    def close(self) -> None:
        """There is nothing to leave."""


def _add_time(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    time = to_datetime(round(event["_record"].created * _NANOSECONDS))
    event["timestamp"] = time.isoformat().replace("+00:00", "Z")
    return event


def _add_error(
    logger: object, method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    text = event["_record"].exc_text
    if text:
        event["exception"] = text
    return event
