"""Whether the kill switch got the account flat, by the broker's word; tried again, then alarmed."""

import logging

from fillbridge.engine.messages import CloseRequested
from fillbridge.live.account import Account
from fillbridge_hooks import ExitReason

_logger = logging.getLogger(__name__)

_MINUTE = 60_000_000_000


class Flattening:
    """Watches one account get flat."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self.is_flat = False
        """Whether the broker has said that it holds nothing since nothing was open here."""
        self._tries = 0
        self._next_ns: int | None = None
        self._theirs: dict[str, int] = {}

    def begin(self) -> None:
        """It was stopped: what follows is the first try."""
        self.is_flat = False
        self._tries = 0
        self._next_ns = None
        self._theirs = {}

    def look(self) -> None:
        """Try again, or call a person; time counts only while the broker can be reached."""
        account = self._account
        if not account.is_connected:
            self._next_ns = None
            return
        if account.state.trades:
            self.is_flat = False
        if self.is_flat:
            return
        if not account.state.trades:
            account.ask_soon()
        now = account.now_ns
        if self._next_ns is None:
            self._next_ns = now + account.rules.flatten_ns
            account.ask_soon()
            return
        if now < self._next_ns:
            return
        self._tries += 1
        is_over = self._tries > account.rules.flatten_tries
        self._next_ns = now + (_MINUTE if is_over else account.rules.flatten_ns)
        self._try_again()
        if is_over:
            message = f"the kill switch could not get flat: {self._what_is_open()}"
            _logger.critical("%s", message)
            account.alarm(message)
            account.note("kill.alarm", {"tries": self._tries, "open": self._what_is_open()})

    def _try_again(self) -> None:
        """Ask again for what may have been lost; what is on its way is left alone."""
        account = self._account
        for trade_id in tuple(account.state.trades):
            with account.guard():
                request = CloseRequested(trade_id, ExitReason.MANUAL_OVERRIDE, account.now_ns)
                account.shell.step(request)
        account.ask_soon()

    def see(self, held: dict[str, int], asked_ns: int) -> None:
        """The broker has said what it holds."""
        account = self._account
        self._theirs = {symbol: quantity for symbol, quantity in held.items() if quantity}
        if self.is_flat or account.state.trades or self._theirs:
            return
        ended = next(reversed(account.state.ended.values()), None)
        if ended is not None and asked_ns <= ended.ended_ns:
            account.ask_soon()
            return
        self.is_flat = True
        account.note("kill.flat", {"tries": self._tries + 1})
        _logger.warning("flat, as the broker says")

    def _what_is_open(self) -> str:
        ours = [
            f"{trade_id} holds {trade.held * trade.plan.direction.sign}"
            f" {trade.plan.instrument.symbol}"
            for trade_id, trade in self._account.state.trades.items()
        ]
        theirs = [f"the broker holds {held} {symbol}" for symbol, held in self._theirs.items()]
        return "; ".join((*ours, *theirs)) or "the broker has not confirmed it"
