"""The simulated broker as a house: accounts, one market for all of them, and its time."""

from collections.abc import Sequence
from typing import Protocol

from fillbridge_hooks import (
    NEVER,
    ConfigurationError,
    FatalError,
    Instrument,
    InvalidValue,
    QuoteTick,
    SlippageFunction,
    TradeTick,
)
from fillbridge_sim.live.account import Account
from fillbridge_sim.live.feed import Feed, open_feed
from fillbridge_sim.settings import SimulationSettings


class BrokerClock(Protocol):
    """What the broker needs of a ``LiveClock``."""

    @property
    def now_ns(self) -> int:
        """The time now, ns UTC."""

    async def sleep_until(self, time_ns: int) -> None:
        """Wait until the clock shows ``time_ns`` or later."""


class LiveBroker:
    """Keeps accounts, and lets each tick of its market meet the orders of all of them.

    It does nothing by itself: whoever uses it calls :meth:`advance` first, which makes up for
    everything between the last call and the clock's now, in order. Times are ns UTC of ``clock``
    and never go back. The market begins when an account is opened for the first time.
    """

    def __init__(
        self,
        settings: SimulationSettings,
        clock: BrokerClock,
        slippage: tuple[str, SlippageFunction] | None = None,
    ) -> None:
        self.clock = clock
        self.accounts: dict[str, Account] = {}
        self.instruments: dict[str, Instrument] = {}
        """What is traded here, by symbol."""
        self.failure = ""
        """Why the market has ended, where its data could not be read."""
        self._settings = settings
        self._slippage = slippage
        self._feed: Feed | None = None
        self._now_ns = clock.now_ns
        self._prefix = f"{clock.now_ns:x}-"

    def open_account(self, name: str, instruments: Sequence[Instrument]) -> Account:
        """The account of that name, which trades these instruments among others.

        :raises ConfigurationError: if there is no instrument, if one is traded here on other
            terms, or if the market cannot be opened
        """
        now_ns = self.advance()
        self._trade(instruments, now_ns)
        account = self.accounts.get(name)
        if account is None:
            prefix = f"{self._prefix}{len(self.accounts) + 1}-"
            account = Account(self._settings, self._slippage, now_ns, prefix)
            self.accounts[name] = account
        for instrument in self.instruments.values():
            account.open_market(instrument)
        return account

    def _trade(self, instruments: Sequence[Instrument], now_ns: int) -> None:
        if not instruments:
            raise ConfigurationError("instruments: expected at least one, was none")
        for instrument in instruments:
            known = self.instruments.get(instrument.symbol, instrument)
            if known != instrument:
                raise ConfigurationError(
                    f"{instrument.symbol}: expected the terms it is traded on here, {known}, was"
                    f" {instrument}"
                )
        if self._feed is None:
            self._feed = open_feed(self._settings.live, instruments, now_ns)
        for instrument in instruments:
            if instrument.symbol in self.instruments:
                continue
            if self.instruments:
                self._feed.add(instrument, now_ns)
            self.instruments[instrument.symbol] = instrument
            for account in self.accounts.values():
                account.open_market(instrument)

    # Time

    def advance(self) -> int:
        """Let everything happen up to now, in order; answers the time.

        Market data that cannot be read ends the market, see ``failure``.
        """
        now_ns = max(self._now_ns, self.clock.now_ns)
        while (feed := self._feed) is not None and feed.next_ns <= now_ns:
            self._take(feed, now_ns)
        self._now_ns = now_ns
        for account in self.accounts.values():
            account.advance_to(now_ns)
        return now_ns

    def pull(self) -> bool:
        """Let the next tick of a market that waits for its readers happen; whether one did."""
        feed = self._feed
        if feed is None or not feed.waits_for_reader:
            return False
        return self._take(feed, self._now_ns)

    @property
    def next_due_ns(self) -> int:
        """When something happens here next; ``NEVER`` if nothing does by itself."""
        due_ns = NEVER if self._feed is None else self._feed.next_ns
        for account in self.accounts.values():
            due_ns = min(due_ns, account.next_due_ns)
        return due_ns

    @property
    def is_over(self) -> bool:
        """Whether the market has ended, and everybody who is logged in has heard all of it."""
        is_ended = bool(self.failure) or (self._feed is not None and self._feed.is_over)
        return is_ended and not any(account.has_news for account in self.accounts.values())

    def _take(self, feed: Feed, now_ns: int) -> bool:
        try:
            tick = feed.take(now_ns)
        except FatalError as error:
            self.failure = str(error)
            self._feed = None
            return False
        if tick is not None:
            self._happen(tick)
        return tick is not None

    def _happen(self, tick: TradeTick | QuoteTick) -> None:
        for account in self.accounts.values():
            account.on_tick(tick)

    # By hand

    def trade(self, symbol: str, price: float, size: float = 1.0) -> int:
        """Let a trade happen now; answers the time.

        :raises InvalidValue: if nobody trades the symbol or the price is not on its grid
        """
        instrument = self._instrument(symbol)
        price = instrument.to_price(instrument.to_ticks(price, "price"))
        if not size >= 0:
            raise InvalidValue("size", "a number >= 0", size)
        now_ns = self.advance()
        self._happen(TradeTick(now_ns, price, size, symbol))
        return now_ns

    def quote(
        self, symbol: str, bid: float, ask: float, bid_size: float = 1.0, ask_size: float = 1.0
    ) -> int:
        """Let the best bid and offer be these from now on; answers the time.

        :raises InvalidValue: if nobody trades the symbol or a price is not on its grid
        """
        instrument = self._instrument(symbol)
        bid = instrument.to_price(instrument.to_ticks(bid, "bid"))
        ask = instrument.to_price(instrument.to_ticks(ask, "ask"))
        now_ns = self.advance()
        self._happen(QuoteTick(now_ns, bid, bid_size, ask, ask_size, symbol))
        return now_ns

    def _instrument(self, symbol: str) -> Instrument:
        try:
            return self.instruments[symbol]
        except KeyError:
            known = ", ".join(sorted(self.instruments)) or "none yet"
            raise InvalidValue("symbol", f"one that is traded here ({known})", symbol) from None
