"""What a session says: reports and prices, those that cannot be, and those that come too early."""

from functools import partial

from fillbridge.live.account import Account
from fillbridge.live.doubt import block_what_is_unknown, has_missed_fills
from fillbridge.live.inspection import Refusals, objection
from fillbridge.live.standing import Standing
from fillbridge_hooks import (
    BrokerMargin,
    Cancelled,
    Expired,
    Fill,
    InvalidValue,
    MarketMessage,
    Message,
    OutcomeUnknown,
    QuoteTick,
    Report,
    TradeTick,
)

_SUMS = Fill | Cancelled | Expired


class Hearing:
    """Takes what the broker of one account says."""

    def __init__(self, account: Account, standing: Standing) -> None:
        self._account = account
        self._standing = standing
        self._refusals = Refusals()

    def on_message(self, message: Message) -> None:
        """Take a report, or a price; what cannot be either is refused and alarmed."""
        account = self._account
        refused = objection(message)
        if refused is not None:
            self.refuse(refused)
            # Prices come again by themselves; of an order the broker must be asked.
            if not isinstance(message, MarketMessage):
                account.ask_soon()
        elif isinstance(message, TradeTick):
            account.on_trade(message)
        elif isinstance(message, QuoteTick):
            account.market.on_quote(message)
        elif isinstance(message, BrokerMargin):
            account.market.on_margin(message)
        elif not account.early.holds(partial(self._take, message)):
            self._take(message)

    def _take(self, report: Report) -> None:
        account = self._account
        with account.recorded():
            account.report(report)
            if isinstance(report, OutcomeUnknown):
                block_what_is_unknown(account)
            elif isinstance(report, _SUMS) and has_missed_fills(account.state, report):
                self._standing.miss(
                    f"a fill of {report.client_order_id} may not have been heard of"
                )

    def take_early(self) -> None:
        """Take what was held back."""
        for call in self._account.early.release():
            with self._account.guard():
                call()

    def refuse(self, refused: InvalidValue) -> None:
        """Alarm, but not again and again for what is sent again and again."""
        if self._refusals.is_news(refused, self._account.now_ns):
            with self._account.recorded():
                self._account.alarm(f"the broker sent what cannot be: {refused}")
