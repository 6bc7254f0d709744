"""What is known of prices, and of what the broker lets the account do; and since when."""

from fillbridge_hooks import (
    AccountMargin,
    ArrivalPrice,
    BrokerMargin,
    Clock,
    Instrument,
    MarketView,
    PriceWatch,
    QuoteTick,
    TradeTick,
)


class LiveMarket:
    """Follows the prices of the symbols that are traded."""

    def __init__(self, clock: Clock) -> None:
        self.instruments: dict[str, Instrument] = {}
        """By symbol: what is traded."""
        self.connected_ns: int | None = None
        """When the session began that tells the prices, once there was one."""
        self._clock = clock
        self._watches: dict[str, PriceWatch] = {}
        self._margin: BrokerMargin | None = None

    @property
    def now_ns(self) -> int:
        """The time, ns UTC."""
        return self._clock.now_ns

    def open_market(self, instrument: Instrument) -> PriceWatch:
        """Follow ``instrument`` from now on; the watch is the same object at every call."""
        watch = self._watches.get(instrument.symbol)
        if watch is None:
            self.instruments[instrument.symbol] = instrument
            watch = self._watches[instrument.symbol] = PriceWatch()
        return watch

    def on_trade(self, trade: TradeTick) -> Instrument | None:
        """Take a trade; its instrument, ``None`` if nobody follows it."""
        watch = self._watches.get(trade.symbol)
        if watch is None:
            return None
        watch.last, watch.now = trade, trade.timestamp
        return self.instruments[trade.symbol]

    def on_quote(self, quote: QuoteTick) -> None:
        """Take a new best bid and offer."""
        watch = self._watches.get(quote.symbol)
        if watch is not None:
            watch.quote, watch.now = quote, quote.timestamp

    def on_margin(self, margin: BrokerMargin) -> None:
        """Take what the broker still lets the account do."""
        self._margin = margin

    def margin(self, symbol: str) -> AccountMargin | None:
        """What the account may still do in the symbol; ``None`` where that was never said."""
        said = self._margin
        if said is None:
            return None
        return AccountMargin(
            said.available,
            said.needed.get(symbol, 0.0),
            said.time_ns,
            said.max_order_quantity.get(symbol),
            said.loss_limit,
        )

    def view(self, symbol: str) -> MarketView:
        """What is known of the symbol now."""
        watch = self._watches[symbol]
        quote, last = watch.quote, watch.last
        bid, ask = (None, None) if quote is None else (quote.bid, quote.ask)
        price = size = None
        if isinstance(last, TradeTick):
            price, size = last.price, last.size
        quote_ns = None if quote is None else quote.timestamp
        return MarketView(
            symbol, None, bid, ask, price, size, self.now_ns, quote_ns, self.connected_ns
        )

    def last_price(self, symbol: str) -> float | None:
        """Of the last trade, points; ``None`` where there was none."""
        return self.view(symbol).last

    def arrival(self, symbol: str) -> ArrivalPrice | None:
        """The market as a trade that is decided now finds it; ``None`` where nothing is known."""
        view = self.view(symbol)
        if view.bid is None and view.last is None:
            return None
        return ArrivalPrice(view.bid, view.ask, view.last)
