"""What looks like an attack: recorded and alarmed, but not more often than a disk can bear."""

from collections import Counter

from fillbridge.live.account import Account

_SECOND = 1_000_000_000
_AT_ONCE = 20
_EACH_NS = 30 * _SECOND
_LONGEST = 64
NOTE = "security"
"""The kind of the journal's notes about it."""


class SecurityEvents:
    """Records each event, unless there were many: then how many there were.

    A flood adds one record in half a minute, whatever its size.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._left = _AT_ONCE
        self._counted_ns = account.now_ns
        self._untold: Counter[str] = Counter()

    def tell(self, what: str, **details: str | None) -> None:
        """Record and alarm an event, or count it.

        :param details: what came from outside: it is cut and escaped
        """
        account = self._account
        account.metrics.security_events += 1
        if not self._may_tell():
            self._untold[what] += 1
            return
        shown = {name: _shown(value) for name, value in details.items() if value is not None}
        account.note(NOTE, {"what": what, **shown, **self._told_late()})
        said = ", ".join(f"{name} {value}" for name, value in shown.items())
        account.alarm(f"security: {what}{f' ({said})' if said else ''}")

    def look(self) -> None:
        """Tell of what was only counted, once that may be told."""
        if self._untold and self._may_tell():
            untold = self._told_late()
            self._account.note(NOTE, {"what": "more of the same", **untold})
            self._account.alarm(f"security: {sum(untold['untold'].values())} more events")

    def _told_late(self) -> dict[str, dict[str, int]]:
        if not self._untold:
            return {}
        untold = dict(self._untold)
        self._untold.clear()
        return {"untold": untold}

    def _may_tell(self) -> bool:
        now_ns = self._account.now_ns
        gained = max(0, now_ns - self._counted_ns) // _EACH_NS
        if gained:
            self._left = min(_AT_ONCE, self._left + gained)
            self._counted_ns += gained * _EACH_NS
        if self._left == _AT_ONCE:
            self._counted_ns = max(self._counted_ns, now_ns)
        if not self._left:
            return False
        self._left -= 1
        return True


def _shown(value: str) -> str:
    cut = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}..."
    return cut.encode("unicode_escape").decode()
