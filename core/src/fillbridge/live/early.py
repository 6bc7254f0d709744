"""Reports that come before the broker has said how things stand."""

from collections.abc import Iterator

from fillbridge_hooks import Report


class EarlyReports:
    """Holds back the reports on what an earlier run left, until it is compared with the broker.

    A fill of an order whose stop that run sent, and could not record, would have it sent again:
    how things stand comes first.

    :param is_waiting: whether there is anything that an earlier run left
    """

    def __init__(self, *, is_waiting: bool) -> None:
        self.is_waiting = is_waiting
        self._reports: list[Report] = []

    def holds(self, report: Report) -> bool:
        """Take a report over, if it is too early; whether it is."""
        if self.is_waiting:
            self._reports.append(report)
        return self.is_waiting

    def release(self) -> Iterator[Report]:
        """What was held back; nothing is any more."""
        self.is_waiting = False
        reports, self._reports = self._reports, []
        yield from reports
